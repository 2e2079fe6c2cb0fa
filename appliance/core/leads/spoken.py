"""Numbers said in words, digit by digit or in groups: "девятьсот двенадцать сорок пять" is 91245."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from appliance.core.leads.words import table

WORD = re.compile(r"\+|\d+|[^\W\d_]+(?:['’ʻʼ‘][^\W\d_]+)?")
JOINS = re.compile(r"[ \t\u00a0,.;:()/–—-]*")
QUOTES = str.maketrans("’ʻʼ‘", "''''")
LEAST = 7  # digits: fewer are no phone


@dataclass(frozen=True, slots=True)
class Run:
    """Digits that were said in a row; `start` and `end` are places in the text."""

    start: int
    end: int
    digits: str  # with a leading "+" where one was said


def runs(text: str) -> Iterator[Run]:
    """The runs of number words (figures may stand among them) that are long enough for a phone."""
    row: list[re.Match[str]] = []
    for match in WORD.finditer(text):
        if _value(match[0]) is None:
            yield from _run(row)
            row = []
            continue
        if row and (match[0] == "+" or not JOINS.fullmatch(text, row[-1].end(), match.start())):
            yield from _run(row)
            row = []
        row.append(match)
    yield from _run(row)


def _run(row: list[re.Match[str]]) -> Iterator[Run]:
    if any(match[0].isalpha() and _value(match[0]) not in ("+", None) for match in row):
        digits = _joined([match[0] for match in row])
        if len(digits.lstrip("+")) >= LEAST:
            yield Run(row[0].start(), row[-1].end(), digits)


def _joined(said: list[str]) -> str:
    """Words to digits: within a group a smaller value fills the zeros of a greater one, as in speech."""
    digits = ""
    room = 0  # trailing zeros of the last value that a following word may fill
    times = 1
    for word in said:
        value = _value(word)
        assert value is not None
        if value == "+":
            digits, room = digits or "+", 0
        elif value in ("x2", "x3"):
            times = int(value[1])
        elif value[0] == "n":  # "two twos": how many there are was said before
            times = int(digits[-1]) if digits and digits[-1] in "234" else 1
            digits, room, times = digits[:-1] + value[1] * times if times > 1 else digits + value[1], 0, 1
        elif value == "00":  # "nine hundred"
            digits, room = digits + "00", 2
        elif not word.isdigit() and value.strip("0") and 0 < len(value) <= room:
            digits, room = digits[: -len(value)] + value, _zeros(value)
        else:
            digits += value * times
            room = 0 if word.isdigit() or times > 1 else _zeros(value)
            times = 1
    return digits


def _zeros(value: str) -> int:
    """Of "900" and "40" a smaller word fills the zeros, of "0" and "10" none does."""
    return 0 if value in ("0", "10") else len(value) - len(value.rstrip("0"))


def _value(word: str) -> str | None:
    return word if word.isdigit() or word == "+" else _values().get(word.lower().translate(QUOTES))


@cache
def _values() -> dict[str, str]:
    words = table("spoken")
    values = {word: str(at + 1) for at, names in enumerate(words["ones"]) for word in names}
    values |= {word: str(at + 10) for at, names in enumerate(words["teens"]) for word in names}
    values |= {word: str((at + 2) * 10) for at, names in enumerate(words["tens"]) for word in names}
    values |= {word: str((at + 1) * 100) for at, names in enumerate(words["hundreds"]) for word in names}
    values |= dict.fromkeys(words["zero"], "0") | dict.fromkeys(words["plus"], "+")
    values |= dict.fromkeys(words["double"], "x2") | dict.fromkeys(words["triple"], "x3")
    values |= {word: f"n{digit}" for word, digit in words["named"].items()}
    return values | dict.fromkeys(words["hundred"], "00")
