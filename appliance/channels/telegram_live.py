"""Answers that are being written, as far as a chat may see them: cards at once, then the text as it grows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from appliance.channels.base import ChannelError
from appliance.channels.telegram_api import Api
from appliance.channels.telegram_faults import NoSuchPost, Refused, TakenOver
from appliance.channels.telegram_fence import assistants
from appliance.channels.telegram_post import CHANNEL, Poster, chat_of
from appliance.channels.telegram_text import TEXT, from_markdown, marked
from appliance.core.texts import say
from appliance.core.types import Card, Owner, Progress
from appliance.store.errors import StoreUnavailable
from appliance.store.fence import Fence
from appliance.store.store import Store
from appliance.tasks import Tasks

PACE = 1.5  # seconds between two states of a text: Telegram punishes faster edits for minutes (facts on 429)
SOON = 0.5  # seconds before another look whether the chat may see what it has not seen yet
QUIET = 120.0  # seconds without progress after which an answer is no longer expected here
TYPING = 4.5  # seconds between two "typing": Telegram shows one for five
WAITED = 60.0  # seconds for which a customer is told that somebody types
KEPT = 1000  # answers that a takeover has ended are known for so long, since their words may still come
NO_DRAFTS = 3600.0  # seconds before drafts are tried again where Telegram refused them

log = structlog.get_logger("telegram")


@dataclass(slots=True)
class Live:
    """One answer in writing."""

    address: str
    conversation: UUID
    message: UUID
    touched: float  # when there was progress
    cards: tuple[Card, ...] = ()
    text: str = ""
    told: str = ""
    told_cards: bool = False
    post: int | None = None  # where the text stands, when it is shown by edits
    since: int | None = None  # the dialogue's last event when this answer was first to be shown
    ended: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def untold(self) -> bool:
        """Whether there is something that the chat has not seen."""
        return self.text != self.told or (bool(self.cards) and not self.told_cards)


class Lives:
    """Shows progress, one task an answer. What is shown is a courtesy: the stored reply comes in any case."""

    def __init__(
        self, *, api: Api, store: Store, fence: Fence, poster: Poster, tasks: Tasks,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._api, self._store, self._fence, self._poster = api, store, fence, poster
        self._tasks, self._clock = tasks, clock
        self._lives: dict[UUID, Live] = {}
        self._settled: dict[UUID, Live] = {}  # the reply itself is on its way
        self._over: dict[UUID, None] = {}  # a takeover has ended them
        self._drafts_from = 0.0
        self._waiting: dict[int, float] = {}  # chat -> until when it is told that somebody types

    def show(self, address: str, progress: Progress) -> None:
        """Takes the newest state of an answer; returns at once."""
        live = self._lives.get(progress.message)
        if progress.state == "interrupted" or progress.message in self._over:
            self.cut_off(progress.message)
            return
        if live is None:
            live = Live(address, progress.conversation, progress.message, self._clock())
            self._lives[live.message] = live
            self._tasks.start(self._run(live), name=f"show {live.message}")
        live.cards = progress.cards or live.cards
        live.text = progress.text or live.text
        live.touched = self._clock()
        live.changed.set()

    def knows(self, message: UUID) -> bool:
        """Whether this answer is still being written."""
        return message in self._lives

    async def settle(self, message: UUID) -> None:
        """The reply itself comes now: nothing of its progress is begun after this returns."""
        if live := self._lives.get(message):
            self._settled[message] = live
            live.ended = True
            live.changed.set()
            async with live.busy:
                return

    def delivered(self, message: UUID) -> None:
        """The reply has come."""
        self._settled.pop(message, None)

    def cut_off(self, message: UUID) -> None:
        """No more of this answer is shown, and what stands there half written is marked as such."""
        while len(self._over) >= KEPT:
            del self._over[next(iter(self._over))]
        self._over[message] = None
        if live := self._lives.pop(message, None) or self._settled.pop(message, None):
            live.ended = True
            live.changed.set()
            self.wait_ends(chat_of(live.address))
            self._tasks.start(self._interrupt(live), name=f"interrupt {live.message}")

    def wait_begins(self, chat: int) -> None:
        """The customer waits for an answer."""
        if chat not in self._waiting:
            self._tasks.start(self._type(chat), name=f"typing {chat}")
        self._waiting[chat] = self._clock() + WAITED

    def wait_ends(self, chat: int) -> None:
        self._waiting.pop(chat, None)

    async def _type(self, chat: int) -> None:
        while self._waiting.get(chat, 0.0) > self._clock():
            with suppress(ChannelError):
                await self._api.typing(chat)
            await asyncio.sleep(TYPING)
        self._waiting.pop(chat, None)

    async def _run(self, live: Live) -> None:
        try:
            while not live.ended and self._clock() - live.touched < QUIET:
                live.changed.clear()
                with suppress(StoreUnavailable):
                    await self._step(live)
                await asyncio.sleep(PACE if live.told else 0)
                with suppress(TimeoutError):
                    async with asyncio.timeout(SOON if live.untold else QUIET):
                        await live.changed.wait()
        finally:
            self._lives.pop(live.message, None)

    async def _step(self, live: Live) -> None:
        """Shows what is new, if it is the assistant's turn and the chat has nothing more important to get."""
        new_cards = bool(live.cards) and not live.told_cards
        if not live.untold or (not new_cards and not self._api.pace.idle(chat_of(live.address))):
            return
        async with live.busy:
            async with self._store.transaction() as tx:
                conversation = await tx.conversation(live.conversation)
                may = conversation is not None and await tx.may_show(
                    live.conversation, channel=CHANNEL, address=live.address, message=live.message
                )
            if conversation and conversation.owner is Owner.AGENT:
                self.cut_off(live.message)
            if live.ended or not may or conversation is None:
                return
            live.since = conversation.last_seq if live.since is None else live.since
            try:
                with assistants(self._fence, live.conversation, since=live.since):
                    if new_cards:
                        await self._poster.cards(chat_of(live.address), live.message, live.cards, conversation.lang)
                        live.told_cards = True
                    else:
                        await self._tell(live, live.text)
            except TakenOver:
                self.cut_off(live.message)
            except ChannelError as error:
                log.info("telegram.not_shown", message=str(live.message), why=str(error))
                live.told_cards = live.told_cards or isinstance(error, Refused)

    async def _tell(self, live: Live, text: str) -> None:
        chat, words = chat_of(live.address), from_markdown(text).cut(TEXT)
        if live.post is None and chat > 0 and self._clock() >= self._drafts_from:
            try:
                await self._api.draft(chat, live.message.int & 0x7FFFFFFF or 1, words)
                live.told = text
                return
            except Refused as error:
                log.info("telegram.no_drafts", why=str(error))
                self._drafts_from = self._clock() + NO_DRAFTS
        live.post = await self._poster.words(chat, live.message, words, live.post)
        live.told = text

    async def _interrupt(self, live: Live) -> None:
        """What stands there half written is marked as such; a draft goes by itself."""
        async with live.busy:
            if live.post is None:
                return
            async with self._store.transaction() as tx:
                conversation = await tx.conversation(live.conversation)
            lang = conversation.lang if conversation else ""
            words = from_markdown(live.told) + "\n\n" + marked(say("bot_interrupted", lang), "italic")
            with suppress(ChannelError, NoSuchPost):
                await self._api.edit(chat_of(live.address), live.post, words.cut(TEXT))
