"""A quotation as a workbook to calculate with: figures are figures, and no text is ever a formula."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import Cell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.worksheet.worksheet import Worksheet

from appliance.core.quote import Quote
from appliance.paper.sheet import COLUMNS, Letterhead, Sheet

WIDTHS = (5, 18, 56, 11, 9, 16, 18)
MONEY, COUNT = "#,##0.00##", "#,##0.###"
SHADE = PatternFill("solid", fgColor="E8ECF1")
RULE = Border(bottom=Side(style="thin", color="B8C0CA"))
PLAIN, BOLD, LARGE = (
    Font(name="Calibri", size=size, bold=bold) for size, bold in ((11, False), (11, True), (16, True))
)
ROW, HEAD = 15.5, 24.0  # points: of a line of text, of the title


def xlsx(quote: Quote, head: Letterhead) -> bytes:
    """The workbook's contents: one sheet that prints on A4."""
    sheet = Sheet(quote, head)
    book = Workbook()
    page: Worksheet = book.active
    page.title = sheet.say("sheet")
    for column, width in zip("ABCDEFG", WIDTHS, strict=True):
        page.column_dimensions[column].width = width
    row = _above(page, sheet)
    page.freeze_panes = f"A{row + 1}"
    page.print_title_rows = f"{row}:{row}"
    row = _lines(page, sheet, row)
    _below(page, sheet, row + 1)
    page.page_setup.paperSize = page.PAPERSIZE_A4
    page.page_setup.fitToHeight = 0
    page.sheet_properties.pageSetUpPr.fitToPage = True
    book.properties.title, book.properties.creator = sheet.title, head.company or "Counterman"
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _above(page: Worksheet, sheet: Sheet) -> int:
    """Who, what and when; gives the row of the columns' names."""
    row = 1
    if sheet.head.company:
        put(page, row, 1, sheet.head.company, font=BOLD)
        row += 1
    put(page, row, 1, sheet.title, font=LARGE)
    page.row_dimensions[row].height = HEAD
    row += 1
    for label, text in sheet.facts:
        put(page, row, 1, label)
        put(page, row, 3, text, font=BOLD)
        row += 1
    return row + 1


def _lines(page: Worksheet, sheet: Sheet, row: int) -> int:
    """The lines and the totals; gives the first row below them."""
    for at, heading in enumerate(sheet.headings, 1):
        cell = put(page, row, at, heading, font=BOLD)
        cell.fill, cell.alignment = SHADE, _beside(at)
    for place, line in enumerate(sheet.quote.lines, 1):
        row += 1
        price: object = sheet.say("on_request") if line.price is None else line.price
        page.row_dimensions[row].height = ROW * max(_rows(line.sku, WIDTHS[1]), _rows(line.name, WIDTHS[2]))
        values = (place, line.sku, line.name, line.quantity, line.unit, price, line.amount)
        for at, value in enumerate(values, 1):
            cell = put(page, row, at, value)
            cell.border, cell.alignment = RULE, _beside(at)
            if isinstance(value, Decimal):
                cell.number_format = COUNT if at == 4 else _money(sheet, line.currency)
    for currency, total in sheet.quote.totals:
        row += 1
        put(page, row, 6, f"{sheet.say('total')}, {currency}".rstrip(", "), font=BOLD).alignment = _beside(6)
        sum_ = put(page, row, 7, total, font=BOLD)
        sum_.number_format, sum_.alignment = MONEY, _beside(7)
    return row + 1


def _below(page: Worksheet, sheet: Sheet, row: int) -> None:
    for note in filter(None, (*sheet.notes, sheet.contact)):
        put(page, row, 1, note)
        row += 1


def put(page: Worksheet, row: int, column: int, value: Any, *, font: Font | None = None) -> Cell:
    """A value in its cell. Text stays text, also where it begins like a formula, and when somebody edits it later."""
    cell: Cell = page.cell(row, column)
    if isinstance(value, str):
        value = ILLEGAL_CHARACTERS_RE.sub("", value)
        cell.value = value
        cell.data_type = "s"
        cell.quotePrefix = value.startswith(("=", "+", "-", "@", "\t", "\r"))
    else:
        cell.value = value
    cell.font = font or PLAIN
    return cell


def _rows(text: str, width: int) -> int:
    """Rows that a wrapped text takes: not every program grows them by itself."""
    return max(1, math.ceil(len(text) / (width - 2)))


def _beside(column: int) -> Alignment:
    numbers: Sequence[str] = ("quantity", "price", "amount")
    side = "right" if COLUMNS[column - 1] in numbers else "left"
    return Alignment(horizontal=side, vertical="top", wrap_text=True)


def _money(sheet: Sheet, currency: str) -> str:
    """A line of several currencies says which is its own."""
    return MONEY if len(sheet.quote.totals) < 2 or not currency else f'{MONEY} "{currency}"'
