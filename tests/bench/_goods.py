"""Makes catalogues to be searched: real rows where they are, else generated ones, kept for the next benchmark.

    python -m tests.bench._goods real FOLDER CATALOG.csv.gz
    python -m tests.bench._goods COUNT FOLDER
    python -m tests.bench._goods e5 FOLDER ORIGIN

Generated goods are synthetic: rows of the sample catalogue, from the 40,001st on again with other codes, sizes and
prices. Past 5,000 rows their vectors are invented, too: mixtures of two real rows' vectors with a little noise.
"""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import overload

import numpy as np

from catalog import build
from catalog.product import Product
from catalog.sample.rows import Row, generate
from catalog.shelf import Shelf
from models.base import Vectors
from models.packaged import PackagedEmbedder
from tests.eval._judged import read_products

DISTINCT = 40_000  # rows of the sample; it has not many more
EMBEDDED = 5000  # names that are truly embedded: ten seconds of an idle core
NOISE = 0.2  # length of what is added to a mixture of unit vectors: neighbours stay neighbours
_NUMBER = re.compile(r"\d+")


class Many(Sequence[Product]):
    """So many generated goods, each made when it is read: a million lie in no memory."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._rows = sample(min(count, DISTINCT))

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, at: int) -> Product: ...
    @overload
    def __getitem__(self, at: slice) -> list[Product]: ...
    def __getitem__(self, at: int | slice) -> Product | list[Product]:
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(self._count))]
        if not 0 <= at < self._count:
            raise IndexError(at)
        return _varied(self._rows[at % len(self._rows)], at // len(self._rows))


def sample(count: int) -> list[Row]:
    """Rows of the sample catalogue, shuffled, so that neighbours are no kin."""
    rows = [row for _, family in generate(count, seed=1) for row in family]
    random.Random(1).shuffle(rows)
    return rows


def _varied(row: Row, turn: int) -> Product:
    """The row as a product; from the second turn on with another article, model, price and sizes."""
    names = row.name_ru or row.name_en
    product = Product(
        sku=row.article,
        name=names,
        names=(("en", row.name_en),) if row.name_ru and row.name_en else (),
        description=row.description,
        category=row.kind.group,
        brand=row.brand.ru,
        price=None if row.price is None else Decimal(str(row.price)),
        currency=row.currency if row.price is not None else "",
        stock=None if row.stock is None else Decimal(row.stock),
    )
    if not turn:
        return product
    dice = random.Random(f"{turn}/{row.article}")
    name = _NUMBER.sub(lambda digits: str(int(digits[0]) + dice.randrange(turn + 3)), names)
    price = None if product.price is None else product.price * dice.randrange(80, 125) / 100
    return replace(product, sku=f"{row.article}-{turn}", name=name, price=price)


def mixtures(known: Vectors, count: int) -> Vectors:
    """float32 [count, dimensions]: the known unit vectors, then mixtures of two of them with noise."""
    dice = np.random.default_rng(1)
    mixed = np.empty((count, known.shape[1]), dtype=np.float32)
    for start in range(0, count, 20_000):
        part = mixed[start : start + 20_000]
        share = dice.uniform(0.05, 0.35, (len(part), 1)).astype(np.float32)
        one, other = (known[dice.integers(0, len(known), len(part))] for _ in range(2))
        part[:] = (1 - share) * one + share * other
        part += NOISE / known.shape[1] ** 0.5 * dice.standard_normal(part.shape, dtype=np.float32)
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    mixed[: len(known)] = known[:count]
    return mixed


def generated(count: int, root: Path) -> None:
    """Builds a shelf of generated goods, live; the builder's most memory is mostly its float32 vectors."""
    goods, embedder = Many(count), PackagedEmbedder()
    texts = [build.text_to_embed(goods[at]) for at in range(min(count, EMBEDDED))]
    vectors = mixtures(embedder.encode(texts), count)
    _written(root, goods, {embedder.name: vectors})


def with_e5(root: Path, origin: Path) -> None:
    """The live version of another shelf, and beside its lane one of 384 dimensions, whose vectors are invented."""
    from models.e5 import E5Embedder

    snapshot = Shelf(origin).current()
    assert snapshot is not None
    dice = np.random.default_rng(2)
    known = dice.standard_normal((2000, E5Embedder.dimensions), dtype=np.float32)
    vectors = mixtures(known / np.linalg.norm(known, axis=1, keepdims=True), len(snapshot))
    texts = [build.text_to_embed(product) for product in snapshot.products()]
    build.extend(snapshot.folder, _empty(root), "version", {E5Embedder.name: vectors}, texts)
    Shelf(root).publish("version")


def real(root: Path, catalog: Path) -> None:
    """Builds a shelf of the rows of a CSV file, each truly embedded."""
    embedder = PackagedEmbedder()
    products = list(read_products(catalog))
    _written(root, products, {embedder.name: embedder.encode([build.text_to_embed(one) for one in products])})


def _written(root: Path, goods: Sequence[Product], vectors: dict[str, Vectors]) -> None:
    build.write(_empty(root), goods, vectors, about={"version": "version", "source": "bench"})
    Shelf(root).publish("version")


def _empty(root: Path) -> Path:
    folder = root / "version"
    folder.mkdir(parents=True)
    return folder


def main(what: str, root: Path, *source: str) -> None:
    if what == "real":
        real(root, Path(source[0]))
    elif what == "e5":
        with_e5(root, Path(source[0]))
    else:
        generated(int(what), root)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
