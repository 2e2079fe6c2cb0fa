"""What stands on a quotation, whichever form it takes: the words, the figures and the dates of one language."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.numbers import format_decimal

from appliance.core.money import SIGNS
from appliance.core.quote import Line, Quote

FALLBACK = "en"
COLUMNS = ("place", "sku", "name", "quantity", "unit", "price", "amount")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterhead:
    """Who quotes, how to reach them, and the zone whose dates the paper bears."""

    company: str = ""
    contact: str = ""
    zone: str = "UTC"


class Sheet:
    """One quotation with its words; the two forms only set it."""

    def __init__(self, quote: Quote, head: Letterhead) -> None:
        self.quote, self.head = quote, head
        self.lang = quote.lang if quote.lang in _all() else FALLBACK
        self._words = _all()[self.lang]
        self._currencies = [currency for currency, _ in quote.totals]

    def say(self, id: str, **values: object) -> str:
        return self._words[id].format_map(values)

    @property
    def title(self) -> str:
        return self.say("title", number=self.quote.number)

    @property
    def facts(self) -> list[tuple[str, str]]:
        """(label, text) of what stands above the lines."""
        quote = self.quote
        facts = [(self.say("date"), self._date(quote.made)), (self.say("valid"), self._date(quote.valid_until))]
        return [*facts, (self.say("customer"), quote.customer)] if quote.customer else facts

    @property
    def headings(self) -> list[str]:
        """The columns' names; the one currency of all prices stands in them."""
        sign = f", {_sign(self._currencies[0])}" if len(self._currencies) == 1 and self._currencies[0] else ""
        words = [self.say(column) for column in COLUMNS[1:]]
        return ["№", *words[:-2], words[-2] + sign, words[-1] + sign]

    @property
    def notes(self) -> list[str]:
        """What has to be said below the lines."""
        notes = [] if self.quote.complete else [self.say("incomplete")]
        return [*notes, self.say("prices", version=self.quote.catalog_version)]

    @property
    def contact(self) -> str:
        return self.say("contact", contact=self.head.contact) if self.head.contact else ""

    def price(self, line: Line) -> str:
        return self.say("on_request") if line.price is None else self.amount(line.price, line.currency)

    def sum(self, line: Line) -> str:
        return "–" if line.amount is None else self.amount(line.amount, line.currency)

    def amount(self, value: Decimal, currency: str, *, signed: bool = False) -> str:
        """Always with cents, so that figures stand in columns; with its currency where there are several."""
        sign = f"\xa0{_sign(currency)}" if currency and (signed or len(self._currencies) > 1) else ""
        return self._figures(value, "#,##0.00##") + sign

    def quantity(self, value: Decimal) -> str:
        return self._figures(value, "#,##0.###")

    def _figures(self, value: Decimal, pattern: str) -> str:
        return str(format_decimal(value, format=pattern, locale=self.lang)).replace("\u202f", "\xa0")

    def _date(self, at: datetime) -> str:
        return str(format_date(at.astimezone(ZoneInfo(self.head.zone)).date(), format="long", locale=self.lang))


def file_name(quote: Quote, form: str) -> str:
    """In letters that every mail program and file system takes."""
    return f"quotation-{quote.number}.{form}"


def _sign(currency: str) -> str:
    return SIGNS.get(currency, currency)


@cache
def _all() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads(resources.files(__package__).joinpath("words.toml").read_text("utf-8"))
