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

from catalog.normalize import fold, scan, unit_of, words
from catalog.normalize.endings import root
from catalog.normalize.text import russian_cousin, stem

TARGETS = ("ru", "en")  # languages that goods are named in, and that the embedder knows well
SPOKEN = ("ru", "en", "de")  # languages that need no translation before they are embedded
NOUN_LAST = ("tr", "uz", "kk", "zh", "de")  # languages in which a trait, told by a noun too, stands before what has it
PILED = ("tr", "uz", "kk")  # languages whose endings pile up
MOST_WORDS = 24  # of a query that are translated
LONGEST_PHRASE = 3  # words of one entry
LONGEST_CHINESE = 8  # characters of one entry

_OWN_LETTERS = {"uk": re.compile("[іїєґ]"), "kk": re.compile("[әғқңөұүһі]"), "uz": re.compile("[ўғқҳ]")}
_CHINESE = re.compile("[\u4e00-\u9fff]+")
_TRAIT = re.compile(r"(?:ый|ий|ой|ая)\)?$")
_ROMANIAN = re.compile("(?:urilor|iilor|ilor|elor|ului|urile|uri|iile|ile|ele|iei|iul|iu|ie|ii|ul|ea|ei|le|[aeiu])$")
_UKRAINIAN = re.compile("(?:ого|ому|ими|ами|ями|ою|ею|ий|ій|им|их|ої|ів|їв|ам|ям|ах|ях|[аяоеєіїиуюь])$")
_local = local()

Entry = dict[str, tuple[str, ...]]
Reading = list[tuple[str, Entry | None]]  # words in order, with what they mean


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
    asked = words(spaced(fold(text)))[:MOST_WORDS]
    script = _candidates(" ".join(asked))
    readings = {language: _without_units(list(_read(asked, language)), language) for language in script}
    language = _language(" ".join(asked), readings)
    if not language:
        return Glossed()
    reading = readings[language]
    if language in NOUN_LAST:
        reading = sorted(reading, key=_place)
    found = [entry for _, entry in reading if entry]
    others = [target for target in TARGETS if target != language]
    targets: dict[str, float] = {}
    for entry in found:
        for target in others:
            for place, phrase in enumerate(entry[target]):
                for word in words(phrase):
                    targets.setdefault(stem(word), 1.0 if place == 0 else 0.7)
    covered = _known(reading) / max(len([word for word in asked if word.isalpha()]), 1)
    told = (entry["ru"][0].strip("()") if entry else _cousin(word, language) for word, entry in reading)
    telling = [one for one in reading if not _taken_for_granted(one[1])] or reading
    said = "" if language in SPOKEN else " ".join(word for word in told if word)
    return Glossed(
        language=language,
        text=said,
        covered=min(covered, 1.0),
        words=tuple(targets.items()),
        groups=tuple(group for word, entry in telling for group in _groups(word, entry, language)),
    )


def knows(word: str) -> bool:
    """Whether a folded word is one of the dictionary, in any language of its script."""
    index, _ = _index()
    return any(
        (language, form) in index for language in _candidates(word) for form in (word, _stem(word, language))
    ) or (word.isascii() and bool(_parted(word, index)))


def spaced(text: str) -> str:
    """A folded text with blanks between its Chinese words, at the longest that are known, and around its quantities."""
    if not _CHINESE.search(text):
        return text
    spans = [(one.start, one.end) for one in scan(text) if one.sure]
    ends = {end for span in spans for end in span}
    told = "".join(f" {letter}" if place in ends else letter for place, letter in enumerate(text))
    told = re.sub(r"(?<=[a-z0-9])(?=[\u4e00-\u9fff])|(?<=[\u4e00-\u9fff])(?=[a-z0-9])", " ", told)
    return " ".join(_CHINESE.sub(lambda run: " ".join(_chinese(run[0])), told).split())


def _chinese(run: str) -> Iterator[str]:
    """The words of a run of Chinese letters; what lies unknown between two known words stays together."""
    index, _ = _index()
    at = begun = 0
    while at < len(run):
        ends = range(min(len(run), at + LONGEST_CHINESE), at, -1)
        end = next((end for end in ends if ("zh", run[at:end]) in index or unit_of(run[at:end])), at)
        if end > at:
            if begun < at:
                yield run[begun:at]
            yield run[at:end]
            begun = end
        at = max(end, at + 1)
    if begun < len(run):
        yield run[begun:]


def _without_units(reading: Reading, language: str) -> Reading:
    """What is said without units after a number: "100 litre" is told by its quantity, in no language's words."""
    if language in TARGETS:
        return reading
    before = ["", *(word for word, _ in reading)]
    return [one for last, one in zip(before, reading, strict=False) if not (last[-1:].isdigit() and unit_of(one[0]))]


def _known(reading: Reading) -> int:
    """How many words were found, those of phrases each."""
    return sum(len(word.split()) for word, entry in reading if entry)


def _place(one: tuple[str, Entry | None]) -> int:
    """The goods before their traits, as they are named in Russian: what stands first says what is asked for."""
    _, entry = one
    return 2 if entry is None else int(bool(_TRAIT.search(entry["ru"][0])))


def _groups(said: str, entry: Entry | None, language: str) -> Iterator[frozenset[str]]:
    """The stems by which a row may name one word, the English among them.

    What takes several words in Russian ("kaynak maskesi" is "маска сварщика") is a group for each, the goods first;
    English names the goods last.
    """
    own = {stem(word) for word in words(said)}
    phrases = [words(phrase) for target in TARGETS for phrase in (entry or {}).get(target, ())]
    parts = words(entry["ru"][0]) if entry and language not in TARGETS else []
    if len(parts) < 2:
        yield frozenset(own.union(*({stem(word) for word in phrase} for phrase in phrases)))
        return
    goods = next((word for word in parts if not _TRAIT.search(word)), parts[0])
    english = [words(phrase) for phrase in entry["en"]] if entry else []
    alone = own | {stem(phrase[0]) for phrase in phrases if len(phrase) == 1}
    yield frozenset(alone | {stem(goods)} | {stem(phrase[-1]) for phrase in english if phrase})
    for word in parts:
        if word != goods:
            yield frozenset(alone | {stem(word)} | {stem(one) for phrase in english for one in phrase[:-1]})


def _taken_for_granted(entry: Entry | None) -> bool:
    """Whether a trait is one that goods have without being named so, in brackets in the list: "industrial"."""
    return entry is not None and entry["ru"][0].startswith("(")


def _cousin(word: str, language: str) -> str:
    return russian_cousin(word) if language == "uk" else word


def _candidates(text: str) -> tuple[str, ...]:
    if _CHINESE.search(text):
        return ("zh",)
    return ("ru", "uk", "kk", "uz") if re.search("[а-яіїєғ]", text) else ("en", "de", "ro", "tr", "uz")


def _language(text: str, readings: dict[str, Reading]) -> str:
    """The language with the most words found, its own letters counting as two; the first of equals."""
    votes = Counter({language: _known(reading) for language, reading in readings.items()})
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
            number = index.get((language, " ".join(asked[at : at + many])))
            if number is None:
                number = index.get((language, " ".join(stems[at : at + many])))
            if number is None and language in PILED and asked[at + many - 1][-1] in "iuыіи":  # whose it is
                last = _stem(asked[at + many - 1][:-1], language)
                number = index.get((language, " ".join([*stems[at : at + many - 1], last])))
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
    """(language, phrase as written and stemmed) -> place of its entry, and the entries by place."""
    entries: list[Entry] = []
    index: dict[tuple[str, str], int] = {}
    stemmed: dict[tuple[str, str], int] = {}
    for name, unread in (("glossary.families.tsv", TARGETS), ("glossary.tsv", ())):
        lines = files("catalog").joinpath(name).read_text("utf-8").splitlines()
        header = lines[1].split("\t")
        for line in lines[2:]:
            cells = dict(zip(header, line.split("\t"), strict=False))
            entry = {language: tuple(fold(cells.get(language, "")).split("|")) for language in header}
            entries.append(entry)
            for language, phrase in ((one, phrase) for one in header if one not in unread for phrase in entry[one]):
                said = words(phrase)
                if said:
                    index.setdefault((language, " ".join(said)), len(entries) - 1)
                    stemmed.setdefault((language, " ".join(_stem(word, language) for word in said)), len(entries) - 1)
    return stemmed | index, entries


def _stem(word: str, language: str) -> str:
    if language in PILED:
        return root(word, language)  # Kazakh words without a letter of their own would be taken for Russian ones
    if language == "zh":
        return word
    if language == "uk":
        cut = _UKRAINIAN.sub("", word)  # the rows' light stemmer parts кульові from кульовий
        return cut if len(cut) >= 3 else word
    if language == "ro":
        cut = _ROMANIAN.sub("", word)  # Snowball's Romanian keeps too many endings of short nouns apart
        return cut if len(cut) >= 3 else word
    if language != "de":
        return stem(word)
    if not hasattr(_local, "german"):
        _local.german = Stemmer.Stemmer("german", 4096)
    return str(_local.german.stemWord(word))
