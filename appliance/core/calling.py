"""Understands a customer who wants a person now: "call a manager", and the quick reply that says so."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

from appliance.core.language import readable
from appliance.core.lexicon import LANGUAGES, normal, phrases
from appliance.core.texts import say

LONGEST = 160  # characters: whoever writes more tells a story, in which a manager may only be mentioned


def calls(text: str, *, lang: str) -> bool:
    """Whether a message asks for a person, rather than for a way to reach one or about one."""
    plain = normal(readable(text, lang)).strip(" .,!;:()…")
    if not plain or len(plain) > LONGEST:
        return False
    return plain in _buttons() or any(
        pattern["call"].search(plain) and not pattern["other"].search(plain) for pattern in _patterns(plain, lang)
    )


def _patterns(plain: str, lang: str) -> list[Mapping[str, re.Pattern[str]]]:
    """Of the customer's language, and of Russian or English where the letters are."""
    also = (("ru", "[а-я]"), ("en", "[a-z]"))
    return [_table(code) for code in dict.fromkeys((lang, *(code for code, own in also if re.search(own, plain))))]


@cache
def _table(lang: str) -> Mapping[str, re.Pattern[str]]:
    tables = tomllib.loads(resources.files(__package__).joinpath("calling.toml").read_text("utf-8"))
    return phrases(tables.get(lang) or tables["en"], joined=lang == "zh")


@cache
def _buttons() -> frozenset[str]:
    return frozenset(normal(say("quick_manager", lang)) for lang in LANGUAGES)
