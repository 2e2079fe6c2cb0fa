"""A customer's sentence becomes words, limits, stock and order."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.understand import refine, understand

Bounds = tuple[str, str, float | None, float | None]


def bounds(text: str) -> set[Bounds]:
    return {
        (one.what, one.unit, None if one.low is None else float(one.low), None if one.high is None else float(one.high))
        for one in understand(text).limits
    }


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("насос не менее 10 бар", "насос", {("pressure", "bar", 10, None)}),
        ("компрессор до 50 000 ₽", "компрессор", {("price", "RUB", None, 50000)}),
        ("компрессор до 50 тыс", "компрессор", {("price", "", None, 50000)}),
        ("перфоратор от 5000 до 10000", "перфоратор", {("price", "", 5000, 10000)}),
        ("гвозди между 100 и 200 руб", "гвозди", {("price", "RUB", 100, 200)}),
        ("drill under $200", "drill", {("price", "USD", None, 200)}),
        ("pump up to 5 kW", "pump", {("power", "w", None, 5000)}),
        ("pump not less than 10 bar", "pump", {("pressure", "bar", 10, None)}),
        ("сверло от 2 до 4 мм", "сверло", {("length", "mm", 2, 4)}),
        ("Pumpe mindestens 10 bar", "pumpe", {("pressure", "bar", 10, None)}),
        ("насос не менше 10 бар", "насос", {("pressure", "bar", 10, None)}),
        ("насос 3 кВт 380 В", "насос 3 квт 380 в", set()),
        ("вентилятор осевой 950 об/мин 370 м3/ч", "вентилятор осевой 950 об/мин 370 м3/ч", set()),
        ("агрегаты центробежные 5,5 кВт", "агрегаты центробежные 5,5 квт", set()),
        ("25.11.23.119.12.1.01.05-0009-000", "25.11.23.119.12.1.01.05-0009-000", set()),
    ],
)
def test_limits_are_read_and_the_rest_is_searched(text: str, words: str, expected: set[Bounds]) -> None:
    assert (understand(text).text, bounds(text)) == (words, expected)


def test_several_limits_and_the_stock_are_read_together() -> None:
    wish = understand("насос не менее 10 бар до 50 тыс в наличии")
    assert wish.text == "насос" and wish.in_stock
    assert {limit.what for limit in wish.limits} == {"pressure", "price"}


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("кабель подешевле", "price"),
        ("cheapest drill", "price"),
        ("самый дорогой насос", "-price"),
        ("насос", "relevance"),
    ],
)
def test_the_order_is_read(text: str, order: str) -> None:
    assert understand(text).order == order


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("добрый день, сколько стоит AS253955 с ндс", "as253955"),
        ("how much is DWA-582/RU/10/B please", "dwa-582/ru/10/b"),
        ("скажите, есть у вас насос?", "насос"),
    ],
)
def test_politeness_is_not_searched(text: str, words: str) -> None:
    assert understand(text).text == words


def test_about_is_a_preference_and_no_filter() -> None:
    (limit,) = understand("эмаль около 2 кг").limits
    assert not limit.sure and limit.low == Decimal("1.7")


def test_a_follow_up_changes_what_it_names_and_keeps_the_rest() -> None:
    wish = understand("насос до 50 тыс в наличии")
    cheaper = refine(wish, understand("а подешевле?"))
    assert (cheaper.text, cheaper.order, cheaper.limits, cheaper.in_stock) == ("насос", "price", wish.limits, True)
    dearer = refine(wish, understand("до 80 тыс"))
    assert [limit.high for limit in dearer.limits] == [Decimal(80000)]
    other = refine(wish, understand("компрессор"))
    assert other.text == "компрессор" and other.limits == wish.limits


@settings(max_examples=200, deadline=1000)
@given(st.text(max_size=300))
def test_no_sentence_breaks_the_reader(text: str) -> None:
    understand(text)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "text", ["до 5 " * 3000, "9" * 10_000, "от " * 5000, "\u202e\x00насос" * 1000, "до 5000 руб " * 1000]
)
def test_long_and_strange_sentences_are_read_at_once(text: str) -> None:
    understand(text)
