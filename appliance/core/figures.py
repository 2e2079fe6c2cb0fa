"""What the figures of the dialogues are: counts with their definitions, in periods of the owner's days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Self
from uuid import UUID
from zoneinfo import ZoneInfo

from appliance.core.demand import Group
from appliance.core.filters import DialogueFilter, Stage
from appliance.core.sequential import Finding
from appliance.core.statistics import Share, share

TARGET = 0.15  # the share of dialogues that should become leads


class Every(StrEnum):
    """How long a period is."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Dimension(StrEnum):
    """By what dialogues are told apart; the names are those of `DialogueFilter`'s fields."""

    CHANNEL = "channel"
    LANG = "lang"
    TOPIC = "topic"
    CATEGORY = "category"
    PROMPT = "prompt"
    MODEL = "model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Whole days of the owner's time zone, from the first to the last, both included."""

    first: date
    last: date
    zone: ZoneInfo

    @classmethod
    def of(cls, every: Every, day: date, zone: ZoneInfo) -> Self:
        """The day, ISO week or month that a day lies in."""
        match every:
            case Every.DAY:
                return cls(first=day, last=day, zone=zone)
            case Every.WEEK:
                monday = day - timedelta(days=day.weekday())
                return cls(first=monday, last=monday + timedelta(days=6), zone=zone)
            case Every.MONTH:
                first = day.replace(day=1)
                return cls(first=first, last=(first + timedelta(days=31)).replace(day=1) - timedelta(days=1), zone=zone)

    @classmethod
    def ending(cls, last: date, days: int, zone: ZoneInfo) -> Self:
        return cls(first=last - timedelta(days=days - 1), last=last, zone=zone)

    @property
    def since(self) -> datetime:
        return datetime.combine(self.first, time(), self.zone)

    @property
    def until(self) -> datetime:
        """The moment after the last day; days of a clock change have 23 or 25 hours."""
        return datetime.combine(self.last + timedelta(days=1), time(), self.zone)

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def before(self) -> Self:
        """As many days right before; of a whole month, the month before."""
        if self.first.day == 1 and (self.last + timedelta(days=1)).day == 1 and self.days <= 31:
            return self.of(Every.MONTH, self.first - timedelta(days=1), self.zone)
        return replace(self, first=self.first - timedelta(days=self.days), last=self.first - timedelta(days=1))

    @property
    def step(self) -> Every:
        """How long the points of a chart over this period are."""
        return Every.DAY if self.days <= 62 else Every.WEEK if self.days <= 400 else Every.MONTH

    def parts(self, step: Every) -> list[Period]:
        """The period cut into days, weeks or months; the first and the last may be shorter."""
        parts = []
        day = self.first
        while day <= self.last:
            part = Period.of(step, day, self.zone)
            parts.append(replace(part, first=day, last=min(part.last, self.last)))
            day = part.last + timedelta(days=1)
        return parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Dialogues that share something: how many, and how many of them came how far (see `core.filters.Stage`)."""

    value: str = ""
    dialogues: int = 0
    shown: int = 0
    contacts: int = 0
    leads: int = 0

    @property
    def conversion(self) -> Share:
        """Leads of the dialogues, with Wilson's 95 % interval."""
        return share(self.leads, self.dialogues)

    def reached(self, stage: Stage) -> Share:
        counts = {Stage.GOODS: self.shown, Stage.CONTACT: self.contacts, Stage.LEAD: self.leads}
        return share(counts[stage], self.dialogues)

    def __add__(self, other: Slice) -> Slice:
        return Slice(
            value=self.value,
            dialogues=self.dialogues + other.dialogues,
            shown=self.shown + other.shown,
            contacts=self.contacts + other.contacts,
            leads=self.leads + other.leads,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Out:
    """Goods that customers were shown first although none are in stock."""

    sku: str
    name: str
    dialogues: int
    leads: int
    last: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """An answer that its customer marked as bad, with the question."""

    conversation: UUID
    message: UUID
    question: str
    answer: str
    lang: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Troubles:
    """Dialogues in which something went badly, by what it was."""

    absent: int = 0
    out: int = 0
    unanswered: int = 0
    bad: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The counts of a period. `by` holds a dimension's slices, the largest first; `before` is the period before."""

    period: Period
    filter: DialogueFilter  # without its times
    total: Slice
    before: Slice
    troubles: Troubles
    troubles_before: Troubles
    days: tuple[tuple[date, Slice], ...]
    hours: tuple[tuple[int, int, int], ...]  # weekday from 0, hour, dialogues
    by: tuple[tuple[Dimension, tuple[Slice, ...]], ...]

    @property
    def which(self) -> DialogueFilter:
        """The dialogues of the whole summary."""
        return replace(self.filter, since=self.period.since, until=self.period.until)

    def slices(self, dimension: Dimension) -> tuple[Slice, ...]:
        return dict(self.by)[dimension]

    def series(self, step: Every) -> list[tuple[Period, Slice]]:
        """The days, or their sums by week or month; days without a dialogue are there too."""
        known = dict(self.days)
        series = []
        for part in self.period.parts(step):
            whole = Slice()
            for ahead in range(part.days):
                whole += known.get(part.first + timedelta(days=ahead), Slice())
            series.append((part, whole))
        return series


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What customers asked for in a period and did not get, the most wanted first, and answers that they found bad."""

    absent: tuple[Group, ...] = ()
    unanswered: tuple[Group, ...] = ()
    out: tuple[Out, ...] = ()
    bad: tuple[Bad, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A running comparison of two versions of a prompt on the dialogues begun since it began."""

    old: str
    new: str
    share: float  # the chance, 0 to 1, that a dialogue of the two gets the new one
    since: datetime
    before: Slice  # dialogues with the old version
    after: Slice  # with the new one
    finding: Finding
    needed: int  # about how many dialogues it takes to see a difference of a fifth; 0 while nothing is known
    a_day: float  # dialogues that come a day

    @property
    def dialogues(self) -> int:
        return self.before.dialogues + self.after.dialogues

    @property
    def days_left(self) -> int | None:
        """About how long it takes to see a difference of a fifth; None while nobody can tell."""
        left = self.needed - self.dialogues
        return None if not self.needed or self.a_day <= 0 or left <= 0 else -int(-left // self.a_day)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What needs a person now: how many of each, and since when the longest waits."""

    leads: int = 0
    leads_since: datetime | None = None
    queue: int = 0
    queue_since: datetime | None = None
    held: int = 0  # messages and notices that could not be delivered
    pushes: int = 0  # leads that the CRM did not take
    imports: int = 0
    bad: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """Today until now, and the same weekday a week ago until the same hour."""

    now: Slice
    then: Slice
    troubles: Troubles
    troubles_then: Troubles
    today: DialogueFilter
    week_ago: DialogueFilter


def most(slices: Sequence[Slice], count: int) -> tuple[Slice, ...]:
    """The largest, and the rest as one of the value `*`."""
    if len(slices) <= count:
        return tuple(slices)
    rest = Slice(value="*")
    for one in slices[count - 1 :]:
        rest += one
    return (*slices[: count - 1], rest)
