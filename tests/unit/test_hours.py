"""Working hours are read as people write them, and tell the next opening."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from appliance.hours import Hours

MOSCOW = ZoneInfo("Europe/Moscow")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=MOSCOW)


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ("2026-11-20 10:00", "2026-11-20 10:00"),  # a Friday
        ("2026-11-20 18:00", "2026-11-21 10:00"),
        ("2026-11-21 14:00", "2026-11-23 09:00"),
        ("2026-11-23 08:59", "2026-11-23 09:00"),
    ],
)
def test_the_next_opening(now: str, opens: str) -> None:
    assert Hours.read("mon-fri 09:00-18:00, sat 10:00-14:00", "Europe/Moscow").next_open(at(now)) == at(opens)


def test_without_hours_it_is_always_open() -> None:
    assert Hours.read("", "Asia/Almaty").open_at(at("2026-11-22 03:00"))


def test_days_may_run_over_the_weeks_end() -> None:
    assert [day for day, _, _ in Hours.read("sat-mon 9:00-12:00", "UTC").spans] == [5, 6, 0]


@pytest.mark.parametrize("text", ["always", "mon 9-18", "mon-xyz 09:00-18:00", "mon 18:00-09:00", "mon 09:00-25:00"])
def test_what_cannot_be_read_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="time of day|for example|two spans"):
        Hours.read(text, "UTC")
