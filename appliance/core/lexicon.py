"""What customers say in each language: the word lists of `routes/*.toml`, compiled once and asked many times."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import product
from typing import Any

LONGEST = 500  # characters that are read; customers say theirs early, and patterns cost more than their length
LANGUAGES = ("ru", "en", "kk", "uz", "uk", "tr", "de", "zh")
_UNITS = (
    r"квт|вт|ква|kw|w|kva|hp|лс|л\.с|а|a|в|v|вольт|volts?|bar|бар|атм|atm|mpa|мпа|кпа|kpa|мм|mm|см|cm|м|m|m2|m3|м2|м3|m³|м³"
    r"|л|l|lt|литр\w*|liter\w*|litre\w*|kg|кг|тонн\w*|т|г|hz|гц|°c|°|inch|inches|дюйм\w*|zoll|\"|об/мин|rpm|л/мин|l/min"
    r"|м3/ч|m3/h|w/h|шт|штук\w*|pcs|pieces|dona|дана|adet|stück|stk|db|дб|мл|ml|btu|к|k|ah|ач|мкм|ohm|ом"
    r"|台|个|件|千瓦|瓦|伏|米|升|公斤|毫米"
)
QUANTITY = re.compile(rf"(?<!\w)\d+(?:[.,]\d+)?\s?(?:{_UNITS})(?![^\W\d_])", re.IGNORECASE)
PHONE = re.compile(  # international, Russian and Kazakh, Ukrainian and Turkish, German
    r"(?<![\w+])(?:\+\d[\d ().-]{8,17}\d|8[ (-]*\d{3}[ )-]*\d{3}[ -]?\d{2}[ -]?\d{2}"
    r"|[07]\d{2}[ )-]*\d{3}[ -]?\d{2}[ -]?\d{2}|0\d{3}[ -]?\d{3}[ -]?\d{2}[ -]?\d{2})(?!\w)"
)
_APOSTROPHES = dict.fromkeys(map(ord, "'’‘ʼʻ`´′"))
_YO = str.maketrans("ё", "е")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """One language's patterns by route and topic, and the words that give the language away."""

    lang: str
    topics: Mapping[str, Mapping[str, re.Pattern[str]]]  # route (or "product", "follow_up") -> topic -> pattern
    words: frozenset[str]  # whole words, those of the examples, too; those of `stems` begin words
    stems: frozenset[str]
    inner: frozenset[str]  # parts of compound words, as German makes them
    function_words: frozenset[str]
    function_stems: frozenset[str]
    examples: Mapping[str, tuple[str, ...]]  # route -> sentences

    def found(self, text: str, group: str, *topics: str) -> list[re.Match[str]]:
        """Every match of the group's topics (all of them when none is named) in a text made by `normal`."""
        chosen = self.topics.get(group, {})
        names = topics or tuple(chosen)
        return [match for name in names if name in chosen for match in chosen[name].finditer(text)]

    def says(self, text: str, group: str, *topics: str) -> bool:
        chosen = self.topics.get(group, {})
        return any(chosen[name].search(text) for name in (topics or tuple(chosen)) if name in chosen)

    def topics_said(self, text: str, group: str) -> dict[str, float]:
        """Topic -> weight: longer phrases are surer than single words (one word 1, each further one half more)."""
        said: dict[str, float] = {}
        for name, pattern in self.topics.get(group, {}).items():
            weights = sorted((_weight(match.group()) for match in pattern.finditer(text)), reverse=True)
            if weights:
                said[name] = weights[0] + 0.5 * len(weights[1:3])
        return said

    def knows(self, word: str) -> bool:
        return word in self.words or begins(word, self.stems) or any(part in word for part in self.inner)


def normal(text: str) -> str:
    """Lower case, one kind of space, no apostrophes, `ё` as `е`: the form that patterns are matched against."""
    folded = unicodedata.normalize("NFKC", text).lower().replace("i̇", "i")
    return " ".join(folded.translate(_YO).translate(_APOSTROPHES).split())


def opening(text: str) -> str:
    """As much of a message as is read, without words too long to be any: what pasted noise may cost is bounded."""
    return re.sub(r"\w{50,}", " ", text[:LONGEST])


def begins(word: str, stems: frozenset[str]) -> bool:
    """Whether the word starts with one of the stems."""
    return any(word[:size] in stems for size in range(2, len(word) + 1))


@cache
def lexicon(lang: str) -> Lexicon:
    """The language's lexicon; an empty one for a language that has no file."""
    data = _read(lang)
    joined = bool(data.get("language", {}).get("joined"))
    groups = {name: group for name, group in data.items() if name not in ("language", "examples")}
    entries = [
        entry
        for name, group in groups.items()
        if name != "follow_up"
        for text in group.values()
        for entry in _entries(text)
    ]
    words, stems = _vocabulary(entries)
    examples = {route: tuple(_lines(text)) for route, text in data.get("examples", {}).items()}
    spoken = {
        word for texts in examples.values() for text in texts for word in re.findall(r"[^\W\d_]{3,}", normal(text))
    }
    language = data.get("language", {})
    function_words, function_stems = _vocabulary(_entries(language.get("words", "")))
    common_words, common_stems = _vocabulary(_entries(language.get("common", "")))
    return Lexicon(
        lang=lang,
        topics={name: phrases(group, joined=joined) for name, group in groups.items()},
        words=words | spoken | common_words,
        stems=stems | common_stems,
        inner=frozenset(entry.strip("*") for entry in entries if re.fullmatch(r"\*\w+\*?", entry)),
        function_words=function_words,
        function_stems=function_stems,
        examples=examples,
    )


def phrases(group: Mapping[str, str], *, joined: bool) -> dict[str, re.Pattern[str]]:
    """Topic -> pattern of a table in the lexicons' notation; `joined` for a language that writes without spaces."""
    return {topic: _compile(list(_entries(text)), joined=joined) for topic, text in group.items()}


def phrases_of(lang: str, group: str) -> frozenset[str]:
    """The whole words among the entries of a group."""
    entries = [entry for text in _read(lang).get(group, {}).values() for entry in _entries(text)]
    return _vocabulary(entries)[0]


@cache
def neighbours() -> Mapping[str, frozenset[str]]:
    """Words of languages that have no lexicon, by language code."""
    file = resources.files(__package__).joinpath("routes", "neighbours.toml")
    return {lang: frozenset(_entries(text)) for lang, text in tomllib.loads(file.read_text(encoding="utf-8")).items()}


def _read(lang: str) -> dict[str, Any]:
    file = resources.files(__package__).joinpath("routes", f"{lang}.toml")
    return tomllib.loads(file.read_text(encoding="utf-8")) if lang in LANGUAGES and file.is_file() else {}


def _lines(text: str) -> Iterator[str]:
    return (line.strip() for line in text.splitlines() if line.strip())


def _entries(text: str) -> Iterator[str]:
    return (normal(entry) for line in text.splitlines() for entry in line.split(";") if entry.strip())


def _compile(entries: list[str], *, joined: bool) -> re.Pattern[str]:
    """One pattern for all entries, longest first so that a phrase wins over its first word."""
    longest_first = sorted(set(entries), key=len, reverse=True)
    if joined:
        return re.compile("|".join(entry.replace("*", "") for entry in longest_first))
    body = "|".join(map(_expression, longest_first))
    return re.compile(rf"(?<!\w)(?:{body})(?!\w)")


def _expression(entry: str) -> str:
    """The lexicon's notation as a regular expression: `*` is the rest of a word, ` .. ` skips up to three words.

    After a group whose choices end with a space, "(very |so )*", it repeats the group instead.
    """
    entry = re.sub(r"^\*", r"\\w*", entry)
    stems = re.sub(r"(?<=[\w?\]])\*|(?<=[^ ]\))\*", r"\\w*", entry.replace(" *", r" \w+"))
    gaps = re.sub(r"\s*(?<!\.)\.\.(?!\.)\s*", "\0", stems).replace(" ", r"[^\w]+")
    return gaps.replace("\0", r"[^\w]+(?:\w+[^\w]+){0,3}").replace(r"\w*\w*", r"\w*")


def _weight(match: str) -> float:
    return 1 + 0.5 * match.strip().count(" ")


def _vocabulary(entries: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Whole words and stems of the entries, `(a|b)` written out; of phrases only the longer words."""
    words: set[str] = set()
    stems: set[str] = set()
    for entry in entries:
        if " " not in entry and not set(entry) & set(".$\\["):
            found = list(_written_out(entry))
        else:
            found = re.findall(r"(?<![\w\\])\w{4,}\*?(?![\w)?*|])", entry)
        stems.update(word.rstrip("*") for word in found if word.endswith("*") and len(word) > 2)
        words.update(word for word in found if word and "*" not in word)
    return frozenset(words), frozenset(stems)


def _written_out(entry: str) -> Iterator[str]:
    parts = re.split(r"(\([^()]*\)\??)", entry)
    if "(" in re.sub(r"\([^()]*\)", "", entry):
        return
    choices = [
        [*part.strip("()?").split("|"), *([""] if part.endswith("?") else [])]
        if part.startswith("(")
        else [part.replace("?", "")]
        for part in parts
    ]
    yield from ("".join(choice) for choice in product(*choices))
