"""Remarks on what was just shown, and what is not one."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from appliance.core.followup import FollowUp, covers, perhaps, resolve
from appliance.core.language import detect
from appliance.core.texts import languages, say
from appliance.core.types import Card
from catalog.wish import Limit, Wish

WISH = Wish(
    text="дренажный насос для горячей воды",
    limits=(
        Limit(what="power", unit="w", low=Decimal(3000), high=Decimal(3000)),
        Limit(what="voltage", unit="v", low=Decimal(220), high=Decimal(220)),
    ),
)
SHOWN = (
    Card(sku="QX-200", name="Насос дренажный QX-200", price=Decimal(5000), currency="RUB", brand="Borea"),
    Card(sku="QX-300", name="Насос дренажный QX-300", price=Decimal(4000), currency="RUB", brand="Borea"),
    Card(sku="QX-900", name="Насос дренажный QX-900", price=Decimal(9000), currency="RUB", brand="Nord"),
)
SETS = Path(__file__).parents[1] / "sets"


def asked(text: str, lang: str = "ru", *, wish: Wish | None = WISH, shown: tuple[Card, ...] = SHOWN) -> FollowUp | None:
    return resolve(text, wish=wish, shown=shown, lang=lang)


def changed(text: str, lang: str = "ru") -> Wish:
    remark = asked(text, lang)
    assert remark and remark.wish, f"{text!r} is no refinement: {remark}"
    return remark.wish


def limit(wish: Wish, what: str) -> Limit | None:
    return next((limit for limit in wish.limits if limit.what == what), None)


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("а подешевле?", "ru"),
        ("дороговато", "ru"),
        ("anything cheaper?", "en"),
        ("und billiger?", "de"),
        ("а дешевше є?", "uk"),
        ("арзанырағы бар ма", "kk"),
        ("arzonrog'i bormi", "uz"),
        ("daha ucuzu var mı", "tr"),
        ("有便宜一点的吗", "zh"),
    ],
)
def test_cheaper_is_cheaper_than_all_that_was_shown(text: str, lang: str) -> None:
    remark = asked(text, lang)
    assert remark and remark.wish and remark.otherwise
    assert limit(remark.wish, "price") == Limit(what="price", unit="RUB", high=Decimal("3999.99"))
    assert remark.wish.order == "price"
    milder = limit(remark.otherwise, "price")
    assert milder and milder.high == Decimal("4999.99")  # than the first


def test_cheaper_keeps_the_quantities_that_were_asked_for_and_are_there() -> None:
    pump = Card(
        sku="P1", name="Насос фекальный", price=Decimal(47300), currency="RUB", attributes=(("Мощность", "3 кВт"),)
    )
    remark = asked("подешевле", wish=Wish(text="насос 3 кВт 40 м"), shown=(pump,))
    assert remark and remark.wish
    assert limit(remark.wish, "power") == Limit(what="power", unit="w", low=Decimal(3000), high=Decimal(3000))
    assert limit(remark.wish, "length") is None, "what the goods shown have not is no condition"
    assert remark.loose and limit(remark.loose, "power") is None and limit(remark.loose, "price")


def test_cheaper_counts_in_the_currency_of_most_that_was_shown() -> None:
    abroad = Card(sku="HV-1", name="Насос дренажный HV", price=Decimal(632), currency="EUR")
    remark = asked("подешевле", wish=Wish(text="насос"), shown=(abroad, *SHOWN))
    assert remark and remark.wish
    assert limit(remark.wish, "price") == Limit(what="price", unit="RUB", high=Decimal("3999.99"))


def test_cheaper_than_a_named_card() -> None:
    price = limit(changed("есть дешевле третьего?"), "price")
    assert price and price.high == Decimal("8999.99")


def test_a_price_that_is_named_is_the_limit() -> None:
    price = limit(changed("а дешевле 3000 рублей?"), "price")
    assert price and price.high == Decimal(3000)


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("а на 380?", "ru"),
        ("380 вольт", "ru"),
        ("and for 380 V?", "en"),
        ("und mit 380 V?", "de"),
        ("380 ga bormi?", "uz"),
        ("380伏的呢？", "zh"),
    ],
)
def test_another_voltage_replaces_the_last(text: str, lang: str) -> None:
    wish = changed(text, lang)
    assert [one.low for one in wish.limits if one.what == "voltage"] == [Decimal(380)]
    assert limit(wish, "power") == WISH.limits[0]
    assert wish.text == WISH.text


def test_a_quantity_inside_the_words_is_replaced_too() -> None:
    remark = asked("а 5 кВт?", wish=Wish(text="генератор 3 кВт дизельный"))
    assert remark and remark.wish
    power = limit(remark.wish, "power")
    assert remark.wish.text == "генератор дизельный"
    assert power and power.low == power.high == Decimal(5000)
    assert remark.otherwise and not remark.otherwise.limits[-1].sure  # a preference, should nothing carry the number


def test_bigger_moves_the_quantity_that_was_asked_for_but_not_the_mains() -> None:
    wish = changed("а помощнее?")
    power, voltage = limit(wish, "power"), limit(wish, "voltage")
    assert power and power.low and power.low > 3000 and power.high is None
    assert voltage == WISH.limits[1]


def test_words_for_another_purpose_take_the_place_of_the_old() -> None:
    assert changed("а для холодной воды?").text == "дренажный насос для холодной воды"
    assert changed("same but stainless", "en").text == f"{WISH.text} stainless"


def test_another_brand_leaves_out_the_one_shown_first() -> None:
    assert changed("другой бренд").not_brand == "Borea"
    assert changed("another brand please", "en").not_brand == "Borea"


@pytest.mark.parametrize(
    ("text", "lang", "kind", "cards"),
    [
        ("второй подробнее", "ru", "details", (1,)),
        ("сколько стоит второй?", "ru", "price", (1,)),
        ("третий есть в наличии?", "ru", "stock", (2,)),
        ("2", "ru", "details", (1,)),
        ("последний", "ru", "details", (2,)),
        ("чем отличаются первый и третий", "ru", "compare", (0, 2)),
        ("чем отличаются первые два?", "ru", "compare", (0, 1)),
        ("сравни первые две", "ru", "compare", (0, 1)),
        ("compare the first two", "en", "compare", (0, 1)),
        ("was unterscheidet die ersten beiden?", "de", "compare", (0, 1)),
        ("алғашқы екеуінің айырмашылығы қандай?", "kk", "compare", (0, 1)),
        ("前两个有什么区别？", "zh", "compare", (0, 1)),
        ("беру второй", "ru", "order", (1,)),
        ("QX-300 в наличии?", "ru", "stock", (1,)),
        ("есть в наличии?", "ru", "stock", (0, 1, 2)),
        ("which one is better?", "en", "compare", (0, 1, 2)),
        ("was kostet der zweite?", "de", "price", (1,)),
        ("ikkinchisi qancha turadi", "uz", "price", (1,)),
    ],
)
def test_a_card_is_named_by_its_place_or_code(text: str, lang: str, kind: str, cards: tuple[int, ...]) -> None:
    remark = asked(text, lang)
    assert remark and (remark.kind, remark.cards) == (kind, cards)


def test_a_place_beyond_the_cards_names_nothing() -> None:
    remark = asked("пятый подробнее")
    assert remark is None or 4 not in remark.cards


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("нужен компрессор 500 л", "ru"),
        ("а компрессоры есть?", "ru"),
        ("кабель ВВГ 3х2.5", "ru"),
        ("HR2470", "ru"),
        ("лазерный уровень 360", "ru"),
        ("сколько стоит доставка?", "ru"),
        ("спасибо", "ru"),
        ("позовите менеджера", "ru"),
        ("+7 912 345-67-89", "ru"),
        ("расскажи про вторую мировую войну", "ru"),
        ("any yoga mats?", "en"),
        ("where is my order 5521", "en"),
    ],
)
def test_a_message_that_stands_alone_is_not_captured(text: str, lang: str) -> None:
    assert asked(text, lang) is None


def test_without_a_wish_or_cards_there_is_nothing_to_follow() -> None:
    assert asked("а подешевле?", wish=None, shown=()) is None


def test_messages_of_other_dialogues_are_not_taken_for_remarks() -> None:
    captured, alone = [], 0
    for dialogue in (json.loads(line) for line in (SETS / "dialogue.jsonl").read_text("utf-8").splitlines()):
        text, expected = dialogue["turns"][0], dialogue["expect"][0]
        if len(dialogue["turns"]) == 1:
            alone += 1
            remark = asked(text, expected["lang"])
            captured += [text] if remark and not (remark.kind == "order" and expected["route"] == "contact") else []
    assert len(captured) <= 0.01 * alone, captured


@pytest.mark.parametrize("lang", languages())
def test_our_own_quick_replies_are_understood(lang: str) -> None:
    wanted = {
        "cheaper": "cheaper",
        "more": "more",
        "stock": "only what is in stock",
        "brand": "another brand",
        "compare": "compare",
    }
    for name, outcome in wanted.items():
        label = say(f"quick_{name}", lang)
        assert detect(label, before=lang) == lang
        remark = asked(label, lang)
        assert remark and outcome in (remark.kind, remark.why), label


def test_what_is_asked_after_one_product_was_spoken_of_is_about_that_one() -> None:
    alone = resolve("и сколько он стоит?", wish=WISH, shown=SHOWN, lang="ru", focus=SHOWN[1].sku)
    assert alone is not None and (alone.kind, alone.cards) == ("price", (1,))
    every = resolve("сколько они все стоят?", wish=WISH, shown=SHOWN, lang="ru", focus=SHOWN[1].sku)
    assert every is not None and every.cards == tuple(range(len(SHOWN)))


@pytest.mark.parametrize(("text", "lang"), [("тёплый свет", "ru"), ("dust tight", "en"), ("wall hung", "en")])
def test_a_few_words_that_no_list_knows_may_describe_what_was_shown(text: str, lang: str) -> None:
    maybe = perhaps(text, wish=WISH, shown=SHOWN, lang=lang)
    assert maybe is not None and maybe.wish is not None and maybe.wish.text.startswith(WISH.text)


@pytest.mark.parametrize(
    ("text", "lang"), [("нужен сайлентблок", "ru"), ("компрессор", "ru"), ("do you deliver", "en"), ("спасибо", "ru")]
)
def test_requests_questions_and_courtesy_describe_nothing(text: str, lang: str) -> None:
    assert perhaps(text, wish=WISH, shown=SHOWN, lang=lang) is None


def test_a_description_holds_only_where_goods_have_all_its_words() -> None:
    assert covers("Светодиодная лампа, тёплый белый свет", "лампа светодиодная теплого света")
    assert not covers("Лампа светодиодная", "лампа сайлентблок")


def test_a_brand_whose_letters_are_within_another_word_is_not_named() -> None:
    shown = (replace(SHOWN[0], brand="Borea"), replace(SHOWN[1], brand="TH"))
    remark = resolve("other brands?", wish=WISH, shown=shown, lang="en")
    assert remark and remark.wish and remark.wish.not_brand == "Borea"
    remark = resolve("other brand, not TH", wish=WISH, shown=shown, lang="en")
    assert remark and remark.wish and remark.wish.not_brand == "TH"
