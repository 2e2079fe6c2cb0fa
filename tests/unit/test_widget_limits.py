"""Token buckets: bursts, pace, several rates at once, and memory that stays bounded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.core.limits import Limiter, Rate


def test_a_burst_passes_and_then_the_pace_counts() -> None:
    limiter = Limiter(Rate(burst=3, per_second=0.5))
    assert [limiter.take("a", now=0.0) for _ in range(5)] == [0.0, 0.0, 0.0, 2.0, 2.0]
    assert limiter.take("a", now=1.0) == 1.0
    assert limiter.take("a", now=2.0) == 0.0
    assert limiter.take("a", now=2.0) == 2.0


def test_keys_do_not_share() -> None:
    limiter = Limiter(Rate(burst=1, per_second=1))
    assert [limiter.take(key, now=0) for key in "aab"] == [0.0, 1.0, 0.0]


def test_all_rates_must_agree_and_a_refusal_takes_from_none() -> None:
    limiter = Limiter(Rate(burst=2, per_second=1), Rate.hourly(3))
    assert [limiter.take("a", now=0) for _ in range(3)] == [0.0, 0.0, 1.0]
    assert limiter.take("a", now=10) == 0.0
    assert limiter.take("a", now=20) == 1180.0  # 0.0167 tokens are back; one takes 1,200 s in all
    assert limiter.take("a", now=1200) == 0.0


def test_a_clock_that_steps_back_gives_nothing_away() -> None:
    limiter = Limiter(Rate(burst=1, per_second=1))
    limiter.take("a", now=100)
    assert limiter.take("a", now=50) == 1.0
    assert limiter.take("a", now=50.5) == 0.5


def test_memory_is_bounded_and_the_quietest_key_is_forgotten_first() -> None:
    limiter = Limiter(Rate(burst=1, per_second=0.001), keep=3)
    for number, key in enumerate("abcad"):
        limiter.take(key, now=number)
    assert len(limiter) == 3
    assert limiter.take("a", now=5) > 0  # still known: it spoke after b, which was forgotten
    assert limiter.take("b", now=5) == 0.0


@given(
    burst=st.integers(1, 20),
    pace=st.floats(0.1, 10),
    steps=st.lists(st.floats(0, 5), min_size=1, max_size=200),
)
def test_never_more_than_the_burst_and_the_pace_allow(burst: int, pace: float, steps: list[float]) -> None:
    limiter, now, granted = Limiter(Rate(burst=burst, per_second=pace)), 0.0, 0
    for step in steps:
        now += step
        wait = limiter.take("a", now=now)
        granted += wait == 0
        assert granted <= burst + pace * now + 1e-6
        assert wait <= 1 / pace + 1e-9
