"""When bulletins are due, of which days they tell, and how much of them customers were served."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from appliance import availability, bulletins
from appliance.core.bulletins import NEVER, Plan, coming, due, period

MOSCOW = ZoneInfo("Europe/Moscow")
MONDAY = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)  # nine in Moscow
WEEK = timedelta(days=7)


def is_due(now: datetime, told: datetime, **plan: object) -> bool:
    return due(Plan(**plan), now=now, told=told, zone=MOSCOW) is not None  # type: ignore[arg-type]


def test_a_weekly_one_is_due_once_on_its_day_at_its_hour() -> None:
    assert is_due(MONDAY, MONDAY - WEEK)
    assert not is_due(MONDAY - timedelta(minutes=1), MONDAY - WEEK)
    assert not is_due(MONDAY + timedelta(days=3), MONDAY)
    assert is_due(MONDAY - timedelta(hours=1), MONDAY - 2 * WEEK), "one that was missed"


def test_friday_at_seventeen_is_friday_at_seventeen() -> None:
    friday = datetime(2026, 11, 27, 14, 0, tzinfo=UTC)
    assert due(Plan(weekday=4, hour=17), now=friday, told=MONDAY, zone=MOSCOW) == friday
    assert coming(Plan(weekday=4, hour=17), now=MONDAY, zone=MOSCOW) == friday


def test_daily_monthly_and_never() -> None:
    assert is_due(MONDAY + timedelta(days=1), MONDAY, every="day")
    first = datetime(2026, 12, 1, 6, 0, tzinfo=UTC)
    assert is_due(first, MONDAY, every="month") and not is_due(first - timedelta(seconds=1), MONDAY, every="month")
    assert not is_due(first, MONDAY - 9 * WEEK, every=NEVER)
    assert coming(Plan(every=NEVER), now=MONDAY, zone=MOSCOW) is None


@pytest.mark.parametrize(
    ("every", "first", "last"),
    [("day", "2026-11-30", "2026-11-30"), ("week", "2026-11-24", "2026-11-30"), ("month", "2026-11-01", "2026-11-30")],
)
def test_it_tells_of_whole_days_that_are_over(every: str, first: str, last: str) -> None:
    told = period(Plan(every=every), datetime(2026, 12, 1, 6, 0, tzinfo=UTC), MOSCOW)
    assert (str(told.first), str(told.last)) == (first, last)


def test_what_is_no_plan_is_refused() -> None:
    with pytest.raises(ValueError, match="hour 0 to 23"):
        Plan(hour=24)


def test_a_week_of_the_owner_is_measured_between_its_own_midnights(tmp_path: Path) -> None:
    since = datetime(2026, 11, 16, tzinfo=MOSCOW)
    watched = availability.Availability(tmp_path)
    for minutes, how in ((-1, "x"), (0, "+"), (1, "x"), (7 * 24 * 60 - 1, "+"), (7 * 24 * 60, "x")):
        watched.sample((since + timedelta(minutes=minutes)).timestamp(), how)  # type: ignore[arg-type]
    span = availability.between(tmp_path, since, since + WEEK)
    assert (span.served, span.down, len(span.outages)) == (2.75, 0.25, 1)
    assert span.outages[0].began == since + timedelta(minutes=1)


def test_a_share_is_never_rounded_up_to_all() -> None:
    span = availability.Span(name="x", served=99_999.9, less_well=0, down=0.1, off=0)
    assert bulletins._share(span, "en") == "99.999%"


def test_every_word_is_there_in_both_languages_with_the_same_places() -> None:
    for id, words in bulletins._words().items():
        assert set(words) == {"en", "ru"}, id
        assert sorted(_places(words["en"])) == sorted(_places(words["ru"])), id


def _places(text: str) -> list[str]:
    return [part.partition("}")[0] for part in text.split("{")[1:]]
