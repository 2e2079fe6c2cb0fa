"""What may happen to a price list between two imports, done to its cells: twenty defects, twenty harmless changes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from catalog.product import Product

Cell = Any
FIELDS = ("sku", "name", "description", "category", "brand", "price", "currency", "stock", "unit", "photo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One sheet: its header and rows; `at` gives the column of a field that every sheet has."""

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    at: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceList:
    """A price list, goods that it does not have yet, and names of its goods in another language."""

    pages: tuple[Page, ...]
    spare: tuple[Page, ...]  # of the same columns as `pages`
    translated: Mapping[str, str] = field(default_factory=dict)  # by name
    dead: str = ""  # the beginning of photo links that lead nowhere


Make = Callable[[PriceList, Random], PriceList]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something that happened, in one or more ways; a defect is caught when all its ways are."""

    name: str
    ways: tuple[Make, ...] = ()
    products: Callable[[list[Product]], list[Product]] | None = None  # for what the importer would mend by itself


def each_row(change: Callable[[Page, list[Cell]], None]) -> Make:
    """A change of every row by itself."""

    def make(goods: PriceList, dice: Random) -> PriceList:
        return replace(goods, pages=tuple(_rows(page, change) for page in goods.pages))

    return make


def each_cell(
    field: str, change: Callable[[Any], Any], rows: Callable[[Page, Sequence[Cell]], bool] | None = None
) -> Make:
    """A change of one field wherever it is filled."""

    def one(page: Page, row: list[Cell]) -> None:
        place = page.at[field]
        if row[place] not in (None, "") and (rows is None or rows(page, row)):
            row[place] = change(row[place])

    return each_row(one)


def _rows(page: Page, change: Callable[[Page, list[Cell]], None]) -> Page:
    rows = [list(row) for row in page.rows]
    for row in rows:
        change(page, row)
    return replace(page, rows=tuple(map(tuple, rows)))


def kept(test: Callable[[Page, Sequence[Cell]], bool]) -> Make:
    """Only the rows that pass."""

    def make(goods: PriceList, dice: Random) -> PriceList:
        pages = [replace(page, rows=tuple(row for row in page.rows if test(page, row))) for page in goods.pages]
        return replace(goods, pages=tuple(page for page in pages if page.rows))

    return make


def times(factor: float, digits: int = 2) -> Callable[[Any], Any]:
    return lambda price: round(price * factor, digits) if isinstance(price, int | float) else price


def chosen(goods: PriceList, field: str, dice: Random, least: int) -> str:
    """A value of a field that at least so many rows have."""
    counts = Counter(str(row[page.at[field]] or "") for page in goods.pages for row in page.rows)
    return dice.choice(sorted(value for value, count in counts.items() if value and count >= least))


def vanished(share: float) -> Make:
    def make(goods: PriceList, dice: Random) -> PriceList:
        return kept(lambda page, row: dice.random() >= share)(goods, dice)

    return make


def price_of_the_row_above(goods: PriceList, dice: Random) -> PriceList:
    def shifted(page: Page) -> Page:
        place = page.at["price"]
        prices = [row[place] for row in page.rows]
        moved = zip(page.rows, [prices[-1], *prices[:-1]], strict=True)
        return replace(page, rows=tuple((*row[:place], price, *row[place + 1 :]) for row, price in moved))

    return replace(goods, pages=tuple(map(shifted, goods.pages)))


def price_from_the_next_column(page: Page, row: list[Cell]) -> None:
    row[page.at["price"]] = row[page.at["stock"]]


def comma_lost(price: Any) -> Any:
    return int(re.sub(r"\D", "", f"{price:.2f}")) if isinstance(price, int | float) else price


def has_kopecks(page: Page, row: Sequence[Cell]) -> bool:
    price = row[page.at["price"]]
    return isinstance(price, float) and price != int(price)


def renumbered(goods: PriceList, dice: Random) -> PriceList:
    numbers = iter(range(100001, 999999))
    return each_cell("sku", lambda sku: f"{next(numbers):08}")(goods, dice)


def codes_of_the_row_above(goods: PriceList, dice: Random) -> PriceList:
    def shifted(page: Page) -> Page:
        place = page.at["sku"]
        codes = [row[place] for row in page.rows]
        moved = zip(page.rows, [codes[-1], *codes[:-1]], strict=True)
        return replace(page, rows=tuple((*row[:place], code, *row[place + 1 :]) for row, code in moved))

    return replace(goods, pages=tuple(map(shifted, goods.pages)))


def names_and_codes_swapped(page: Page, row: list[Cell]) -> None:
    name, sku = page.at["name"], page.at["sku"]
    row[name], row[sku] = row[sku], row[name]


def a_sheet_missing(goods: PriceList, dice: Random) -> PriceList:
    gone = dice.choice(goods.pages)
    return replace(goods, pages=tuple(page for page in goods.pages if page is not gone))


def a_category_emptied(goods: PriceList, dice: Random) -> PriceList:
    gone = chosen(goods, "category", dice, least=8)
    return kept(lambda page, row: row[page.at["category"]] != gone)(goods, dice)


def a_category_without_its_name(goods: PriceList, dice: Random) -> PriceList:
    gone = chosen(goods, "category", dice, least=20)
    return each_cell("category", lambda text: "" if text == gone else text)(goods, dice)


def misread(encoding: str, read_as: str) -> Make:
    """Texts whose bytes were taken for those of another encoding."""

    def change(page: Page, row: list[Cell]) -> None:
        for which in ("name", "description", "category", "brand"):
            text = row[page.at[which]]
            if isinstance(text, str):
                row[page.at[which]] = text.encode(encoding, "replace").decode(read_as, "replace")

    return each_row(change)


_METRES = re.compile(r"(?<=\d)( ?)м(?![\w²³/.])")
_METRES_COLUMN = re.compile(r"(?<=, )м$")


def metres_become_millimetres(goods: PriceList, dice: Random) -> PriceList:
    """In every column's name and every text, with the numbers left as they were."""

    def change(page: Page, row: list[Cell]) -> None:
        for place, value in enumerate(row):
            if isinstance(value, str):
                row[place] = "мм" if value == "м" else _METRES.sub(r"\1мм", value).replace('"м"', '"мм"')

    changed = each_row(change)(goods, dice)
    return replace(
        changed, pages=tuple(_titled(page, lambda title: _METRES_COLUMN.sub("мм", title)) for page in changed.pages)
    )


def only_the_columns_metres(goods: PriceList, dice: Random) -> PriceList:
    """Where no column's name has metres, the unit of sale."""
    pages = tuple(_titled(page, lambda title: _METRES_COLUMN.sub("мм", title)) for page in goods.pages)
    if pages != goods.pages:
        return replace(goods, pages=pages)
    return each_cell("unit", lambda unit: "мм" if unit == "м" else unit)(goods, dice)


def _titled(page: Page, change: Callable[[str], str]) -> Page:
    return replace(page, header=tuple(map(change, page.header)))


def two_prices(share: float) -> Make:
    def make(goods: PriceList, dice: Random) -> PriceList:
        def more(page: Page) -> Page:
            place = page.at["price"]
            again = [
                (*row[:place], round(row[place] * 1.3, 2), *row[place + 1 :])
                for row in page.rows
                if isinstance(row[place], int | float) and dice.random() < share
            ]
            return replace(page, rows=(*page.rows, *again))

        return replace(goods, pages=tuple(map(more, goods.pages)))

    return make


def attributes_lost(goods: PriceList, dice: Random) -> PriceList:
    """The fullest column that is no field of every sheet."""
    counts = Counter(
        (number, place)
        for number, page in enumerate(goods.pages)
        for row in page.rows
        for place, value in enumerate(row)
        if place not in page.at.values() and value not in (None, "", "{}")
    )
    (number, place), _ = counts.most_common(1)[0]
    pages = list(goods.pages)
    pages[number] = _without(pages[number], place)
    if len(pages[number].header) <= len(FIELDS) + 1:  # one column with all of a row's attributes
        pages = [_without(page, place) for page in goods.pages]
    return replace(goods, pages=tuple(pages))


def _without(page: Page, place: int) -> Page:
    return replace(
        page,
        header=page.header[:place] + page.header[place + 1 :],
        rows=tuple(row[:place] + row[place + 1 :] for row in page.rows),
        at={field: at - (at > place) for field, at in page.at.items()},
    )


def header_as_a_row(products: list[Product]) -> list[Product]:
    """Done to the products: the importer knows a header wherever it stands."""
    first = replace(products[0], sku="Артикул", name="Наименование", brand="Бренд", category="Категория")
    return [replace(first, names=(), price=None, currency="", stock=None, description="", attributes=()), *products]


def last_rows_cut(count: int) -> Make:
    def make(goods: PriceList, dice: Random) -> PriceList:
        left, pages = count, []
        for page in reversed(goods.pages):
            cut = min(left, len(page.rows))
            left -= cut
            pages.append(replace(page, rows=page.rows[: len(page.rows) - cut]))
        return replace(goods, pages=tuple(page for page in reversed(pages) if page.rows))

    return make


def language_switched(goods: PriceList, dice: Random) -> PriceList:
    return each_cell("name", lambda name: goods.translated.get(name, name))(goods, dice)


def photos_dead(goods: PriceList, dice: Random) -> PriceList:
    return each_cell("photo", lambda link: f"{goods.dead}{dice.getrandbits(32):x}.jpg")(goods, dice)


DEFECTS = (
    Change(name="price column shifted", ways=(price_of_the_row_above, each_row(price_from_the_next_column))),
    Change(
        name="decimal comma lost (x100)",
        ways=(each_cell("price", comma_lost), each_cell("price", comma_lost, has_kopecks)),
    ),
    Change(name="currency changed", ways=(each_cell("currency", lambda code: "USD" if code == "RUB" else code),)),
    Change(name="VAT dropped", ways=(each_cell("price", times(1 / 1.2)), each_cell("price", times(1 / 1.22)))),
    Change(name="10 % of SKUs vanished", ways=(vanished(0.10),)),
    Change(name="50 % of SKUs vanished", ways=(vanished(0.50),)),
    Change(name="SKUs renumbered", ways=(renumbered, codes_of_the_row_above)),
    Change(name="names and codes swapped", ways=(each_row(names_and_codes_swapped),)),
    Change(name="one supplier's sheet missing", ways=(a_sheet_missing,)),
    Change(name="a category emptied", ways=(a_category_emptied, a_category_without_its_name)),
    Change(
        name="encoding broken",
        ways=(misread("utf-8", "cp1251"), misread("cp1251", "latin-1"), misread("cp1251", "ascii")),
    ),
    Change(name="units changed (m to mm)", ways=(metres_become_millimetres, only_the_columns_metres)),
    Change(name="stock all zero", ways=(each_cell("stock", lambda count: 0),)),
    Change(name="prices all equal", ways=(each_cell("price", lambda price: 1000),)),
    Change(name="duplicates with two prices", ways=(two_prices(0.05), two_prices(0.01))),
    Change(name="attributes column lost", ways=(attributes_lost,)),
    Change(name="header read as a row", ways=(lambda goods, dice: goods,), products=header_as_a_row),
    Change(name="last 1,000 rows cut", ways=(last_rows_cut(1000), last_rows_cut(120))),
    Change(name="language switched", ways=(language_switched,)),
    Change(name="photos' links dead", ways=(photos_dead,)),
)


def more_goods(count: int, **values: str) -> Make:
    """Rows that were not there, spread over the sheets, with some of their fields made the same."""

    def make(goods: PriceList, dice: Random) -> PriceList:
        spare = [(number, row) for number, page in enumerate(goods.spare) for row in page.rows]
        fresh = dice.sample(spare, count)
        pages = []
        for number, page in enumerate(goods.pages):
            rows = [list(row) for place, row in fresh if place == number]
            for row in rows:
                for name, value in values.items():
                    row[page.at[name]] = value
            pages.append(replace(page, rows=(*page.rows, *map(tuple, rows))))
        return replace(goods, pages=tuple(pages))

    return make


def discontinued(count: int) -> Make:
    def make(goods: PriceList, dice: Random) -> PriceList:
        codes = [row[page.at["sku"]] for page in goods.pages for row in page.rows]
        gone = set(dice.sample(codes, count))
        return kept(lambda page, row: row[page.at["sku"]] not in gone)(goods, dice)

    return make


def a_supplier_gives_up(count: int) -> Make:
    """Goods of the largest sheet alone."""

    def make(goods: PriceList, dice: Random) -> PriceList:
        largest = max(goods.pages, key=lambda page: len(page.rows))
        gone = set(dice.sample([row[largest.at["sku"]] for row in largest.rows], count))
        return kept(lambda page, row: page.name != largest.name or row[page.at["sku"]] not in gone)(goods, dice)

    return make


def reworded(name: str) -> str:
    first, *rest = re.sub(r",\s*", " ", name).split()
    return " ".join([*rest[:1], first, *rest[1:]])


def columns_reordered(goods: PriceList, dice: Random) -> PriceList:
    def mixed(page: Page) -> Page:
        order = list(range(len(page.header)))
        dice.shuffle(order)
        return replace(
            page,
            header=tuple(page.header[place] for place in order),
            rows=tuple(tuple(row[place] for place in order) for row in page.rows),
            at={field: order.index(place) for field, place in page.at.items()},
        )

    return replace(goods, pages=tuple(map(mixed, goods.pages)))


def column_added(title: str, value: Callable[[PriceList, Page, Sequence[Cell]], Cell]) -> Make:
    def make(goods: PriceList, dice: Random) -> PriceList:
        return replace(
            goods,
            pages=tuple(
                replace(
                    page,
                    header=(*page.header, title),
                    rows=tuple((*row, value(goods, page, row)) for row in page.rows),
                )
                for page in goods.pages
            ),
        )

    return make


def stock_changed(goods: PriceList, dice: Random) -> PriceList:
    return each_cell("stock", lambda count: max(0, int(dice.gauss(count, 1 + count / 2))))(goods, dice)


def a_new_category(goods: PriceList, dice: Random) -> PriceList:
    """Some goods move to it, some come with it."""
    old = chosen(goods, "category", dice, least=20)
    moved = each_cell("category", lambda text: "Новинки сезона" if text == old and dice.random() < 0.5 else text)
    return more_goods(40, category="Новинки сезона")(moved(goods, dice), dice)


def sorted_otherwise(goods: PriceList, dice: Random) -> PriceList:
    pages = [
        replace(page, rows=tuple(sorted(page.rows, key=lambda row: str(row[page.at["name"]])))) for page in goods.pages
    ]
    return replace(goods, pages=tuple(reversed(pages)))


def spaces_and_case(page: Page, row: list[Cell]) -> None:
    name = str(row[page.at["name"]])
    row[page.at["name"]] = f"  {name.upper()} " if len(name) % 3 else name.replace(" ", "  ")
    row[page.at["sku"]] = f" {row[page.at['sku']]} "
    row[page.at["category"]] = str(row[page.at["category"]] or "").lower()
    row[page.at["unit"]] = str(row[page.at["unit"]] or "").capitalize()


def photos_added(goods: PriceList, dice: Random) -> PriceList:
    known = sorted({str(row[page.at["photo"]]) for page in goods.pages for row in page.rows if row[page.at["photo"]]})

    def change(page: Page, row: list[Cell]) -> None:
        row[page.at["photo"]] = row[page.at["photo"]] or dice.choice(known)

    return each_row(change)(goods, dice)


def seasonal_sale(goods: PriceList, dice: Random) -> PriceList:
    group = chosen(goods, "category", dice, least=20)
    return each_cell("price", times(0.8), lambda page, row: row[page.at["category"]] == group)(goods, dice)


def sale_of_a_sheet(goods: PriceList, dice: Random) -> PriceList:
    group = dice.choice(goods.pages).name
    return each_cell("price", times(0.8), lambda page, row: page.name == group)(goods, dice)


def typos_mended(name: str) -> str:
    """Backwards: two letters of a long word change places in one name of ten."""
    return re.sub(r"(\w{3})(\w)(\w)(?=\w{2})", r"\1\3\2", name, count=1) if len(name) % 10 == 0 else name


def monthly_update(goods: PriceList, dice: Random) -> PriceList:
    """One supplier: prices and stock move, a few goods come and go."""
    supplier = dice.choice(goods.pages).name

    def price(value: Any) -> Any:
        return times(dice.choice((1, 1, 1.03, 1.05, 0.97, 1.08)))(value)

    here = each_cell("price", price, lambda page, row: page.name == supplier)(goods, dice)
    here = each_cell("stock", lambda count: dice.randrange(0, 50), lambda page, row: page.name == supplier)(here, dice)
    here = kept(lambda page, row: page.name != supplier or dice.random() > 0.03)(here, dice)
    mark = next(number for number, page in enumerate(goods.pages) if page.name == supplier)
    spare = tuple(page if number == mark else replace(page, rows=()) for number, page in enumerate(goods.spare))
    return replace(more_goods(min(15, len(spare[mark].rows)))(replace(here, spare=spare), dice), spare=goods.spare)


def _second_name(goods: PriceList, page: Page, row: Sequence[Cell]) -> str:
    return goods.translated.get(str(row[page.at["name"]]), "")


HARMLESS = (
    Change(
        name="1 / 5 / 10 % price rise", ways=tuple(each_cell("price", times(factor)) for factor in (1.01, 1.05, 1.1))
    ),
    Change(name="200 new SKUs", ways=(more_goods(200),)),
    Change(name="50 discontinued", ways=(discontinued(50), a_supplier_gives_up(50))),
    Change(name="names re-worded", ways=(each_cell("name", reworded),)),
    Change(name="columns reordered", ways=(columns_reordered,)),
    Change(name="a column added", ways=(column_added("Страна", lambda goods, page, row: "Россия"),)),
    Change(name="stock changed", ways=(stock_changed,)),
    Change(name="a new category", ways=(a_new_category,)),
    Change(name="rows sorted otherwise", ways=(sorted_otherwise,)),
    Change(
        name="another sheet name",
        ways=(
            lambda goods, dice: replace(
                goods, pages=tuple(replace(p, name=f"Лист {n}") for n, p in enumerate(goods.pages))
            ),
        ),
    ),
    Change(name="spaces and case", ways=(each_row(spaces_and_case),)),
    Change(name="a new brand", ways=(more_goods(60, brand="Новобренд"),)),
    Change(name="photos added", ways=(photos_added,)),
    Change(
        name="descriptions longer",
        ways=(each_cell("description", lambda text: f"{text} Гарантия производителя, доставка со склада за два дня."),),
    ),
    Change(name="a seasonal sale of one group at -20 %", ways=(seasonal_sale, sale_of_a_sheet)),
    Change(
        name="currency sign written otherwise",
        ways=(each_cell("currency", lambda code: {"RUB": "₽", "EUR": "€"}.get(code, code)),),
    ),
    Change(name="a translated second name", ways=(column_added("Name (EN)", _second_name),)),
    Change(name="typos mended", ways=(each_cell("name", typos_mended),)),
    Change(name="one supplier's monthly update", ways=(monthly_update,)),
    Change(name="the same file again", ways=(lambda goods, dice: goods,)),
)
