"""Measures .ods and .xlsb sheets before they are read: a few bytes can claim billions of cells."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from html import unescape
from io import BytesIO

from catalog.product import CatalogError
from catalog.workbook.grid import MOST_CELLS
from catalog.workbook.messages import message
from catalog.workbook.sniff import unpacked
from catalog.workbook.xlsx import Looks, whole_tags

_ODS = re.compile(rb"<(/?)table:(table|table-row|table-cell|covered-table-cell)(?=[\s>/])([^>]*?)(/?)>")
_NAME = re.compile(rb'table:name="([^"]*)"')
_REPEATED = re.compile(rb'number-(?:rows|columns)-repeated="(\d{1,12})"')
_ROW_HEADER, _FIRST_CELL, _LAST_CELL = (
    0,
    1,
    11,
)  # record numbers of [MS-XLSB] 2.3.1: BrtRowHdr, BrtCellBlank to BrtFmlaError


def ods_looks(data: bytes, *, lang: str = "en") -> dict[str, Looks]:
    """The hidden rows of each sheet of an .ods. Raises CatalogError where repeated cells would fill the memory."""
    with zipfile.ZipFile(BytesIO(data)) as book:
        info = book.getinfo("content.xml")
    hidden: dict[str, set[int]] = {}
    name, row, repeat, width, filled, cells = "", 0, 1, 0, 0, 0
    for text in whole_tags(unpacked(data, info)):
        for closing, tag, attributes, empty in _ODS.findall(text):
            many = int(found[1]) if (found := _REPEATED.search(attributes)) else 1
            if tag == b"table" and not closing:
                found = _NAME.search(attributes)
                name, row, cells = unescape(found[1].decode("utf-8", "replace")) if found else "", 0, 0
                hidden[name] = set()
            elif tag == b"table-row" and not closing:
                repeat, width, filled = many, 0, 0
                if b'visibility="collapse"' in attributes or b'visibility="filter"' in attributes:
                    hidden[name].update(range(row, row + min(repeat, 100_000)))
            elif tag in {b"table-cell", b"covered-table-cell"} and not closing:
                width += many
                filled = filled if empty and b"office:value" not in attributes else width
            if tag == b"table-row" and (closing or empty):
                row += repeat
                cells += repeat * filled
                _refuse_more(cells, name, lang)
    return {sheet: Looks(hidden_rows=frozenset(rows)) for sheet, rows in hidden.items()}


def refuse_vast_xlsb(data: bytes, *, lang: str = "en") -> None:
    """Raises CatalogError where a sheet of an .xlsb spans more cells than could be read."""
    with zipfile.ZipFile(BytesIO(data)) as book:
        infos = [info for info in book.infolist() if re.search(r"worksheets/[^/]+\.bin$", info.filename)]
    for info in infos:
        row = right = 0
        for kind, content in _records(b"".join(unpacked(data, info))):
            if kind == _ROW_HEADER and len(content) >= 4:
                row = int.from_bytes(content[:4], "little") + 1
            elif _FIRST_CELL <= kind <= _LAST_CELL and len(content) >= 4:
                right = max(right, int.from_bytes(content[:4], "little") + 1)
        _refuse_more(row * right, info.filename.rpartition("/")[2], lang)


def _records(part: bytes) -> Iterator[tuple[int, bytes]]:
    """The records of a BIFF12 part: a number of one or two bytes, a length of one to four, the content."""
    place = 0
    while place < len(part):
        kind = part[place]
        place += 1
        if kind & 0x80 and place < len(part):
            kind = (kind & 0x7F) | (part[place] & 0x7F) << 7
            place += 1
        length = 0
        for shift in range(0, 28, 7):
            if place >= len(part):
                return
            byte = part[place]
            place += 1
            length |= (byte & 0x7F) << shift
            if not byte & 0x80:
                break
        yield kind, part[place : place + length]
        place += length


def _refuse_more(cells: int, sheet: str, lang: str) -> None:
    if cells > MOST_CELLS:
        raise CatalogError(message("too_many_cells", lang, sheet=sheet, cells=cells, limit=MOST_CELLS))
