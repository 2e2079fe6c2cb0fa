"""What may be wrong with the box, and what to do about it, by id: in words for people of either language."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

LANGUAGES = ("en", "ru")


class Caused(Exception):
    """A fault that whoever reads of it reads in their language; its own words are English."""

    def __init__(self, cause: str, /, **values: object) -> None:
        """`cause` is the id of a text, `values` fill it in; one of them may be another fault of this kind."""
        self.cause = cause
        self.values = {name: _plain(value) for name, value in values.items()}
        super().__init__(told(cause, **self.values))

    def plain(self) -> dict[str, Any]:
        """As JSON carries it."""
        return {"cause": self.cause, "values": self.values}


def _plain(value: object) -> Any:
    match value:
        case Caused():
            return value.plain()
        case int() | Mapping():
            return value
        case _:
            return str(value)


def told(cause: str, lang: str = "en", /, **values: object) -> str:
    """The text of a cause with its {names} filled in; all who do not read Russian read English."""
    said = {name: _nested(value, lang) for name, value in values.items()}
    return catalogue()[cause]["ru" if lang == "ru" else "en"].format(**said)


def _nested(value: object, lang: str) -> object:
    """A value that is a cause of its own, in words."""
    if isinstance(value, Mapping) and value.get("cause") in catalogue():
        return told(str(value["cause"]), lang, **value.get("values") or {})
    return value


def waits(cause: str) -> bool:
    """Whether the news of it may wait until the quiet hours are over."""
    return "waits" in catalogue()[cause]


def tells(cause: str) -> bool:
    """Whether people are alerted of it."""
    return "no_alert" not in catalogue()[cause]


@functools.cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads((files("appliance") / "causes.toml").read_text(encoding="utf-8"))
