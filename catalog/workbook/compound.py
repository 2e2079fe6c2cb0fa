"""Whether the sectors of a compound file ([MS-CFB] 2.2 to 2.5) lead in circles, over which readers never end.

One of them takes memory for every turn until the box has none left, and no exception comes of it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_LAST_SECTOR = 0xFFFFFFFA  # numbers from here on end a chain or mark what belongs to none


def circular(data: bytes) -> bool:
    """Whether any chain of the file comes back to itself, or the file is too damaged to tell."""
    try:
        size = 1 << struct.unpack_from("<H", data, 0x1E)[0]
        (mini,), (further,) = struct.unpack_from("<I", data, 0x3C), struct.unpack_from("<I", data, 0x44)
        table = _table(data, size, [*struct.unpack_from("<109I", data, 0x4C), *_further(data, size, further)])
        return _circles(table) or _circles(_table(data, size, _chain(table, mini)))
    except (struct.error, ValueError):
        return True


def _further(data: bytes, size: int, at: int) -> Iterator[int]:
    """The numbers of the table's sectors beyond those of the header. Raises ValueError for a circle."""
    seen = set()
    while at < _LAST_SECTOR:
        if at in seen:
            raise ValueError("the list of tables comes back to itself")
        seen.add(at)
        *numbers, at = struct.unpack_from(f"<{size // 4}I", data, (at + 1) * size)
        yield from numbers


def _table(data: bytes, size: int, sectors: list[int]) -> NDArray[np.uint32]:
    parts = [data[(at + 1) * size : (at + 2) * size] for at in sectors if at < _LAST_SECTOR]
    whole = b"".join(parts)
    return np.frombuffer(whole[: len(whole) // 4 * 4], "<u4")


def _chain(table: NDArray[np.uint32], at: int) -> list[int]:
    """The sectors of one chain of a table without circles."""
    found = []
    while at < len(table):
        found.append(at)
        at = int(table[at])
    return found


def _circles(table: NDArray[np.uint32]) -> bool:
    """Whether somebody who follows the table never comes to an end: each step doubles those before it."""
    end = len(table)
    steps = np.append(np.minimum(table, end).astype(np.int64), end)
    for _ in range(end.bit_length() + 1):
        steps = steps[steps]
    return bool((steps != end).any())
