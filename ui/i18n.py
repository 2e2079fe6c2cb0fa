"""The console's texts by id in the language that the person reads, and numbers and dates as they write them."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_compact_decimal, format_currency, format_decimal, format_percent

Lang: TypeAlias = Literal["en", "ru"]
Say: TypeAlias = Callable[..., str]
Entry: TypeAlias = Mapping[str, "str | Mapping[str, str]"]  # by language: a text, or its plural forms (CLDR)

LANGS: tuple[Lang, ...] = ("en", "ru")
SHARED = "frame"  # the file of the words that all pages share
NARROW = "\u202f"  # a thin space that does not break: groups of digits in Russian
_LOCALES: Mapping[Lang, Locale] = {"en": Locale("en", "GB"), "ru": Locale("ru")}


def texts_in(lang: Lang, file: str = "status") -> Say:
    """`say("open_chat")`: a text of the page's own file, else one that all share; `say("leads.title")`: of any file.

    An entry with plural forms chooses by the value `n`. Raises KeyError for an id that nobody has.
    """

    def say(text: str, /, **values: object) -> str:
        entry = _found(text, file)[lang]
        if not isinstance(entry, str):
            form = _LOCALES[lang].plural_form(abs(Decimal(str(values.get("n", 0)))))
            entry = entry.get(form) or entry["other"]
            n = values.get("n", 0)
            if isinstance(n, int):
                values = {**values, "n": number(n, lang)}
        return re.sub(r"\{(\w+)\}", lambda place: str(values[place[1]]), entry)

    return say


def known(text: str, file: str = "status") -> bool:
    """Whether there is such a text."""
    try:
        _found(text, file)
    except KeyError:
        return False
    return True


def reader(asked: str, accepted: str) -> Lang:
    """The language asked for (in the address, a cookie), or the first of Accept-Language that we have; else English."""
    preferred = [part.split(";")[0].strip()[:2].lower() for part in accepted.split(",")]
    for choice in (asked.lower(), *preferred):
        if choice == "ru":
            return "ru"
        if choice == "en":
            return "en"
    return "en"


def number(value: float | Decimal, lang: Lang) -> str:
    """At most two digits after the comma; groups of thousands."""
    return _thin(format_decimal(value, "#,##0.##", locale=_LOCALES[lang]), lang)


@dataclass(frozen=True, slots=True)
class Writing:
    """How numbers, money and times are written for one reader."""

    lang: Lang
    zone: str = "UTC"

    def number(self, value: float | Decimal) -> str:
        return number(value, self.lang)

    def short(self, value: float) -> str:
        """12.4K: for tiles and axes, where room is small."""
        locale = _LOCALES[self.lang]
        return _thin(format_compact_decimal(value, locale=locale, fraction_digits=1), self.lang)

    def percent(self, share: float, digits: int = 1, *, exact: bool = False) -> str:
        """`share` from 0 to 1; `exact` writes noughts as well, for figures that stand below each other."""
        pattern = (
            "#,##0"
            + ("." + ("0" if exact else "#") * digits if digits else "")
            + ("%" if self.lang == "en" else "\u00a0%")
        )
        return _thin(format_percent(share, pattern, locale=_LOCALES[self.lang]), self.lang)

    def money(self, amount: Decimal | float, currency: str) -> str:
        return _thin(format_currency(amount, currency, locale=_LOCALES[self.lang]), self.lang)

    def day(self, at: datetime | date) -> str:
        return format_date(self._local(at), "d MMM y", locale=_LOCALES[self.lang])

    def time(self, at: datetime) -> str:
        return format_datetime(self._local(at), "HH:mm", locale=_LOCALES[self.lang])

    def moment(self, at: datetime) -> str:
        """Day and time in the house's time zone, without the year while it is this one."""
        local = self._local(at)
        assert isinstance(local, datetime)
        same = local.year == datetime.now(local.tzinfo).year
        return format_datetime(local, "d MMM HH:mm" if same else "d MMM y HH:mm", locale=_LOCALES[self.lang])

    def lately(self, at: datetime) -> str:
        """The time of today, else day and time."""
        return self.time(at) if self.day(at) == self.day(datetime.now(at.tzinfo)) else self.moment(at)

    def ago(self, at: datetime) -> str:
        """`3 minutes ago`."""
        return format_timedelta(at - datetime.now(at.tzinfo), add_direction=True, locale=_LOCALES[self.lang])

    def lasting(self, span: timedelta) -> str:
        """`3 minutes`."""
        return format_timedelta(span, locale=_LOCALES[self.lang])

    def size(self, count: int) -> str:
        """Bytes as people read them, in powers of 1000."""
        amount, units = float(count), ("B", "kB", "MB", "GB", "TB")
        for unit in units:
            if amount < 1000 or unit == units[-1]:
                break
            amount /= 1000
        shown = number(round(amount, 1 if amount < 100 and unit != "B" else 0), self.lang)
        return f"{shown}{NARROW}{texts_in(self.lang, SHARED)('unit_' + unit)}"

    def _local(self, at: datetime | date) -> datetime | date:
        return at.astimezone(ZoneInfo(self.zone)) if isinstance(at, datetime) else at


def _thin(text: str, lang: Lang) -> str:
    return text.replace("\u00a0", NARROW) if lang == "ru" else text


def _found(text: str, file: str) -> Entry:
    book = catalogue()
    if "." in text:
        return book[text]
    own = f"{file}.{text}"
    return book[own] if own in book else book[f"{SHARED}.{text}"]


@functools.cache
def catalogue() -> dict[str, Entry]:
    """All texts by `file.id`."""
    book: dict[str, Entry] = {}
    for file in sorted((files("ui") / "texts").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            entries = tomllib.loads(file.read_text(encoding="utf-8"))
            book |= {f"{file.name.removesuffix('.toml')}.{id}": entry for id, entry in entries.items()}
    return book
