"""Writes price lists as suppliers send them, each with what a person reads in it: header, columns, number of products.

Nothing here is real; the shapes are. The expectations are rows as those of tests/sets/workbooks.toml, with two more:
`prices`, the price of some products by SKU, and `said`, words that the problems must hold.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import xlwt
from openpyxl.styles import Font
from openpyxl.worksheet.worksheet import Worksheet

Row = Sequence[Any]
Writer = Callable[[Path], None]
NAMES = ("Насос дренажный НД-10", "Вентиль шаровой DN25", "Манометр 10 бар", "Кабель ВВГ 3х2,5", "Фильтр сетчатый 1/2",
         "Клапан обратный 3/4", "Реле давления РД-5", "Муфта соединительная", "Хомут 20-32", "Шланг напорный 16 мм",
         "Редуктор червячный", "Подшипник 6205-2RS")  # fmt: skip
ENGLISH = ("Drain pump DP-10", "Ball valve DN25", "Pressure gauge 10 bar", "Cable 3x2.5", "Strainer 1/2",
    "Check valve 3/4",
           "Pressure switch PS-5", "Coupling", "Hose clamp 20-32", "Hose 16 mm", "Worm gear",
               "Bearing 6205-2RS")  # fmt: skip
GERMAN = ("Tauchpumpe TP-10", "Kugelhahn DN25", "Manometer 10 bar", "Kabel 3x2,5", "Schmutzfänger", "Rückschlagventil",
          "Druckschalter DS-5", "Kupplung", "Schlauchschelle", "Druckschlauch", "Schneckengetriebe",
              "Lager 6205")  # fmt: skip
CHINESE = (
    "潜水泵",
    "球阀",
    "压力表",
    "电缆",
    "过滤器",
    "止回阀",
    "压力开关",
    "联轴器",
    "软管夹",
    "软管",
    "蜗轮减速机",
    "轴承",
)
KAZAKH = ("Су сорғысы", "Шарлы кран", "Манометр", "Кабель", "Сүзгі", "Кері клапан", "Қысым релесі", "Муфта", "Қамыт",
          "Шланг", "Редуктор", "Мойынтірек")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Messy:
    """One list: its file's name, what writes it, and what it holds."""

    name: str
    write: Writer
    row: dict[str, Any]

    def made(self, folder: Path) -> Path:
        path = folder / self.name
        self.write(path)
        return path


def lists() -> Iterator[Messy]:
    """All of them."""
    for family in (_headers, _places, _cells, _looks, _texts, _tongues):
        yield from family()


def goods(names: Sequence[str] = NAMES, first: int = 1) -> list[tuple[str, str, float, int]]:
    """(code, name, price, stock) of each."""
    return [(f"AB-{first + n:03d}", name, 100.5 + 37 * n, n) for n, name in enumerate(names)]


def _one(
    name: str, rows: Sequence[Row], *, then: Callable[[Worksheet], None] | None = None, sheet: str = "Лист1", **row: Any
) -> Messy:
    """An .xlsx of one sheet; `then` changes it before it is written."""

    def write(path: Path) -> None:
        book = openpyxl.Workbook()
        page = book.worksheets[0]
        page.title = sheet
        for cells in rows:
            page.append(list(cells))
        if then:
            then(page)
        book.save(path)

    return Messy(name=f"{name}.xlsx", write=write, row={"sheet": sheet, "products": len(NAMES), **row})


def _merge(*ranges: str) -> Callable[[Worksheet], None]:
    def then(page: Worksheet) -> None:
        for each in ranges:
            page.merge_cells(each)

    return then


def _headers() -> Iterator[Messy]:
    """Headers of two and three rows, repeated, far below a letterhead, with units and currencies in them."""
    priced = [(code, name, price, price * 0.9, price * 0.8, stock) for code, name, price, stock in goods()]
    yield _one(
        "groups", [("Артикул", "Наименование", "Цена, руб. с НДС", None, None, "Остаток"),
                   (None, None, "розница", "опт", "крупный опт", None), *priced],
        then=_merge("A1:A2", "B1:B2", "C1:E1", "F1:F2"),
        header=[1, 2], columns={"sku": "A", "name": "B", "price": "C", "stock": "F"}, inner=["D", "E"],
    )  # fmt: skip
    yield _one(
        "groups_unmerged", [("Код", "Товар", "Цена", None, None), (None, None, "опт", "дилер", "розница"),
                            *((c, n, p * 0.9, p * 0.8, p) for c, n, p, _ in goods())],
        header=[1, 2], columns={"sku": "A", "name": "B", "price": "E"}, inner=["C", "D"],
    )  # fmt: skip
    letterhead = [("ООО «Ромашка»",), ("ИНН 7700000000, КПП 770001001",), ("Р/с 40702810000000000000 в банке",),
                  ("БИК 044525000, к/с 30101810000000000000",), ("Адрес: г. Москва, ул. Примерная, д. 1, офис 5",),
                  ("Тел.: +7 (495) 000-00-00, e-mail: sales@example.ru",), (), ("Прайс-лист от 01.11.2026",),
                  ("Цены указаны в рублях с НДС 20 %",), (), ("Минимальный заказ — 5 000 руб.",)]  # fmt: skip
    yield _one(
        "letterhead", [*letterhead, ("№", "Артикул", "Наименование товара", "Ед. изм.", "Цена", "Наличие"),
                       *((i, c, n, "шт", p, s) for i, (c, n, p, s) in enumerate(goods(), 1))],
        header=[12], columns={"index": "A", "sku": "B", "name": "C", "unit": "D", "price": "E", "stock": "F"},
    )  # fmt: skip
    pages = [("Артикул", "Наименование", "Цена"), *((c, n, p) for c, n, p, _ in goods()[:6]),
             ("Страница 1 из 2",), ("Артикул", "Наименование", "Цена"), *((c, n, p) for c, n, p, _ in goods()[6:]),
             ("Страница 2 из 2",), ("Директор", None, "Иванов И. И.")]  # fmt: skip
    yield _one("printed_pages", pages, header=[1], columns={"sku": "A", "name": "B", "price": "C"})
    yield _one(
        "numbered_header", [("Артикул", "Наименование", "Ед.", "Цена без НДС, руб."), (1, 2, 3, 4),
                            *((c, n, "шт", p) for c, n, p, _ in goods())],
        header=[[1], [1, 2]], columns={"sku": "A", "name": "B", "unit": "C", "price": "D"},
    )  # fmt: skip
    yield _one(
        "wrapped", [("Арти-\nкул", "Наименование\nпродукции", "Цена\nза 1 шт.,\nруб.", "Кол-во\nв упак.",
            "Кол-во\nполюсов"),
                    *((c, n, p, 10, 3) for c, n, p, _ in goods())],
        header=[1], columns={"sku": "A", "name": "B", "price": "C", "attribute": ["D", "E"]},
    )  # fmt: skip
    yield _one(
        "camel", [("CustomerId", "ProductId", "BriefDescription", "UnitPrice", "StockQty", "UnitOfMeasure"),
                  *(("AKG", c, n, p, s, "EA") for c, n, p, s in goods(ENGLISH))],
        header=[1], columns={"sku": "B", "name": "C", "price": "D", "stock": "E", "unit": "F"},
    )  # fmt: skip
    yield _one(
        "dealer_only_right", [("Наименование", "Артикул", "Скидка 5 %", "Скидка 10 %", "РРЦ"),
                              *((n, c, p * 0.95, p * 0.9, p) for c, n, p, _ in goods())],
        header=[1], columns={"sku": "B", "name": "A", "price": "E"},
    )  # fmt: skip


def _places() -> Iterator[Messy]:
    """Side by side, one below the other, sheet by sheet, with sections, sums, hidden and empty places."""
    half = goods()
    beside = [("Артикул", "Наименование", "Цена", None, "Артикул", "Наименование", "Цена")]
    beside += [(*a[:3], None, *b[:3]) for a, b in zip(half[:6], half[6:], strict=True)]  # type: ignore[misc]
    yield _one("side_by_side", beside, header=[1], columns={"sku": "A", "name": "B", "price": "C"})
    sections: list[Row] = [("Артикул", "Наименование", "Цена, руб.")]
    for title, part in (("Насосы и арматура", half[:4]), ("Клапаны", half[4:8]), ("Прочее", half[8:])):
        sections += [
            (title,),
            *(one[:3] for one in part),
            (f"Итого по разделу «{title}»", None, sum(p[2] for p in part)),
        ]

    def bold(page: Worksheet) -> None:
        for row in (2, 8, 14):
            page.merge_cells(start_row=row, end_row=row, start_column=1, end_column=3)
            page.cell(row, 1).font = Font(bold=True)

    yield _one("sections", sections, then=bold, header=[1], columns={"sku": "A", "name": "B", "price": "C"})
    outline: list[Row] = [("Номенклатура", "Артикул", "Цена розничная, руб.", "Остаток")]
    for title, part in (("Арматура", half[:6]), ("  Клапаны", half[6:])):
        outline += [(title,), *((f"    {n}", c, p, s) for c, n, p, s in part)]

    def levels(page: Worksheet) -> None:
        for row in range(3, 16):
            page.row_dimensions[row].outlineLevel = 1 if row == 9 else 2

    yield _one(
        "outline_1c", outline, then=levels, header=[1], columns={"name": "A", "sku": "B", "price": "C", "stock": "D"}
    )
    yield _one(
        "gaps", [(None, "Код", None, "Название", None, None, "Цена, $"), (),
                 *((None, c, None, n, None, None, p) for c, n, p, _ in half)],
        header=[1], columns={"sku": "B", "name": "D", "price": "G"},
    )  # fmt: skip

    def hidden(page: Worksheet) -> None:
        page.column_dimensions["C"].hidden = True
        page.row_dimensions[5].hidden = True
        page.freeze_panes = "A2"
        page.auto_filter.ref = "A1:E13"

    yield _one(
        "hidden", [("Артикул", "Наименование", "Закупка", "Цена", "Склад Москва"),
            *((c, n, p / 2, p, s) for c, n, p, s in half)],
        then=hidden, header=[1], columns={"sku": "A", "name": "B", "price": "D", "stock": "E"}, products=11,
        said=["скрыт"],
    )  # fmt: skip
    yield _one(
        "warehouses", [("Код", "Наименование", "Цена", "Склад Москва", "Склад СПб", "Склад Казань"),
                       *((c, n, p, s, ">10", "нет") for c, n, p, s in half)],
        header=[1], columns={"sku": "A", "name": "B", "price": "C", "stock": ["D", "E", "F"]},
    )  # fmt: skip
    yield _one(
        "currencies", [("Part No.", "Description", "Price, EUR", "Price, USD", "Price, RUB"),
                       *((c, n, p, p * 1.1, p * 95) for c, n, p, _ in goods(ENGLISH))],
        header=[1], columns={"sku": "A", "name": "B", "price": "C"}, inner=["D", "E"],
    )  # fmt: skip
    merged: list[Row] = [("Наименование", "Размер", "Артикул", "Цена")]
    merged += [(n if i % 3 == 0 else None, f"{16 + i} мм", c, p) for i, (c, n, p, _) in enumerate(half)]
    yield _one(
        "variants", merged, then=_merge("A2:A4", "A5:A7", "A8:A10", "A11:A13"),
        header=[1], columns={"name": "A", "sku": "C", "price": "D"},
    )  # fmt: skip
    yield _one(
        "footers", [("Артикул", "Наименование", "Цена"), *(one[:3] for one in half), (), ("Итого:", None, 12345.0),
                    ("* Цены действительны до 31.12.2026",), ("Менеджер: Петрова Анна, тел. +7 999 000-00-00",)],
        header=[1], columns={"sku": "A", "name": "B", "price": "C"},
    )  # fmt: skip

    def sheets(path: Path) -> None:
        book = openpyxl.Workbook()
        book.worksheets[0].title = "Содержание"
        for row in (("Прайс-лист",), ("Насосы",), ("Клапаны",)):
            book.worksheets[0].append(list(row))
        for title, part in (("Насосы", half[:6]), ("Клапаны", half[6:])):
            page = book.create_sheet(title)
            page.append([title])
            page.append(["Артикул", "Наименование", "Цена, руб."])
            for one in part:
                page.append(list(one[:3]))
        secret = book.create_sheet("Закупка")
        secret.sheet_state = "hidden"
        secret.append(["Артикул", "Наименование", "Цена"])
        secret.append(["X-1", "Тайный насос", 1])
        book.save(path)

    wanted = {"header": [2], "columns": {"sku": "A", "name": "B", "price": "C"}, "products": 12, "said": ["скрыт"]}
    yield Messy(name="sheets.xlsx", write=sheets, row={"sheet": "Насосы", **wanted})


def _cells() -> Iterator[Messy]:
    """Prices and codes in all the ways that people and programs write them."""
    written = ("1 250,00 руб.", "1250.00", "1.250,00", "1'250", "от 1 250", "1 000–1 500", "по запросу", "звоните",
               "1 250", "1250-00", "₽ 1 250", "договорная")  # fmt: skip
    yield _one(
        "prices", [("Артикул", "Наименование", "Цена"), *((c, n, w)
            for (c, n, _, _), w in zip(goods(), written, strict=True))],
        header=[1], columns={"sku": "A", "name": "B", "price": "C"},
        prices={"AB-001": "1250.00", "AB-002": "1250.00", "AB-004": "1250",
            "AB-005": None, "AB-006": None, "AB-007": None,
                "AB-009": "1250", "AB-010": "1250.00", "AB-011": "1250", "AB-012": None},
        said=["от 1 250", "1 000–1 500"],
    )  # fmt: skip
    moments = [datetime(2026, 4, 3), datetime(2026, 12, 1)]  # noqa: DTZ001 - a sheet's dates have no zone
    sizes = [*moments, "1", "2", "1 1/4", "1/2", "3", "1 1/2", "4", "5", "6", "8"]
    yield _one(
        "dates", [("Артикул", "Наименование", "Размер, дюйм", "Цена"),
                  *((c, n, size, p) for (c, n, p, _), size in zip(goods(), sizes, strict=True))],
        header=[1], columns={"sku": "A", "name": "B", "price": "D"}, said=["3/4", "1/12"],
    )  # fmt: skip
    codes = [4.60123456789e12, "4,60123E+12", "4.60124E+12", *(f"46012345{n:05d}" for n in range(9))]
    yield _one(
        "scientific", [("Артикул", "Наименование", "Цена"),
                       *((code, n, p) for (_, n, p, _), code in zip(goods(), codes, strict=True))],
        header=[1], columns={"sku": "A", "name": "B", "price": "C"}, said=["E+12"],
    )  # fmt: skip
    zeros = [123, 4567, "001234", "000077", "009999", "004321", "000321", "000001", 22, 333, 4444, "005555"]
    yield _one(
        "lost_zeros", [("Артикул", "Наименование", "Цена"),
                       *((code, n, p) for (_, n, p, _), code in zip(goods(), zeros, strict=True))],
        header=[1], columns={"sku": "A", "name": "B", "price": "C"}, said=["нул"],
    )  # fmt: skip
    yield _one(
        "apostrophes", [("Артикул", "Наименование", "Цена, руб.", "Остаток"),
                        *((f"'{n:06d}", name, f"'{p:.2f}".replace(".",
                            ","), f"'{s}") for n, (_, name, p, s) in enumerate(goods()))],
        header=[1], columns={"sku": "A", "name": "B", "price": "C", "stock": "D"},
        prices={"000000": "100.50", "000001": "137.50"},
    )  # fmt: skip
    yield _one(
        "errors", [("Артикул", "Наименование", "Цена"),
                   *((c, n, "#Н/Д" if i == 2 else "#REF!" if i == 4 else p) for i, (c, n, p, _) in enumerate(goods()))],
        header=[1], columns={"sku": "A", "name": "B", "price": "C"}, said=["#Н/Д", "#REF!"],
    )  # fmt: skip
    yield _one(
        "two_moneys", [("Артикул", "Наименование", "Цена", "Валюта"),
            *((c, n, p, "USD" if i % 2 else "EUR") for i, (c, n, p, _) in enumerate(goods()))],
        header=[1], columns={"sku": "A", "name": "B", "price": "C", "currency": "D"},
    )  # fmt: skip
    yield _one(
        "only_text", [("Товар", "Цена"), *((n, f"{p:,.2f} тг.".replace(",", " ").replace(".",
            ",", 1)) for _, n, p, _ in goods())],
        header=[1], columns={"name": "A", "price": "B"},
    )  # fmt: skip


def _looks() -> Iterator[Messy]:
    """Old books: bold headings without merging, number formats that hold the currency."""

    def old(path: Path) -> None:
        book = xlwt.Workbook(encoding="utf-8")
        page = book.add_sheet("Прайс")
        bold, money = xlwt.easyxf("font: bold on"), xlwt.easyxf(num_format_str='# ##0.00"€"')
        for c, label in enumerate(("Наименование", "Модель", "Цена")):
            page.write(3, c, label, bold)
        page.write(0, 0, "Прайс-лист ООО Пример", bold)
        row = 4
        for title, part in (("НАСОСЫ", goods()[:6]), ("КЛАПАНЫ", goods()[6:])):
            page.write(row, 0, title, bold)
            for n, (code, name, price, _) in enumerate(part, row + 1):
                page.write(n, 0, name)
                page.write(n, 1, code)
                page.write(n, 2, price, money)
            row += len(part) + 1
        book.save(str(path))

    columns = {"name": "A", "sku": "B", "price": "C"}
    yield Messy(name="old.xls", write=old, row={"sheet": "Прайс", "header": [4], "columns": columns, "products": 12})


def _texts() -> Iterator[Messy]:
    """Text tables, and tables that only call themselves Excel."""
    three = {"sku": "A", "name": "B", "price": "C"}
    lines = ["Артикул;Наименование;Цена, руб.;Остаток"]
    lines += [f"{c};{n};{p:.2f};{s}".replace(".", ",") for c, n, p, s in goods()]
    quoted = ['Артикул;"Наименование";Цена']
    quoted += [f'{c};"{n}; ""особый"" вариант";{p:.2f}' for c, n, p, _ in goods()]
    broken = ["Артикул;Наименование;Цена"]
    broken += [
        f'{c};{n} 1/2" латунь;{p:.2f}' if i % 2 else f'{c};"Труба 3/4" {n};{p:.2f}'
        for i, (c, n, p, _) in enumerate(goods())
    ]
    tabs = ["Артикул\tНаименование\tЦена\tОписание", *(f'{c}\t{n}\t{p:.2f}\t"две\nстроки"' for c, n, p, _ in goods())]
    preamble = ["Прайс-лист;;", ";;", *lines]
    for name, text, encoding, row in (
        ("windows", lines, "cp1251", {"header": [1], "columns": {**three, "stock": "D"}}),
        ("dos", lines, "cp866", {"header": [1], "columns": {**three, "stock": "D"}}),
        ("utf16", lines, "utf-16", {"header": [1], "columns": {**three, "stock": "D"}}),
        ("quoted", quoted, "utf-8-sig", {"header": [1], "columns": three}),
        ("broken_quotes", broken, "cp1251", {"header": [1], "columns": three}),
        ("tabs", tabs, "utf-16", {"header": [1], "columns": {**three, "description": "D"}}),
        ("preamble", preamble, "utf-8", {"header": [3], "columns": {**three, "stock": "D"}}),
    ):
        yield _file(f"{name}.csv", "\r\n".join(text).encode(encoding), **{"sheet": f"{name}.csv", **row})
    cells = "".join(f"<tr><td>{c}</td><td>{n}</td><td>{p:.2f}</td></tr>".replace(".", ",") for c, n, p, _ in goods())
    head = "<tr><td colspan=3><b>Прайс-лист</b></td></tr><tr><th>Артикул</th><th>Номенклатура</th><th>Цена</th></tr>"
    html = f'<html><head><meta charset="windows-1251"></head><body><table>{head}{cells}</table></body></html>'
    yield _file("from_1c.xls", html.encode("cp1251"), header=[2], columns=three)
    office = (
        'xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"'
    )
    data = [("Артикул", "Наименование", "Цена"), *((c, n, f"{p}") for c, n, p, _ in goods())]
    filled = ["".join(f"<Cell><Data>{cell}</Data></Cell>" for cell in row) for row in data]
    body = "".join(f"<Row>{row}</Row>" for row in filled).replace("<Data>", '<Data ss:Type="String">')
    page = f'<Worksheet ss:Name="Прайс"><Table>{body}</Table></Worksheet>'
    book = f'<?xml version="1.0"?><Workbook {office}>{page}</Workbook>'
    yield _file("sheet_2003.xls", book.encode(), sheet="Прайс", header=[1], columns=three)
    offers = "".join(
        f'<offer id="{c}" available="true"><name>{n}</name><price>{p}</price><currencyId>RUR</currencyId></offer>'
        for c, n, p, _ in goods()
    )
    yml = f'<?xml version="1.0" encoding="UTF-8"?><yml_catalog><shop><offers>{offers}</offers></shop></yml_catalog>'
    yield _file("feed.xml", yml.encode(), header=[1], columns={})
    yield Messy(name="exchange.zip", write=_exchange, row={"header": [1], "columns": {}, "products": 12})


def _exchange(path: Path) -> None:
    wares = "".join(
        f"<Товар><Ид>{c}</Ид><Артикул>{c}</Артикул><Наименование>{n}</Наименование></Товар>" for c, n, _, _ in goods()
    )
    offers = "".join(
        f"<Предложение><Ид>{c}</Ид><Цены><Цена><ЦенаЗаЕдиницу>{p}</ЦенаЗаЕдиницу><Валюта>руб</Валюта></Цена></Цены>"
        f"<Количество>{s}</Количество></Предложение>" for c, _, p, s in goods()
    )  # fmt: skip
    root = "<?xml version='1.0' encoding='UTF-8'?><КоммерческаяИнформация>{}</КоммерческаяИнформация>"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("webdata/import0_1.xml", root.format(f"<Каталог><Товары>{wares}</Товары></Каталог>"))
        archive.writestr(
            "webdata/offers0_1.xml",
            root.format(f"<ПакетПредложений><Предложения>{offers}</Предложения></ПакетПредложений>"),
        )


def _file(name: str, content: bytes, **row: Any) -> Messy:
    def write(path: Path) -> None:
        path.write_bytes(content)

    return Messy(name=name, write=write, row={"products": len(NAMES), **row})


def _tongues() -> Iterator[Messy]:
    """German, Chinese, Kazakh, English and other suppliers."""
    yield _one(
        "german", [("Preisliste 2026",), (), ("Art.-Nr.", "Bezeichnung", "Preis €/Stk", "VPE", "Lagerbestand"),
                   *((c, n, f"{p:.2f}".replace(".", ","), 10, s) for c, n, p, s in goods(GERMAN))],
        header=[3], columns={"sku": "A", "name": "B", "price": "C", "stock": "E"},
    )  # fmt: skip
    yield _one(
        "chinese", [("报价单",), ("序号", "货号", "产品名称", "规格型号", "单位", "数量", "含税单价(元)", "备注"),
                    *((i, c, n, f"DN{i * 5}", "台", s, p, "") for i, (c, n, p, s) in enumerate(goods(CHINESE), 1))],
        header=[2], columns={"index": "A", "sku": "B", "name": "C", "unit": "E", "price": "G"},
    )  # fmt: skip
    yield _one(
        "kazakh", [("Р/с", "Тауар коды", "Тауардың атауы", "Өлшем бірлігі", "Бағасы, тг", "Қалдық"),
                   *((i, c, n, "дана", p * 500, s) for i, (c, n, p, s) in enumerate(goods(KAZAKH), 1))],
        header=[1], columns={"sku": "B", "name": "C", "unit": "D", "price": "E", "stock": "F"},
    )  # fmt: skip
    yield _one(
        "bilingual", [("Артикул / Part No.", "Наименование / Name", "Цена за ед., USD / Unit price, USD", "MOQ"),
                      *((c, n, p, 5) for c, n, p, _ in goods(ENGLISH))],
        header=[1], columns={"sku": "A", "name": "B", "price": "C"},
    )  # fmt: skip
    yield _one(
        "american", [("Item #", "Item Description", "List Price", "Your Price", "UOM", "Qty Available"),
                     *((c, n, f"${p:,.2f}", f"${p * 0.7:,.2f}", "EA", s) for c, n, p, s in goods(ENGLISH))],
        header=[1], columns={"sku": "A", "name": "B", "price": "C", "unit": "E", "stock": "F"},
    )  # fmt: skip
    yield _one(
        "items", [("Item", "Part No.", "Description", "Price"),
                  *((i, c, n, p) for i, (c, n, p, _) in enumerate(goods(ENGLISH), 1))],
        header=[1], columns={"index": "A", "sku": "B", "name": "C", "price": "D"},
    )  # fmt: skip
    yield _one(
        "item_codes", [("Item", "Description", "Price"), *((c, n, p) for c, n, p, _ in goods(ENGLISH))],
        header=[1], columns={"sku": "A", "name": "B", "price": "C"},
    )  # fmt: skip
    yield _one(
        "turkish", [("Stok Kodu", "Ürün Adı", "Birim", "Birim Fiyat (TL)", "Stok Miktarı"),
                    *((c, n, "adet", f"{p:.2f}".replace(".", ","), s) for c, n, p, s in goods(ENGLISH))],
        header=[1], columns={"sku": "A", "name": "B", "unit": "C", "price": "D", "stock": "E"},
    )  # fmt: skip
    yield _one(
        "spanish", [("Código", "Descripción", "Precio unitario (€)", "Existencias"), *goods(ENGLISH)],
        header=[1], columns={"sku": "A", "name": "B", "price": "C", "stock": "D"},
    )  # fmt: skip
    yield _one(
        "french", [("Référence", "Désignation", "Prix unitaire HT (€)", "Unité"),
            *((c, n, p, "pce") for c, n, p, _ in goods(ENGLISH))],
        header=[1], columns={"sku": "A", "name": "B", "price": "C", "unit": "D"},
    )  # fmt: skip
    yield _one(
        "polish", [("Indeks", "Nazwa towaru", "J.m.", "Cena netto [zł]", "Stan"),
            *((c, n, "szt.", p, s) for c, n, p, s in goods(ENGLISH))],
        header=[1], columns={"sku": "A", "name": "B", "unit": "C", "price": "D", "stock": "E"},
    )  # fmt: skip
    yield _one(
        "uzbek", [("№", "Kodi", "Mahsulot nomi", "O'lchov birligi", "Narxi, so'm", "Qoldiq"),
                  *((i, c, n, "dona", p * 12000, s) for i, (c, n, p, s) in enumerate(goods(ENGLISH), 1))],
        header=[1], columns={"sku": "B", "name": "C", "price": "E", "stock": "F"},
    )  # fmt: skip
    yield _one(
        "italian", [("Codice articolo", "Descrizione", "Prezzo listino (€)", "Giacenza"), *goods(ENGLISH)],
        header=[1], columns={"sku": "A", "name": "B", "price": "C", "stock": "D"},
    )  # fmt: skip
