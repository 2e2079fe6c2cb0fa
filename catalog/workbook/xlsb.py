"""Reads from an .xlsb what the fast reader leaves out: hidden rows and columns, outlines, merged cells ([MS-XLSB])."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator
from io import BytesIO

from catalog.workbook.extent import refuse_more
from catalog.workbook.grid import ERROR, ERROR_CODES
from catalog.workbook.xlsx import Looks, part_text, relations

_ROW, _FIRST_CELL, _LAST_CELL = 0, 1, 11  # BrtRowHdr; BrtCellBlank to BrtFmlaError
_ERRORS = (3, 11)  # BrtCellError, BrtFmlaError: the code follows the place and the style of the cell
_COLUMNS, _SHEET, _MERGED = 60, 156, 176  # BrtColInfo, BrtBundleSh, BrtMergeCell
_FOLDED_ROW, _HIDDEN_ROW = 0x07, 0x10  # of the second byte of a row's flags: outline level, hidden
_WIDEST = 16_384  # columns of a sheet


def xlsb_looks(data: bytes, *, lang: str = "en") -> dict[str, Looks]:
    """What each sheet hides, merges and folds, by its name. Raises CatalogError where a sheet spans too many cells."""
    with zipfile.ZipFile(BytesIO(data)) as book:
        parts = {info.filename.lstrip("/").replace("\\", "/"): info for info in book.infolist()}
    workbook = next((name for name in parts if name.lower() == "xl/workbook.bin"), "")
    if not workbook:
        return {}
    targets = relations(data, parts, workbook)
    names = dict(_sheets(part_text(data, parts[workbook])))
    return {
        name: _look(part_text(data, parts[part]), name, lang)
        for key, name in names.items()
        if (part := targets.get(key, "")) in parts
    }


def _look(part: bytes, name: str, lang: str) -> Looks:
    hidden_rows, hidden_columns = set[int](), set[int]()
    levels: dict[int, int] = {}
    errors: dict[tuple[int, int], str] = {}
    merged: list[tuple[int, int, int, int]] = []
    row = right = 0
    for kind, content in _records(part):
        if kind == _ROW and len(content) >= 12:
            row = int.from_bytes(content[:4], "little")
            if level := content[11] & _FOLDED_ROW:
                levels[row] = level
            elif content[11] & _HIDDEN_ROW:
                hidden_rows.add(row)
        elif _FIRST_CELL <= kind <= _LAST_CELL and len(content) >= 4:
            right = max(right, int.from_bytes(content[:4], "little") + 1)
            if kind in _ERRORS and len(content) > 8:
                errors[row, int.from_bytes(content[:4], "little")] = ERROR_CODES.get(content[8], ERROR)
        elif kind == _COLUMNS and len(content) >= 18:
            first, last, flags = (*struct.unpack_from("<II", content), int.from_bytes(content[16:18], "little"))
            if flags & 1 and not flags >> 8 & 7:
                hidden_columns.update(range(first, min(last + 1, _WIDEST)))
        elif kind == _MERGED and len(content) >= 16:
            top, bottom, left, end = struct.unpack_from("<4I", content)
            merged.append((top, left, bottom, end))
    refuse_more((row + 1) * right, name, lang)
    return Looks(
        hidden_rows=frozenset(hidden_rows),
        hidden_columns=frozenset(hidden_columns),
        levels=levels,
        errors=errors,
        merged=tuple(merged),
    )


def _sheets(part: bytes) -> Iterator[tuple[str, str]]:
    """The relation and the name of each sheet."""
    for kind, content in _records(part):
        if kind == _SHEET:
            key, end = _wide(content, 8)
            yield key, _wide(content, end)[0]


def _wide(content: bytes, start: int) -> tuple[str, int]:
    """An XLWideString: its number of UTF-16 units in four bytes, then the units. Gives the text and where it ends."""
    end = start + 4 + 2 * int.from_bytes(content[start : start + 4], "little")
    return content[start + 4 : end].decode("utf-16-le", "replace"), end


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
