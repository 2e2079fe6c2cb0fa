"""Which goods came and went, which changed their codes, and which rows are no goods at all."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

from catalog.product import Product
from catalog.rehearsal.goods import Goods, Pairs, code_of, identity, skus, spelt
from catalog.rehearsal.statistics import surely
from catalog.rehearsal.verdict import EXAMPLES, Finding
from catalog.workbook.vocabulary import field_of

GONE_WARN, GONE_REFUSE = 0.01, 0.05  # of all goods: a month's discontinuations stay below 1 to 2 %
EMPTIED = 0.9  # of a group's goods gone: what is left is chance
EMPTIED_LEAST = {"category": 5, "sheet": 5, "source": 5, "brand": 20}  # goods; a maker of a few may well be given up
HALVED, HALVED_LEAST = 0.4, 30  # of a sheet's or source's goods gone, and how many it must have had
TAIL = 100  # goods missing from the very end of a sheet; by chance not even ten of them would stand together there
ADDED_WARN = 0.5  # of the live goods
MOVED = 0.01  # of the goods under codes of other goods: a shifted column moves nearly all, a typing slip one or two
RENAMED = 0.5  # of the vanished goods that are there under new codes
SWAPPED = 0.01  # of the goods whose code is another's name
CODED = 0.5  # of names that look like codes beside codes that look like names, with nothing to compare
CONFLICTS_LEAST, CONFLICTS_SHARE = 3, 0.001  # further codes with two prices
CONFLICTS_ALONE = 0.01  # of the goods, with nothing to compare: price lists in the wild have a few
LOST_WARN, LOST_REFUSE = 0.01, 0.05  # of the file's rows that became no goods, beyond what the live import lost


def changes(pairs: Pairs) -> Iterator[Finding]:
    """What two versions show together."""
    yield from _vanished(pairs)
    yield from _emptied(pairs)
    yield from _cut(pairs)
    yield from _renumbered(pairs)
    yield from _moved(pairs)
    yield from _swapped(pairs)
    yield from _added(pairs)


def alone(goods: Goods, live: Goods | None) -> Iterator[Finding]:
    """What a version shows by itself; what the live one had as well is no news."""
    yield from _headers(goods, live)
    yield from _codes_for_names(goods, live)
    yield from _two_prices(goods, live)
    yield from _rows_lost(goods, live)


def _vanished(pairs: Pairs) -> Iterator[Finding]:
    gone, total = pairs.gone, len(pairs.live.by_code)
    share = surely(len(gone), total)
    if share >= GONE_REFUSE or len(gone) / total >= GONE_WARN:
        yield Finding(
            id="vanished",
            severity="refuse" if share >= GONE_REFUSE else "warn",
            figures={"count": len(gone), "total": total, "share": len(gone) / total},
            examples=skus(gone),
        )


def _emptied(pairs: Pairs) -> Iterator[Finding]:
    gone = {code_of(product) for product in pairs.gone}
    for (kind, name), codes in pairs.live.groups.items():
        lost = [code for code in codes if code in gone]
        share = len(lost) / len(codes)
        emptied = share >= EMPTIED and len(codes) >= EMPTIED_LEAST[kind]
        halved = kind in ("sheet", "source") and len(codes) >= HALVED_LEAST and surely(len(lost), len(codes)) >= HALVED
        if emptied or halved:
            yield Finding(
                id="group_emptied" if emptied else "group_halved",
                severity="refuse",
                where=name,
                figures={"count": len(lost), "total": len(codes), "share": share},
                examples=tuple(pairs.live.by_code[code].sku for code in lost[:EXAMPLES]),
            )


def _cut(pairs: Pairs) -> Iterator[Finding]:
    """The last rows of the file or of a sheet are missing, and the row before them is there."""
    gone = {code_of(product) for product in pairs.gone}
    products, sheets = pairs.live.products, pairs.live.sheets
    ends = [place for place, (one, next_) in enumerate(pairwise([*sheets, ""])) if one != next_]
    for end in ends:
        start = end
        while start >= 0 and sheets[start] == sheets[end] and code_of(products[start]) in gone:
            start -= 1
        if end - start >= TAIL:
            yield Finding(
                id="cut",
                severity="refuse",
                where=sheets[end] if len(ends) > 1 else "",
                figures={"count": end - start},
                examples=skus(products[start + 1 : end + 1]),
            )


def _renumbered(pairs: Pairs) -> Iterator[Finding]:
    """Goods that vanished and are there again under the same name and another code."""
    fresh = {identity(product) for product in pairs.added}
    again = [product for product in pairs.gone if identity(product) in fresh]
    if surely(len(again), len(pairs.gone)) >= RENAMED and len(again) / len(pairs.live.by_code) >= GONE_REFUSE:
        yield Finding(
            id="renumbered",
            severity="refuse",
            figures={"count": len(again), "share": len(again) / len(pairs.live.by_code)},
            examples=skus(again),
        )


def _moved(pairs: Pairs) -> Iterator[Finding]:
    """Codes that now stand at other goods of the live version."""
    owners: dict[tuple[str, str], set[str]] = defaultdict(set)
    for product in pairs.live.products:
        owners[identity(product)].add(code_of(product))
    moved = [
        new
        for old, new in pairs.both
        if identity(old) != identity(new) and (found := owners.get(identity(new))) and code_of(new) not in found
    ]
    if surely(len(moved), len(pairs.both)) >= MOVED:
        yield Finding(
            id="codes_moved",
            severity="refuse",
            figures={"count": len(moved), "share": len(moved) / len(pairs.both)},
            examples=skus(moved),
        )


def _swapped(pairs: Pairs) -> Iterator[Finding]:
    names = {spelt(product.name) for product in pairs.live.products}
    codes = {spelt(product.sku) for product in pairs.live.products}
    wrong = [
        product
        for product in pairs.added
        if spelt(product.sku) in names and (spelt(product.name) in codes or _is_code(product.name))
    ]
    if surely(len(wrong), len(pairs.candidate)) >= SWAPPED:
        yield Finding(
            id="names_and_codes_swapped",
            severity="refuse",
            figures={"count": len(wrong), "share": len(wrong) / len(pairs.candidate)},
            examples=skus(wrong),
        )


def _added(pairs: Pairs) -> Iterator[Finding]:
    share = len(pairs.added) / len(pairs.live.by_code)
    if share >= ADDED_WARN:
        yield Finding(
            id="added",
            severity="warn",
            figures={"count": len(pairs.added), "share": share},
            examples=skus(pairs.added),
        )


def _headers(goods: Goods, live: Goods | None) -> Iterator[Finding]:
    """Goods whose fields are the names of their columns."""
    known = live.by_code if live else {}
    wrong = [product for product in goods.products if _is_header(product) and code_of(product) not in known]
    if wrong:
        yield Finding(id="header_as_goods", severity="refuse", figures={"count": len(wrong)}, examples=skus(wrong))


def _is_header(product: Product) -> bool:
    fields = ("sku", "name", "brand", "category", "unit", "photo")
    said = sum(_names_itself(field, getattr(product, field)) for field in fields)
    return said + sum(one.name.casefold() == one.text.strip().casefold() for one in product.attributes) >= 2


@lru_cache(maxsize=1 << 16)
def _names_itself(field: str, text: str) -> bool:
    if not text or len(text) > 40:
        return False
    match = field_of(text)
    return match is not None and match.field == field and match.length >= len(spelt(text)) - 1


def _codes_for_names(goods: Goods, live: Goods | None) -> Iterator[Finding]:
    if live is not None:
        return
    wrong = [product for product in goods.products if _is_code(product.name) and _is_name(product.sku)]
    if surely(len(wrong), len(goods)) >= CODED:
        yield Finding(
            id="names_and_codes_swapped",
            severity="refuse",
            figures={"count": len(wrong), "share": len(wrong) / len(goods)},
            examples=skus(wrong),
        )


def _is_code(text: str) -> bool:
    """One chunk with a digit in it."""
    return len(text.split()) == 1 and any(sign.isdigit() for sign in text)


def _is_name(text: str) -> bool:
    """Two words or more, beside whatever else."""
    return sum(word.isalpha() and len(word) > 2 for word in text.split()) >= 2


def _two_prices(goods: Goods, live: Goods | None) -> Iterator[Finding]:
    """One code, two prices: rows that the import left out, or products that stand twice in the version."""
    fresh = _conflicts(goods) - (_conflicts(live) if live else 0)
    if fresh <= 0:
        return
    least = max(CONFLICTS_LEAST, CONFLICTS_SHARE * len(goods)) if live else CONFLICTS_ALONE * len(goods)
    yield Finding(
        id="two_prices",
        severity="refuse" if fresh >= least else "warn",
        figures={"count": fresh},
        examples=tuple(goods.report.get("conflicts", ()))[:EXAMPLES] or skus(_doubles(goods)),
    )


def _conflicts(goods: Goods) -> int:
    return int(goods.report.get("counts", {}).get("conflict", 0)) + len(_doubles(goods))


def _doubles(goods: Goods) -> list[Product]:
    counts = Counter(map(code_of, goods.products))
    if len(counts) == len(goods):
        return []
    return [p for p in goods.products if counts[code_of(p)] > 1 and p.price != goods.by_code[code_of(p)].price]


def _rows_lost(goods: Goods, live: Goods | None) -> Iterator[Finding]:
    """Row parity: each row of the file is a product or is named as something else."""
    if goods.report and not goods.report["parity"]:
        yield Finding(id="parity", severity="refuse", figures={"rows": goods.report["rows"]})
    lost, rows = _lost(goods)
    before = _lost(live) if live else (0, 0)
    usual = before[0] / before[1] if before[1] else 0.0
    share = surely(lost, rows) - usual
    if share >= LOST_WARN:
        yield Finding(
            id="rows_lost",
            severity="refuse" if share >= LOST_REFUSE and live is not None else "warn",
            figures={"count": lost, "rows": rows, "share": lost / rows, "usual": usual},
        )


def _lost(goods: Goods) -> tuple[int, int]:
    counts = goods.report.get("counts", {})
    return counts.get("problem", 0) + counts.get("other", 0), int(goods.report.get("rows", 0))
