"""Gives the importer's texts by id in the reader's language."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

LANGUAGES = ("en", "ru")


def message(id: str, lang: str = "en", **values: object) -> str:
    """The text `id` in `lang` (English where there is no such language) with {names} replaced by `values`."""
    texts = _catalogue()[id]
    return texts.get(lang, texts["en"]).format(**values)


@cache
def _catalogue() -> dict[str, dict[str, str]]:
    return tomllib.loads((files(__package__) / "messages.toml").read_text("utf-8"))
