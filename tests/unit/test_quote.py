"""What customers say of their request is understood, and a quotation adds up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest

from appliance.core.ordering import Order, ordered
from appliance.core.quote import Line, Quote, lines_from, lines_plain
from appliance.core.texts import languages, say
from appliance.core.types import Card

SHOWN = (
    Card(sku="DR-250", name="Насос дренажный Borea DR 250", unit="шт"),
    Card(sku="BR-6205", name="Подшипник 6205 2RS", unit="шт"),
    Card(sku="CO-50", name="Компрессор поршневой CO 50", unit="шт"),
)


def understood(text: str, lang: str = "ru", shown: tuple[Card, ...] = SHOWN) -> tuple[str, tuple[tuple[int, int], ...]]:
    order = ordered(text, lang=lang, shown=shown)
    return (order.deed, tuple((at, int(quantity)) for at, quantity in order.items)) if order else ("", ())


@pytest.mark.parametrize(
    ("text", "lang", "items"),
    [
        ("добавь 2 шт первого в заявку", "ru", ((0, 2),)),
        ("2 штуки первого", "ru", ((0, 2),)),
        ("4 шт подшипника 6205", "ru", ((1, 4),)),
        ("возьму десять штук второго", "ru", ((1, 10),)),
        ("беру второй", "ru", ((1, 1),)),
        ("пару штук третьего", "ru", ((2, 2),)),
        ("добавьте компрессор, 5 штук", "ru", ((2, 5),)),
        ("добавь первый и третий по 3 шт", "ru", ((0, 3), (2, 3))),
        ("добавь 2 первого и 7 второго", "ru", ((0, 2), (1, 7))),
        ("add 5 pcs of the second", "en", ((1, 5),)),
        ("I'll take two of the first one", "en", ((0, 2),)),
        ("add BR-6205 to my cart", "en", ((1, 1),)),
        ("ich nehme zwei Stück vom ersten", "de", ((0, 2),)),
        ("додай 3 шт першого", "uk", ((0, 3),)),
        ("birinciden 3 adet ekle", "tr", ((0, 3),)),
        ("birinchisidan 2 dona qo'shing", "uz", ((0, 2),)),
        ("біріншісін 2 дана қосыңыз", "kk", ((0, 2),)),
    ],
)
def test_quantities_are_read_with_the_product_they_belong_to(
    text: str, lang: str, items: tuple[tuple[int, int], ...]
) -> None:
    assert understood(text, lang) == ("add", items)


@pytest.mark.parametrize(("text", "lang"), [("возьму 3", "ru"), ("add 3 pcs", "en"), ("добавь в заявку 3 штуки", "ru")])
def test_a_quantity_alone_is_of_the_one_card_or_is_asked_about(text: str, lang: str) -> None:
    assert understood(text, lang, SHOWN[:1]) == ("add", ((0, 3),))
    assert understood(text, lang) == ("which", ())


@pytest.mark.parametrize(
    ("text", "lang", "deed"),
    [
        ("выставите счёт", "ru", "quote"),
        ("пришлите КП, пожалуйста", "ru", "quote"),
        ("send me a quote", "en", "quote"),
        ("I need a quotation", "en", "quote"),
        ("bitte schicken Sie mir ein Angebot", "de", "quote"),
        ("надішліть рахунок", "uk", "quote"),
        ("teklif gönderin", "tr", "quote"),
        ("给我发报价单", "zh", "quote"),
        ("что у меня в заявке?", "ru", "show"),
        ("what's in my cart?", "en", "show"),
        ("очисти заявку", "ru", "clear"),
        ("убери второй", "ru", "remove"),
    ],
)
def test_the_request_is_asked_for_in_words(text: str, lang: str, deed: str) -> None:
    assert understood(text, lang)[0] == deed


@pytest.mark.parametrize("lang", languages())
def test_the_button_for_a_quotation_is_understood_in_every_language(lang: str) -> None:
    assert ordered(say("quick_quote", lang), lang=lang, shown=()) == Order(deed="quote")


def test_a_quote_of_so_many_pieces_adds_them() -> None:
    assert understood("выставите счёт на 3 шт второго") == ("quote", ((1, 3),))


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("сколько стоят 5 штук второго?", "ru"),
        ("есть в наличии 3 шт первого?", "ru"),
        ("насос на 380 вольт", "ru"),
        ("нужен подшипник 6305", "ru"),
        ("не беру второй", "ru"),
        ("второй подробнее", "ru"),
        ("I'll take 3 ovens", "en"),
        ("how do I pay an invoice?", "en"),
        ("когда придёт мой заказ 455", "ru"),
        ("спасибо, я подумаю", "ru"),
        ("скидка будет, если возьму 10 штук?", "ru"),
        ("change the address in my order", "en"),
        ("where are you?", "en"),
    ],
)
def test_what_is_no_order_stays_what_it_was(text: str, lang: str) -> None:
    assert ordered(text, lang=lang, shown=SHOWN) is None


def line(price: str | None, quantity: str = "1", currency: str = "RUB") -> Line:
    return Line(
        sku="A", name="a", quantity=Decimal(quantity), price=None if price is None else Decimal(price),
        currency=currency,
    )  # fmt: skip


QUOTE = Quote(
    id=uuid4(), number=1, lang="ru", lines=(line("10.00"),), catalog_version="v1",
    made=datetime(2026, 1, 1, tzinfo=UTC), valid_until=datetime(2026, 1, 8, tzinfo=UTC),
)  # fmt: skip


def test_currencies_are_never_added_to_each_other() -> None:
    quote = replace(QUOTE, lines=(line("10.10", "3"), line("5", currency="EUR"), line("0.20"), line(None, "9")))
    assert quote.totals == (("RUB", Decimal("30.50")), ("EUR", Decimal("5.00")))
    assert not quote.complete and QUOTE.complete


def test_amounts_are_rounded_to_the_cent_halves_up() -> None:
    assert line("0.335", "3").amount == Decimal("1.01")
    assert line("0.005").amount == Decimal("0.01")
    assert line(None).amount is None


def test_lines_come_back_from_storage_as_they_were() -> None:
    lines = (line("10.10", "2.5"), line(None))
    assert lines_from(lines_plain(lines)) == lines
