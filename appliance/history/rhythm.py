"""When customers write: more in working hours, less at the weekend, a little more every month."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

# Shares of a day and of a week as shops for tradesmen know them: a peak before noon, a second after three.
HOURS = (1, 0.6, 0.4, 0.3, 0.3, 0.5, 1.2, 2.5, 5, 8, 10, 10.5, 9, 8, 8.5, 9.5, 9, 7.5, 5.5, 4.5, 4, 3.5, 2.8, 1.8)
WEEK = (1.15, 1.1, 1.1, 1.05, 0.95, 0.45, 0.35)
GROWTH = 0.5  # by how much the last day is busier than the first
FAIR = (23, 24)  # days ago: a trade fair, when twice as many write


def moments(count: int, *, days: int, now: datetime, zone: ZoneInfo, dice: random.Random) -> list[datetime]:
    """`count` moments of the last `days` days before `now`, oldest first."""
    today = now.astimezone(zone).date()
    dates = [today - timedelta(days=ago) for ago in range(days, -1, -1)]
    weights = [_busy(place, days, date.weekday()) for place, date in enumerate(dates)]
    hours: Sequence[int] = range(24)
    made = list[datetime]()
    while len(made) < count:
        date, hour = dice.choices(dates, weights)[0], dice.choices(hours, HOURS)[0]
        moment = datetime.combine(date, time(hour, dice.randrange(60), dice.randrange(60)), tzinfo=zone)
        if now - timedelta(days=days) <= moment <= now - timedelta(minutes=4):
            made.append(moment)
    return sorted(made)


def _busy(place: int, days: int, weekday: int) -> float:
    return WEEK[weekday] * (1 + GROWTH * place / days) * (2 if days - place in FAIR else 1)
