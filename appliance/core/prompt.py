"""Puts the question and the facts before the model, so that the smallest one can answer without writing a fact itself.

The turns begin with the same bytes for every customer (instructions and examples), so that an engine computes them
once; then come what was said before, the facts, the question. Whatever customers, catalogues and documents hold is
data here: fenced, and stripped of all that looks like a turn, a fence or a mark.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from string import ascii_lowercase, ascii_uppercase
from typing import Any

from appliance.core.claims.numbers import find_numbers
from appliance.core.types import Card
from models.base import Turn

ATTRIBUTES = 2  # of each row, those that the question names
NAME, VALUE, QUESTION, REMARK = 60, 30, 300, 80  # characters kept of each kind of text
# What an answer is made of: words of its language, single blanks, and the marks of its context, but no digit and
# nothing that JSON would escape. By construction then no figure is written, no mark broken, no language changed.
WORDS = {
    "cyrillic": "А-Яа-яЁёІіЇїЄєҐґҚқҒғҢңҮүҰұӘәӨөҺһЎўҲҳ",
    "latin": "A-Za-zÀ-ÖØ-öø-ɏ",
    "chinese": "一-鿿，。！？：；（）、",
    "any": "A-Za-zÀ-ÖØ-öø-ɏА-Яа-яЁёІіЇїЄєҐґ一-鿿぀-ヿ가-힯؀-ٟء-ي，。！？：；（）、",
}
SCRIPTS = {
    **dict.fromkeys(("ru", "uk", "be", "kk", "ky", "tg", "bg"), "cyrillic"),
    **dict.fromkeys(("en", "de", "fr", "es", "it", "pt", "pl", "tr", "cs", "nl"), "latin"),
    "zh": "chinese",
}
POINTS = ".,!?:;()«»„“”’'—–…-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much a prompt holds: rows, remarks of the dialogue before, characters of the company's text.

    A row is about 30 tokens, and a token costs a customer 20 to 50 ms on two cores; longer histories make small models
    invent.
    """

    goods: int = 3
    earlier: int = 2
    shop: int = 600


SIZES = (Size(), Size(goods=2, earlier=0, shop=400), Size(goods=1, earlier=0, shop=200))  # the one that fits the time


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A version of the words that steer the model; `body` is TOML like `prompts/default.toml`."""

    name: str
    version: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the model is asked: the turns, the schema of its answer, and what the marks in it stand for."""

    turns: tuple[Turn, ...]
    schema: Mapping[str, Any]
    rows: Mapping[str, Card]  # by label: "A", "B", ...
    values: Mapping[str, str]  # figures of the company's text by mark: "a", "b", ...


def default_prompt() -> Prompt:
    """The prompt that ships."""
    body = files(__package__).joinpath("prompts", "default.toml").read_text(encoding="utf-8")
    return Prompt(name="answer", version=str(_read(body)["version"]), body=body)


def shared_prefix(body: str) -> tuple[Turn, ...]:
    """The turns with which every request begins, byte for byte."""
    words = _read(body)
    turns = [Turn(role="system", text=words["system"].strip())]
    for example in words["examples"]:
        turns.append(Turn(role="user", text=example["user"].strip()))
        turns.append(Turn(role="assistant", text=example["assistant"].strip()))
    return tuple(turns)


def build(
    body: str,
    *,
    question: str,
    lang: str,
    rows: Sequence[Card] = (),
    passages: Sequence[str] = (),
    history: Sequence[tuple[str, str]] = (),
    digits: bool = False,
    size: Size = SIZES[0],
) -> Request:
    """A request about `rows` (goods), `passages` (the company's text) or neither (small talk).

    `history` holds (role, text) pairs, oldest first, with the role "user" for the customer. `digits` lets the
    answer's grammar have digits, for servers that know no patterns. What is beyond `size` is left out.
    """
    words = _read(body)
    labelled = dict(zip(ascii_uppercase, rows[: size.goods], strict=False))
    shop, values = marked(data(" ".join(data(text, size.shop) for text in passages), size.shop))
    parts = []
    if history and size.earlier:
        parts.append(words["user"]["earlier"].format(text=_earlier(words["user"], history, size.earlier)))
    if labelled:
        listed = "\n".join(_row(words["user"], label, row, labelled, question) for label, row in labelled.items())
        parts.append(words["user"]["goods"].format(rows=listed))
    if shop:
        parts.append(words["user"]["shop"].format(text=shop))
    language = words["languages"].get(lang, words["languages"]["en"])
    parts.append(words["user"]["question"].format(text=data(question, QUESTION), language=language))
    turns = (*shared_prefix(body), Turn(role="user", text="\n".join(parts)))
    marks = [*_marks(labelled, question), *(f"[{name}]" for name in values)]
    rule = schema(tuple(labelled), marks=marks, lang=lang, digits=digits)
    return Request(turns=turns, schema=rule, rows=labelled, values=values)


def again(request: Request, body: str, *, lang: str, wrong: str) -> Request:
    """The same once more, after an answer in another language: the model reads its own, and what was asked of it."""
    languages = _read(body)["languages"]
    answer = {"skus": [], "answer": CONTROL.sub(" ", wrong)[:REMARK]}  # with its marks: they are what it is to keep
    said = Turn(role="assistant", text=json.dumps(answer, ensure_ascii=False))
    asked = Turn(role="user", text=languages.get(lang, languages["en"]))
    return replace(request, turns=(*request.turns, said, asked))


def schema(labels: Sequence[str], *, marks: Sequence[str] = (), lang: str = "", digits: bool = False) -> dict[str, Any]:
    """The answer's JSON Schema: labels of the context alone, and prose of words and `marks` unless `digits`."""
    goods: dict[str, Any] = {"type": "array", "items": {"type": "string"}, "maxItems": len(labels)}
    if labels:
        goods["items"] = {"type": "string", "enum": list(labels)}
    answer: dict[str, Any] = {"type": "string"} if digits else {"type": "string", "pattern": _prose(marks, lang)}
    return {
        "type": "object",
        "properties": {"skus": goods, "answer": answer},
        "required": ["skus", "answer"],
        "additionalProperties": False,
    }


def _prose(marks: Sequence[str], lang: str) -> str:
    """The answer's pattern, as llama.cpp's grammars and llguidance both take it: anchored, plain groups."""
    letters = f"[{WORDS[SCRIPTS.get(lang, 'any')]}{POINTS}]"
    word = "|".join([letters, *(re.sub(r"([\\\[\](){}.*+?^$|/])", r"\\\1", mark) for mark in marks)])
    return f"^({word})+( ({word})+)*$"


CONTROL = re.compile(
    r"<\|.*?\|>|<\|?|\|?>|</?s>|\[/?INST\]|<</?SYS>>|(?im:^\s*(?:system|assistant|user|tool|developer|human|ai)\s*:)"
    r"|#{2,}\s*\w*:?|```+|[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ue000-\uf8ff]"
)
BRACKETS = str.maketrans("[]{}", "()()")


def data(text: str, limit: int) -> str:
    """A text as data: on one line, clipped, without fences, marks, roles and control tokens."""
    while (clean := CONTROL.sub(" ", text)) != text:
        text = clean
    text = re.sub(r"\s+", " ", text.translate(BRACKETS)).strip()
    return text if len(text) <= limit else text[: limit - 1].rsplit(" ", 1)[0] + "…"


def marked(text: str) -> tuple[str, dict[str, str]]:
    """The text with marks [a], [b], … for its figures, addresses and links, and what they stand for."""
    values: dict[str, str] = {}
    names = iter([*ascii_lowercase, *(a + b for a in ascii_lowercase for b in ascii_lowercase)])

    def mark(match: re.Match[str]) -> str:
        value = match[0].rstrip(".,;:!?")
        known = next((name for name, each in values.items() if each == value), None)
        name = known or next(names)
        values[name] = value
        return f"[{name}]{match[0][len(value) :]}"

    return FIGURE.sub(mark, text), values


# A telephone number, an address, thousands, or any word with a digit: "+7 (495) 000-14-22", "50 000", "9:00".
FIGURE = re.compile(
    r"\+?\d[\d\s().-]{6,}\d|\S+@\S+|(?:https?://|www\.)\S+"
    r"|(?:\d{1,3}(?:[ \u00a0\u202f]\d{3})+|[^\s(«\"]*\d[^\s)»\"]*)(?:[ \u00a0\u202f]?[₽€$£₸%])?"
)


def _row(words: Mapping[str, str], label: str, row: Card, rows: Mapping[str, Card], question: str) -> str:
    attributes = "".join(
        words["attribute"].format(label=label, name=_short(name), text=data(text, VALUE))
        for name, text in _telling(row, question)
    )
    marks = _stock(words, row) + _rank(words, row, list(rows.values()))
    return words["row"].format(label=label, name=_spoken(data(row.name, NAME)), marks=marks, attributes=attributes)


def _spoken(name: str) -> str:
    """The name without its codes: a model that sees them tries to write them, and may write no digit."""
    words = [word for word in called(name).split() if not re.search(r"\d", word)]
    return " ".join(words) or name


def called(name: str) -> str:
    """The name up to its first comma, behind which catalogues list figures; all of it where little is left."""
    head = name.split(",", 1)[0].strip()
    return head if len(head.split()) > 1 else name


def _short(name: str) -> str:
    """A property's name without its unit and its translation: "Подача / Flow rate, м³/ч" is "Подача"."""
    return re.split(r" / |, | \(", data(name, VALUE), maxsplit=1)[0]


def _marks(rows: Mapping[str, Card], question: str) -> list[str]:
    """The marks that an answer about these rows may hold: only facts that the rows have."""
    marks = []
    for label, row in rows.items():
        facts = ["price"] if row.price is not None else []
        facts += ["stock"] if row.stock is not None else []
        facts += [_short(name) for name, _ in _telling(row, question)]
        marks += [f"[{label}]", *(f"[{label}.{fact}]" for fact in facts if '"' not in fact)]
    return marks


def _stock(words: Mapping[str, str], row: Card) -> str:
    if row.stock is None:
        return words["unknown_stock"]
    return words["in_stock"] if row.stock > 0 else words["no_stock"]


def _rank(words: Mapping[str, str], row: Card, rows: Sequence[Card]) -> str:
    """What prices say without their figures, when all of them can be compared."""
    if row.price is None:
        return words["no_price"]
    prices = [each.price for each in rows if each.price is not None]
    if len(prices) < max(2, len(rows)) or len({each.currency for each in rows}) > 1:
        return ""
    if prices.count(row.price) == 1 and row.price == min(prices):
        return words["cheapest"]
    return words["dearest"] if prices.count(row.price) == 1 and row.price == max(prices) else ""


def _telling(row: Card, question: str) -> list[tuple[str, str]]:
    """The attributes that the question names, or whose figure it has; small models misuse any others."""
    asked = question.casefold()
    figures = {value for number in find_numbers(asked, "ru") for value in number.values}

    def is_asked(name: str, text: str) -> bool:
        named = any(len(word) > 3 and word[:5] in asked for word in name.casefold().split())
        valued = any(number.values & figures for number in find_numbers(text, "ru"))
        return bool(text) and (named or valued or text.casefold() in asked)

    return [pair for pair in row.attributes if is_asked(*pair)][:ATTRIBUTES]


def _earlier(words: Mapping[str, str], history: Sequence[tuple[str, str]], most: int) -> str:
    last = [pair for pair in history if pair[1].strip()][-most:]
    return " ".join(
        words["customer" if role == "user" else "assistant"].format(text=data(text, REMARK)) for role, text in last
    )


@cache
def _read(body: str) -> dict[str, Any]:
    return tomllib.loads(body)
