"""How fast the search is: each query alone, embedding included, over generated goods of a chosen number or real ones.

    scripts/bench search [--quick] [--rows 60000] [--catalog FILE.csv.gz] [--queries FILE.csv.gz] [--beside]

Without a catalogue the goods are generated (believable words, quantities and codes; synthetic, and said to be).
`--beside` also times ChromaDB, Qdrant's local mode and LanceDB on the same vectors, those that are installed.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import numpy as np

from catalog import build
from catalog.product import Product
from catalog.shelf import Shelf
from models.base import Vectors
from models.packaged import PackagedEmbedder
from tests.eval._judged import read_products, read_queries

KINDS = (
    "Насос",
    "Компрессор",
    "Вентилятор",
    "Клапан",
    "Кран шаровой",
    "Задвижка",
    "Подшипник",
    "Выключатель автоматический",
    "Кабель силовой",
    "Светильник",
    "Муфта",
    "Фильтр",
    "Редуктор",
    "Электродвигатель",
    "Датчик давления",
    "Манометр",
    "Circuit breaker",
    "Ball valve",
    "Pressure gauge",
    "Gearbox",
    "Welding machine",
    "Air compressor",
    "Pump",
    "Fan",
)
QUALITIES = (
    "дренажный",
    "погружной",
    "циркуляционный",
    "промышленный",
    "стальной",
    "латунный",
    "чугунный",
    "взрывозащищённый",
    "осевой",
    "центробежный",
    "поршневой",
    "винтовой",
    "фланцевый",
    "муфтовый",
    "stainless",
    "industrial",
    "portable",
)
UNITS = ("кВт", "В", "мм", "бар", "м3/ч", "кг", "А", "Гц")
VALUES = (1, 1.5, 2.2, 3, 4, 5.5, 7.5, 10, 11, 15, 16, 20, 25, 32, 40, 50, 63, 80, 100, 220, 380)


def generated(count: int, seed: int = 1) -> Iterator[Product]:
    """Synthetic goods: the same for the same seed."""
    dice = random.Random(seed)
    for number in range(count):
        words = [
            dice.choice(KINDS),
            *dice.sample(QUALITIES, 2),
            f"{dice.choice('ABCDEKMNPST')}{dice.randrange(10**6):06d}",
        ]
        sizes = [f"{dice.choice(VALUES)} {dice.choice(UNITS)}" for _ in range(3)]
        yield Product(
            sku=f"S{number:07d}",
            name=f"{' '.join(words)}, {', '.join(sizes)}",
            category=words[0],
            price=Decimal(dice.randrange(100, 10**6)),
            currency="RUB",
            stock=Decimal(dice.randrange(5)),
        )


def questions(count: int, seed: int = 2) -> list[str]:
    """What customers might ask of the generated goods: words, words with sizes, slips, codes."""
    dice = random.Random(seed)
    asked = []
    for number, product in enumerate(generated(count * 3, seed=1)):
        if number % 3 == 0:
            words = product.name.split()
            kept = [word for word in words if dice.random() < 0.6] or words[:2]
            text = " ".join(kept)
            at = dice.randrange(max(len(text) - 1, 1))
            asked.append(text[:at] + text[at + 1 :] if number % 4 == 0 else product.sku if number % 7 == 0 else text)
    return asked


async def built(
    products: Sequence[Product], embedder: PackagedEmbedder, root: Path, *, invented: bool
) -> tuple[Shelf, float]:
    """A shelf with the goods live and the seconds that it took; past 100,000 rows their vectors are invented."""
    shelf = Shelf(root, embedders=[embedder])
    begun = time.perf_counter()
    if invented:
        folder = root / "version"
        folder.mkdir(parents=True)
        build.write(
            folder, products, {embedder.name: scattered(products)}, about={"version": "version", "source": "bench"}
        )
        shelf.publish("version")
    else:
        version = await shelf.add(products, source="bench")
        shelf.publish(version.name)
    return shelf, time.perf_counter() - begun


def scattered(products: Sequence[Product], centres: int = 2000) -> Vectors:
    """Unit vectors around so many centres: the speed of a large index without hours of embedding."""
    dice = np.random.default_rng(1)
    middle = dice.standard_normal((centres, PackagedEmbedder.dimensions), dtype=np.float32)
    vectors = middle[dice.integers(0, centres, len(products))]
    for start in range(0, len(vectors), 50_000):
        part = vectors[start : start + 50_000]
        part += 0.7 * dice.standard_normal(part.shape, dtype=np.float32)
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    return vectors


async def timed(shelf: Shelf, queries: Sequence[str]) -> list[float]:
    """Milliseconds of each query, alone, the cache emptied by asking each but once."""
    for text in queries[:20]:
        await shelf.search(text, limit=9)
    times = []
    for text in dict.fromkeys(queries):
        begun = time.perf_counter()
        await shelf.search(text)
        times.append((time.perf_counter() - begun) * 1000)
    return times


def beside(vectors: Vectors, asked: Vectors) -> Iterator[tuple[str, list[float]]]:
    """Other engines on the same vectors: the ten nearest, without the embedding; those not installed are named."""
    for name, prepare in (("chromadb", _chroma), ("qdrant_client", _qdrant), ("lancedb", _lance)):
        try:
            module = importlib.import_module(name)
        except ImportError:
            print(f"{name}: not installed, left out")
            continue
        with tempfile.TemporaryDirectory() as folder:
            ask = prepare(module, vectors, folder)
            times = []
            for vector in asked:
                begun = time.perf_counter()
                ask(vector)
                times.append((time.perf_counter() - begun) * 1000)
        yield name, times


def _chroma(module: object, vectors: Vectors, folder: str) -> Callable[[Vectors], object]:
    collection = module.PersistentClient(folder).create_collection("goods")  # type: ignore[attr-defined]
    for start in range(0, len(vectors), 5000):
        part = vectors[start : start + 5000]
        collection.add(ids=[str(start + at) for at in range(len(part))], embeddings=part)
    return lambda vector: collection.query(query_embeddings=[vector], n_results=10)


def _qdrant(module: object, vectors: Vectors, folder: str) -> Callable[[Vectors], object]:
    client = module.QdrantClient(path=folder)  # type: ignore[attr-defined]
    models = module.models  # type: ignore[attr-defined]
    size = vectors.shape[1]
    client.create_collection("goods", vectors_config=models.VectorParams(size=size, distance=models.Distance.COSINE))
    client.upload_collection("goods", vectors=vectors, ids=range(len(vectors)))
    return lambda vector: client.query_points("goods", query=vector, limit=10)


def _lance(module: object, vectors: Vectors, folder: str) -> Callable[[Vectors], object]:
    rows = [{"vector": vector, "id": at} for at, vector in enumerate(vectors)]
    table = module.connect(folder).create_table("goods", data=rows)  # type: ignore[attr-defined]
    return lambda vector: table.search(vector).limit(10).to_list()


def shares(times: Sequence[float]) -> str:
    """The median and the tail, in milliseconds."""
    return " / ".join(f"{np.percentile(times, share):.1f}" for share in (50, 95, 99))


async def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench search", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--catalog", type=Path)
    parser.add_argument("--queries", type=Path)
    parser.add_argument("--beside", action="store_true")
    parser.add_argument("--most", type=float, default=0.0, help="fail when p95 is above so many milliseconds")
    asked = parser.parse_args()
    rows = 5000 if asked.quick else asked.rows
    products = list(read_products(asked.catalog) if asked.catalog else generated(rows))
    queries = [one.query for one in read_queries(asked.queries)] if asked.queries else questions(500)
    embedder = PackagedEmbedder()
    with tempfile.TemporaryDirectory() as folder:
        invented = not asked.catalog and rows > 100_000
        shelf, seconds = await built(products, embedder, Path(folder), invented=invented)
        times = await timed(shelf, queries)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        kind = "real rows" if asked.catalog else "synthetic rows" + (", vectors invented" if invented else "")
        print(f"{len(products)} {kind}: built in {seconds:.0f} s, {memory} MB at most")
        speed = 1000 * len(times) / sum(times)
        print(f"search, one process, ms p50 / p95 / p99: {shares(times)}; {speed:.0f} queries a second")
        snapshot = shelf.current()
        if asked.beside and snapshot is not None:
            vectors = snapshot.meanings[embedder.name].vectors.astype(np.float32)
            for name, others in beside(vectors, embedder.encode(queries[:200])):
                print(f"{name}, ten nearest alone: {shares(others)}")
        shelf.close()
    p95 = float(np.percentile(times, 95))
    print(f"p95 {p95:.1f} ms")
    return 0 if not asked.most or p95 <= asked.most else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
