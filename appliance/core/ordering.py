"""Understands what customers say of their request: "2 of the first", "what is in my cart", "send me a quote"."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Literal

from appliance.core.claims.numbers import Number, find_numbers
from appliance.core.language import readable
from appliance.core.lexicon import LANGUAGES, lexicon, normal, phrases
from appliance.core.quote import MOST
from appliance.core.texts import say
from appliance.core.types import Card

LONGEST = 200  # characters of an order in words; a longer text is a story that a search or a manager reads
_PLACES = ("first", "second", "third", "fourth", "fifth")
_OTHER = ("cheaper", "dearer", "bigger", "smaller", "brand", "compare", "price", "stock", "details")
_CODE = re.compile(r"(?<![\w-])(?=[\w./-]*\d)[\w./-]{3,}(?![\w-])")
_NAME = re.compile(r"[^\W\d_]{4,}")
_POINTING = re.compile(r"\b(?:first|second|third|fourth|fifth|last|this|that|the) one$")  # no number, but a pronoun
_MOST_NEW = 4  # words beside quantity and product in an order that has no verb

Deed = Literal["add", "remove", "show", "clear", "quote", "which"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is wanted of the request. `items` are (position among the shown cards from 0, quantity).

    `which` asks back: a quantity is said and nothing tells of which of the shown products. A `quote` may come with
    items: they are added first.
    """

    deed: Deed
    items: tuple[tuple[int, Decimal], ...] = ()
    quantity: Decimal | None = None  # of a quotation's one product, which only what was gathered before tells


def ordered(text: str, *, lang: str, shown: Sequence[Card]) -> Order | None:
    """What a message wants of the request; None when it is about something else."""
    plain = normal(readable(text, lang)).strip(" .,!;:()…")
    if not plain or len(plain) > LONGEST:
        return None
    said = _said(plain, lang)
    if said & {"show", "clear"}:
        return Order(deed="clear" if "clear" in said else "show")
    items = _items(plain, lang, shown)
    if "quote" in said or plain in _buttons():
        numbers = _quantities(plain, lang, shown)
        alone = _value(numbers[0]) if len(numbers) == 1 and not items else None
        return Order(deed="quote", items=items if numbers else (), quantity=alone)
    if "not" in said or _about_something_else(plain, lang):
        return None
    if "remove" in said:
        return Order(deed="remove", items=items) if items else None
    return _taken(plain, lang, shown, said, items)


def _taken(
    plain: str, lang: str, shown: Sequence[Card], said: frozenset[str], items: tuple[tuple[int, Decimal], ...]
) -> Order | None:
    """Goods that are wanted: by a verb, by the word for the request, or by a quantity in pieces."""
    quantities = _quantities(plain, lang, shown)
    pieces = any(number.pieces for number in quantities)
    wanted = bool(said & {"add", "basket"})
    if items and (wanted or (pieces and "?" not in plain and _few_other_words(plain, shown))):
        return Order(deed="add", items=items)
    if "?" in plain or any(lexicon(code).says(plain, "company") for code in _codes(plain, lang)):
        return None
    if not (wanted and (quantities or "basket" in said)) or not _nothing_else_named(plain, lang, shown):
        return None
    if len(shown) == 1:
        return Order(deed="add", items=((0, _value(quantities[0]) if quantities else Decimal(1)),))
    return Order(deed="which") if shown else None


def _items(plain: str, lang: str, shown: Sequence[Card]) -> tuple[tuple[int, Decimal], ...]:
    """The products that the words point at, each with its quantity: the one said with it, or one piece."""
    pointed = _pointed(plain, lang, shown)
    numbers = _quantities(plain, lang, shown)
    if len(numbers) == 1:
        quantities = [_value(numbers[0])] * len(pointed)
    elif len(numbers) == len(pointed):
        quantities = [_value(number) for number in numbers]
    else:
        quantities = [Decimal(1)] * len(pointed)
    return tuple(zip((position for _, position in pointed), quantities, strict=True))


def _pointed(plain: str, lang: str, shown: Sequence[Card]) -> list[tuple[int, int]]:
    """(place in the text, position of the card), in the text's order, each card once."""
    found: dict[int, int] = {}
    for place, position in sorted([*_by_place(plain, lang, shown), *_by_code(plain, shown)]):
        found.setdefault(position, place)
    if not found:
        found = {position: place for place, position in _by_name(plain, shown)}
    return sorted((place, position) for position, place in found.items())


def _by_place(plain: str, lang: str, shown: Sequence[Card]) -> list[tuple[int, int]]:
    """ "the second", "the last one"."""
    topics = [*enumerate(_PLACES[: len(shown)]), *([(len(shown) - 1, "last")] if shown else [])]
    return [
        (match.start(), position)
        for code in _codes(plain, lang)
        for position, topic in topics
        for match in lexicon(code).found(plain, "follow_up", topic)
    ]


def _by_code(plain: str, shown: Sequence[Card]) -> list[tuple[int, int]]:
    """A SKU, or a code of the name that only one of the cards has."""
    found = []
    for match in _CODE.finditer(plain):
        having = [at for at, card in enumerate(shown) if match[0] in _codes_of(card)]
        found += [(match.start(), having[0])] if len(having) == 1 else []
    for at, card in enumerate(shown):  # a SKU may have no digit, or spaces
        sku = re.search(rf"(?<![\w-]){re.escape(normal(card.sku))}(?![\w-])", plain) if card.sku else None
        found += [(sku.start(), at)] if sku else []
    return found


def _by_name(plain: str, shown: Sequence[Card]) -> list[tuple[int, int]]:
    """A word of the name that only one of several cards has; endings may differ."""
    found = []
    names = [" ".join(_NAME.findall(normal(card.name))) for card in shown]
    for match in _NAME.finditer(plain):
        stem = match[0][: max(4, len(match[0]) * 3 // 4)]
        having = [at for at, name in enumerate(names) if any(word.startswith(stem) for word in name.split())]
        found += [(match.start(), having[0])] if len(having) == 1 else []
    return list({position: (place, position) for place, position in reversed(found)}.values())


def _quantities(plain: str, lang: str, shown: Sequence[Card]) -> list[Number]:
    """The numbers that count pieces: with a word for them, else bare ones outside codes and ordinals."""
    places = [match.span() for match in _CODE.finditer(plain) if any(match[0] in _codes_of(card) for card in shown)]
    places += [
        match.span()
        for code in _codes(plain, lang)
        for match in lexicon(code).found(plain, "follow_up", *_PLACES, "last")
    ]
    units = {normal(card.unit).rstrip(".") for card in shown if card.unit}
    numbers = [
        number
        for number in find_numbers(plain, lang)
        if not number.top
        and not number.currency
        and not number.literal
        and not any(start <= number.start < end for start, end in places)
        and not _POINTING.search(plain[: number.end])
        and 0 < _value(number) <= MOST
        and (number.pieces or not number.unit or plain[: number.end].rsplit(maxsplit=1)[-1].rstrip(".") in units)
    ]
    pairs = [
        Number(start=match.start(), end=match.end(), raw=match[0], values=frozenset({Decimal(2)}), pieces=True)
        for code in _codes(plain, lang)
        for match in _patterns(code)["pair"].finditer(plain)
    ]
    counted = [number for number in [*pairs, *numbers] if number.pieces]
    return sorted(counted or numbers, key=lambda number: number.start)


def _value(number: Number) -> Decimal:
    return min(number.values)


def _few_other_words(plain: str, shown: Sequence[Card]) -> bool:
    known = normal(" ".join(card.name for card in shown))
    new = [word for word in _NAME.findall(plain) if word[: max(4, len(word) * 3 // 4)] not in known]
    return len(new) <= _MOST_NEW


def _nothing_else_named(plain: str, lang: str, shown: Sequence[Card]) -> bool:
    """Whether no goods are named that are not among the shown: "I'll take 3 ovens" after pumps is a search."""
    known = normal(" ".join(f"{card.name} {card.category}" for card in shown))
    return not any(
        match[0][: max(4, len(match[0]) * 3 // 4)] not in known
        for code in _codes(plain, lang)
        for match in lexicon(code).found(plain, "product", "goods")
    )


def _about_something_else(plain: str, lang: str) -> bool:
    """A question about price, stock or another product, however it names the goods."""
    return any(lexicon(code).says(plain, "follow_up", *_OTHER) for code in _codes(plain, lang))


def _codes_of(card: Card) -> frozenset[str]:
    name = normal(card.name)
    return frozenset({normal(card.sku), *(match[0] for match in _CODE.finditer(name))})


def _said(plain: str, lang: str) -> frozenset[str]:
    return frozenset(
        topic
        for code in _codes(plain, lang)
        for topic, pattern in _patterns(code).items()
        if topic != "pair" and pattern.search(plain)
    )


def _codes(plain: str, lang: str) -> tuple[str, ...]:
    """The languages whose words are looked for: the customer's, and Russian or English where the letters are."""
    also = (("ru", "[а-я]"), ("en", "[a-z]"))
    return tuple(dict.fromkeys((lang, *(code for code, letters in also if re.search(letters, plain)))))


@cache
def _patterns(lang: str) -> Mapping[str, re.Pattern[str]]:
    tables = tomllib.loads(resources.files(__package__).joinpath("ordering.toml").read_text("utf-8"))
    return phrases(tables.get(lang) or tables["en"], joined=lang == "zh")


@cache
def _buttons() -> frozenset[str]:
    """What the quick reply for a quotation says, in every language."""
    return frozenset(normal(say("quick_quote", lang)) for lang in LANGUAGES)
