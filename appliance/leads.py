"""Turns what customers leave into leads, and sees that managers hear of each: once, in time, again if nobody acts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from appliance.core.duty import group, hearers
from appliance.core.leads import Contacts, mails, phones
from appliance.core.notices import Notice, notice
from appliance.core.types import Lead, Reply, Role
from appliance.hours import Opening
from appliance.store.leads import Consent, News, Status
from appliance.store.store import Store, Transaction

log = structlog.get_logger("leads")

NOTICE = "notice"  # the kind of parcel that tells a manager of a lead
CHANGED = "notice_changed"  # of one that sets right what managers have read of a lead
RELAY = "relay"  # of one that brings a customer's words to the manager who has the dialogue
RECAP = "recap"  # of one that shows a manager what was said before
ASIDE = "aside"  # of one that tells a manager something of the house
TELEGRAM, MAIL = "telegram", "mail"  # the channels by which managers are told


class Leads:
    """The house's rules for leads, inside the transactions of those who meet customers."""

    def __init__(
        self,
        *,
        region: str,
        hours: Opening,
        at_once: bool = True,
        idle: timedelta = timedelta(minutes=30),
        patience: timedelta = timedelta(minutes=15),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`at_once` tells managers at any hour; else they hear when the working hours begin.

        After `idle` without a word a dialogue becomes a lead; after `patience` without anybody taking it,
        all managers and administrators hear of it again.
        """
        self.region = region
        self._hours = hours
        self._at_once = at_once
        self._idle = idle
        self._patience = patience
        self._clock = clock

    async def from_form(
        self, tx: Transaction, conversation: UUID, values: Mapping[str, str], consent: str, *, lang: str = ""
    ) -> Lead:
        """A form that a customer sent. What cannot be read as a phone or an address is kept as it was typed."""
        phone, mail = values.get("phone", "").strip(), values.get("email", "").strip()
        contacts = Contacts(
            name=values.get("name", "")[:200],
            phone=phones.e164(phone, self.region) or phone[:100],
            email=mails.address(mail) or mail[:200],
            company=values.get("company", "")[:200],
            need=values.get("need", "")[:2000],
        )
        word = Consent(version=consent, given=True, lang=lang, how="form") if consent else None
        lead, news = await tx.keep_lead(conversation, contacts, status=Status.NEW, source="form", consent=word)
        await self.announce(tx, lead, news)
        return lead

    async def from_talk(self, tx: Transaction, conversation: UUID, reply: Reply) -> None:
        """What the customer's words about their contacts mean, in the transaction that stores the answer to them."""
        step = reply.contacts
        if step is None:
            return
        contacts = step.state.contacts
        if step.passed:
            word = Consent(version=step.consent, given=True, lang=reply.lang)
            lead, news = await tx.keep_lead(conversation, contacts, status=Status.NEW, source="talk", consent=word)
            await self.announce(tx, lead, news)
        elif step.erased:
            if seen := await tx.drop_contacts(conversation):
                await set_right(tx, seen)
            await tx.keep_consent(conversation, Consent(version=step.consent, given=False, lang=reply.lang))
        elif step.noted and contacts.reachable:
            await tx.keep_lead(conversation, contacts, status=Status.DRAFT, source="talk")

    async def called(self, tx: Transaction, conversation: UUID) -> None:
        """A customer asks for a manager: a lead, with or without contacts, and managers hear of it at once."""
        lead, news = await tx.keep_lead(conversation, Contacts(), status=Status.NEW, source="talk")
        if news is News.RAISED:
            await tx.owe_crm(lead.id)
            await tx.announced(lead.id, await self._tell(tx, lead, why="called"))

    async def from_quote(self, tx: Transaction, conversation: UUID) -> Lead:
        """A customer asks for a quotation: a lead that it is attached to, then `quoted` in the same transaction."""
        lead, _ = await tx.keep_lead(conversation, Contacts(), status=Status.PARTIAL, source="quote")
        return lead

    async def quoted(self, tx: Transaction, lead: Lead) -> None:
        """Managers hear of each quotation at once; whoever has the lead hears it alone."""
        await tx.owe_crm(lead.id)
        due = await self._tell(tx, lead, why="quoted", only=lead.assigned_to)
        if lead.status in (Status.PARTIAL, Status.NEW):
            await tx.announced(lead.id, due)

    async def overheard(self, tx: Transaction, conversation: UUID, message: UUID) -> None:
        """What a customer says goes to the manager who has the dialogue, if one has and reads Telegram."""
        agent = await tx.agent_of(conversation)
        if agent and agent.telegram_id is not None:
            address = str(agent.telegram_id)
            await tx.post(channel=TELEGRAM, address=address, kind=RELAY, body={"message": str(message)})

    async def manned(self, store: Store) -> bool | None:
        """Whether managers are at work now; None when there are none."""
        async with store.transaction() as tx:
            crew = await tx.crew()
        return self._hours.open_at(self._clock()) if crew else None

    async def from_silence(self, store: Store) -> int:
        """A lead for each dialogue that fell silent. May run anywhere, any number of times; gives how many it made."""
        made = 0
        while True:
            async with store.transaction() as tx:
                silent = await tx.idle(self._idle, limit=50)
                for conversation in silent:
                    lead, news = await tx.keep_lead(conversation, Contacts(), status=Status.PARTIAL, source="idle")
                    await self.announce(tx, lead, news)
                    made += news is News.RAISED
            if len(silent) < 50:
                return made

    async def escalate(self, store: Store) -> int:
        """Tells everybody of leads that nobody took, and whoever promised to call that it is time."""
        async with store.transaction() as tx:
            forgotten = await tx.unanswered(self._patience)
            for lead in forgotten:
                log.critical("lead.unanswered", lead=str(lead.id))
                await self._tell(tx, lead, why="unanswered", roles=(Role.MANAGER, Role.ADMINISTRATOR))
            for lead in await tx.to_call():
                await self._tell(tx, lead, why="call", only=lead.assigned_to)
        return len(forgotten)

    async def announce(self, tx: Transaction, lead: Lead, news: News) -> None:
        """Owes the managers their notices and the CRM the lead, in the transaction that made it."""
        if news is not News.NONE:
            await tx.owe_crm(lead.id)
        match news:
            case News.RAISED:
                await tx.announced(lead.id, await self._tell(tx, lead, why=lead.status))
            case News.MORE:
                await self._tell(tx, lead, why="more", only=lead.assigned_to)
            case News.NONE:
                pass

    async def _tell(
        self,
        tx: Transaction,
        lead: Lead,
        *,
        why: str,
        only: UUID | None = None,
        roles: tuple[Role, ...] = (Role.MANAGER,),
    ) -> datetime:
        """One parcel for each manager and way; gives when they are due to hear."""
        now = self._clock()
        due = now if self._at_once else self._hours.next_open(now)
        crew = await tx.crew()
        mine = [one for one in crew if one.id == only]  # none where they are a manager no longer: then all hear
        there = [one for one in crew if one.role in roles]
        lang, goods = ("", set[str]()) if why == "unanswered" else (lead.lang, {group(one) for one in lead.categories})
        heard = mine or hearers(there or crew, lang=lang, goods=goods)
        body = {"lead": str(lead.id), "why": why}
        for person in heard:
            if person.telegram_id is not None:
                address = str(person.telegram_id)
                await tx.post(channel=TELEGRAM, address=address, kind=NOTICE, body=body, wait=due - now)
            if person.email:
                await tx.post(channel=MAIL, address=person.email, kind=NOTICE, body=body, wait=due - now)
        if not heard:
            log.warning("lead.nobody_to_tell", lead=str(lead.id))
        return due


async def set_right(tx: Transaction, lead: UUID) -> None:
    """Owes every manager in Telegram the lead as it is now, where they have read of it."""
    for person in await tx.crew():
        if person.telegram_id is not None:
            await tx.post(channel=TELEGRAM, address=str(person.telegram_id), kind=CHANGED, body={"lead": str(lead)})


class Notices:
    """What a parcel of kind `NOTICE` says, when it is delivered: the lead as it is then, in its reader's language."""

    def __init__(self, store: Store, *, console: str) -> None:
        self._store = store
        self._console = console

    async def __call__(self, lead: UUID, why: str, address: str) -> Notice | None:
        """None when the lead was erased meanwhile, or the reader is no manager any more."""
        async with self._store.transaction() as tx:
            found = await tx.lead(lead)
            here = await tx.conversation(found.conversation) if found and found.conversation else None
            crew = await tx.crew()
            numbers = await tx.quote_numbers(lead)
        reader = next((one for one in crew if address in (one.email, str(one.telegram_id))), None)
        if found is None or reader is None:
            return None
        return notice(
            replace(found, quotes=numbers),
            why,
            lang=reader.lang,
            channel=here.channel if here else "",
            console=self._console,
        )
