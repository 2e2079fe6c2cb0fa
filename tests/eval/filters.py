"""Says which share of sentences is read into the filters that they mean, language by language."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from catalog.naming import Names
from catalog.understand import understand
from catalog.wish import Limit, Wish

SETS = Path(__file__).parents[1] / "sets"
LEAST = 0.95
BRANDS = (
    "Grundfos",
    "Wilo",
    "Bosch",
    "Makita",
    "ABB",
    "Schneider Electric",
    "SKF",
    "Вихрь",
    "Ресанта",
    "Джилекс",
    "3M",
)
CATEGORIES = (
    "Насосы", "Винтовые компрессоры", "Поршневые компрессоры", "Подшипники", "Вентиляторы", "Кабель и провод",
    "Сварочные аппараты", "Краны шаровые", "Электродвигатели", "Светильники",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, the filters that it means, and the words left of it (None where they are not judged)."""

    lang: str
    text: str
    filters: frozenset[str]
    words: str | None


def sentences(table: str = "filters.tsv") -> Iterator[Sentence]:
    """The table's rows; a line `[de]` opens a language."""
    lang = ""
    for line in (SETS / table).read_text("utf-8").splitlines():
        if line.startswith("["):
            lang = line.strip("[]")
        elif line and not line.startswith("#"):
            text, _, meant = line.partition("\t")
            filters, bar, words = meant.partition("|")
            yield Sentence(lang, text, frozenset(_parted(filters)), words.strip() if bar else None)


def _parted(filters: str) -> Iterator[str]:
    """Filters are parted by spaces; a part without a sign belongs to the name before it ("schneider electric")."""
    found: list[str] = []
    for part in filters.split():
        if "=" in part or part == "stock":
            found.append(part)
        else:
            found[-1] += f" {part}"
    return iter(found)


def told(wish: Wish) -> frozenset[str]:
    """A wish as the table writes it."""
    found = {_bounds(limit) for limit in wish.limits}
    found |= {f"brand={wish.brand}"} if wish.brand else set()
    found |= {f"brand!={wish.not_brand}"} if wish.not_brand else set()
    found |= {f"category={wish.category}"} if wish.category else set()
    found |= {"stock"} if wish.in_stock else set()
    return frozenset(found | ({f"order={wish.order}"} if wish.order != "relevance" else set()))


def _bounds(limit: Limit) -> str:
    low, high = (None if end is None else format(Decimal(end).normalize(), "f") for end in (limit.low, limit.high))
    mark, money = "" if limit.sure else "~", f":{limit.unit}" if limit.what == "price" else ""
    if low is not None and high is not None:
        return f"{mark}{limit.what}={low}..{high}{money}"
    return f"{mark}{limit.what}{'>=' if high is None else '<='}{high if low is None else low}{money}"


def read(text: str, names: Names | None = None) -> Wish:
    """As the search reads it, with the shop's brands and categories known."""
    return (names or Names(BRANDS, CATEGORIES)).read(understand(text))


def wrong(one: Sentence, names: Names) -> str:
    """What is wrong with the reading; empty when nothing is."""
    wish = read(one.text, names)
    parts = [] if told(wish) == one.filters else [f"{sorted(told(wish))} instead of {sorted(one.filters)}"]
    if one.words is not None and wish.text != one.words:
        parts.append(f"words {wish.text!r} instead of {one.words!r}")
    return "; ".join(parts)


def main() -> int:
    shares = [_share(table) for table in ("filters.tsv", "filters_held_out.tsv")]
    return 0 if shares[0] >= LEAST else 1


def _share(table: str) -> float:
    """Prints what of a table is read wrongly, and the share read rightly, in all and by language."""
    names = Names(BRANDS, CATEGORIES)
    right: dict[str, list[bool]] = defaultdict(list)
    for one in sentences(table):
        fault = wrong(one, names)
        right[one.lang].append(not fault)
        if fault:
            print(f"{one.text!r}: {fault}")
    every = [result for results in right.values() for result in results]
    by_language = ", ".join(f"{lang} {sum(results)} of {len(results)}" for lang, results in right.items())
    print(f"{table}: {sum(every)} of {len(every)} read as meant, {sum(every) / len(every):.3f} ({by_language})")
    return sum(every) / len(every)


if __name__ == "__main__":
    sys.exit(main())
