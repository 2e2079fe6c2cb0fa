"""The claim gate: what no row and no text of the company shows does not reach a customer, and what they show does."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.core.claims import Row, check, check_record
from appliance.core.claims.numbers import find_numbers
from appliance.core.types import Card

SETS = Path(__file__).parent.parent / "sets"
PUMP = Card(
    sku="VG-1042",
    name="Насос Тамрис НЦ-25/6",
    price=Decimal(12500),
    currency="RUB",
    stock=Decimal(4),
    attributes=(("Мощность", "93 Вт"), ("Ширина", "180 мм"), ("Высота", "210 мм"), ("power_w", "93")),
)
WELL = Card(sku="VG-1077", name="Насос Орвент СК-3", price=Decimal(28900), currency="RUB", stock=Decimal(0))
COMPANY = "Доставка по городу занимает 2 дня, по области — 5 дней. Телефон +7 (495) 000-14-22, почта a@b.example."


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (SETS / f"claims_{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def passes(sentence: str, *rows: Card, lang: str = "ru", company: str = "", said: tuple[str, ...] = ()) -> bool:
    return check(sentence, lang=lang, rows=rows, company=company, said=said).passes


def test_no_hostile_sentence_passes() -> None:
    records = lines("hostile")
    assert len(records) == 500
    assert [record["text"] for record in records if check_record(record)["passes"]] == []


def test_fewer_than_three_of_a_hundred_good_sentences_are_blocked() -> None:
    records = lines("good")
    assert len(records) == 300
    blocked = [record["text"] for record in records if not check_record(record)["passes"]]
    assert len(blocked) < 0.03 * len(records), blocked


@pytest.mark.parametrize("name", ["second", "third", "fourth", "fifth"])
def test_the_sets_with_other_goods_are_told_apart_too(name: str) -> None:
    records = lines(name)
    bad = [each for each in records if each["verdict"] == "bad"]
    good = [each for each in records if each["verdict"] == "good"]
    assert [each["text"] for each in bad if check_record(each)["passes"]] == []
    blocked = [each["text"] for each in good if not check_record(each)["passes"]]
    assert len(blocked) < 0.03 * len(good), blocked


@pytest.mark.parametrize(
    "price",
    [
        "12 500 ₽",
        "12500 руб.",
        "12 500,00 рублей",
        "12,500.00 RUB",
        "12.500 ₽",
        "12\u202f500\u00a0₽",
        "12,5 тыс. руб.",
        "двенадцать тысяч пятьсот рублей",
        "RUB 12 500",
        "12'500 ₽",
    ],
)
def test_a_true_price_passes_however_it_is_written(price: str) -> None:
    assert passes(f"Насос Тамрис НЦ-25/6 стоит {price}", PUMP, WELL)
    assert not passes(f"Насос Орвент СК-3 стоит {price}", PUMP, WELL)


@pytest.mark.parametrize(
    "price", ["12 500 $", "12 501 ₽", "1 250 ₽", "12 500 тенге", "$12 500 ₽", "125 00 ₽", "двадцать тысяч рублей"]
)
def test_another_figure_or_currency_is_blocked(price: str) -> None:
    assert not passes(f"Насос Тамрис НЦ-25/6 стоит {price}", PUMP, WELL)


def test_a_figure_belongs_to_the_product_that_the_sentence_gives_it_to() -> None:
    assert passes("НЦ-25/6 стоит 12 500 ₽, а СК-3 — 28 900 ₽.", PUMP, WELL)
    assert passes("За 12 500 ₽ есть НЦ-25/6, за 28 900 ₽ — СК-3.", PUMP, WELL)
    assert passes("НЦ-25/6 и СК-3 стоят 12 500 ₽ и 28 900 ₽.", PUMP, WELL)
    assert not passes("НЦ-25/6 стоит 28 900 ₽, а СК-3 — 12 500 ₽.", PUMP, WELL)
    assert not passes("28 900 ₽ — столько стоит НЦ-25/6.", PUMP, WELL)
    assert not passes("НЦ-25/6 и СК-3 стоят 28 900 ₽ и 12 500 ₽.", PUMP, WELL)


def test_units_are_converted_and_never_confused() -> None:
    assert passes("Мощность 0,093 кВт.", PUMP)
    assert passes("Ширина 18 см, высота 21 см.", PUMP)
    assert not passes("Мощность 93 кВт.", PUMP)
    assert not passes("Ширина 21 см.", PUMP), "the height is no width"


def test_stock_without_a_figure_is_a_claim_too() -> None:
    assert passes("НЦ-25/6 есть в наличии.", PUMP, WELL)
    assert not passes("СК-3 есть в наличии.", PUMP, WELL)
    assert not passes("Оба насоса в наличии.", PUMP, WELL)
    assert passes("СК-3 сейчас нет на складе.", PUMP, WELL)
    assert not passes("НЦ-25/6 закончился.", PUMP, WELL)
    assert passes("Вам нужен насос в наличии?", WELL)
    assert not passes("Есть в наличии.", Card(sku="X", name="Дрель"))


def test_a_customers_own_figures_may_be_wishes_and_never_prices() -> None:
    assert passes("Вы просили 3 кВт.", PUMP, said=("нужно 3 кВт",))
    assert passes("Вам нужен насос на 3 кВт?", PUMP, said=("нужно 3 кВт",))
    assert not passes("Мощность насоса 3 кВт.", PUMP, said=("нужно 3 кВт",))
    assert not passes("Насос стоит 5000 рублей.", PUMP, said=("продайте за 5000 рублей",))
    assert not passes("Вы просили 3 кВт.", PUMP)


def test_the_companys_terms_pass_as_they_stand_and_not_otherwise() -> None:
    assert passes("Доставка по городу занимает 2 дня.", company=COMPANY)
    assert passes("По области доставка занимает 5 дней.", company=COMPANY)
    assert not passes("Доставка по городу занимает 5 дней.", company=COMPANY)
    assert not passes("Доставка по городу занимает 2 часа.", company=COMPANY)
    assert not passes("Доставка занимает 2 дня.")
    assert passes("Пишите на a@b.example или звоните +7 495 000 14 22.", company=COMPANY)
    assert not passes("Пишите на a@bb.example.", company=COMPANY)
    assert not passes("Звоните +7 495 000 14 23.", company=COMPANY)


def test_a_poisoned_cell_gives_no_licence() -> None:
    poison = Card(
        sku="X-1",
        name="Насос X-1 СКИДКА 90 % http://evil.example",
        price=Decimal(100),
        currency="RUB",
        stock=Decimal(1),
        attributes=(("Примечание", "цена 1 рубль, бесплатная доставка, пишите @evil"),),
    )
    for sentence in (
        "Насос X-1 СКИДКА 90 %.",
        "Насос X-1: http://evil.example.",
        "Цена 1 рубль.",
        "Бесплатная доставка.",
        "Пишите @evil.",
        poison.name + ".",
        "Примечание: цена 1 рубль, бесплатная доставка.",
    ):
        assert not passes(sentence, poison), sentence


@pytest.mark.parametrize(
    "sentence",
    [
        "Насос сто\u200bит 12 500 ₽.",
        "Цена ⅩⅡ тысяч.",
        "Цена 10⁴ ₽.",
        "Цена ٩٩٠ ₽.",
        "Цена １ ₽.",
        "1\u20e3",
        "<b>12 500 ₽</b>",
        "v e t r o . r u",
        "Насос \u202e00521 ₽",
    ],
)
def test_disguises_do_not_help(sentence: str) -> None:
    assert not passes(sentence, PUMP)


def test_in_an_unknown_language_no_figure_passes_unproven() -> None:
    assert passes("Тамрис НЦ-25/6 : 12 500 RUB.", PUMP, lang="fr")
    assert not passes("Тамрис НЦ-25/6 : 12 501 RUB.", PUMP, lang="fr")
    assert not passes("Livraison gratuite.", PUMP, lang="fr")
    assert not passes("Il coûte mille roubles.", PUMP, lang="fr")
    assert not passes("Cuesta doscientos rublos.", PUMP, lang="es")
    assert passes("Bonjour !", PUMP, lang="fr")


def test_the_judging_door_takes_what_people_send() -> None:
    row = {"sku": 17, "name": "Pump", "price": "1 200,50", "currency": "EUR", "stock": None, "attributes": None}
    assert Row.of(row).price == Decimal("1200.50")
    assert check_record(
        {"id": 1, "lang": "en", "rows": [row], "company": None, "text": "The pump costs €1,200.50."}
    ) == {
        "id": 1,
        "passes": True,
        "why": "",
    }
    said = check_record({"id": 2, "lang": "en-GB", "rows": [row], "text": "The pump costs €1,200."})
    assert said["passes"] is False and "1,200" in said["why"]
    assert check_record({"id": 3, "rows": [], "text": ""})["passes"] is True


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("двести пятьдесят три рубля", "253", "RUB"),
        ("zweihundertfünfzig Euro", "250", "EUR"),
        ("two thousand five hundred dollars", "2500", "USD"),
        ("on iki bin lira", "12000", "TRY"),
        ("два миллиона сум", "2000000", "UZS"),
        ("三万五千元", "35000", "CNY"),
        ("20k USD", "20000", "USD"),
        ("12 т.р.", "12000", "RUB"),
        ("сто грн", "100", "UAH"),
        ("41 300 рублей 50 копеек", "41300.5", "RUB"),
    ],
)
def test_amounts_in_words_are_read(text: str, value: str, unit: str) -> None:
    lang = {"on": "tr", "三万": "zh"}.get(text[:2], "ru")
    found = find_numbers(text, lang)
    assert [(number.values, number.currency) for number in found] == [(frozenset({Decimal(value)}), unit)]


@settings(max_examples=80, deadline=None)
@given(text=st.text(max_size=90), lang=st.sampled_from(["ru", "en", "de", "zh", "tr", "xx", ""]))
def test_no_text_breaks_the_gate(text: str, lang: str) -> None:
    check(text, lang=lang, rows=(PUMP, WELL), company=COMPANY, said=(text,))


@settings(max_examples=80, deadline=None)
@given(price=st.integers(1, 10**7), mask=st.sampled_from(["{} ₽", "{} руб.", "за {} рублей", "цена {}", "RUB {}"]))
def test_no_other_price_passes_whatever_the_figure(price: int, mask: str) -> None:
    assert passes(f"Тамрис НЦ-25/6: {mask.format(price)}.", PUMP, WELL) is (price == 12500)


@pytest.mark.parametrize(
    "text", ["1" * 5000, "один " * 2000, "a@" * 2000, "насос " * 2000, "1 " * 3000, "(" * 5000, "а-" * 3000]
)
def test_long_texts_take_no_long_time(text: str) -> None:
    began = time.perf_counter()
    for part in (text, text[:600]):
        check(part, lang="ru", rows=(PUMP, WELL), company=COMPANY, said=(text,) * 50)
    assert time.perf_counter() - began < 5
