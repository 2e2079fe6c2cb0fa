"""The assistant's own sentences, by id and language, from the catalogues in `texts/`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from importlib import resources

FALLBACK = "en"

Entry = str | list[str] | dict[str, str]


def say(id: str, lang: str, *, turn: int = 0, **values: object) -> str:
    """The sentence `id` in `lang` (English where the language or the sentence is missing), its {places} filled.

    `turn` picks among phrasings that take turns: give the number of the message. A sentence with plural forms
    chooses by the value `n`. Raises KeyError for an id that English lacks.
    """
    entry = _catalogue(lang).get(id)
    spoken = lang
    if entry is None:
        entry, spoken = _catalogue(FALLBACK)[id], FALLBACK
    match entry:
        case str():
            text = entry
        case list():
            text = entry[turn % len(entry)]
        case dict():
            text = entry.get(plural(values.get("n", 0), spoken)) or entry["other"]
    return _filled(text, values)


def languages() -> tuple[str, ...]:
    """The languages that have a catalogue."""
    folder = resources.files(__package__).joinpath("texts")
    return tuple(sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml")))


def ids(lang: str = FALLBACK) -> frozenset[str]:
    """The sentences that a language has."""
    return frozenset(_catalogue(lang))


def plural(n: object, lang: str) -> str:
    """The CLDR plural category of a number: one, few, many or other (cldr.unicode.org, plural rules, version 46)."""
    number = Decimal(str(n)).copy_abs()
    if number != number.to_integral_value():
        return "other"
    whole = int(number)
    match lang:
        case "ru" | "uk" | "be":
            return _slavic(whole)
        case "pl":
            return "one" if whole == 1 else "few" if _ends_in_few(whole) else "many"
        case "cs":
            return "one" if whole == 1 else "few" if 2 <= whole <= 4 else "other"
        case "fr":
            return "one" if whole < 2 else "other"
        case "ro":
            return "one" if whole == 1 else "few" if whole == 0 or 1 <= whole % 100 <= 19 else "other"
        case "zh" | "ja" | "ko":
            return "other"
        case _:
            return "one" if whole == 1 else "other"


def _slavic(whole: int) -> str:
    if whole % 10 == 1 and whole % 100 != 11:
        return "one"
    return "few" if _ends_in_few(whole) else "many"


def _ends_in_few(whole: int) -> bool:
    return 2 <= whole % 10 <= 4 and not 12 <= whole % 100 <= 14


def _filled(text: str, values: Mapping[str, object]) -> str:
    """Places are plain names; a value's own braces stay as they are, since customers and catalogues write them."""
    return re.sub(r"\{(\w+)\}", lambda place: str(values[place[1]]), text)


@cache
def _catalogue(lang: str) -> dict[str, Entry]:
    if not re.fullmatch(r"[a-z]{2}", lang):
        return {}
    file = resources.files(__package__).joinpath("texts", f"{lang}.toml")
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
