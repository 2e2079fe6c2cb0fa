"""Reads any price list into products and named problems; no row is lost in silence."""

from catalog.workbook.book import Book, Sheet, read
from catalog.workbook.columns import Column, fingerprint
from catalog.workbook.messages import message
from catalog.workbook.values import quantity

__all__ = ["Book", "Column", "Sheet", "fingerprint", "message", "quantity", "read"]
