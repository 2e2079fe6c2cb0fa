"""Finds the pictures that lie on the rows of an .xls, in the drawings that its workbook stream carries in pieces.

The records are those of [MS-XLS] 2.3 (BoundSheet8, MsoDrawingGroup, MsoDrawing, Continue) and [MS-ODRAW] 2.2
(OfficeArtBStoreContainerBlock, OfficeArtSpContainer, the pib property, OfficeArtClientAnchorSheet).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from catalog.workbook.oldxls import workbook_stream
from catalog.workbook.picture import LARGEST, Picture, rows_between

_BOF, _EOF, _SHEET, _GROUP, _DRAWING, _CONTINUE = 0x0809, 0x000A, 0x0085, 0x00EB, 0x00EC, 0x003C
_STORED, _SHAPE, _OPTIONS, _ANCHOR = 0xF007, 0xF004, 0xF00B, 0xF010
_CONTAINER = 0xF  # the version nibble of a record that holds records
_PIB = 0x0104  # the property that names a shape's picture, counted from 1
_JPEG, _PNG, _DIB, _JPEG_CMYK = 0xF01D, 0xF01E, 0xF01F, 0xF02A
_SUFFIXES = {_JPEG: ".jpg", _JPEG_CMYK: ".jpg", _PNG: ".png", _DIB: ".bmp"}
_TWO_HASHES = frozenset({0x46B, 0x6E3, 0x6E1, 0x7A9})  # instances whose header has a second hash of 16 bytes
_DEEPEST = 8  # containers within containers; real ones have four


@dataclass(frozen=True, slots=True)
class _Record:
    kind: int
    instance: int
    body: memoryview
    holds: bool


def xls_pictures(data: bytes) -> tuple[Picture, ...]:
    """The pictures of an .xls, sheet by sheet; none for a drawing that cannot be understood."""
    try:
        stream = workbook_stream(data)
        stored = {number: len(content) for number, (_, content) in _blips(stream).items()}
        suffixes = {number: suffix for number, (suffix, _) in _blips(stream).items()}
        return tuple(
            Picture(sheet=sheet, rows=rows, part=f"{number}{suffixes[number]}", size=stored[number])
            for sheet, number, rows in _placed(stream)
            if number in stored
        )
    except (ValueError, OSError, struct.error, IndexError):
        return ()


def xls_contents(data: bytes) -> Mapping[str, bytes]:
    """The bytes of each picture by `Picture.part`."""
    return {f"{number}{suffix}": bytes(content) for number, (suffix, content) in _blips(workbook_stream(data)).items()}


def _blips(stream: bytes) -> dict[int, tuple[str, bytes]]:
    """Suffix and bytes of the book's pictures by their number, from 1."""
    group = b"".join(body for kind, body in _joined(stream, 0) if kind == _GROUP)
    found = {}
    for number, record in enumerate(_all(memoryview(group), _STORED), start=1):
        skip = 36 + record.body[33]  # the entry's own fields and its name
        for blip in _records(record.body[skip:]):
            content = _content(blip)
            if content and len(content) <= LARGEST:
                found[number] = (_SUFFIXES[blip.kind], content)
    return found


def _content(blip: _Record) -> bytes:
    if blip.kind not in _SUFFIXES:
        return b""
    content = bytes(blip.body[16 + 16 * (blip.instance in _TWO_HASHES) + 1 :])
    return _bitmap(content) if blip.kind == _DIB else content


def _bitmap(content: bytes) -> bytes:
    """A device-independent bitmap with the header of a file before it (BITMAPFILEHEADER)."""
    (size,), (bits, packing), (used,) = (
        struct.unpack_from("<I", content),
        struct.unpack_from("<HI", content, 14),
        struct.unpack_from("<I", content, 32),
    )
    colours = used or (1 << bits if bits <= 8 else 0)
    start = 14 + size + 4 * colours + (12 if packing == 3 and size == 40 else 0)
    return struct.pack("<2sIHHI", b"BM", 14 + len(content), 0, 0, start) + content


def _placed(stream: bytes) -> Iterator[tuple[str, int, tuple[int, ...]]]:
    """(sheet, number of the picture, its rows) of every shape that shows one."""
    for kind, body in _joined(stream, 0):
        if kind != _SHEET:
            continue
        (offset,) = struct.unpack_from("<I", body)
        drawing = b"".join(part for inner, part in _joined(stream, offset) if inner == _DRAWING)
        for shape in _all(memoryview(drawing), _SHAPE):
            number = 0
            rows: tuple[int, ...] = ()
            for record in _records(shape.body):
                if record.kind == _OPTIONS:
                    number = _property(record, _PIB) or number
                elif record.kind == _ANCHOR and len(record.body) >= 18:
                    top, bottom = struct.unpack_from("<6xH6xH", record.body)
                    rows = rows_between(top + 1, bottom + 1)
            if number and rows:
                yield _name(body), number, rows


def _property(options: _Record, wanted: int) -> int:
    for at in range(options.instance):
        key, value = struct.unpack_from("<HI", options.body, 6 * at)
        if key & 0x3FFF == wanted:
            return int(value)
    return 0


def _name(body: bytes) -> str:
    """A sheet's name: a count of characters, a flag, one or two bytes each."""
    return body[8:].decode("utf-16-le" if body[7] & 1 else "latin-1", "replace")[: body[6]]


def _joined(stream: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """The records of one substream, with what continues them; charts inside a sheet are passed over."""
    depth, open_ = 0, (0, b"")
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        body = stream[at + 4 : at + 4 + length]
        at += 4 + length
        if kind == _CONTINUE:
            open_ = (open_[0], open_[1] + body)
            continue
        if depth == 1:
            yield open_
        open_ = (kind, body)
        depth += (kind == _BOF) - (kind == _EOF)
        if depth <= 0:
            return


def _all(body: memoryview, wanted: int, depth: int = 0) -> Iterator[_Record]:
    """Every record of a kind, however deep it lies, in order."""
    for record in _records(body):
        if record.kind == wanted:
            yield record
        elif record.holds and depth < _DEEPEST:
            yield from _all(record.body, wanted, depth + 1)


def _records(body: memoryview) -> Iterator[_Record]:
    at = 0
    while at + 8 <= len(body):
        head, kind, length = struct.unpack_from("<HHI", body, at)
        yield _Record(kind, head >> 4, body[at + 8 : at + 8 + length], head & 0xF == _CONTAINER)
        at += 8 + length
