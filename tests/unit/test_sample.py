"""The sample catalogue: the same seed, the same goods; goods that a person would believe; a book that imports whole."""

from __future__ import annotations

import csv
import gzip
import re
import statistics
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from catalog import workbook
from catalog.sample import write_sample
from catalog.sample.book import attributes
from catalog.sample.canvas import Canvas
from catalog.sample.formula import formula
from catalog.sample.goods import goods
from catalog.sample.rows import Maker, Row, generate

CYRILLIC = re.compile("[А-Яа-яЁё]")
SETS = Path(__file__).parents[1] / "sets"


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return [row for _, made in generate(5_000, 1) for row in made]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder, rows=600, seed=1)
    return folder


def of_kind(rows: list[Row], key: str) -> list[Row]:
    return [row for row in rows if row.kind.key == key]


def test_the_same_seed_makes_the_same_goods_and_another_seed_makes_others() -> None:
    first, again, other = (list(generate(400, seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_exactly_as_many_rows_are_made_as_were_asked_for(rows: list[Row]) -> None:
    assert len(rows) == 5_000
    assert sum(len(made) for _, made in generate(7, 1)) == 7


def test_the_assortment_is_wide() -> None:
    families = goods().families
    assert len(families) >= 12
    assert sum(len(family.kinds) for family in families) >= 120


def test_no_two_goods_share_an_article_or_a_name(rows: list[Row]) -> None:
    assert max(Counter(row.article for row in rows).values()) == 1
    assert max(Counter(row.name_ru or row.name_en for row in rows).values()) == 1


def test_a_kind_that_has_no_more_variants_says_so_instead_of_repeating_itself() -> None:
    shop = goods()
    kind = next(kind for family in shop.families for kind in family.kinds if kind.key == "thermal_relay")
    maker = Maker(kind, shop, 1, set())
    assert maker.make(20_000) < 20_000
    assert maker.exhausted
    assert len({row.name_en or row.name_ru for row in maker.rows}) == len(maker.rows)


def test_a_pump_s_motor_is_strong_enough_for_its_water(rows: list[Row]) -> None:
    for row in of_kind(rows, "end_suction_pump"):
        flow, head, power = (row.values[key] for key in ("flow", "head", "power"))
        assert isinstance(flow, int | float) and isinstance(head, int | float) and isinstance(power, int | float)
        assert flow * head / 367 < power < flow * head / 367 * 5 + 0.4, row.name_ru  # kW; 367 = 3600 / 9.81


@pytest.mark.parametrize("key", ["screw_compressor", "frequency_drive", "power_cable", "water_heater", "hex_bolt"])
def test_more_of_a_thing_costs_more(rows: list[Row], key: str) -> None:
    measure = {"power_cable": "section", "water_heater": "volume", "hex_bolt": "thread_d"}.get(key, "power")
    priced = [row for row in of_kind(rows, key) if row.price and row.currency == "RUB"]
    ordered = sorted(priced, key=lambda row: float(row.values[measure]))
    third = len(ordered) // 3
    cheap, dear = (statistics.median(row.price or 0 for row in part) for part in (ordered[:third], ordered[-third:]))
    assert dear > 1.3 * cheap


def test_prices_are_mostly_roubles_some_dollars_and_euros_and_a_few_on_request(rows: list[Row]) -> None:
    money = Counter(row.currency for row in rows)
    assert set(money) == {"RUB", "USD", "EUR", ""}
    assert money["RUB"] > 0.6 * len(rows)
    assert 0.02 < money[""] / len(rows) < 0.04
    assert all((row.price is None) == (row.currency == "") and (row.price or 1) > 0 for row in rows)


def test_most_rows_have_both_names_and_a_few_only_one(rows: list[Row]) -> None:
    assert all(row.name_ru or row.name_en for row in rows)
    assert 0.02 < sum(not row.name_ru for row in rows) / len(rows) < 0.045
    assert 0.045 < sum(not row.name_en for row in rows) / len(rows) < 0.075


def test_an_english_name_has_no_russian_letter(rows: list[Row]) -> None:
    assert not [row.name_en for row in rows if CYRILLIC.search(row.name_en)]
    assert not [row.description for row in rows if not row.name_ru and CYRILLIC.search(row.description)]
    assert not [row.model for row in rows if CYRILLIC.search(row.model)]


def test_every_attribute_has_a_title_and_every_unit_an_english_name() -> None:
    shop = goods()
    used = {key for family in shop.families for key in attributes(family)}
    assert used <= set(shop.titles)
    assert {title.unit for title in shop.titles.values() if title.unit} <= set(shop.words)


def test_every_kind_has_a_picture_of_its_own(folder: Path) -> None:
    kinds = {kind.key for family in goods().families for kind in family.kinds}
    photos = list((folder / "photos").iterdir())
    assert {path.name for path in photos} == {f"{key}.webp" for key in kinds}
    assert len({path.read_bytes() for path in photos}) == len(kinds)
    for path in photos:
        with Image.open(path) as picture:
            assert picture.size == (320, 240)
            assert len(picture.convert("RGB").resize((64, 48)).getcolors(64 * 48) or []) > 200, path.name


def test_the_book_imports_whole_with_its_photos_prices_and_units(folder: Path) -> None:
    book = workbook.read(folder / "catalogue.xlsx")
    assert (len(book.products), book.problems, book.parity) == (600, [], True)
    assert len(book.sheets) == len(goods().families)
    assert all((folder / product.photo).is_file() for product in book.products)
    pump = next(product for product in book.products if product.photo == "photos/end_suction_pump.webp")
    power = next(attribute for attribute in pump.attributes if "Power" in attribute.name)
    assert power.unit == "w"
    assert any(product.price is None for product in book.products)


def test_a_formula_is_arithmetic_and_nothing_else() -> None:
    assert formula("snap(row, 2 * x) + 0.5", {"row": (1, 3, 5)})({"x": 1.2}) == 3.5
    for text in ("__import__('os').system('true')", "x.real", "[x for x in y]", "x := 3", "lambda: 1"):
        with pytest.raises((ValueError, SyntaxError)):
            formula(text, {})


def test_a_picture_with_an_unknown_shape_is_refused() -> None:
    for shapes in ("blob 1 2 3", "_fill 1 2", "finished 3"):
        with pytest.raises(ValueError, match="no shape"):
            Canvas(0.5).draw(shapes)


def test_the_judged_questions_fit_the_goods_that_they_stand_for(rows: list[Row]) -> None:
    with gzip.open(SETS / "search_sample.csv.gz", "rt", encoding="utf-8") as file:
        judged = list(csv.DictReader(file))
    with (SETS / "search_sample_absent.csv").open(encoding="utf-8") as file:
        absent = list(csv.DictReader(file))
    articles = {row.article for row in rows}
    assert {line["sku"] for line in judged} <= articles, "make the set anew: python tests/sets/make_search_sample.py"
    assert len({line["qid"] for line in judged + absent}) == 300
    assert len({line["kind"] for line in judged}) >= 14
