"""Any table as a workbook to download: text is text, also where it begins like a formula."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties

LINE = 15  # points
LONGEST = 32_000  # characters of a cell; a spreadsheet takes 32,767


def rows_book(
    headings: Sequence[str], rows: Iterable[Sequence[object]], *, widths: Sequence[int] = (), wrapped: int = -1
) -> bytes:
    """The contents of an .xlsx with one sheet; `widths` in characters, of the first columns.

    The texts of the column `wrapped` (from 0) are broken into lines, so that whole sentences can be read.
    """
    book = Workbook(write_only=True)
    page = book.create_sheet()
    for at, width in enumerate(widths, 1):
        page.column_dimensions[get_column_letter(at)].width = width
    page.freeze_panes = "A2"
    page.page_setup.orientation, page.page_setup.fitToHeight = "landscape", 0  # printed, it is one page wide
    page.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    page.append([_cell(page, heading, Font(bold=True)) for heading in headings])
    for number, row in enumerate(rows, 2):
        cells = [_cell(page, value) for value in row]
        if 0 <= wrapped < len(cells):
            for cell in cells:
                cell.alignment = Alignment(vertical="top")
            cells[wrapped].alignment = Alignment(vertical="top", wrap_text=True)
            lines = -(-len(str(row[wrapped])) // widths[wrapped])  # not every program works a row's height out itself
            page.row_dimensions[number].height = LINE * max(1, lines)
        page.append(cells)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _cell(page: Any, value: object, font: Font | None = None) -> Any:
    """Text stays text, also when somebody edits it later."""
    if not isinstance(value, str):
        return WriteOnlyCell(page, value)
    text = ILLEGAL_CHARACTERS_RE.sub("", value)[:LONGEST]
    cell = WriteOnlyCell(page)
    cell.value = text
    cell.data_type = "s"
    cell.quotePrefix = text.startswith(("=", "+", "-", "@", "\t", "\r"))
    if font is not None:
        cell.font = font
    return cell
