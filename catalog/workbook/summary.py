"""Puts a book as read into plain values: what a dry run shows of its sheets, columns, products and problems."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from catalog.product import Problem, Product
from catalog.workbook.grid import letter

if TYPE_CHECKING:
    from catalog.workbook.book import Book, Sheet


def summary(book: Book, *, sample: int, problems: int) -> dict[str, Any]:
    """JSON-ready values; the first `sample` products and the first `problems` problems."""
    return {
        "file": book.file,
        "kind": book.kind,
        "rows": book.rows,
        "products": len(book.products),
        "parity": book.parity,
        "sheets": [_sheet_summary(sheet) for sheet in book.sheets],
        "sample": [_product_summary(product) for product in book.products[:sample]],
        "problems": [_problem_summary(problem) for problem in book.problems[:problems]],
        "problems_total": len(book.problems),
    }


def _sheet_summary(sheet: Sheet) -> dict[str, Any]:
    return {
        "name": sheet.name,
        "hidden": sheet.hidden,
        "rows": sheet.rows,
        "header_rows": list(sheet.header_rows),
        "fingerprint": sheet.fingerprint,
        "tables": len(sheet.tables),
        "mapping": [
            {
                "column": letter(c.index),
                "label": c.title,
                "field": c.field,
                "confidence": c.confidence,
                "examples": list(c.examples),
            }
            for c in sheet.columns
        ],
        "counts": dict(sheet.counts),
    }


def _product_summary(product: Product) -> dict[str, Any]:
    def plain(value: Decimal | None) -> str | None:
        return None if value is None else format(value, "f")

    return {
        "sku": product.sku,
        "name": product.name,
        "category": product.category,
        "brand": product.brand,
        "price": plain(product.price),
        "currency": product.currency,
        "stock": plain(product.stock),
        "unit": product.unit,
        "attributes": {a.name: a.text for a in product.attributes},
        "inner": {a.name: a.text for a in product.inner},
        "row": product.row,
    }


def _problem_summary(problem: Problem) -> dict[str, Any]:
    return {
        "sheet": problem.sheet,
        "row": problem.row,
        "column": problem.column,
        "message": problem.message,
        "lost": problem.lost,
    }
