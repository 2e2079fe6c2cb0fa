"""Shares with their confidence: what a count of a few can say, and what it cannot."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """`count` of `total` with its interval; all three shares from 0 to 1, and an empty total tells nothing."""

    count: int
    total: int
    low: float
    high: float

    @property
    def value(self) -> float:
        return self.count / self.total if self.total else 0.0


def share(count: int, total: int, *, confidence: float = CONFIDENCE) -> Share:
    """A share with Wilson's score interval.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927) 209-212.
    It keeps its promise for small counts and shares near 0 or 1, where the textbook's interval does not
    (L. D. Brown, T. T. Cai, A. DasGupta, "Interval estimation for a binomial proportion", Stat. Sci. 16 (2001)).
    Raises ValueError for counts that are none.
    """
    if not 0 <= count <= total:
        raise ValueError(f"{count} of {total} is no share")
    if total == 0:
        return Share(count=0, total=0, low=0.0, high=1.0)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    part = count / total
    centre = part + z * z / (2 * total)
    spread = z * sqrt(part * (1 - part) / total + z * z / (4 * total * total))
    below = 1 + z * z / total
    low = 0.0 if count == 0 else max(0.0, (centre - spread) / below)
    high = 1.0 if count == total else min(1.0, (centre + spread) / below)
    return Share(count=count, total=total, low=low, high=high)
