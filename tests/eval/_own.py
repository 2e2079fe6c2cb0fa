"""Our own judged set: 300 questions of all kinds about the sample catalogue (tests/sets/make_search_sample.py)."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

from catalog.product import Attribute, Product
from catalog.sample.goods import goods
from catalog.sample.rows import Row, generate, written
from tests.eval._judged import Judged, read_queries

SETS = Path(__file__).parents[1] / "sets"
ROWS, SEED = 5_000, 1  # of the sample for which the set was made


def own_goods(rows: int = ROWS) -> list[Product]:
    """The sample's goods as an import of its workbook has them."""
    return [_product(row) for _, part in generate(rows, SEED) for row in part]


def own_queries() -> list[Judged]:
    """What is there, with the rows that are wanted."""
    return read_queries(SETS / "search_sample.csv.gz")


def own_absent() -> list[str]:
    """What the sample does not have."""
    with (SETS / "search_sample_absent.csv").open(encoding="utf-8", newline="") as file:
        return [row["query"] for row in csv.DictReader(file)]


def _product(row: Row) -> Product:
    return Product(
        sku=row.article,
        name=row.name_ru or row.name_en,
        names=(("en", row.name_en),) if row.name_ru and row.name_en else (),
        description=row.description,
        category=row.kind.group,
        brand=row.brand.ru,
        price=None if row.price is None else Decimal(str(row.price)),
        currency=row.currency if row.price is not None else "",
        stock=None if row.stock is None else Decimal(row.stock),
        attributes=tuple(_attribute(key, value) for key, value in row.values.items() if key not in goods().hidden),
    )


def _attribute(key: str, value: int | float | str) -> Attribute:
    title = goods().titles[key]
    return Attribute(name=title.ru, text=f"{written(value, 'ru')} {title.unit}".strip())
