"""Numbers, prices, stock and quantities as people write them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from catalog.workbook.encoding import decoded
from catalog.workbook.oldxls import format_says
from catalog.workbook.rows import attribute
from catalog.workbook.units import unit_of
from catalog.workbook.values import decimal_mark, number, price, quantity, stock
from catalog.workbook.vocabulary import currency_of, field_of


@pytest.mark.parametrize(
    ("written", "amount", "currency"),
    [
        ("1 250,00 руб.", "1250.00", "RUB"),
        ("1\u00a0250,00", "1250.00", ""),
        ("$1,250.00", "1250.00", "USD"),
        ("1.250,50 €", "1250.50", "EUR"),
        ("1'250.00 CHF", "1250.00", "CHF"),
        ("₹ 85,000", "85000", "INR"),
        ("6,31руб", "6.31", "RUB"),
        ("100 руб/шт", "100", "RUB"),
        ("1250.00 с НДС", "1250.00", ""),
        ("28500<span class='cur'>₴</span>", "28500", "UAH"),
        ("15 000 сум", "15000", "UZS"),
        ("120 бел. руб.", "120", "BYN"),
        (35.714285714285715, "35.71", ""),
        (0.0142, "0.0142", ""),
        (769.0, "769", ""),
    ],
)
def test_a_price_is_read(written: str | float, amount: str, currency: str) -> None:
    found = price(written)

    assert found is not None and found.exact
    assert (found.amount, found.currency) == (Decimal(amount), currency)


@pytest.mark.parametrize(
    "written", ["по запросу", "Звоните!!!", "договорная", "call", "On request", "-", "—", "за запитом", "auf Anfrage"]
)
def test_a_price_on_request_is_no_price_and_no_problem(written: str) -> None:
    found = price(written)

    assert found is not None and found.amount is None


@pytest.mark.parametrize("written", ["от 1200", "400-450", "500,00-950,00", "до 2300", "from 99", "470/520"])
def test_a_range_is_not_an_exact_price(written: str) -> None:
    found = price(written)

    assert found is not None and not found.exact


@pytest.mark.parametrize(
    "written", ["abc", "0,9кг", "за 4 шт. в руб.", "12 5", "#VALUE!", "ДУ 50", "M8x60", "1+1 бесплатно", "x" * 500]
)
def test_what_is_no_price_is_not_taken_for_one(written: str) -> None:
    assert price(written) is None


def test_a_column_decides_how_its_commas_are_read() -> None:
    assert decimal_mark(["52,99", "1,250", "7"]) == ","
    assert number("1,250", mark=",") == Decimal("1.250")
    assert decimal_mark(["52.99", "1,250"]) == "."
    assert number("1,250", mark=".") == Decimal(1250)
    assert decimal_mark(["1,250", "12"]) is None


@pytest.mark.parametrize(
    ("written", "amount", "exact"),
    [
        (5, 5, True), ("2 шт.", 2, True), (">10 шт.", 10, False), ("10+", 10, False),
        ("более 100", 100, False), ("+", 1, False),
        ("есть", 1, False), ("В наличии", 1, False), ("Available", 1, False), ("нет", 0, True),
        ("Out of Stock", 0, True),
        ("очікуємо", 0, True), (-3, 0, True), ("під замовлення", 0, True), (True, 1, False),
    ],
)  # fmt: skip
def test_stock_is_read(written: object, amount: int, exact: bool) -> None:
    found = stock(written)  # type: ignore[arg-type]

    assert found is not None
    assert (found.amount, found.exact) == (Decimal(amount), exact)


@pytest.mark.parametrize("written", ["к", "Москва", "2026-01-05 14:00", "", "склад 5 и склад 7"])
def test_stock_that_tells_nothing_is_not_known(written: str) -> None:
    assert stock(written) is None


@pytest.mark.parametrize(
    ("written", "amount", "unit"),
    [
        ("3 кВт", "3000", "w"), ("1,5 kW", "1500", "w"), ("2.5 МПа", "25", "bar"), ("5 см", "50", "mm"),
        ("380В", "380", "v"),
        ("16A", "16", "a"), ("12 м3/ч", "12", "m3/h"), ("100 л/мин", "6", "m3/h"), ("0,45 л", "0.45", "l"),
        ("-10 °C", "-10", "c"),
        ("50 Гц", "50", "hz"), ("180г.", "0.18", "kg"), ("2 м²", "2000000", "mm2"), ("1 000 кг", "1000", "kg"),
    ],
)  # fmt: skip
def test_a_quantity_comes_in_its_canonical_unit(written: str, amount: str, unit: str) -> None:
    assert quantity(written) == (Decimal(amount), unit)


def test_a_quantity_with_more_digits_than_a_number_keeps_is_no_crash() -> None:
    assert quantity("1" * 36 + "M") is not None


@pytest.mark.parametrize("written", ["M8", "6205-2RS", "100", "C16", "синий", "3 кВт 380 В", "12 м3/ч воды"])
def test_what_is_no_quantity_is_left_as_text(written: str) -> None:
    assert quantity(written) is None


@pytest.mark.parametrize(
    ("label", "value", "amount", "unit"),
    [
        ("Мощность, кВт", 3.0, "3000", "w"),
        ("Weight (kg)", "2,5", "2.5", "kg"),
        ("D (mm)", 20, "20", "mm"),
        ("Год", 2026, "2026", None),
        ("Цвет", "синий", None, None),
    ],
)
def test_a_header_may_carry_the_unit(label: str, value: object, amount: str | None, unit: str | None) -> None:
    found = attribute(label, str(value), value, unit_of(label))  # type: ignore[arg-type]

    assert (found.number, found.unit) == (Decimal(amount) if amount else None, unit)


@pytest.mark.parametrize(
    ("label", "field"),
    [
        ("Наименование товара", "name"), ("Номенклатура.Артикул ", "sku"), ("Код товара", "sku"),
        ("Ц. роз,грн", "price"), ("Цена за ед. руб.", "price"),
        ("Кол-во в упак.", "attribute"), ("Единица измерения", "unit"), ("Ссылка_изображения", "photo"),
        ("Ссылка на товар", "url"),
        ("Страна-производитель товара", "attribute"), ("Название категории", "category"), ("№ п/п", "index"),
        ("Кількість", "stock"),
        ("PRET UNITAR", "price"), ("Verkaufspreis", "price"), ("Розничная цена за ед., тг с НДС", "price"),
        ("Старая цена", "old_price"),
    ],
)  # fmt: skip
def test_a_label_names_its_field(label: str, field: str) -> None:
    match = field_of(label)

    assert match is not None and match.field == field


@pytest.mark.parametrize(
    "label",
    ["Москва", "qwerty", "", "—", "Мы работаем с 2001 года и продаём насосы, трубы, краны и всё остальное " * 3],
)
def test_other_words_name_nothing(label: str) -> None:
    assert field_of(label) is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Цены, руб.", "RUB"),
        ("Ціна грн", "UAH"),
        ("SRP, US", "USD"),
        ("В валюте: RUB", "RUB"),
        ("Цена в тенге", "KZT"),
        ("руб. и $", ""),
        ("Трубы", ""),
    ],
)
def test_a_currency_is_named_once_or_not_at_all(text: str, code: str) -> None:
    assert currency_of(text) == code


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1251", "cp866", "koi8-r"]
)
def test_russian_text_is_decoded_whatever_its_encoding(encoding: str) -> None:
    text = "Артикул;Наименование;Цена\r\nА-1;Насос центробежный;1250\r\n"

    assert decoded(text.encode(encoding)) == text


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8"])
def test_german_text_is_decoded(encoding: str) -> None:
    text = "Artikelnummer;Bezeichnung;Größe;Länge\r\n1;Kühlschrank für Getränke;groß;5\r\n"

    assert decoded(text.encode(encoding)) == text


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ('0.00" грн"', ("UAH", 0)),
        ("#,##0.00_р_.", ("", 0)),
        ('#,##0.00"р."', ("RUB", 0)),
        ("[$€-407]#,##0.00", ("EUR", 0)),
        ("00000", ("", 5)),
        ("General", ("", 0)),
    ],
)
def test_a_number_format_says_its_currency_and_its_zeros(pattern: str, says: tuple[str, int]) -> None:
    assert format_says(pattern) == says
