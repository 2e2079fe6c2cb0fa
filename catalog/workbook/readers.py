"""Opens a price list of any format and hands over its sheets as grids."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import openpyxl
import python_calamine as calamine
from openpyxl.worksheet.worksheet import Worksheet

from catalog.product import CatalogError
from catalog.workbook.commerceml import ROOT, beside, documents, exchange_grid, tag
from catalog.workbook.compound import circular
from catalog.workbook.encoding import decoded
from catalog.workbook.extent import refuse_more
from catalog.workbook.grid import Cell, Grid, is_empty
from catalog.workbook.markup import html_grids, xml_grids, xml_root
from catalog.workbook.messages import message
from catalog.workbook.ods import ods_looks
from catalog.workbook.oldxls import xls_grids
from catalog.workbook.sniff import Kind, damaged, load
from catalog.workbook.xlsb import xlsb_looks
from catalog.workbook.xlsx import Looks, xlsx_looks


def open_grids(path: Path, *, lang: str = "en") -> tuple[list[Grid], Kind, bytes]:
    """All sheets of the file at `path`, in order, its kind and its bytes.

    Raises CatalogError, with what to do in `lang`, for an empty, encrypted, damaged, oversized or foreign file.
    """
    data, kind = load(path, lang)
    readers: Mapping[Kind, Callable[[], list[Grid]]] = {
        Kind.XLSX: lambda: _xlsx(data, xlsx_looks(data, lang=lang)),
        Kind.XLSB: lambda: _calamine_grids(data, xlsb_looks(data, lang=lang)),
        Kind.ODS: lambda: _calamine_grids(data, ods_looks(data, lang=lang)),
        Kind.XLS: lambda: _xls(data),
        Kind.TEXT: lambda: [Grid(name=path.name.removesuffix(".gz"), rows=_csv_rows(decoded(data)))],
        Kind.HTML: lambda: html_grids(decoded(data)),
        Kind.XML: lambda: _xml(data, path),
        Kind.EXCHANGE: lambda: [exchange_grid(documents(data))],
    }
    try:
        grids = _unpanicked(readers[kind])
    except CatalogError:
        raise
    except calamine.PasswordError as error:
        raise CatalogError(message("encrypted", lang, file=path.name)) from error
    except MemoryError as error:
        raise CatalogError(message("too_heavy", lang, file=path.name)) from error
    except Exception as error:  # readers of foreign formats stumble in their own ways over a damaged file
        if "password" in str(error).lower() or "encrypt" in str(error).lower():
            raise CatalogError(message("encrypted", lang, file=path.name)) from error
        raise damaged(path.name, lang, error) from error
    for grid in grids:
        refuse_more(len(grid.rows) * max(map(len, grid.rows), default=0), grid.name, lang)
    return grids, kind, data


class _Panicked(Exception):
    """A reader written in Rust gave up over a damaged file."""


def _unpanicked(read: Callable[[], list[Grid]]) -> list[Grid]:
    """A panic of such a reader comes as a BaseException of a type that cannot be imported."""
    try:
        return read()
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise _Panicked(str(error)) from None


def _xml(data: bytes, path: Path) -> list[Grid]:
    """A sheet or a feed; the goods of 1C come with the prices that lie beside them."""
    root = xml_root(data)
    offers = beside(path) if tag(root) == ROOT else None
    if offers is None:
        return xml_grids(root, data)
    grid = exchange_grid([root, xml_root(offers.read_bytes())])
    return [replace(grid, remarks=(*grid.remarks, ("exchange_joined", {"file": offers.name})))]


def _xlsx(data: bytes, looks: Mapping[str, Looks]) -> list[Grid]:
    """openpyxl is slow, and opens some books that programs with ways of their own have written."""
    try:
        return _calamine_grids(data, looks)
    except calamine.PasswordError:
        raise
    except calamine.CalamineError as first:
        try:
            book = openpyxl.load_workbook(BytesIO(data), data_only=True)
        except Exception:  # noqa: BLE001 - it stumbles in its own ways; what the first reader said is told
            raise first from None
        return [_openpyxl_grid(sheet, looks.get(sheet.title, Looks())) for sheet in book.worksheets]


def _openpyxl_grid(sheet: Worksheet, look: Looks) -> Grid:
    rows: list[list[Cell]] = [list(row) for row in sheet.iter_rows(values_only=True)]
    merged = tuple((m.min_row - 1, m.min_col - 1, m.max_row - 1, m.max_col - 1) for m in sheet.merged_cells.ranges)
    return _grid(sheet.title, rows, look, hidden=sheet.sheet_state != "visible", merged=merged)


def _xls(data: bytes) -> list[Grid]:
    """xlrd knows hidden rows, formats and old code pages; calamine opens books with a broken compound file."""
    try:
        return xls_grids(data)
    except Exception as first:
        if circular(data):
            raise
        try:
            return _calamine_grids(data, {})
        except calamine.PasswordError:
            raise
        except calamine.CalamineError:
            raise first from None


def _calamine_grids(data: bytes, looks: Mapping[str, Looks]) -> list[Grid]:
    grids = []
    with calamine.CalamineWorkbook.from_filelike(BytesIO(data)) as book:
        for sheet in book.sheets_metadata:
            if sheet.typ is not calamine.SheetTypeEnum.WorkSheet:
                continue
            hidden = sheet.visible is not calamine.SheetVisibleEnum.Visible
            look = looks.get(sheet.name, Looks())
            try:
                read = book.get_sheet_by_name(sheet.name)
                rows: list[list[Cell]] = read.to_python(skip_empty_area=False)  # type: ignore[assignment]
            except calamine.CalamineError as error:
                grids.append(Grid(name=sheet.name, rows=[], hidden=hidden, failure=str(error)))
                continue
            merged = tuple((*a, *b) for a, b in read.merged_cell_ranges or ()) or look.merged
            grids.append(_grid(sheet.name, rows, look, hidden=hidden, merged=merged))
    return grids


def _grid(
    name: str, rows: list[list[Cell]], look: Looks, *, hidden: bool, merged: tuple[tuple[int, int, int, int], ...]
) -> Grid:
    return Grid(
        name=name,
        rows=_trimmed(look.applied(rows)),
        hidden=hidden,
        hidden_rows=look.hidden_rows,
        merged=merged,
        levels=look.levels,
        hidden_columns=look.hidden_columns,
        currencies=look.currencies,
        bold=look.bold,
    )


def _trimmed(rows: list[list[Cell]]) -> list[list[Cell]]:
    while rows and all(map(is_empty, rows[-1])):
        rows.pop()
    return rows


def _csv_rows(text: str) -> list[list[Cell]]:
    csv.field_size_limit(50_000_000)
    text = text.replace("\x00", "")
    sample = text[:200_000]
    first, _, rest = sample.partition("\n")
    if first[:4].lower() == "sep=" and len(first.strip()) == 5:
        text, sample, separator = text[len(first) + 1 :], rest, first.strip()[4]
    else:
        separator = _separator(sample)
    return _trimmed([list(row) for row in csv.reader(text.splitlines(keepends=True), delimiter=separator)])


def _separator(sample: str) -> str:
    """The separator that cuts the most lines into the same number (more than one) of fields."""
    lines = sample.splitlines(keepends=True)[:200]
    best, score = ",", 0.0
    for separator in "\t;|,":
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=separator) if row]
        except csv.Error:
            continue
        common = max(set(widths), key=lambda width: (widths.count(width), width)) if widths else 1
        if common > 1:
            even = widths.count(common) / len(widths)
            value = even * even * min(common, 12) ** 0.5
            if value > score * 1.05:
                best, score = separator, value
    return best
