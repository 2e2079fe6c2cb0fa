"""The codes lane: article numbers found exactly, or by their beginning, however they were written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from catalog.lanes.postings import Rows, mapped
from catalog.normalize.codes import LONGEST
from catalog.ragged import Ragged

SHORTEST_BEGINNING = 4  # letters of a code that may stand for its whole; fewer match by chance
PAST = b"\xff"  # no code goes on with this byte


class CodesLane:
    """A sorted, memory-mapped list of folded codes with their rows; each looked up by bisection."""

    def __init__(self, folder: Path) -> None:
        self._codes: NDArray[np.bytes_] = mapped(folder / "codes.npy")
        self._rows: Rows = mapped(folder / "codes.rows.npy")
        self._own: NDArray[np.bool_] = mapped(folder / "codes.own.npy")

    @staticmethod
    def build(folder: Path, codes: Ragged, strings: Sequence[str]) -> None:
        """Writes the folded codes of each row (places in `strings`), of which the first is the row's own SKU."""
        own = np.zeros(len(codes.values), dtype=bool)
        own[codes.starts[:-1]] = True
        used, place = np.unique(codes.values, return_inverse=True)
        keys, same = np.unique(np.array([_key(strings[at]) for at in used], f"S{LONGEST}"), return_inverse=True)
        entries = np.unique(np.stack([same[place], codes.rows, own], axis=1), axis=0)  # by code, row, own
        entries = entries[keys[entries[:, 0]] != b""]
        np.save(folder / "codes.npy", keys[entries[:, 0]])
        np.save(folder / "codes.rows.npy", entries[:, 1].astype(np.int32))
        np.save(folder / "codes.own.npy", entries[:, 2].astype(bool))

    def exact(self, code: str) -> tuple[Rows, NDArray[np.bool_]]:
        """The rows with this folded code, and for which of them it is their SKU."""
        first, last = self._spans([_key(code)], [_key(code)], "right")
        return self._rows[first[0] : last[0]], self._own[first[0] : last[0]]

    def beginning(self, code: str) -> tuple[Rows, NDArray[np.bool_]]:
        """The same for longer codes that begin with this one."""
        key = _key(code)
        if not _long_enough(code):
            return np.empty(0, dtype=np.int32), np.empty(0, dtype=bool)
        first, last = self._spans([key], [key + PAST], "left")
        return self._rows[first[0] : last[0]], self._own[first[0] : last[0]]

    def find(self, codes: Sequence[str], most: int) -> Iterator[tuple[int, bool, Rows, NDArray[np.bool_]]]:
        """(place in `codes`, whether exact, rows, own) of the codes that have at most so many rows, or begin theirs."""
        if not codes:
            return
        keys = [_key(code) for code in codes]
        first, last = self._spans(keys, keys, "right")
        begun = [at for at, code in enumerate(codes) if first[at] == last[at] and _long_enough(code)]
        if begun:
            last[begun] = self._spans([], [keys[at] + PAST for at in begun], "left")[1]
        exact = set(range(len(codes))).difference(begun)
        for at in np.flatnonzero((last > first) & (last - first <= most)).tolist():
            yield at, at in exact, self._rows[first[at] : last[at]], self._own[first[at] : last[at]]

    def _spans(
        self, low: Sequence[bytes], high: Sequence[bytes], side: Literal["left", "right"]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Where the codes begin that are no lower, and where those end that are below (or the same, if "right")."""
        kind = f"S{LONGEST}"
        return self._codes.searchsorted(np.array(low, kind)), self._codes.searchsorted(np.array(high, kind), side)


def _long_enough(code: str) -> bool:
    return len(code) >= SHORTEST_BEGINNING and len(_key(code)) < LONGEST


def _key(code: str) -> bytes:
    return code.encode("utf-8")[:LONGEST]
