"""What is told of the goods beside name and price: stock, categories, attributes and their units, photos."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import numpy as np

from catalog.normalize import scan
from catalog.normalize.quantities import unit_of
from catalog.product import Product
from catalog.rehearsal.goods import Goods, Pairs, skus, spelt
from catalog.rehearsal.statistics import power_of_ten, surely
from catalog.rehearsal.verdict import EXAMPLES, Finding

LEAST = 20  # goods that must have had a thing before its loss is told
LOST_WARN, LOST_REFUSE = 0.05, 0.20  # of the goods that had it
GROUP_LOST = 0.9  # of a group's goods that had it
COLUMN_LOST, COLUMN_LEAST = 0.8, 10  # of the goods that had an attribute; how many had it
RENAMED = 0.8  # of an attribute's values that are there under another name
IN_STOCK = 0.1  # of the goods were in stock, for "none any more" to be a slip
UNITS_LEAST, UNITS_SHARE = 5, 0.5  # quantities of one column, or goods of one unit, that became 10^n times as much
NAMED_UNITS = 0.2  # of the re-worded names with quantities
SAMPLE = 600  # texts whose quantities are compared; reading a pair takes nearly a millisecond

FIELDS: dict[str, Callable[[Product], object]] = {
    "category": lambda product: product.category,
    "brand": lambda product: product.brand,
    "description": lambda product: product.description,
    "photo": lambda product: product.photo,
    "stock": lambda product: product.stock is not None,
    "unit": lambda product: product.unit,
    "names": lambda product: product.names,
    "attributes": lambda product: product.attributes,
}


def changes(pairs: Pairs) -> Iterator[Finding]:
    """What two versions show together."""
    yield from _fields_lost(pairs)
    yield from _attributes_lost(pairs)
    yield from _sold_out(pairs)
    yield from _attribute_units(pairs)
    yield from _sale_units(pairs)
    yield from _named_units(pairs)


def alone(goods: Goods) -> Iterator[Finding]:
    """What a version shows by itself."""
    known = [product for product in goods.products if product.stock is not None]
    if len(known) >= LEAST and not any(product.stock for product in known):
        yield Finding(id="no_stock", severity="warn", figures={"total": len(known)})


def _fields_lost(pairs: Pairs) -> Iterator[Finding]:
    """A field that is empty where it was filled, of all goods or of one whole group."""
    for name, filled in FIELDS.items():
        lost = np.array([bool(filled(old)) and not filled(new) for old, new in pairs.both], dtype=bool)
        had = np.array([bool(filled(old)) for old, _ in pairs.both], dtype=bool)
        for where, places in pairs.parts:
            count, total = int(lost[places].sum()), int(had[places].sum())
            share = surely(count, total)
            grave = share >= LOST_REFUSE if not where else count >= GROUP_LOST * total
            if total >= LEAST and (grave or (share >= LOST_WARN and not where)):
                yield Finding(
                    id=f"lost_{name}",
                    severity="refuse" if grave else "warn",
                    where=where,
                    figures={"count": count, "total": total, "share": count / total},
                    examples=skus([pairs.both[place][1] for place in places if lost[place]]),
                )
                if grave and not where:
                    break  # what holds for all is not said again of each group


def _attributes_lost(pairs: Pairs) -> Iterator[Finding]:
    """A column of attributes that is gone; one that has got another name is not."""
    lost: dict[str, list[tuple[Product, str]]] = defaultdict(list)
    had: dict[str, int] = defaultdict(int)
    for old, new in pairs.both:
        names = {_base(one.name) for one in new.attributes}
        for attribute in old.attributes:
            name = _base(attribute.name)
            had[name] += 1
            if name not in names:
                lost[name].append((new, attribute.text))
    for name, rows in lost.items():
        kept = sum(any(one.text == text for one in product.attributes) for product, text in rows)
        share = len(rows) / had[name]
        if had[name] >= COLUMN_LEAST and surely(len(rows), had[name]) >= COLUMN_LOST * 0.8 and share >= COLUMN_LOST:
            if kept >= RENAMED * len(rows):
                continue
            yield Finding(
                id="attribute_lost",
                severity="refuse",
                where=name,
                figures={"count": len(rows), "total": had[name], "share": share},
                examples=skus([product for product, _ in rows]),
            )


def _sold_out(pairs: Pairs) -> Iterator[Finding]:
    known = [(old, new) for old, new in pairs.both if old.stock is not None and new.stock is not None]
    before, now = sum(bool(old.stock) for old, _ in known), sum(bool(new.stock) for _, new in known)
    if len(known) >= LEAST and before / len(known) >= IN_STOCK and now * 10 <= before:
        yield Finding(id="sold_out", severity="refuse", figures={"before": before, "now": now, "total": len(known)})


def _attribute_units(pairs: Pairs) -> Iterator[Finding]:
    """Attributes whose quantities became 10, 100 or 1,000 times as much, column by column."""
    ratios: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for old, new in pairs.both:
        now = {_base(one.name): one for one in new.attributes if one.number}
        for was in old.attributes:
            one = now.get(_base(was.name))
            if one and one.number and was.number and one.unit == was.unit:
                ratios[_base(was.name)].append((float(one.number / was.number), new.sku))
    for name, found in ratios.items():
        yield from _tens("attribute_units", name, [(abs(ratio), sku) for ratio, sku in found])


def _sale_units(pairs: Pairs) -> Iterator[Finding]:
    """Goods sold by the metre that are sold by the millimetre now, unit by unit."""
    ratios: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for old, new in pairs.both:
        was, now = _sale_unit(old.unit), _sale_unit(new.unit)
        if was and now and was[0] == now[0]:
            ratios[old.unit].append((now[1] / was[1], new.sku))
    for name, found in ratios.items():
        yield from _tens("sale_units", name, found)


def _tens(id: str, where: str, found: Sequence[tuple[float, str]]) -> Iterator[Finding]:
    wrong = power_of_ten(np.array([ratio for ratio, _ in found], dtype=np.float64))
    count = int(wrong.sum())
    if count >= UNITS_LEAST and count >= UNITS_SHARE * len(found):
        yield Finding(
            id=id,
            severity="refuse",
            where=where,
            figures={"count": count, "total": len(found)},
            examples=tuple(sku for (_, sku), bad in zip(found, wrong, strict=True) if bad)[:EXAMPLES],
        )


def _named_units(pairs: Pairs) -> Iterator[Finding]:
    """Names and descriptions whose quantities became 10^n times as much while the words around them stayed."""
    changed = [
        (new.sku, old_text, new_text)
        for old, new in pairs.both
        for old_text, new_text in ((old.name, new.name), (old.description[:300], new.description[:300]))
        if old_text != new_text and _digits(old_text) == _digits(new_text) != ""
    ]
    step = max(1, len(changed) // SAMPLE)
    quantified, wrong = 0, []
    for sku, old_text, new_text in changed[::step]:
        was = {(one.dimension, one.low) for one in scan(old_text)}
        now = {(one.dimension, one.low) for one in scan(new_text)}
        lost, fresh = was - now, now - was
        quantified += bool(was)
        if any(_is_ten(a[1], b[1]) for a in lost for b in fresh if a[0] == b[0]):
            wrong.append(sku)
    if len(wrong) >= UNITS_LEAST and surely(len(wrong), quantified) >= NAMED_UNITS:
        yield Finding(
            id="named_units",
            severity="refuse",
            figures={"count": len(wrong), "total": quantified},
            examples=tuple(dict.fromkeys(wrong))[:EXAMPLES],
        )


def _is_ten(one: float, other: float) -> bool:
    return one > 0 < other and bool(power_of_ten(np.array([other / one]))[0])


def _digits(text: str) -> str:
    return "".join(re.findall(r"\d", text))


@lru_cache(maxsize=4096)
def _base(name: str) -> str:
    """An attribute's name without the unit at its end: "Длина / Length, мм" and "Длина / Length, м" are one column."""
    return spelt(_UNIT.sub("", name)) or spelt(name)


_UNIT = re.compile(r"\s*(?:,|\(|\[)\s*[^,()\[\]]{1,12}[)\]]?\s*$")


@lru_cache(maxsize=4096)
def _sale_unit(unit: str) -> tuple[str, float] | None:
    return unit_of(unit) if unit else None
