"""The console's texts by id, in the language that the person reads."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Callable
from importlib.resources import files
from typing import Literal, TypeAlias

Lang: TypeAlias = Literal["en", "ru"]
Say: TypeAlias = Callable[..., str]

NARROW = "\u202f"  # a thin space that does not break: groups of digits in Russian


def texts_in(lang: Lang) -> Say:
    """`say("open_chat")`, `say("catalogue_rows", products=…)` in that language."""

    def say(text: str, /, **values: object) -> str:
        return catalogue()[text][lang].format(**values)

    return say


def reader(asked: str, accepted: str) -> Lang:
    """The language asked for in the address, or the first of Accept-Language that we have; else English."""
    preferred = [part.split(";")[0].strip()[:2].lower() for part in accepted.split(",")]
    for choice in (asked.lower(), *preferred):
        if choice == "ru":
            return "ru"
        if choice == "en":
            return "en"
    return "en"


def number(value: int, lang: Lang) -> str:
    return f"{value:,}".replace(",", NARROW) if lang == "ru" else f"{value:,}"


@functools.cache
def catalogue() -> dict[str, dict[str, str]]:
    return tomllib.loads((files("ui") / "texts.toml").read_text(encoding="utf-8"))
