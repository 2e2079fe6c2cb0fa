"""Which release this is."""

from __future__ import annotations

import importlib.metadata
import tomllib
from functools import cache
from pathlib import Path


@cache
def version() -> str:
    """Of the clone that we run from, or of the installed package."""
    clone = Path(__file__).resolve().parents[1] / "pyproject.toml"
    if clone.is_file():
        return str(tomllib.loads(clone.read_text(encoding="utf-8"))["project"]["version"])
    return importlib.metadata.version("counterman")
