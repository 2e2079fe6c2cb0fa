"""Understands what arrives from Telegram: messages, commands, contacts, buttons; all of it within one transaction."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID, uuid4

from aiogram.types import CallbackQuery, Contact, Message, Update, User

from appliance.channels.telegram_cards import Button, Do, read_button
from appliance.channels.telegram_post import CHANNEL, chat_of
from appliance.channels.telegram_text import NOTICE, label
from appliance.core.texts import languages, say
from appliance.core.types import Card, Conversation, Inbound, Owner, Received
from appliance.core.types import Message as Said
from appliance.store.plain import cards_from
from appliance.store.store import Transaction

PAYLOAD = re.compile(r"[A-Za-z0-9_-]{1,64}")  # what a deep link may carry (core.telegram.org/bots/features)
COMMANDS = ("search", "contact", "language", "help", "forget")  # as the menu shows them
QUESTION = re.compile(r"(?<=[.。!])\s*[^.。!]*[?？]$")  # the last sentence, where it asks
WEB = "web"  # kind of the links that carry a dialogue over from the site
WEB_PREFIX = "w_"
RECAP = 6  # messages of a dialogue that are shown where it goes on
LATELY = 12  # events among which the bot has said lately what it can do
RECAP_CHARS = 300  # of each of them
MEDIA = ("photo", "voice", "audio", "video", "video_note", "animation", "document", "sticker", "location", "venue",
         "poll", "dice", "contact")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who writes, and from where."""

    chat: int
    user: int
    name: str
    lang: str

    @property
    def address(self) -> str:
        return str(self.chat)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What came of an update: whose answer is awaited, and what pops up over the pressed button."""

    wake: UUID | None = None
    chat: int = 0
    query: str = ""
    notice: str = ""


Start = Callable[[Transaction, Caller, str], Awaitable[str]]  # a deep link's rest -> what is said; empty: the greeting


class Take(Protocol):
    """Stores a message within a transaction, and says whether it awaits an answer of the assistant."""

    async def __call__(self, tx: Transaction, inbound: Inbound, *, awaits_answer: bool = True) -> Received: ...


class Basket(Protocol):
    """Where products are gathered for a quotation."""

    async def add(self, tx: Transaction, conversation: UUID, card: Card) -> str:
        """Puts one piece in; gives a short sentence about it in the customer's language."""
        ...


class Managers(Protocol):
    """Those who work here and write from Telegram themselves."""

    async def hears(self, tx: Transaction, origin: str, caller: Caller, text: str, kind: str) -> bool:
        """Takes what a manager writes or sends (`kind`: photo, voice, …); False for whoever is a customer here."""
        ...

    async def presses(self, tx: Transaction, caller: Caller, data: str) -> str | None:
        """Takes a button under a notice of theirs, and gives what pops up; None for data that is not theirs."""
        ...


class Ears:
    """`starts` says by prefix who takes a deep link's payload; other payloads are campaign tags."""

    def __init__(
        self, *, take: Take, starts: Mapping[str, Start], basket: Basket | None, default_language: str,
        in_writing: Callable[[UUID], bool], managers: Managers | None = None,
    ) -> None:  # fmt: skip
        self._take, self._basket, self._default = take, basket, default_language
        self._starts = {WEB_PREFIX: self._continue_web, **starts}
        self._in_writing, self._managers = in_writing, managers

    async def hear(self, tx: Transaction, bot: int, update: Update) -> Heard:
        """Stores and owes whatever the update means; what is nobody's business is nothing."""
        origin = f"{bot}:{update.update_id}"
        if query := update.callback_query:
            return await self._pressed(tx, origin, query)
        message = update.message or update.edited_message
        if message and message.from_user and not message.from_user.is_bot and message.chat.type == "private":
            return await self._said(tx, origin, message, message.from_user)
        return Heard()

    async def _said(self, tx: Transaction, origin: str, message: Message, user: User) -> Heard:
        caller = self._caller(message.chat.id, user)
        text = (message.text or message.caption or "").replace("\0", "").strip()
        kind = next((kind for kind in MEDIA if getattr(message, kind, None)), "")
        if self._managers and (text or kind) and await self._managers.hears(tx, origin, caller, text, kind):
            return Heard()
        if text.startswith("/"):
            return await self._command(tx, origin, caller, text)
        if message.contact:
            return await self._contact(tx, origin, caller, message.contact)
        if text:
            here = await tx.conversation_at(CHANNEL, caller.address)
            about = await tx.focused(here.id) if here else ""
            payload = {"ref": about} if about else {}
            heard = await self._ask(tx, caller, origin, text, **payload, **_file(message, kind))
            if kind and here and here.owner is not Owner.AGENT:  # the caption is answered, and the rest was not seen
                await self._notice(tx, here, say("only_text", here.lang))
            return heard
        if not kind:
            return Heard()  # pinned messages and the like
        conversation = await self._keep(tx, caller, origin, kind, f"[{kind}]", **_file(message, kind))
        if conversation and conversation.owner is not Owner.AGENT:
            await self._only_text(tx, conversation, message.media_group_id)
        return Heard()

    async def _only_text(self, tx: Transaction, conversation: Conversation, album: str | None) -> None:
        """What the bot can do, in full the first time; an album is answered once."""
        lang = conversation.lang
        *before, _ = await tx.earlier(conversation.id, before=conversation.last_seq + 1, limit=LATELY)
        if album and any(event.payload.get("album") == album for event in before):
            return
        told = any(event.kind == "notice" and event.text.startswith(say("only_text", lang)) for event in before)
        words = say("only_text", lang)
        await self._notice(tx, conversation, words if told else f"{words} {say('abilities', lang)}")

    async def _command(self, tx: Transaction, origin: str, caller: Caller, text: str) -> Heard:
        command, _, rest = text[1:].partition(" ")
        name, rest = command.partition("@")[0].lower(), rest.strip()
        if name == "search" and rest:
            return await self._ask(tx, caller, origin, rest)
        if name == "contact":
            return await self._ask(tx, caller, origin, text, kind="cta")
        if name == "start":
            return await self._start(tx, origin, caller, text, rest)
        conversation = await self._keep(tx, caller, origin, "command", text)
        if conversation is None:
            return Heard()
        lang = conversation.lang
        match name:
            case "search":
                await self._notice(tx, conversation, say("bot_search_ask", lang))
            case "language":
                await self._offer_languages(tx, conversation)
            case "forget":
                await self._confirm_forgetting(tx, conversation)
            case _:
                await self._notice(tx, conversation, help_text(lang))
        return Heard()

    async def _start(self, tx: Transaction, origin: str, caller: Caller, text: str, payload: str) -> Heard:
        """A first word, or a deep link: what its prefix says, or a campaign's tag."""
        payload = payload if PAYLOAD.fullmatch(payload) else ""
        prefix = next((prefix for prefix in self._starts if payload.startswith(prefix)), "")
        said = await self._starts[prefix](tx, caller, payload.removeprefix(prefix)) if prefix else ""
        tag = {"campaign": payload} if payload and not prefix else {}
        kept = "/start" if prefix else f"/start {payload}".strip()  # a token is nobody's to read
        conversation = await self._keep(tx, caller, origin, "command", kept, **tag)
        if conversation:
            hello = f"{say('greeting', conversation.lang)}\n\n{help_text(conversation.lang, asked=True)}"
            await self._notice(tx, conversation, said or hello)
        return Heard()

    async def _continue_web(self, tx: Transaction, caller: Caller, token: str) -> str:
        """The site's dialogue goes on here; its last words are shown, so that both sides know where they were."""
        about = await tx.use_link(WEB, token)
        conversation = UUID(about["conversation"]) if about else None
        if conversation is None or not await tx.continue_at(conversation, channel=CHANNEL, address=caller.address):
            return say("bot_link_old", caller.lang)
        here = await tx.conversation(conversation)
        lang = (here.lang if here else "") or caller.lang
        events = await tx.events(conversation, after=0)
        lines = [line for event in events if (line := _recalled(event, lang))][-RECAP:]
        return "\n\n".join([say("bot_continued", lang), *lines])

    async def _contact(self, tx: Transaction, origin: str, caller: Caller, contact: Contact) -> Heard:
        """One's own contact waits for the consent; another person's is not taken."""
        if contact.user_id != caller.user:
            conversation = await self._keep(tx, caller, origin, "contact", "[contact]")
            if conversation:
                await self._notice(tx, conversation, say("bot_own_contact", conversation.lang), phone=True)
            return Heard()
        phone = "+" + re.sub(r"\D", "", contact.phone_number)
        name = " ".join(part for part in (contact.first_name, contact.last_name) if part)
        values = {"name": name, "phone": phone}
        here = await tx.conversation_at(CHANNEL, caller.address)
        asked = (await tx.consents()).text((here.lang if here else "") or caller.lang)
        payload = {"values": values, "consent": asked.version}  # agreed to is what is shown now, whenever it is pressed
        received = await self._take(
            tx, self._inbound(caller, origin, "contact", f"{name} {phone}", payload), awaits_answer=False
        )
        conversation = await self._known(tx, caller, received)
        if conversation:
            lang = conversation.lang
            keys = [[(say(text, lang), Button(do=Do.CONSENT, message=received.message, number=yes).data())]
                    for text, yes in (("bot_agree", 1), ("form_cancel", 0))]  # fmt: skip
            words = f"{say('bot_consent_ask', lang, phone=phone)}\n\n{asked.text}"
            await self._notice(tx, conversation, words, keys=keys)
        return Heard()

    async def _pressed(self, tx: Transaction, origin: str, query: CallbackQuery) -> Heard:
        if query.message is None:
            return Heard(query=query.id)
        caller = self._caller(query.message.chat.id, query.from_user)
        if self._managers and (told := await self._managers.presses(tx, caller, query.data or "")) is not None:
            return Heard(query=query.id, notice=told)
        button = read_button(query.data or "")
        events = await tx.said(button.message) if button else []
        conversation = await tx.conversation(events[0].conversation) if events else None
        if button is None or conversation is None or not _is_here(conversation, caller):
            writing = button is not None and self._in_writing(button.message)
            return Heard(query=query.id, notice=say("bot_moment" if writing else "bot_old_button", caller.lang))
        press = Press(self, tx, origin, caller, conversation, events)
        heard = await press.do(button)
        return Heard(
            wake=heard.wake,
            chat=caller.chat,
            query=query.id,
            notice=label(heard.notice, NOTICE) if heard.notice else "",
        )

    async def _ask(
        self, tx: Transaction, caller: Caller, origin: str, text: str, *, kind: str = "text", **payload: Any
    ) -> Heard:
        """A message that awaits its answer."""
        received = await self._take(tx, self._inbound(caller, origin, kind, text, payload))
        await self._known(tx, caller, received)
        return Heard(wake=received.conversation, chat=caller.chat)

    async def _keep(
        self, tx: Transaction, caller: Caller, origin: str, kind: str, text: str, **payload: Any
    ) -> Conversation | None:
        """A message that the bot itself sees to; None when it was kept before."""
        received = await self._take(tx, self._inbound(caller, origin, kind, text, payload), awaits_answer=False)
        return await self._known(tx, caller, received)

    async def _known(self, tx: Transaction, caller: Caller, received: Received) -> Conversation | None:
        if received.duplicate:
            return None
        await tx.introduce(received.conversation, name=caller.name, lang=caller.lang)
        return await tx.conversation(received.conversation)

    async def _notice(
        self, tx: Transaction, conversation: Conversation, text: str, *, keys: list[Any] | None = None,
        phone: bool = False, id: UUID | None = None, **about: Any,
    ) -> None:  # fmt: skip
        """Something the bot says by itself: kept like all that is said, and owed to the chat."""
        id = id or uuid4()
        payload = {"mid": str(id), **about} | ({"keys": keys} if keys else {}) | ({"phone": True} if phone else {})
        await tx.add(conversation.id, role="bot", kind="notice", text=text, payload=payload, id=id)
        await tx.post(channel=CHANNEL, address=conversation.address, kind="reply", body={"message": str(id)})

    async def _offer_languages(self, tx: Transaction, conversation: Conversation) -> None:
        id = uuid4()
        keys = [(say("bot_language_name", lang), Button(do=Do.LANGUAGE, message=id, number=at).data())
                for at, lang in enumerate(languages())]  # fmt: skip
        rows = [keys[at : at + 2] for at in range(0, len(keys), 2)]
        await self._notice(tx, conversation, say("bot_language_ask", conversation.lang), keys=rows, id=id)

    async def _confirm_forgetting(self, tx: Transaction, conversation: Conversation) -> None:
        id, lang = uuid4(), conversation.lang
        keys = [[(say(text, lang), Button(do=Do.FORGET, message=id, number=yes).data())]
                for text, yes in (("bot_forget_yes", 1), ("form_cancel", 0))]  # fmt: skip
        await self._notice(tx, conversation, say("bot_forget_ask", lang), keys=keys, id=id)

    def _inbound(self, caller: Caller, origin: str, kind: str, text: str, payload: Mapping[str, Any]) -> Inbound:
        return Inbound(
            channel=CHANNEL, address=caller.address, external_id=origin, text=text, lang_hint=caller.lang, kind=kind,
            payload=dict(payload),
        )  # fmt: skip

    def _caller(self, chat: int, user: User) -> Caller:
        lang = (user.language_code or "").partition("-")[0].lower()
        return Caller(chat=chat, user=user.id, name=user.full_name, lang=lang or self._default)


def help_text(lang: str, *, asked: bool = False) -> str:
    """What the bot can do, and its commands. `asked`: the greeting before it has asked already what is needed."""
    abilities = say("abilities", lang)
    if asked:
        abilities = QUESTION.sub("", abilities)
    commands = "\n".join(f"/{name} – {say(f'bot_cmd_{name}', lang)}" for name in COMMANDS)
    return f"{abilities}\n\n{commands}"


def menu(lang: str) -> dict[str, str]:
    """The commands as Telegram's menu shows them."""
    return {name: say(f"bot_cmd_{name}", lang) for name in COMMANDS}


class Press:
    """One pressed button of a message that belongs to the chat."""

    def __init__(
        self, ears: Ears, tx: Transaction, origin: str, caller: Caller, conversation: Conversation, events: list[Said]
    ) -> None:
        self._ears, self._tx, self._origin, self._caller = ears, tx, origin, caller
        self._conversation, self._events = conversation, events
        self._lang = conversation.lang or caller.lang

    async def do(self, button: Button) -> Heard:
        tx, lang = self._tx, self._lang
        match button.do:
            case Do.CARD | Do.DETAILS | Do.LIST | Do.SIMILAR | Do.ASK | Do.BASKET:
                card = self._card(button.number)
                return await self._about(card, button) if card else self._old()
            case Do.QUICK:
                items: list[str] = next((event.payload["items"] for event in self._events if event.kind == "quick"), [])
                if button.number >= len(items):
                    return self._old()
                return await self._ears._ask(tx, self._caller, self._origin, items[button.number], kind="quick")
            case Do.LANGUAGE:
                return await self._language(button.number)
            case Do.FORGET if button.number == 1:
                await tx.forget_person(CHANNEL, self._caller.address)
                await tx.post(
                    channel=CHANNEL, address=self._caller.address, kind="say", body={"text": say("bot_forgotten", lang)}
                )
                return Heard()
            case Do.FORGET:
                await self._ears._notice(tx, self._conversation, say("ack", lang))
                return Heard()
            case Do.CONSENT:
                return await self._consent(given=button.number == 1)

    async def _about(self, card: Card, button: Button) -> Heard:
        """A button under a card."""
        tx, ears, lang = self._tx, self._ears, self._lang
        match button.do:
            case Do.SIMILAR:
                text = say("bot_similar_to", lang, name=card.name)
                return await ears._ask(tx, self._caller, self._origin, text, kind="card", ref=card.sku, similar=True)
            case Do.ASK:
                await tx.focus(self._conversation.id, card.sku)
                await ears._notice(tx, self._conversation, say("bot_ask_about", lang, name=card.name), ref=card.sku)
                return Heard()
            case Do.BASKET:
                if ears._basket is None:
                    return self._old()
                return Heard(notice=await ears._basket.add(tx, self._conversation.id, card))
            case Do.DETAILS:
                await ears._keep(tx, self._caller, self._origin, "card", card.name, ref=card.sku)
        body = {"message": str(button.message), "view": button.do, "number": button.number}
        await tx.post(channel=CHANNEL, address=self._caller.address, kind="turn", body=body)
        return Heard()

    async def _language(self, number: int) -> Heard:
        if number >= len(languages()):
            return self._old()
        lang = languages()[number]
        await self._tx.choose_language(self._conversation.id, lang)
        await self._ears._notice(self._tx, self._conversation, say("bot_language_set", lang))
        return Heard(notice=say("bot_language_name", lang))

    async def _consent(self, *, given: bool) -> Heard:
        """The contact becomes a form with its consent, once however often the button is pressed."""
        contact = self._events[0]
        if contact.kind != "contact" or contact.role != "user" or "values" not in contact.payload:
            return self._old()
        if not given:
            await self._ears._notice(self._tx, self._conversation, say("bot_contact_dropped", self._lang))
            return Heard()
        values = dict(contact.payload["values"])
        agreed = contact.payload.get("consent") or (await self._tx.consents()).text(self._lang).version
        payload = {"form_id": "contact", "values": values, "consent": agreed}
        text = "\n".join(f"{key}: {value}" for key, value in values.items() if value)
        origin = f"consent:{contact.id}"
        return await self._ears._ask(self._tx, self._caller, origin, text, kind="form", **payload)

    def _card(self, number: int) -> Card | None:
        shown = next((event for event in self._events if event.kind == "cards"), None)
        items = cards_from(shown.payload["items"]) if shown else ()
        return items[number] if number < len(items) else None

    def _old(self) -> Heard:
        return Heard(notice=say("bot_old_button", self._lang))


def _file(message: Message, kind: str) -> dict[str, str]:
    """Which file a message brought, for a manager who may want to see it; nothing for a text."""
    if not kind:
        return {}
    file = message.photo[-1] if message.photo else getattr(message, kind)
    album = {"album": message.media_group_id} if message.media_group_id else {}
    return {"file": kind, "file_id": getattr(file, "file_id", ""), **album}


def _is_here(conversation: Conversation, caller: Caller) -> bool:
    return conversation.channel == CHANNEL and chat_of(conversation.address) == caller.chat


def _recalled(event: Said, lang: str) -> str:
    """One line of the talk so far, with the goods that were shown; empty for what is no talk."""
    match event.kind:
        case "cards":
            text = "; ".join(card.name for card in cards_from(event.payload.get("items", ())))
        case "text" if event.role != "system":
            text = event.text
        case "quick" if event.role == "user":
            text = event.text
        case _:
            return ""
    who = say("bot_you" if event.role == "user" else "bot_we", lang)
    text = text if len(text) <= RECAP_CHARS else text[:RECAP_CHARS].rstrip() + "…"
    return f"**{who}:** {text}"
