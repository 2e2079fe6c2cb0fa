"""When the managers work: "mon-fri 09:00-18:00, sat 10:00-14:00" in a time zone, and when they next do."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Protocol, Self
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SPAN = re.compile(r"(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))?\s+(?P<open>\d{1,2}:\d{2})-(?P<close>\d{1,2}:\d{2})")


class Opening(Protocol):
    """Working hours for those who only ask; the owner may change them meanwhile."""

    @property
    def zone(self) -> ZoneInfo: ...
    def open_at(self, moment: datetime) -> bool: ...
    def next_open(self, moment: datetime) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Hours:
    """The hours of a week; with none given, every hour."""

    zone: ZoneInfo
    spans: tuple[tuple[int, time, time], ...] = ()  # weekday from 0, opening, closing

    @classmethod
    def read(cls, text: str, zone: str) -> Self:
        """Raises ValueError that says what is wrong; ZoneInfoNotFoundError, a KeyError, for an unknown zone."""
        spans: list[tuple[int, time, time]] = []
        for part in filter(None, (part.strip() for part in text.lower().split(","))):
            spans += _span(part)
        return cls(ZoneInfo(zone), tuple(spans))

    def open_at(self, moment: datetime) -> bool:
        local = moment.astimezone(self.zone)
        return not self.spans or any(
            day == local.weekday() and opens <= local.time() < closes for day, opens, closes in self.spans
        )

    def next_open(self, moment: datetime) -> datetime:
        """The moment itself within the hours, else the next opening; both aware."""
        if self.open_at(moment):
            return moment
        local = moment.astimezone(self.zone)
        openings = [
            datetime.combine(local.date() + timedelta(days=ahead), opens, self.zone)
            for ahead in range(8)
            for day, opens, _ in self.spans
            if day == (local.weekday() + ahead) % 7
        ]
        return min(opening for opening in openings if opening > moment).astimezone(moment.tzinfo)


class HoursNow:
    """The hours as they are at each question."""

    def __init__(self, now: Callable[[], Hours]) -> None:
        self._now = now

    @property
    def zone(self) -> ZoneInfo:
        return self._now().zone

    def open_at(self, moment: datetime) -> bool:
        return self._now().open_at(moment)

    def next_open(self, moment: datetime) -> datetime:
        return self._now().next_open(moment)


def _span(part: str) -> list[tuple[int, time, time]]:
    match = SPAN.fullmatch(part)
    if match is None or match["first"] not in DAYS or (match["last"] or "mon") not in DAYS:
        raise ValueError(f"{part!r} is no working hours; write for example: mon-fri 09:00-18:00, sat 10:00-14:00")
    first, last = DAYS.index(match["first"]), DAYS.index(match["last"] or match["first"])
    opens, closes = _clock(match["open"], part), _clock(match["close"], part)
    if opens >= closes:
        raise ValueError(
            f"{part!r} closes before it opens; a night shift is two spans: sat 20:00-23:59, sun 00:00-06:00"
        )
    return [(day % 7, opens, closes) for day in range(first, last + 1 if last >= first else last + 8)]


def _clock(text: str, part: str) -> time:
    hour, minute = map(int, text.split(":"))
    if hour > 23 or minute > 59:
        raise ValueError(f"{part!r}: {text} is no time of day")
    return time(hour, minute)
