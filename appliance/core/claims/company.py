"""What the company's own text says, and whether a sentence repeats it truly."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, product

from appliance.core.claims.goods import same_word, tokens
from appliance.core.claims.lexicon import has, names, pattern, plain_words
from appliance.core.claims.numbers import Number, find_numbers, is_unit

ENOUGH = 0.6  # of the content words; below it a paraphrase has become another statement
PHONE = re.compile(r"\+?\d[\d\s().-]{5,}\d")
ADDRESS = re.compile(
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+|(?:https?://|www\.)\S+|\b[\w-]+(?:\.[\w-]+)*\.[a-zа-я]{2,}(?:/\S*)?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One sentence of the company's text with its clauses' words and numbers."""

    text: str
    words: tuple[str, ...]  # content words
    numbers: tuple[Number, ...]
    clauses: tuple[tuple[tuple[str, ...], tuple[Number, ...]], ...]
    parts: tuple[Part, ...]  # the same clauses by what they promise
    promises: frozenset[str]
    negative: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A clause: what it promises, whether under a condition, and the amounts that bound it."""

    promises: frozenset[str]
    conditional: bool
    negative: bool
    bounds: tuple[Number, ...]


@dataclass(frozen=True, slots=True)
class Company:
    text: str
    passages: tuple[Passage, ...]
    quotes: frozenset[str]  # its sentences, for those who repeat them word for word
    phones: frozenset[str]
    addresses: frozenset[str]
    pairs: frozenset[tuple[str, str]]  # neighbouring tokens


@lru_cache(maxsize=64)
def company_of(text: str, lang: str) -> Company:
    words = tokens(text)
    return Company(
        text=text,
        passages=tuple(_passage(part, lang) for part in sentences(text)),
        quotes=frozenset(_as_quoted(part) for part in sentences(text)),
        phones=frozenset(only_digits(match[0]) for match in PHONE.finditer(text)),
        addresses=frozenset(match[0].casefold().rstrip(".,;)") for match in ADDRESS.finditer(text)),
        pairs=frozenset(pairwise(words)),
    )


def is_quote(sentence: str, company: Company) -> bool:
    """Whether a whole sentence of the company's text is repeated word for word; a part of one may mislead."""
    return _as_quoted(sentence) in company.quotes


def _as_quoted(sentence: str) -> str:
    return " ".join(sentence.casefold().split()).rstrip(".!? ")


def sentences(text: str) -> list[str]:
    """Sentences and lines; the dots of "ul." and "tel." end none."""
    parts = [""]
    for piece in re.split(r"(?<=[.!?])\s+(?=[^\W\d_a-zа-яёіїєґ])|\n+", text):
        parts[-1] = f"{parts[-1]} {piece}".strip()
        if not re.search(
            r"(?<!\w)(?:ул|г|гл|пр|просп|пер|пл|стр|корп|д|им|св|обл|тел|str|tel|nr|no|st|dr|mr|mrs|вул|бул)\.$",
            piece,
            re.IGNORECASE,
        ):
            parts.append("")
    return [part for part in parts if part]


def _passage(text: str, lang: str) -> Passage:
    numbers = find_numbers(text, lang)
    spans = [
        (text[start:end], tuple(number for number in numbers if start <= number.start < end))
        for start, end in clause_spans(text, [(number.start, number.end) for number in numbers])
    ]
    return Passage(
        text=text,
        words=content(text),
        numbers=tuple(numbers),
        clauses=tuple((content(clause), inside) for clause, inside in spans),
        parts=tuple(_part(clause, inside) for clause, inside in spans),
        promises=promises_in(text),
        negative=has("cues", "negation", text),
    )


def _part(clause: str, numbers: Sequence[Number]) -> Part:
    return Part(
        promises=promises_in(clause),
        conditional=has("cues", "condition", clause),
        negative=has("cues", "negation", clause),
        bounds=tuple(number for number in numbers if number.currency or number.pieces),
    )


CUT = re.compile(
    r"[;,!?]\s|\.\s(?=[A-ZА-ЯЁ])"
    r"|\s(?=(?:а|но|и|однако|зато|та|але|while|whereas|but|and|also|however|aber|während|und|jedoch)\s)",
    re.IGNORECASE,
)


def clause_spans(text: str, inside: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Clauses: cut at commas, semicolons and conjunctions that stand outside of numbers."""
    kept = list(inside)
    ends = [
        match.end()
        for match in CUT.finditer(text)
        if not any(start < match.end() - 1 < end and match.start() < end for start, end in kept)
    ]
    cuts = [0, *ends, len(text)]
    return list(pairwise(cuts))


def content(text: str) -> tuple[str, ...]:
    """Words that carry the meaning: no numbers, no units, no little words; words of promises by their kind."""
    common = plain_words("common")
    return tuple(
        _kind_of(word)
        for word in tokens(text)
        if not word.isdigit()
        and word not in common
        and len(word) > 1
        and not is_unit(word)
        and not pattern("cues", "option").match(word)
    )


@lru_cache(maxsize=4096)
def _kind_of(word: str) -> str:
    return next((f"~{name}" for name in names("promises") if pattern("promises", name).match(word)), word)


def promises_in(text: str) -> frozenset[str]:
    return frozenset(name for name in names("promises") if has("promises", name, text))


def only_digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def share(words: Iterable[str], others: tuple[str, ...], lang: str) -> float:
    """Which part of `words` stands among `others`, in any form; 1 when there are none."""
    wanted = list(words)
    hits = sum(any(akin(word, other, lang) for other in others) for word in wanted)
    return hits / len(wanted) if wanted else 1.0


def akin(word: str, other: str, lang: str) -> bool:
    if same_word(word, other, lang):
        return True
    # a noun and its verb: "доставка" and "доставляем", "Lieferung" and "liefern"
    size = min(len(word), len(other))
    common = next((at for at, (a, b) in enumerate(zip(word, other, strict=False)) if a != b), size)
    return common >= 5 and common >= size - 4


def same_number(said: Number, known: Number) -> bool:
    """Equal as figures and in what they count."""
    if said.literal or known.literal:
        return said.literal and known.literal and said.raw == known.raw
    if said.currency != known.currency or said.pieces != known.pieces or bool(said.top) != bool(known.top):
        return False
    if (said.unit[0] if said.unit else "") != (known.unit[0] if known.unit else ""):
        return False
    return all(a & b for a, b in zip(said.measures(), known.measures(), strict=True))


def quotes_number(company: Company, number: Number, sentence: str, clause: str, lang: str) -> bool:
    """Whether the company's text has this number in a clause that says the same."""
    near = content(clause)
    until = sentence[: sentence.find(clause) + len(clause)] if clause in sentence else sentence
    for words, passage in product({content(sentence), content(until), near}, company.passages):
        if (
            not words
            or share(words, passage.words, lang) < ENOUGH
            or has("cues", "negation", sentence) != passage.negative
        ):
            continue
        for clause_words, numbers in passage.clauses:
            fits = any(same_number(number, known) for known in numbers)
            if (
                fits
                and share(clause_words, words, lang) >= ENOUGH
                and (not near or share(near, passage.words, lang) >= 0.5)
            ):
                return True
    return bool(not number.currency and not number.pieces and _verbatim(company, number, sentence))


def _verbatim(company: Company, number: Number, sentence: str) -> bool:
    """A house number, an opening hour: each figure beside the same word as in the company's text."""
    if number.word or (number.unit and number.unit[0] not in ("clock", "hour", "mass")):
        return False
    found = list(re.finditer(r"[^\W\d_]+|\d+", sentence))
    words = [match[0].casefold().replace("ё", "е") for match in found]
    for at, match in enumerate(found):
        if number.start <= match.start() < number.end and match[0].isdigit():
            before = (words[at - 1], words[at]) in company.pairs if at else False
            behind = (words[at], words[at + 1]) in company.pairs if at + 1 < len(words) else False
            if not behind and (number.unit or not before):
                return False
    return True


def keeps_promise(
    company: Company, promises: frozenset[str], sentence: str, numbers: Sequence[Number], lang: str
) -> bool:
    """Whether one passage says all of these promises, with the same sign and under the same conditions."""
    words = content(sentence)
    for passage in company.passages:
        if not promises <= passage.promises or has("cues", "negation", sentence) != _negative(passage, promises):
            continue
        if share(words, passage.words, lang) < ENOUGH or _wider(sentence, passage, lang):
            continue
        if _conditions_kept(passage, promises, numbers):
            return True
    return False


def _negative(passage: Passage, promises: frozenset[str]) -> bool:
    """The sign of the clauses that make the promises: "6 months, if nothing else is stated" denies nothing."""
    own = [part.negative for part in passage.parts if part.promises & promises]
    return any(own) if own else passage.negative


def _conditions_kept(passage: Passage, promises: frozenset[str], numbers: Sequence[Number]) -> bool:
    """Whether the sentence names the amounts of every condition under which its promises stand.

    A conditional clause that promises nothing itself ("if the order is over 30 000") binds the whole passage; one that
    does ("and from 30 000 it is free") binds only those promises that no unconditional clause makes.
    """
    if not has("cues", "condition", passage.text):
        return True
    granted = frozenset[str]().union(*(part.promises for part in passage.parts if not part.conditional))
    binding = [
        part
        for part in passage.parts
        if part.conditional and (not part.promises or part.promises & (promises - granted))
    ]
    bounds = [number for part in binding for number in part.bounds]
    return all(any(same_number(number, known) for number in numbers) for known in bounds)


def _wider(sentence: str, passage: Passage, lang: str) -> bool:
    """Says of more than the passage does: "always", or another kind of goods than the passage names."""
    if has("cues", "always", sentence) and not has("cues", "always", passage.text):
        return True
    kinds = pattern("things", "kinds")
    said = {match[0].casefold() for match in kinds.finditer(sentence)}
    known = {match[0].casefold() for match in kinds.finditer(passage.text)}
    return bool(known or said) and said != known
