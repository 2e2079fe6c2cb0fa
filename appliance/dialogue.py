"""Every customer's message is stored first, then answered once, in order, whatever dies in between."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Protocol
from uuid import UUID, uuid4

import structlog
from structlog.contextvars import bind_contextvars

from appliance.channels.base import Channel
from appliance.core.texts import say
from appliance.core.types import Claim, Inbound, Owner, Progress, Received, Reply
from appliance.leads import Leads
from appliance.quotes import Quotes
from appliance.store.errors import ClaimLost, StoreUnavailable
from appliance.store.store import Store, Transaction
from appliance.tasks import Tasks

log = structlog.get_logger()

SITE = "widget"  # the channel of the company's site
PATIENCE = 3  # attempts at one message; then a manager gets it, with the reason
SWEEP = 1.0  # seconds between looks for questions that a crash left behind
RETRY = timedelta(seconds=2)  # doubled with each attempt
AT_ONCE = 128  # conversations answered at the same time by one process; the others wait their turn in the database

Show = Callable[[Progress], Awaitable[None]]
Answered = Callable[[Claim, Reply], None]
Elsewhere = Callable[[Transaction, UUID], Awaitable[str]]  # a conversation -> an address where it may go on, or none


class Answerer(Protocol):
    """Decides what to say. May take seconds, holds no transaction, and shows what it knows as it goes."""

    async def answer(self, claim: Claim, *, message: UUID, show: Show, stopped: asyncio.Event) -> Reply: ...

    def give_up(self, claim: Claim) -> Reply:
        """What to say when answering failed for good: a person will take over."""
        ...


class Dialogue:
    """Receives messages from all channels and sees to their answers."""

    def __init__(
        self, *, store: Store, answerer: Answerer, channels: Mapping[str, Channel], tasks: Tasks, leads: Leads,
        quotes: Quotes | None = None, elsewhere: Elsewhere | None = None, answered: Answered | None = None,
    ) -> None:  # fmt: skip
        """`elsewhere` gives customers of the site a way into a messenger, where a manager finds them later.

        `answered` hears of each answer once it is stored, with the milliseconds of its stages.
        """
        self._store = store
        self._answerer = answerer
        self._channels = channels
        self._tasks = tasks
        self._leads = leads
        self._quotes = quotes
        self._elsewhere = elsewhere
        self._answered = answered
        self._flights: dict[UUID, asyncio.Event] = {}
        self._again: set[UUID] = set()
        self._taken: set[UUID] = set()  # a manager has taken them over from under the answer in flight
        self._room = asyncio.Semaphore(AT_ONCE)

    async def receive(self, inbound: Inbound) -> Received:
        """Stores a message and has it answered in the background; raises `StoreUnavailable` when it is not stored."""
        async with self._store.transaction() as tx:
            received = await self.take(tx, inbound)
        self.wake(received.conversation)
        return received

    async def take(self, tx: Transaction, inbound: Inbound, *, awaits_answer: bool = True) -> Received:
        """Stores a message in a transaction of the caller, who calls `wake` once that has been committed."""
        received = await tx.remember(inbound, awaits_answer=awaits_answer)
        if received.duplicate:
            return received
        if inbound.kind != "command":
            await self._leads.overheard(tx, received.conversation, received.message)
        if inbound.kind == "cta":
            await self._leads.called(tx, received.conversation)
        if inbound.kind == "form":
            values = {key: str(value) for key, value in dict(inbound.payload.get("values", {})).items()}
            consent = str(inbound.payload.get("consent") or "")
            await self._leads.from_form(tx, received.conversation, values, consent, lang=inbound.lang_hint)
        return received

    async def stop(self, conversation: UUID) -> None:
        """Ends the prose of the answer being written; what was said so far becomes the answer."""
        if flight := self._flights.get(conversation):
            flight.set()

    def hint(self, conversation: UUID) -> None:
        """Something has happened in a conversation: perhaps a takeover, which ends the answer in flight."""
        if conversation in self._flights:
            self._tasks.start(self._look(conversation), name=f"look {conversation}")

    async def resume(self) -> None:
        """Answers, for ever, what waits and nobody is answering: after a crash, a lost claim, a failed attempt."""
        while True:
            try:
                async with self._store.transaction() as tx:
                    waiting = await tx.waiting()
                for conversation in waiting:
                    self.wake(conversation)
            except StoreUnavailable:
                log.warning("dialogue.database_away")
            await asyncio.sleep(SWEEP)

    @property
    def busy(self) -> int:
        """Conversations that are being answered by this process now."""
        return len(self._flights)

    def wake(self, conversation: UUID) -> None:
        """Has what waits in a conversation answered, soon and by this process."""
        if conversation in self._flights:
            self._again.add(conversation)
            return
        self._flights[conversation] = asyncio.Event()
        self._tasks.start(self._answer_all(conversation), name=f"answer {conversation}")

    async def _look(self, conversation: UUID) -> None:
        with suppress(StoreUnavailable):
            async with self._store.transaction() as tx:
                here = await tx.conversation(conversation)
            if here and here.owner is Owner.AGENT and conversation in self._flights:
                self._taken.add(conversation)
                self._flights[conversation].set()

    async def _answer_all(self, conversation: UUID) -> None:
        bind_contextvars(conversation=str(conversation))  # of this task alone: each conversation has its own
        try:
            async with self._room:
                while await self._answer_next(conversation):
                    pass
        except StoreUnavailable:
            log.warning("dialogue.database_away", conversation=str(conversation))
        finally:
            del self._flights[conversation]
            self._taken.discard(conversation)
            if conversation in self._again:
                self._again.discard(conversation)
                self.wake(conversation)

    async def _answer_next(self, conversation: UUID) -> bool:
        """One claim, one answer; False when there is nothing (more) to answer here."""
        self._again.discard(conversation)
        async with self._store.transaction() as tx:
            claim = await tx.claim(conversation)
        if claim is None:
            return False
        stopped = self._flights[conversation] = asyncio.Event()
        self._taken.discard(conversation)
        message = uuid4()
        try:
            reply = await self._answer(claim, message, stopped)
        except StoreUnavailable:
            raise
        except Exception as error:
            log.exception("dialogue.answer_failed", conversation=str(conversation), attempt=claim.attempts)
            if claim.attempts < PATIENCE:
                async with self._store.transaction() as tx:
                    await tx.release(claim, retry_in=RETRY * 2 ** (claim.attempts - 1))
                return False
            return await self._give_up(claim, message, error)
        return await self._finish(claim, message, reply)

    async def _answer(self, claim: Claim, message: UUID, stopped: asyncio.Event) -> Reply:
        async def show(progress: Progress) -> None:
            channel = self._channels.get(claim.channel)
            if channel and claim.conversation not in self._taken:
                await channel.show(claim.address, progress)

        return await self._answerer.answer(claim, message=message, show=show, stopped=stopped)

    async def _finish(self, claim: Claim, message: UUID, reply: Reply) -> bool:
        began = time.perf_counter()
        try:
            async with self._store.transaction() as tx:
                quote = None
                if self._quotes:
                    reply, quote = await self._quotes.apply(tx, claim, reply)
                reply = await self._with_a_way_out(tx, claim, reply)
                await tx.finish(claim, reply, message=message)
                await self._leads.from_talk(tx, claim.conversation, reply)
                if reply.calls:
                    await self._leads.called(tx, claim.conversation)
                if await self._owe(tx, claim, message) and self._quotes and quote:
                    await self._quotes.owe(tx, claim, message, quote)
        except ClaimLost:
            await self._interrupt(claim, message)
            log.info("dialogue.claim_lost", conversation=str(claim.conversation))
            return False
        if self._answered:
            stored = round((time.perf_counter() - began) * 1000, 1)
            self._answered(claim, replace(reply, stages={**reply.stages, "store": stored}))
        return True

    async def _with_a_way_out(self, tx: Transaction, claim: Claim, reply: Reply) -> Reply:
        """Who waits for a person on the site may go on in a messenger, and be reached once the page is closed."""
        if self._elsewhere is None or claim.channel != SITE or not (reply.form or reply.calls):
            return reply
        url = await self._elsewhere(tx, claim.conversation)
        words = f"[{say('go_on_in_telegram', reply.lang)}]({url})"
        return replace(reply, text=f"{reply.text}\n\n{words}".strip()) if url else reply

    async def _give_up(self, claim: Claim, message: UUID, error: Exception) -> bool:
        """After the last attempt: an honest sentence to the customer, the conversation to the managers."""
        log.critical("dialogue.gave_up", conversation=str(claim.conversation), why=repr(error))
        try:
            async with self._store.transaction() as tx:
                await tx.finish(claim, self._answerer.give_up(claim), message=message)
                await self._owe(tx, claim, message)
                await tx.hand_over(claim)
        except ClaimLost:
            await self._interrupt(claim, message)
        return False

    async def _owe(self, tx: Transaction, claim: Claim, message: UUID) -> bool:
        """A channel that is posted to gets the reply as a parcel, wherever the dialogue has gone on meanwhile."""
        here = await tx.conversation(claim.conversation)
        channel = self._channels.get(here.channel) if here else None
        if not (here and channel and channel.posted):
            return False
        await tx.post(channel=here.channel, address=here.address, kind="reply", body={"message": str(message)})
        return True

    async def _interrupt(self, claim: Claim, message: UUID) -> None:
        if channel := self._channels.get(claim.channel):
            progress = Progress(conversation=claim.conversation, message=message, state="interrupted")
            await channel.show(claim.address, progress)
