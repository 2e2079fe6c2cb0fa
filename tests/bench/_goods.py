"""Makes catalogues to be searched: of real rows where they are, else of the sample's, or of many times as many rows.

python -m tests.bench._goods sample FOLDER ROWS
python -m tests.bench._goods real FOLDER CATALOG.csv.gz
python -m tests.bench._goods grown FOLDER ORIGIN ROWS
python -m tests.bench._goods e5 FOLDER ORIGIN
"""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from catalog import build
from catalog.product import Product
from catalog.shelf import Shelf
from catalog.snapshot import Snapshot
from models.e5 import E5Embedder
from models.packaged import PackagedEmbedder
from tests.bench._grown import grown
from tests.eval._judged import read_products
from tests.eval._own import own_goods

VERSION = "version"
SAMPLE = 10_000  # rows of the sample catalogue from which larger ones are grown


def sample(root: Path, count: int) -> None:
    """So many rows of the sample catalogue, shuffled, so that neighbours are no kin; each truly embedded."""
    products = own_goods(count)
    random.Random(1).shuffle(products)
    _embedded(root, products)


def with_e5(root: Path, origin: Path) -> None:
    """The live version of another shelf, and beside its lane one of 384 dimensions, whose vectors are invented."""
    snapshot = _live(origin)
    dice = np.random.default_rng(2)
    vectors = dice.standard_normal((len(snapshot), E5Embedder.dimensions), dtype=np.float32)
    vectors += 2 * dice.standard_normal((1, E5Embedder.dimensions), dtype=np.float32)  # e5's lie in a narrow cone
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    texts = [build.text_to_embed(product) for product in snapshot.products()]
    root.mkdir(parents=True, exist_ok=True)
    build.extend(snapshot.folder, root / VERSION, VERSION, {E5Embedder.name: vectors}, texts)


def real(root: Path, catalog: Path) -> None:
    """The rows of a CSV file, each truly embedded."""
    _embedded(root, list(read_products(catalog)))


def _embedded(root: Path, products: Sequence[Product]) -> None:
    embedder = PackagedEmbedder()
    vectors = embedder.encode([build.text_to_embed(product) for product in products])
    (root / VERSION).mkdir(parents=True)
    about = {"version": VERSION, "source": "bench"}
    build.write(root / VERSION, products, {embedder.name: vectors}, about=about)


def _grown(root: Path, origin: Path, rows: int) -> None:
    (root / VERSION).mkdir(parents=True)
    grown(_live(origin).folder, rows, root / VERSION)


def _live(shelf: Path) -> Snapshot:
    snapshot = Shelf(shelf).current()
    assert snapshot is not None
    return snapshot


def main(what: str, folder: str, *source: str) -> None:
    root = Path(folder)
    match what:
        case "sample":
            sample(root, int(source[0]))
        case "real":
            real(root, Path(source[0]))
        case "grown":
            _grown(root, Path(source[0]), int(source[1]))
        case "e5":
            with_e5(root, Path(source[0]))
    Shelf(root).publish(VERSION)


if __name__ == "__main__":
    main(*sys.argv[1:])
