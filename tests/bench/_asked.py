"""Asks one shelf many questions in a process of its own and prints what they took, as JSON.

python -m tests.bench._asked SHELF QUERIES.json [e5]
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from catalog.shelf import Cache, Shelf
from catalog.understand import understand
from models import registry
from models.base import Embedder
from models.packaged import PackagedEmbedder

ROUNDS = 3  # each question so often: a tail of hundreds of questions is a matter of chance
WARM = 20  # questions before the clock runs
AT_ONCE = 4  # customers, for the queries a second


async def measured(root: Path, queries: Sequence[str], *more: str) -> dict[str, Any]:
    """Milliseconds of whole searches, one at a time and none from the cache; queries a second; MB; the steps."""
    embedders = [registry.embedder(name) for name in ("packaged", *more)]
    shelf = Shelf(root, embedders=embedders)
    for text in queries[:WARM]:
        await shelf.search(text)
    wall, own = await _alone(shelf, queries)
    shelf.cache = Cache()
    begun = time.perf_counter()
    await asyncio.gather(*(_customer(shelf, queries[at::AT_ONCE]) for at in range(AT_ONCE)))
    speed = len(queries) / (time.perf_counter() - begun)
    snapshot = shelf.current()
    assert snapshot is not None
    found = {"rows": len(snapshot), "wall": shares(wall), "own": shares(own), "speed": speed, "memory": memory()}
    return found | {"parts": _parts(shelf, queries, embedders)}


async def _alone(shelf: Shelf, queries: Sequence[str]) -> tuple[list[float], list[float]]:
    """Of each question: milliseconds, and those in which this process ran."""
    wall, own = [], []
    for _ in range(ROUNDS):
        shelf.cache = Cache()
        for text in queries:
            begun, ran = time.perf_counter(), time.process_time()
            await shelf.search(text)
            wall.append((time.perf_counter() - begun) * 1000)
            own.append((time.process_time() - ran) * 1000)
    return wall, own


async def _customer(shelf: Shelf, queries: Sequence[str]) -> None:
    for text in queries:
        await shelf.search(text)


def _parts(shelf: Shelf, queries: Sequence[str], embedders: Sequence[Embedder]) -> dict[str, float]:
    """Milliseconds of this thread for each step of a search, on average; and of the ten nearest by meaning alone."""
    snapshot, usual = shelf.current(), next(one for one in embedders if isinstance(one, PackagedEmbedder))
    assert snapshot is not None
    lane = snapshot.meanings[usual.name]
    spent: dict[str, list[float]] = {}

    def timed(name: str, begun: float) -> float:
        now = time.thread_time()
        spent.setdefault(name, []).append((now - begun) * 1000)
        return time.thread_time()

    for text in queries:
        at = time.thread_time()
        wish = understand(text)
        at = timed("understand", at)
        prepared = snapshot.prepare(wish)
        at = timed("prepare", at)
        vectors = usual.encode(prepared.texts)
        at = timed("embed", at)
        snapshot.search(prepared, {usual.name: vectors})
        at = timed("search", at)
        lane.search(vectors[0], 10)
        timed("of which ten nearest", at)
    return {name: float(np.mean(values)) for name, values in spent.items()}


def shares(times: Sequence[float]) -> list[float]:
    """p50, p95 and p99."""
    return [float(np.percentile(times, share)) for share in (50, 95, 99)]


def memory() -> dict[str, int]:
    """MB that are this process's own, and MB of files that it has mapped and shares with others."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    values = {line.split(":")[0]: int(line.split()[1]) // 1024 for line in lines if line.endswith(" kB")}
    return {"own": values["RssAnon"], "mapped": values["RssFile"]}


if __name__ == "__main__":
    root, asked = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text("utf-8"))
    print(json.dumps(asyncio.run(measured(root, asked, *sys.argv[3:]))))
