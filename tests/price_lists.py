"""Judges the importer's reading of real price lists against the table of tests/sets/workbooks.toml."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.workbook import Book, Sheet
from catalog.workbook.grid import letter

TABLE = Path(__file__).parent / "sets" / "workbooks.toml"
DATA = Path(os.environ.get("COUNTERMAN_DATA", Path(__file__).parents[2] / "shared" / "data"))
LISTS = DATA / "xlsx"
MAIN = ("name", "sku", "price")  # a file whose other columns differ is right with a remark


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is right about one file: header rows, columns, number of products; and what differs, in words."""

    header: bool
    columns: bool
    products: bool
    parity: bool
    silent: bool  # wrong in something, and no problem names anything
    words: tuple[str, ...] = ()

    @property
    def right(self) -> bool:
        """Whether header, mapping and number of products are all as the table says."""
        return self.header and self.columns and self.products


def expected() -> list[dict[str, Any]]:
    """The rows of the table."""
    rows: list[dict[str, Any]] = tomllib.loads(TABLE.read_text("utf-8"))["list"]
    return rows


def judged(book: Book, row: Mapping[str, Any]) -> Verdict:
    """The importer's reading of one file beside what the table says."""
    words: list[str] = []
    sheet = next((sheet for sheet in book.sheets if sheet.name == row["sheet"]), None)
    header = _header(sheet, row["header"], words)
    columns = _columns(sheet, row, words)
    products = _products(book, row, words)
    wrong = not (header and columns and products)
    return Verdict(
        header=header,
        columns=columns,
        products=products,
        parity=keeps_parity(book),
        silent=wrong and not book.problems,
        words=tuple(words),
    )


def keeps_parity(book: Book) -> bool:
    """Whether products, named problems and named rows of other kinds are all the rows that are not empty, each once."""
    lost = {(problem.sheet, problem.row) for problem in book.problems if problem.lost}
    for sheet in book.sheets:
        named = [row for rows in sheet.others.values() for row in rows]
        if sheet.counts["product"] + len(named) != sheet.rows or len(named) != len(set(named)):
            return False
        kinds = ("problem", "duplicate", "conflict")
        if any((sheet.name, row) not in lost for kind in kinds for row in sheet.others.get(kind, ())):
            return False
    return True


def offered(book: Book) -> int:
    """Products, and those left out because the same SKU came before."""
    return len(book.products) + sum(sheet.counts["duplicate"] + sheet.counts["conflict"] for sheet in book.sheets)


def _header(sheet: Sheet | None, wanted: list[Any], words: list[str]) -> bool:
    ends = sorted({sheet.header_rows[0], sheet.header_rows[-1]}) if sheet and sheet.header_rows else []
    right = ends in (wanted if wanted and isinstance(wanted[0], list) else [wanted])
    if not right:
        words.append(f"header {ends}, not {wanted}")
    return right


def _columns(sheet: Sheet | None, row: Mapping[str, Any], words: list[str]) -> bool:
    found: dict[str, set[str]] = {}
    for column in sheet.columns if sheet else ():
        found.setdefault(column.field, set()).add(letter(column.index))
    right = True
    for field, where in row["columns"].items():
        wanted = set(where if isinstance(where, list) else [where])
        if found.get(field, set()) != wanted:
            words.append(f"{field} {sorted(found.get(field, set()))}, not {sorted(wanted)}")
            right = right and field not in MAIN
    shown = set(row.get("inner", ())) - found.get("other_price", set())
    if shown:
        words.append(f"prices {sorted(shown)} are not held back")
        right = False
    return right


def _products(book: Book, row: Mapping[str, Any], words: list[str]) -> bool:
    """A row that the table counts as a product and the importer names as lost is no product missed in silence."""
    wanted, found = int(row["products"]), offered(book)
    lost = sum(sheet.counts["problem"] for sheet in book.sheets) - int(row.get("problems", 0))
    if (found, lost) != (wanted, 0):
        words.append(f"{found} products, not {wanted}; {lost:+} lost rows")
    return abs(found - wanted) <= max(float(row.get("within", 0)), 0.01 if found + lost == wanted else 0) * wanted
