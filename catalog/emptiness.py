"""Says honestly when a catalogue has nothing for a wish: a calibrated chance that it has, from what the rows show."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from catalog.lanes.postings import Weights
from catalog.ranking import Candidates

SPELT = 0.6  # likeness in spelling above which more of it tells nothing

# Logistic regression over the signs below; how it is fitted, on what, and how often it errs: tests/eval/absence.py
# (`scripts/eval absence`), figures in ranker.md.
WEIGHTS: Mapping[str, float] = {
    "covered": 4.34,
    "covered_best": 3.05,
    "similar": -3.10,
    "similar_best": 2.92,
    "spelt": 2.73,
    "head": 1.83,
    "head_best": 0.31,
    "quantities": 3.69,
    "terms": 3.15,
    "translated": -0.95,
    "guessed": -1.21,
    "unknown": 2.07,
}
CONSTANT = -9.78
# Chance below which the answer is that there is nothing. Low, because it is worse to deny goods that are there than to
# show near ones: on catalogues never seen 2 % of what is sold is denied, and four in five of absent things are.
LEAST = 0.3
SIGNS = tuple(WEIGHTS)


def absent(candidates: Candidates, scores: Weights) -> bool:
    """Whether nothing in the catalogue fits the wish; a row that has its code always does."""
    found = signs(candidates, scores)
    return found is not None and chance(found) < LEAST


def chance(found: Mapping[str, float]) -> float:
    """From 0 to 1, that what was asked for is sold here."""
    total = CONSTANT + sum(weight * found[name] for name, weight in WEIGHTS.items())
    return 1 / (1 + math.exp(-max(min(total, 50.0), -50.0)))


def signs(candidates: Candidates, scores: Weights) -> dict[str, float] | None:
    """What the rows together and the first of them show, each of the order of one; None where a code was found."""
    most = dict(zip(candidates.names, candidates.features.max(axis=0).tolist(), strict=True))
    if most["code_exact"] or most["code_begins"]:
        return None
    best = dict(zip(candidates.names, candidates.features[int(np.argmax(scores))].tolist(), strict=True))
    return {
        "covered": max(most["told_all"], most["covered_all"]),
        "covered_best": max(best["told_all"], best["covered_all"]),
        "similar": max(most["plain"], most["second_plain"]),
        "similar_best": max(best["plain"], best["second_plain"]),
        "spelt": min(most["grams"], SPELT),
        "head": max(most["any_head"], most["told_head"]),
        "head_best": max(best["any_head"], best["told_head"]),
        "quantities": most["quantity_matched"] * math.log1p(most["quantity_count"]),
        "terms": math.log1p(most["term_count"]),
        "translated": most["glossed"],
        "guessed": most["guessed"],
        "unknown": min(most["unknown"], most["told_unknown"]) if most["told"] else most["unknown"],
    }
