"""The grams lane: three-letter pieces of how names sound, for typos, endings, cognates and parts of codes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalog.lanes.postings import Postings, Rows, Scores, Weights, counted, mapped
from catalog.normalize import fold, sound, words
from catalog.ragged import Ragged

BUCKETS = 1 << 18  # grams are hashed, so no vocabulary is kept; collisions of rare grams do not matter
BUDGET = 1_500_000  # postings a query may touch
FREQUENT = 0.15  # a gram in more than this share of the rows tells nothing (in Russian, the endings)


def sounds(text: str) -> str:
    """The text as the lane sees it: words by sound, one space between and around them."""
    return " " + " ".join(map(sound, words(fold(text)))) + " "


class GramsLane:
    """Cosine between tf-idf vectors of hashed letter trigrams."""

    def __init__(self, folder: Path, *, size: int) -> None:
        self._size = size
        self._postings = Postings(folder, "grams")
        self._rarity: Weights = mapped(folder / "grams.rarity.npy")

    @staticmethod
    def build(folder: Path, heard: Ragged, strings: Sequence[str]) -> None:
        """Writes the index of each row's words by sound, in order (places in `strings`)."""
        size = len(heard)
        found, owners = _grams_of(heard, strings)
        terms, rows, counts = counted(found, owners, max(size, 1))
        frequency = np.bincount(terms, minlength=BUCKETS)
        rarity = np.log((size + 1) / (frequency + 1)).astype(np.float32)
        weights = rarity[terms] * (1 + np.log(counts))
        norms = np.sqrt(np.bincount(rows, weights=weights**2, minlength=max(size, 1)))
        kept = frequency[terms] <= max(FREQUENT * size, 1000)
        weights = (rarity[terms] * weights / np.maximum(norms[rows], 1e-6)).astype(np.float32)
        Postings.write(folder, "grams", terms[kept], rows[kept], weights[kept], BUCKETS)
        np.save(folder / "grams.rarity.npy", rarity)

    def find(self, text: str, count: int, allowed: NDArray[np.bool_] | None = None) -> Scores:
        """Likeness, from 0 to 1, of every row to a text in the form of `sounds`; the `count` best of those allowed."""
        terms, counts = np.unique(_grams(_letters(text)), return_counts=True)
        factors = 1 + np.log(counts)
        norm = float(np.sqrt(np.sum((self._rarity[terms] * factors) ** 2))) or 1.0
        asked = dict(zip(terms.tolist(), (factors / norm).tolist(), strict=True))
        return self._postings.find(asked, count, size=self._size, budget=BUDGET, allowed=allowed)


def _grams_of(heard: Ragged, strings: Sequence[str]) -> tuple[NDArray[np.int64], Rows]:
    """The grams of all rows as `sounds` would write them, and of which row each is."""
    words = Ragged.of([f"{string} " for string in strings], "U1") if strings else Ragged.of([""], "U1")
    spelt = words.take(heard.values)
    ends = np.concatenate(([0], np.cumsum(spelt.lengths)))[heard.starts]  # where each row's letters begin
    space = np.full(len(heard), " ", dtype="U1")
    letters = np.insert(spelt.values, ends[:-1], space)  # one before each row's first word
    owners = np.repeat(np.arange(len(heard), dtype=np.int32), np.diff(ends) + 1)
    inside = owners[2:] == owners[:-2]
    return _grams(letters.view(np.uint32))[inside], owners[2:][inside]


def _letters(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)


def _grams(letters: NDArray[np.uint32]) -> NDArray[np.int64]:
    """int64 [len - 2]: each three letters in a row, hashed into a bucket (Fibonacci hashing of the code points)."""
    if len(letters) < 3:
        return np.empty(0, dtype=np.int64)
    wide = letters.astype(np.uint64)
    mixed = (wide[:-2] * np.uint64(0x1F123BB5) + wide[1:-1] * np.uint64(0x9E3779B1)) ^ (
        wide[2:] * np.uint64(0x85EBCA77)
    )
    mixed *= np.uint64(0x9E3779B97F4A7C15)
    buckets: NDArray[np.int64] = (mixed >> np.uint64(64 - 18)).astype(np.int64)
    return buckets
