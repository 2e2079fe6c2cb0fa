"""Writes small price lists of every format for the importer's tests."""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import xlwt

Rows = Sequence[Sequence[Any]]
GOODS: Rows = (
    ("Артикул", "Наименование", "Цена, руб.", "Остаток", "Мощность, кВт"),
    ("N-1", "Насос НЦ-1", 1250.5, 3, 1.5),
    ("N-2", "Насос НЦ-2", 2300, ">10", 3),
    ("N-3", "Насос НЦ-3", "по запросу", "нет", 7.5),
)


def xlsx(path: Path, *sheets: tuple[str, Rows]) -> Path:
    """An .xlsx with these sheets; one called "-name" is hidden."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets:
        sheet = book.create_sheet(name.lstrip("-"))
        for row in rows:
            sheet.append(list(row))
        if name.startswith("-"):
            sheet.sheet_state = "hidden"
    book.save(path)
    return path


def xls(path: Path, rows: Rows, sheet: str = "Прайс") -> Path:
    """A BIFF8 .xls with one sheet."""
    book = xlwt.Workbook()
    page = book.add_sheet(sheet)
    for r, row in enumerate(rows):
        for c, cell in enumerate(row):
            if cell is not None:
                page.write(r, c, cell)
    book.save(str(path))
    return path


def text(path: Path, rows: Rows, *, separator: str = ";", encoding: str = "utf-8") -> Path:
    """A text table."""
    lines = [separator.join("" if cell is None else str(cell) for cell in row) for row in rows]
    path.write_bytes("\r\n".join(lines).encode(encoding))
    return path


def ods(path: Path, rows: str, columns: str = "") -> Path:
    """An .ods of one sheet with these tags of rows, cells, columns and texts (`<row>`, `<cell>`, `<column>`, `<p>`)."""
    body = re.sub(r"<(/?)(?=[a-z])", r"<\1table:table-", columns + rows).replace("table:table-p>", "text:p>")
    office = "urn:oasis:names:tc:opendocument:xmlns:"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        book.writestr("META-INF/manifest.xml", f'<m:manifest xmlns:m="{office}manifest:1.0"/>')
        book.writestr(
            "content.xml",
            f'<office:document-content xmlns:office="{office}office:1.0" xmlns:table="{office}table:1.0" '
            f'xmlns:text="{office}text:1.0"><office:body><office:spreadsheet><table:table table:name="Прайс">{body}'
            "</table:table></office:spreadsheet></office:body></office:document-content>",
        )
    return path


def xlsb(
    path: Path,
    rows: Rows,
    sheet: str = "Прайс",
    *,
    hidden_rows: Sequence[int] = (),
    hidden_columns: Sequence[int] = (),
    merged: Sequence[tuple[int, int, int, int]] = (),
) -> Path:
    """A minimal .xlsb ([MS-XLSB]): one sheet of inline strings and numbers; places are 0-based."""

    def record(kind: int, content: bytes = b"") -> bytes:
        number = bytes((kind,)) if kind < 128 else bytes((kind & 0x7F | 0x80, kind >> 7))
        length, size = b"", len(content)
        while True:
            size, byte = size >> 7, size & 0x7F
            length += bytes((byte | (0x80 if size else 0),))
            if not size:
                return number + length + content

    def wide(value: str) -> bytes:
        return struct.pack("<I", len(value)) + value.encode("utf-16-le")

    width = max(map(len, rows))
    body = record(129) + record(148, struct.pack("<4I", 0, len(rows) - 1, 0, width - 1))
    body += b"".join(record(60, struct.pack("<4IH", column, column, 2560, 0, 1)) for column in hidden_columns)
    body += record(145)
    for r, row in enumerate(rows):
        hidden = 0x10 if r in hidden_rows else 0
        body += record(0, struct.pack("<IIHBBI", r, 0, 300, 0, hidden, 0) + b"\x00")
        for c, cell in enumerate(row):
            place = struct.pack("<II", c, 0)
            if isinstance(cell, str):
                body += record(6, place + wide(cell))
            elif cell is not None:
                body += record(5, place + struct.pack("<d", cell))
    body += record(146)
    body += b"".join(record(176, struct.pack("<4I", top, down, left, right)) for top, left, down, right in merged)
    body += record(130)
    bundle = record(156, struct.pack("<II", 0, 1) + wide("rId1") + wide(sheet))
    kinds = "http://schemas.openxmlformats.org/package/2006/"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    excel = "application/vnd.ms-excel"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{kinds}content-types">'
            f'<Default Extension="bin" ContentType="{excel}.sheet.binary.macroEnabled.main"/>'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/worksheets/sheet1.bin" ContentType="{excel}.worksheet"/></Types>',
        )
        for name, target, kind in (
            ("_rels/.rels", "xl/workbook.bin", "officeDocument"),
            ("xl/_rels/workbook.bin.rels", "worksheets/sheet1.bin", "worksheet"),
        ):
            book.writestr(
                name,
                f'<Relationships xmlns="{kinds}relationships">'
                f'<Relationship Id="rId1" Type="{office}/{kind}" Target="{target}"/></Relationships>',
            )
        book.writestr("xl/workbook.bin", record(131) + record(143) + bundle + record(144) + record(132))
        book.writestr("xl/worksheets/sheet1.bin", body)
    return path
