"""The revision of the schema that this program was written for, read without loading the migrations' library."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).with_name("migrations")
_OWN = re.compile(r"^revision = ['\"](\w+)['\"]", re.MULTILINE)
_BEFORE = re.compile(r"^down_revision = ['\"](\w+)['\"]", re.MULTILINE)


@cache
def newest() -> str:
    """The one revision that no other follows; every process asks at its start, so it has to be cheap."""
    [head] = known() - {match[1] for text in _texts() if (match := _BEFORE.search(text))}
    return head


def known() -> set[str]:
    """All revisions that this program can bring a database from."""
    return {match[1] for text in _texts() if (match := _OWN.search(text))}


def _texts() -> list[str]:
    return [path.read_text(encoding="utf-8") for path in (FOLDER / "versions").glob("*.py")]
