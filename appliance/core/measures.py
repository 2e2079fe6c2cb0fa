"""Units as the customer reads them: where a price list says "3 кВт" and "шт", an English card says "3 kW" and "pcs"."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

READS_RUSSIAN = frozenset(
    {"ru", "uk", "kk", "uz", "be", "ky", "tg"}
)  # who gets the Russian of two names, and its units
_CYRILLIC = re.compile(r"[А-Яа-яЁё]")
_MEASURE = re.compile(r"(?<=\d)(?P<gap>[\s\u00a0]*)(?P<unit>°?[А-Яа-яЁё][\w²³·*./()-]*)")
_INSIDE = re.compile(r"\A°?[А-Яа-яЁё][\w²³·*./()-]*\Z")


def measured(text: str, lang: str) -> str:
    """A property's text with its units in international symbols, for those who do not read Cyrillic."""
    if lang in READS_RUSSIAN or not _CYRILLIC.search(text):
        return text
    return _MEASURE.sub(lambda match: match["gap"] + symbol(match["unit"]), text)


def symbol(unit: str) -> str:
    """The international symbol of one unit; what is none, or is not known, stays."""
    if not _INSIDE.match(unit):
        return unit
    known = _symbols()
    return known.get(unit) or known.get(unit.lower()) or known.get(unit.rstrip(".,")) or unit


def sold_by(unit: str, lang: str) -> str:
    """The unit of sale in the customer's language: "шт" is "pcs"; a measure becomes its symbol."""
    words = _sold().get(unit.strip().lower(), {})
    if lang in READS_RUSSIAN:
        return words.get(lang, unit)
    return words.get(lang) or words.get("en") or symbol(unit)


@cache
def _tables() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    return tomllib.loads(resources.files(__package__).joinpath("measures.toml").read_text("utf-8"))


@cache
def _symbols() -> dict[str, str]:
    return {spelling: symbol for symbol, spellings in _tables()["symbols"].items() for spelling in spellings}


@cache
def _sold() -> dict[str, Mapping[str, str]]:
    return {spelling: words for words in _tables()["sold"].values() for spelling in words["written"].split()}
