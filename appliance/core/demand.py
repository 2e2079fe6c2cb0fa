"""What customers asked for and did not get, put together: the same wish in other words or another language is one wish.

A wish's key is made the way search reads it: courtesy, limits and quantities are left out, each word goes to its stem,
and a word of trade to one name whatever language it was said in. Wishes of one key are one group by definition; keys
that share most of their words, or differ by a slip of the finger, are joined to the larger group (leader clustering:
J. A. Hartigan, "Clustering algorithms", 1975, ch. 3), which stays as it was, so that groups do not drift.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files

from rapidfuzz import fuzz, process

from catalog.glossary import TARGETS, translate
from catalog.normalize import fold, scan, stem, words
from catalog.understand import function_words, understand

LONGEST = 300  # characters of a wish that are read; longer ones are letters
MOST_WORDS = 8  # of a key
MOST_KEYS = 1500  # that are compared with each other; the rest are rare and stay as they are
ALIKE = 0.6  # share of common words (Jaccard) from which two wishes are one: "glove rubber" and "glove rubber black"
SLIP = 88  # similarity of letters, 0 to 100, from which two keys differ by a slip; "pomp" and "pump" are 75, too short


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What one key was asked for: how many dialogues, in which languages, when last, and some customers' own words."""

    key: str
    dialogues: int
    langs: tuple[tuple[str, int], ...] = ()  # most first
    last: datetime | None = None
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Wishes that are one; `key` is the commonest of `keys`."""

    key: str
    keys: tuple[str, ...]
    dialogues: int
    langs: tuple[tuple[str, int], ...]
    last: datetime | None
    examples: tuple[str, ...]


def key(text: str) -> str:
    """The wish in a text as words in order of the alphabet; empty where there is none. Linear in its length."""
    wish = understand(text[:LONGEST]).text or fold(text[:LONGEST])
    bare = _without_quantities(wish)
    names = {name for name in _names(bare) if name}
    if not names:  # nothing but quantities: they are what was asked for
        names = {word for word in words(fold(wish)) if len(word) > 1}
    return " ".join(sorted(names)[:MOST_WORDS])


def groups(wanted: Sequence[Wanted], *, most: int = 50) -> list[Group]:
    """The largest groups, the largest first; each wish is in one of them at most."""
    ordered = sorted((one for one in wanted if one.key), key=lambda one: (-one.dialogues, one.key))
    leaders: list[str] = []
    members: dict[str, list[Wanted]] = {}
    for place, one in enumerate(ordered):
        leader = _leader(one.key, leaders) if place < MOST_KEYS else None
        if leader is None:
            members[one.key] = [one]
            if place < MOST_KEYS:
                leaders.append(one.key)
        else:
            members[leader].append(one)
    found = [_group(leader, inside) for leader, inside in members.items()]
    return sorted(found, key=lambda group: (-group.dialogues, group.key))[:most]


def _names(text: str) -> list[str]:
    """Each word of trade by one name for all languages, other words by their stem; what tells nothing is left out."""
    glossed = translate(text)
    own = {stem(word) for word in words(text)}
    names = []
    for group in glossed.groups or tuple(frozenset({word}) for word in own):
        told = group - own if glossed.language not in TARGETS and group - own else group
        if not group & _idle():
            latin = [word for word in told if word.isascii()]
            names.append(min(latin or told))
    return names


@cache
def _idle() -> frozenset[str]:
    own = tomllib.loads(files(__package__).joinpath("demand.toml").read_text("utf-8"))["idle"]
    return frozenset(stem(fold(word)) for word in (*own, *function_words()))


def _without_quantities(text: str) -> str:
    folded = fold(text)
    for quantity in sorted((one for one in scan(folded) if one.sure), key=lambda one: one.start, reverse=True):
        folded = f"{folded[: quantity.start]} {folded[quantity.end :]}"
    return folded


def _leader(candidate: str, leaders: Sequence[str]) -> str | None:
    """The first, so largest, group that a key belongs to."""
    said = set(candidate.split())
    for leader in leaders:
        other = set(leader.split())
        if said & other and len(said & other) >= ALIKE * len(said | other):
            return leader
    if any(letter.isdigit() for letter in candidate):
        return None  # codes that differ by a digit are different goods
    close = process.extractOne(candidate, leaders, scorer=fuzz.ratio, score_cutoff=SLIP)
    return close[0] if close and not any(letter.isdigit() for letter in close[0]) else None


def _group(leader: str, inside: Sequence[Wanted]) -> Group:
    langs: dict[str, int] = {}
    for one in inside:
        for lang, count in one.langs:
            langs[lang] = langs.get(lang, 0) + count
    return Group(
        key=leader,
        keys=tuple(one.key for one in inside),
        dialogues=sum(one.dialogues for one in inside),
        langs=tuple(sorted(langs.items(), key=lambda pair: (-pair[1], pair[0]))),
        last=max((one.last for one in inside if one.last), default=None),
        examples=tuple(dict.fromkeys(text for one in inside for text in one.examples))[:3],
    )
