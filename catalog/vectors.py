"""Embeds the products' texts, each text once: equal ones together, and those of earlier versions not again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalog.digest import found_among, text_key
from models.base import Embedder, Vectors

CHUNK = 256  # texts embedded at once: half a second of work, after which progress is told and others may run

Known = tuple[NDArray[np.uint64], NDArray[np.float16]]  # fingerprints of texts, and their vectors


def keys_of(texts: Sequence[str]) -> NDArray[np.uint64]:
    """uint64 [texts]: their fingerprints."""
    return np.array([text_key(text) for text in texts], dtype=np.uint64)


async def embed(
    embedder: Embedder,
    texts: Sequence[str],
    *,
    known: Iterable[Known] = (),
    spool: Spool | None = None,
    tell: Callable[[str, float], None] = lambda step, share: None,
) -> Vectors:
    """float32 [texts, dimensions], of half precision: that is how a version keeps them, so that what is taken over
    and what is embedded anew are the same. Work done so far goes to the `spool`. Raises ModelError.
    """
    keys = keys_of(texts)
    vectors = np.zeros((len(texts), embedder.dimensions), dtype=np.float16)
    missing = np.arange(len(texts))
    for old_keys, old in known:
        if not len(missing) or not len(old_keys) or old.shape[1] != embedder.dimensions:
            continue
        at, same = found_among(keys[missing], old_keys)
        vectors[missing[same]] = old[at[same]]
        missing = missing[~same]
    distinct, first, back = np.unique(keys[missing], return_index=True, return_inverse=True)
    order = np.argsort(first)  # as they stand in the catalogue, so that progress is even
    fresh = np.zeros((len(distinct), embedder.dimensions), dtype=np.float16)
    for start in range(0, len(order), CHUNK):
        tell("embedding", start / len(order))
        part = order[start : start + CHUNK]
        chosen = [texts[row] for row in missing[first[part]].tolist()]
        fresh[part] = await embedder.embed(chosen, kind="passage")
        if spool is not None:
            spool.append(distinct[part], fresh[part])
    vectors[missing] = fresh[back]
    return vectors.astype(np.float32)


def kept(folder: Path, embedder: str) -> Known | None:
    """What a sealed version has of an embedder, memory-mapped; None where it has nothing."""
    lane = folder / f"meaning-{embedder}"
    try:
        return np.load(lane / "keys.npy"), np.load(lane / "vectors.npy", mmap_mode="r")
    except (OSError, ValueError):
        return None


class Spool:
    """What a long job has embedded so far, in a file that only grows: a killed job goes on where it was."""

    def __init__(self, file: Path, *, dimensions: int) -> None:
        self._file = file
        self._record = np.dtype([("key", np.uint64), ("vector", np.float16, (dimensions,))])

    def read(self) -> Known:
        """All that was written whole; what a kill has torn is cut off."""
        if self._file.exists():
            whole = self._file.stat().st_size // self._record.itemsize
            with self._file.open("r+b") as file:
                file.truncate(whole * self._record.itemsize)
            found = np.fromfile(self._file, dtype=self._record)
        else:
            found = np.empty(0, dtype=self._record)
        return found["key"], found["vector"]

    def append(self, keys: NDArray[np.uint64], vectors: NDArray[np.float16]) -> None:
        """After `read`: adds what was embedded just now."""
        records = np.empty(len(keys), dtype=self._record)
        records["key"], records["vector"] = keys, vectors
        with self._file.open("ab") as file:
            file.write(records.tobytes())

    def remove(self) -> None:
        self._file.unlink(missing_ok=True)
