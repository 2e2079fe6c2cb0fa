"""Pictures that lie on the rows of a price list become the photos of its goods, whichever program wrote the file."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from PIL import Image

from catalog.workbook import read
from catalog.workbook.xls_pictures import xls_pictures

SETS = Path(__file__).parents[1] / "sets"  # three pictures and one, by a spreadsheet program from one book of ours
SHOWN = {"A-2": (200, 30, 30), "A-3": (30, 160, 60), "A-5": (30, 60, 200), "Z-1": (90, 90, 10)}


@pytest.mark.parametrize("kind", ["xlsx", "ods", "xls"])
def test_each_product_gets_the_picture_of_its_row(kind: str, tmp_path: Path) -> None:
    book = read(SETS / f"pictures.{kind}").with_pictures(tmp_path)
    photos = {product.sku: product.photo for product in book.products}
    assert set(photos) == {*SHOWN, "A-4"}
    assert photos["A-4"] == ""
    for sku, colour in SHOWN.items():
        with Image.open(tmp_path / photos[sku]) as picture:
            seen = picture.convert("RGB").getpixel((40, 4))
        assert isinstance(seen, tuple)
        assert all(abs(one - other) < 12 for one, other in zip(seen, colour, strict=True)), sku


def test_a_damaged_drawing_costs_the_pictures_and_no_row() -> None:
    whole = (SETS / "pictures.xls").read_bytes()
    start = whole.index(b"\xeb\x00")  # the record that holds the pictures
    for at in range(start, start + 600, 7):
        damaged = whole[:at] + b"\xff\x7f" + whole[at + 2 :]
        assert len(xls_pictures(damaged)) <= 4
    assert xls_pictures(whole[: len(whole) // 2]) == ()
    assert xls_pictures(b"nothing") == ()


def test_pictures_that_would_fill_the_disk_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.workbook.picture.ALL", 1)
    monkeypatch.setattr("catalog.workbook.book.ALL", 1)

    book = read(SETS / "pictures.xlsx", lang="en")

    assert not any(product.photo for product in book.with_pictures(tmp_path).products)
    assert any("were left out" in problem.message for problem in book.problems)


def test_goods_whose_pictures_are_damaged_are_read_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "damaged.xlsx"
    with zipfile.ZipFile(SETS / "pictures.xlsx") as whole, zipfile.ZipFile(path, "w") as book:
        for part in whole.namelist():
            content = whole.read(part)
            book.writestr(part, content[:-20] if part.startswith("xl/worksheets/_rels/") else content)

    found = read(path, lang="ru")

    assert {product.sku for product in found.products} >= set(SHOWN)
    assert any("Картинки прочитать не удалось" in problem.message for problem in found.problems)
