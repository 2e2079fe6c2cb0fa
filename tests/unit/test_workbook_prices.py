"""Which price a customer may see: retail before plain before wholesale, dealer and purchase prices never."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from appliance.core.prompt import build, default_prompt
from appliance.core.replies import card
from appliance.core.types import Card
from catalog.build import text_to_embed
from catalog.product import Product
from catalog.records import Records
from catalog.workbook import read
from catalog.workbook.columns import Column
from tests.unit import workbook_books as books

SECRETS = ("777", "666", "555", "444", "ООО Ромашка")
HEADER = (
    "Артикул", "Наименование", "Закупка", "Дилерская цена", "Опт от 10 шт", "Розница, руб.", "Наценка, %", "Поставщик",
    "Мощность, кВт",
)  # fmt: skip
ROWS = (("N-1", "Насос НЦ-1", 777, 666, 555, 1250, 444, "ООО Ромашка", 3),)


def imported(tmp_path: Path, header: tuple[str, ...] = HEADER, rows: books.Rows = ROWS) -> Product:
    return read(books.xlsx(tmp_path / "a.xlsx", ("Прайс", (header, *rows)))).products[0]


def shown(product: Product) -> Card:
    return card(product, lang="ru", version="v1")


def test_no_dealer_or_purchase_price_reaches_a_card_a_prompt_or_an_embedder(tmp_path: Path) -> None:
    product = imported(tmp_path)

    seen = shown(product)
    told = json.dumps(asdict(seen), default=str, ensure_ascii=False)
    asked = str(build(default_prompt().body, question="Закупка и дилерская цена НЦ-1?", lang="ru", rows=[seen]))
    indexed = text_to_embed(product)

    assert seen.price == 1250
    assert not [secret for secret in SECRETS for text in (told, asked, indexed) if secret in text]
    assert ("Мощность", "3 кВт") in seen.attributes


def test_what_is_held_back_is_kept_typed_for_the_seller(tmp_path: Path) -> None:
    product = imported(tmp_path)

    assert [(a.name, int(a.number)) for a in product.inner if a.number is not None] == [
        ("Закупка", 777), ("Дилерская цена", 666), ("Опт от 10 шт", 555), ("Наценка, %", 444),
    ]  # fmt: skip
    Records.write(tmp_path, [product])
    assert Records(tmp_path)[0] == product


@pytest.mark.parametrize(
    ("labels", "price"),
    [
        (("Опт", "Розница"), 2),
        (("Дилер", "Цена"), 2),
        (("Цена", "РРЦ"), 2),
        (("Cost", "Price"), 2),
        (("Dealer_Rate", "MRP"), 2),
        (("Закупочная цена", "Оптовая цена"), 2),
        (("Стоимость, руб", "Стоимость опт, руб"), 1),
        (("Цена", "Партнёрская"), 1),
        (("EK-Preis", "UVP"), 2),
        (("Einkaufspreis", "Preis"), 2),
        (("Опт", "Крупный опт"), 1),
        (("Крупный опт, руб.", "Стоимость, руб"), 2),
        (("Дилерская цена", "Стоимость, руб"), 2),
    ],
)
def test_the_price_is_the_retail_one_then_a_plain_one_then_a_wholesale_one(
    labels: tuple[str, str], price: int, tmp_path: Path
) -> None:
    product = imported(tmp_path, ("Артикул", "Наименование", *labels), (("N-1", "Насос", 1, 2), ("N-2", "Насос", 1, 2)))

    assert product.price == price
    assert [a.number for a in product.inner] == [3 - price]
    assert not product.attributes


@pytest.mark.parametrize("label", ["Дилерская цена, руб.", "Закупочная цена", "Dealer price", "Purchase price"])
def test_a_list_of_dealer_prices_alone_shows_none_and_says_so(label: str, tmp_path: Path) -> None:
    path = books.xlsx(tmp_path / "a.xlsx", ("Прайс", (("Артикул", "Наименование", label), ("N-1", "Насос", 777))))
    book = read(path)

    assert [product.price for product in book.products] == [None]
    assert not shown(book.products[0]).attributes
    assert any(label in problem.message and "no customer" in problem.message for problem in book.problems)

    corrected = read(path, mapping={book.sheets[0].fingerprint: {"C": "price"}})
    assert [product.price for product in corrected.products] == [777]


def test_a_wholesale_list_is_read_with_its_prices_and_the_seller_is_told(tmp_path: Path) -> None:
    book = read(
        books.xlsx(tmp_path / "a.xlsx", ("Прайс", (("Артикул", "Наименование", "Опт, руб."), ("N-1", "Насос", 7))))
    )

    assert book.products[0].price == 7
    assert any("wholesale" in problem.message for problem in book.problems)


def test_a_wholesale_price_that_is_no_number_is_held_back_too(tmp_path: Path) -> None:
    rows = tuple((f"N-{i}", "Насос", 100 + i, "777/666 с отсрочкой") for i in range(4))

    assert not shown(imported(tmp_path, ("Артикул", "Наименование", "Цена", "Цена дилера"), rows)).attributes
    assert not shown(imported(tmp_path, ("Артикул", "Наименование", "Цена", "Опт"), rows)).attributes


def test_prices_among_json_attributes_are_held_back(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        'sku,name,price,attributes\nN-1,Pump,5,"{""Dealer price"": 777, ""Опт"": 666, ""Power"": ""3 kW""}"\n', "utf-8"
    )

    assert shown(read(path).products[0]).attributes == (("Power", "3 kW"),)


def test_a_suppliers_article_is_no_secret(tmp_path: Path) -> None:
    product = imported(
        tmp_path, ("Артикул", "Наименование", "Цена", "Артикул поставщика"), (("N", "Насос", 5, "ZX-9"),)
    )

    assert [a.text for a in product.attributes] == ["ZX-9"]


def test_the_seller_may_choose_another_column(tmp_path: Path) -> None:
    path = books.xlsx(tmp_path / "a.xlsx", ("Прайс", (HEADER, *ROWS)))
    mapping = {read(path).sheets[0].fingerprint: {"E": "price", "I": "inner"}}

    book = read(path, mapping=mapping)

    assert book.products[0].price == 555
    assert "1250" in [a.text for a in book.products[0].inner]
    assert book.sheets[0].columns[4] == Column(
        index=4, label="Опт от 10 шт", field="price", confidence=1.0, examples=("555",)
    )
    assert shown(book.products[0]).attributes == ()
