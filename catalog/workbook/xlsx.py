"""Reads from an .xlsx what the fast reader leaves out: hidden rows, currencies and leading zeros of number formats."""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from xml.etree import ElementTree

import defusedxml.ElementTree

from catalog.product import CatalogError
from catalog.workbook.grid import MOST_CELLS, Cell
from catalog.workbook.messages import message
from catalog.workbook.oldxls import format_says
from catalog.workbook.sniff import unpacked

_REL = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_STRICT_REL = "{http://purl.oclc.org/ooxml/officeDocument/relationships}"
_TAGS = re.compile(rb"<(?:\w+:)?(row|c|col)(?=[\s>/])([^>]*?)(/?)>")
_CELL = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')
_STYLE = re.compile(rb'\bs="(\d+)"')
_ROW = re.compile(rb'\br="(\d{1,7})"')
_HIDDEN = re.compile(rb'\bhidden="(?:1|true)"')
_SPAN = re.compile(rb'\b(min|max)="(\d{1,5})"')
_PLAIN = ("", 0, False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """What a sheet's look adds to its values; rows and columns are 0-based."""

    hidden_rows: frozenset[int] = frozenset()
    currencies: dict[tuple[int, int], str] = field(default_factory=dict)
    digits: dict[tuple[int, int], int] = field(default_factory=dict)
    hidden_columns: frozenset[int] = frozenset()
    bold: frozenset[tuple[int, int]] = frozenset()

    def applied(self, rows: list[list[Cell]]) -> list[list[Cell]]:
        """The rows with numbers written with the leading zeros that their format shows ("000" makes 7 "007")."""
        for (row, column), digits in self.digits.items():
            if row < len(rows) and column < len(rows[row]):
                value = rows[row][column]
                if (
                    isinstance(value, (int, float))
                    and not isinstance(value, bool)
                    and value >= 0
                    and value == int(value)
                ):
                    rows[row][column] = f"{int(value):0{digits}d}"
        return rows


def xlsx_looks(data: bytes, *, lang: str = "en") -> dict[str, Looks]:
    """The looks of each sheet by its name. Raises CatalogError where a sheet spans too many cells to be read."""
    with zipfile.ZipFile(BytesIO(data)) as book:
        parts = {info.filename.lstrip("/").replace("\\", "/"): info for info in book.infolist()}
        sheets = dict(_sheet_parts(data, parts))
        styles = _styles(data, parts)
        return {name: _look(data, parts[part], styles, name, lang) for name, part in sheets.items() if part in parts}


def part_text(data: bytes, info: zipfile.ZipInfo) -> bytes:
    """One part of the archive as a whole."""
    return b"".join(unpacked(data, info))


def parse(xml: bytes | str) -> ElementTree.Element:
    """XML as a tree. Raises ValueError for entity declarations, which no office program writes and every bomb needs."""
    root: ElementTree.Element = defusedxml.ElementTree.fromstring(xml)
    return root


def relations(data: bytes, parts: dict[str, zipfile.ZipInfo], part: str) -> dict[str, str]:
    """The targets of a part's relations by id, as names of parts."""
    folder, name = posixpath.split(part)
    rels = parts.get(f"{folder}/_rels/{name}.rels".lstrip("/"))
    if rels is None:
        return {}
    return {
        rel.get("Id", ""): posixpath.normpath(posixpath.join("/", folder, rel.get("Target", ""))).lstrip("/")
        for rel in parse(part_text(data, rels))
        if rel.get("TargetMode") != "External"
    }


def _sheet_parts(data: bytes, parts: dict[str, zipfile.ZipInfo]) -> Iterator[tuple[str, str]]:
    workbook = next((name for name in parts if name.lower() == "xl/workbook.xml"), None)
    if workbook is None:
        return
    targets = relations(data, parts, workbook)
    for sheet in parse(part_text(data, parts[workbook])).iter():
        if sheet.tag.rpartition("}")[2] == "sheet":
            key = sheet.get(f"{_REL}id") or sheet.get(f"{_STRICT_REL}id") or ""
            if key in targets:
                yield sheet.get("name", ""), targets[key]


def sheet_parts(data: bytes, parts: dict[str, zipfile.ZipInfo]) -> dict[str, str]:
    """The part of each sheet by the sheet's name."""
    return dict(_sheet_parts(data, parts))


def _styles(data: bytes, parts: dict[str, zipfile.ZipInfo]) -> dict[int, tuple[str, int, bool]]:
    """What each cell style says (currency, leading zeros, bold type) by its index; plain styles are left out."""
    styles = parts.get("xl/styles.xml")
    if styles is None:
        return {}
    patterns: dict[str, str] = {}
    fonts: list[bool] = []
    cells: list[tuple[str, str]] = []
    for element in parse(part_text(data, styles)):
        match element.tag.rpartition("}")[2]:
            case "numFmts":
                patterns = {fmt.get("numFmtId", ""): fmt.get("formatCode", "") for fmt in element}
            case "fonts":
                fonts = [
                    any(part.tag.endswith("}b") and part.get("val") not in {"0", "false"} for part in font)
                    for font in element
                ]
            case "cellXfs":
                cells = [(xf.get("numFmtId", ""), xf.get("fontId", "")) for xf in element]
    bold = {str(index) for index, is_bold in enumerate(fonts) if is_bold}
    said = {index: (*format_says(patterns.get(key, "")), font in bold) for index, (key, font) in enumerate(cells)}
    return {index: says for index, says in said.items() if says != _PLAIN}


def _look(data: bytes, info: zipfile.ZipInfo, styles: dict[int, tuple[str, int, bool]], name: str, lang: str) -> Looks:
    hidden: set[int] = set()
    hidden_columns: set[int] = set()
    currencies: dict[tuple[int, int], str] = {}
    digits: dict[tuple[int, int], int] = {}
    bold: set[tuple[int, int]] = set()
    bottom = right = row = column = 0
    for tag, attributes, closed in _tags(unpacked(data, info)):
        if tag == b"row":
            number = _ROW.search(attributes)
            row, column = int(number[1]) if number else row + 1, 0
            if b"outlineLevel=" not in attributes and _HIDDEN.search(attributes):
                hidden.add(row - 1)
            continue
        if tag == b"col":
            if b"outlineLevel=" not in attributes and _HIDDEN.search(attributes):
                span = {key: int(value) for key, value in _SPAN.findall(attributes)}
                hidden_columns.update(range(span.get(b"min", 1) - 1, min(span.get(b"max", 0), 16_384)))
            continue
        place = _CELL.search(attributes)
        column = _column(place[1]) if place else column + 1
        if closed:
            continue
        if place:
            row = int(place[2])
        bottom, right = max(bottom, row), max(right, column)
        style = _STYLE.search(attributes) if styles else None
        if style and (says := styles.get(int(style[1]))):
            if says[0]:
                currencies[row - 1, column - 1] = says[0]
            if says[1]:
                digits[row - 1, column - 1] = says[1]
            if says[2]:
                bold.add((row - 1, column - 1))
    if bottom * right > MOST_CELLS:
        raise CatalogError(message("too_many_cells", lang, sheet=name, cells=bottom * right, limit=MOST_CELLS))
    return Looks(
        hidden_rows=frozenset(hidden),
        currencies=currencies,
        digits=digits,
        hidden_columns=frozenset(hidden_columns),
        bold=frozenset(bold),
    )


def _tags(chunks: Iterator[bytes]) -> Iterator[tuple[bytes, bytes, bytes]]:
    rest = b""
    for chunk in chunks:
        text = rest + chunk
        end = text.rfind(b"<")
        if end <= 0:
            rest = text[-100_000:]
            continue
        for found in _TAGS.finditer(text, 0, end):
            yield found[1], found[2], found[3]
        rest = text[end:]
    for found in _TAGS.finditer(rest):
        yield found[1], found[2], found[3]


def _column(letters: bytes) -> int:
    number = 0
    for code in letters:
        number = number * 26 + code - 64
    return number
