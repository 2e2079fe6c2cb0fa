"""A term's rows and weights, kept as three memory-mapped arrays: the structure under the words and the grams lane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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

    def rows(self, term: int) -> Rows:
        """The term's rows."""
        return self._rows[self._starts[term] : self._starts[term + 1]]

    def find(
        self, asked: Mapping[int, float], count: int, *, size: int, budget: int, allowed: NDArray[np.bool_] | None
    ) -> Scores:
        """Scores of all rows for terms and their factors, and the `count` best of the rows `allowed`.

        MaxScore (Turtle and Flood, 1995), term at a time: the lists are added from the shortest on, until the terms
        left cannot lift a new row among the best any more; those, the longest, are then only looked into for the rows
        that matter. Exact, unless the long lists added hold more than `budget` postings.
        """
        lists = sorted((self._list(term, factor) for term, factor in asked.items()), key=lambda one: len(one.rows))
        added = sum(len(one.rows) <= max(LONG, size // 25) for one in lists)
        total = np.zeros(size, dtype=np.float32)
        _add(total, lists[:added], allowed)
        spent, place, needed = 0, 0.0, 0.0
        for at in range(added, len(lists)):
            gain = SLACK * sum(one.most for one in lists[at:])
            place = max(place, _at_place(total[total > place], count))
            needed, spent = place - gain, spent + len(lists[at].rows)
            if needed > 0 or (at and spent > budget):
                break
            _add(total, [lists[at]], allowed)
            added += 1
        scores = Scores(total=total, rest=lists[added:])
        scores.rank(count, needed=needed if scores.rest else 0.0)
        return scores

    def _list(self, term: int, factor: float) -> _List:
        span = slice(self._starts[term], self._starts[term + 1])
        return _List(rows=self._rows[span], halves=self._weights[span], factor=factor)


LONG = 10_000  # rows of a list from which it pays to ask whether it must be read; asking reads the sums of all rows
SLACK = 1.001  # sums of single floats in another order differ by less
WIDE = 40  # times as many rows as wanted are judged by all terms when the budget was spent before


@dataclass(frozen=True, slots=True, kw_only=True)
class _List:
    """One term's postings and how much the term counts."""

    rows: Rows
    halves: NDArray[np.float16]
    factor: float

    @property
    def most(self) -> float:
        """The highest that the term gives to any row; positive halves are ordered as their bits are."""
        return float(self.halves.view(np.int16).max().view(np.float16)) * self.factor


def _add(total: Weights, lists: Sequence[_List], allowed: NDArray[np.bool_] | None) -> None:
    """Adds the lists, of which only the allowed rows, to the sums."""
    if not lists:
        return
    rows = np.concatenate([one.rows for one in lists])
    weights = singles(np.concatenate([one.halves for one in lists]))
    weights *= np.repeat(np.array([one.factor for one in lists], dtype=np.float32), [len(one.rows) for one in lists])
    if allowed is not None:
        kept = allowed[rows]
        rows, weights = rows[kept], weights[kept]
    np.add.at(total, rows, weights)


@dataclass(slots=True, kw_only=True)
class Scores:
    """What one lane says of every row; `best` are the highest, best first, equal ones in row order."""

    total: Weights  # float32 [rows]: the sums over the lists that were added
    rest: list[_List]  # that were not added
    best: Rows = field(default_factory=lambda: np.empty(0, dtype=np.int32))
    highest: float = 0.0

    def of(self, rows: Rows) -> Weights:
        """float32: the scores of the given rows, ascending."""
        scores = self.total[rows]
        for one in self.rest:
            at = np.minimum(one.rows.searchsorted(rows), len(one.rows) - 1)
            scores += np.where(one.rows[at] == rows, singles(one.halves[at]) * np.float32(one.factor), 0)
        return scores

    def rank(self, count: int, *, needed: float) -> None:
        """Finds the best, of which none has a sum so far that is below `needed`."""
        rows = np.flatnonzero(self.total >= needed if needed > 0 else self.total > 0).astype(np.int32)
        if self.rest and len(rows) > WIDE * count:  # only where the budget was spent before the lists were
            rows = rows[self.total[rows] >= _at_place(self.total[rows], WIDE * count)]
        scores = self.of(rows)
        leading = np.flatnonzero(scores >= _at_place(scores, count))
        order = leading[np.lexsort((rows[leading], -scores[leading]))][:count]
        self.best = rows[order]
        self.highest = float(scores[order[0]]) if len(order) else 0.0


def _at_place(scores: Weights, place: int) -> float:
    """The score at this place from the top, counted from one; 0 where there are not so many."""
    return float(np.partition(scores, len(scores) - place)[len(scores) - place]) if place <= len(scores) else 0.0


def singles(halves: NDArray[np.float16]) -> Weights:
    """The numbers in single precision; five times faster than numpy's own conversion.

    The bits of a half, moved into a single's place, are the number over 2**112 (the exponents' biases differ by so
    much), which the multiplication makes good exactly.
    """
    wide = halves.view(np.int16).astype(np.int32)
    wide <<= 13
    wide &= np.int32(~0x70000000)  # the sign has been copied beside itself
    numbers: Weights = wide.view(np.float32)
    numbers *= np.float32(2.0**112)
    return numbers


def mapped(path: Path) -> NDArray[Any]:
    """An array of a file, memory-mapped, without the cost that numpy's own class for it adds to every slice."""
    array: NDArray[Any] = np.load(path, mmap_mode="r").view(np.ndarray)
    return array


def counted(terms: NDArray[np.int64], rows: Rows, size: int) -> tuple[NDArray[np.int64], Rows, Weights]:
    """Occurrences -> distinct (term, row) pairs, sorted, with how often each came; `size` is the number of rows."""
    pairs, counts = np.unique(terms * np.int64(size) + rows, return_counts=True)
    return pairs // size, (pairs % size).astype(np.int32), counts.astype(np.float32)
