"""Finds the passage of the company's own texts that answers a question."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import log

import numpy as np
import Stemmer

from appliance.core.lexicon import LANGUAGES, lexicon, normal
from models.base import Vectors

LONGEST = 600  # characters of a passage; a longer section is cut between paragraphs, then between sentences
GOOD_ENOUGH = 1.0  # the score below which a passage answers nothing
_K1, _B = 1.2, 0.6  # BM25 (Robertson and Zaragoza 2009); passages are short, so their length says little
_BROAD = {"about": 0.6, "services": 0.6}  # topics of many matters: to share one of them is no answer yet
_HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*$")
_SENTENCE = re.compile(r"(?<=[.!?。！？])\s+")
_STEMMERS = {"ru": "russian", "en": "english", "de": "german", "tr": "turkish"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Some sentences of a company text, word for word; `score` says how well they answer."""

    source: str  # the text's name
    heading: str  # the headings above it, from the top: "Delivery / Abroad"
    text: str
    score: float = 0.0


class Passages:
    """The company's texts in passages, ready to be asked."""

    def __init__(self, texts: Mapping[str, str], *, vectors: Vectors | None = None) -> None:
        """`texts` maps a name to markdown; `vectors` float32 [len(self.all), dimensions] may be given later, too."""
        self.texts = dict(texts)
        self.all = tuple(passage for name, text in texts.items() for passage in _passages(name, text))
        self.vectors = vectors
        self._terms = [Counter(terms(f"{passage.heading} {passage.heading} {passage.text}")) for passage in self.all]
        self._topics = [_topics(passage) for passage in self.all]
        self._length = sum(sum(terms.values()) for terms in self._terms) / max(len(self._terms), 1)
        self._spread = Counter(term for terms in self._terms for term in terms)

    def find(self, question: str, vector: Vectors | None = None, *, limit: int = 2) -> list[Passage]:
        """The passages that answer the question, best first; none when nothing does.

        By common word stems, by the topics that question and passage name (so that a German question finds a Russian
        text), and by meaning where vectors are given: `vector` float32 [dimensions], L2-normalised.
        """
        scores = self._by_stems(question) + self._by_topics(question)
        if vector is not None and self.vectors is not None and len(self.vectors):
            scores += 3.0 * np.clip(self.vectors @ vector - 0.2, 0, None)
        order = np.argsort(-scores, kind="stable")[:limit]
        best = [int(index) for index in order if scores[index] >= max(GOOD_ENOUGH, 0.5 * scores[order[0]])]
        return [_scored(self.all[index], float(scores[index])) for index in best]

    def _by_stems(self, question: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        asked = [term for term in dict.fromkeys(terms(question)) if term in self._spread]
        return np.array([sum(self._weight(term, terms) for term in asked) for terms in self._terms], np.float64)

    def _weight(self, term: str, terms: Counter[str]) -> float:
        count = terms[term]
        if not count:
            return 0.0
        rarity = log(1 + (len(self.all) - self._spread[term] + 0.5) / (self._spread[term] + 0.5))
        size = 1 - _B + _B * sum(terms.values()) / self._length
        return rarity * count * (_K1 + 1) / (count + _K1 * size)

    def _by_topics(self, question: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        asked = _topics_said(question)
        return np.array([_shared(asked, topics) for topics in self._topics], np.float64)


def _shared(asked: Mapping[str, float], topics: Mapping[str, float]) -> float:
    """How far a passage is about what the question names."""
    common = asked.keys() & topics.keys()
    return sum(min(asked[topic], 2.0) * topics[topic] * _BROAD.get(topic, 1.0) for topic in common)


def _passages(name: str, text: str) -> Iterator[Passage]:
    """Sections under their headings, cut where they are long."""
    path: list[tuple[int, str]] = []
    lines: list[str] = []

    def section() -> Iterator[Passage]:
        heading = " / ".join(title for _, title in path)
        yield from (Passage(source=name, heading=heading, text=part) for part in _cut("\n".join(lines).strip()))

    for line in text.splitlines():
        if found := _HEADING.match(line):
            yield from section()
            level = len(found[1])
            path = [*((depth, title) for depth, title in path if depth < level), (level, found[2])]
            lines = []
        else:
            lines.append(line)
    yield from section()


def _cut(text: str) -> Iterator[str]:
    """Whole paragraphs, gathered up to the length of a passage."""
    pieces = [piece for paragraph in re.split(r"\n\s*\n", text) for piece in _pieces(paragraph.strip())]
    gathered = ""
    for piece in pieces:
        if gathered and len(gathered) + len(piece) > LONGEST:
            yield gathered
            gathered = ""
        gathered = f"{gathered}\n{piece}".strip()
    if gathered:
        yield gathered


def _pieces(paragraph: str) -> list[str]:
    return [paragraph] if len(paragraph) <= LONGEST else _SENTENCE.split(paragraph)


def _scored(passage: Passage, score: float) -> Passage:
    return Passage(source=passage.source, heading=passage.heading, text=passage.text, score=round(score, 3))


def _topics(passage: Passage) -> dict[str, float]:
    """What a passage is about: a topic in its own heading weighs three times one in its text or in those above."""
    above, _, own = passage.heading.rpartition(" / ")
    topics: dict[str, float] = {}
    for text, share in ((own, 0.75), (f"{above} {passage.source}", 0.25), (passage.text, 0.25)):
        for topic, weight in _topics_said(text).items():
            topics[topic] = topics.get(topic, 0.0) + share * min(weight, 2.0)
    return topics


def _topics_said(text: str) -> dict[str, float]:
    said: dict[str, float] = {}
    plain = normal(text)
    for lang in LANGUAGES:
        for topic, weight in lexicon(lang).topics_said(plain, "company").items():
            said[topic] = max(weight, said.get(topic, 0.0))
    return said


def terms(text: str) -> list[str]:
    """Stems of the words that carry meaning; pairs of signs for Chinese."""
    words = re.findall(r"[^\W_]+", normal(text))
    stems = [_stem(word) for word in words if not _is_function_word(word)]
    signs = re.findall(r"[\u3400-\u9fff]{2,}", text)
    return [stem for stem in stems if stem] + [run[at : at + 2] for run in signs for at in range(len(run) - 1)]


@lru_cache(maxsize=20_000)
def _stem(word: str) -> str:
    lang = "russian" if re.search("[а-я]", word) else "english"
    return str(Stemmer.Stemmer(lang).stemWord(word))


@lru_cache(maxsize=20_000)
def _is_function_word(word: str) -> bool:
    return any(word in lexicon(lang).function_words and not lexicon(lang).says(word, "company") for lang in LANGUAGES)
