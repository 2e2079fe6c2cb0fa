"""Writes the sample catalogue: one workbook with a sheet for each family, and the photos beside it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from catalog.sample.formula import Value
from catalog.sample.goods import Family, goods
from catalog.sample.photos import draw_photos
from catalog.sample.rows import Row, generate

PHOTOS = "photos"  # folder of the photos, beside the workbook and in its last fixed column
WIDTHS = {"name_ru": 62, "name_en": 62, "description": 70, "category": 34, "photo": 30}  # characters; others 14


def write_sample(folder: Path, rows: int = 40_000, seed: int = 1) -> Path:
    """Write `rows` products into `folder` and return the path of the workbook.

    The same `rows` and `seed` give the same cells and the same photos. Photos are `photos/<kind>.webp`, named in the
    workbook relative to it. Raises ValueError if there are not so many different products.
    """
    folder.mkdir(parents=True, exist_ok=True)
    book = Workbook(write_only=True)
    for family, made in generate(rows, seed):
        _write_sheet(book, family, made)
    draw_photos(folder / PHOTOS)
    path = folder / goods().texts["file"]
    book.save(path)
    return path


def _write_sheet(book: Workbook, family: Family, rows: Iterable[Row]) -> None:
    shop = goods()
    sheet = book.create_sheet(family.ru)
    sheet.freeze_panes = "C2"
    keys = attributes(family)
    for number, key in enumerate(shop.columns, start=1):
        sheet.column_dimensions[_letter(number)].width = WIDTHS.get(key, 14)
    headers = [*shop.columns.values(), *(header(key) for key in keys)]
    cells = [WriteOnlyCell(sheet, value=text) for text in headers]
    for cell in cells:
        cell.font = Font(bold=True)
    sheet.append(cells)
    for row in rows:
        sheet.append([*_fixed(family, row), *(row.values.get(key) for key in keys)])


def attributes(family: Family) -> list[str]:
    """The attributes that some kind of the family has, in the order of their first mention."""
    keys = (key for kind in family.kinds for draw in kind.draws for key in draw.keys)
    return [key for key in dict.fromkeys(keys) if key not in goods().hidden]


def header(key: str) -> str:
    """An attribute's column header: Russian name, English name, unit, such as "Напор / Head, м"."""
    title = goods().titles[key]
    name = title.ru if title.ru == title.en else f"{title.ru} / {title.en}"
    return f"{name}, {title.unit}" if title.unit else name


def _fixed(family: Family, row: Row) -> list[Value | None]:
    """The cells of the columns that every sheet has."""
    return [
        row.article,
        row.name_ru or row.name_en,  # importers of goods leave the maker's English name untranslated
        row.name_en or None,
        row.description,
        f"{family.ru} / {row.kind.group}",
        row.brand.ru,
        goods().texts["on_request"] if row.price is None else row.price,
        row.currency or None,
        row.stock,
        row.kind.unit,
        f"{PHOTOS}/{row.kind.key}.webp",
    ]


def _letter(column: int) -> str:
    return chr(ord("A") + column - 1)
