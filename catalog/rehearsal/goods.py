"""The products of one version as the rehearsal compares them: by code, in their order, in their groups."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from catalog.product import Product
from catalog.rehearsal.verdict import EXAMPLES
from catalog.snapshot import Snapshot
from catalog.workbook.book import Book

CONFLICTS = 20  # places of conflicting rows that a report names


def import_report(book: Book) -> dict[str, Any]:
    """What became of the rows of a price list, JSON-ready: kept in the version's manifest as `import`."""
    counts: Counter[str] = Counter()
    for sheet in book.sheets:
        counts.update(sheet.counts)
    return {
        "rows": book.rows,
        "parity": book.parity,
        "counts": dict(counts),
        "sheets": [{"name": sheet.name, "products": sheet.counts.get("product", 0)} for sheet in book.sheets],
        "conflicts": [
            f"{sheet.name}!{row}" for sheet in book.sheets for row in sheet.others.get("conflict", ())[:CONFLICTS]
        ][:CONFLICTS],
    }


@dataclass(frozen=True, kw_only=True)
class Goods:
    """One version's products in the order of their rows, and the report of their import where there is one.

    `has_photo` says whether a photo's file is there, for photos that are files; links are looked at by `links`.
    """

    products: Sequence[Product]
    version: str = ""
    report: Mapping[str, Any] = field(default_factory=dict)
    has_photo: Callable[[str], bool] = lambda path: True

    @classmethod
    def of(cls, snapshot: Snapshot) -> Goods:
        """All products of a sealed version; 40,000 take about a second."""
        photos = snapshot.folder / "photos"
        there = {f"photos/{file.name}" for file in photos.iterdir()} if photos.is_dir() else set[str]()
        return cls(
            products=list(snapshot.products()),
            version=snapshot.version,
            report=snapshot.manifest.get("import", {}),
            has_photo=there.__contains__,
        )

    def __len__(self) -> int:
        return len(self.products)

    @cached_property
    def by_code(self) -> dict[str, Product]:
        """The products by their code as a customer would say it: spaces and case make no other code."""
        found: dict[str, Product] = {}
        for product in self.products:
            found.setdefault(code_of(product), product)
        return found

    @cached_property
    def sheets(self) -> list[str]:
        """The sheet of each product: row numbers begin anew where a sheet begins."""
        names = [sheet["name"] for sheet in self.report.get("sheets", ()) if sheet["products"]]
        places, number, last, source = [], -1, 0, None
        for product in self.products:
            if number < 0 or product.row < last or product.source != source:
                number += 1
            places.append(number)
            last, source = product.row, product.source
        known = names if len(names) == number + 1 else [f"№ {place + 1}" for place in range(number + 1)]
        return [known[place] for place in places]

    @cached_property
    def groups(self) -> dict[tuple[str, str], list[str]]:
        """Codes by (kind, name): the sheets, sources, categories and brands; a kind with one group is left out."""
        found: dict[tuple[str, str], list[str]] = defaultdict(list)
        for product, sheet in zip(self.products, self.sheets, strict=True):
            code = code_of(product)
            for kind, name in (
                ("sheet", sheet),
                ("source", product.source),
                ("category", product.category),
                ("brand", product.brand),
            ):
                if name:
                    found[kind, name].append(code)
        kinds = Counter(kind for kind, _ in found)
        return {key: codes for key, codes in found.items() if kinds[key[0]] > 1}


def code_of(product: Product) -> str:
    """A product's SKU without spaces and case."""
    return "".join(product.sku.split()).casefold()


@lru_cache(maxsize=1 << 18)
def spelt(text: str) -> str:
    """A text's words in lower case with single spaces: how it is compared."""
    return " ".join(_WORD.findall(text.casefold().replace("ё", "е")))


_WORD = re.compile(r"[^\W_]+")


def identity(product: Product) -> tuple[str, str]:
    """What a product is whatever its code: its name and brand."""
    return spelt(product.name), spelt(product.brand)


def skus(products: Sequence[Product]) -> tuple[str, ...]:
    """The first few, as examples of a finding."""
    return tuple(product.sku for product in products[:EXAMPLES])


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """The live version beside the candidate: what both have (in the live order), what went and what came."""

    live: Goods
    candidate: Goods

    @cached_property
    def both(self) -> list[tuple[Product, Product]]:
        """(live, candidate) for each code of both."""
        new = self.candidate.by_code
        return [(old, new[code]) for code, old in self.live.by_code.items() if code in new]

    @cached_property
    def gone(self) -> list[Product]:
        return [old for code, old in self.live.by_code.items() if code not in self.candidate.by_code]

    @cached_property
    def added(self) -> list[Product]:
        return [new for code, new in self.candidate.by_code.items() if code not in self.live.by_code]

    @cached_property
    def parts(self) -> list[tuple[str, list[int]]]:
        """Places in `both`, by group of the live version: first the whole ("", all of them), then each group."""
        place = {code_of(old): number for number, (old, _) in enumerate(self.both)}
        groups = self.live.groups.items()
        return [
            ("", list(range(len(self.both)))),
            *((name, [place[code] for code in codes if code in place]) for (_, name), codes in groups),
        ]
