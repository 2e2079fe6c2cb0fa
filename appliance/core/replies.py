"""Sentences of ours for every answer: said when the model is slow, away, or not needed at all."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

from appliance.core.company import Passage
from appliance.core.consent import ALL_SHIPPED, Consents
from appliance.core.followup import FollowUp
from appliance.core.lexicon import lexicon, normal
from appliance.core.measures import READS_RUSSIAN, measured, sold_by, symbol
from appliance.core.money import money
from appliance.core.texts import say
from appliance.core.types import Card
from catalog.product import Product
from catalog.snapshot import Found

CARDS = 4  # shown at once: what a phone's screen holds without tiring the thumb
NUMBER = re.compile(r"[-+±]?\d+(?:[.,]\d+)?(?:\s?[-–…/x×]\s?\d+(?:[.,]\d+)?)*")
CYRILLIC = re.compile(r"[а-яё]", re.IGNORECASE)
LONGEST_UNIT = 12  # characters of what stands behind a property's last comma
CORRECTED = frozenset({"ru", "en", "uk", "be", "kk"})  # whose slips the search mends; of others it only reads words
ECHOED = re.compile(r"[\w \-.,/+×°%№«»\"']{1,80}")  # what of a customer's own words is said back: a search, no markup
REFINED = {
    "cheaper": "cheaper", "another price": "cheaper", "dearer": "dearer", "another brand": "other_brand",
    "only what is in stock": "only_stock",
}  # fmt: skip
SMALLTALK = {  # topic -> sentence; the first topic that fits is answered
    "who": "who",
    "abilities": "abilities",
    "how": "how_are_you",
    "thanks": "thanks",
    "bye": "bye",
    "ack": "ack",
    "hello": "greeting",
}


def card(product: Product, *, lang: str, version: str) -> Card:
    """A product as a customer of that language sees it."""
    name = _name(product, lang)
    return Card(
        sku=product.sku,
        name=name,
        price=product.price,
        currency=product.currency,
        stock=None if product.stock_about else product.stock,  # "there is some" is no figure to quote
        unit=sold_by(product.unit, lang),
        brand=product.brand,
        category=product.category,
        photo=product.photo,
        attributes=_properties(product, name, lang),
        catalog_version=version,
    )


def goods(found: Found, cards: Sequence[Card], *, lang: str, follow: FollowUp | None, turn: int) -> str:
    """What is said above cards that fit."""
    if follow and follow.kind == "more":
        words = say("more", lang)
    elif follow and follow.kind == "refine":
        words = say(REFINED.get(follow.why, "changed"), lang)
        if follow.why not in REFINED and not _comparable(cards):  # "with that in mind" alone says nothing
            words = say("found", lang, n=len(cards))
    else:
        words = say("found", lang, n=len(cards))
    return " ".join([*_what_was_changed(found, lang), _with_price(words, cards, lang)])


def nothing(found: Found, near: Sequence[Card], *, lang: str, follow: FollowUp | None, turn: int) -> str:
    """The honest answer when nothing fits: near misses are offered as such, and a person's help."""
    if follow and follow.why in ("cheaper", "dearer"):
        words = say("none_cheaper" if follow.why == "cheaper" else "none_dearer", lang)
    elif follow and follow.kind == "more":
        words = say("none_more", lang)
    elif near:
        words = say("none_near", lang, turn=turn).rstrip(" :：") + _stop(lang)
    else:
        words = f"{say('none', lang, turn=turn)} {say('none_offer', lang)}"
    return " ".join([*_what_was_changed(found, lang), words])


def about_cards(follow: FollowUp, cards: Sequence[Card], *, lang: str) -> str:
    """Price, stock or properties of cards that were shown before, from their rows."""
    match follow.kind:
        case "price":
            lines = [_price(shown, lang) for shown in cards]
        case "stock":
            lines = [say("stock_is", lang, name=shown.name, stock=stock(shown, lang)) for shown in cards]
        case "compare":
            lines = [say("compare", lang), *_compared(cards, lang)]
        case "order":
            lines = [say("order_item", lang, name=cards[0].name) if len(cards) == 1 else say("order", lang)]
        case _:
            lines = [_facts(shown, lang) for shown in cards]
    return "\n".join(lines)


def request(deed: str, cards: Sequence[Card], *, lang: str) -> str:
    """What is said of a request for a quotation where nobody can tell what it holds."""
    match deed:
        case "which":
            return say("request_which", lang)
        case "show" | "remove":
            return say("request_empty", lang)
        case "clear":
            return say("request_cleared", lang)
        case _:
            return say("order_item", lang, name=cards[0].name) if len(cards) == 1 else say("order", lang)


def stock(shown: Card, lang: str) -> str:
    if shown.stock is None:
        return say("stock_unknown", lang)
    if shown.stock <= 0:
        return say("stock_no", lang)
    return say("stock_n", lang, n=_plain(shown.stock), unit=shown.unit).strip()


def passages(found: Sequence[Passage], *, lang: str) -> str:
    """The company's own sentences, word for word, with their source."""
    if not found:
        return say("company_unknown", lang)
    _, *within = found[0].heading.split(" / ")
    heading = f"**{within[-1]}**\n" if within else ""  # "In the city": without it the passage may mislead
    return f"{heading}{found[0].text}\n\n{source(found[0], lang)}"


def source(passage: Passage, lang: str) -> str:
    """Where a company's words were taken from."""
    return say("source", lang, name=passage.heading.split(" / ")[0] or passage.source)


def smalltalk(text: str, *, lang: str, turn: int) -> str:
    said = {topic for code in (lang, "en", "ru") for topic in lexicon(code).topics_said(normal(text), "smalltalk")}
    return say(next((id for topic, id in SMALLTALK.items() if topic in said), "greeting"), lang, turn=turn)


def quick_for_goods(lang: str, *, cards: Sequence[Card], follow: FollowUp | None) -> tuple[str, ...]:
    """What customers most often ask next."""
    ids = ["quick_more", "quick_manager"]
    prices = {shown.price for shown in cards if shown.price is not None}
    if len(prices) > 1 and not (follow and follow.why == "cheaper"):
        ids.insert(0, "quick_cheaper")
    if any(shown.stock is not None and shown.stock <= 0 for shown in cards):
        ids.insert(0, "quick_stock")
    return tuple(say(id, lang) for id in ids)


def form(lang: str, consents: Consents = ALL_SHIPPED) -> Mapping[str, Any]:
    """The short form by which a manager can reach a customer."""
    agreed = consents.text(lang)
    return {
        "form_id": "contact",
        "title": say("form_title", lang),
        "fields": [
            {"name": "name", "label": say("form_name", lang), "type": "text", "required": False},
            {"name": "phone", "label": say("form_phone", lang), "type": "tel", "required": True},
            {"name": "email", "label": say("form_email", lang), "type": "email", "required": False},
            {"name": "need", "label": say("form_need", lang), "type": "textarea", "required": False},
        ],
        "submit": say("form_submit", lang),
        "consent": {"version": agreed.version, "text": agreed.text, "required": True},
    }


def _with_price(words: str, cards: Sequence[Card], lang: str) -> str:
    """ "4 products: from 9 510 ₽." where all prices can be compared. The cards stand above, so no colon may hang."""
    lead = words.rstrip(" :：")
    if not _comparable(cards):
        return f"{lead}{_stop(lang)}"
    least = min(shown.price for shown in cards if shown.price is not None)
    return f"{lead}: {say('price_from', lang, price=money(least, cards[0].currency, lang))}{_stop(lang)}"


def _comparable(cards: Sequence[Card]) -> bool:
    """Whether all have a price, in one currency."""
    return len({shown.currency for shown in cards}) == 1 and all(shown.price is not None for shown in cards)


def _stop(lang: str) -> str:
    return "。" if lang == "zh" else "."


def _what_was_changed(found: Found, lang: str) -> list[str]:
    """A slip that was mended, and limits that left nothing: said, so that nobody wonders at the cards."""
    corrected = found.corrected if lang in CORRECTED and ECHOED.fullmatch(found.corrected) else ""
    changed = [say("corrected", lang, words=corrected)] if corrected else []
    return [*changed, say("dropped", lang)] if found.dropped else changed


def _price(shown: Card, lang: str) -> str:
    if shown.price is None:
        return say("price_of", lang, name=shown.name)
    return say("price_is", lang, name=shown.name, price=money(shown.price, shown.currency, lang))


def _compared(cards: Sequence[Card], lang: str) -> list[str]:
    """A point for each of the goods with what tells it from the others: what all share helps nobody to choose."""
    shared = set(cards[0].attributes).intersection(*(shown.attributes for shown in cards[1:])) if cards[1:] else set()
    return [f"- {_facts(shown, lang, name=f'**{shown.name}**', without=shared)}" for shown in cards]


def _facts(shown: Card, lang: str, *, name: str = "", without: Collection[tuple[str, str]] = ()) -> str:
    price = say("price_on_request", lang) if shown.price is None else money(shown.price, shown.currency, lang)
    told = (f"{label}: {value}" for label, value in shown.attributes if (label, value) not in without)
    facts = [price, stock(shown, lang), *told]
    return say("comparison", lang, name=name or shown.name, facts="; ".join(facts))


def _name(product: Product, lang: str) -> str:
    names = dict(product.names)
    if product.lang == lang or (lang in READS_RUSSIAN and (not product.lang or product.lang == "ru")):
        return product.name
    return names.get(lang) or (names.get("en") if lang not in READS_RUSSIAN else names.get("ru")) or product.name


def _properties(product: Product, name: str, lang: str) -> tuple[tuple[str, str], ...]:
    """On a card whose name the customer can read, words of another alphabet are left out."""
    all_of_them = tuple(_property(attribute.name, attribute.text, lang) for attribute in product.attributes)
    if lang in READS_RUSSIAN or CYRILLIC.search(name):
        return all_of_them
    return tuple((label, text) for label, text in all_of_them if not CYRILLIC.search(label + text))


def _property(name: str, text: str, lang: str) -> tuple[str, str]:
    """A property as people say it: "Подача / Flow rate, м³/ч", "50" is ("Подача", "50 м³/ч") to a Russian."""
    label, comma, unit = name.rpartition(", ")
    if comma and len(unit) <= LONGEST_UNIT and NUMBER.fullmatch(text):
        name, text = label, f"{text} {unit}"
    elif comma:
        name = name if lang in READS_RUSSIAN else f"{label}, {symbol(unit)}"
    parts = name.split(" / ")
    if len(parts) == 2 and CYRILLIC.search(parts[0]) and not CYRILLIC.search(parts[1]):
        name = parts[0] if lang in READS_RUSSIAN else parts[1]
    return name, measured(text, lang)


def _plain(number: Decimal) -> str:
    return format(number.normalize(), "f")
