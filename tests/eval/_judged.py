"""Reads judged queries and a catalogue in plain CSV, and measures an order of rows against the judgements."""

from __future__ import annotations

import csv
import gzip
import json
import math
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import IO

from catalog.product import Attribute, Product

FAMILY = {
    "ksr_human": "human-matched",
    "partial": "same-language",
    "layout_ru_as_en": "layout",
    "layout_en_as_ru": "layout",
    "attr_plain": "attribute",
    "attr_unitconv": "attribute",
    "attr_feeds": "attribute",
    "attr_xling_abb": "attr cross-lingual",
}
GRADES = 3  # the grade of a row that was wanted; 1 is related


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One query with the grades of the rows that matter to it."""

    qid: str
    kind: str
    query: str
    grades: Mapping[str, int]

    @property
    def family(self) -> str:
        return family(self.kind)


def family(kind: str) -> str:
    """The family whose mean is reported."""
    if kind.startswith("sku_"):
        return "SKU"
    return "cross-lingual" if kind.startswith("xling") else FAMILY.get(kind, kind)


def _text(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def read_queries(path: Path) -> list[Judged]:
    """Rows of qid, kind, lang, query, sku, relevance."""
    grades: dict[str, dict[str, int]] = defaultdict(dict)
    about: dict[str, tuple[str, str]] = {}
    with _text(path) as file:
        for row in csv.DictReader(file):
            grades[row["qid"]][row["sku"]] = int(row["relevance"])
            about[row["qid"]] = (row["kind"], row["query"])
    return [Judged(qid=qid, kind=kind, query=query, grades=grades[qid]) for qid, (kind, query) in about.items()]


def read_products(path: Path) -> Iterator[Product]:
    """Rows of sku, name, description, category, brand, price, attributes (JSON), lang."""
    with _text(path) as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            try:
                price = Decimal(row["price"]) if row["price"] else None
            except InvalidOperation:
                price = None
            attributes = json.loads(row["attributes"] or "{}")
            yield Product(
                sku=row["sku"],
                name=row["name"],
                description=row["description"],
                category=row["category"],
                brand=row["brand"],
                price=price,
                currency="RUB" if price is not None else "",
                attributes=tuple(Attribute(name=name, text=str(value)) for name, value in attributes.items()),
                lang=row["lang"],
                row=number,
            )


def ndcg(skus: Sequence[str], grades: Mapping[str, int], depth: int = 10) -> float:
    """Gain 2**grade - 1, discount log2(rank + 1), over the best order possible."""
    found = [grades.get(sku, 0) for sku in skus[:depth]]
    ideal = sorted(grades.values(), reverse=True)[:depth]
    return _gain(found) / _gain(ideal)


def _gain(grades: Sequence[int]) -> float:
    return sum((math.exp2(grade) - 1) / math.log2(at + 2) for at, grade in enumerate(grades))


def table(scores: Mapping[str, float], queries: Sequence[Judged]) -> list[tuple[str, int, float]]:
    """(name, number of queries, mean) for all, each family and, indented, each kind."""
    groups: dict[str, list[float]] = defaultdict(list)
    for one in queries:
        kind = [f"  {one.kind}"] if one.kind != one.family else []
        for name in ("ALL", one.family, *kind):
            groups[name].append(scores.get(one.qid, 0.0))
    order = sorted(groups, key=lambda name: (name != "ALL", name.startswith(" "), name))
    return [(name, len(groups[name]), statistics.fmean(groups[name])) for name in order]
