"""Finds the pictures that lie on the rows of an .xlsx or .ods."""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from html import unescape
from io import BytesIO
from xml.etree import ElementTree

from catalog.workbook.picture import LARGEST, SUFFIXES, Picture, rows_between
from catalog.workbook.sniff import unpacked
from catalog.workbook.xlsx import parse, part_text, relations, sheet_parts, whole_tags

_ODS = re.compile(rb"<(/?)(table:table|table:table-row|draw:frame|draw:image)(?=[\s>/])([^>]*?)(/?)>")
_ODS_NAME = re.compile(rb'table:name="([^"]*)"')
_ODS_REPEATED = re.compile(rb'number-rows-repeated="(\d{1,9})"')
_ODS_END = re.compile(rb'end-cell-address="[^"]*?(\d{1,7})"')
_ODS_HREF = re.compile(rb'xlink:href="([^"]+)"')
_EMBED = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}embed"


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


def find_ods_pictures(data: bytes) -> tuple[Picture, ...]:
    """The pictures of an .ods that are anchored to a cell, sheet by sheet."""
    with zipfile.ZipFile(BytesIO(data)) as book:
        parts = {info.filename: info for info in book.infolist()}
    sheet, row, repeated, bottom = "", 0, 1, 0
    found: list[Picture] = []
    for text in whole_tags(unpacked(data, parts["content.xml"])):
        for closing, tag, attributes, empty in _ODS.findall(text):
            if tag == b"table:table" and not closing:
                name = _ODS_NAME.search(attributes)
                sheet, row, repeated = unescape(name[1].decode("utf-8", "replace")) if name else "", 0, 1
            elif tag == b"table:table-row":
                if not closing:
                    many = _ODS_REPEATED.search(attributes)
                    row, repeated = row + 1, int(many[1]) if many else 1
                if closing or empty:
                    row += repeated - 1
            elif tag == b"draw:frame":
                end = _ODS_END.search(attributes)
                bottom = int(end[1]) if end else 0
            elif row and (part := _ods_part(attributes, parts)):  # before all rows lies what belongs to none of them
                rows = rows_between(row, bottom)
                found.append(Picture(sheet=sheet, rows=rows, part=part, size=parts[part].file_size))
    return tuple(found)


def _ods_part(attributes: bytes, parts: Mapping[str, zipfile.ZipInfo]) -> str:
    named = _ODS_HREF.search(attributes)
    part = unescape(named[1].decode("utf-8", "replace")).removeprefix("./") if named else ""
    return part if part in parts and posixpath.splitext(part)[1].lower() in SUFFIXES else ""


def zipped(data: bytes) -> Callable[[str], bytes]:
    """Reads parts of a zip; nothing of one that is larger than any photograph."""
    with zipfile.ZipFile(BytesIO(data)) as book:
        parts = {info.filename.lstrip("/").replace("\\", "/"): info for info in book.infolist()}

    def read(part: str) -> bytes:
        content = bytearray()
        for chunk in unpacked(data, parts[part]):
            content += chunk
            if len(content) > LARGEST:
                return b""
        return bytes(content)

    return read


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
            yield Picture(sheet=sheet, rows=rows_between(top + 1, bottom + 1), part=part, size=parts[part].file_size)


def _row(place: ElementTree.Element) -> int:
    text = next((part.text or "" for part in place if part.tag.endswith("}row")), "")
    return int(text) if text.strip().isdigit() else -1
