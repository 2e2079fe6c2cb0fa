"""Price lists in the shapes in which suppliers send them are read as a person reads them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from catalog.workbook import read
from tests.messy import Messy, lists
from tests.price_lists import judged


@pytest.mark.parametrize("messy", [*lists()], ids=lambda messy: messy.name)
def test_a_list_is_read_as_a_person_reads_it(messy: Messy, tmp_path: Path) -> None:
    book = read(messy.made(tmp_path), lang="ru")

    row = {"sheet": book.sheets[0].name, **messy.row}
    seen = judged(book, row)
    found = {product.sku: product.price for product in book.products}
    prices = {sku: price and Decimal(price) for sku, price in row.get("prices", {}).items()}
    problems = "\n".join(problem.message for problem in book.problems)

    assert not seen.words
    assert seen.parity
    assert {sku: found.get(sku, "absent") for sku in prices} == prices
    assert [words for words in row.get("said", ()) if words not in problems] == []
