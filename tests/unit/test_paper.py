"""A quotation on paper says what was quoted, in the customer's language, and does nothing when it is opened."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader

from appliance.core.quote import Line, Quote
from appliance.paper.pdf import pdf
from appliance.paper.sheet import Letterhead, file_name
from appliance.paper.workbook import xlsx

HEAD = Letterhead(company="ООО «Прилавок»", contact="sales@shop.example", zone="Asia/Almaty")
PUMP = Line(
    sku="DR-250", name="Насос дренажный, 3×400 В", quantity=Decimal(2), unit="шт", price=Decimal(3180), currency="RUB"
)
BEARING = replace(PUMP, sku="6205", name="Подшипник", quantity=Decimal("1250.5"), price=Decimal("412.50"))
UNPRICED = replace(PUMP, sku="X-1", name="Рама на заказ", quantity=Decimal(1), price=None, currency="")
QUOTE = Quote(
    id=uuid4(), number=1024, lang="ru", lines=(PUMP, BEARING, UNPRICED), catalog_version="2026-11-22-a3f9",
    made=datetime(2026, 11, 22, 21, tzinfo=UTC), valid_until=datetime(2026, 11, 29, 21, tzinfo=UTC), customer="Анна",
)  # fmt: skip


def printed(quote: Quote) -> str:
    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf(quote, HEAD))).pages)
    return text.replace("\xa0", " ")


def calculated(quote: Quote) -> list[list[object]]:
    book = load_workbook(io.BytesIO(xlsx(quote, HEAD)))
    return [[cell.value for cell in row] for row in book.active.iter_rows()]


def test_the_pdf_says_number_dates_lines_totals_and_version() -> None:
    text = printed(QUOTE)
    for said in (
        "Коммерческое предложение № 1024", "23 ноября 2026", "30 ноября 2026", "Анна", "DR-250", "3 180,00", "6 360,00",
        "1 250,5", "515 831,25", "по запросу", "Итого: 522 191,25 ₽", "версии 2026-11-22-a3f9", "sales@shop.example",
        "ООО «Прилавок»", "Страница 1 из 1",
    ):  # fmt: skip
        assert said in " ".join(text.split()), (said, text)


@pytest.mark.parametrize(
    ("lang", "title"),
    [
        ("ru", "Коммерческое предложение"), ("en", "Quotation No. 1024"), ("de", "Angebot Nr. 1024"),
        ("uk", "Комерційна пропозиція"), ("kk", "Коммерциялық ұсыныс"), ("uz", "Tijorat taklifi"),
        ("tr", "Teklif No. 1024"), ("zh", "Quotation No. 1024"), ("xx", "Quotation No. 1024"),
    ],
)  # fmt: skip
def test_each_language_has_its_paper_and_the_fonts_have_its_letters(lang: str, title: str) -> None:
    quote = replace(QUOTE, lang=lang)
    text = printed(quote)
    assert title in text and "□" not in text
    assert any(title in str(value) for row in calculated(quote) for value in row)


def test_two_currencies_have_two_totals_and_every_price_says_its_own() -> None:
    text = printed(replace(QUOTE, lines=(PUMP, replace(BEARING, currency="EUR"))))
    assert "6 360,00 ₽" in text and "515 831,25 €" in text
    assert "522 191,25" not in text


def test_a_long_request_goes_on_over_pages_with_the_columns_named_on_each() -> None:
    quote = replace(QUOTE, lines=(replace(PUMP, name="Насос " * 60),) * 50)
    pages = PdfReader(io.BytesIO(pdf(quote, HEAD))).pages
    assert len(pages) > 3
    assert all("Наименование" in page.extract_text() for page in pages[:-1])


def test_letters_that_the_fonts_lack_are_seen_to_be_missing() -> None:
    text = printed(replace(QUOTE, lines=(replace(PUMP, name="Подшипник 轴承 10 Ω"),)))
    assert "Подшипник □□ 10 Ohm" in text


def test_figures_of_the_workbook_are_figures() -> None:
    rows = calculated(QUOTE)
    assert [1, "DR-250", "Насос дренажный, 3×400 В", 2, "шт", 3180, 6360] in rows
    assert [3, "X-1", "Рама на заказ", 1, "шт", "по запросу", None] in rows
    assert any(row[5:7] == ["Итого, RUB", pytest.approx(522191.25)] for row in rows)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r="])
def test_no_text_of_the_workbook_is_a_formula(start: str) -> None:
    evil = f'{start}HYPERLINK("http://bad.example","x")'
    quote = replace(QUOTE, lines=(replace(PUMP, name=evil, sku=evil, unit=evil),), customer=evil)
    book = load_workbook(io.BytesIO(xlsx(quote, Letterhead(company=evil, contact=evil))))
    cells = [cell for row in book.active.iter_rows() for cell in row if cell.value is not None]
    assert [cell for cell in cells if cell.data_type == "f"] == []
    assert len([cell for cell in cells if cell.quotePrefix and "HYPERLINK" in cell.value]) == 5  # also when edited


def test_control_characters_do_not_break_the_workbook() -> None:
    assert any("ab" in row for row in calculated(replace(QUOTE, lines=(replace(PUMP, name="a\x00\x0bb"),))))


def test_the_file_is_named_in_plain_letters() -> None:
    assert file_name(QUOTE, "pdf") == "quotation-1024.pdf"
