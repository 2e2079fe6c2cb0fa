"""Decides what each column of a table holds, from its name and from what stands in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from catalog.workbook.grid import Cell, is_empty, letter, written
from catalog.workbook.layouts import Layouts, fingerprint
from catalog.workbook.units import unit_of
from catalog.workbook.values import number, price
from catalog.workbook.vocabulary import (
    INNER,
    LOWER,
    Match,
    field_of,
    is_inner,
    price_rank,
    sale_units,
    simplify,
    sku_is_quoted,
    sku_is_weak,
)

FIELDS = (
    "name", "sku", "price", "other_price", "inner", "description", "category", "brand", "currency", "stock", "unit",
    "photo", "url", "barcode", "attributes", "lang", "attribute", "index", "",
)  # fmt: skip
HELD_BACK = frozenset({"other_price", "inner"})  # kept for the seller: on no card, in no answer, in no index
SHARED = frozenset({"", "attribute", "stock"} | HELD_BACK)  # fields that several columns may hold
# Units in which goods are counted and sold; a column named with another ("Flow rate, m3/h") is neither price nor stock.
OF_SALE = frozenset({"mm", "mm2", "l", "kg", "pc"})
SAMPLE = 2_000  # rows looked at to judge a column
EXAMPLES, EXAMPLE = 3, 60  # values of a column shown to a person, and their longest length


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: its 0-based place, its name as written, the field it holds ("" is left out) and how sure (0 to 1)."""

    index: int
    label: str
    field: str
    confidence: float
    examples: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The name on one line, or the letter of a column without one."""
        return " ".join(self.label.split()) or letter(self.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What stands in a column, as shares of its filled cells (`filled` as a share of the rows)."""

    filled: float = 0.0
    count: int = 0
    numeric: float = 0.0
    priced: float = 0.0
    links: float = 0.0
    distinct: float = 0.0
    length: float = 0.0  # characters, on average
    units: float = 0.0  # texts like "шт", "m", "кг"
    ordinal: float = 0.0  # numbers that follow their predecessor by one
    coded: float = 0.0  # short texts of one word with a digit in it, and numbers


def mapped(
    labels: Mapping[int, str], rows: Sequence[Sequence[Cell]], layouts: Layouts, *, width: int = 0
) -> tuple[tuple[Column, ...], str]:
    """The columns of a table with these header labels (by place) and these body rows, and its layout's fingerprint.

    What a person corrected in this layout (`layouts`) goes before what the columns seem to be.
    """
    places = list(labels) or list(range(width))
    sample = rows[:: len(rows) // SAMPLE + 1]
    cells = {place: [row[place] if place < len(row) else None for row in sample] for place in places}
    contents = {place: content(held) for place, held in cells.items()}
    columns = {place: _by_label(place, labels.get(place, ""), contents[place]) for place in places}
    _settle(columns, contents)
    name = fingerprint(labels, [_kind(contents[place]) for place in places])
    corrected = layouts.fields(name, labels)
    return tuple(
        replace(_corrected(column, corrected), examples=_examples(cells[place])) for place, column in columns.items()
    ), name


def _kind(held: Content) -> str:
    return "" if not held.count else "number" if held.numeric > 0.5 else "text"


def _examples(cells: Sequence[Cell]) -> tuple[str, ...]:
    """The first different values of a column, to know it by."""
    texts = (written(cell)[:EXAMPLE] for cell in cells[:200] if not is_empty(cell))
    return tuple(dict.fromkeys(texts))[:EXAMPLES]


def _corrected(column: Column, corrected: Mapping[str, str]) -> Column:
    """A column as a person mapped it; one whose field was given to another column is a property from now on."""
    wanted = corrected.get(letter(column.index))
    if wanted is not None:
        return replace(column, field=wanted, confidence=1.0)
    if column.field in corrected.values() and column.field not in SHARED:
        return replace(column, field="other_price" if column.field == "price" else "attribute")
    return column


def content(cells: Sequence[Cell]) -> Content:
    """Measures a column's cells."""
    filled = [cell for cell in cells if not is_empty(cell)]
    if not filled:
        return Content()
    numbers = [number(cell) for cell in filled]
    known = [value for value in numbers if value is not None]
    texts = [written(cell) for cell in filled]
    steps = sum(b - a == 1 for a, b in pairwise(known))
    count = len(filled)
    return Content(
        filled=count / len(cells),
        count=count,
        numeric=len(known) / count,
        priced=sum(price(cell) is not None for cell in filled) / count,
        links=sum(text.startswith(("http://", "https://", "www.")) for text in texts) / count,
        distinct=len(set(texts)) / count,
        units=sum(text.strip(" .").lower() in sale_units() for text in texts) / count,
        length=sum(map(len, texts)) / count,
        ordinal=steps / max(len(known) - 1, 1) * len(known) / count,
        coded=sum(_is_code(text) for text in texts) / count,
    )


def _is_code(text: str) -> bool:
    return len(text) <= 24 and " " not in text and any(map(str.isdecimal, text))


def _by_label(place: int, label: str, held: Content) -> Column:
    match = _match(label)
    field, sure = (match.field, match.confidence) if match else ("attribute" if label else "", 0.5 if label else 0.2)
    unit = unit_of(label) if field in {"price", "stock"} else None
    if unit and unit[0] not in OF_SALE:
        field, sure = "attribute", 0.8
    elif (
        (field in {"price", "old_price", "total"} and held.count >= 3 and held.priced < 0.5)
        or (field == "url" and held.count and held.links < 0.3)
        or (field == "photo" and held.count and held.links < 0.3 and held.length < 5)
        or (field == "index" and held.count >= 3 and held.numeric < 0.6)
    ):
        lower = match and match.field == "price" and price_rank(label) == LOWER
        field, sure = "other_price" if lower else "attribute", 0.4
    elif field == "ignored":
        field = ""
    elif held.count == 0:
        sure = min(sure, 0.5)
    return Column(index=place, label=label, field=field, confidence=round(sure, 2))


def _match(label: str) -> Match | None:
    """The best reading of a header of several rows: its lowest part first, then the whole."""
    parts = label.split("\n")
    found = [match for part in (*reversed(parts), label) if (match := field_of(part))]
    lowest = field_of(parts[-1])
    if lowest and lowest.confidence >= 0.8 and lowest.field != "attribute":
        return lowest
    groups = [match for match in found if match.field == "price"]
    if groups and len(parts) > 1 and field_of(parts[0]) == groups[0]:
        return groups[0]  # what stands under "Prices" is a price
    return max(found, key=lambda match: match.confidence, default=None)


def _settle(columns: dict[int, Column], contents: Mapping[int, Content]) -> None:
    """Leaves one column to each field, and finds by content what no label named."""
    _settle_quantity(columns)
    _settle_items(columns, contents)
    _settle_twins(columns, contents)
    _keep_best(
        columns,
        "name",
        lambda c: (
            c.confidence >= 0.8,
            contents[c.index].numeric < 0.7,
            c.confidence,
            min(contents[c.index].length, 40),
        ),
        contents,
    )
    _settle_sku(columns, contents)
    _settle_name(columns, contents)
    _settle_price(columns, contents)
    _settle_unit(columns, contents)
    for field in ("category", "brand", "currency", "unit", "photo", "url", "description", "barcode", "lang"):
        _keep_best(columns, field, lambda c: (contents[c.index].count > 0, c.confidence, -c.index), contents)
    for column in columns.values():
        if column.field in {"attribute", "description"} and is_inner(column.label):
            columns[column.index] = replace(column, field="inner")


def _keep_best(columns: dict[int, Column], field: str, rank: object, contents: Mapping[int, Content]) -> None:
    rivals = [column for column in columns.values() if column.field == field]
    if not rivals:
        return
    best = max(rivals, key=rank)  # type: ignore[call-overload]
    for column in rivals:
        if column is not best:
            columns[column.index] = replace(column, field="attribute")


def _settle_quantity(columns: dict[int, Column]) -> None:
    """In an estimate (price, quantity, total) the quantity is what was ordered, not what is in stock."""
    fields = {column.field for column in columns.values()}
    prices = [column for column in columns.values() if column.field == "price"]
    single = [c for c in prices if not _is_sum(c.label) and price_rank(c.label) < LOWER]
    totals = [c for c in prices if single and _is_sum(c.label) and c.index > single[0].index]
    for column in columns.values():
        ordered = simplify(column.label).split("\n")[0] in {
            "кол во",
            "количество",
            "кількість",
            "quantity",
            "qty",
            "cantitate",
            "menge",
        }
        if column.field == "stock" and ordered and ("total" in fields or totals):
            columns[column.index] = replace(column, field="attribute")
    for column in totals:
        columns[column.index] = replace(column, field="other_price")
    for column in list(columns.values()):
        if column.field in {"old_price", "total"}:
            columns[column.index] = replace(column, field=_spent(column))


def _spent(column: Column) -> str:
    """A price of the past is for everybody to see, unless it was a wholesale one; a sum is of no use."""
    if column.field == "total":
        return ""
    return "other_price" if price_rank(column.label) in (LOWER, INNER) else "attribute"


def _is_sum(label: str) -> bool:
    return simplify(label).startswith(("стоимост", "вартіст"))


def _settle_items(columns: dict[int, Column], contents: Mapping[int, Content]) -> None:
    """ "Item | Description": what is called an item is a counter or a code where the description says what it is."""
    told = [column for column in columns.values() if column.field == "description" and contents[column.index].count]
    named = [column for column in columns.values() if column.field == "name"]
    for column in named:
        held = contents[column.index]
        empty_or_mark = not held.count or (held.count > 5 and held.distinct < 0.2)  # "Mixed product": yes or no
        if told and column.confidence < 0.8 and empty_or_mark:
            columns[column.index] = replace(column, field="attribute", confidence=0.5)
    named = [column for column in columns.values() if column.field == "name"]
    if len(named) == 1 and told:
        best = max(told, key=lambda column: contents[column.index].count)
        if field := _item(contents[named[0].index], contents[best.index]):
            columns[named[0].index] = replace(named[0], field=field, confidence=0.9)
            columns[best.index] = replace(best, field="name", confidence=0.8)


def _item(held: Content, words: Content) -> str:
    """Whether a column of names beside one of descriptions holds a counter ("index"), codes ("sku") or names ("")."""
    if held.count < 3 or held.coded < 0.9 or words.count * 2 < held.count or words.numeric > 0.3:
        return ""
    if held.ordinal > 0.6:
        return "index"
    return "sku" if held.distinct >= 0.9 and words.coded <= 0.5 and words.length > held.length else ""


def _settle_twins(columns: dict[int, Column], contents: Mapping[int, Content]) -> None:
    """One name over two columns ("Goods" over code and name): the one with short distinct texts holds the codes."""
    names = [column for column in columns.values() if column.field == "name"]
    if len(names) < 2 or any(column.field == "sku" for column in columns.values()):
        return
    longest = max(names, key=lambda column: contents[column.index].length)
    for column in names:
        held = contents[column.index]
        same = simplify(column.label) == simplify(longest.label)
        if column is not longest and same and held.count > 2 and held.length <= 24 and held.distinct > 0.9:
            columns[column.index] = replace(column, field="sku", confidence=0.6)
            return


def _settle_sku(columns: dict[int, Column], contents: Mapping[int, Content]) -> None:
    def worth(column: Column) -> float:
        held = contents[column.index]
        code = 1.0 if held.length <= 24 else 0.3
        counter = 0.5 if held.ordinal > 0.7 and sku_is_weak(column.label) else 1.0
        weight = 0.6 if sku_is_weak(column.label) else 1.05 if sku_is_quoted(column.label) else 1.0
        return float(column.confidence * held.filled**0.5 * held.distinct * code * counter * weight)

    rivals = [column for column in columns.values() if column.field == "sku"]
    best = max(rivals, key=worth, default=None)
    for column in rivals:
        held = contents[column.index]
        if column is not best or held.count == 0 or (held.distinct < 0.2 and held.count > 5):
            columns[column.index] = replace(column, field="attribute")


def _settle_name(columns: dict[int, Column], contents: Mapping[int, Content]) -> None:
    if any(column.field == "name" for column in columns.values()):
        return
    described = [
        column for column in columns.values() if column.field == "description" and contents[column.index].count
    ]
    texts = [
        column
        for column in columns.values()
        if column.field in {"attribute", ""} and contents[column.index].count and contents[column.index].numeric < 0.5
        and contents[column.index].links < 0.3 and contents[column.index].length >= 3
    ]  # fmt: skip
    texts.sort(
        key=lambda c: contents[c.index].filled * contents[c.index].distinct * min(contents[c.index].length, 40) ** 0.5,
        reverse=True,
    )
    chosen = described[:1] or texts[:1]
    for column in chosen:
        sure = 0.6 if column.field == "description" else 0.45
        columns[column.index] = replace(column, field="name", confidence=sure)


def _settle_price(columns: dict[int, Column], contents: Mapping[int, Content]) -> None:
    """One column is the price that customers see (the order of `price_rank`, dealer prices never); others are kept."""
    prices = [column for column in columns.values() if column.field == "price"]
    if not prices:
        prices = _unnamed_prices(columns, contents)
    shown = [column for column in prices if not is_inner(column.label)]
    most = max((contents[column.index].filled for column in shown), default=0.0)
    usable = [column for column in shown if contents[column.index].filled >= 0.3 * most]
    best = min(usable, key=lambda column: (price_rank(column.label), column.index), default=None)
    for column in prices:
        columns[column.index] = replace(column, field="price" if column is best else "other_price")


def _settle_unit(columns: dict[int, Column], contents: Mapping[int, Content]) -> None:
    """A column of "шт", "кг", "m" under any name is the unit of sale, unless a column is named so."""
    if any(column.field == "unit" for column in columns.values()):
        return
    for column in columns.values():
        held = contents[column.index]
        if column.field in {"attribute", ""} and held.count > 2 and held.units > 0.8:
            columns[column.index] = replace(column, field="unit", confidence=0.6)
            return


def _unnamed_prices(columns: Mapping[int, Column], contents: Mapping[int, Content]) -> list[Column]:
    """Where no label says price: the first column of numbers right of the name that is neither a counter nor a code."""
    name = next((column for column in columns.values() if column.field == "name"), None)
    labelled = any(column.label and column.confidence > 0.5 for column in columns.values())
    for column in sorted(columns.values(), key=lambda c: c.index):
        held = contents[column.index]
        free = column.field == "" or (column.field == "attribute" and (not labelled or column.confidence <= 0.5))
        if (
            name
            and free
            and column.index > name.index
            and held.count >= 2
            and held.priced >= 0.6
            and held.ordinal < 0.8
        ):
            return [replace(column, confidence=0.5)]
    return []
