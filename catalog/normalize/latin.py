"""Reads Russian that was written in Latin letters, by the habits of passports, of telephones and of Germans."""

from __future__ import annotations

import re
from collections.abc import Iterator

_COMMON = {
    "shch": "щ", "sch": "щ", "shh": "щ", "sh": "ш", "ch": "ч", "zh": "ж", "kh": "х", "ts": "ц", "tz": "ц",
    "yu": "ю", "ju": "ю", "iu": "ю", "ya": "я", "ja": "я", "ia": "я", "yo": "е", "jo": "е", "ye": "е", "je": "е",
    "a": "а", "b": "б", "c": "ц", "d": "д", "e": "е", "f": "ф", "g": "г", "h": "х", "i": "и", "j": "й", "k": "к",
    "l": "л", "m": "м", "n": "н", "o": "о", "p": "п", "q": "к", "r": "р", "s": "с", "t": "т", "u": "у", "v": "в",
    "w": "в", "x": "х", "y": "ы", "z": "з",
}  # fmt: skip
# Figures and letters by their look, from the days when a message took no Cyrillic: `4ernila`, `6urup`, `zawita`.
_TELEPHONE = _COMMON | {"w": "ш", "4": "ч", "6": "ш", "9": "я", "j": "ж", "'": "ь"}
_GERMAN = _COMMON | {"schtsch": "щ", "tsch": "ч", "sch": "ш", "ch": "х", "w": "в", "z": "ц"}
_HABITS = tuple(
    (re.compile("|".join([*sorted(map(re.escape, table), key=len, reverse=True), "."])), table)
    for table in (_COMMON, _TELEPHONE, _GERMAN)
)
_WORD = re.compile("(?=.*[a-z]{2})[a-z469']+")


def in_cyrillic(word: str) -> Iterator[str]:
    """What a folded word may be in Russian letters, each reading once; nothing where it is not in Latin ones."""
    if _WORD.fullmatch(word):
        read = ("".join(table.get(sign, sign) for sign in pattern.findall(word)) for pattern, table in _HABITS)
        yield from dict.fromkeys(read)
