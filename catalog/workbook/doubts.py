"""Names what spreadsheet programs do to codes and sizes unasked: dates made of fractions, lost digits, lost zeros."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime

from catalog.product import Problem
from catalog.workbook.columns import Column
from catalog.workbook.grid import Cell, Grid, is_empty, written
from catalog.workbook.layout import Table
from catalog.workbook.messages import message

_POWERS = re.compile(r"\d[.,]\d+[EeЕе]\+?\d{2}")
_DIGITS = 1e15  # from here on a spreadsheet's number has lost its last digits
_DATED = re.compile(
    r"дат|срок|date|datum|day|valid|год|year|действ|обновл|поступ|fecha|күн|sana|日期|rok", re.IGNORECASE
)
_ENOUGH = 3  # codes with zeros before them that make a habit


def doubts(grid: Grid, table: Table, rows: Sequence[int], lang: str) -> Iterator[Problem]:
    """One problem for each doubtful cell of these rows (0-based), and one for a column whose codes lack zeros."""
    for column in table.columns:
        at = column.index
        cells = {
            row: grid.rows[row][at] for row in rows if at < len(grid.rows[row]) and not is_empty(grid.rows[row][at])
        }
        said = [*_dates(column, cells), *(_codes(column, cells) if column.field in {"sku", "barcode"} else ())]
        for row, id, values in said:
            words = message(id, lang, **values)
            yield Problem(message=words, sheet=grid.name, row=row + 1, column=column.title, lost=False)


_Said = Iterator[tuple[int, str, Mapping[str, object]]]


def _dates(column: Column, cells: Mapping[int, Cell]) -> _Said:
    """Dates among codes and names, and few dates among sizes: "3/4" that became the 3rd of April."""
    dates = {row: cell for row, cell in cells.items() if isinstance(cell, date)}  # a datetime is a date
    meant = column.field not in {"sku", "name"} and (len(dates) * 2 >= len(cells) or _DATED.search(column.label))
    if meant or column.field in {"", "price", "inner"}:
        return
    for row, moment in dates.items():
        if isinstance(moment, datetime) and (moment.hour or moment.minute or moment.second):
            continue
        other = f"{moment.month}/{moment.year % 100:02d}" if moment.day == 1 else f"{moment.month}/{moment.day}"
        yield row, "date_of_size", {"value": written(moment), "one": f"{moment.day}/{moment.month}", "other": other}


def _codes(column: Column, cells: Mapping[int, Cell]) -> _Said:
    for row, cell in cells.items():
        powers = isinstance(cell, str) and _POWERS.fullmatch(cell.strip())
        if powers or (isinstance(cell, (int, float)) and abs(cell) >= _DIGITS):
            yield row, "code_in_powers", {"value": written(cell)}
    if column.field != "sku":
        return
    zeros = Counter(
        len(cell) for cell in cells.values() if isinstance(cell, str) and cell.isdecimal() and cell[0] == "0"
    )
    if not zeros or (habit := zeros.most_common(1)[0])[1] < max(_ENOUGH, zeros.total() / 2):
        return
    short = {
        row: written(cell)
        for row, cell in cells.items()
        if isinstance(cell, (int, float)) and not isinstance(cell, bool) and 0 <= cell < 10 ** (habit[0] - 1)
    }
    if short:
        some = ", ".join([*short.values()][:3])
        yield min(short), "codes_without_zeros", {"count": len(short), "width": habit[0], "examples": some}
