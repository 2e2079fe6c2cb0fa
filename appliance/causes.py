"""What may be wrong with the box, and what to do about it, by id: in words for people of either language."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from importlib.resources import files

LANGUAGES = ("en", "ru")


def told(cause: str, lang: str = "en", /, **values: object) -> str:
    """The text of a cause with its {names} filled in; all who do not read Russian read English."""
    return catalogue()[cause]["ru" if lang == "ru" else "en"].format(**values)


def waits(cause: str) -> bool:
    """Whether the news of it may wait until the quiet hours are over."""
    return "waits" in catalogue()[cause]


def tells(cause: str) -> bool:
    """Whether people are alerted of it."""
    return "no_alert" not in catalogue()[cause]


@functools.cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads((files("appliance") / "causes.toml").read_text(encoding="utf-8"))
