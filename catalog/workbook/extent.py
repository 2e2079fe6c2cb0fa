"""Refuses sheets that span more cells than could be read: a few bytes can claim billions of them."""

from __future__ import annotations

from catalog.product import CatalogError
from catalog.workbook.grid import MOST_CELLS
from catalog.workbook.messages import message


def refuse_more(cells: int, sheet: str, lang: str) -> None:
    """Raises CatalogError where a sheet's bounding box has more cells than the limit."""
    if cells > MOST_CELLS:
        raise CatalogError(message("too_many_cells", lang, sheet=sheet, cells=cells, limit=MOST_CELLS))
