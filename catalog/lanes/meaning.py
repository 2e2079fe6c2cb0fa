"""The meaning lane: rows near to the query in an embedder's space, whatever language they are written in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from catalog.lanes.postings import Rows, Weights, mapped, singles

SCRIPTS = ("cyrl", "latn", "othr")
FEW = 2000  # vectors below which codes are not worth training
TRAINED = 4096  # vectors that the codes are trained on: all that sixteen centroids take (faiss: 256 each)
ROUNDS = 10  # of that training; the usual 25 take twice as long and find the same neighbours
MANY = 200_000  # vectors from which codes are parted into cells
PER_CELL = 64  # vectors that each cell's middle is trained on
NEAREST = 0.15  # share of the cells that a query scans
WIDER = 3  # times as many rows as asked are taken from the codes, to be judged by their exact vectors


def one_thread() -> None:
    """Holds the calling thread to itself: OpenMP keeps its number of threads for each thread that asks.

    Two of them on a busy box wait for each other in a loop: training took 40 s of computing instead of two.
    """
    faiss.omp_set_num_threads(1)


one_thread()


class MeaningLane:
    """One FAISS index for each script of the rows.

    Encoders prefer rows in the query's own script. Rows of each script are therefore searched apart, and their
    similarity is also given *centred*: less the query's mean similarity to all rows of that script.
    """

    def __init__(self, folder: Path) -> None:
        about = json.loads((folder / "about.json").read_text("utf-8"))
        self.embedder: str = about["embedder"]
        self._vectors: NDArray[np.float16] = mapped(folder / "vectors.npy")
        self._script: NDArray[np.uint8] = mapped(folder / "script.npy")
        self._means: Weights = np.load(folder / "means.npy")
        self._spread: Weights = np.load(folder / "spread.npy")
        self._parts = [
            (
                place,
                faiss.read_index(str(folder / f"{name}.faiss"), faiss.IO_FLAG_MMAP_IFC),
                mapped(folder / f"{name}.npy"),
            )
            for place, name in enumerate(SCRIPTS)
            if (folder / f"{name}.faiss").exists()
        ]

    @staticmethod
    def build(folder: Path, vectors: Weights, scripts: NDArray[np.uint8], *, embedder: str) -> None:
        """Writes the indexes of `vectors`, float32 [rows, dimensions], L2-normalised; `scripts` by place in SCRIPTS."""
        one_thread()
        folder.mkdir(parents=True, exist_ok=True)
        means = np.zeros((len(SCRIPTS), vectors.shape[1]), dtype=np.float32)
        spread = np.ones(len(SCRIPTS), dtype=np.float32)
        for place, name in enumerate(SCRIPTS):
            rows = np.flatnonzero(scripts == place).astype(np.int32)
            if not len(rows):
                continue
            part = np.ascontiguousarray(vectors[rows])
            means[place] = part.mean(axis=0)
            faiss.write_index(_index(part), str(folder / f"{name}.faiss"))
            np.save(folder / f"{name}.npy", rows)
        np.save(folder / "vectors.npy", vectors.astype(np.float16))
        np.save(folder / "script.npy", scripts)
        np.save(folder / "means.npy", means)
        np.save(folder / "spread.npy", spread)
        (folder / "about.json").write_text(json.dumps({"embedder": embedder, "dimensions": int(vectors.shape[1])}))

    def search(self, query: Weights, count: int) -> Rows:
        """For a vector float32 [dimensions], the `count` nearest rows of every script, as one set."""
        found = [np.empty(0, dtype=np.int32)]
        for _, index, rows in self._parts:
            _, near = index.search(query[None, :], min(count * WIDER, len(rows)))
            likely = rows[near[0][near[0] >= 0]]
            exact = self.of(likely) @ query
            found.append(likely[np.argsort(-exact, kind="stable")[:count]])
        return np.concatenate(found)

    def of(self, rows: NDArray[np.integer[Any]]) -> Weights:
        """float32 [rows, dimensions]: the vectors of the given rows."""
        return singles(self._vectors[rows])

    def scripts(self, rows: Rows) -> NDArray[np.uint8]:
        """The rows' scripts, as places in SCRIPTS."""
        return self._script[rows]

    def centred(self, near: Weights, query: Weights, scripts: NDArray[np.uint8]) -> Weights:
        """Similarities to a query, each less the query's mean similarity to the rows of its script."""
        return near - (self._means @ query)[scripts]

    def middle(self, vectors: Weights, scripts: NDArray[np.uint8], weights: Weights) -> Weights:
        """float32 [dimensions]: the weighted middle of vectors that are centred by script, of length one."""
        middle: Weights = weights @ (vectors - self._means[scripts])
        return middle / np.float32(max(float(np.linalg.norm(middle)), 1e-6))

    @property
    def vectors(self) -> NDArray[np.float16]:
        """float16 [rows, dimensions], for re-use by the next build."""
        return self._vectors


def _index(vectors: Weights) -> Any:
    """Exact for a few; else four-bit product quantisation scanned in registers: 0.4 ms for 60,000 rows, where eight-bit
    codes take 5 ms; 99 % of the fifty nearest are among its first hundred and fifty, and those are judged exactly.
    For very many the codes are parted into cells, of which only the nearest are scanned: 98 % in a fifth of the time.
    """
    count, dimensions = vectors.shape
    index: Any
    if count < FEW or dimensions % 2:
        index = faiss.IndexFlatIP(dimensions)
    elif count < MANY:
        index = faiss.IndexPQFastScan(dimensions, dimensions // 2, 4, faiss.METRIC_INNER_PRODUCT)
        index.pq.cp.niter = ROUNDS
        index.train(vectors[:: max(1, count // TRAINED)])
    else:
        cells = int(count**0.5)
        middles = faiss.IndexFlatIP(dimensions)
        index = faiss.IndexIVFPQFastScan(middles, dimensions, cells, dimensions // 2, 4, faiss.METRIC_INNER_PRODUCT)
        index.by_residual = False
        index.cp.niter = index.pq.cp.niter = ROUNDS
        index.nprobe = max(1, int(cells * NEAREST))
        index.train(vectors[:: max(1, count // (cells * PER_CELL))])
    index.add(vectors)
    return index
