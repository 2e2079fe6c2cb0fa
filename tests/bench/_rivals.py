"""Times one vector store on given vectors, in a venv that holds nothing of ours: the ten nearest, one query at a time.

python _rivals.py chromadb|qdrant|lancedb FOLDER    with vectors.npy, asked.npy and nearest.npy in the folder
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Ask = Callable[[Any], list[int]]
NEAREST = 10


def chromadb(vectors: Any, folder: str) -> Ask:
    """As its documentation starts: a persistent client and a collection with the default HNSW settings."""
    import chromadb as store  # type: ignore[import-not-found, unused-ignore]

    collection = store.PersistentClient(folder).create_collection("goods")
    for start in range(0, len(vectors), 5000):
        part = vectors[start : start + 5000]
        collection.add(ids=[str(start + at) for at in range(len(part))], embeddings=part)

    def ask(vector: Any) -> list[int]:
        return [int(at) for at in collection.query(query_embeddings=[vector], n_results=NEAREST)["ids"][0]]

    return ask


def qdrant(vectors: Any, _folder: str) -> Ask:
    """Its local mode: the client's own search in this process, exact.

    In memory, where it searches in either case: on disk it commits every point by itself, which takes half an hour.
    """
    from qdrant_client import QdrantClient, models  # type: ignore[import-not-found, unused-ignore]

    client = QdrantClient(":memory:")
    about = models.VectorParams(size=vectors.shape[1], distance=models.Distance.COSINE)
    client.create_collection("goods", vectors_config=about)
    client.upload_collection("goods", vectors=vectors, ids=range(len(vectors)))
    return lambda vector: [point.id for point in client.query_points("goods", query=vector, limit=NEAREST).points]


def lancedb(vectors: Any, folder: str) -> Ask:
    """A table without an index, which its documentation advises below 100,000 rows: exact."""
    import lancedb as store  # type: ignore[import-not-found, unused-ignore]
    import pyarrow  # type: ignore[import-not-found, import-untyped, unused-ignore]

    column = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(vectors.ravel()), vectors.shape[1])
    rows = pyarrow.table({"vector": column, "id": pyarrow.array(range(len(vectors)))})
    table = store.connect(folder).create_table("goods", data=rows)
    return lambda vector: [
        row["id"] for row in table.search(vector).limit(NEAREST).select(["id", "_distance"]).to_list()
    ]


def main(name: str, source: Path) -> None:
    vectors, asked, nearest = (np.load(source / f"{part}.npy") for part in ("vectors", "asked", "nearest"))
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        ask = {"chromadb": chromadb, "qdrant": qdrant, "lancedb": lancedb}[name](vectors, folder)
        built = time.perf_counter() - begun
        times, right = [], 0
        for vector in asked[:10]:
            ask(vector)
        ran = time.process_time()  # of all threads: on a busy box the walls tell of the box
        for vector, true in zip(asked, nearest, strict=True):
            begun = time.perf_counter()
            near = ask(vector)
            times.append((time.perf_counter() - begun) * 1000)
            right += len(set(near) & set(true.tolist()))
        own = (time.process_time() - ran) * 1000 / len(asked)
    status = Path("/proc/self/status").read_text("utf-8")
    memory = next(int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmHWM"))
    shares = [float(np.percentile(times, share)) for share in (50, 95, 99)]
    found = {"built": built, "wall": shares, "own": own, "memory": memory, "recall": right / nearest.size}
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
