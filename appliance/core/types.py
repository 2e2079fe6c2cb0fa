"""The words of the house as frozen values: what arrives, what is said, what is owed to whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from appliance.core.leads.talk import NOBODY_KNOWN, State, Step
from appliance.core.quote import Request
from catalog.wish import Wish


class Route(StrEnum):
    """What a customer's message is about."""

    PRODUCT_SEARCH = "product_search"
    COMPANY = "company"
    CONTACT = "contact"
    SMALLTALK = "smalltalk"
    OFF_TOPIC = "off_topic"
    ABUSE = "abuse"


class Rung(StrEnum):
    """How an answer was made: the degradation ladder from the top."""

    PROSE = "prose"  # the model's sentences, through the claim gate
    TEMPLATE = "template"  # cards or company text with a sentence of ours
    FORM = "form"  # the contact form


class Role(StrEnum):
    """Who somebody is to the house."""

    CUSTOMER = "customer"
    MANAGER = "manager"
    ADMINISTRATOR = "administrator"


class Owner(StrEnum):
    """Who answers a conversation."""

    BOT = "bot"
    QUEUE = "queue"  # waits for a manager
    AGENT = "agent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """A customer's message as its channel gives it. (`channel`, `address`, `external_id`) is unique."""

    channel: str
    address: str  # whom to answer: a widget session, a Telegram chat
    external_id: str
    text: str
    lang_hint: str = ""  # the page's or the app's language
    kind: str = "text"  # text, quick, card, cta, form
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A product as a customer sees it; every figure comes from the catalogue row."""

    sku: str
    name: str
    price: Decimal | None = None
    currency: str = ""
    stock: Decimal | None = None
    unit: str = ""
    brand: str = ""
    category: str = ""
    photo: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    catalog_version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A stored message of a conversation; `seq` counts from 1 within it."""

    id: UUID
    conversation: UUID
    seq: int
    role: str  # user, bot, agent, system
    kind: str  # text, cards, quick, form, state
    text: str
    payload: Mapping[str, Any]
    at: datetime
    answered_by: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A dialogue as the channels and the desk see it."""

    id: UUID
    channel: str
    address: str
    lang: str
    owner: Owner
    last_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What the assistant keeps of a conversation between two answers, so that "the second one" has a meaning."""

    lang: str = ""
    wish: Wish | None = None
    shown: tuple[Card, ...] = ()
    route: str = ""
    lead: State = NOBODY_KNOWN
    prompt: str = ""  # the version that the dialogue is answered with while several are tried
    focus: str = ""  # SKU of the one card that was last spoken of by itself: "how much is it?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to answer a conversation: a fencing token, dropped by a takeover or by its holder's death."""

    conversation: UUID
    channel: str
    address: str
    token: int
    memory: Memory
    hint: str = ""  # the language of the page or app, until a message shows the customer's
    questions: tuple[Message, ...]  # the customer's messages that wait, oldest first
    history: tuple[Message, ...]  # what came before them, oldest first
    attempts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the assistant decided to say. `text` has passed the claim gate."""

    text: str
    lang: str
    route: Route
    rung: Rung
    cards: tuple[Card, ...] = ()
    none: bool = False  # search found nothing that fits
    quick: tuple[str, ...] = ()
    form: Mapping[str, Any] = field(default_factory=dict)  # form_id, fields, consent of the form to show
    sources: tuple[str, ...] = ()  # SKUs and company passages behind the text
    catalog_version: str = ""
    prompt_version: str = ""
    model: str = ""
    memory: Memory = Memory()
    request: Request | None = None  # what is to be done with the customer's request for a quotation
    calls: bool = False  # the customer wants a manager now
    contacts: Step | None = None  # what this turn means for the customer's contacts
    blocked: int = 0  # sentences that the claim gate held back
    stages: Mapping[str, float] = field(default_factory=dict)  # milliseconds by stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """Where an inbound message landed; `duplicate` when it had been stored before."""

    message: UUID
    conversation: UUID
    seq: int
    duplicate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A widget's session: opened anew, or resumed by its token."""

    sid: str
    token: str
    conversation: UUID
    resumed: bool
    last_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """Who wanted what, and how to reach them."""

    id: UUID
    conversation: UUID | None
    name: str = ""
    phone: str = ""
    email: str = ""
    company: str = ""
    need: str = ""
    consent_version: str = ""
    source: str = "form"
    status: str = "new"
    lang: str = ""
    products: tuple[str, ...] = ()  # SKUs that were looked at
    categories: tuple[str, ...] = ()  # of those goods, each once
    quotes: tuple[int, ...] = ()  # numbers of the quotations made for it
    assigned_to: UUID | None = None
    call_at: datetime | None = None
    created: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a CRM knows of a lead."""

    remote: str = ""  # the record's id there; empty: nothing yet
    sent: Mapping[str, str] = field(default_factory=dict)
    noted: int = 0  # seq of the last message that it was told
    quotes: tuple[int, ...] = ()
    run: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """A manager or an administrator."""

    id: UUID
    name: str
    role: Role
    lang: str = ""
    telegram_id: int | None = None
    email: str = ""
    serves: UUID | None = None  # the conversation that their next words in Telegram go to
    on_duty: bool = True  # whether new leads are told to this person first
    languages: tuple[str, ...] = ()  # of customers whom this person hears of; none: of all
    goods: tuple[str, ...] = ()  # groups of goods that this person hears of; none: of all


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """Something owed to an address; delivered at least once, in order for each address."""

    id: UUID
    channel: str
    address: str
    kind: str
    body: Mapping[str, Any]
    attempts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What the customer may see before the answer is stored: cards at once, then the text so far."""

    conversation: UUID
    message: UUID  # id the final message will have
    text: str = ""
    cards: tuple[Card, ...] = ()
    state: str = "writing"  # thinking, writing, interrupted
