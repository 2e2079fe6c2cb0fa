"""Products as Telegram shows them: one message with a photo that is turned in place, and what its buttons mean."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from appliance.channels.telegram_text import CAPTION, Styled, bold, joined, label, marked
from appliance.core import replies
from appliance.core.money import money
from appliance.core.texts import say
from appliance.core.types import Card

VERSION = "2"  # of the buttons; one of another version is answered politely, and nothing else happens
FEW = 3  # properties on a card before its details are asked for
LINE = 60  # characters of a name in the list of all cards
NAMES = {"prev": "◀", "next": "▶", "list": "☰"}  # signs that need no language

Keyboard = list[list[tuple[str, str]]]  # rows of (text, callback data, or an URL)


class Do(StrEnum):
    """What a button does; one letter in its data."""

    CARD = "c"  # shows the card with that number
    DETAILS = "d"  # the same card with all its properties
    LIST = "l"  # all cards in short
    SIMILAR = "s"
    ASK = "a"
    BASKET = "b"
    QUICK = "q"  # sends the quick reply with that number
    LANGUAGE = "n"  # argument: the language's place in `texts.languages()`
    FORGET = "f"  # 1: yes, 0: no
    CONSENT = "k"  # 1: yes, 0: no; to the contact that was shared


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """What a button's data says: the deed, the message that it belongs to, a number."""

    do: Do
    message: UUID
    number: int = 0

    def data(self) -> str:
        """29 to 31 of the 64 bytes that Telegram allows."""
        id = base64.urlsafe_b64encode(self.message.bytes).rstrip(b"=").decode()
        return f"{VERSION}{self.do}{id}{self.number}"


def read_button(data: str) -> Button | None:
    """None for data that is not ours: forged, damaged or of another version."""
    if not data.startswith(VERSION) or len(data) > 64:
        return None
    try:
        raw = base64.b64decode(data[2:24] + "==", altchars=b"-_", validate=True)
        return Button(do=Do(data[1]), message=UUID(bytes=raw), number=_number(data[24:]))
    except (ValueError, IndexError, binascii.Error):
        return None


def caption(cards: Sequence[Card], view: Do, number: int, lang: str) -> Styled:
    """What stands under the photo; within Telegram's limit."""
    if view is Do.LIST:
        return joined((_line(at, card, lang) for at, card in enumerate(cards, 1)), "\n\n").cut(CAPTION)
    card = cards[number]
    properties = card.attributes if view is Do.DETAILS else card.attributes[:FEW]
    facts = joined(f"{name}: {value}" for name, value in properties)
    about = " · ".join(word for word in (card.brand, card.sku) if word)
    head = joined([bold(card.name), joined([bold(_price(card, lang)), replies.stock(card, lang)], " · ")])
    return joined([head, facts, marked(about, "code")], "\n\n" if view is Do.DETAILS else "\n").cut(CAPTION)


def keyboard(message: UUID, cards: Sequence[Card], view: Do, number: int, lang: str, *, basket: bool) -> Keyboard:
    """The buttons under a card, or under the list of all."""

    def key(text: str, do: Do, at: int = number) -> tuple[str, str]:
        return text, Button(do=do, message=message, number=at).data()

    if view is Do.LIST:
        return [[key(str(at + 1), Do.CARD, at) for at in range(len(cards))]]
    rows: Keyboard = []
    if len(cards) > 1:
        rows.append(
            [
                key(NAMES["prev"], Do.CARD, (number - 1) % len(cards)),
                key(f"{number + 1} / {len(cards)}  {NAMES['list']}", Do.LIST, 0),
                key(NAMES["next"], Do.CARD, (number + 1) % len(cards)),
            ]
        )
    details = ("bot_less", Do.CARD) if view is Do.DETAILS else ("quick_details", Do.DETAILS)
    more = [key(say(details[0], lang), details[1])] if len(cards[number].attributes) > FEW else []
    rows.append([*more, key(say("bot_similar", lang), Do.SIMILAR)])
    rows.append([key(say("bot_ask", lang), Do.ASK)])
    if basket:
        rows[-1].append(key(say("bot_add", lang), Do.BASKET))
    return rows


def quick_keyboard(message: UUID, items: Sequence[str]) -> Keyboard:
    """Quick replies, two in a row where they are short."""
    keys = [(label(item), Button(do=Do.QUICK, message=message, number=at).data()) for at, item in enumerate(items)]
    rows: Keyboard = []
    for key in keys:
        if rows and len(rows[-1]) == 1 and len(rows[-1][0][0]) + len(key[0]) <= 30:
            rows[-1].append(key)
        else:
            rows.append([key])
    return rows


def _line(at: int, card: Card, lang: str) -> Styled:
    name = bold(f"{at}. {label(card.name, LINE)}")
    return joined([name, f"{_price(card, lang)} · {replies.stock(card, lang)}"])


def _price(card: Card, lang: str) -> str:
    return say("price_on_request", lang) if card.price is None else money(card.price, card.currency, lang)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 3):
        raise ValueError(text)
    return int(text)
