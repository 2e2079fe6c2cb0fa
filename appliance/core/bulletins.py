"""When managers are told on schedule of the house, and of which days: daily, weekly or monthly, at a chosen hour."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from appliance.core.figures import Every, Period

NEVER = "never"
OFTEN = (NEVER, *Every)
BOX, CRM = "box", "crm"  # what a bulletin is of
KINDS = (BOX, CRM)
LOOK_BACK = 63  # days: two months, and some


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How often, and when: `weekday` (0 is Monday) counts for weekly ones; monthly ones go out on the first."""

    every: str = Every.WEEK.value
    weekday: int = 0
    hour: int = 9

    def __post_init__(self) -> None:
        if self.every not in OFTEN or self.weekday not in range(7) or self.hour not in range(24):
            raise ValueError(f"{self} is no plan: every {', '.join(OFTEN)}; weekday 0 to 6; hour 0 to 23.")


def due(plan: Plan, *, now: datetime, told: datetime, zone: ZoneInfo) -> datetime | None:
    """The hour that has passed since the last bulletin, if one has; of several that were missed, the latest."""
    last = next(_hours(plan, now, zone, step=-1), None)
    return last if last and last > told else None


def coming(plan: Plan, *, now: datetime, zone: ZoneInfo) -> datetime | None:
    """When the next one goes out."""
    return next((hour for hour in _hours(plan, now, zone, step=1) if hour > now), None)


def period(plan: Plan, hour: datetime, zone: ZoneInfo) -> Period:
    """The whole days that a bulletin of this hour tells of: the day, the seven days or the month before."""
    yesterday = hour.astimezone(zone).date() - timedelta(days=1)
    if plan.every == Every.MONTH:
        return Period.of(Every.MONTH, yesterday, zone)
    return Period.ending(yesterday, 1 if plan.every == Every.DAY else 7, zone)


def _hours(plan: Plan, now: datetime, zone: ZoneInfo, *, step: int) -> Iterator[datetime]:
    """The plan's hours from today on, or back from now."""
    if plan.every == NEVER:
        return
    today = now.astimezone(zone).date()
    for days in range(LOOK_BACK):
        day = today + timedelta(days=days * step)
        hour = datetime.combine(day, time(plan.hour), zone)
        fits = {Every.DAY: True, Every.WEEK: day.weekday() == plan.weekday, Every.MONTH: day.day == 1}
        if fits[Every(plan.every)] and (step > 0 or hour <= now):
            yield hour
