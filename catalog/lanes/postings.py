"""A term's rows and weights, kept as three memory-mapped arrays: the structure under the words and the grams lane."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int32]
Weights = NDArray[np.float32]


class Postings:
    """For each term its rows (ascending) with a weight each. Immutable; shared between processes by the page cache."""

    def __init__(self, folder: Path, name: str) -> None:
        self._starts: NDArray[np.int64] = mapped(folder / f"{name}.starts.npy")
        self._rows: Rows = mapped(folder / f"{name}.rows.npy")
        self._weights: NDArray[np.float16] = mapped(folder / f"{name}.weights.npy")

    @staticmethod
    def write(folder: Path, name: str, terms: NDArray[np.int64], rows: Rows, weights: Weights, vocabulary: int) -> None:
        """Stores triples of equal length, sorted by term and then by row; `terms` below `vocabulary`."""
        starts = np.zeros(vocabulary + 1, dtype=np.int64)
        np.cumsum(np.bincount(terms, minlength=vocabulary), out=starts[1:])
        np.save(folder / f"{name}.starts.npy", starts)
        np.save(folder / f"{name}.rows.npy", rows.astype(np.int32))
        np.save(folder / f"{name}.weights.npy", weights.astype(np.float16))

    def frequency(self, term: int) -> int:
        """In how many rows the term stands."""
        return int(self._starts[term + 1] - self._starts[term])

    def of(self, term: int) -> tuple[Rows, Weights]:
        """The term's rows and their weights."""
        span = slice(self._starts[term], self._starts[term + 1])
        return self._rows[span], self._weights[span].astype(np.float32)

    def scores(self, terms: Sequence[int], factors: Sequence[float], size: int, budget: int) -> Weights:
        """float32 [size]: the weighted sum over the terms, rare terms first.

        Frequent terms stop being added after `budget` postings: they move every score by the least and cost the
        most, and without a bound a million rows would take a second.
        """
        total = np.zeros(size, dtype=np.float32)
        spent = 0
        for term, factor in sorted(zip(terms, factors, strict=True), key=lambda pair: self.frequency(pair[0])):
            spent += self.frequency(term)
            if spent > budget and total.any():
                break
            rows, weights = self.of(term)
            total[rows] += weights * np.float32(factor)
        return total


def best(scores: Weights, count: int) -> Rows:
    """The rows of the `count` highest positive scores, best first; equal scores in row order."""
    rows = np.flatnonzero(scores > 0)
    if count < len(rows):
        chosen = scores[rows]
        rows = rows[np.argpartition(chosen, len(rows) - count)[len(rows) - count :]]
    return rows[np.lexsort((rows, -scores[rows]))].astype(np.int32)


def mapped(path: Path) -> NDArray[Any]:
    """An array of a file, memory-mapped, without the cost that numpy's own class for it adds to every slice."""
    array: NDArray[Any] = np.load(path, mmap_mode="r").view(np.ndarray)
    return array


def counted(terms: NDArray[np.int64], rows: Rows, size: int) -> tuple[NDArray[np.int64], Rows, Weights]:
    """Occurrences -> distinct (term, row) pairs, sorted, with how often each came; `size` is the number of rows."""
    pairs, counts = np.unique(terms * np.int64(size) + rows, return_counts=True)
    return pairs // size, (pairs % size).astype(np.int32), counts.astype(np.float32)
