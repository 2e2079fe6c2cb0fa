"""Which dialogues are meant: the one filter that every figure hands to the list of dialogues, also as a link."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, Self
from urllib.parse import urlencode
from zoneinfo import available_timezones


class Stage(StrEnum):
    """How far a dialogue came; each is counted by itself, so a contact without goods shown is a contact."""

    GOODS = "goods"  # cards were shown
    CONTACT = "contact"  # a phone or a mail address was left
    LEAD = "lead"  # and the customer confirmed it, or a manager took it up


class Trouble(StrEnum):
    """What went badly in a dialogue."""

    ABSENT = "absent"  # goods were asked for, and nothing was found
    OUT = "out"  # what fits best is not in stock
    UNANSWERED = "unanswered"  # a question that the company's texts do not answer
    BAD = "bad"  # the customer marked an answer as bad


@dataclass(frozen=True, slots=True, kw_only=True)
class DialogueFilter:
    """Dialogues that fit all that is given; an empty field asks for nothing.

    `since` (inclusive) and `until` (exclusive) are aware moments of the customer's first message; with a `trouble` or
    a `want` they are those of the troubled answer instead.
    """

    since: datetime | None = None
    until: datetime | None = None
    channel: str = ""
    lang: str = ""
    topic: str = ""  # a route, see `core.types.Route`
    category: str = ""  # of the goods that were shown most
    prompt: str = ""  # version of the prompt
    model: str = ""
    stage: Stage | None = None
    trouble: Trouble | None = None
    want: str = ""  # the keys of a group of unmet wishes, see `core.demand`, with "|" between them
    slot: str = ""  # when in the week the customer first wrote, as `Slot` writes it

    def query(self) -> str:
        """The filter as a URL's query: `since=2026-11-01T00%3A00%3A00%2B03%3A00&lang=kk`."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return urlencode(
            {
                name: value.isoformat() if isinstance(value, datetime) else str(value)
                for name, value in given.items()
                if value
            }
        )

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Self:
        """The filter of a URL's parameters; what is unknown, or cannot be read, asks for nothing."""
        texts = {name: query.get(name, "")[:LONGEST] for name in TEXTS}
        slot = Slot.read(query.get("slot", ""))
        return cls(
            slot=str(slot) if slot else "",
            since=_moment(query.get("since", "")),
            until=_moment(query.get("until", "")),
            stage=next((one for one in Stage if one == query.get("stage")), None),
            trouble=next((one for one in Trouble if one == query.get("trouble")), None),
            **texts,
        )

    def having(self, name: str, value: str) -> Self:
        """The same filter with one of its texts changed. Raises KeyError for another field."""
        if name not in TEXTS:
            raise KeyError(name)
        changed: dict[str, Any] = {name: value}
        return replace(self, **changed)

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """An hour of the week: `2-15-Europe/Moscow` is Wednesday, from 15:00 to 16:00 in Moscow."""

    weekday: int  # from 0 for Monday
    hour: int
    zone: str  # IANA name

    def __str__(self) -> str:
        return f"{self.weekday}-{self.hour}-{self.zone}"

    @classmethod
    def read(cls, text: str) -> Self | None:
        """None where it is no such hour, or the time zone does not exist."""
        match text.split("-", 2):
            case [weekday, hour, zone] if weekday in DAYS and hour in HOURS and zone in _zones():
                return cls(weekday=int(weekday), hour=int(hour), zone=zone)
        return None


@cache
def _zones() -> set[str]:
    return available_timezones()


DAYS, HOURS = (tuple(str(number) for number in range(count)) for count in (7, 24))
LONGEST = 6000  # characters of a value: a group may have many keys
TEXTS = ("channel", "lang", "topic", "category", "prompt", "model", "want")


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))  # a plus sign that somebody forgot to encode
    except ValueError:
        return None
    return moment if moment.tzinfo else None
