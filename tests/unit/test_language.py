"""The language of short, mixed, mistyped and transliterated messages."""

from __future__ import annotations

from time import perf_counter

import pytest

from appliance.core.language import detect, readable, relaid, transliterated


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("насос", "ru"),
        ("сколько стоит HR2470?", "ru"),
        ("pump", "en"),
        ("do you have it in stock?", "en"),
        ("маған сорғы керек", "kk"),
        ("менге компрессор керек, бағасы қанша", "kk"),
        ("menga nasos kerak", "uz"),
        ("менга насос керак, нархи қанча", "uz"),
        ("потрібен насос, скільки коштує?", "uk"),
        ("pompa fiyatı ne kadar", "tr"),
        ("was kostet die Pumpe", "de"),
        ("水泵多少钱", "zh"),
        ("100升空压机", "zh"),
        ("ile kosztuje pompa", "pl"),
        ("cât costă pompa", "ro"),
        ("ポンプはいくらですか", "ja"),
    ],
)
def test_a_short_message_is_recognised(text: str, lang: str) -> None:
    assert detect(text) == lang


@pytest.mark.parametrize("text", ["380?", "HR2470", "6205-2RS", "24x40", "👍", "", "+7 912 345 67 89"])
def test_a_message_without_words_keeps_the_language_before(text: str) -> None:
    assert detect(text, before="de") == "de"
    assert detect(text, hint="kk-KZ") == "kk"


@pytest.mark.parametrize(
    "text",
    [
        "nasos na 380 skolko stoit",
        "dostavka v Almaty est?",
        "yfcjc",
        "ghbdtn",
        "rjvghtccjh 50 k",
        "kakaya pogoda zavtra",
    ],
)
def test_russian_in_latin_letters_is_russian(text: str) -> None:
    assert detect(text) == "ru"


@pytest.mark.parametrize("text", ["submersible pump", "ok great", "SKF 6308 bearing", "rcd 40a 30ma", "shut off valve"])
def test_english_is_not_taken_for_disguised_russian(text: str) -> None:
    assert detect(text) == "en"


def test_a_customer_who_changes_the_language_is_followed() -> None:
    assert detect("do you deliver to Berlin?", before="ru") == "en"
    assert detect("а доставка есть?", before="en") == "ru"


def test_a_word_that_languages_share_does_not_change_the_language() -> None:
    assert detect("а на 380?", before="uk") == "uk"
    assert detect("компрессор", before="kk") == "kk"


def test_a_mistyped_message_becomes_readable() -> None:
    assert relaid("yfcjc 380d") == "насос 380d"
    assert transliterated("nasos dlya vody") == "насос для воды"
    assert readable("yfcjc", "ru") == "насос"
    assert readable("skolko stoit", "ru") == "сколько стоит"
    assert readable("pump", "en") == "pump"


def test_it_is_quick() -> None:
    detect("прогрев")
    start = perf_counter()
    for place in range(100):
        detect(f"нужен дренажный насос для подвала номер {place}")
    assert (perf_counter() - start) / 100 < 0.01  # seconds; 0.3 ms measured, room for a busy machine
