"""Compares two prompts on live dialogues so that one may look at any time, and stop at any time.

Every dialogue is given the trial with a known chance. If both prompts bring leads equally often, then a lead comes from
the trial with just that chance, whatever the hour, the season or how long leads take to come: each lead is a coin whose
weight is known. Against that stands a mixture of alternatives ("the trial brings `ratio` times as many"), and the
mixture's likelihood over the coin's is a martingale: under the null it ever exceeds 1/alpha with chance alpha at most,
in whatever small numbers and however often somebody looks (Ville's inequality). No approximation is made.

Sources: M. Lindon and A. Malek, "Anytime-valid inference for multinomial count data", NeurIPS 35 (2022), the test of
counts; R. Johari, P. Koomen, L. Pekelis, D. Walsh, "Always valid inference: continuous monitoring of A/B tests",
Operations Research 70 (2022), the mixture (mSPRT) and the p-value; S. R. Howard, A. Ramdas, J. McAuliffe,
J. Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences", Annals of Statistics 49 (2021), the
interval that holds at all times together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import exp, inf, log

import numpy as np
from numpy.typing import NDArray

ALPHA = 0.05  # the chance of a false alarm in the whole life of an experiment
# The alternatives, as logarithms of the ratio, and how much is staked on each: half on changes about as large as a new
# prompt brings (sigma 0.15: a fifth more or less), half on larger ones. The stake steers only how soon a true
# difference is seen; that no false one is seen too often holds for any.
GRID: NDArray[np.float64] = np.linspace(-1.5, 1.5, 121)
_NEAR, _FAR = np.exp(-0.5 * (GRID / 0.15) ** 2), np.exp(-0.5 * (GRID / 0.5) ** 2)
STAKES: NDArray[np.float64] = 0.5 * _NEAR / _NEAR.sum() + 0.5 * _FAR / _FAR.sum()

METHOD = "mixture SPRT on lead counts, anytime-valid (Lindon & Malek 2022; Johari et al. 2022)"


class Verdict(StrEnum):
    """What the data allow to say."""

    BETTER = "better"  # the trial brings more leads
    WORSE = "worse"
    UNDECIDED = "undecided"  # not enough data, or no difference that matters
    BROKEN = "broken"  # dialogues were not shared out as stated: nothing else may be concluded


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What came while the trial's share stood still: `share` is the chance (0 to 1) of a dialogue to get the trial."""

    share: float
    old: int = 0
    new: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The state of an experiment.

    `low` and `high` bound the ratio of the lead rates, new to old, at all times together; `p` is valid at any time;
    `broken` is the p-value of the sharing out itself.
    """

    verdict: Verdict
    ratio: float
    low: float
    high: float
    p: float
    broken: float


def compare(leads: Sequence[Count], dialogues: Sequence[Count], *, alpha: float = ALPHA) -> Finding:
    """The finding on counts by share. `leads` and `dialogues` are of dialogues that were shared out by chance.

    Raises ValueError for a share that is not between 0 and 1.
    """
    evidence = log_evidence(leads)
    broken = min(1.0, exp(-log_evidence(dialogues)))
    p = min(1.0, exp(-evidence))
    low, high = bounds(leads, alpha=alpha)
    ratio = _likeliest(leads)
    if broken < alpha / 5:  # a check beside the question: it may cost little of the error that is allowed
        verdict = Verdict.BROKEN
    elif p > alpha:
        verdict = Verdict.UNDECIDED
    else:
        verdict = Verdict.BETTER if ratio > 1 else Verdict.WORSE
    return Finding(verdict=verdict, ratio=ratio, low=low, high=high, p=p, broken=broken)


def log_evidence(counts: Sequence[Count], *, against: float = 1.0) -> float:
    """Logarithm of the mixture's likelihood over that of the ratio `against`; a martingale there, from 0."""
    told = _log_likelihood(counts, GRID) + np.log(STAKES)
    peak = float(told.max())
    whole = peak + log(float(np.exp(told - peak).sum()))
    return whole - float(_log_likelihood(counts, np.array([log(against)]))[0])


def bounds(counts: Sequence[Count], *, alpha: float = ALPHA) -> tuple[float, float]:
    """The ratios that the data have not refuted: from nothing to everything while there is too little."""
    grid = np.linspace(-6.0, 6.0, 2401)  # ratios from 1/400 to 400, half a percent apart
    told = _log_likelihood(counts, GRID) + np.log(STAKES)
    peak = float(told.max())
    whole = peak + log(float(np.exp(told - peak).sum()))
    left = grid[whole - _log_likelihood(counts, grid) < -log(alpha)]
    if not len(left):  # pragma: no cover - the likeliest ratio is never refuted by a mixture around it
        return 0.0, inf
    low = 0.0 if left[0] == grid[0] else exp(float(left[0]))
    return low, inf if left[-1] == grid[-1] else exp(float(left[-1]))


def paths(leads: NDArray[np.bool_], share: float, *, batch: int = 500) -> NDArray[np.float64]:
    """The logarithm of the evidence after each lead of many experiments: bool [runs, leads] (True: of the trial) gives
    float [runs, leads]. The same sums as `log_evidence`, for simulations."""
    runs, many = leads.shape
    chance = _chance(share, GRID)
    gain_new, gain_old = np.log(chance / share), np.log((1 - chance) / (1 - share))
    told = np.empty((runs, many))
    for start in range(0, many, batch):
        new = leads[:, : min(start + batch, many)].cumsum(axis=1)[:, start:]
        old = np.arange(start + 1, start + 1 + new.shape[1]) - new
        for at in range(runs):  # one run at a time keeps the memory small
            sums = np.outer(new[at], gain_new) + np.outer(old[at], gain_old) + np.log(STAKES)
            peak = sums.max(axis=1)
            told[at, start : start + new.shape[1]] = peak + np.log(np.exp(sums - peak[:, None]).sum(axis=1))
    return told


def dialogues_needed(rate: float, share: float, *, ratio: float = 1.2, alpha: float = ALPHA) -> int:
    """About how many dialogues it takes until a true `ratio` is seen: where the expected evidence reaches 1/alpha.

    Johari et al. 2022, section 5: the time to see a difference is near the needed evidence over the evidence that one
    observation brings. `rate` is the share of dialogues that become leads with the old prompt.
    """
    if not 0 < rate < 1:
        return 0
    chance = float(_chance(share, np.array([log(ratio)]))[0])
    each = chance * log(chance / share) + (1 - chance) * log((1 - chance) / (1 - share))
    leads = 0.0
    for _ in range(20):  # the price of the mixture grows with the logarithm of the leads
        spread = 1 + leads * chance * (1 - chance) * 0.25**2
        leads = (-log(alpha) + 0.5 * log(spread) + 0.7) / each
    return round(leads / (rate * (1 - share + share * ratio)))


def _log_likelihood(counts: Sequence[Count], logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the ratios with these logarithms, up to what does not depend on them."""
    told = np.zeros(len(logs))
    for count in counts:
        chance = _chance(count.share, logs)
        told += count.new * np.log(chance / count.share) + count.old * np.log((1 - chance) / (1 - count.share))
    return told


def _chance(share: float, logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """The chance that a lead is of the trial, when the trial brings exp(logs) times as many leads a dialogue."""
    if not 0 < share < 1:
        raise ValueError(f"a share of {share} leaves nothing to compare")
    odds = share / (1 - share) * np.exp(logs)
    chances: NDArray[np.float64] = odds / (1 + odds)
    return chances


def _likeliest(counts: Sequence[Count]) -> float:
    """The ratio under which the counts are likeliest; 1 while there are none."""
    if not any(count.old + count.new for count in counts):
        return 1.0
    totals: Counter[float] = Counter()
    for count in counts:
        totals[count.share] += count.old + count.new
    if len(totals) == 1:
        (part,) = totals
        new, old = sum(count.new for count in counts), sum(count.old for count in counts)
        return (new / old) * (1 - part) / part if old else inf
    grid = np.linspace(-6.0, 6.0, 2401)
    return exp(float(grid[int(_log_likelihood(counts, grid).argmax())]))
