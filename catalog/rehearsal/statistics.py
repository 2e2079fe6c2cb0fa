"""Shares with their confidence, and medians with their spread: what can be said of a few rows, and what of many."""

from __future__ import annotations

from math import log, sqrt

import numpy as np
from numpy.typing import NDArray

Z = 1.96  # standard deviations: 95 % confidence on both sides

Floats = NDArray[np.float64]


def surely(count: int, total: int) -> float:
    """The share that is at least there, with 95 % confidence: the lower end of Wilson's interval (1927)."""
    if not total:
        return 0.0
    share = count / total
    centre = share + Z * Z / (2 * total)
    spread = Z * sqrt(share * (1 - share) / total + Z * Z / (4 * total * total))
    return max(0.0, (centre - spread) / (1 + Z * Z / total))


def spread(values: Floats) -> float:
    """The median absolute deviation: half of the values lie within it of the median."""
    return float(np.median(np.abs(values - np.median(values)))) if len(values) else 0.0


def distance(one: dict[str, int], other: dict[str, int]) -> float:
    """How far two distributions are apart: total variation, 0 for equal ones, 1 for those with nothing in common."""
    first, second = sum(one.values()), sum(other.values())
    if not first or not second:
        return 0.0
    return 0.5 * sum(abs(one.get(key, 0) / first - other.get(key, 0) / second) for key in one.keys() | other.keys())


def power_of_ten(ratios: Floats, *, within: float = 0.02) -> NDArray[np.bool_]:
    """Which ratios are 10, 100, 0.1 and so on, but not 1; `within` is in decimal logarithms (0.02 is 5 %)."""
    exponent = np.log10(ratios)
    nearest = np.round(exponent)
    near: NDArray[np.bool_] = (np.abs(exponent - nearest) < within) & (nearest != 0)
    return near


def apart(ratio: float) -> float:
    """How far a ratio is from 1, the same up and down: 1.25 and 0.8 are equally far."""
    return abs(log(ratio)) if ratio > 0 else float("inf")
