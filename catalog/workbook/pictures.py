"""Finds the pictures that lie on the rows of an .xlsx, and saves them beside a catalogue."""

from __future__ import annotations

import hashlib
import posixpath
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

from catalog.workbook.sniff import unpacked
from catalog.workbook.xlsx import parse, part_text, relations, sheet_parts

LARGEST = 30 * 2**20  # bytes of one picture; a camera's photograph has 5 to 15 MB
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp"})  # what a browser shows
_EMBED = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}embed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One picture on a sheet. `rows` are 1-based, the most likely first: its middle, its top, its bottom."""

    sheet: str
    rows: tuple[int, ...]
    part: str  # its name inside the file
    size: int  # bytes


def find_pictures(data: bytes) -> tuple[Picture, ...]:
    """The pictures of an .xlsx, sheet by sheet; none for a drawing that cannot be understood."""
    with zipfile.ZipFile(BytesIO(data)) as book:
        parts = {info.filename.lstrip("/").replace("\\", "/"): info for info in book.infolist()}
    found: list[Picture] = []
    for sheet, part in sheet_parts(data, parts).items():
        for drawing in relations(data, parts, part).values():
            if "drawing" in posixpath.basename(drawing) and drawing.endswith(".xml") and drawing in parts:
                try:
                    found += _on_drawing(data, parts, sheet, drawing)
                except (ElementTree.ParseError, ValueError, zlib.error):
                    continue
    return tuple(found)


def save_pictures(
    data: bytes, pictures: tuple[Picture, ...], rows: Mapping[tuple[str, int], str], folder: Path
) -> dict[str, Path]:
    """Writes each picture that lies on a row of `rows` ((sheet, row) to key) into `folder`, named by its content.

    Gives the file by key; the first picture of a row counts.
    """
    saved: dict[str, Path] = {}
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(BytesIO(data)) as book:
        parts = {info.filename.lstrip("/").replace("\\", "/"): info for info in book.infolist()}
    for picture in pictures:
        key = next((rows[picture.sheet, row] for row in picture.rows if (picture.sheet, row) in rows), None)
        if key is None or key in saved or not (content := _content(data, parts[picture.part])):
            continue
        name = hashlib.sha256(content).hexdigest()[:24] + posixpath.splitext(picture.part)[1].lower()
        path = folder / name
        if not path.exists():
            path.write_bytes(content)
        saved[key] = path
    return saved


def _on_drawing(data: bytes, parts: dict[str, zipfile.ZipInfo], sheet: str, drawing: str) -> Iterator[Picture]:
    targets = relations(data, parts, drawing)
    for anchor in parse(part_text(data, parts[drawing])):
        top = bottom = -1
        part = ""
        for element in anchor.iter():
            match element.tag.rpartition("}")[2]:
                case "from":
                    top = _row(element)
                case "to":
                    bottom = _row(element)
                case "blip":
                    part = targets.get(element.get(_EMBED, ""), "")
        if top >= 0 and part in parts and posixpath.splitext(part)[1].lower() in SUFFIXES:
            bottom = max(top, bottom)
            rows = dict.fromkeys(row + 1 for row in ((top + bottom) // 2, top, bottom))
            yield Picture(sheet=sheet, rows=tuple(rows), part=part, size=parts[part].file_size)


def _row(place: ElementTree.Element) -> int:
    text = next((part.text or "" for part in place if part.tag.endswith("}row")), "")
    return int(text) if text.strip().isdigit() else -1


def _content(data: bytes, info: zipfile.ZipInfo) -> bytes:
    """A picture's bytes; nothing where it is larger than any photograph."""
    content = bytearray()
    for chunk in unpacked(data, info):
        content += chunk
        if len(content) > LARGEST:
            return b""
    return bytes(content)
