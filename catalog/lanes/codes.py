"""The codes lane: article numbers found exactly, or by their beginning, however they were written."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalog.lanes.postings import Rows, mapped
from catalog.normalize.codes import LONGEST

SHORTEST_BEGINNING = 4  # letters of a code that may stand for its whole; fewer match by chance


class CodesLane:
    """A sorted, memory-mapped list of folded codes with their rows; each looked up by bisection."""

    def __init__(self, folder: Path) -> None:
        self._codes: NDArray[np.bytes_] = mapped(folder / "codes.npy")
        self._rows: Rows = mapped(folder / "codes.rows.npy")
        self._own: NDArray[np.bool_] = mapped(folder / "codes.own.npy")

    @staticmethod
    def build(folder: Path, codes: Iterable[tuple[str, int, bool]]) -> None:
        """Writes (folded code, row, whether it is the row's own SKU) triples."""
        entries = sorted({(_key(code), row, own) for code, row, own in codes if code})
        np.save(folder / "codes.npy", np.array([code for code, _, _ in entries], dtype=f"S{LONGEST}"))
        np.save(folder / "codes.rows.npy", np.array([row for _, row, _ in entries], dtype=np.int32))
        np.save(folder / "codes.own.npy", np.array([own for _, _, own in entries], dtype=bool))

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
