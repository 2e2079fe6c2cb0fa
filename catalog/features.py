"""Reads the columns of a version and turns candidates into features that mean the same on any catalogue."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalog.digest import text_key
from catalog.lanes.meaning import SCRIPTS, MeaningLane
from catalog.lanes.postings import Rows, Scores, Weights, mapped
from catalog.lanes.words import WordsLane
from catalog.normalize import DIMENSIONS, Quantity, script, stem, words
from catalog.query import MOST_TERMS, Prepared
from catalog.ranking import NAMES, PAIRED, Features

TOLERANCE = 0.005  # relative difference up to which two measured values are one: rounding in the units' conversion
TOP = 50  # places of a lane that count as found by it
TRUSTED = 20  # candidates whose categories and meaning speak for the others

Meaning = tuple[MeaningLane, NDArray[np.float32]]
Columns = dict[str, Weights | float]


class Reader:
    """The columns of one version, memory-mapped."""

    def __init__(self, folder: Path, *, names: WordsLane, words: WordsLane) -> None:
        def column(name: str) -> NDArray[np.generic]:
            return mapped(folder / f"{name}.npy")

        self._names, self._words = names, words
        self.price: NDArray[np.float64] = column("price")  # type: ignore[assignment]
        self.stock, self.currency = column("stock"), column("currency")
        self.brand, self.category = column("brand"), column("category")
        self._starts: NDArray[np.int64] = column("quantities.starts")  # type: ignore[assignment]
        self._dimension = column("quantities.dimension")
        self._ends: NDArray[np.float32] = column("quantities.ends")  # type: ignore[assignment]
        self._heads, self._sizes = column("heads"), column("sizes")
        values = json.loads((folder / "columns.json").read_text("utf-8"))
        self.brands: list[str] = values["brand"]
        self.categories: list[str] = values["category"]
        self.currencies: list[str] = values["currency"]
        self.house_currency = self._most_used()

    # filters: bool [rows]

    def in_stock(self) -> NDArray[np.bool_]:
        mask: NDArray[np.bool_] = np.asarray(self.stock) > 0
        return mask

    def priced(self, low: float, high: float, currency: str) -> NDArray[np.bool_]:
        """Rows with a price between, of that currency only: other money is not compared.

        Who names none ("до 50 тыс") means the one in which this catalogue states most of its prices.
        """
        wanted = currency or self.house_currency
        mask: NDArray[np.bool_] = (self.price >= low) & (self.price <= high) & self.in_currency(wanted)
        return mask

    def in_currency(self, currency: str) -> NDArray[np.bool_]:
        return np.isin(self.currency, [at for at, code in enumerate(self.currencies) if code == currency])

    def _most_used(self) -> str:
        counts = np.bincount(np.asarray(self.currency)[~np.isnan(self.price)], minlength=max(len(self.currencies), 1))
        return self.currencies[int(counts.argmax())] if self.currencies else ""

    def measured(self, dimension: str, low: float, high: float) -> NDArray[np.bool_]:
        """Rows with a quantity of this dimension that lies within or, for a range, overlaps."""
        fits = self._dimension == DIMENSIONS.index(dimension)
        fits &= (self._ends[:, 1] >= low * (1 - TOLERANCE)) & (self._ends[:, 0] <= high * (1 + TOLERANCE))
        mask = np.zeros(len(self._starts) - 1, dtype=bool)
        mask[np.searchsorted(self._starts, np.flatnonzero(fits), side="right") - 1] = True
        return mask

    # ranking

    def features(
        self,
        prepared: Prepared,
        rows: Rows,
        *,
        lanes: Mapping[str, Scores],
        meanings: Sequence[Meaning],
        codes: Mapping[int, tuple[float, float, float, float]],
    ) -> Features:
        """float32 [rows, len(NAMES)], with two meanings or more [rows, len(PAIRED)].

        `lanes` by name: names, words, grams, translated; `meanings`: the usual embedder's first; `rows` ascending.
        """
        wanted = PAIRED if len(meanings) > 1 else NAMES
        if not len(rows):
            return np.zeros((0, len(wanted)), dtype=np.float32)
        at = _Candidates(rows=rows, names=self._names, words=self._words, meaning=next(iter(meanings), None))
        found = self._lanes(prepared, rows, lanes)
        found.update(self._meaning(at))
        found.update(self._coverage(prepared, at))
        found.update(self._whole(prepared, at))
        found.update(self._told(prepared, at))
        found.update(self._measures(prepared.quantities, prepared, at))
        found.update(_coded(rows, codes))
        found.update(self._named(prepared, rows))
        trust = found["names_share"] + found["words_share"] + found["grams_share"]
        trust = trust + 2 * np.asarray(found.get("centred", 0.0), dtype=np.float32)
        found.update(self._company(np.asarray(trust), at))
        if len(meanings) > 1:
            found.update(_beside(meanings[1:], np.asarray(trust), rows, found))
        ranks = np.array([found[f"rank_{name}"] for name in ("names", "words", "grams", "meaning")])
        found["lanes"] = (ranks > 1 / (TOP + 1)).sum(axis=0).astype(np.float32)
        found["guessed"] = prepared.guessed / max(len(prepared.terms), 1)
        found["term_count"] = float(len(prepared.terms))
        table = np.zeros((len(rows), len(wanted)), dtype=np.float32)
        for place, name in enumerate(wanted):
            if name in found:
                table[:, place] = found[name]
        return table

    def _lanes(self, prepared: Prepared, rows: Rows, lanes: Mapping[str, Scores]) -> Columns:
        """The lanes' scores: as shares of the highest, as places, and as shares of what a perfect row would have."""
        found: Columns = {}
        part = {name: scores.of(rows) for name, scores in lanes.items()}
        for name, scores in lanes.items():
            found[f"{name}_share"] = part[name] / max(scores.highest, 1e-6)
            found[f"rank_{name}"] = _rank(part[name])
        asked = sum(self._words.rarity(term.stem) for term in prepared.terms) + sum(2.0 for _ in prepared.quantities)
        abroad = sum(self._names.rarity(term) for term in prepared.translated)
        found["names"] = part["names"] / max(asked, 1.0)
        found["words"] = part["words"] / max(asked, 1.0)
        found["grams"] = part["grams"]
        found["translated"] = part["translated"] / max(abroad, 1.0)
        found["glossed"] = prepared.translated_share
        return found

    def _meaning(self, at: _Candidates) -> Columns:
        if at.meaning is None:
            return {"rank_meaning": np.zeros(len(at.rows), dtype=np.float32)}
        lane, queries = at.meaning
        plain = [at.vectors @ query for query in queries]
        centred = [lane.centred(near, query, at.scripts) for near, query in zip(plain, queries, strict=True)]
        second = np.max(centred[1:] or centred, axis=0)
        return {
            "plain": plain[0],
            "centred": centred[0],
            "centred_z": _standard(centred[0]),
            "second_plain": np.max(plain[1:] or plain, axis=0),
            "second_centred": second,
            "second_z": _standard(second),
            "rank_meaning": _rank(np.maximum(centred[0], second)),
        }

    def _coverage(self, prepared: Prepared, at: _Candidates) -> Columns:
        """How much of the wish stands in the row, and how much of the row's name was asked for."""
        rows = at.rows
        terms = [term for term in prepared.terms if term.number is None] or list(prepared.terms)
        if not terms:
            return {}
        weights = np.array([self._words.rarity(term.stem) for term in terms], dtype=np.float32)
        in_name = np.array([at.named((term.stem, *term.readings)) for term in terms])
        in_all = np.array([at.worded((term.stem, *term.readings)) for term in terms])
        known = np.array([any(one in self._words for one in (term.stem, *term.readings)) for term in terms])
        sizes = np.maximum(np.asarray(self._sizes[rows], dtype=np.float32), 1)
        return {
            "covered_name": weights @ in_name / weights.sum(),
            "covered_all": weights @ in_all / weights.sum(),
            "covered_count": in_name.mean(axis=0),
            "head_in_name": in_name[0].astype(np.float32),
            "head_is_head": (self._heads[rows] == np.uint64(text_key(terms[0].stem))).astype(np.float32),
            "any_head": np.isin(self._heads[rows], self._head_keys(prepared)).astype(np.float32),
            "name_covered": in_name.sum(axis=0) / sizes,
            "name_size": np.minimum(sizes, 40),
            "unknown": float(weights[~known].sum() / weights.sum()),
        }

    def _whole(self, prepared: Prepared, at: _Candidates) -> Columns:
        """How much of the wish stands in the row's name as it was written: every word and figure, no other reading."""
        stems = list(dict.fromkeys(map(stem, words(prepared.wish.text))))[:MOST_TERMS]
        if not stems:
            return {}
        weights = np.array([self._names.rarity(one) for one in stems], dtype=np.float32)
        present = np.array([at.named((one,)) for one in stems])
        return {"whole": weights @ present / weights.sum(), "whole_missing": (~present).sum(axis=0)}

    def _head_keys(self, prepared: Prepared) -> list[int]:
        """What a row's first word may be for the wish: one of its first three words, in any language."""
        stems = {term.stem for term in prepared.terms[:3]}.union(*prepared.groups[:3])
        return [text_key(stem) for stem in sorted(stems)]

    def _told(self, prepared: Prepared, at: _Candidates) -> Columns:
        """The same by sense: a word counts as found when the row's name has it in any language of the glossary."""
        rows = at.rows
        groups = prepared.groups
        known = np.array([any(stem in self._names for stem in group) for group in groups], dtype=bool)
        if not known.any():
            return {}
        weights = np.array([min(map(self._names.rarity, group)) for group in groups], dtype=np.float32)
        present = np.array([at.named(group) for group in groups])
        found = weights @ present
        sizes = np.maximum(np.asarray(self._sizes[rows], dtype=np.float32), 1)
        return {
            "told": found / max(float(weights[known].sum()), 1e-6),
            "told_all": found / max(float(weights.sum()), 1e-6),
            "told_name": np.minimum(present.sum(axis=0) / sizes, 1.0).astype(np.float32),
            "told_missing": float(1 - known.mean()),
            "told_unknown": float(weights[~known].sum() / max(float(weights.sum()), 1e-6)),
            "told_head": np.isin(self._heads[rows], [text_key(stem) for stem in groups[0]]).astype(np.float32),
        }

    def _measures(self, quantities: Sequence[Quantity], prepared: Prepared, those: _Candidates) -> Columns:
        """Which of the wish's quantities and bare numbers the row has, and which it contradicts."""
        rows = those.rows
        numbers = [term.number for term in prepared.terms if term.number is not None]
        if not (quantities or numbers):
            return {}
        counts = self._starts[rows + 1] - self._starts[rows]
        owner = np.repeat(np.arange(len(rows)), counts)
        at = np.repeat(self._starts[rows] - np.concatenate(([0], np.cumsum(counts)[:-1])), counts) + np.arange(
            counts.sum()
        )
        dimension, ends = np.asarray(self._dimension[at]), np.asarray(self._ends[at])
        matched, contradicted, near = (np.zeros(len(rows)) for _ in range(3))
        anywhere = np.zeros(len(rows), dtype=np.float32)
        for quantity in quantities:
            same = dimension == DIMENSIONS.index(quantity.dimension)
            value = (ends[:, 0] <= quantity.high * (1 + TOLERANCE)) & (ends[:, 1] >= quantity.low * (1 - TOLERANCE))
            has = np.bincount(owner[same & value], minlength=len(rows)) > 0
            there = np.bincount(owner[same], minlength=len(rows)) > 0
            matched += has
            contradicted += there & ~has
            anywhere += np.bincount(owner[value], minlength=len(rows)) > 0
            distance = np.full(len(rows), 3.0)
            middle = max((quantity.low + quantity.high) / 2, 1e-6)
            np.minimum.at(distance, owner[same], np.abs(np.log(np.maximum(ends[same].mean(axis=1), 1e-6) / middle)))
            near += np.exp(-2 * distance)
        found: Columns = {
            "quantity_count": float(len(quantities)),
            "number_count": float(len(numbers)),
        }
        if quantities:
            many = len(quantities)
            found |= {
                name: (values / many).astype(np.float32)
                for name, values in (
                    ("quantity_matched", matched),
                    ("quantity_contradicted", contradicted),
                    ("quantity_near", near),
                    ("quantity_any", anywhere),
                )
            }
        if numbers:
            written = np.array([those.worded((f"{number:g}",)) for number in numbers])
            for place, number in enumerate(numbers):
                written[place] |= (
                    np.bincount(owner[np.abs(ends[:, 0] - number) <= TOLERANCE * number], minlength=len(rows)) > 0
                )
            found["number_matched"] = written.mean(axis=0)
        return found

    def _named(self, prepared: Prepared, rows: Rows) -> Columns:
        """Whether the wish names the row's brand, or another one that the catalogue has."""
        text = f" {' '.join(term.word for term in prepared.terms)} "
        named = [at for at, brand in enumerate(self.brands) if len(brand) > 1 and f" {brand} " in text]
        own = np.isin(self.brand[rows], named)
        alphabet = SCRIPTS.index(prepared.script if prepared.script in SCRIPTS else script(text))
        found: Columns = {
            "brand_named": own.astype(np.float32),
            "brand_other": (~own & bool(named)).astype(np.float32),
        }
        found["same_script"] = float(alphabet)
        return found

    def _company(self, trust: Weights, at: _Candidates) -> Columns:
        """How the row stands to the likeliest candidates: in their category, near to their middle in meaning."""
        top, weights = _trusted(trust)
        category = np.asarray(self.category[at.rows])
        votes = np.zeros(len(self.categories), dtype=np.float32)
        np.add.at(votes, category[top], weights)
        if "" in self.categories:
            votes[self.categories.index("")] = 0
        found: Columns = {"category_share": votes[category]}
        if at.meaning is not None:
            lane = at.meaning[0]
            middle = lane.middle(at.vectors[top], at.scripts[top], weights)
            near = lane.centred(at.vectors @ middle, middle, at.scripts)
            found["alike"], found["alike_z"] = near, _standard(near)
        return found


class _Candidates:
    """The rows judged, with what several features ask of them, each asked of the files but once."""

    def __init__(self, *, rows: Rows, names: WordsLane, words: WordsLane, meaning: Meaning | None) -> None:
        self.rows, self.meaning = rows, meaning
        self._names, self._words = names, words
        self._named: dict[str, NDArray[np.bool_]] = {}
        if meaning is not None:
            self.vectors, self.scripts = meaning[0].of(rows), meaning[0].scripts(rows)

    def named(self, stems: Iterable[str]) -> NDArray[np.bool_]:
        """Which rows have any of the stems in their names."""
        having = np.zeros(len(self.rows), dtype=bool)
        for one in stems:
            if one not in self._named:
                self._named[one] = self._names.having(one, self.rows)
            having |= self._named[one]
        return having

    def worded(self, stems: Iterable[str]) -> NDArray[np.bool_]:
        """Which rows have any of the stems anywhere."""
        having = np.zeros(len(self.rows), dtype=bool)
        for one in stems:
            having |= self._words.having(one, self.rows)
        return having


def _beside(meanings: Sequence[Meaning], trust: Weights, rows: Rows, found: Columns) -> Columns:
    """What further embedders say, on average, and the usual one together with them.

    In standard deviations, because each has a scale of its own; only so may their likenesses be summed.
    """
    top, weights = _trusted(trust)
    parts = []
    for lane, queries in meanings:
        vectors, scripts = lane.of(rows), lane.scripts(rows)
        centred = [lane.centred(vectors @ query, query, scripts) for query in queries]
        middle = lane.middle(vectors[top], scripts[top], weights)
        near = lane.centred(vectors @ middle, middle, scripts)
        second = np.max(centred[1:] or centred, axis=0)
        parts.append((centred[0], _standard(centred[0]), _standard(second), _standard(near)))
    plain, first, second, alike = (np.mean([part[at] for part in parts], axis=0) for at in range(4))
    both = found["centred_z"] + first
    return {
        "beside_centred": plain,
        "beside_z": first,
        "beside_second_z": second,
        "rank_beside": _rank(np.exp(np.maximum(first, second))),
        "both_z": both,
        "rank_both": _rank(np.exp(both)),
        "beside_alike_z": alike,
    }


def _trusted(trust: Weights) -> tuple[NDArray[np.int64], Weights]:
    """The candidates that speak for the others, and how much each counts; the shares sum to one."""
    top: NDArray[np.int64] = np.argsort(-trust, kind="stable")[:TRUSTED]
    weights = np.maximum(trust[top], 0).astype(np.float32)
    return top, weights / max(float(weights.sum()), 1e-6)


def _coded(rows: Rows, codes: Mapping[int, tuple[float, float, float, float]]) -> Columns:
    """What the codes lane found, spread over the rows (ascending)."""
    signs = np.zeros((4, len(rows)), dtype=np.float32)
    for row, values in codes.items():
        at = int(rows.searchsorted(row))
        if at < len(rows) and rows[at] == row:
            signs[:, at] = values
    return dict(zip(("code_exact", "code_own", "code_begins", "code_share"), signs, strict=True))


def _rank(scores: Weights) -> Weights:
    """1 for the best, 1/2 for the second ...; 0 where the score is 0."""
    ranks = np.empty(len(scores), dtype=np.float32)
    ranks[np.argsort(-scores, kind="stable")] = 1 / np.arange(1, len(scores) + 1)
    return np.where(scores > 0, ranks, 0).astype(np.float32)


def _standard(scores: Weights) -> Weights:
    """In standard deviations from the candidates' mean."""
    standard: Weights = ((scores - scores.mean()) / max(float(scores.std()), 1e-6)).astype(np.float32)
    return standard
