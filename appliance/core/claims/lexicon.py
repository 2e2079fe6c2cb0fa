"""The gate's vocabulary, read once from the data files beside this one."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def data(name: str) -> dict[str, Any]:
    """One of the package's TOML files."""
    return tomllib.loads(files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8"))


@cache
def pattern(section: str, name: str) -> re.Pattern[str]:
    """One entry of the lexicon as a pattern that matches at the start of a word."""
    entry = data("lexicon")[section][name]
    words = entry[2:] if section == "compare" else entry
    return _at_word_start(tuple(words))


@cache
def names(section: str) -> tuple[str, ...]:
    return tuple(data("lexicon")[section])


@cache
def plain_words(name: str) -> frozenset[str]:
    return frozenset(data("lexicon")["plain"][name].split())


def has(section: str, name: str, text: str) -> bool:
    return pattern(section, name).search(text) is not None


@cache
def _at_word_start(words: tuple[str, ...]) -> re.Pattern[str]:
    # Chinese has no spaces between words, so its entries match anywhere.
    inside = [word for word in words if _is_chinese(word)]
    others = [word for word in words if not _is_chinese(word)]
    parts = [rf"(?<![^\W_])(?:{'|'.join(others)})"] if others else []
    return re.compile("|".join(parts + inside), re.IGNORECASE)


def _is_chinese(word: str) -> bool:
    return bool(re.match(r"[\u4e00-\u9fff]", word))
