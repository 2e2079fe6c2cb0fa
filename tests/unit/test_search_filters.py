"""A sentence becomes the filters that it means; its brands and categories are those that the catalogue has."""

import pytest

from catalog import build
from catalog.naming import Names
from catalog.product import Product
from catalog.snapshot import Found, Snapshot
from catalog.understand import understand
from catalog.wish import Wish
from models.packaged import PackagedEmbedder
from tests.eval.filters import BRANDS, CATEGORIES, LEAST, sentences, wrong

NAMES = Names(BRANDS, CATEGORIES)


def read(text: str) -> Wish:
    return NAMES.read(understand(text))


@pytest.mark.parametrize("lang", ["ru", "en", "de", "uk", "kk"])
def test_nearly_every_sentence_is_read_as_meant(lang: str) -> None:
    table = [one for one in sentences() if one.lang == lang]
    faults = [f"{one.text!r}: {fault}" for one in table if (fault := wrong(one, NAMES))]
    assert len(table) >= 10 and len(faults) <= (1 - LEAST) * len(table), faults


def test_another_brand_than_the_one_left_out_is_not_asked_for() -> None:
    wish = NAMES.read(Wish(text="насос grundfos", not_brand="grundfos"))
    assert (wish.text, wish.brand, wish.not_brand) == ("насос", "", "grundfos")


def test_horsepower_is_no_brand() -> None:
    assert Names(["HP"], []).read(understand("мотор 5 hp")).brand == ""


def test_no_brand_is_recognised_in_a_catalogue_that_has_none() -> None:
    assert Names([], []).read(understand("насос только Grundfos, кроме Wilo")).brand == ""


GOODS = [
    Product(sku="P-1", name="Насос циркуляционный 25-40", brand="Grundfos", category="Насосы"),
    Product(sku="P-2", name="Насос циркуляционный 25-60", brand="Wilo", category="Насосы"),
    Product(sku="P-3", name="Насос дренажный", brand="Джилекс", category="Насосы"),
    Product(sku="K-1", name="Компрессор винтовой 10 бар", brand="Ресанта", category="Винтовые компрессоры"),
    Product(sku="K-2", name="Фильтр масляный для компрессора", brand="Ресанта", category="Фильтры"),
    Product(sku="D-1", name="Перфоратор 800 Вт", brand="Bosch", category="Перфораторы"),
    Product(sku="D-2", name="Щётки угольные для перфоратора Bosch", brand="Ресанта", category="Запчасти"),
]


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    folder = tmp_path_factory.mktemp("version")
    embedder = PackagedEmbedder()
    vectors = embedder.encode([build.text_to_embed(one) for one in GOODS])
    build.write(folder, GOODS, {embedder.name: vectors}, about={"version": "one", "source": "test"})
    return Snapshot.open(folder)


def ask(snapshot: Snapshot, wish: Wish | str) -> Found:
    prepared = snapshot.prepare(wish)
    embedder = PackagedEmbedder()
    return snapshot.search(prepared, {embedder.name: embedder.encode(prepared.texts)})


def brands(found: Found) -> set[str]:
    return {hit.product.brand for hit in found.hits}


@pytest.mark.parametrize("query", ["насос Grundfos", "насос грундфос", "насос фирмы Grundfos", "Pumpe von Grundfos"])
def test_the_brand_that_is_named_is_the_only_one_shown(snapshot: Snapshot, query: str) -> None:
    assert brands(ask(snapshot, query)) == {"Grundfos"}


def test_the_brand_that_is_left_out_is_not_shown(snapshot: Snapshot) -> None:
    found = ask(snapshot, "насос, кроме Wilo")
    assert found.hits and "Wilo" not in brands(found) and not found.dropped


def test_a_brand_that_has_nothing_of_the_kind_is_given_up_and_told(snapshot: Snapshot) -> None:
    found = ask(snapshot, "насос Bosch")
    assert found.dropped == ("brand",) and found.hits[0].product.sku.startswith("P-")


def test_parts_for_a_brand_may_be_of_another(snapshot: Snapshot) -> None:
    assert ask(snapshot, "щётки для перфоратора Bosch").hits[0].product.sku == "D-2"


@pytest.mark.parametrize("query", ["только компрессоры", "only compressors", "в категории компрессоры"])
def test_only_the_category_that_is_told_is_shown(snapshot: Snapshot, query: str) -> None:
    assert [hit.product.sku for hit in ask(snapshot, query).hits] == ["K-1"]
