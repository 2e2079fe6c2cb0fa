"""Lists of different lengths kept end to end in two arrays, so that whole catalogues are worked on at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Places = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ragged:
    """List r is `values[starts[r]:starts[r + 1]]`; `starts` is int64 [lists + 1]."""

    starts: NDArray[np.int64]
    values: NDArray[Any]

    @classmethod
    def of(cls, lists: Sequence[Sequence[Any]], dtype: DTypeLike) -> Ragged:
        """From Python lists of equal kind."""
        lengths = np.fromiter(map(len, lists), dtype=np.int64, count=len(lists))
        values: NDArray[Any] = np.array(list(chain.from_iterable(lists)), dtype=dtype)
        return cls(starts=_starts(lengths), values=values)

    @classmethod
    def joined(cls, parts: Sequence[Ragged]) -> Ragged:
        """The lists of all parts, one part after the other."""
        return cls(
            starts=_starts(np.concatenate([part.lengths for part in parts])),
            values=np.concatenate([part.values for part in parts]),
        )

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        return np.diff(self.starts)

    @property
    def rows(self) -> NDArray[np.int32]:
        """int32 [values]: to which list each value belongs."""
        return np.repeat(np.arange(len(self), dtype=np.int32), self.lengths)

    def take(self, rows: Places) -> Ragged:
        """The chosen lists in the given order."""
        lengths = self.lengths[rows]
        starts = _starts(lengths)
        at = np.arange(starts[-1]) + np.repeat(self.starts[rows] - starts[:-1], lengths)
        return Ragged(starts=starts, values=self.values[at])


def numbered(documents: Iterable[Sequence[str]]) -> tuple[Ragged, list[str]]:
    """Lists of words -> lists of int32 places in the sorted list of all words that came."""
    places: dict[str, int] = {}
    lists = [[places.setdefault(word, len(places)) for word in document] for document in documents]
    return sorted_by_word(Ragged.of(lists, np.int32), list(places))


def sorted_by_word(lists: Ragged, strings: Sequence[str]) -> tuple[Ragged, list[str]]:
    """The same lists over only the strings that are used, sorted: equal lists give equal arrays, however they came."""
    used = np.unique(lists.values)
    order = sorted(used.tolist(), key=strings.__getitem__)
    place = np.zeros(len(strings), dtype=np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    return Ragged(starts=lists.starts, values=place[lists.values]), [strings[at] for at in order]


def _starts(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    starts = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=starts[1:])
    return starts
