"""The words by which contacts are told from other numbers and names: read once, compiled."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
LATIN = str.maketrans(
    {
        **dict(zip("абвгдзиклмнопрстуфэ", "abvgdziklmnoprstufe", strict=True)),
        "ж": "zh",
        "ц": "ts",
        "ч": "ch",
        "ш": "sh",
        "щ": "shch",
        "ъ": "",
        "ь": "",
    }
)


@cache
def table(name: str) -> dict[str, Any]:
    """A section of words.toml."""
    tables: dict[str, dict[str, Any]] = tomllib.loads((HERE / "words.toml").read_text("utf-8"))
    return tables[name]


@cache
def pattern(section: str, name: str) -> re.Pattern[str]:
    """A pattern of words.toml; those of words begin at a word's beginning."""
    source = table(section)[name]
    return re.compile(source if source.startswith(("^", "\\b")) else rf"(?<!\w)(?:{source})", re.IGNORECASE)


@cache
def first_names() -> frozenset[str]:
    """Known first names and short forms, lower-case."""
    lines = (HERE / "names.txt").read_text("utf-8").splitlines()
    names = [name.lower() for line in lines if not line.startswith("#") for name in line.partition(":")[2].split()]
    russian = [name for line in lines if line.startswith("ru:") for name in line.partition(":")[2].lower().split()]
    return frozenset(names) | {spelt for name in russian for spelt in _in_latin(name)}


def _in_latin(name: str) -> set[str]:
    """As Russians spell a name on a keyboard without Cyrillic: "Юлия" is Yuliya, Yulia, Julia and Iuliia."""
    ways = (("ю", "yu ju iu"), ("я", "ya ia a"), ("й", "y i"), ("ё", "yo e"), ("е", "e ye"), ("х", "kh h"), ("ы", "y"))
    spelt = {name}
    for letter, latin in ways:
        spelt = {one.replace(letter, other) for one in spelt for other in latin.split()} if letter in name else spelt
    return {latin for one in spelt if len(latin := one.translate(LATIN)) > 2}
