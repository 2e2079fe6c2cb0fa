"""Sentences of ours above the cards, and the cards as customers of different languages read them."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.core.followup import FollowUp
from appliance.core.replies import about_cards, card, goods
from appliance.core.types import Card
from catalog.product import Attribute, Product

HEATER = Product(
    sku="H-1", name="ТЭН для печи кольцевой", row=2, lang="ru", names=(("en", "Oven heating element, ring"),),
    attributes=(
        Attribute(name="Форма ТЭНа / Element shape", text="кольцевой"),
        Attribute(name="Теплоотдача / Heat output, Вт", text="1500"),
    ),
)  # fmt: skip


def priced(price: str | None, currency: str = "RUB") -> Card:
    return Card(sku="A", name="A", price=Decimal(price) if price else None, currency=currency)


def said(cards: list[Card], lang: str, why: str = "") -> str:
    found: Any = SimpleNamespace(corrected="", dropped=())
    return goods(found, cards, lang=lang, follow=FollowUp(kind="refine", why=why) if why else None, turn=0)


def test_a_card_that_a_customer_can_read_has_no_words_of_another_alphabet() -> None:
    assert card(HEATER, lang="en", version="v").attributes == (("Heat output", "1500 W"),)
    assert [name for name, _ in card(HEATER, lang="ru", version="v").attributes] == ["Форма ТЭНа", "Теплоотдача"]


def test_a_card_in_russian_alone_keeps_all_its_properties_for_everybody() -> None:
    plain = Product(sku="H-2", name=HEATER.name, row=3, lang="ru", attributes=HEATER.attributes)
    assert len(card(plain, lang="en", version="v").attributes) == 2


def test_a_comparison_says_what_differs_and_not_what_is_the_same() -> None:
    small = Card(
        sku="A", name="Pump A", price=Decimal(90), currency="EUR", attributes=(("Head", "5 m"), ("Power", "1 kW"))
    )
    large = Card(
        sku="B", name="Pump B", price=Decimal(120), currency="EUR", attributes=(("Head", "9 m"), ("Power", "1 kW"))
    )
    follow = FollowUp(kind="compare", why="compare", cards=(0, 1))
    lines = about_cards(follow, [small, large], lang="en").splitlines()
    assert lines[1:] == [
        "- **Pump A**: €90; a manager will confirm availability; Head: 5 m",
        "- **Pump B**: €120; a manager will confirm availability; Head: 9 m",
    ]


@pytest.mark.parametrize(
    ("cards", "lang", "why", "words"),
    [
        ([priced("100"), priced("90")], "ru", "another size", "С учётом уточнения: от 90 ₽."),
        ([priced("100"), priced("90", "EUR")], "ru", "another size", "Нашлось 2 товара."),
        ([priced("100"), priced(None)], "ru", "another size", "Нашлось 2 товара."),
        ([priced("100"), priced("90", "EUR")], "ru", "cheaper", "Вот варианты дешевле."),
        ([priced("100"), priced("90", "EUR")], "zh", "", "找到 2 个产品。"),
    ],
)
def test_no_sentence_above_the_cards_hangs_in_the_air(cards: list[Card], lang: str, why: str, words: str) -> None:
    assert said(cards, lang, why).replace("\N{NO-BREAK SPACE}", " ") == words
