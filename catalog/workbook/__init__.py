"""Reads any price list into products and named problems; no row is lost in silence."""

from catalog.workbook.book import Book, Sheet, read
from catalog.workbook.columns import FIELDS, Column
from catalog.workbook.layouts import Layout, Layouts, fingerprint
from catalog.workbook.messages import message
from catalog.workbook.values import quantity

__all__ = ["FIELDS", "Book", "Column", "Layout", "Layouts", "Sheet", "fingerprint", "message", "quantity", "read"]
