"""Reads from an .ods what the fast reader leaves out, and refuses sheets whose repeated cells would fill the memory."""

from __future__ import annotations

import re
import zipfile
from html import unescape
from io import BytesIO

from catalog.workbook.extent import refuse_more
from catalog.workbook.grid import ERROR
from catalog.workbook.sniff import unpacked
from catalog.workbook.vocabulary import currency_of
from catalog.workbook.xlsx import Looks, whole_tags

_TAGS = re.compile(
    rb"<(/?)table:(table|table-(?:row|column)-group|table-row|table-column|table-cell|covered-table-cell)"
    rb"(?=[\s>/])([^>]*?)(/?)>"
)
_NAME = re.compile(rb'table:name="([^"]*)"')
_REPEATED = re.compile(rb'number-(?:rows|columns)-repeated="(\d{1,12})"')
_SPANNED = re.compile(rb'number-(rows|columns)-spanned="(\d{1,6})"')
_CURRENCY = re.compile(rb'office:currency="([^"]{1,8})"')
_HIDDEN = re.compile(rb'visibility="(?:collapse|filter)"')
_MOST = 100_000  # hidden rows of one tag that are kept in mind; empty sheets hide a million below their end


def ods_looks(data: bytes, *, lang: str = "en") -> dict[str, Looks]:
    """What each sheet hides, merges and folds, by its name. Raises CatalogError where a sheet spans too many cells."""
    with zipfile.ZipFile(BytesIO(data)) as book:
        info = book.getinfo("content.xml")
    sheets: dict[str, _Sheet] = {}
    sheet = _Sheet("")
    for text in whole_tags(unpacked(data, info)):
        for closing, tag, attributes, empty in _TAGS.findall(text):
            if tag == b"table":
                if not closing:
                    found = _NAME.search(attributes)
                    name = unescape(found[1].decode("utf-8", "replace")) if found else ""
                    sheet = sheets[name] = _Sheet(name)
            else:
                sheet.take(tag, attributes, closes=bool(closing), empty=bool(empty))
                refuse_more(sheet.cells, sheet.name, lang)
    return {name: sheet.looks() for name, sheet in sheets.items()}


class _Sheet:
    """One sheet while its tags go by. Rows and columns that are folded into an outline do not count as hidden."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.cells = 0  # of the box that its filled cells span
        self.hidden_rows: set[int] = set()
        self.hidden_columns: set[int] = set()
        self.levels: dict[int, int] = {}
        self.currencies: dict[tuple[int, int], str] = {}
        self.errors: dict[tuple[int, int], str] = {}
        self.merged: list[tuple[int, int, int, int]] = []
        self._depth = {b"table-row-group": 0, b"table-column-group": 0}
        self._row = self._rows = self._column = self._width = self._filled = 0

    def take(self, tag: bytes, attributes: bytes, *, closes: bool, empty: bool) -> None:
        """One tag, in the order of the file."""
        found = _REPEATED.search(attributes)
        many = int(found[1]) if found else 1
        if tag in self._depth:
            self._depth[tag] += -1 if closes else 0 if empty else 1
        elif tag == b"table-column":
            if _HIDDEN.search(attributes) and not self._depth[b"table-column-group"]:
                self.hidden_columns.update(range(self._column, self._column + min(many, 16_384)))
            self._column += many
        elif tag == b"table-row":
            if not closes:
                self._start_row(attributes, many)
            if closes or empty:
                self.cells += self._rows * self._filled
                self._row += self._rows
        elif not closes:
            self._cell(attributes, many, filled=not empty or b"office:value" in attributes)

    def looks(self) -> Looks:
        """What was seen."""
        return Looks(
            hidden_rows=frozenset(self.hidden_rows),
            hidden_columns=frozenset(self.hidden_columns),
            levels=self.levels,
            currencies=self.currencies,
            errors=self.errors,
            merged=tuple(self.merged),
        )

    def _start_row(self, attributes: bytes, many: int) -> None:
        self._rows, self._width, self._filled = many, 0, 0
        if depth := self._depth[b"table-row-group"]:
            self.levels.update(dict.fromkeys(range(self._row, self._row + min(many, _MOST)), depth))
        elif _HIDDEN.search(attributes):
            self.hidden_rows.update(range(self._row, self._row + min(many, _MOST)))

    def _cell(self, attributes: bytes, many: int, *, filled: bool) -> None:
        place = (self._row, self._width)
        self._width += many
        if filled:
            self._filled = self._width
        if b"-spanned=" in attributes:
            spans = {key: int(value) for key, value in _SPANNED.findall(attributes)}
            down, across = max(spans.get(b"rows", 1), 1), max(spans.get(b"columns", 1), 1)
            self.merged.append((*place, place[0] + down - 1, place[1] + across - 1))
        if many == 1 and b'value-type="error"' in attributes:
            self.errors[place] = ERROR
        if many == 1 and (found := _CURRENCY.search(attributes)):
            self.currencies[place] = currency_of(found[1].decode("ascii", "replace"))
