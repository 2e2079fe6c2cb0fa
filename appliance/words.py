"""What the box says to the person who runs it, by id, in the language of the terminal."""

from __future__ import annotations

import functools
import os
import tomllib
from collections.abc import Mapping
from importlib.resources import files


def words(text: str, /, **values: object) -> str:
    """The text of that id with its {names} filled in."""
    return catalogue()[text][language()].format(**values)


def grouped(number: float) -> str:
    """A whole number as people of that language read a long one."""
    return f"{number:,.0f}".replace(",", "\N{NO-BREAK SPACE}" if language() == "ru" else ",")


def language(env: Mapping[str, str] = os.environ) -> str:
    """POSIX: LC_ALL before LC_MESSAGES before LANG. All who are not Russian read English."""
    chosen = env.get("LC_ALL") or env.get("LC_MESSAGES") or env.get("LANG") or ""
    return "ru" if chosen.lower().startswith("ru") else "en"


@functools.cache
def catalogue() -> dict[str, dict[str, str]]:
    return tomllib.loads((files("appliance") / "words.toml").read_text(encoding="utf-8"))
