"""A card in another language than the price list still says what is measured, in units that its reader knows."""

from __future__ import annotations

from decimal import Decimal

import pytest

from appliance.core import replies
from appliance.core.measures import measured, sold_by, symbol
from catalog.product import Attribute, Product


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("3 кВт", "3 kW"),
        ("380 В, 50 Гц", "380 V, 50 Hz"),
        ("от 2 до 4 мм", "от 2 до 4 mm"),  # the words are the price list's own; only units are known
        ("12,5 м³/ч", "12,5 m³/h"),
        ("−20…+40 °С", "−20…+40 °C"),
        ("1450об/мин", "1450rpm"),
        ("5 МВт и 5 мВ", "5 MW и 5 mV"),
        ("чугун", "чугун"),
        ("IP54", "IP54"),
        ("М8х60", "М8х60"),
        ("3 квадрата", "3 квадрата"),
    ],
)
def test_units_are_read_in_international_symbols(text: str, read: str) -> None:
    assert measured(text, "en") == read
    assert measured(text, "ru") == text


@pytest.mark.parametrize(
    ("unit", "lang", "read"),
    [
        ("шт", "en", "pcs"), ("шт.", "de", "Stück"), ("pcs", "zh", "件"), ("м", "en", "m"), ("упак", "tr", "paket"),
        ("шт", "ru", "шт"), ("шт", "uz", "dona"), ("", "en", ""), ("кассета", "en", "кассета"),
        ("комплект", "fr", "sets"),
    ],
)  # fmt: skip
def test_a_unit_of_sale_is_a_word_of_the_customers_language(unit: str, lang: str, read: str) -> None:
    assert sold_by(unit, lang) == read


def test_a_card_shows_both() -> None:
    product = Product(
        sku="P1", name="Насос", stock=Decimal(4), unit="шт",
        attributes=(Attribute(name="Мощность / Power, кВт", text="3"), Attribute(name="Напор", text="20 м")),
    )  # fmt: skip
    english = replies.card(product, lang="en", version="v")
    assert english.unit == "pcs"
    assert english.attributes == (("Power", "3 kW"), ("Напор", "20 m"))
    assert replies.card(product, lang="ru", version="v").attributes == (("Мощность", "3 кВт"), ("Напор", "20 м"))
    assert symbol("Вт") == "W"
