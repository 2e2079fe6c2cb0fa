"""Folds article numbers so that one code written three ways is one code."""

from __future__ import annotations

import re

from catalog.normalize.text import HOMOGLYPHS

LONGEST = 32  # bytes of a folded code that are kept; part numbers beyond that are told apart by their rows

_SEPARATORS = re.compile(r"[\s\-_./\\,:;*#№()\[\]'\"«»+|–—]+")
_CHUNK = re.compile(r"\S+")
_JOINTS = re.compile(r"[/()\[\],]")
_EDGES = "()[]«»\"'.,;:!?№#"


def fold_code(text: str) -> str:
    """Lower case, separators dropped, Cyrillic look-alikes made Latin: `2СDS-284 001` is `2cds284001`.

    Letters that look like nothing in Latin stay Cyrillic, as they do in `КШТ61`.
    """
    return _SEPARATORS.sub("", text.lower().translate(HOMOGLYPHS))


_SPELT = str.maketrans("абвгдезийклмнопрстуфх", "abvgdeziiklmnoprstufh")


def spelt_code(text: str) -> str:
    """The same, with Cyrillic letters read by their sound: `6205-2рс` was meant as `62052rs`."""
    return _SEPARATORS.sub("", text.lower().translate(_SPELT))


def looks_like_code(text: str) -> bool:
    """Whether a chunk without spaces may be an article number: digits with letters, or five digits and more."""
    folded = fold_code(text)
    digits = sum(map(str.isdigit, folded))
    if digits == 0 or len(folded) < 3:
        return False
    return digits >= 5 if digits == len(folded) else digits >= 2 or len(folded) >= 4


def codes_in(text: str) -> list[str]:
    """The folded codes of a name: its code-like chunks, and the parts of chunks joined by slashes or brackets."""
    found: dict[str, None] = {}
    for chunk in _CHUNK.findall(text):
        if not any(map(str.isdigit, chunk)):
            continue
        for part in dict.fromkeys((chunk, *_JOINTS.split(chunk))):
            if looks_like_code(part):
                found[fold_code(part.strip(_EDGES))] = None
    return list(found)
