"""Decides what is worth an alert: a trouble that stays is told once, its end once, and what follows from it not at all.

Pure: it is given what is wrong and what time it is. Light: the supervisor runs it, and it needs no database.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, time
from typing import Any, Literal, Self
from uuid import uuid4
from zoneinfo import ZoneInfo

from appliance import causes

SETTLE = 8.0  # seconds for which a trouble must last; most of what heals itself is gone by then
CALM, CALMEST = 15.0, 600.0  # seconds without it until it is over; doubled for one that comes back within `RETURNS`
RETURNS = 1800.0  # seconds
AFTER = 20.0  # seconds after its cause has gone in which an effect is still put down to it; more would hide a new fault
LONG_AFTER = {"network": 900.0}  # what waited for the line goes on in its own time: a pause of the CRM is ten minutes

# What makes others ill: their troubles are not told while it lasts.
EFFECTS: Mapping[str, frozenset[str]] = {
    "database": frozenset({"schema", "outbox", "crm", "leader", "worker", "clock", "bot"}),
    "chat": frozenset({"leader", "processes"}),
    "worker": frozenset({"leader"}),
    "bot": frozenset({"outbox"}),
    "mail": frozenset({"outbox"}),
    "network": frozenset({"bot", "mail", "crm", "outbox", "public"}),
}

Kind = Literal["trouble", "over", "test"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What is wrong with a part, as a text of causes.toml and what fills it in."""

    part: str
    cause: str
    values: Mapping[str, str] = field(default_factory=dict)

    def why(self, lang: str = "en") -> str:
        return causes.told(self.cause, lang, **self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """Something to tell people. Times are seconds since the epoch."""

    id: str
    kind: Kind
    part: str
    cause: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    at: float
    since: float

    def text(self, lang: str, *, box: str, zone: ZoneInfo, console: str = "") -> str:
        part, footer = part_name(self.part, lang), causes.told("alert_footer", lang, console=console)
        match self.kind:
            case "test":
                said = causes.told("alert_test", lang, box=box)
            case "over":
                lasted = length(self.at - self.since, lang)
                why = causes.told(self.cause, lang, **self.values)
                said = causes.told("alert_over", lang, box=box, part=part, lasted=lasted, why=why)
            case _:
                since = datetime.fromtimestamp(self.since, zone).strftime("%d.%m %H:%M:%S")
                why = causes.told(self.cause, lang, **self.values)
                said = causes.told("alert_trouble", lang, box=box, part=part, why=why, since=since)
        return f"{said}\n{footer}" if console else said


@dataclass(slots=True, kw_only=True)
class Incident:
    """A trouble from its first sight until it has stayed away. `seen` and `gone` are by the monotonic clock."""

    trouble: Trouble
    since: float
    first: float
    seen: float
    told: bool = False
    returns: int = 0

    @property
    def calm(self) -> float:
        return min(CALM * 2.0 ** min(self.returns, 10), CALMEST)


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours of the day in which what may wait is not told: "22:00-07:00"; none where empty."""

    first: time | None = None
    last: time | None = None

    @classmethod
    def read(cls, text: str) -> Self:
        """Raises ValueError that says how they are written."""
        if not text.strip():
            return cls()
        try:
            first, last = (time.fromisoformat(part.strip().zfill(5)) for part in text.split("-"))
        except ValueError:
            raise ValueError(f"{text!r} are no quiet hours; write for example 22:00-07:00") from None
        return cls(first, last)

    def at(self, moment: datetime) -> bool:
        if self.first is None or self.last is None:
            return False
        now = moment.time().replace(tzinfo=None)
        if self.first <= self.last:
            return self.first <= now < self.last
        return now >= self.first or now < self.last


class Alerts:
    """What is wrong with one box, and what people have been told of it."""

    def __init__(self) -> None:
        self.incidents: dict[str, Incident] = {}
        self._ended: dict[str, tuple[float, int]] = {}  # part -> when it was over, how often it had come back

    def look(
        self, troubles: Mapping[str, Trouble], *, now: float, at: float, unknown: Collection[str] = (),
        quiet: bool = False,
    ) -> list[News]:  # fmt: skip
        """What is to be told now. `now` is the monotonic clock, `at` the time of day; `unknown` parts keep their state.

        In `quiet` hours causes that may wait are kept back; over by then, they are never told.
        """
        for part, trouble in troubles.items():
            one = self.incidents.get(part)
            if (one and one.told) or not self._follows(part, troubles, now):
                self._seen(part, trouble, now=now, at=at)
            elif one:
                del self.incidents[part]
        news = [self._tell(one, at) for one in self.incidents.values() if self._is_due(one, now, quiet)]
        for part, one in list(self.incidents.items()):
            if part in unknown or part in troubles or now - one.seen < (one.calm if one.told else 0):
                continue
            del self.incidents[part]
            if one.told:
                self._ended[part] = (now, one.returns)
                news.append(_news("over", one.trouble, at=at, since=one.since))
        return news

    def dump(self) -> list[dict[str, Any]]:
        """What must not be told again after a restart of the watch."""
        return [{**asdict(one.trouble), "since": one.since} for one in self.incidents.values() if one.told]

    def load(self, told: list[dict[str, Any]], *, now: float) -> None:
        for one in told:
            trouble = Trouble(part=one["part"], cause=one["cause"], values=one["values"])
            self.incidents[trouble.part] = Incident(trouble=trouble, since=one["since"], first=now, seen=now, told=True)

    def _follows(self, part: str, troubles: Mapping[str, Trouble], now: float) -> bool:
        """Whether the trouble of a part is put down to that of another."""
        for cause, effects in EFFECTS.items():
            lately = cause in self._ended and now - self._ended[cause][0] < LONG_AFTER.get(cause, AFTER)
            if part in effects and (cause in troubles or cause in self.incidents or lately):
                return True
        return False

    def _seen(self, part: str, trouble: Trouble, *, now: float, at: float) -> None:
        if part in self.incidents:
            self.incidents[part].seen = now
            self.incidents[part].trouble = trouble
            return
        ended, returns = self._ended.get(part, (-RETURNS, -1))
        returns = returns + 1 if now - ended < RETURNS else 0
        self.incidents[part] = Incident(trouble=trouble, since=at, first=now, seen=now, returns=returns)

    def _is_due(self, one: Incident, now: float, quiet: bool) -> bool:
        waits = quiet and causes.waits(one.trouble.cause)
        return not one.told and one.seen == now and now - one.first >= SETTLE and not waits

    def _tell(self, one: Incident, at: float) -> News:
        one.told = True
        return _news("trouble", one.trouble, at=at, since=one.since)


def test_news(at: float) -> News:
    """What the test button sends."""
    return News(id=uuid4().hex, kind="test", part="test", at=at, since=at)


def part_name(part: str, lang: str) -> str:
    """As people call a part."""
    known = f"part_{part}"
    return causes.told(known, lang) if known in causes.catalogue() else part


def length(seconds: float, lang: str) -> str:
    """A span of time in words."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return causes.told("hours", lang, hours=minutes // 60, minutes=minutes % 60)
    if minutes:
        return causes.told("minutes", lang, minutes=minutes, seconds=rest)
    return causes.told("seconds", lang, seconds=rest)


def _news(kind: Kind, trouble: Trouble, *, at: float, since: float) -> News:
    return News(
        id=uuid4().hex, kind=kind, part=trouble.part, cause=trouble.cause, values=dict(trouble.values), at=at,
        since=since,
    )  # fmt: skip
