"""Decides what a message is about: word lists first, then its nearness to example sentences, then what came before."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp

import numpy as np

from appliance.core.language import readable
from appliance.core.lexicon import LANGUAGES, PHONE, QUANTITY, Lexicon, lexicon, normal, opening
from appliance.core.types import Message, Route
from models.base import Vectors

SPOKEN = 2.8  # weight of the examples' vote (0 to 1 a route) against about 1 for a word of the lists, 1.5 for a phrase
CERTAIN = 0.93  # cosine above which a message is one of the examples, but for a comma
NEAR, TAUGHT = 0.6, 2.0  # cosine from which a manager's phrase speaks for its route by itself, and how much at most
OWN = 3.0  # what a manager's phrase weighs among the examples: it was written because the others were not enough

_TRUST = {Route.ABUSE: 0.7}  # of the examples' vote: an insult that no list knows is rarer than a strange product name
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")
_CODE = re.compile(
    r"(?<![\w-])(?=[\w./-]*\d)(?=[\w./-]*[a-zа-я])[\w][\w./-]{3,}(?![\w-])|(?<!\w)\d{5,9}(?!\w)", re.IGNORECASE
)
_SIZE = re.compile(r"(?<!\w)\d+\s?[xхх*/]\s?\d+")
_SYMBOLS = re.compile(r"[^\w\s]+")
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the catalogue knows of the message: a code found exactly, and how well the best product fits (0 to 1)."""

    exact: bool = False
    score: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Where a message goes; `also` is a second intent worth a sentence, `topics` the company topics it names.

    `scores` are what was weighed, best first; empty where nothing had to be. `taught` is the manager's phrase that
    decided by itself.
    """

    route: Route
    confidence: float  # 0 to 1
    why: str
    also: Route | None = None
    topics: tuple[str, ...] = ()
    scores: tuple[tuple[Route, float], ...] = ()
    taught: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A sentence that belongs to a route; `own` where a manager of this house said so."""

    route: Route
    text: str
    lang: str = ""
    own: bool = False


def examples() -> tuple[Example, ...]:
    """The examples that come with the product; managers' own are appended before `Prototypes.build`."""
    return tuple(
        Example(route=Route(route), text=text, lang=lang)
        for lang in LANGUAGES
        for route, texts in lexicon(lang).examples.items()
        for text in texts
    )


class Phrases:
    """Managers' phrases by their words, so that a message costs one look, however many there are."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self._by_words = {_plain(example.text): example for example in reversed(examples)}

    def said(self, text: str) -> Example | None:
        """The phrase that this message is, but for case and signs; of several the first."""
        return self._by_words.get(_plain(text))


class Prototypes:
    """The examples in the embedder's space: a linear head fitted to them, and the nearest of them."""

    def __init__(self, *, examples: Sequence[Example], vectors: Vectors, head: Vectors) -> None:
        self._examples = tuple(examples)
        self._vectors = vectors
        self._head = head
        self._own = Phrases([example for example in examples if example.own])
        self._own_at = np.flatnonzero([example.own for example in examples])

    @classmethod
    def build(cls, examples: Sequence[Example], vectors: Vectors, *, ridge: float = 3.0) -> Prototypes:
        """Fits the head by ridge regression on the one-hot routes (closed form, some 20 ms for 1,000 examples).

        `vectors` is float32 [len(examples), dimensions], L2-normalised. Every route weighs the same, however many
        examples it has.
        """
        if len(examples) != len(vectors):
            raise ValueError(f"{len(examples)} examples need as many vectors, not {len(vectors)}; embed them anew.")
        routes = list(Route)
        targets = np.array([[float(example.route is route) for route in routes] for example in examples])
        weights = (targets / targets.sum(axis=0).clip(min=1)).sum(axis=1) * len(examples) / len(routes)
        weights *= np.array([OWN if example.own else 1.0 for example in examples])
        inputs = _with_bias(vectors).astype(np.float64)
        weighted = inputs * weights[:, None]
        head = np.linalg.solve(inputs.T @ weighted + ridge * np.eye(inputs.shape[1]), weighted.T @ targets)
        return cls(examples=examples, vectors=np.asarray(vectors, np.float32), head=head.astype(np.float32))

    def vote(self, vector: Vectors) -> dict[Route, float]:
        """Shares of the routes, adding up to 1; a message that is nearly an example gets that example's route."""
        nearness = self._vectors @ vector
        nearest = int(nearness.argmax())
        if nearness[nearest] >= CERTAIN:
            return {route: float(route is self._examples[nearest].route) for route in Route}
        raw = (_with_bias(vector[None, :]) @ self._head)[0]
        for route, best in self._nearest_by_route(nearness).items():
            raw[list(Route).index(route)] += 0.5 * max(best, 0.0)
        shares = np.exp(4.0 * (raw - raw.max()))
        return {route: float(share) for route, share in zip(Route, shares / shares.sum(), strict=True)}

    def said(self, text: str) -> Example | None:
        """The manager's phrase that this message is, but for case and signs."""
        return self._own.said(text)

    def taught(self, vector: Vectors) -> tuple[Example, float] | None:
        """The manager's phrase that is nearest, with its cosine; None where an example of another route is nearer."""
        if not len(self._own_at):
            return None
        nearness = self._vectors @ vector
        nearest = int(self._own_at[nearness[self._own_at].argmax()])
        example, cosine = self._examples[nearest], float(nearness[nearest])
        others = [best for route, best in self._nearest_by_route(nearness).items() if route is not example.route]
        return (example, cosine) if cosine >= max(others, default=-1.0) else None

    def nearest(self, vector: Vectors, few: int = 3) -> list[tuple[Example, float]]:
        """The examples that are nearest, with their cosines: what a person is shown as the reason."""
        nearness = self._vectors @ vector
        return [(self._examples[at], float(nearness[at])) for at in np.argsort(-nearness)[:few]]

    def _nearest_by_route(self, nearness: Vectors) -> dict[Route, float]:
        best: dict[Route, float] = {}
        for example, value in zip(self._examples, nearness, strict=True):
            best[example.route] = max(best.get(example.route, -1.0), float(value))
        return best


def alike(one: str, other: str) -> bool:
    """Whether two messages are the same but for case and signs."""
    return _plain(one) == _plain(other)


def _plain(text: str) -> str:
    return " ".join(_SYMBOLS.sub(" ", normal(text)).split())


def _with_bias(vectors: Vectors) -> Vectors:
    return np.hstack([vectors, np.ones((len(vectors), 1), np.float32)])


def route(
    text: str,
    *,
    lang: str,
    history: Sequence[Message] = (),
    vector: Vectors | None = None,
    prototypes: Prototypes | None = None,
    evidence: Evidence | None = None,
) -> Decision:
    """The route of a customer's message.

    `history` holds what came before, oldest first; `vector` float32 [dimensions] is that of `readable(text, lang)`,
    from the embedder that made the prototypes. Either may be missing: the word lists then decide alone.
    """
    text = opening(text)
    if prototypes is not None and (phrase := prototypes.said(text)):
        return _as_taught(phrase)
    reading = _read(text, lang)
    if sure := _at_once(reading, text, history):
        return sure
    near = prototypes.taught(vector) if prototypes is not None and vector is not None else None
    if near and near[1] >= CERTAIN:
        return _as_taught(near[0])
    scores = _by_words(reading)
    if reading.bare and max(scores.values()) < 1.5:
        scores[Route.PRODUCT_SEARCH] += 0.9  # at a parts counter, unknown words are the name of something
    if evidence:
        scores[Route.PRODUCT_SEARCH] += 3.0 * evidence.exact + evidence.score
    votes = prototypes.vote(vector) if prototypes is not None and vector is not None else {}
    for spoken, share in votes.items():
        scores[spoken] += SPOKEN * share * _TRUST.get(spoken, 1.0)
    if near:
        scores[near[0].route] += TAUGHT * max(near[1] - NEAR, 0.0) / (CERTAIN - NEAR)
    _continue(scores, reading, history)
    return _decision(scores, reading)


def _as_taught(phrase: Example) -> Decision:
    return Decision(route=phrase.route, confidence=0.97, why=f"taught: {phrase.text}", taught=phrase.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """A message as the word lists see it."""

    text: str  # by `normal`; Russian in Latin letters is turned into Cyrillic
    rest: str  # the same without greetings, thanks and the like
    lexicons: tuple[Lexicon, ...]
    specific: float  # codes, quantities and sizes
    counted: float  # the quantities' part of it
    words: int
    bare: bool  # a few words without any grammar, as the name of a thing is

    def said(self, group: str) -> dict[str, float]:
        merged: dict[str, float] = {}
        for lex in self.lexicons:
            for topic, weight in lex.topics_said(self.rest, group).items():
                merged[topic] = max(weight, merged.get(topic, 0.0))
        return merged


def _read(text: str, lang: str) -> _Reading:
    plain = normal(readable(text, lang))
    lexicons = tuple(lexicon(code) for code in _also_spoken(plain, lang))
    rest = plain
    for lex in lexicons:
        for pattern in lex.topics.get("smalltalk", {}).values():
            rest = pattern.sub(" ", rest)
    rest = _without_courtesy(rest, lexicons) if rest != plain else rest
    counted = 1.5 * bool(QUANTITY.search(text))
    specific = 1.5 * bool(_CODE.search(QUANTITY.sub(" ", text))) + counted + 0.8 * bool(_SIZE.search(text))
    return _Reading(
        text=plain,
        rest=rest,
        lexicons=lexicons,
        specific=specific,
        counted=counted,
        words=len(plain.split()),
        bare=_is_bare(rest, lexicons),
    )


def _also_spoken(text: str, lang: str) -> tuple[str, ...]:
    """The message's language and those that customers mix into it."""
    codes = [lang]
    if re.search(r"[а-я]", text):
        codes.append("ru")
    if re.search(r"[a-z]", text):
        codes.append("en")
    return tuple(dict.fromkeys(codes))


def _without_courtesy(rest: str, lexicons: tuple[Lexicon, ...]) -> str:
    """What a greeting leaves, empty when nothing but function words is left."""
    words = _SYMBOLS.sub(" ", rest).split()
    meant = [
        any(lex.says(word, "product") or lex.says(word, "follow_up", *_POINTING) for lex in lexicons) for word in words
    ]
    known = [
        any(word in lex.function_words for lex in lexicons) and not says
        for word, says in zip(words, meant, strict=True)
    ]
    return "" if all(known) else " ".join(rest.split())


def _is_bare(rest: str, lexicons: tuple[Lexicon, ...]) -> bool:
    words = re.findall(r"[^\W\d_]+", rest)
    grammar = [word for word in words if len(word) > 1 and any(word in lex.function_words for lex in lexicons)]
    return len(words) <= 5 and not [
        word for word in grammar if not any(lex.says(word, "follow_up", "keep") for lex in lexicons)
    ]


def _at_once(reading: _Reading, text: str, history: Sequence[Message]) -> Decision | None:
    """What needs no weighing: insults, contacts left, pleasantries, an answer to our own form."""
    if not _LETTER.search(text) and not re.search(r"\d", text):
        return Decision(route=Route.SMALLTALK, confidence=0.9, why="no words")
    if any(lex.says(reading.text, "abuse") for lex in reading.lexicons):
        return Decision(route=Route.ABUSE, confidence=0.95, why="words: abuse")
    if _EMAIL.search(text) or PHONE.search(text):
        return Decision(route=Route.CONTACT, confidence=0.97, why="a phone number or an address")
    if not reading.rest.strip(" .,!?;:)("):
        return Decision(route=Route.SMALLTALK, confidence=0.95, why="words: smalltalk")
    if history and history[-1].role != "user" and history[-1].kind == "form" and reading.words <= 4:
        product = _by_words(reading)[Route.PRODUCT_SEARCH]
        return None if product else Decision(route=Route.CONTACT, confidence=0.8, why="answers the form")
    return None


def _by_words(reading: _Reading) -> dict[Route, float]:
    scores = dict.fromkeys(Route, 0.0)
    product, follow_up, company = reading.said("product"), reading.said("follow_up"), reading.said("company")
    contact = reading.said("contact")
    named = (
        1.3 * min(max(product.get("goods", 0.0), product.get("generic", 0.0)), 2.0)
        + 0.8 * min(product.get("spec", 0.0), 2.0)
        + min(reading.specific, 2.5)
    )
    if "order" in contact and not product.keys() & {"goods", "generic"}:
        named -= min(reading.specific, reading.counted)  # "keep 3 pieces for me" counts what was chosen already
    asked = 0.8 * min(product.get("ask", 0.0), 1.5) + 0.8 * bool(_POINTING & follow_up.keys())
    if company and "demand" not in product and not reading.specific:
        named *= 0.6  # "guarantee on pumps" is about the guarantee
    scores[Route.PRODUCT_SEARCH] = named + (0.2 if company else 1.0) * asked  # "how much is" may ask for the delivery
    if named and "order" not in contact:
        scores[Route.PRODUCT_SEARCH] += 1.2 * ("demand" in product)
    scores[Route.COMPANY] = 2.3 * max(company.values(), default=0.0) + 0.5 * max(len(company) - 1, 0)
    scores[Route.CONTACT] = 2.4 * max(contact.values(), default=0.0) + 0.5 * max(len(contact) - 1, 0)
    if "pickup" in company:
        scores[Route.COMPANY] += 1.5  # "where do I pick up my order" asks for an address, not for a person
    if "order" in contact and _POINTING_AT & follow_up.keys():
        scores[Route.CONTACT] += 2.0  # "invoice us for the second one" is no search
    off_topic = reading.said("off_topic")
    scores[Route.OFF_TOPIC] = 2.2 * max(off_topic.values(), default=0.0) + 0.8 * max(len(off_topic) - 1, 0)
    return scores


_POINTING_AT = frozenset(("first_two", "first_three", "first", "second", "third", "fourth", "fifth", "last"))
_POINTING = _POINTING_AT | {
    "cheaper",
    "dearer",
    "bigger",
    "smaller",
    "more",
    "brand",
    "stock",
    "price",
    "details",
    "compare",
}


def _continue(scores: dict[Route, float], reading: _Reading, history: Sequence[Message]) -> None:
    """A short "and to Astana?" goes where the question before it went."""
    before = next((message for message in reversed(history) if message.role == "user"), None)
    if before is None or reading.words > 6 or max(scores.values()) >= 3.0:
        return
    points = any(lex.says(reading.text, "follow_up", *_POINTING) for lex in reading.lexicons)
    if not points and not _opens(reading):
        return
    earlier = _by_words(_read(opening(before.text), reading.lexicons[0].lang))
    best = max(earlier, key=lambda route: earlier[route])
    if earlier[best] >= 1.5 and best in (Route.COMPANY, Route.PRODUCT_SEARCH):
        scores[best] += 2.0


def _opens(reading: _Reading) -> bool:
    """Begins as a continuation does ("and", "а", "what about")."""
    return any(
        match.start() == 0 for lex in reading.lexicons for match in lex.found(reading.text, "follow_up", "opener")
    )


def _decision(scores: Mapping[Route, float], reading: _Reading) -> Decision:
    ranked = sorted(scores, key=lambda route: scores[route], reverse=True)
    best, second = ranked[0], ranked[1]
    total = sum(exp(score) for score in scores.values())
    worth_a_word = scores[second] >= 1.5 and second in (Route.PRODUCT_SEARCH, Route.COMPANY, Route.CONTACT)
    return Decision(
        route=best,
        confidence=round(exp(scores[best]) / total, 3),
        why=" ".join(f"{route}={scores[route]:.1f}" for route in ranked if scores[route] > 0.05),
        also=second if worth_a_word and best in (Route.PRODUCT_SEARCH, Route.COMPANY, Route.CONTACT) else None,
        topics=tuple(reading.said("company")),
        scores=tuple((route, round(scores[route], 2)) for route in ranked),
    )
