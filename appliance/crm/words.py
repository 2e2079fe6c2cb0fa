"""The words of the CRM's part: reasons for people, and what stands in notes and records, by language."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

FALLBACK = "en"


def reason(why: Mapping[str, Any], lang: str) -> str:
    """Why a push failed, as a sentence that says what to do; empty for no reason."""
    return word(f"why_{why['id']}", lang, **{name: value for name, value in why.items() if name != "id"}) if why else ""


def word(id: str, lang: str, **values: Any) -> str:
    """Raises `KeyError` for an unknown id."""
    return str(words(lang)[id]).format_map(values).strip()


@cache
def words(lang: str) -> Mapping[str, str]:
    tables = tomllib.loads(resources.files(__package__).joinpath("words.toml").read_text("utf-8"))
    found: dict[str, str] = tables.get(lang) or tables[FALLBACK]
    return found
