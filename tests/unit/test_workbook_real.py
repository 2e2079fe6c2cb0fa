"""The importer against what independent readers and eyes saw in 41 price lists as found in the wild."""

from __future__ import annotations

import csv
import gzip
import os
from pathlib import Path

import pytest

from catalog.product import CatalogError
from catalog.workbook import Book, Sheet, read
from catalog.workbook.grid import letter

TABLE = Path(__file__).parents[1] / "workbook_expected.csv"
FOLDER = Path(os.environ.get("COUNTERMAN_DATA", Path(__file__).parents[3] / "shared" / "data"))
LISTS = FOLDER / "xlsx"

with TABLE.open(encoding="utf-8") as lines:
    EXPECTED = list(csv.DictReader(lines))
# Known to differ, each with its reason; the share that is right is what counts.
DIFFERENT = {
    "Ruby_temp__price.xls": "2 % of the sizes on seventeen side-by-side sheets stand in lines that look like headings",
    "amhany__PRAJS_Podarki_Amhani_01_12_2016.xls": "a table of honeys by the kilogram stands beside an order form",
    "df__pricelist.xls": "four lines of package sizes inside one table count as products",
}


def needs(path: Path) -> None:
    if not path.exists():
        pytest.skip(
            f"{path.name} is absent: THE IMPORTER WAS NOT CHECKED AGAINST REAL PRICE LISTS (set COUNTERMAN_DATA)"
        )


@pytest.mark.parametrize("row", EXPECTED, ids=[row["file"] for row in EXPECTED])
def test_header_mapping_and_number_of_products_are_right(row: dict[str, str]) -> None:
    needs(LISTS / row["file"])
    if row["products"] == "refused":
        with pytest.raises(CatalogError):
            read(LISTS / row["file"])
        return
    book = read(LISTS / row["file"])

    assert book.parity
    if row["file"] in DIFFERENT:
        assert abs(described(book) - int(row["products"])) <= 0.1 * int(row["products"])
        return
    assert described(book) == int(row["products"])
    sheet = next((sheet for sheet in book.sheets if sheet.name == row["sheet"]), None)
    assert sheet is not None
    assert understood(sheet) == (row["header"], row["name"], row["sku"], row["price"])


def test_at_least_85_of_100_are_right() -> None:
    assert len(DIFFERENT) <= 0.15 * len(EXPECTED)


def test_the_big_catalogue_imports_as_it_is() -> None:
    path = FOLDER / "catalog.csv.gz"
    needs(path)
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        skus = [" ".join(row["sku"].split()) for row in csv.DictReader(lines)]

    book = read(path)

    assert [product.sku for product in book.products] == skus
    assert book.parity


def described(book: Book) -> int:
    """Products, and those left out because the same SKU came before."""
    return len(book.products) + sum(sheet.counts["duplicate"] + sheet.counts["conflict"] for sheet in book.sheets)


def understood(sheet: Sheet) -> tuple[str, str, str, str]:
    found = {column.field: letter(column.index) for column in sheet.columns}
    ends = sorted({sheet.header_rows[0], sheet.header_rows[-1]}) if sheet.header_rows else []
    return "-".join(map(str, ends)), found.get("name", ""), found.get("sku", ""), found.get("price", "")
