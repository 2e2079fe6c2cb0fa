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
from catalog.workbook.grid import ERROR, MOST_CELLS, Cell, is_empty
from catalog.workbook.messages import message
from catalog.workbook.oldxls import format_says
from catalog.workbook.sniff import unpacked

_REL = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_STRICT_REL = "{http://purl.oclc.org/ooxml/officeDocument/relationships}"
_LETTERS = re.compile(rb'<(?:\w+:)?c\s[^>]*?\br="([A-Z]{1,3})\d')
_FILLED = re.compile(rb'<(?:\w+:)?c\s[^>]*?\br="([A-Z]{1,3})(\d{1,7})"[^>]*(?<!/)>')
_ROWS_AND_COLUMNS = re.compile(rb"<(?:\w+:)?(row|col)\s([^>]*)>")
_ROW = re.compile(rb'\br="(\d{1,7})"')
_HIDDEN = re.compile(rb'\bhidden="(?:1|true)"')
_LEVEL = re.compile(rb'\boutlineLevel="(\d)"')
_SPAN = re.compile(rb'\b(min|max)="(\d{1,5})"')
_ERROR = re.compile(
    rb'<(?:\w+:)?c\s[^>]*?\br="([A-Z]{1,3})(\d{1,7})"[^>]*?\bt="e"[^>]*>(?:<f[^>]*(?:/>|>[^<]*</f>))?(?:<v>([^<]{1,20}))?'
)
_PLAIN = ("", 0, False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """What a sheet's look adds to its values; rows and columns are 0-based."""

    hidden_rows: frozenset[int] = frozenset()
    currencies: dict[tuple[int, int], str] = field(default_factory=dict)
    digits: dict[tuple[int, int], int] = field(default_factory=dict)
    levels: dict[int, int] = field(default_factory=dict)
    hidden_columns: frozenset[int] = frozenset()
    bold: frozenset[tuple[int, int]] = frozenset()
    errors: dict[tuple[int, int], str] = field(default_factory=dict)  # of formulas; the fast reader leaves them empty
    merged: tuple[tuple[int, int, int, int], ...] = ()  # where the fast reader gives none: top, left, bottom, right

    def applied(self, rows: list[list[Cell]]) -> list[list[Cell]]:
        """The rows with the errors of formulas, and with the leading zeros that formats show ("000" makes 7 "007")."""
        for (row, column), error in self.errors.items():
            if row < len(rows) and column < len(rows[row]) and is_empty(rows[row][column]):
                rows[row][column] = error
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
    """Reads one sheet's XML by patterns, since only a few of its hundred thousands of tags matter."""
    hidden: set[int] = set()
    levels: dict[int, int] = {}
    hidden_columns: set[int] = set()
    styled: dict[tuple[int, int], tuple[str, int, bool]] = {}
    errors: dict[tuple[int, int], str] = {}
    letters: set[bytes] = set()
    bottom = 0
    ids = b"|".join(str(index).encode() for index in styles)
    cells = re.compile(rb'<(?:\w+:)?c\s[^>]*?\br="([A-Z]{1,3})(\d{1,7})"[^>]*?\bs="(' + ids + rb')"[^>]*(?<!/)>')
    for text in whole_tags(unpacked(data, info)):
        letters.update(_LETTERS.findall(text))
        for tag in _ROWS_AND_COLUMNS.finditer(text):
            attributes = tag[2]
            seen = _HIDDEN.search(attributes) and b"outlineLevel=" not in attributes
            if tag[1] == b"row":
                number = _ROW.search(attributes)
                bottom = int(number[1]) if number else bottom + 1
                if seen:
                    hidden.add(bottom - 1)
                if level := _LEVEL.search(attributes):
                    levels[bottom - 1] = int(level[1])
            elif seen:
                span = {key: int(value) for key, value in _SPAN.findall(attributes)}
                hidden_columns.update(range(span.get(b"min", 1) - 1, min(span.get(b"max", 0), 16_384)))
        errors |= _errors(text)
        if styles:
            for cell in cells.finditer(text):
                styled[int(cell[2]) - 1, _column(cell[1]) - 1] = styles[int(cell[3])]
    right = max(map(_column, letters), default=0)
    if bottom * right > MOST_CELLS:
        bottom, right = _filled_corner(data, info)  # rows and cells that are only formatted do not count
    if bottom * right > MOST_CELLS:
        raise CatalogError(message("too_many_cells", lang, sheet=name, cells=bottom * right, limit=MOST_CELLS))
    return Looks(
        hidden_rows=frozenset(hidden),
        levels=levels,
        currencies={place: says[0] for place, says in styled.items() if says[0]},
        digits={place: says[1] for place, says in styled.items() if says[1]},
        hidden_columns=frozenset(hidden_columns),
        errors=errors,
        bold=frozenset(place for place, says in styled.items() if says[2]),
    )


def _errors(text: bytes) -> dict[tuple[int, int], str]:
    """The errors of formulas by their place; nearly every chunk of a sheet is sent away after a glance."""
    found = _ERROR.finditer(text) if b't="e"' in text else ()
    return {
        (int(cell[2]) - 1, _column(cell[1]) - 1): cell[3].decode("utf-8", "replace") if cell[3] else ERROR
        for cell in found
    }


def _filled_corner(data: bytes, info: zipfile.ZipInfo) -> tuple[int, int]:
    bottom = right = 0
    for text in whole_tags(unpacked(data, info)):
        for cell in _FILLED.finditer(text):
            bottom, right = max(bottom, int(cell[2])), max(right, _column(cell[1]))
    return bottom, right


def whole_tags(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks cut between tags."""
    rest = b""
    for chunk in chunks:
        text = rest + chunk
        end = text.rfind(b"<")
        if end > 0:
            yield text[:end]
        rest = text[max(end, 0) :][-1_000_000:]
    yield rest


def _column(letters: bytes) -> int:
    number = 0
    for code in letters:
        number = number * 26 + code - 64
    return number
