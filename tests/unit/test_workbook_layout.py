"""Headers, sections, grids side by side, hidden parts and duplicates: what the importer makes of real-world layouts."""

from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.drawing.image import Image
from openpyxl.styles import Font
from PIL import Image as Pixels

from catalog.workbook import Book, read
from tests.unit import workbook_books as books


def sheet_of(tmp_path: Path, *rows: tuple[Any, ...], **options: Any) -> Book:
    return read(books.xlsx(tmp_path / "price.xlsx", ("Прайс", rows)), **options)


def seen(*values: Any) -> tuple[Any, ...]:
    return values


def messages(book: Book) -> str:
    return "\n".join(problem.message for problem in book.problems)


def counts(book: Book, sheet: int = 0) -> dict[str, int]:
    return {kind: count for kind, count in book.sheets[sheet].counts.items() if count}


def test_the_header_is_found_below_the_letterhead(tmp_path: Path) -> None:
    book = sheet_of(
        tmp_path,
        ("ООО Ромашка",),
        ("тел. (4872) 37-04-06",),
        ("Цены указаны в гривне с НДС",),
        (),
        ("№", "Код", "Найменування", "Ціна"),
        (1, "A1", "Насос", 100),
        (2, "A2", "Кран", 200),
        (
            "",
            "",
            "* ціни можуть змінюватися",
        ),
    )

    assert book.sheets[0].header_rows == (5,)
    assert [seen(p.sku, p.name, p.price, p.currency, p.row) for p in book.products] == [
        ("A1", "Насос", 100, "UAH", 6),
        ("A2", "Кран", 200, "UAH", 7),
    ]
    assert counts(book) == {"product": 2, "header": 1, "note": 4}


def test_a_header_of_two_rows_with_merged_cells_names_each_price(tmp_path: Path) -> None:
    path = books.xlsx(
        tmp_path / "p.xlsx",
        (
            "Чай",
            (
                ("№", "Название", "Состав", "Цена, рубли", None, None),
                (None, None, None, "Опт", "Мелкий опт", "Розница"),
                (1, "Чай степной", "мята", 42, 60, 80),
                (2, "Чай горный", "липа", 43, 61, 81),
            ),
        ),
    )
    page = openpyxl.load_workbook(path)
    page["Чай"].merge_cells("D1:F1")
    page.save(path)

    book = read(path)

    assert book.sheets[0].header_rows == (1, 2)
    assert [seen(p.price, p.currency) for p in book.products] == [(80, "RUB"), (81, "RUB")]
    assert [a.text for a in book.products[0].inner] == ["42", "60"]


def test_sections_become_categories_and_a_repeated_header_is_no_product(tmp_path: Path) -> None:
    rows = (
        ("Код", "Наименование", "Цена"),
        ("Насосы",),
        ("Центробежные",),
        ("A1", "НЦ-1", 10),
        ("A2", "НЦ-2", 20),
        ("Вихревые",),
        ("A3", "НВ-1", 30),
        ("Код", "Наименование", "Цена"),
        ("A4", "НВ-2", 40),
        ("Арматура",),
        ("A5", "Кран", 50),
        ("Итого", None, 150),
    )
    path = books.xlsx(tmp_path / "p.xlsx", ("Прайс", rows))
    page = openpyxl.load_workbook(path)
    for row in (2, 10):
        page["Прайс"].cell(row, 1).font = Font(bold=True)
    page.save(path)

    book = read(path)

    pumps = ["Насосы / Центробежные"] * 2 + ["Насосы / Вихревые"] * 2
    assert [p.category for p in book.products] == [*pumps, "Арматура"]
    assert counts(book) == {"product": 5, "header": 2, "section": 4, "total": 1}


def test_indents_give_the_depth_of_a_section(tmp_path: Path) -> None:
    book = sheet_of(
        tmp_path,
        ("Номенклатура", "Цена", "Ед."),
        ("Бумага",),
        ("    Офисная",),
        ("Бумага А4", 96, "пач."),
        ("    Плотная",),
        ("Бумага А3", 196, "пач."),
        ("Ручки",),
        ("Ручка синяя", 6, "шт"),
    )

    assert [p.category for p in book.products] == ["Бумага / Офисная", "Бумага / Плотная", "Ручки"]


def test_sections_that_look_alike_replace_each_other(tmp_path: Path) -> None:
    goods = (("Насосы",), ("A1", "НЦ", 10), ("Краны",), ("A2", "Кран", 20), ("Люки",), ("A3", "Люк", 5))

    book = sheet_of(tmp_path, ("Код", "Наименование", "Цена"), *goods)

    assert [p.category for p in book.products] == ["Насосы", "Краны", "Люки"]


@pytest.mark.parametrize(
    ("above", "labels", "currency"),
    [
        ("www.pumps.com.ua", ("Наименование", "Цена"), "UAH"),
        ("тел. +375 29 111 22 33", ("Наименование", "Цена"), "BYN"),
        ("Прайс", ("Назва", "Ціна"), "UAH"),
        ("Прайс", ("Наименование", "Цена"), "RUB"),
        ("Price list", ("Product", "Price"), "USD"),
    ],
)
def test_a_currency_that_nothing_names_is_guessed_and_said(
    above: str, labels: tuple[str, str], currency: str, tmp_path: Path
) -> None:
    rows = ((above,), labels, ("Galaxy A03", 2970), ("Galaxy A04", 3970))

    book = sheet_of(tmp_path, *rows)

    assert {p.currency for p in book.products} == {currency}
    assert f"{currency} was assumed" in messages(book)
    assert {p.currency for p in sheet_of(tmp_path, *rows, currency="PLN").products} == {"PLN"}


def test_grids_side_by_side_are_read_one_by_one(tmp_path: Path) -> None:
    book = sheet_of(
        tmp_path,
        ("Обозначение", "L, м", "Цена", "Обозначение", "L, м", "Цена", "Обозначение", "L, м", "Цена"),
        ("A1", 1, 10, "B1", 4, 40, "C1", 7, 70),
        ("A2", 2, 20, "B2", 5, 50, "C2", 8, 80),
        ("A3", 3, 30, "B3", 6, 60, None, None, None),
    )

    assert sorted(seen(p.name, p.price) for p in book.products) == [
        ("A1", 10), ("A2", 20), ("A3", 30), ("B1", 40), ("B2", 50), ("B3", 60), ("C1", 70), ("C2", 80),
    ]  # fmt: skip
    assert len(book.sheets[0].tables) == 3
    assert counts(book) == {"product": 3, "header": 1}


def test_a_list_without_names_is_composed_of_section_and_sizes(tmp_path: Path) -> None:
    book = sheet_of(
        tmp_path,
        ("РВ-1",),
        ("H (высота)", "А (длина)", "Розничная цена", "Цена со скидкой"),
        (100, 150, 2345, 1641.5),
        (100, 200, 2735, 1914.5),
        (200, 150, 3735, 2914.5),
    )

    assert book.products[0].name == "РВ-1, H (высота) 100, А (длина) 150"
    assert [p.price for p in book.products] == [2345, 2735, 3735]
    assert "composed" in messages(book)


def test_a_row_without_a_name_is_a_further_size_of_the_one_above(tmp_path: Path) -> None:
    book = sheet_of(
        tmp_path,
        ("№ п/п", "Наименование товара", "вес, кг", "Цена с НДС"),
        (1, "Клей", 1.7, 216),
        (None, None, 3.6, 469),
        (2, "Краска", 2.5, 300),
    )

    assert [p.name for p in book.products] == ["Клей", "Клей, вес, кг 3.6", "Краска"]


def test_a_price_without_a_name_is_a_lost_row_with_its_number(tmp_path: Path) -> None:
    book = sheet_of(
        tmp_path,
        ("Назва", "Ціна", "Посилання"),
        ("Телефон", 10, "https://a.example/1"),
        (None, 20, "https://a.example/2"),
        ("Чохол", 30, "https://a.example/3"),
    )

    assert [p.name for p in book.products] == ["Телефон", "Чохол"]
    assert [(q.row, q.lost) for q in book.problems if "no name" in q.message] == [(3, True)]
    assert counts(book) == {"product": 2, "problem": 1, "header": 1}


def test_a_sheet_without_a_header_is_read_by_its_content(tmp_path: Path) -> None:
    book = sheet_of(tmp_path, ("Установка насоса", 2970), ("Монтаж трубы", 3100), ("Наладка", "от 1200"))

    assert [(p.name, p.price) for p in book.products] == [
        ("Установка насоса", 2970),
        ("Монтаж трубы", 3100),
        ("Наладка", None),
    ]
    assert book.sheets[0].header_rows == ()
    assert "No header row" in messages(book)
    assert "not one exact price" in messages(book)


def test_hidden_sheets_rows_and_columns_are_left_out_and_said(tmp_path: Path) -> None:
    path = books.xlsx(tmp_path / "p.xlsx", ("Прайс", books.GOODS), ("-Закупка", books.GOODS))
    page = openpyxl.load_workbook(path)
    page["Прайс"].row_dimensions[3].hidden = True
    page["Прайс"].column_dimensions["E"].hidden = True
    page.save(path)

    book = read(path)

    assert [p.sku for p in book.products] == ["N-1", "N-3"]
    assert not any(a.unit for p in book.products for a in p.attributes)
    assert counts(book) == {"product": 2, "header": 1, "hidden": 1}
    assert counts(book, 1) == {"hidden": 4}
    for words in ("1 hidden rows were left out", "Hidden columns were left out: E", "Sheet Закупка is hidden"):
        assert words in messages(book)
    assert len(read(path, include_hidden=True).products) == 3


def test_rows_folded_into_an_outline_are_not_hidden(tmp_path: Path) -> None:
    path = books.xlsx(tmp_path / "p.xlsx", ("Прайс", books.GOODS))
    page = openpyxl.load_workbook(path)
    page["Прайс"].row_dimensions.group(3, 4, hidden=True)
    page.save(path)

    assert len(read(path).products) == 3


def test_number_formats_give_leading_zeros_and_two_currencies_in_one_column(tmp_path: Path) -> None:
    path = books.xlsx(
        tmp_path / "p.xlsx",
        ("Прайс", (("Код", "Наименование", "Цена"), (17, "Насос", 10), (18, "Кран", 20), (19, "Люк", "$5.50"))),
    )
    page = openpyxl.load_workbook(path)
    for row in (2, 3, 4):
        page["Прайс"].cell(row, 1).number_format = "00000"
    page["Прайс"].cell(2, 3).number_format = '#,##0.00" грн"'
    page["Прайс"].cell(3, 3).number_format = "[$€-407]#,##0.00"
    page.save(path)

    assert [(p.sku, p.price, p.currency) for p in read(path).products] == [
        ("00017", 10, "UAH"),
        ("00018", 20, "EUR"),
        ("00019", Decimal("5.50"), "USD"),
    ]


def test_bold_lines_are_sections_of_a_list_without_prices(tmp_path: Path) -> None:
    path = books.xlsx(
        tmp_path / "p.xlsx",
        (
            "Работы",
            (
                ("Наименование работ", "Примечание"),
                ("Сантехника",),
                ("Разводка", "до 10 точек"),
                ("Установка ванны",),
                ("Монтаж", "1 шт"),
            ),
        ),
    )
    page = openpyxl.load_workbook(path)
    page["Работы"]["A2"].font = Font(bold=True)
    page.save(path)

    book = read(path)

    assert [(p.name, p.category) for p in book.products] == [
        (n, "Сантехника") for n in ("Разводка", "Установка ванны", "Монтаж")
    ]
    assert all(p.price is None for p in book.products)


def test_duplicates_are_named_and_conflicts_name_both_rows(tmp_path: Path) -> None:
    book = sheet_of(
        tmp_path,
        ("Артикул", "Наименование", "Цена", "Цвет"),
        ("A1", "Насос", 10, "синий"),
        ("A1", "Насос", 10, "синий"),
        ("A1", "Насос", 12, "синий"),
        ("A1", "Насос", 10, "красный"),
        ("A1", "Кран", 99, "синий"),
    )

    assert [seen(p.sku, p.name, p.price) for p in book.products] == [
        ("A1", "Насос", 10),
        ("A1-2", "Насос", 10),
        ("A1-3", "Кран", 99),
    ]
    assert counts(book) == {"product": 3, "duplicate": 1, "conflict": 1, "header": 1}
    told = {problem.row: problem for problem in book.problems if problem.row > 2}
    assert "already in row 2" in told[3].message and told[3].lost
    assert "also in row 2 with another price" in told[4].message and told[4].lost
    assert "A1-2" in told[5].message and not told[5].lost


def test_made_skus_stay_when_rows_move_and_prices_change(tmp_path: Path) -> None:
    first = sheet_of(tmp_path, ("Наименование", "Цена"), ("Насос", 10), ("Кран", 20))
    second = sheet_of(tmp_path, ("Наименование", "Цена"), ("Люк", 5), ("Кран ", 25), ("насос", 10))

    assert {p.name.strip().lower(): p.sku for p in first.products}.items() <= {
        p.name.strip().lower(): p.sku for p in second.products
    }.items()
    assert "stable codes" in messages(first)


def test_a_corrected_mapping_holds_for_the_layout_it_was_made_for(tmp_path: Path) -> None:
    rows = (("Артикул", "Наименование", "Цена", "Опт"), ("A1", "Насос", 10, 8), ("A2", "Кран", 20, 15))
    plain = sheet_of(tmp_path, *rows)
    fixed = {plain.sheets[0].fingerprint: {"D": "price"}}

    assert [p.price for p in sheet_of(tmp_path, *rows, mapping=fixed).products] == [8, 15]
    other = (("Код", "Название", "Цена", "Опт"), *rows[1:])
    assert [p.price for p in sheet_of(tmp_path, *other, mapping=fixed).products] == [10, 20]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (("Part Number", "Description", "DDP", "SRP, US"), ("A", "B", "D")),
        (("COD", "DENUMIRE", "UM", "PRET UNITAR [EUR fara TVA]"), ("A", "B", "D")),
        (("Artikelnummer", "Bezeichnung", "Menge", "Preis EUR"), ("A", "B", "D")),
        (("Штрихкод", "Номенклатура", "Номенклатура.Артикул", "Основна ціна продажу"), ("C", "B", "D")),
        (("Item_ID", "Product_Name", "Dealer_Rate", "MRP"), ("A", "B", "D")),
        (("Код товара", "Название", "Старая цена", "Актуальная цена"), ("A", "B", "D")),
    ],
)
def test_columns_are_known_in_many_languages(
    labels: tuple[str, ...], expected: tuple[str, str, str], tmp_path: Path
) -> None:
    rows = [[f"AB-{i}", f"Item number {i} of the list", 10 + i, 20 + i] for i in range(5)]
    if labels[2] == "Номенклатура.Артикул":
        rows = [[4600000000000 + i, f"Насос {i} центробежный", f"AB-{i}", 20 + i] for i in range(5)]
    (sheet,) = read(books.xlsx(tmp_path / "p.xlsx", ("S", [labels, *rows]))).sheets
    fields = {field: column for column, (field, _) in sheet.mapping.items()}

    assert (fields["sku"], fields["name"], fields["price"]) == expected


def test_sheets_of_terms_currencies_and_categories_are_no_products(tmp_path: Path) -> None:
    book = read(
        books.xlsx(
            tmp_path / "p.xlsx",
            ("Price", books.GOODS),
            ("Currencies", (("Валюта", "Курс"), ("USD", 90), ("EUR", 100), ("PLN", 7))),
            ("Categories", (("Название категории", "id"), ("Насосы", 1), ("Краны", 2))),
        )
    )

    assert len(book.products) == 3
    assert counts(book, 1) == {"other": 4}
    assert "Sheet Currencies has no table of products: 4 rows" in messages(book)


def test_formulas_give_their_cached_values_and_errors_are_named(tmp_path: Path) -> None:
    path = books.xls(
        tmp_path / "p.xls", (("Код", "Наименование", "Цена"), ("A1", "Насос", 10), ("A2", "Кран", "#REF!"))
    )

    book = read(path)

    assert [p.price for p in book.products] == [10, None]
    assert [(q.row, q.column) for q in book.problems if "#REF!" in q.message] == [(3, "Цена")]


def test_embedded_pictures_become_photos_of_their_rows(tmp_path: Path) -> None:
    path = books.xlsx(tmp_path / "p.xlsx", ("Прайс", books.GOODS))
    page = openpyxl.load_workbook(path)
    for row, colour in ((2, "red"), (4, "blue")):
        pixels = io.BytesIO()
        Pixels.new("RGB", (8, 8), colour).save(pixels, "PNG")
        page["Прайс"].add_image(Image(pixels), f"G{row}")
    page.save(path)

    book = read(path).with_pictures(tmp_path / "photos")

    assert len(book.pictures) == 2
    photos = {p.sku: p.photo for p in book.products}
    assert photos["N-2"] == "" and photos["N-1"] != photos["N-3"]
    for sku, pixel in (("N-1", (255, 0, 0)), ("N-3", (0, 0, 255))):
        assert seen(Pixels.open(tmp_path / "photos" / photos[sku]).getpixel((0, 0))) == (pixel,)


def test_problems_speak_russian_when_asked(tmp_path: Path) -> None:
    book = sheet_of(tmp_path, ("Наименование", "Цена"), ("Насос", "abc"), ("Кран", 20), ("Люк", 30), lang="ru")

    assert "«abc» — не цена; товар оставлен без цены." in messages(book)


@pytest.mark.parametrize(
    ("label", "field"),
    [
        ("Подача / Flow rate, м³/ч", "attribute"),
        ("Остаточное давление, Па", "attribute"),
        ("Rate, m3/h", "attribute"),
        ("Цена, руб.", "price"),
        ("Остаток, кг", "stock"),
        ("Остаток на складе, м", "stock"),
    ],
)
def test_a_column_measured_in_what_goods_are_not_sold_by_is_a_property(label: str, field: str, tmp_path: Path) -> None:
    rows = (("Артикул", "Наименование", label), *((f"N-{n}", f"Насос НЦ-{n}", n * 10) for n in range(1, 6)))
    book = read(books.xlsx(tmp_path / "a.xlsx", ("Прайс", rows)))
    assert [column.field for column in book.sheets[0].columns][2] == field
