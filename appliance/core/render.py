"""Turns a model's streamed JSON into sentences with the rows' own facts, and lets through what the gate passes."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from difflib import get_close_matches
from enum import Enum, auto
from functools import cache
from importlib.resources import files
from typing import Any

from appliance.core import language
from appliance.core.claims import check
from appliance.core.claims.numbers import unit_behind
from appliance.core.prompt import called
from appliance.core.shoptalk import astray
from appliance.core.types import Card

Money = Callable[[Decimal, str, str], str]  # (amount, ISO 4217 code, language) as people of that language write it

MARK = re.compile(r"\[\s*([A-ZАВСЕМ])\s*(?:[.:]\s*([^\[\]]{1,60}?))?\s*\]|\[\s*([a-z]{1,2})\s*\]")
PRONOUN = re.compile(r"(?:он|она|оно|его|её|ее|у него|у неё|it|its|er|es|seine?|він|вона|ол|u|o)(?!\w)", re.IGNORECASE)
LATIN = str.maketrans("АВСЕМ", "ABCEM")  # a model in the middle of Russian text may write a label in its alphabet
END = re.compile(r"[.!?…]+[\"»”')\]]*(?=\s)|[。！？]+|\n+")
# What a model leaves that wanted to write a figure and could not: a torn mark, two blanks, a unit with nothing before.
GAP = re.compile(
    r"[\[\]]|  |(?<![\w#])(?<!\w )(?<!# )"
    r"(?:[$€£₽₸]|(?:кВт|Вт|kW|бар|bar|мм|см|mm|cm|кг|kg|об/мин|rpm|psi|МПа|MPa|лм|lm)(?!\w))"
)
# "1500 Вт или 1500 Вт": a choice between a value and itself, which marks filled from alike rows give.
TWICE = re.compile(
    r"(?<!\w)(?P<one>[^\s,.;:](?:[^,.;:]{0,40}?[^\s,.;:])?)\s+(?:или|либо|и|або|чи|та|or|and|oder|und|немесе|yoki|veya|ve)"
    r"\s+(?P=one)(?!\w)",
    re.IGNORECASE,
)
OWN, TELLING = re.compile(r"[^\W\d_]+"), 3  # words, and from how many of its own the language of a sentence can be told
FEW, NAMED = 6, 6  # words of a cell that is a property and no speech; words of a name that a model may use
LONGEST = 2000  # characters of an answer that are read; a model that runs on is cut there


class Sentences:
    """Feeds on the pieces of one answer; gives the sentences that may be shown, each as soon as it is finished.

    `values` are the figures of the company's text by their marks, `blocked` the sentences held back with the reason.
    Raises nothing for any stream: what cannot be read is not shown.
    """

    def __init__(
        self,
        *,
        rows: Mapping[str, Card],
        lang: str,
        money: Money,
        company: str = "",
        said: Sequence[str] = (),
        values: Mapping[str, str] | None = None,
    ) -> None:
        self._rows = {label: sober(row) for label, row in rows.items()}
        self._lang = lang
        self._money = money
        self._company = company
        self._said = said
        self._values = values or {}
        self._answer = Answer()
        self._read = 0
        self._focus = self._meant(set())
        self.passed: list[str] = []
        self.blocked: list[tuple[str, str]] = []
        self.strayed = ""  # the language in which a sentence was written that should have been in another

    @property
    def text(self) -> str:
        """What may be shown so far."""
        return " ".join(self.passed)

    @property
    def template(self) -> str:
        """What the model wrote so far, with its marks."""
        return self._answer.text[:LONGEST]

    @property
    def skus(self) -> tuple[str, ...]:
        """The SKUs of the goods that the model says it speaks of, as far as they were read."""
        return tuple(self._rows[label].sku for label in dict.fromkeys(self._answer.labels) if label in self._rows)

    def feed(self, piece: str) -> list[str]:
        """The sentences that this piece of the stream finished and the gate passed."""
        self._answer.feed(piece)
        return self._finished(final=False)

    def finish(self) -> list[str]:
        """The last sentence, where the answer was complete or it ends as a sentence does; a torso is dropped."""
        return self._finished(final=True)

    def _finished(self, *, final: bool) -> list[str]:
        out = []
        text = self._answer.text[:LONGEST]
        done = final or self._answer.closed
        while end := _sentence_end(text, self._read):
            out += self._judged(text[self._read : end])
            self._read = end
        rest = text[self._read :]
        if done and rest.strip():
            self._read = len(text)
            whole = self._answer.closed or re.search(r"[.!?…。！？][\"»”')\]]*\s*$", rest)
            if whole and len(self._answer.text) <= LONGEST:
                out += self._judged(rest)
            else:
                self.blocked.append((rest.strip(), "unfinished"))
        return out

    def _judged(self, template: str) -> list[str]:
        sentence, why = self.rendered(template.strip())
        sentence = TWICE.sub(lambda match: match["one"], sentence)
        if (not sentence and not why) or sentence in self.passed:
            return []
        if self._in_another_language(template):
            self.blocked.append((sentence or template.strip(), f"in another language: {self.strayed}"))
            return []
        labels = {match[1].translate(LATIN) for match in MARK.finditer(template) if match[1]}
        pronoun = not labels and PRONOUN.match(sentence)
        rows = self._focus if pronoun else tuple(self._rows.values())  # without a focus, no fact can be said of "it"
        if not why:
            verdict = check(sentence, lang=self._lang, rows=rows, company=self._company, said=self._said)
            why = verdict.why if not verdict.passes else ""
        if not why and (word := self._astray(template, about=bool(pronoun and self.passed))):
            why = f"away from the facts: {word}"
        if not pronoun or why:
            self._focus = self._meant(labels) if not why else ()
        if why:
            self.blocked.append((sentence or template.strip(), why))
            return []
        self.passed.append(sentence)
        return [sentence]

    def _in_another_language(self, template: str) -> bool:
        """Judged by the model's own words: names and the company's text may be in any."""
        own = MARK.sub(" ", template)
        if len(words := OWN.findall(own)) < TELLING:
            return False
        shown = {word.lower() for row in self._rows.values() for word in OWN.findall(f"{row.name} {row.brand}")}
        told = language.other_than(self._lang, " ".join(word for word in words if word.lower() not in shown))
        self.strayed = self.strayed or told
        return bool(told)

    def _astray(self, template: str, *, about: bool) -> str:
        """What leads a sentence away from goods and company; `about`: it goes on about the product before."""
        rows = self._rows.values()
        names = [" ".join(row.name.split()[:NAMED]) for row in rows]
        facts = [part for row in rows for pair in row.attributes for part in pair]
        facts += [part for row in rows for part in (row.brand, row.category)]
        return astray(
            MARK.sub(" ", template),
            lang=self._lang,
            goods=" ".join([*names, *facts]),
            company=self._company,
            marked=about or bool(MARK.search(template)),
            question=" ".join(self._said),
        )

    def _meant(self, labels: set[str]) -> tuple[Card, ...]:
        """The one product of which a following "it" may speak."""
        named = labels or (set(self._rows) if len(self._rows) == 1 else set())
        return tuple(self._rows[label] for label in named if label in self._rows) if len(named) == 1 else ()

    def rendered(self, template: str) -> tuple[str, str]:
        """(the sentence with its marks filled, "") or ("", why a mark cannot be filled)."""
        if GAP.search(MARK.sub("#", template)):
            return "", "a broken mark, or a gap where a figure was left out"
        out, at = "", 0
        for match in MARK.finditer(template):
            out += template[at : match.start()]
            value = (
                self._values.get(match[3], "")
                if match[3]
                else self._fact(match[1].translate(LATIN), match[2] or "name")
            )
            if not value:
                return "", f"nothing to put for {match[0]}"
            out += value
            at = match.end() + _repeated_unit(template, match, value)
        out += template[at:]
        if template.endswith(".") and not out.endswith("."):
            out += "."  # it went with a unit: "[A.price] руб."
        out = re.sub(r"(\.)\.(?=\s|$)", r"\1", out)
        return (out[:1].upper() + out[1:] if template[:1] == "[" else out), ""

    def _fact(self, label: str, name: str) -> str:
        card = self._rows.get(label)
        if card is None:
            return ""
        match _fact_named(name):
            case "name":
                return self._name(card)
            case "price":
                return "" if card.price is None else self._money(card.price, card.currency, self._lang)
            case "stock":
                return "" if card.stock is None else self._pieces(card)
            case "sku":
                return card.sku
            case "brand" if card.brand:
                return card.brand
        wanted = _folded(name)
        exact = [text for each, text in card.attributes if _folded(each) == wanted]
        near = [
            text
            for each, text in card.attributes
            if _folded(each).startswith(wanted) or wanted.startswith(_folded(each))
        ]
        if exact or near:
            return exact[0] if exact else near[0] if len(near) == 1 else ""
        named = {_folded(each): text for each, text in card.attributes}
        alike = get_close_matches(wanted, named, n=1, cutoff=0.8)  # "Mощность" with a Latin M
        return named[alike[0]] if alike else ""

    def _name(self, card: Card) -> str:
        """Short, as long as no other product of the answer is called the same."""
        short = called(card.name)
        alone = sum(called(row.name) == short for row in self._rows.values()) == 1
        return short if alone else card.name

    def _pieces(self, card: Card) -> str:
        unit = card.unit or words()["pieces"].get(self._lang, "")
        return f"{_plain(card.stock or Decimal(0), self._lang)} {unit}".strip()


def sober(card: Card) -> Card:
    """The product without cells that are speeches: what they say is no fact to speak of, nor a code to name."""
    return replace(
        card,
        brand=card.brand if len(card.brand.split()) <= FEW else "",
        category=card.category if len(card.category.split()) <= FEW else "",
        attributes=tuple(pair for pair in card.attributes if max(len(part.split()) for part in pair) <= FEW),
    )


class _State(Enum):
    BEFORE = auto()
    INSIDE = auto()
    AFTER = auto()


class Answer:
    """Reads `{"skus": [...], "answer": "..."}` as it arrives, in whatever pieces; plain prose is taken as it is."""

    def __init__(self) -> None:
        self.text = ""
        self.labels: list[str] = []
        self._raw = ""
        self._at = 0
        self._state = _State.BEFORE

    @property
    def closed(self) -> bool:
        """Whether the answer's string has ended."""
        return self._state is _State.AFTER

    def feed(self, piece: str) -> None:
        self._raw += piece
        if self._state is _State.BEFORE:
            self._look_for_answer()
        if self._state is _State.INSIDE:
            self._read_string()

    def _look_for_answer(self) -> None:
        start = self._raw.lstrip()
        if start and not start.startswith(("{", "`", "[")):  # a server without schemas: prose
            self.text, self._at = self._raw, len(self._raw)
            return
        if skus := re.search(r'"skus"\s*:\s*\[([^\]]*)\]', self._raw):
            self.labels = re.findall(r'"([^"]*)"', skus[1])
        if key := re.search(r'"answer"\s*:\s*"', self._raw):
            self._at, self._state = key.end(), _State.INSIDE

    def _read_string(self) -> None:
        while self._at < len(self._raw):
            char = self._raw[self._at]
            if char == '"':
                self._state = _State.AFTER
                return
            if char != "\\":
                self.text += char
                self._at += 1
                continue
            size, text = _escape(self._raw[self._at : self._at + 12])
            if not size:
                return  # the rest of the escape is still to come
            self.text += text
            self._at += size


ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": " ", "f": " ", "n": "\n", "r": "\n", "t": " "}


def _escape(text: str) -> tuple[int, str]:
    """(length, character) of the JSON escape at the start of `text`; length 0 while it is incomplete."""
    if len(text) < 2:
        return 0, ""
    if text[1] != "u":
        return 2, ESCAPES.get(text[1], "")
    if len(text) < 6:
        return 0, ""
    code = _hex(text[2:6])
    if 0xD800 <= code < 0xDC00:
        if len(text) < 12 and re.fullmatch(r"(?:\\(?:u[0-9a-fA-F]{0,4})?)?", text[6:]):
            return 0, ""
        low = _hex(text[8:12]) if text[6:8] == "\\u" else 0
        return (12, chr(0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00))) if 0xDC00 <= low < 0xE000 else (6, "")
    return 6, "" if 0xDC00 <= code < 0xE000 else chr(code)


def _hex(text: str) -> int:
    return int(text, 16) if re.fullmatch(r"[0-9a-fA-F]{4}", text) else 0


def _sentence_end(text: str, start: int) -> int:
    """Where the sentence that begins at `start` ends, 0 while it is not finished."""
    for match in END.finditer(text, start):
        if text[start : match.start()].strip() and not _is_abbreviation(text, start, match):
            return match.end()
    return 0


def _is_abbreviation(text: str, start: int, match: re.Match[str]) -> bool:
    if match[0] != ".":
        return False
    word = re.search(r"[^\W_]+$", text[start : match.start()])
    if word is None:
        return False
    following = text[match.end() :].lstrip(" [")[:1]
    if word[0].casefold() in _abbreviations() or (len(word[0]) == 1 and word[0].isalpha()):
        return not (following.isupper() and _ends_sentences(word[0]))
    return word[0].isdigit() and (following.islower() or word.start() == 0)


def _ends_sentences(word: str) -> bool:
    """Units are often the last word of a sentence; "e.g." and "ул." never are."""
    return word.casefold() in (
        "руб",
        "шт",
        "г",
        "коп",
        "тыс",
        "млн",
        "мин",
        "pcs",
        "см",
        "мм",
        "д",
        "п",
        "usw",
        "etc",
        "stk",
        "грн",
        "adet",
        "dona",
    )


def _repeated_unit(template: str, match: re.Match[str], value: str) -> int:
    """The length of a unit that the model wrote behind a mark which brings its own: "[A.price] руб."."""
    behind = unit_behind(template, match.end())
    if behind is None or match[3] or not match[2]:
        return 0
    kind = _fact_named(match[2])
    wanted = {"price": "currency", "stock": "pieces"}.get(kind, "unit")
    stated = template[match.end() : match.end() + behind[0]].strip(" .").casefold()
    repeated = kind in ("price", "stock") or value.casefold().rstrip(".").endswith(stated)
    return behind[0] if behind[1] == wanted and repeated else 0


def _fact_named(name: str) -> str:
    folded = _folded(name)
    return next((fact for fact, names in words()["facts"].items() if folded in names.split()), folded)


def _folded(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text).strip().casefold().replace("ё", "е")


def _plain(number: Decimal, lang: str) -> str:
    text = f"{number.normalize():f}"
    return text if lang in ("en", "zh") else text.replace(".", ",")


@cache
def words() -> dict[str, Any]:
    """What the renderer needs of languages."""
    folder = files(__package__).joinpath("prompts")
    return tomllib.loads(folder.joinpath("render.toml").read_text(encoding="utf-8"))


@cache
def _abbreviations() -> frozenset[str]:
    return frozenset(words()["abbreviations"].split())
