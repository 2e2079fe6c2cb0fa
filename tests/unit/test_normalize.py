"""Words, quantities, codes, layouts and alphabets are brought to one form."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.glossary import translate
from catalog.normalize import codes_in, fold, fold_code, measure, scan, script, sound, stem, switched, unit_of, words


def quantities(text: str) -> set[tuple[str, float]]:
    return {(one.dimension, round(one.low, 3)) for one in scan(text)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("насос 3 кВт 380В", {("power", 3000), ("voltage", 380)}),
        ("pump 3 kW, 380 V, 50 Hz", {("power", 3000), ("voltage", 380), ("frequency", 50)}),
        ("двигатель 4 л.с.", {("power", 2942)}),
        ("давление 2,5 МПа", {("pressure", 25)}),
        ("25 бар", {("pressure", 25)}),
        ("25 атм", {("pressure", 25)}),
        ("Кран Ду50 Ру16", {("length", 50), ("pressure", 16)}),
        ("ball valve DN 50 PN16", {("length", 50), ("pressure", 16)}),
        ("труба 5 см", {("length", 50)}),
        ('кран 1/2" латунный', {("length", 12.7)}),
        ("подача 20 м3/ч, напор 55 м", {("flow", 20), ("length", 55000)}),
        ("60 л/мин", {("flow", 3.6)}),
        ("болт М8х60", {("thread", 8), ("length", 60)}),
        ("светильник IP54", {("protection", 54)}),
        ("трехполюсный выключатель 16 А", {("poles", 3), ("current", 16)}),
        ("автомат 3P C16", {("poles", 3), ("curve", 3), ("current", 16)}),
        ("автомат 3 полюса 16А характеристика С", {("poles", 3), ("curve", 3), ("current", 16)}),
        ("circuit breaker 3-pole C16", {("poles", 3), ("curve", 3), ("current", 16)}),
        ("профиль 20х40 мм", {("length", 20), ("length", 40)}),
        ("ВВГнг 3х2,5 мм2", {("cores", 3), ("area", 2.5)}),
        ("мешок 20кг", {("mass", 20)}),
        ("насос 3 в наличии", set()),
        ("картридж W2033A", set()),
    ],
)
def test_quantities_are_found_in_canonical_units(text: str, expected: set[tuple[str, float]]) -> None:
    assert quantities(text) == expected


def test_a_range_keeps_both_ends() -> None:
    (one,) = scan("реле 10-16 А")
    assert (one.dimension, one.low, one.high) == ("current", 10, 16)
    assert one.tokens == ("#10a", "#16a")


def test_two_products_joined_by_a_dash_are_no_range() -> None:
    assert {("length", 60.3), ("length", 2.9), ("length", 33.7), ("length", 3.2)} == quantities(
        "переход 60,3х2,9-33,7х3,2 мм"
    )


def test_one_quantity_written_in_many_ways_is_one_word_of_the_index() -> None:
    assert {scan(text)[0].tokens for text in ("3 кВт", "3kW", "3000 Вт", "3,0 квт")} == {("#3000w",)}


@pytest.mark.parametrize(
    ("number", "unit", "expected"),
    [
        ("2,5", "МПа", (Decimal("25.0"), "bar", "pressure")),
        ("3", "кВт", (Decimal("3000.0"), "w", "power")),
        ("5", "см", (Decimal(50), "mm", "length")),
        ("1", "попугай", None),
    ],
)
def test_a_cell_and_its_unit_are_measured(number: str, unit: str, expected: tuple[Decimal, str, str] | None) -> None:
    assert measure(number, unit) == expected


def test_units_are_told_apart_by_their_letters() -> None:
    assert unit_of("м3/ч") == ("flow", 1)
    assert unit_of("мм2") == ("area", 1)
    assert unit_of("Вт.") == ("power", 1)


@pytest.mark.parametrize("text", ["S203М-С40UС", "s203m c40uc", "S203M/C40UC", "S203M-C40UC"])
def test_one_code_written_in_many_ways_is_one_code(text: str) -> None:
    assert fold_code(text) == "s203mc40uc"


def test_codes_are_seen_among_words() -> None:
    assert codes_in("Картридж HP CE410A (305A) чёрный") == ["ce410a", "305a"]
    assert codes_in("Насос дренажный") == []


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("yfcjc", "насос"), ("фии", "abb"), ("0,31k", "0,31л"), ("60[60[1", "60х60х1"), (",jkn", "болт")],
)
def test_a_forgotten_keyboard_switch_is_undone(typed: str, meant: str) -> None:
    assert switched(typed) == meant


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("насос", "nasos"),
        ("щётка", "shchetka"),
        ("щётка", "schetka"),
        ("хомут", "khomut"),
        ("жёлтый", "zheltyj"),
        ("насоси", "насосы"),
    ],
)
def test_words_of_two_alphabets_sound_alike(one: str, other: str) -> None:
    assert sound(fold(one)) == sound(fold(other))


def test_endings_are_cut_in_each_language() -> None:
    assert stem("насосы") == stem("насосов") == "насос"
    assert stem("pumps") == "pump"
    assert stem("сорғысы") == stem("сорғы")


def test_letters_are_folded_but_not_confused() -> None:
    assert fold("Țeavă Ø50 м³ Ёлка № 5") == "teava d50 м3 елка # 5"
    assert words("кабель 3х2,5 с16") == ["кабель", "3x2.5", "c16"]
    assert [script(text) for text in ("насос", "pump", "380")] == ["cyrl", "latn", "othr"]


@pytest.mark.parametrize(
    ("text", "language", "said"),
    [
        ("Pompe pentru stingerea incendiilor", "ro", "насос для тушение"),
        ("білі насоси", "uk", "белый насос"),
        ("су сорғысы", "kk", "насос водяной"),
    ],
)
def test_other_languages_are_said_in_russian(text: str, language: str, said: str) -> None:
    glossed = translate(text)
    assert glossed.language == language and glossed.text.startswith(said)


def test_german_compounds_are_parted() -> None:
    asked = dict(translate("Kreiselpumpe").words)
    assert {"центробежн", "насос", "pump"} <= asked.keys()


@settings(max_examples=200, deadline=1000)
@given(st.text(max_size=400))
def test_no_text_breaks_the_normaliser(text: str) -> None:
    scan(text)
    codes_in(text)
    translate(text)
    for word in words(fold(text)):
        sound(stem(word))


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "text", ["9" * 10_000, "1x" * 5000, "1/" * 5000, "3 кВт " * 2000, "(" * 10_000, "а-" * 5000, "1 " * 5000]
)
def test_long_texts_take_linear_time(text: str) -> None:
    scan(text)
    codes_in(text)
    [sound(word) for word in words(fold(text))]
