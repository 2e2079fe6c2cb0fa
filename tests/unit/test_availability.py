"""Availability as the box measures it itself: what counts as served, and what happens while nobody measures."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance import availability
from appliance.availability import EVERY, Availability

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()


def hours(folder: Path, count: float, how: str = "+", *, begins: float = NOON) -> float:
    """Samples for that long; gives the time after them."""
    measured, at = Availability(folder), begins
    measured.begin(at)
    while at < begins + count * 3600:
        measured.sample(at, how)  # type: ignore[arg-type]
        at += EVERY
    return at


def test_a_minute_that_failed_in_part_counts_in_part(tmp_path: Path) -> None:
    measured = Availability(tmp_path)
    for number in range(400):
        measured.sample(NOON + number * EVERY, "x" if number == 200 else "+")
    span = availability.month(tmp_path, "2026-11")
    assert (span.served, span.down) == (99.75, 0.25)
    assert span.share == pytest.approx(0.9975)
    assert [outage.minutes for outage in span.outages] == [0.25]


def test_served_less_well_is_served(tmp_path: Path) -> None:
    hours(tmp_path, 1, "-")
    span = availability.month(tmp_path, "2026-11")
    assert (span.share, span.less_well) == (1.0, 60)


def test_a_box_that_is_switched_off_is_not_blamed_but_one_that_vanishes_is(tmp_path: Path) -> None:
    end = hours(tmp_path / "off", 1)
    Availability(tmp_path / "off").end(end)
    hours(tmp_path / "off", 1, begins=end + 3600)
    off = availability.month(tmp_path / "off", "2026-11")
    assert off.share == 1.0 and 58 <= off.off <= 60

    end = hours(tmp_path / "gone", 1)
    hours(tmp_path / "gone", 1, begins=end + 3600)
    gone = availability.month(tmp_path / "gone", "2026-11")
    assert 58 <= gone.down <= 60
    [outage] = gone.outages
    assert outage.minutes == gone.down


def test_an_outage_over_midnight_is_one(tmp_path: Path) -> None:
    hours(tmp_path, 0.5, "x", begins=datetime(2026, 11, 22, 23, 45, tzinfo=UTC).timestamp())
    span = availability.month(tmp_path, "2026-11")
    assert [outage.minutes for outage in span.outages] == [30]
    assert [day.name for day in availability.days(tmp_path, "2026-11")] == ["2026-11-22", "2026-11-23"]


def test_a_clock_that_is_set_back_breaks_nothing(tmp_path: Path) -> None:
    end = hours(tmp_path, 1)
    hours(tmp_path, 0.5, begins=end - 7200)
    assert availability.month(tmp_path, "2026-11").share == 1.0


def test_the_report_says_whether_the_promise_was_kept(tmp_path: Path) -> None:
    assert availability.report(tmp_path, "2026-11")["share"] is None
    hours(tmp_path, 2)
    assert availability.report(tmp_path, "2026-11")["kept"] is True
    hours(tmp_path, 0.1, "x", begins=NOON + 7200)
    told = availability.report(tmp_path, "2026-11")
    assert told["kept"] is False and told["outages"] == 1 and told["longest_outage_minutes"] == 6


def test_a_restart_goes_on_with_the_day(tmp_path: Path) -> None:
    hours(tmp_path, 1)
    hours(tmp_path, 1, begins=NOON + 3600)
    assert availability.month(tmp_path, "2026-11").served == 120
    assert availability.months(tmp_path) == ["2026-11"]
