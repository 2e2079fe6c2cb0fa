"""A sheet as every reader hands it over: rows of plain cells, and what the file says about their look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

Cell = str | int | float | bool | date | datetime | time | timedelta | None

ERROR = "#ERROR!"  # an error of a formula whose kind the file does not tell
ERRORS = frozenset({
    "#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#GETTING_DATA", "#SPILL!", "#CALC!", ERROR,
    "#Н/Д", "#ССЫЛКА!", "#ЗНАЧ!", "#ДЕЛ/0!", "#ИМЯ?", "#ЧИСЛО!", "#ПУСТО!",
})  # fmt: skip
ERROR_CODES = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}

MOST_CELLS = 20_000_000  # of one sheet's bounding box; a million rows of twenty columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """One sheet. `rows[i]` is what a spreadsheet calls row i + 1; rows may be ragged, empty cells are None or ""."""

    name: str
    rows: list[list[Cell]]
    hidden: bool = False
    hidden_rows: frozenset[int] = frozenset()  # 0-based; rows folded into an outline do not count as hidden
    merged: tuple[tuple[int, int, int, int], ...] = ()  # top, left, bottom, right, 0-based, inclusive
    currencies: Mapping[tuple[int, int], str] = field(default_factory=dict)  # ISO code a cell's number format shows
    levels: Mapping[int, int] = field(default_factory=dict)  # a row's depth in the outline, where it has one
    hidden_columns: frozenset[int] = frozenset()  # 0-based
    bold: frozenset[tuple[int, int]] = frozenset()  # cells in bold type, where the file tells
    feed: bool = False  # each row below the first is an offer, none a heading or a sum
    remarks: tuple[tuple[str, Mapping[str, object]], ...] = ()  # messages that the reader leaves, with their values
    failure: str = ""  # why the sheet could not be read, empty when it was


def is_empty(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip(BLANKS))


LARGEST = 1e22  # of a whole number that is written out: codes have up to twenty digits
BLANKS = " \t\r\n\u00a0\u2007\u202f\u200b\ufeff"


def written(cell: Cell) -> str:
    """A cell as a person reads it: whole numbers without a point, blanks squeezed, dates as ISO."""
    if isinstance(cell, str):
        if not cell.isascii():
            cell = cell.replace("\u200b", "").replace("\ufeff", "")
        return " ".join(cell.split())
    match cell:
        case None:
            return ""
        case bool():
            return "+" if cell else "-"
        case int():
            return str(cell)
        case float():
            return str(int(cell)) if cell.is_integer() and abs(cell) < LARGEST else format(cell, ".10g")
        case datetime() if (cell.hour, cell.minute, cell.second) == (0, 0, 0):
            return cell.date().isoformat()
        case datetime() | date() | time():
            return cell.isoformat()
    return str(cell)


def letter(column: int) -> str:
    """The spreadsheet's name of a 0-based column: 0 is A, 26 is AA."""
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name
