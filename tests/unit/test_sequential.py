"""The comparison of two prompts may be looked at any time, says what it knows, and no more."""

from __future__ import annotations

from math import comb, inf, log

import numpy as np
import pytest

from appliance.core.sequential import (
    ALPHA,
    Count,
    Verdict,
    bounds,
    compare,
    dialogues_needed,
    log_evidence,
    paths,
)


def half(old: int, new: int) -> list[Count]:
    return [Count(share=0.5, old=old, new=new)]


def test_nothing_is_said_of_nothing() -> None:
    found = compare([], [])
    assert (found.verdict, found.p, found.ratio) == (Verdict.UNDECIDED, 1.0, 1.0)
    assert (found.low, found.high) == (0.0, inf)


def test_few_leads_decide_nothing_however_one_sided() -> None:
    assert compare(half(0, 3), half(20, 20)).verdict is Verdict.UNDECIDED
    assert compare(half(2, 6), half(50, 50)).verdict is Verdict.UNDECIDED


def test_a_plain_difference_is_seen_in_either_direction() -> None:
    better = compare(half(300, 450), half(2500, 2500))
    worse = compare(half(450, 300), half(2500, 2500))
    assert (better.verdict, worse.verdict) == (Verdict.BETTER, Verdict.WORSE)
    assert better.low > 1 and worse.high < 1
    assert better.ratio == pytest.approx(1.5) and worse.ratio == pytest.approx(1 / 1.5)


def test_the_bounds_hold_the_likeliest_ratio_and_meet_the_verdict() -> None:
    for old, new in [(10, 14), (100, 130), (1000, 1250), (400, 401)]:
        found = compare(half(old, new), half(5000, 5000))
        assert found.low < found.ratio < found.high
        assert (found.verdict is Verdict.UNDECIDED) == (found.low < 1 < found.high)


def test_an_uneven_share_is_reckoned_with() -> None:
    tenth = [Count(share=0.1, old=900, new=100)]
    assert compare(tenth, [Count(share=0.1, old=9000, new=1000)]).ratio == pytest.approx(1.0)
    assert compare(tenth, [Count(share=0.1, old=9000, new=1000)]).verdict is Verdict.UNDECIDED


def test_counts_of_several_shares_are_one_comparison() -> None:
    both = [Count(share=0.5, old=150, new=225), Count(share=0.2, old=800, new=300)]
    assert compare(both, []).ratio == pytest.approx(1.5, rel=0.01)


def test_a_broken_lottery_forbids_any_conclusion() -> None:
    found = compare(half(100, 300), half(2000, 3000))
    assert found.verdict is Verdict.BROKEN and found.broken < 0.01


def test_the_evidence_is_worth_one_on_average_under_the_null() -> None:
    """The mixture is a bet at fair odds: over all outcomes of eight leads it pays what it stakes, to the last digit."""
    for share in (0.5, 0.1):
        total = 0.0
        for new in range(9):
            chance = comb(8, new) * share**new * (1 - share) ** (8 - new)
            total += chance * np.exp(log_evidence([Count(share=share, old=8 - new, new=new)]))
        assert total == pytest.approx(1.0)


def test_simulated_paths_are_the_same_sums() -> None:
    leads = np.array([[True, False, True, True, False]])
    path = paths(leads, 0.3, batch=2)[0]
    for at in range(5):
        new = int(leads[0, : at + 1].sum())
        assert path[at] == pytest.approx(log_evidence([Count(share=0.3, old=at + 1 - new, new=new)]))


def test_who_peeks_after_every_lead_is_seldom_fooled() -> None:
    leads = np.random.default_rng(5).random((150, 800)) < 0.5
    assert (paths(leads, 0.5).max(axis=1) >= -log(ALPHA)).mean() <= ALPHA


def test_what_it_takes_is_told_about_right() -> None:
    needed = dialogues_needed(0.15, 0.5)
    assert 4000 < needed < 12000
    assert dialogues_needed(0.15, 0.1) > needed > dialogues_needed(0.3, 0.5)
    assert dialogues_needed(0.0, 0.5) == 0


def test_a_share_of_all_or_nothing_compares_nothing() -> None:
    with pytest.raises(ValueError, match="nothing to compare"):
        bounds([Count(share=1.0, old=1, new=1)])
