"""Prepares a wish for the lanes: what to embed, which words and quantities to ask for, which chunks may be codes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import zip_longest

from catalog.fixer import Fixed, Fixer
from catalog.glossary import Glossed, spaced, translate
from catalog.lanes.grams import sounds
from catalog.naming import Names
from catalog.normalize import DIMENSIONS, Quantity, fold, fold_code, scan, script, spelt_code, stem, switched
from catalog.normalize.text import WORD, words
from catalog.understand import function_words, refine, understand
from catalog.wish import Limit, Wish

LONGEST = 600  # characters of a wish that are searched
MOST_TERMS = 48  # words of a wish that are looked at
GLUED = 6  # neighbouring chunks that may be one code written with spaces: `2 CDS 271 006 R 0318`
MEASURE = 0.35  # weight of the bare words of a quantity ("3", "квт"), whose sense its token carries
SURE_CODE = 6  # letters and figures from which a code that was misread is still no chance
READING = 0.5  # weight of another reading of a misspelt word


_DIGIT = re.compile(r"\d")
_CYRILLIC = re.compile("[а-я]")
_LOOKS = {"o": "0", "0": "o", "l": "1", "i": "1", "1": "i"}
_FIGURES = str.maketrans("oli", "011")


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One word asked: its stem, further readings of it, and what it is called in other languages."""

    word: str
    stem: str
    readings: tuple[str, ...] = ()
    number: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A wish ready to be searched in one version; `texts` are to be embedded, in this order."""

    wish: Wish
    texts: tuple[str, ...]
    terms: tuple[Term, ...] = ()
    quantities: tuple[Quantity, ...] = ()
    asked: dict[str, float] = field(default_factory=dict)
    sounds: str = ""
    codes: tuple[tuple[str, float], ...] = ()  # folded, with the share of the wish's letters that each makes up
    script: str = "othr"
    corrected: str = ""
    guessed: int = 0  # words that were read as slips of the finger
    language: str = ""
    translated: dict[str, float] = field(default_factory=dict)  # words in the catalogue's other languages
    translated_share: float = 0.0
    groups: tuple[frozenset[str], ...] = ()  # word by word, the stems by which a row may name it, in any language
    version: str = ""


def prepare(wish: Wish, *, fixer: Fixer, names: Names, is_code: Callable[[str], bool], version: str) -> Prepared:
    """What the lanes need; linear in the wish's length, which is bounded."""
    wish = names.read(replace(wish, text=spaced(fold(wish.text)[:LONGEST])))
    text = wish.text
    codes = tuple(_codes(text))
    if not any(is_code(code) for code, _ in codes):
        codes += tuple((code, share) for code, share in _misread(text) if is_code(code))
    protected = any(is_code(code) for code, share in codes if share > 0.6)
    fixed = Fixed(text=text) if protected else fixer.fix(text)
    searched = fold(fixed.text)
    if fixed.changed:  # limits and politeness typed in the wrong layout are understood only now
        again = understand(fixed.text)
        wish = names.read(refine(wish, again))
        searched = wish.text
    terms, quantities = _terms(searched, fixed)
    quantities += _preferred(wish.limits)
    asked: dict[str, float] = {}
    for term, weight in terms:
        asked[term.stem] = asked.get(term.stem, 0.0) + weight
        for reading in term.readings:
            asked.setdefault(reading, weight * READING)
    for quantity in quantities:
        for token in quantity.tokens:
            asked[token] = 1.0 if quantity.sure else 0.5
    glossed = translate(searched)
    if fixed.changed:  # a word heard as a Russian one may be better known in its own language
        as_written = translate(text)
        transliterated = as_written.language in ("tr", "uz") and as_written.covered <= glossed.covered
        if as_written.covered > glossed.covered or not glossed.text:
            glossed = Glossed() if transliterated else as_written
    texts = [searched]
    if glossed.text:
        texts.append(glossed.text)
    return Prepared(
        wish=replace(wish, text=searched),
        texts=tuple(one or " " for one in texts),
        terms=_telling([term for term, weight in terms if weight == 1.0]),
        quantities=tuple(quantities),
        asked=asked,
        sounds=sounds(searched),
        codes=codes if not fixed.changed else (*codes, *(one for one in _codes(searched) if one not in codes)),
        script=script(searched),
        corrected=fixed.text if fixed.changed else "",
        guessed=fixed.guessed,
        language=glossed.language,
        translated={word: weight for word, weight in glossed.words if word not in asked},
        translated_share=glossed.covered,
        groups=tuple(group for group in glossed.groups if not group <= function_words()) or glossed.groups,
        version=version,
    )


def _terms(text: str, fixed: Fixed) -> tuple[list[tuple[Term, float]], list[Quantity]]:
    quantities = scan(text)
    spans = [(one.start, one.end) for one in quantities if one.sure]
    readings: dict[str, list[str]] = {}
    for written, other in fixed.readings:
        readings.setdefault(written, []).append(other)
    by_choice = {others[0]: others[1:] for others in readings.values()} | readings
    found: list[tuple[Term, float]] = []
    for match in WORD.finditer(text):
        if len(found) == MOST_TERMS:
            break
        word = words(match[0])[0]
        inside = any(start <= match.start() < end for start, end in spans)
        number = float(word) if word.replace(".", "", 1).isdigit() else None
        others = tuple(dict.fromkeys(stem(other) for other in by_choice.get(word, ()) if stem(other) != stem(word)))
        found.append((Term(word=word, stem=stem(word), readings=others, number=number), MEASURE if inside else 1.0))
    return found, quantities


def _telling(terms: list[Term]) -> tuple[Term, ...]:
    """The terms without the words that tell nothing of the goods; a letter before a figure may be a mark ("C 16")."""
    silent = function_words()
    told = [
        term
        for term, after in zip_longest(terms, terms[1:])
        if term.word not in silent or (len(term.word) == 1 and (after is None or after.number is not None))
    ]
    return tuple(told or terms)


def _preferred(limits: Iterable[Limit]) -> list[Quantity]:
    """Limits that are no filters are wished for like the quantities among the words."""
    return [
        Quantity(dimension=limit.what, low=float(limit.low), high=float(limit.high), sure=False)
        for limit in limits
        if not limit.sure and limit.what in DIMENSIONS and limit.low is not None and limit.high is not None
    ]


def _misread(text: str) -> Iterator[tuple[str, float]]:
    """What a code may have been before a letter was taken for the figure that looks like it, or typed in the other
    layout: `VT15O13810` is `vt15013810`, `2свы284001` is `2cds284001`."""
    chunks = text.split()[:MOST_TERMS]
    letters = max(sum(map(len, chunks)), 1)
    for chunk in chunks:
        bare = chunk.strip("()[]«»\"'.,;:!?")
        code = fold_code(bare)
        if len(code) < SURE_CODE or not _DIGIT.search(code) or code.isdigit():
            continue
        flips = [code[:at] + _LOOKS[sign] + code[at + 1 :] for at, sign in enumerate(code) if sign in _LOOKS]
        spelt = [fold_code(switched(bare))] if _CYRILLIC.search(bare) else []
        for one in dict.fromkeys((*spelt, code.translate(_FIGURES), *flips)):
            if one != code:
                yield one, len(chunk) / letters


def _codes(text: str) -> Iterator[tuple[str, float]]:
    """Chunks of the text, and two or three neighbours glued together, that hold a digit and may be codes."""
    chunks = text.split()[:MOST_TERMS]
    letters = max(sum(map(len, chunks)), 1)
    seen: set[str] = set()
    for at, _ in enumerate(chunks):
        raw = ""
        for chunk in chunks[at : at + GLUED]:
            raw += chunk
            if not _DIGIT.search(raw):
                continue
            bare = raw.strip("()[]«»\"'.,;:!?")
            for code in (fold_code(bare), spelt_code(bare)) if _CYRILLIC.search(bare) else (fold_code(bare),):
                if len(code) >= 3 and code not in seen:
                    seen.add(code)
                    yield code, len(raw) / letters
