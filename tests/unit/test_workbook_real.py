"""The importer against what independent readers and eyes saw in 41 price lists as found in the wild."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path
from typing import Any

import pytest

from catalog.product import CatalogError
from catalog.workbook import read
from tests.price_lists import DATA, LISTS, expected, judged

EXPECTED = expected()
DIFFERENT = {"df__pricelist.xls"}  # one line of package sizes beside a name counts as a product


def needs(path: Path) -> None:
    if not path.exists():
        pytest.skip(
            f"{path.name} is absent: THE IMPORTER WAS NOT CHECKED AGAINST REAL PRICE LISTS (set COUNTERMAN_DATA)"
        )


@pytest.mark.parametrize("row", EXPECTED, ids=[row["file"] for row in EXPECTED])
def test_header_mapping_and_number_of_products_are_right(row: dict[str, Any]) -> None:
    needs(LISTS / row["file"])
    if row.get("refused"):
        with pytest.raises(CatalogError):
            read(LISTS / row["file"])
        return

    verdict = judged(read(LISTS / row["file"]), row)

    assert verdict.parity
    assert not verdict.silent
    assert verdict.right or row["file"] in DIFFERENT, verdict.words


def test_the_big_catalogue_imports_as_it_is() -> None:
    path = DATA / "catalog.csv.gz"
    needs(path)
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        skus = [" ".join(row["sku"].split()) for row in csv.DictReader(lines)]

    book = read(path)

    assert [product.sku for product in book.products] == skus
    assert book.parity
