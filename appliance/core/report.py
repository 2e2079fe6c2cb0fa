"""A business report as a document: headings, figures, tables and sentences, for any paper to set."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal, format_percent

from appliance.core.advice import advice, language_name
from appliance.core.demand import Group
from appliance.core.figures import TARGET, Demand, Dimension, Every, Period, Slice, Summary, most
from appliance.core.statistics import Share

LANGUAGES = ("en", "ru")
LINES = 15  # of a table; the console has them all
_LOCALES = {"en": Locale("en", "GB"), "ru": Locale("ru")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number that stands out, and what it means beside the period before."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """`rows` hold a text, a count (int) or a share (float, 0 to 1) for each column; `why` stands below the heading."""

    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | int | float, ...], ...]
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """A chart of counts, `values` in front of others, by label; `more` are drawn within them."""

    heading: str
    labels: tuple[str, ...]
    values: tuple[int, ...]
    more: tuple[int, ...]
    legend: tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What stands on the paper, from top to bottom."""

    title: str
    period: str
    lang: str
    figures: tuple[Figure, ...]
    bars: Bars
    todo: tuple[str, ...]
    tables: tuple[Table, ...]
    notes: tuple[str, ...]
    words: Mapping[str, str]  # of the paper itself: heading of what to do, page numbers, names of sheets


def document(summary: Summary, demand: Demand, *, every: Every, lang: str) -> Document:
    """The report of a period in Russian or English."""
    write = Write(lang)
    return Document(
        title=write.word(f"title_{every}"),
        period=write.period(summary.period),
        lang=write.lang,
        figures=tuple(_figures(summary, write)),
        bars=_bars(summary, write),
        todo=tuple(one.told(write.lang) for one in advice(summary, demand)),
        tables=(*_slices(summary, write), *_demand(demand, write)),
        notes=tuple(
            write.word(id, target=write.percent(TARGET)) for id in ("what_dialogue", "what_lead", "what_interval")
        ),
        words=write.words,
    )


class Write:
    """Words, numbers and dates of one language."""

    def __init__(self, lang: str) -> None:
        self.lang = lang if lang in LANGUAGES else LANGUAGES[0]
        self._locale = _LOCALES[self.lang]
        self.words = _words(self.lang)

    def word(self, id: str, **values: object) -> str:
        return self.words[id].format(**values)

    def value(self, dimension: Dimension, value: str) -> str:
        """A value of a dimension in words: `kk` is Kazakh, `product_search` goods."""
        if value == "*":
            return self.word("others")
        if not value:
            return self.word(f"no_{dimension}")
        if dimension is Dimension.LANG:
            return language_name(value, self.lang)
        return self.words.get(f"{dimension}_{value}", value)

    def number(self, value: float) -> str:
        return str(format_decimal(value, "#,##0.#", locale=self._locale)).replace("\u202f", "\xa0")

    def percent(self, value: float, digits: int = 1) -> str:
        pattern = f"#,##0.{'#' * digits}" + ("%" if self.lang == "en" else "\u00a0%")
        return str(format_percent(value, pattern, locale=self._locale)).replace("\u202f", "\xa0")

    def ratio(self, value: float) -> str:
        """How many times as much, with two digits after the comma."""
        return str(format_decimal(value, "#,##0.00", locale=self._locale)).replace("\u202f", "\xa0")

    def interval(self, share: Share) -> str:
        return self.word("interval", low=self.percent(share.low), high=self.percent(share.high))

    def day(self, day: date, form: str = "d MMMM y") -> str:
        return str(format_date(day, form, locale=self._locale))

    def period(self, period: Period) -> str:
        if period.days == 1:
            return self.day(period.first, "EEEE, d MMMM y")
        same = (period.first.year, period.first.month) == (period.last.year, period.last.month)
        return f"{self.day(period.first, 'd' if same else 'd MMMM')} – {self.day(period.last)}"

    def change(self, now: float, then: float) -> str:
        """Beside the period before, in words."""
        if not then:
            return self.word("before_none") if not now else self.word("before_was", then=self.number(then))
        parts = now / then - 1
        id = "more" if parts > 0.005 else "less" if parts < -0.005 else "same"
        return self.word(id, change=self.percent(abs(parts)), then=self.number(then))


def _figures(summary: Summary, write: Write) -> Iterable[Figure]:
    now, then = summary.total, summary.before
    for name, was, before in (
        ("dialogues", now.dialogues, then.dialogues),
        ("shown", now.shown, then.shown),
        ("contacts", now.contacts, then.contacts),
        ("leads", now.leads, then.leads),
    ):
        yield Figure(label=write.word(name), value=write.number(was), note=write.change(was, before))
    yield Figure(
        label=write.word("conversion"),
        value=write.percent(now.conversion.value) if now.dialogues else "–",
        note=f"{write.interval(now.conversion)}, {write.word('target', target=write.percent(TARGET))}"
        if now.dialogues
        else "",
    )
    yield Figure(
        label=write.word("absent"),
        value=write.number(summary.troubles.absent),
        note=write.change(summary.troubles.absent, summary.troubles_before.absent),
    )


def _bars(summary: Summary, write: Write) -> Bars:
    step = summary.period.step
    series = summary.series(step) if summary.period.days > 1 else []
    if not series:  # a day is told by its hours
        by_hour = {hour: count for _, hour, count in summary.hours}
        return Bars(
            heading=write.word("by_hour"),
            labels=tuple(str(hour) for hour in range(24)),
            values=tuple(by_hour.get(hour, 0) for hour in range(24)),
            more=(),
            legend=(write.word("dialogues"), ""),
        )
    return Bars(
        heading=write.word(f"by_{step}"),
        labels=tuple(write.day(part.first, "d.MM") for part, _ in series),
        values=tuple(one.dialogues for _, one in series),
        more=tuple(one.leads for _, one in series),
        legend=(write.word("dialogues"), write.word("leads")),
    )


def _slices(summary: Summary, write: Write) -> Iterable[Table]:
    columns = tuple(
        write.word(id) for id in ("dialogues", "shown", "contacts", "leads", "conversion", "interval_heading")
    )
    for dimension in Dimension:
        slices = most(summary.slices(dimension), LINES)
        if any(one.value for one in slices):
            yield Table(
                heading=write.word(f"by_{dimension}"),
                columns=(write.word(f"of_{dimension}"), *columns),
                rows=tuple(_row(one, dimension, write) for one in slices),
            )


def _row(one: Slice, dimension: Dimension, write: Write) -> tuple[str | int | float, ...]:
    return (
        write.value(dimension, one.value), one.dialogues, one.shown, one.contacts, one.leads, one.conversion.value,
        write.interval(one.conversion),
    )  # fmt: skip


def _demand(demand: Demand, write: Write) -> Iterable[Table]:
    if demand.absent:
        yield _wishes(demand.absent, "demand_absent", write)
    if demand.out:
        yield Table(
            heading=write.word("demand_out"),
            why=write.word("demand_out_why"),
            columns=tuple(write.word(id) for id in ("goods", "sku", "dialogues", "leads")),
            rows=tuple((one.name, one.sku, one.dialogues, one.leads) for one in demand.out[:LINES]),
        )
    if demand.unanswered:
        yield _wishes(demand.unanswered, "demand_unanswered", write)


def _wishes(groups: Sequence[Group], id: str, write: Write) -> Table:
    return Table(
        heading=write.word(id),
        why=write.word(f"{id}_why"),
        columns=(write.word("asked"), write.word("langs"), write.word("last"), write.word("dialogues")),
        rows=tuple(
            (
                " · ".join(group.examples) or "–",
                ", ".join(language_name(lang, write.lang) for lang, _ in group.langs),
                write.day(group.last.date(), "d MMM") if group.last else "",
                group.dialogues,
            )
            for group in groups[:LINES]
        ),
    )


@cache
def _words(lang: str) -> Mapping[str, str]:
    tables = tomllib.loads(files(__package__).joinpath("report.toml").read_text("utf-8"))
    return {id: entry[lang] for id, entry in tables.items()}
