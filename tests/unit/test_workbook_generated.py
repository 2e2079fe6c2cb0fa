"""Price lists made at random, in the ways in which people lay them out, are read as they were meant."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from catalog.workbook import Book, read
from catalog.workbook.grid import Cell

LETTERHEAD = (
    ("ООО «Ромашка»",), ("г. Тула, ул. Мира, 5, тел. (4872) 25-45-85",), ("Прайс-лист от 01.02.2026",), (),
    ("www.example.com", None, "e-mail: info@example.com"), ("Цены указаны с НДС 20%",), ("Действителен до 01.03.2026",),
)  # fmt: skip
FOOTERS = (
    ("* Цены не являются публичной офертой",), ("Итого позиций:", 30), ("Доставка по городу бесплатно от 5000 руб.",),
    ("Директор Иванов И. И., тел. +7 (495) 123-45-67",),
)  # fmt: skip
SECTIONS = ("Насосы", "Трубы и фитинги", "Краны шаровые", "Электродвигатели", "КИПиА", "Компрессоры")
GOODS = ("Насос центробежный", "Труба стальная", "Кран шаровой", "Двигатель АИР", "Манометр МП", "Компрессор СБ4")
NAMES = ("Наименование", "Наименование товара", "Номенклатура", "Товар", "Название", "Product name", "Найменування")
CODES = ("Артикул", "Код", "Код товара", "SKU", "Part Number", "Арт.")
PRICES = ("Цена", "Цена, руб.", "Розничная цена", "Цена с НДС", "Price", "РРЦ", "Стоимость, руб")
OTHERS = ("Опт", "Цена опт", "Дилерская цена", "Закупка", "Крупный опт, руб.")
UNITS = ("Ед.", "Ед. изм.", "Unit")
STOCKS = ("Остаток", "Наличие", "На складе", "Stock")


@dataclass
class Made:
    """A list as laid out, and what it means: SKU (or name) to price, header row, and prices nobody may see."""

    rows: list[list[Cell]] = field(default_factory=list)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    meant: dict[str, Decimal | None] = field(default_factory=dict)
    header: int = 0
    secret: set[str] = field(default_factory=set)
    coded: bool = True


def made(seed: int) -> Made:
    """One list: letterhead, an indent, one- or two-row header, sections, notes and empty rows between, a footer."""
    chance = random.Random(seed)
    whole = Made(coded=chance.random() < 0.7)
    left = chance.choice((0, 0, 1, 2))
    whole.rows += [[*row] for row in chance.sample(LETTERHEAD, chance.randint(0, 6))]
    columns = _columns(chance, coded=whole.coded)
    _header(whole, chance, columns, left)
    style = chance.choice(("none", "sections", "sections", "numbered"))
    for number in range(chance.randint(12, 40)):
        if style != "none" and number % 7 == 0:
            title = chance.choice(SECTIONS)
            whole.rows.append([*[None] * left, f"{number // 7 + 1}. {title}" if style == "numbered" else title])
        _product(whole, chance, columns, left, number)
        if chance.random() < 0.05:
            whole.rows.append([])
        if chance.random() < 0.03:
            whole.rows.append([*[None] * left, "* уточняйте наличие у менеджера"])
    for footer in chance.sample(FOOTERS, chance.randint(0, 3)):
        whole.rows.append([*[None] * left, *footer])
    return whole


def _columns(chance: random.Random, *, coded: bool) -> list[tuple[str, str]]:
    columns = [("name", chance.choice(NAMES)), ("price", chance.choice(PRICES))]
    if coded:
        columns.insert(chance.randint(0, 1), ("sku", chance.choice(CODES)))
    for kind, labels in (("unit", UNITS), ("stock", STOCKS)):
        if chance.random() < 0.5:
            columns.insert(chance.randint(2, len(columns)), (kind, chance.choice(labels)))
    for label in chance.sample(OTHERS, chance.choice((0, 0, 1, 2))):
        columns.insert(chance.randint(2, len(columns)), ("secret", label))
    if chance.random() < 0.3:
        columns.insert(0, ("index", "№"))
    return columns


def _header(whole: Made, chance: random.Random, columns: list[tuple[str, str]], left: int) -> None:
    whole.header = len(whole.rows) + 1
    money = [place for place, (kind, _) in enumerate(columns) if kind in {"price", "secret"}]
    together = len(money) > 1 and money == list(range(money[0], money[0] + len(money)))
    if together and chance.random() < 0.7:  # "Prices" over retail and wholesale, the rest merged downwards
        top: list[Cell] = [label for _, label in columns]
        for place in money:
            top[place] = "Цены, руб." if place == money[0] else None
        below = [columns[place][1] if place in money else None for place in range(len(columns))]
        whole.rows += [[*[None] * left, *top], [*[None] * left, *below]]
        row = whole.header - 1
        whole.merged.append((row, left + money[0], row, left + money[-1]))
        whole.merged += [(row, left + c, row + 1, left + c) for c in range(len(columns)) if c not in money]
    else:
        whole.rows.append([*[None] * left, *(label for _, label in columns)])


def _product(whole: Made, chance: random.Random, columns: list[tuple[str, str]], left: int, number: int) -> None:
    sku = f"{chance.choice(('N', 'TR-', '00', 'К'))}{1000 + number}"
    name = f"{chance.choice(GOODS)} {number}-{chance.choice(('У2', 'А', 'х'))}{chance.randint(10, 99)}"
    price = Decimal(chance.randint(100, 999_999)) / chance.choice((1, 100))
    asked = chance.random() < 0.05
    form = chance.choice((float(price), f"{price:,.2f}".replace(",", " ").replace(".", ","), f"{price} руб."))
    cells: list[Cell] = []
    for kind, _ in columns:
        match kind:
            case "sku":
                cells.append(sku)
            case "name":
                cells.append(name)
            case "price":
                cells.append("по запросу" if asked else form)
            case "secret":
                hidden = f"{float(price) * 0.8 + 0.37:.2f}"
                whole.secret.add(hidden)
                cells.append(float(hidden))
            case "unit":
                cells.append(chance.choice(("шт", "м", "компл.")))
            case "stock":
                cells.append(chance.choice((chance.randint(0, 99), "есть", "нет", ">10")))
            case _:
                cells.append(number + 1)
    whole.rows.append([*[None] * left, *cells])
    whole.meant[sku if whole.coded else name] = None if asked else price


def written(whole: Made, path: Path) -> Path:
    book = openpyxl.Workbook()
    for row in whole.rows:
        book.active.append(row)
    for top, left, bottom, right in whole.merged:
        book.active.merge_cells(start_row=top + 1, start_column=left + 1, end_row=bottom + 1, end_column=right + 1)
    book.save(path)
    return path


def understood(book: Book, whole: Made) -> dict[str, Decimal | None]:
    return {product.sku if whole.coded else product.name: product.price for product in book.products}


@pytest.mark.parametrize("seed", [*range(24), 51, 55, 1019])
def test_a_list_made_at_random_is_read_as_it_was_meant(seed: int, tmp_path: Path) -> None:
    whole = made(seed)

    book = read(written(whole, tmp_path / "list.xlsx"))

    assert book.sheets[0].header_rows[:1] == (whole.header,)
    assert understood(book, whole) == whole.meant
    assert book.parity
    shown = {attribute.text for product in book.products for attribute in product.attributes}
    assert not shown & whole.secret


def test_two_lists_side_by_side_are_both_read(tmp_path: Path) -> None:
    for seed in range(8):
        one, other = made(seed * 2 + 500), made(seed * 2 + 501)
        if one.merged or other.merged or not (one.coded and other.coded):
            continue
        rows: list[list[Cell]] = []
        tables = [whole.rows[whole.header - 1 :] for whole in (one, other)]
        width = max(map(len, tables[0]))
        for place in range(max(map(len, tables))):
            first, second = (table[place] if place < len(table) else [] for table in tables)
            rows.append([*first, *[None] * (width - len(first) + 1), *second])
        both = Made(rows=rows, meant=other.meant | one.meant)

        book = read(written(both, tmp_path / f"{seed}.xlsx"))

        offered = len(book.products) + sum(s.counts["duplicate"] + s.counts["conflict"] for s in book.sheets)
        assert book.parity
        assert offered >= 0.9 * (len(one.meant) + len(other.meant))
