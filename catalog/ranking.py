"""Judges each candidate by what can be said of it on any catalogue, and orders them by a learned model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalog.lanes.postings import Rows, Weights

Features = NDArray[np.float32]

SURE_CODE = 0.3  # share of the wish's letters from which an exact code decides alone
WHOLE = 0.999  # share of the wish's words from which a name holds them all, but for rounding

NAMES = (
    "names",
    "names_share",
    "words",
    "words_share",
    "grams",
    "grams_share",
    "plain",
    "centred",
    "centred_z",
    "second_plain",
    "second_centred",
    "second_z",
    "covered_name",
    "covered_all",
    "covered_count",
    "head_in_name",
    "head_is_head",
    "name_covered",
    "name_size",
    "unknown",
    "term_count",
    "quantity_count",
    "quantity_matched",
    "quantity_contradicted",
    "quantity_near",
    "number_count",
    "number_matched",
    "code_exact",
    "code_own",
    "code_begins",
    "code_share",
    "brand_named",
    "brand_other",
    "category_share",
    "alike",
    "alike_z",
    "same_script",
    "rank_names",
    "rank_words",
    "rank_grams",
    "rank_meaning",
    "lanes",
    "translated",
    "translated_share",
    "glossed",
    "rank_translated",
    "told",
    "told_name",
    "told_missing",
    "told_head",
    "told_all",
    "guessed",
    "any_head",
    "told_unknown",
    "quantity_any",
    "whole",
    "whole_missing",
)
BESIDE = (  # what further embedders add, where their lanes have joined
    "beside_centred",
    "beside_z",
    "beside_second_z",
    "rank_beside",
    "both_z",
    "rank_both",
    "beside_alike_z",
)
PAIRED = (*NAMES, *BESIDE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """The rows that the lanes found, with their features: float32 [rows, len(NAMES)], or more where embedders were
    several, and then by PAIRED.
    """

    rows: Rows
    features: Features

    @property
    def names(self) -> Sequence[str]:
        """What the features are called."""
        return PAIRED[: self.features.shape[1]]

    def column(self, name: str) -> Weights:
        """One feature of all rows."""
        column: Weights = self.features[:, PAIRED.index(name)]
        return column


def score(candidates: Candidates) -> Weights:
    """float32 [rows], higher is better."""
    paired = candidates.features.shape[1] > len(NAMES)
    model = (_model("ranker.paired.txt") if paired else None) or _model("ranker.txt")
    if model is None:
        return by_hand(candidates)
    booster, columns = model
    table = candidates.features
    if columns != list(range(table.shape[1])):
        table = table[:, columns]
    return np.asarray(booster.predict(table, num_threads=1, raw_score=True), dtype=np.float32)


def order(candidates: Candidates, scores: Weights) -> NDArray[np.int64]:
    """Places of the candidates, best first: a code that makes up much of the wish goes before everything.

    A code that is not the row's own SKU may be one by chance ("14 шт" is somebody's `14SHT`), so it gives way where
    another row's name holds every word of the wish and the row with the code does not.
    """
    exact = (candidates.column("code_exact") > 0) & (candidates.column("code_share") >= SURE_CODE)
    whole = candidates.column("whole") >= WHOLE
    if whole.any():
        exact &= whole | (candidates.column("code_own") > 0)
    placed: NDArray[np.int64] = np.lexsort((candidates.rows, -scores, ~exact))
    return placed


def by_hand(candidates: Candidates) -> Weights:
    """A plain weighted sum: what orders the rows when the learned model is not there."""
    of = candidates.column
    total: Weights = (
        of("names_share")
        + 0.5 * of("words_share")
        + of("grams")
        + 2 * of("centred")
        + 1.5 * of("second_centred")
        + of("covered_name")
        + 0.5 * of("quantity_matched")
        - 0.5 * of("quantity_contradicted")
        + 0.3 * of("head_is_head")
        + 3 * of("code_exact")
        + of("code_begins")
        + 0.3 * of("brand_named")
    ).astype(np.float32)
    return total


@cache
def _model(name: str) -> tuple[Any, list[int]] | None:
    """A shipped model and the places of the features that it was trained on; how it was made: ranker.md."""
    path = files("catalog").joinpath(name)
    if not path.is_file():
        return None
    import lightgbm

    booster = lightgbm.Booster(model_str=path.read_text("utf-8"))
    return booster, [PAIRED.index(name) for name in booster.feature_name()]
