"""Blocks what only the company may promise and its text does not, and amounts that are no amounts."""

from __future__ import annotations

import re

from appliance.core.claims.company import keeps_promise, promises_in
from appliance.core.claims.lexicon import has, pattern
from appliance.core.claims.sentence import Blocked, Sentence, rows_of

IN_QUESTIONS = {"discount", "free", "bonus", "vow", "market"}  # an offer remains an offer with a question mark
EVER = {"free", "bonus", "vow", "done", "market", "hours"}  # that no "the manager will clarify" excuses
ABOUT_DISCOUNTS = re.compile(
    r"(?<!\w)(?:о|об|по|насч[её]т|про|возможност[ьи]|about|regarding|on|possib\w+|zu|zum|zur|über|nach)\s+(?:\w+\s+)?"
    r"(?:скид|акци|discount|promo|rabatt|sonder)",
    re.IGNORECASE,
)

TOPIC = re.compile(
    r"\s*(?:for|about|regarding|as for|concerning|по|о|об|насч[её]т|что касается|для|zu|zur|zum|bezüglich|über|"
    r"wegen|für)(?!\w)",
    re.IGNORECASE,
)


def promises(sentence: Sentence) -> None:
    """Discounts, gifts, delivery, warranty, terms, deeds done: only as the company's text or the row has them."""
    for at, (start, end) in enumerate(sentence.clauses):
        text = sentence.open[start:end]
        found = promises_in(text)
        if TOPIC.match(text) and at + 1 < len(sentence.clauses):
            text = sentence.open[start : sentence.clauses[at + 1][1]]  # "As for delivery, ask our manager"
        if sentence.asks(start):
            found &= IN_QUESTIONS
        elif has("cues", "refusing", text):
            found &= {"free", "bonus", "done", "market"}
        elif has("cues", "ignorant", text):
            found &= EVER
        elif has("cues", "neutral", text):
            found &= EVER | (set() if ABOUT_DISCOUNTS.search(text) else {"discount", "soon"})
        found -= _of_the_rows(sentence, found, start)
        if "\x00" in sentence.text:
            found -= {"contact"}  # an address or a telephone of the company's own stands there
        if found and not _kept(sentence, found, text):
            raise Blocked(f"the company's text does not say it: {', '.join(sorted(found))}")


def _kept(sentence: Sentence, found: frozenset[str], clause: str) -> bool:
    return any(
        keeps_promise(sentence.company, found, text, sentence.numbers, sentence.lang)
        for text in (clause, sentence.text)
    )


def _of_the_rows(sentence: Sentence, found: frozenset[str], at: int) -> frozenset[str]:
    """Warranty, certificates and the like that the row itself names; never discounts or gifts."""
    rows = rows_of(sentence.spoken_of(at)) or sentence.rows
    return frozenset(
        name
        for name in found & {"warranty", "legal", "vat", "install", "credit"}
        if rows and all(has("promises", name, sentence.goods[row].text) for row in rows)
    )


def vague_amounts(sentence: Sentence) -> None:
    """ "Half the price", "dozens", "only a few left": amounts that no row can show."""
    known = " ".join([sentence.company.text, *(good.text for good in sentence.goods)]).casefold()
    for match in pattern("vague", "words").finditer(sentence.bare):
        if match[0].casefold() not in known:
            raise Blocked(f"an amount that no row shows: {match[0]}")
    for start, end in sentence.clauses:
        text = sentence.bare[start:end]
        if not sentence.asks(start) and not has("cues", "absent", text) and _vague_stock(sentence, start, end):
            raise Blocked("a vague word about stock")


def _vague_stock(sentence: Sentence, start: int, end: int) -> bool:
    text = sentence.bare[start:end]
    named = any(start <= each.start < end for each in sentence.mentions)
    if has("stock", "plenty", text) and (named or has("cues", "stock", text)):
        return True
    if not has("stock", "vague", text):
        return False
    counted = re.search(r"(?<!\w)(?:пар[уаы]|couple|paar)(?!\w)", text, re.IGNORECASE)
    pieces = re.search(r"штук|шт\b|pieces|units|pcs|stück|экземпляр", text, re.IGNORECASE)
    last = named and re.search(r"(?<!\w)(?:последн|last (?!year)|letzte|единственн)", text, re.IGNORECASE)
    return bool(has("cues", "stock", text) or (counted and has("cues", "stock", sentence.bare)) or pieces or last)
