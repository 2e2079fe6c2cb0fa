"""How much of the time customers were served, as the box measures it itself: a sample each 15 seconds, kept by day.

What outsiders see may be less: a line that is down between the box and its customers cannot be seen from here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal

EVERY = 15.0  # seconds between two samples
GAP = 60.0  # seconds without a sample after which we were away
DAY = 24 * 60  # minutes
PROMISED = 0.995  # the share of the time that is required

# A minute is one letter: served, served less well, or how many of its four samples found customers not served; or the
# box was switched off on purpose; a blank was never measured. A box that was gone without a word did not serve.
Sample = Literal["+", "-", "x"]
SERVED, LESS_WELL, OFF, GONE, BLANK = "+", "-", "o", "4", " "


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A stretch of time in which customers were not served, to a quarter of a minute."""

    began: datetime
    minutes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A day or a month: minutes by kind, and what follows from them."""

    name: str
    served: float
    less_well: int  # of those served
    down: float
    off: int
    outages: tuple[Outage, ...] = ()

    @property
    def share(self) -> float | None:
        """Of the measured time in which customers were served; None where nothing was measured."""
        measured = self.served + self.down
        return self.served / measured if measured else None


class Availability:
    """The measuring side; one watch a folder. Minutes are of UTC."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._clock = folder, clock
        self._days: dict[str, list[str]] = {}
        self._sampled = clock()

    def begin(self, at: float) -> None:
        """What lies between the last sample and this start: switched off, if the end was told, else gone."""
        last, ended = _last(self._folder)
        if last and at - last > GAP:
            self._fill(last + 60, at, OFF if ended else GONE)
        self._note_last(at, ended=False)

    def sample(self, at: float, how: Sample) -> None:
        """One sample. A clock that is set makes no gap: what was missed is told by the one that nobody sets."""
        if (stood := self._clock() - self._sampled) > GAP:
            self._fill(at - stood + 60, at, GONE)
        self._sampled = self._clock()
        self._mark(at, how)
        self._note_last(at, ended=False)

    def end(self, at: float) -> None:
        """The box is switched off on purpose from now on."""
        self._note_last(at, ended=True)

    def _fill(self, first: float, until: float, how: str) -> None:
        at = max(first, until - 40 * 24 * 3600)
        touched = set()
        while at < until:
            touched.add(self._mark(at, how, write=False))
            at += 60
        for day in touched:
            self._write(day)

    def _mark(self, at: float, how: str, *, write: bool = True) -> str:
        moment = datetime.fromtimestamp(at, UTC)
        day, minute = moment.date().isoformat(), moment.hour * 60 + moment.minute
        minutes = self._days.get(day)
        if minutes is None:
            minutes = self._days[day] = list(_day(self._folder, day))
        if (now := _joined(minutes[minute], how)) != minutes[minute]:
            minutes[minute] = now
            if write:
                self._write(day)
        for old in [each for each in self._days if each < (moment.date() - timedelta(days=1)).isoformat()]:
            if write:
                del self._days[old]
        return day

    def _write(self, day: str) -> None:
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            aside = self._folder / f".{day}"
            aside.write_text("".join(self._days[day]))
            aside.replace(self._folder / f"{day}.txt")

    def _note_last(self, at: float, *, ended: bool) -> None:
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            aside = self._folder / ".last"
            aside.write_text(json.dumps({"at": at, "ended": ended}))
            aside.replace(self._folder / "last.json")


def day(folder: Path, which: date) -> Span:
    """One day of UTC."""
    return _span(which.isoformat(), [(which, _day(folder, which.isoformat()))])


def month(folder: Path, which: str) -> Span:
    """A month, written 2026-11."""
    return _span(which, list(_days_of(folder, which)))


def between(folder: Path, since: datetime, until: datetime) -> Span:
    """Any stretch of whole minutes, in whatever time zone its ends are told."""
    first, last = since.astimezone(UTC), until.astimezone(UTC)
    found = []
    for number in range((last.date() - first.date()).days + 1):
        when = first.date() + timedelta(days=number)
        midnight = datetime(when.year, when.month, when.day, tzinfo=UTC)
        begins = max(int((first - midnight) / timedelta(minutes=1)), 0)
        ends = min(int((last - midnight) / timedelta(minutes=1)), DAY)
        found.append((when, (BLANK * begins + _day(folder, when.isoformat())[begins:ends]).ljust(DAY, BLANK)))
    return _span(f"{first:%Y-%m-%d}", found)


def days(folder: Path, which: str) -> list[Span]:
    """The measured days of a month, in order."""
    return [_span(when.isoformat(), [(when, minutes)]) for when, minutes in _days_of(folder, which)]


def months(folder: Path) -> list[str]:
    """Those with measurements, the latest first."""
    return sorted({file.stem[:7] for file in folder.glob("????-??-??.txt")}, reverse=True)


def report(folder: Path, which: str) -> Mapping[str, object]:
    """A month in plain figures, for reports: share of 1, minutes, and whether the promise was kept."""
    span = month(folder, which)
    longest = max((outage.minutes for outage in span.outages), default=0)
    return {
        "month": which,
        "share": span.share,
        "kept": span.share is not None and span.share >= PROMISED,
        "promised": PROMISED,
        "served_minutes": span.served,
        "less_well_minutes": span.less_well,
        "down_minutes": span.down,
        "off_minutes": span.off,
        "outages": len(span.outages),
        "longest_outage_minutes": longest,
    }


def _joined(minute: str, how: str) -> str:
    """A minute after one more sample."""
    if how == "x":
        return str(min(int(minute) + 1, 4)) if minute.isdigit() else "1"
    if minute.isdigit() or (minute == LESS_WELL and how == SERVED):
        return minute
    return how


def _span(name: str, found: list[tuple[date, str]]) -> Span:
    text = "".join(minutes for _, minutes in found)
    down = sum(map(_down, text))
    well = text.count(SERVED) + text.count(LESS_WELL)
    partly = sum(minute.isdigit() for minute in text)
    return Span(
        name=name,
        served=well + partly - down,
        less_well=text.count(LESS_WELL),
        down=down,
        off=text.count(OFF),
        outages=tuple(_outages(found)),
    )


def _down(minute: str) -> float:
    return int(minute) / 4 if minute.isdigit() else 0.0


def _outages(found: list[tuple[date, str]]) -> Iterator[Outage]:
    began, length, last = None, 0.0, None
    for when, minutes in found:
        midnight = datetime(when.year, when.month, when.day, tzinfo=UTC)
        for number, minute in enumerate(minutes):
            moment, down = midnight + timedelta(minutes=number), _down(minute)
            if down and began is not None and last is not None and moment - last <= timedelta(minutes=1):
                length, last = length + down, moment
                continue
            if began is not None:
                yield Outage(began=began, minutes=length)
            began, length, last = (moment, down, moment) if down else (None, 0.0, None)
    if began is not None:
        yield Outage(began=began, minutes=length)


def _days_of(folder: Path, which: str) -> Iterator[tuple[date, str]]:
    for file in sorted(folder.glob(f"{which}-??.txt")):
        with suppress(ValueError):
            yield date.fromisoformat(file.stem), _day(folder, file.stem)


def _day(folder: Path, name: str) -> str:
    try:
        text = (folder / f"{name}.txt").read_text()
    except (OSError, UnicodeDecodeError):
        text = ""
    return text[:DAY].ljust(DAY, BLANK)


def _last(folder: Path) -> tuple[float, bool]:
    try:
        last = json.loads((folder / "last.json").read_text())
        return float(last["at"]), bool(last["ended"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0.0, False
