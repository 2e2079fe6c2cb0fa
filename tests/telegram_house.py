"""A small house with a bot: the real store, dialogue, outbox and channel, and an answerer that says what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from appliance.channels.base import Channel
from appliance.channels.telegram import TelegramChannel
from appliance.core.types import Card, Claim, Progress, Reply, Route, Rung
from appliance.dialogue import Answerer, Dialogue, Show
from appliance.hours import Hours
from appliance.leads import Leads
from appliance.outbox import Outbox
from appliance.quotes import Quotes
from appliance.store.store import Store
from appliance.tasks import Tasks
from tests.botapi import BotApi, Customer
from tests.botapi.world import Bot


@dataclass(kw_only=True)
class Answers:
    """Says `text` with `cards`, after it has shown each of `steps`; repeats the question by default."""

    text: str = ""
    cards: tuple[Card, ...] = ()
    quick: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    pause: float = 0.0
    go: asyncio.Event = field(default_factory=asyncio.Event)
    claims: list[Claim] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.go.set()

    async def answer(self, claim: Claim, *, message: UUID, show: Show, stopped: asyncio.Event) -> Reply:
        self.claims.append(claim)
        if self.cards:
            await show(Progress(conversation=claim.conversation, message=message, cards=self.cards))
        for step in self.steps:
            await show(Progress(conversation=claim.conversation, message=message, text=step))
            await asyncio.sleep(self.pause)
        await self.go.wait()
        return self._reply(self.text or " + ".join(question.text for question in claim.questions))

    def give_up(self, claim: Claim) -> Reply:
        return self._reply("a manager will answer")

    def _reply(self, text: str) -> Reply:
        return Reply(
            text=text, lang="en", route=Route.SMALLTALK, rung=Rung.TEMPLATE, cards=self.cards, quick=self.quick
        )


@dataclass(kw_only=True)
class House:
    """What a test needs at hand."""

    api: BotApi
    bot: Bot
    store: Store
    answers: Answers
    dialogue: Dialogue
    channel: TelegramChannel
    people: int = 0

    def person(self, **about: Any) -> Customer:
        self.people += 1
        return Customer(self.api, self.bot, id=100_000 + self.people, lang="en", **about)

    async def held(self, customer: Customer, *, seconds: float = 20) -> list[str]:
        """Why parcels of that customer were set aside, once there are any."""
        from sqlalchemy import text

        for _ in range(int(seconds * 10)):
            async with self.store.transaction() as tx:
                rows = await tx.connection.execute(
                    text("SELECT held FROM parcels WHERE address = :a AND held IS NOT NULL"),
                    {"a": str(customer.chat.id)},
                )
                if found := [str(row.held) for row in rows]:
                    return found
            await asyncio.sleep(0.1)
        return []


@asynccontextmanager
async def house(
    store: Store,
    api: BotApi,
    *,
    photo: Callable[[Card], Path | str | None] = lambda card: card.photo or None,
    answerer: Answerer | None = None,
    quotes: Quotes | None = None,
    **more: Any,
) -> AsyncIterator[House]:
    """Runs until the block ends; the bot polls once it begins."""
    bot = api.add_bot(f"{200_000 + len(api.world.bots)}:" + "A" * 35)
    answers, channels = Answers(), dict[str, Channel]()
    async with Tasks() as tasks:
        leads = Leads(
            region="RU", hours=Hours.read("", "UTC"), at_once=True, idle=timedelta(days=1), patience=timedelta(days=1)
        )
        dialogue = Dialogue(
            store=store, answerer=answerer or answers, channels=channels, tasks=tasks, leads=leads, quotes=quotes
        )
        channel = TelegramChannel(
            store=store, token=bot.token, base=api.url, take=dialogue.take, wake=dialogue.wake, photo=photo, **more
        )
        channels[channel.name] = channel
        tasks.start(store.stay_alive(), name="alive")
        tasks.start(dialogue.resume(), name="resume")
        outbox = Outbox(store=store, channels=channels)
        tasks.start(channel.lead(outbox.run), name="bot")
        await bot.joined()
        yield House(api=api, bot=bot, store=store, answers=answers, dialogue=dialogue, channel=channel)
