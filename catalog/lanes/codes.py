"""The codes lane: article numbers found exactly, or by their beginning, however they were written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalog.lanes.postings import Rows, mapped
from catalog.normalize.codes import LONGEST
from catalog.ragged import Ragged

SHORTEST_BEGINNING = 4  # letters of a code that may stand for its whole; fewer match by chance


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
        return self._between(_key(code), _key(code), side="right")

    def beginning(self, code: str) -> tuple[Rows, NDArray[np.bool_]]:
        """The same for longer codes that begin with this one."""
        key = _key(code)
        if len(code) < SHORTEST_BEGINNING or len(key) == LONGEST:
            return np.empty(0, dtype=np.int32), np.empty(0, dtype=bool)
        return self._between(key, key + b"\xff", side="left")

    def _between(self, low: bytes, high: bytes, *, side: str) -> tuple[Rows, NDArray[np.bool_]]:
        first = int(np.searchsorted(self._codes, np.bytes_(low), side="left"))
        last = int(np.searchsorted(self._codes, np.bytes_(high), side="right" if side == "right" else "left"))
        return self._rows[first:last], self._own[first:last]


def _key(code: str) -> bytes:
    return code.encode("utf-8")[:LONGEST]
