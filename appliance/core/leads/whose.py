"""Whose a phone or an address is, by the words around it, and which of several to take."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from appliance.core.leads.words import pattern

BEFORE = 60  # characters that are looked at
AFTER = 40
SENTENCE = re.compile(r"[.!?\n](?=\s|$)|\n")
CLAUSE = re.compile(r"[,;.!?\n]")
NOT = re.compile(r"(?<!\w)(?:не|not)\s*$", re.IGNORECASE)
SHORT = 6  # words of a message that does nothing but take the one before back
OF_IT = re.compile(  # "… . That's the office": the next sentence, where it speaks of nothing else
    r"[.!?\n]\s*(?:(?:ой|упс|но|а|oh|but|well)[,\s]+)?"
    r"((?:это|этот|он|она|цей|це|it['’]?s|that['’]?s|it is|that is|this is)\s[^.,;!?\n]*)",
    re.IGNORECASE,
)
AND = re.compile(r"[,;.!?\n]|\s(?:а|но|and|but|und|або|benimki)\s")


class Weight(IntEnum):
    """How much speaks for a candidate; the first of the heaviest is taken, of corrections the last."""

    DEAD = -1
    SPARE = 0
    PLAIN = 1
    OWN = 2
    BETTER = 3
    FIXED = 4


SAYING = (("fixed", Weight.FIXED), ("better", Weight.BETTER), ("spare", Weight.SPARE))


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something found in a message; `start` and `end` are places in its text."""

    value: str
    message: int
    start: int
    end: int


def chosen(candidates: Sequence[Candidate], messages: Sequence[str]) -> Candidate | None:
    """The customer's own, or the one they asked to use; None where all are other people's."""
    weighed = [
        (weight, candidate)
        for candidate in candidates
        if (weight := _weight(candidate, candidates, messages)) is not None
    ]
    if not weighed:
        return None
    heaviest = max(weight for weight, _ in weighed)
    best = [candidate for weight, candidate in weighed if weight is heaviest]
    return best[-1] if heaviest is Weight.FIXED and len(weighed) > 1 else best[0]


def _weight(candidate: Candidate, others: Sequence[Candidate], messages: Sequence[str]) -> Weight | None:
    before, after = around(candidate, others, messages[candidate.message])
    words = before + " | " + after
    if pattern("whose", "ours").search(before):
        return None
    mine = re.sub(pattern("whose", "other"), " ", words)
    if NOT.search(before) and any(
        other.message == candidate.message and other.start > candidate.end for other in others
    ):
        return Weight.DEAD
    if mine != words and not pattern("whose", "delegated").search(words) and not _owned(before):
        return None
    if _is_correction(candidate, others, messages):
        return Weight.FIXED
    nearest = re.sub(pattern("whose", "other"), " ", CLAUSE.split(before)[-1])
    for name, weight in SAYING:  # "the old one is dead, my new one is": the nearest clause says it, if it says a thing
        if weight is not Weight.DEAD and pattern("whose", name).search(nearest):
            return weight
    for name, weight in (("dead", Weight.DEAD), *SAYING):
        if pattern("whose", name).search(mine):
            return weight
    return Weight.OWN if pattern("whose", "own").search(mine) else Weight.PLAIN


def _is_correction(candidate: Candidate, others: Sequence[Candidate], messages: Sequence[str]) -> bool:
    """Whether the words between it and the one before take that one back, or a message of its own did."""
    said = messages[candidate.message - 1] if candidate.message else ""
    wrote = {other.message for other in others}
    before = [other.end for other in others if other.message == candidate.message and other.end <= candidate.start]
    link = messages[candidate.message][max(before) : candidate.start] if before else ""  # "a@b.ru, нет, c@d.ru"
    if link and len(link.split()) <= SHORT and pattern("whose", "taken_back").search(link):
        return True
    between = candidate.message - 1 not in wrote and any(at < candidate.message - 1 for at in wrote)
    return between and len(said.split()) <= SHORT and bool(pattern("whose", "fixed").search(said))


def _owned(before: str) -> bool:
    """Whether the nearest owner named before is the customer: "коллега занят, а мой номер"."""
    strangers = [match.end() for match in pattern("whose", "other").finditer(before)]
    blank = re.sub(pattern("whose", "other"), lambda match: " " * len(match[0]), before)
    own = [match.end() for match in pattern("whose", "own").finditer(blank)]
    return bool(own) and own[-1] > max(strangers, default=0)


def around(candidate: Candidate, others: Sequence[Candidate], text: str) -> tuple[str, str]:
    """The words that speak of a candidate: its sentence, as far as the neighbouring candidates."""
    same = [other for other in others if other.message == candidate.message and other is not candidate]
    low = max([other.end for other in same if other.end <= candidate.start], default=0)
    high = min([other.start for other in same if other.start >= candidate.end], default=len(text))
    before = text[max(low, candidate.start - BEFORE) : candidate.start]
    if low:  # what follows the neighbour up to the comma is the neighbour's
        before = CLAUSE.split(before, maxsplit=1)[-1] if CLAUSE.search(before) else before
    before = SENTENCE.split(before)[-1]
    after = text[candidate.end : min(high, candidate.end + AFTER)]
    it = OF_IT.match(after)
    after = (AND if high < len(text) else SENTENCE).split(after, maxsplit=1)[0]
    return before, it[1] if it and not after.strip() else after
