"""The words lane: BM25 over stems and canonical quantities, with a weight for each word asked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalog.lanes.postings import Postings, Rows, Scores, counted
from catalog.ragged import Ragged

K1, B = 1.2, 0.75  # the usual constants of BM25 (Robertson and Zaragoza, 2009), best of a small grid on product names
BUDGET = 1_500_000  # postings a query may touch; five times what the longest query needs at 60,000 rows


class WordsLane:
    """BM25 as Lucene defines it (inverse frequency never negative), computed once at the build for each posting."""

    def __init__(self, folder: Path, name: str, *, size: int) -> None:
        self._size = size
        self._terms: dict[str, int] = {
            term: place for place, term in enumerate(json.loads((folder / f"{name}.json").read_text("utf-8")))
        }
        self._postings = Postings(folder, name)

    @staticmethod
    def build(folder: Path, name: str, documents: Ragged, strings: Sequence[str]) -> int:
        """Writes the index `name` of the documents (places of terms in sorted `strings`); returns their number."""
        used, terms = np.unique(documents.values, return_inverse=True)
        vocabulary = [strings[at] for at in used]
        size = len(documents)
        length = documents.lengths.astype(np.float32)
        terms, rows, counts = counted(terms.astype(np.int64), documents.rows, size)
        frequency = np.bincount(terms, minlength=len(vocabulary)).astype(np.float32)
        rarity = np.log1p((size - frequency + 0.5) / (frequency + 0.5))
        share = length[rows] / max(float(length.mean()), 1.0) if size else length
        weights = rarity[terms] * counts * (K1 + 1) / (counts + K1 * (1 - B + B * share))
        Postings.write(folder, name, terms, rows, weights.astype(np.float32), len(vocabulary))
        (folder / f"{name}.json").write_text(json.dumps(vocabulary, ensure_ascii=False), "utf-8")
        return len(vocabulary)

    def __contains__(self, term: str) -> bool:
        return term in self._terms

    def number(self, term: str) -> int | None:
        """The term's place in the index; None when no row has it."""
        return self._terms.get(term)

    def frequency(self, term: str) -> int:
        """In how many rows the term stands."""
        place = self._terms.get(term)
        return 0 if place is None else self._postings.frequency(place)

    def rarity(self, term: str) -> float:
        """The term's inverse frequency; an unknown one is as rare as can be."""
        frequency = self.frequency(term)
        return float(np.log1p((self._size - frequency + 0.5) / (frequency + 0.5)))

    def rows(self, term: str) -> Rows:
        """The rows that have the term, ascending."""
        place = self._terms.get(term)
        return np.empty(0, dtype=np.int32) if place is None else self._postings.rows(place)

    def find(self, asked: Mapping[str, float], count: int, allowed: NDArray[np.bool_] | None = None) -> Scores:
        """Scores of the rows for words and how much each counts; the `count` best of those allowed."""
        known = {self._terms[term]: factor for term, factor in asked.items() if term in self._terms}
        return self._postings.find(known, count, size=self._size, budget=BUDGET, allowed=allowed)

    def having(self, term: str, rows: Rows) -> NDArray[np.bool_]:
        """bool [rows]: which of the given rows has the term."""
        listed = self.rows(term)
        if not len(listed):
            return np.zeros(len(rows), dtype=bool)
        present: NDArray[np.bool_] = listed[np.minimum(listed.searchsorted(rows), len(listed) - 1)] == rows
        return present

    def matrix(self, terms: Sequence[str], rows: Rows) -> NDArray[np.bool_]:
        """bool [terms, rows]: which row has which term."""
        return np.array([self.having(term, rows) for term in terms], dtype=bool).reshape(len(terms), len(rows))
