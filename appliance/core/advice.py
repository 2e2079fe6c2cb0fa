"""What the figures ask the owner to do: each piece of advice with its number and the dialogues behind it.

Advice is drawn only where the number carries it: a few customers who asked for the same, or a difference whose
confidence intervals do not meet.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from babel import Locale
from babel.numbers import format_percent

from appliance.core.demand import Group
from appliance.core.figures import TARGET, Demand, Dimension, Summary
from appliance.core.filters import DialogueFilter, Trouble
from appliance.core.statistics import share

SOME = 3  # dialogues from which a wish is more than one person's
FALLBACK = "en"
_LOCALES = {"en": Locale("en", "GB"), "ru": Locale("ru")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """`kind` is the id of its words; `weight` are the dialogues that it is about; `which` opens them."""

    kind: str
    weight: int
    which: DialogueFilter
    values: Mapping[str, object]
    langs: tuple[tuple[str, int], ...] = ()

    def told(self, lang: str) -> str:
        """The advice in a sentence or two, in Russian or English."""
        lang = lang if lang in _LOCALES else FALLBACK
        locale = _LOCALES[lang]
        words = _words()[self.kind][lang]
        text = words if isinstance(words, str) else words.get(locale.plural_form(self.weight)) or words["other"]
        values = {name: _written(value, locale) for name, value in self.values.items()}
        return text.format(n=self.weight, langs=_langs(self.langs, locale), **values)


def advice(summary: Summary, demand: Demand, *, most: int = 12) -> list[Advice]:
    """The advice of a period, what concerns most dialogues first."""
    which = summary.which
    found = [
        *_wishes(demand.absent, "absent", Trouble.ABSENT, which),
        *_wishes(demand.unanswered, "unanswered", Trouble.UNANSWERED, which),
        *_out(demand, which),
        *_bad(summary, which),
        *(one for dimension in (Dimension.LANG, Dimension.CHANNEL) for one in _weak(summary, dimension, which)),
        *_target(summary, which),
    ]
    return sorted(found, key=lambda one: -one.weight)[:most]


def _wishes(groups: Sequence[Group], kind: str, trouble: Trouble, which: DialogueFilter) -> Iterator[Advice]:
    for group in groups:
        if group.dialogues >= SOME:
            yield Advice(
                kind=kind,
                weight=group.dialogues,
                which=replace(which, trouble=trouble, want="|".join(group.keys)),
                values={"example": group.examples[0] if group.examples else group.key},
                langs=group.langs,
            )


def _out(demand: Demand, which: DialogueFilter) -> Iterator[Advice]:
    for goods in demand.out:
        if goods.dialogues >= SOME:
            yield Advice(
                kind="out",
                weight=goods.dialogues,
                which=replace(which, trouble=Trouble.OUT, want=goods.sku),
                values={"name": goods.name, "sku": goods.sku},
            )


def _bad(summary: Summary, which: DialogueFilter) -> Iterator[Advice]:
    if summary.troubles.bad:
        yield Advice(kind="bad", weight=summary.troubles.bad, which=replace(which, trouble=Trouble.BAD), values={})


def _weak(summary: Summary, dimension: Dimension, which: DialogueFilter) -> Iterator[Advice]:
    """A language or channel that surely brings fewer leads than all others together: the intervals do not meet."""
    spoken = dimension is Dimension.LANG
    for one in summary.slices(dimension):
        rest = share(summary.total.leads - one.leads, summary.total.dialogues - one.dialogues)
        if one.value and one.conversion.high < rest.low:
            yield Advice(
                kind=f"weak_{dimension}",
                weight=one.dialogues,
                which=replace(which, lang=one.value) if spoken else replace(which, channel=one.value),
                values={"channel": one.value, "share": one.conversion.value, "others": rest.value},
                langs=((one.value, one.dialogues),) if spoken else (),
            )


def _target(summary: Summary, which: DialogueFilter) -> Iterator[Advice]:
    conversion = summary.total.conversion
    if summary.total.dialogues and conversion.high < TARGET:
        shown = share(summary.total.leads, summary.total.shown) if summary.total.shown >= summary.total.leads else None
        yield Advice(
            kind="target",
            weight=summary.total.dialogues,
            which=which,
            values={"share": conversion.value, "high": conversion.high, "target": TARGET,
                    "shown": shown.value if shown else conversion.value},
        )  # fmt: skip


def language_name(code: str, lang: str) -> str:
    """A language's name in another one: `kk` is казахский."""
    locale = _LOCALES.get(lang, _LOCALES[FALLBACK])
    return str(locale.languages.get(code.split("-")[0], code))


def _langs(langs: Sequence[tuple[str, int]], locale: Locale) -> str:
    return ", ".join(str(locale.languages.get(code, code)) for code, _ in langs[:3])


def _written(value: object, locale: Locale) -> str:
    if isinstance(value, float):
        return str(format_percent(value, "#,##0.#%" if locale.language == "en" else "#,##0.#\u00a0%", locale=locale))
    return str(value)


@cache
def _words() -> Mapping[str, Mapping[str, str | Mapping[str, str]]]:
    return tomllib.loads(files(__package__).joinpath("advice.toml").read_text("utf-8"))
