"""Prices and currencies: what a price list does in a month, and what only a slip does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from catalog.rehearsal.goods import Goods, Pairs, skus
from catalog.rehearsal.statistics import Floats, apart, power_of_ten, spread, surely
from catalog.rehearsal.verdict import EXAMPLES, Figure, Finding

SHIFT = 0.15  # of the median price of all goods: rises are made in steps of a few per cent, 10 % is a large one
GROUP_WARN, GROUP_REFUSE = 0.15, 0.45  # of a group's median: sales of 20 to 30 % are usual, a price cut by half is not
GROUP_LEAST = 20  # goods of a group with both prices, for its median to say something
JUMP = 2.0  # a price more than doubled or halved is a jump
JUMPS, GROUP_JUMPS = 0.03, 0.20  # share of the goods, of a group's goods
TENS_LEAST, TENS = 3, 0.005  # prices 10 or 100 times what they were: so many, and this share, are no chance
NEIGHBOURS = 0.3  # of the changed prices that are the price of the row before or behind
EQUAL = 0.5  # of all prices that are one price, where they were not
EQUAL_ALONE, EQUAL_LEAST = 0.95, 50  # the same with nothing to compare: share, goods
LOST_WARN, LOST_REFUSE = 0.01, 0.05  # of the prices that were there and are not
CURRENCY_WARN, CURRENCY_REFUSE = 0.002, 0.02  # of the prices
INNER_LEAST, INNER = 5, 0.2  # goods, and share of the changed prices, that cost what their inner price was
CHANGED = 0.0005  # relative; less is rounding

# Value-added tax in percent where our customers trade (2026): Russia 22 and 10, before 20; Kazakhstan 16, before 12;
# Uzbekistan 12; Belarus and Ukraine 20; Germany 19; the EU up to 23. 25 % (a factor of 0.8) is left to the general
# limits: a sale of 20 % looks the same.
VAT = (10, 12, 16, 18, 19, 20, 21, 22, 23)
VAT_WITHIN = 0.002  # relative; what rounding to kopecks leaves
VAT_SHARE = 0.8  # of the goods whose price changed by that very factor


@dataclass(frozen=True, kw_only=True)
class Ratios:
    """New price by old price for goods that both versions price in one currency."""

    places: NDArray[np.int64]  # in `pairs.both`
    old: Floats
    new: Floats

    @cached_property
    def values(self) -> Floats:
        return self.new / self.old

    @cached_property
    def changed(self) -> NDArray[np.bool_]:
        return np.abs(self.values - 1) > CHANGED

    def among(self, places: Sequence[int]) -> Ratios:
        chosen = np.isin(self.places, np.array(places, dtype=np.int64))
        return Ratios(places=self.places[chosen], old=self.old[chosen], new=self.new[chosen])

    def __len__(self) -> int:
        return len(self.places)


def ratios_of(pairs: Pairs) -> Ratios:
    rows = [
        (place, float(old.price), float(new.price))
        for place, (old, new) in enumerate(pairs.both)
        if old.price and new.price and old.price > 0 and new.price > 0 and old.currency == new.currency
    ]
    table: Floats = np.array(rows, dtype=np.float64).reshape(-1, 3)
    return Ratios(places=table[:, 0].astype(np.int64), old=table[:, 1], new=table[:, 2])


def figures(ratios: Ratios) -> dict[str, Figure]:
    """What is told of the prices in any case."""
    if not len(ratios):
        return {}
    return {
        "prices_compared": len(ratios),
        "prices_changed": round(float(ratios.changed.mean()), 4),
        "price_ratio_median": round(float(np.median(ratios.values)), 4),
    }


def changes(pairs: Pairs, ratios: Ratios) -> Iterator[Finding]:
    """What two versions show together."""
    yield from _lost(pairs)
    yield from _currency(pairs)
    yield from _inner(pairs)
    if not len(ratios):
        return
    told: set[str] = set()
    for where, places in pairs.parts:
        part = ratios.among(places) if where else ratios
        if where and (len(part) < GROUP_LEAST or "" in told):
            continue  # what holds for all is not said again of each group
        for finding in _of_part(pairs, part, where):
            told.add(where)
            yield finding
    yield from _powers(pairs, ratios)
    yield from _shifted(pairs, ratios)


def alone(goods: Goods, live: Goods | None) -> Iterator[Finding]:
    """What a version shows by itself; what the live one had as well is no news."""
    prices = [product.price for product in goods.products if product.price is not None]
    free = sum(price <= 0 for price in prices)
    before = [product.price for product in live.products if product.price is not None] if live else []
    if surely(free, len(prices)) > max(LOST_WARN, 2 * surely(sum(price <= 0 for price in before), len(before))):
        yield Finding(
            id="prices_zero",
            severity="refuse" if live else "warn",
            figures={"count": free, "share": free / len(prices)},
            examples=skus([product for product in goods.products if product.price is not None and product.price <= 0]),
        )
    commonest, share = _commonest(goods)
    if (live and share >= EQUAL > 2 * _commonest(live)[1]) or (
        not live and share >= EQUAL_ALONE and len(prices) >= EQUAL_LEAST
    ):
        yield Finding(id="prices_equal", severity="refuse", figures={"price": commonest, "share": share})
    if not prices and not (live and before):
        yield Finding(id="no_prices", severity="warn")


def _commonest(goods: Goods) -> tuple[str, float]:
    counts = Counter(product.price for product in goods.products if product.price is not None)
    if not counts:
        return "", 0.0
    (price, count), *_ = counts.most_common(1)
    return str(price), count / counts.total()


def _lost(pairs: Pairs) -> Iterator[Finding]:
    priced = [(old, new) for old, new in pairs.both if old.price]
    lost = [new for _, new in priced if not new.price]
    share = surely(len(lost), len(priced))
    if share >= LOST_WARN:
        yield Finding(
            id="prices_lost",
            severity="refuse" if share >= LOST_REFUSE else "warn",
            figures={"count": len(lost), "share": len(lost) / len(priced)},
            examples=skus(lost),
        )


def _currency(pairs: Pairs) -> Iterator[Finding]:
    priced = [(old, new) for old, new in pairs.both if old.price is not None and new.price is not None]
    other = [(old, new) for old, new in priced if old.currency != new.currency]
    share = surely(len(other), len(priced))
    if share >= CURRENCY_WARN:
        (was, now), _ = Counter((old.currency, new.currency) for old, new in other).most_common(1)[0]
        yield Finding(
            id="currency_changed",
            severity="refuse" if share >= CURRENCY_REFUSE else "warn",
            figures={"count": len(other), "share": len(other) / len(priced), "was": was, "now": now},
            examples=skus([new for _, new in other]),
        )


def _inner(pairs: Pairs) -> Iterator[Finding]:
    """Dealer and purchase prices before customers: as the price itself, or among what is told of the goods."""
    changed = [(old, new) for old, new in pairs.both if new.price is not None and old.price != new.price and old.inner]
    shown = [new for old, new in changed if new.price in {one.number for one in old.inner}]
    if len(shown) >= INNER_LEAST and surely(len(shown), len(changed)) >= INNER:
        yield Finding(id="inner_as_price", severity="refuse", figures={"count": len(shown)}, examples=skus(shown))
    told = [
        new
        for old, new in pairs.both
        if old.inner and {one.name for one in old.inner} & {one.name for one in new.attributes}
    ]
    if told:
        yield Finding(id="inner_told", severity="refuse", figures={"count": len(told)}, examples=skus(told))


def _of_part(pairs: Pairs, part: Ratios, where: str) -> Iterator[Finding]:
    """The gravest of: a tax's factor, a general shift, many jumps; they explain one another."""
    median = float(np.median(part.values))
    rate = _tax(part)
    if rate and len(part) >= GROUP_LEAST:
        id = "vat_dropped" if median < 1 else "vat_added"
        yield _about(pairs, part, id, "refuse", where, part.changed, {"rate": rate, "ratio": median})
        return
    refuse, warn = (SHIFT, SHIFT) if not where else (GROUP_REFUSE, GROUP_WARN)
    if apart(median) > apart(1 + warn):
        severe = apart(median) > apart(1 + refuse)
        id = "prices_up" if median > 1 else "prices_down"
        yield _about(pairs, part, id, "refuse" if severe else "warn", where, part.changed, {"ratio": median})
    jumped = (part.values > JUMP) | (part.values < 1 / JUMP)
    if surely(int(jumped.sum()), len(part)) >= (GROUP_JUMPS if where else JUMPS):
        yield _about(pairs, part, "prices_jumped", "refuse", where, jumped, {"factor": JUMP})


def _tax(part: Ratios) -> int:
    """The VAT rate whose factor nearly all prices were changed by; 0 for none. A rise of 10 % is no tax."""
    for rate in VAT:
        for factor in (1 + rate / 100, 1 / (1 + rate / 100)):
            if factor > 1 and rate <= 10:
                continue
            near = np.abs(part.values / factor - 1) < VAT_WITHIN + 0.005 / part.new
            if float(near.mean()) >= VAT_SHARE:
                return rate
    return 0


def _about(
    pairs: Pairs, part: Ratios, id: str, severity: str, where: str, marked: NDArray[np.bool_], more: dict[str, Figure]
) -> Finding:
    places = part.places[marked][:EXAMPLES]
    return Finding(
        id=id,
        severity="refuse" if severity == "refuse" else "warn",
        where=where,
        figures={
            "count": int(marked.sum()),
            "total": len(part),
            "share": float(marked.mean()),
            "spread": spread(np.log(part.values)),
            **more,
        },
        examples=tuple(pairs.both[place][1].sku for place in places),
    )


def _powers(pairs: Pairs, ratios: Ratios) -> Iterator[Finding]:
    tens = power_of_ten(ratios.values)
    count = int(tens.sum())
    if count:
        enough = count >= TENS_LEAST and count / len(ratios) >= TENS
        times = Counter(np.round(np.log10(ratios.values[tens])).astype(int).tolist()).most_common(1)[0][0]
        yield _about(
            pairs, ratios, "prices_tens", "refuse" if enough else "warn", "", tens, {"factor": f"{10.0**times:g}"}
        )


def _shifted(pairs: Pairs, ratios: Ratios) -> Iterator[Finding]:
    """Changed prices that stood one row higher or lower before."""
    changed = ratios.changed
    for step in (1, -1):
        beside = np.roll(ratios.old, step)
        moved = changed & (np.abs(ratios.new - beside) <= CHANGED * beside)
        if surely(int(moved.sum()), int(changed.sum())) >= NEIGHBOURS and moved.sum() >= GROUP_LEAST:
            yield _about(pairs, ratios, "prices_shifted", "refuse", "", moved, {})
            return
