"""Reads .xls of every age through xlrd: hidden rows, merged cells, number formats, undeclared code pages."""

from __future__ import annotations

import re
import struct
from datetime import datetime, time
from io import BytesIO, StringIO
from typing import Any

import olefile
import xlrd
from xlrd.compdoc import CompDocError

from catalog.workbook.encoding import code_page
from catalog.workbook.grid import ERROR, ERROR_CODES, Cell, Grid
from catalog.workbook.vocabulary import currency_of


def xls_grids(data: bytes) -> list[Grid]:
    """The worksheets of a BIFF book. Raises whatever xlrd or olefile raise on a damaged one."""
    try:
        book = _opened(data)
    except (CompDocError, IndexError, AssertionError, struct.error):
        # xlrd checks the whole compound file; the book's own stream may be sound where other parts are not.
        book = _opened(workbook_stream(data))
    formats = _Formats(book)
    return [_grid(sheet, book.datemode, formats) for sheet in book.sheets()]


def workbook_stream(data: bytes) -> bytes:
    """The stream of records inside the compound file. Raises ValueError where there is none, OSError for damage."""
    with olefile.OleFileIO(BytesIO(data)) as compound:
        for name in ("Workbook", "Book"):
            if compound.exists(name):
                return bytes(compound.openstream(name).read())
    raise ValueError("no workbook inside")


def _opened(data: bytes) -> Any:
    book = xlrd.open_workbook(file_contents=data, formatting_info=True, logfile=StringIO())
    if book.biff_version >= 80 or book.codepage:
        return book
    # BIFF5 without a code page record: xlrd falls back to Latin-1, which keeps the bytes to judge by.
    texts = [
        str(cell) for sheet in book.sheets() for row in range(min(sheet.nrows, 500)) for cell in sheet.row_values(row)
    ]
    page = code_page(" ".join(texts).encode("latin-1", "replace"))
    return xlrd.open_workbook(file_contents=data, formatting_info=True, logfile=StringIO(), encoding_override=page)


def _grid(sheet: Any, datemode: int, formats: _Formats) -> Grid:
    currencies: dict[tuple[int, int], str] = {}
    bold: set[tuple[int, int]] = set()
    rows: list[list[Cell]] = []
    for index in range(sheet.nrows):
        row: list[Cell] = []
        for column, (kind, value, look) in enumerate(
            zip(sheet.row_types(index), sheet.row_values(index), sheet._cell_xf_indexes[index], strict=True)
        ):
            match kind:
                case xlrd.XL_CELL_NUMBER:
                    money, digits = formats.of(look)
                    if money:
                        currencies[index, column] = money
                    row.append(f"{int(value):0{digits}d}" if digits and value >= 0 and value == int(value) else value)
                case xlrd.XL_CELL_DATE:
                    row.append(_date(value, datemode))
                case xlrd.XL_CELL_TEXT:
                    row.append(value)
                    if formats.bold(look):
                        bold.add((index, column))
                case xlrd.XL_CELL_BOOLEAN:
                    row.append(bool(value))
                case xlrd.XL_CELL_ERROR:
                    row.append(ERROR_CODES.get(value, ERROR))
                case _:
                    row.append(None)
        rows.append(row)
    folded = sheet.rowinfo_map.items()
    return Grid(
        name=_name(sheet.name),
        rows=rows,
        hidden=sheet.visibility != 0,
        hidden_rows=frozenset(index for index, info in folded if info.hidden and not info.outline_level),
        merged=tuple((top, left, bottom - 1, right - 1) for top, bottom, left, right in sheet.merged_cells),
        levels={index: info.outline_level for index, info in sheet.rowinfo_map.items() if info.outline_level},
        hidden_columns=frozenset(
            index for index, info in sheet.colinfo_map.items() if info.hidden and not info.outline_level
        ),
        currencies=currencies,
        bold=frozenset(bold),
    )


def _name(name: str) -> str:
    """Some writers put UTF-8 into old books; read as a code page it gives pairs like "РџСЂ"."""
    try:
        return name.encode("cp1251").decode("utf-8") if not name.isascii() else name
    except UnicodeError:
        return name


def _date(value: float, datemode: int) -> Cell:
    try:
        moment = xlrd.xldate_as_tuple(value, datemode)
    except xlrd.XLDateError:
        return value
    return datetime(*moment) if moment[0] else time(*moment[3:])  # noqa: DTZ001 - a sheet's dates have no zone


class _Formats:
    """What the styles of a book say: a currency, leading zeros that the stored number lacks, bold type."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._known: dict[int, tuple[str, int]] = {}
        self._bold: dict[int, bool] = {}

    def of(self, look: int) -> tuple[str, int]:
        if look not in self._known:
            key = self._book.xf_list[look].format_key if look < len(self._book.xf_list) else 0
            pattern = self._book.format_map[key].format_str if key in self._book.format_map else ""
            self._known[look] = format_says(pattern)
        return self._known[look]

    def bold(self, look: int) -> bool:
        """Whether a cell style is in bold type."""
        if look not in self._bold:
            font = self._book.xf_list[look].font_index if look < len(self._book.xf_list) else 0
            self._bold[look] = font < len(self._book.font_list) and self._book.font_list[font].weight >= 600
        return self._bold[look]


def format_says(pattern: str) -> tuple[str, int]:
    """The currency and the leading zeros that a number format shows: '0.00" грн"' is ("UAH", 0), '00000' is ("", 5)."""
    first = re.sub(r"[_*].", "", pattern.split(";")[0])  # "_р" is a blank as wide as that letter
    digits = len(first) if re.fullmatch(r"0{2,20}", first) else 0
    quoted = " ".join(a or b for a, b in re.findall(r'"([^"]*)"|\[\$([^\]-]*)', first))
    outside = re.sub(r'"[^"]*"|\[[^\]]*\]', " ", first)
    signs = "".join(sign if sign in "$€£¥₽₴₸₹" or (sign.isalpha() and not sign.isascii()) else " " for sign in outside)
    return currency_of(f"{quoted} {signs}"), digits
