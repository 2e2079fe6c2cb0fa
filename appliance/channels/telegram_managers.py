"""Managers in Telegram: notices with buttons, and the bot's chat as the place where they talk to customers."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import UUID

from appliance.channels.telegram_cards import Keyboard
from appliance.channels.telegram_text import Styled, bold, joined, marked
from appliance.core.notices import read, word
from appliance.core.types import Lead, Message, Parcel, Staff
from appliance.desk import Desk, Gone
from appliance.hours import Opening
from appliance.leads import ASIDE, CHANGED, NOTICE, RECAP, RELAY, TELEGRAM, Notices
from appliance.store.leads import Status
from appliance.store.store import Store, Transaction

if TYPE_CHECKING:
    from appliance.channels.telegram_ears import Caller
    from appliance.channels.telegram_post import Write

VERSION = "M1"  # of the managers' buttons
SHOWN = 10  # messages of a dialogue that its new manager reads first
SHOWN_CHARS = 300  # of each of them
SOON = timedelta(hours=1)
MORNING = time(9, 0)  # when nothing is said of the working hours
LOOPBACK = ("localhost", "127.", "::1", "0.0.0.0")  # Telegram refuses buttons that lead there
WRITTEN = ("text", "quick", "form", "card", "notice")  # kinds of messages whose text says it all
SENT = ("cta", "contact", "photo", "voice", "document")  # kinds that have a sentence of their own


class Deed(StrEnum):
    """What a manager's button does; one letter in its data."""

    TAKE = "t"  # takes the lead and its dialogue
    TURN = "s"  # the next words go to this dialogue, which is the manager's already
    SOON = "h"  # to be called back in an hour
    MORNING = "m"  # to be called back when the next day begins
    DONE = "d"
    BACK = "b"  # gives the dialogue back to the assistant


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A button's deed, and the lead or dialogue that it is about."""

    deed: Deed
    about: UUID

    def data(self) -> str:
        return f"{VERSION}{self.deed}{base64.urlsafe_b64encode(self.about.bytes).rstrip(b'=').decode()}"


def read_key(data: str) -> Key | None:
    """None for data that is no manager's."""
    if not data.startswith(VERSION) or len(data) != 25:
        return None
    try:
        about = UUID(bytes=base64.b64decode(data[3:] + "==", altchars=b"-_", validate=True))
        return Key(deed=Deed(data[2]), about=about)
    except (ValueError, binascii.Error):
        return None


class TelegramManagers:
    """What managers press and write, each within the transaction of its update; `writes` is what they read."""

    def __init__(
        self,
        *,
        store: Store,
        desk: Desk,
        notices: Notices,
        hours: Opening,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store, self._desk, self._notices, self._hours, self._clock = store, desk, notices, hours, clock
        self.writes: Mapping[str, Write] = {
            NOTICE: self._notice, CHANGED: self._notice, RELAY: self._relayed, RECAP: self._recap, ASIDE: self._aside,
        }  # fmt: skip

    async def hears(self, tx: Transaction, origin: str, caller: Caller, text: str, kind: str) -> bool:
        """A manager's words go to whom they serve; those of one who serves nobody are a customer's."""
        person = await tx.by_telegram(caller.user)
        if person is None:
            return False
        if text.partition("@")[0].lower() == "/back":
            if person.serves:
                await self._desk.within(tx).hand_back(person, person.serves)
            else:
                await _tell(tx, person, "serves_nobody")
            return True
        if person.serves is None or text.startswith("/"):
            return False
        if kind:
            await _tell(tx, person, "only_words", back=person.serves)
            return True
        try:
            await self._desk.within(tx).say(person, person.serves, text, origin=f"{TELEGRAM}:{origin}")
        except Gone:
            await tx.serve(person.id, None)
            await _tell(tx, person, "not_yours")
        return True

    async def presses(self, tx: Transaction, caller: Caller, data: str) -> str | None:
        """Does what the button says, once; gives what pops up. None for data that is no manager's."""
        key = read_key(data)
        if key is None:
            return None
        person = await tx.by_telegram(caller.user)
        if person is None:
            return word("no_manager", caller.lang)
        desk = self._desk.within(tx)
        try:
            match key.deed:
                case Deed.BACK:
                    return await self._back(tx, desk, person, key.about)
                case Deed.TURN:
                    return await self._take(tx, desk, person, key.about)
                case _:
                    return await self._about_lead(tx, desk, person, key)
        except Gone:
            return word("closed", person.lang)

    async def _about_lead(self, tx: Transaction, desk: Desk, person: Staff, key: Key) -> str:
        lead = await desk.lead(person, key.about)
        if lead.status == Status.DONE:
            return word("closed", person.lang)
        if other := await self._another(tx, lead, person):
            return word("has_it", person.lang, name=other)
        match key.deed:
            case Deed.TAKE if lead.conversation:
                told = await self._take(tx, desk, person, lead.conversation)
            case Deed.SOON | Deed.MORNING:
                at = self._clock() + SOON if key.deed is Deed.SOON else self._morning()
                await desk.call_later(person, lead.id, at)
                told = word("call_set", person.lang, at=self._when(at))
            case Deed.DONE:
                await desk.close_lead(person, lead.id)
                if lead.conversation and await self._has(tx, person, lead.conversation):
                    await desk.hand_back(person, lead.conversation)
                told = word("done", person.lang)
            case _:
                await desk.take_lead(person, lead.id)
                told = word("taken_by_you", person.lang)
        return told

    async def _take(self, tx: Transaction, desk: Desk, person: Staff, conversation: UUID) -> str:
        """From now on the manager's words go to this customer."""
        holder = await tx.agent_of(conversation)
        if holder and holder.id != person.id:
            return word("has_it", person.lang, name=holder.name)
        await desk.take_over(person, conversation)
        if holder is None:
            here = await tx.conversation(conversation)
            body = {"conversation": str(conversation), "until": here.last_seq if here else 0}
            await tx.post(channel=TELEGRAM, address=str(person.telegram_id), kind=RECAP, body=body)
        return word("yours" if holder is None else "yours_already", person.lang)

    async def _back(self, tx: Transaction, desk: Desk, person: Staff, conversation: UUID) -> str:
        if not await self._has(tx, person, conversation):
            return word("not_yours", person.lang)
        await desk.hand_back(person, conversation)
        return ""

    async def _has(self, tx: Transaction, person: Staff, conversation: UUID) -> bool:
        holder = await tx.agent_of(conversation)
        return holder is not None and holder.id == person.id

    async def _another(self, tx: Transaction, lead: Lead, person: Staff) -> str:
        """The name of another manager who has the lead; empty also where they are one no longer."""
        return next((one.name for one in await tx.crew() if one.id == lead.assigned_to != person.id), "")

    def _morning(self) -> datetime:
        local = self._clock().astimezone(self._hours.zone)
        tomorrow = datetime.combine(local.date() + timedelta(days=1), MORNING, self._hours.zone)
        return self._hours.next_open(tomorrow)

    def _when(self, at: datetime) -> str:
        return at.astimezone(self._hours.zone).strftime("%d.%m. %H:%M")

    async def _notice(self, parcel: Parcel) -> tuple[Styled, Keyboard] | None:
        """The lead as it is now: heading, labelled lines, where it stands, what may be done."""
        said = await self._notices(UUID(parcel.body["lead"]), parcel.body["why"], parcel.address)
        async with self._store.transaction() as tx:
            lead = await tx.lead(UUID(parcel.body["lead"]))
            reader = await tx.by_telegram(int(parcel.address))
            other = await self._another(tx, lead, reader) if lead and reader else ""
        if said is None or lead is None or reader is None:
            return None
        lines = joined(bold(f"{label}: ") + text for label, text in said.lines)
        by = other or (reader.name if lead.assigned_to == reader.id else word("another", reader.lang))
        state = marked(self._state(lead, by, reader.lang), "italic")
        keys = [] if other or lead.status == Status.DONE else _keys(lead, reader)
        if said.link and _reachable(said.link):
            keys.append([(said.link_text, said.link)])
        return joined([bold(said.heading), lines, state], "\n\n"), keys

    def _state(self, lead: Lead, by: str, lang: str) -> str:
        match lead.status:
            case Status.TAKEN:
                return word("state_taken", lang, name=by)
            case Status.LATER if lead.call_at:
                return word("state_later", lang, name=by, at=self._when(lead.call_at))
            case Status.DONE:
                return word("state_done", lang, name=by)
            case _:
                return ""

    async def _relayed(self, parcel: Parcel) -> tuple[Styled, Keyboard] | None:
        """A customer's words, for the manager who has the dialogue."""
        async with self._store.transaction() as tx:
            said = next(iter(await tx.said(UUID(parcel.body["message"]))), None)
            reader = await tx.by_telegram(int(parcel.address))
            who = await tx.customer_name(said.conversation) if said else ""
        if said is None or reader is None:
            return None
        name = who or word("customer", reader.lang)
        keys = [] if reader.serves == said.conversation else [
            [(word("turn", reader.lang, name=name), Key(deed=Deed.TURN, about=said.conversation).data())]
        ]  # fmt: skip
        return bold(f"{name}: ") + _spoken(said, reader.lang), keys

    async def _recap(self, parcel: Parcel) -> tuple[Styled, Keyboard] | None:
        """What was said before a manager came, and how to leave again."""
        conversation, until = UUID(parcel.body["conversation"]), int(parcel.body["until"])
        async with self._store.transaction() as tx:
            reader = await tx.by_telegram(int(parcel.address))
            before = await tx.earlier(conversation, before=until + 1)
            who = await tx.customer_name(conversation)
        if reader is None:
            return None
        lang, name = reader.lang, who or word("customer", reader.lang)
        lines = [
            bold(f"{name if said.role == 'user' else word('assistant', lang)}: ") + _short(_spoken(said, lang))
            for said in before
            if (said.role == "user" and said.kind != "command")
            or (said.role in ("bot", "agent") and said.kind == "text")
        ]
        heading = bold(word("you_talk", lang, name=name))
        whole = joined([heading, joined(lines[-SHOWN:]), word("how_back", lang)], "\n\n")
        return whole, [[(word("back", lang), Key(deed=Deed.BACK, about=conversation).data())]]

    async def _aside(self, parcel: Parcel) -> tuple[Styled, Keyboard] | None:
        """A word of the house to a manager."""
        async with self._store.transaction() as tx:
            reader = await tx.by_telegram(int(parcel.address))
        if reader is None:
            return None
        if "heading" in parcel.body:  # written out by whoever posted it
            said = read(parcel.body)
            lines = joined(bold(f"{label}: ") + text if label else text for label, text in said.lines)
            door: Keyboard = [[(said.link_text, said.link)]] if said.link and _reachable(said.link) else []
            return joined([bold(said.heading), lines], "\n\n"), door
        back = parcel.body.get("back")
        keys = [[(word("back", reader.lang), Key(deed=Deed.BACK, about=UUID(back)).data())]] if back else []
        return Styled(word(parcel.body["word"], reader.lang, **parcel.body.get("values", {}))), keys


async def _tell(tx: Transaction, person: Staff, id: str, *, back: UUID | None = None) -> None:
    body = {"word": id} | ({"back": str(back)} if back else {})
    await tx.post(channel=TELEGRAM, address=str(person.telegram_id), kind=ASIDE, body=body)


def _keys(lead: Lead, reader: Staff) -> Keyboard:
    """What may be done with a lead that no other manager has."""

    def key(id: str, deed: Deed) -> tuple[str, str]:
        return word(id, reader.lang), Key(deed=deed, about=lead.id).data()

    take = key("write" if lead.assigned_to == reader.id else "take", Deed.TAKE)
    return [[take], [key("soon", Deed.SOON), key("morning", Deed.MORNING)], [key("finish", Deed.DONE)]]


def _spoken(said: Message, lang: str) -> str:
    """A message in words; what has none is named."""
    if said.kind in WRITTEN:
        return said.text
    return word(f"sent_{said.kind}" if said.kind in SENT else "sent_other", lang)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_CHARS else line[:SHOWN_CHARS].rstrip() + "…"


def _reachable(url: str) -> bool:
    """Whether Telegram takes the address in a button."""
    return not (urlsplit(url).hostname or "localhost").startswith(LOOPBACK)
