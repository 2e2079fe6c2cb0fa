"""Says in Russian and English what was asked in another language, word by word, from a small dictionary of trade."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from threading import local

import Stemmer

from catalog.normalize import fold, words
from catalog.normalize.text import light, russian_cousin, stem

LANGUAGES = ("ru", "en", "uk", "kk", "de", "ro")
TARGETS = ("ru", "en")  # languages that goods are named in, and that the embedder knows well
SPOKEN = ("ru", "en", "de")  # languages that need no translation before they are embedded
MOST_WORDS = 24  # of a query that are translated
LONGEST_PHRASE = 3  # words of one entry

_OWN_LETTERS = {"uk": re.compile("[іїєґ]"), "kk": re.compile("[әғқңөұүһ]")}
_ROMANIAN = re.compile("(?:urilor|iilor|ilor|elor|ului|urile|uri|iile|ile|ele|iei|iul|iu|ie|ii|ul|ea|ei|le|[aeiu])$")
_local = local()

Entry = dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Glossed:
    """A query's language, its text in Russian or English where it was neither, and the words it would have there.

    `covered` is the share of its words that were found; `words` maps a stem to how surely it is meant.
    """

    language: str = ""
    text: str = ""
    covered: float = 0.0
    words: tuple[tuple[str, float], ...] = ()
    groups: tuple[frozenset[str], ...] = ()  # word by word, the stems by which a row may name it


def translate(text: str) -> Glossed:
    """The query's words in the other languages of the catalogue; empty when nothing is known. Linear in its length."""
    asked = words(fold(text))[:MOST_WORDS]
    script = _candidates(" ".join(asked))
    readings = {language: list(_read(asked, language)) for language in script}
    language = _language(" ".join(asked), readings)
    if not language:
        return Glossed()
    reading = readings[language]
    found = [entry for _, entry in reading if entry]
    others = [target for target in TARGETS if target != language]
    targets: dict[str, float] = {}
    for entry in found:
        for target in others:
            for place, phrase in enumerate(entry[target]):
                for word in words(phrase):
                    targets.setdefault(stem(word), 1.0 if place == 0 else 0.7)
    covered = len(found) / max(len([word for word in asked if word.isalpha()]), 1)
    told = (entry["ru"][0] if entry else _cousin(word, language) for word, entry in reading)
    said = "" if language in SPOKEN else " ".join(word for word in told if word)
    return Glossed(
        language=language,
        text=said,
        covered=min(covered, 1.0),
        words=tuple(targets.items()),
        groups=tuple(_group(word, entry) for word, entry in reading),
    )


def knows(word: str) -> bool:
    """Whether a folded word is one of the dictionary, in any language of its script."""
    index, _ = _index()
    return any((language, _stem(word, language)) in index for language in _candidates(word))


def _group(said: str, entry: Entry | None) -> frozenset[str]:
    own = {stem(word) for word in words(said)}
    return frozenset(
        own | {stem(word) for target in TARGETS for phrase in (entry or {}).get(target, ()) for word in words(phrase)}
    )


def _cousin(word: str, language: str) -> str:
    return russian_cousin(word) if language == "uk" else word


def _candidates(text: str) -> tuple[str, ...]:
    return ("ru", "uk", "kk") if re.search("[а-яіїєғ]", text) else ("en", "de", "ro")


def _language(text: str, readings: dict[str, list[tuple[str, Entry | None]]]) -> str:
    """The language with the most words found, its own letters counting as two; the first of equals."""
    votes = Counter(
        {language: sum(entry is not None for _, entry in reading) for language, reading in readings.items()}
    )
    for language, letters in _OWN_LETTERS.items():
        if language in votes and letters.search(text):
            votes[language] += 2
    language, count = max(votes.items(), key=lambda pair: pair[1])
    return language if count else ""


def _read(asked: Sequence[str], language: str) -> Iterator[tuple[str, Entry | None]]:
    """The words in order, each (or a phrase of several) with its entry or None."""
    index, entries = _index()
    stems = [_stem(word, language) for word in asked]
    at = 0
    while at < len(asked):
        for many in range(min(LONGEST_PHRASE, len(asked) - at), 0, -1):
            number = index.get((language, " ".join(stems[at : at + many])))
            if number is not None:
                yield " ".join(asked[at : at + many]), entries[number]
                break
        else:
            many = 1
            parts = _parted(asked[at], index) if language == "de" else ()
            if parts:
                yield from ((asked[at], entries[number]) for number in parts)
            else:
                yield asked[at], None
        at += many


def _parted(word: str, index: dict[tuple[str, str], int]) -> tuple[int, ...]:
    """The entries of a German compound: Kreiselpumpe is Kreisel and Pumpe."""
    for cut in range(len(word) - 3, 3, -1):
        tail = index.get(("de", _stem(word[cut:], "de")))
        head = next(
            (at for form in (word[:cut], word[: cut - 1]) if (at := index.get(("de", _stem(form, "de")))) is not None),
            None,
        )
        if tail is not None and head is not None:
            return head, tail
    return ()


@cache
def _index() -> tuple[dict[tuple[str, str], int], list[Entry]]:
    """(language, stemmed phrase) -> place of its entry, and the entries by place."""
    lines = files("catalog").joinpath("glossary.tsv").read_text("utf-8").splitlines()
    header = lines[1].split("\t")
    entries: list[Entry] = []
    index: dict[tuple[str, str], int] = {}
    for line in lines[2:]:
        cells = dict(zip(header, line.split("\t"), strict=False))
        entry = {language: tuple(fold(cells.get(language, "")).split("|")) for language in LANGUAGES}
        entries.append(entry)
        for language, phrases in entry.items():
            for phrase in phrases:
                key = " ".join(_stem(word, language) for word in words(phrase))
                if key:
                    index.setdefault((language, key), len(entries) - 1)
    return index, entries


def _stem(word: str, language: str) -> str:
    if language == "kk":
        return light(word)  # Kazakh words without a letter of their own would be taken for Russian ones
    if language == "ro":
        cut = _ROMANIAN.sub("", word)  # Snowball's Romanian keeps too many endings of short nouns apart
        return cut if len(cut) >= 3 else word
    if language != "de":
        return stem(word)
    if not hasattr(_local, "german"):
        _local.german = Stemmer.Stemmer("german", 4096)
    return str(_local.german.stemWord(word))
