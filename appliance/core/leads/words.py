"""The words by which contacts are told from other numbers and names: read once, compiled."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


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
    return frozenset(
        name.lower() for line in lines if not line.startswith("#") for name in line.partition(":")[2].split()
    )
