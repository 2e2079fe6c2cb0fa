"""Every message gets exactly one answer: in order, after failures, after deaths, and never over a manager's head."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from appliance.core.types import Card, Claim, Inbound, Memory, Message, Owner, Reply, Role, Route, Rung
from appliance.dialogue import Dialogue, Show
from appliance.hours import Hours
from appliance.leads import Leads
from appliance.store.errors import ClaimLost
from appliance.store.store import Store
from appliance.tasks import Tasks


class Echo:
    """An answerer that repeats the questions; it can be told to wait, to fail or to call a manager."""

    def __init__(self, *, calls: bool = False) -> None:
        self.calls = calls
        self.go = asyncio.Event()
        self.go.set()
        self.failures = 0
        self.claims: list[Claim] = []

    async def answer(self, claim: Claim, *, message: UUID, show: Show, stopped: asyncio.Event) -> Reply:
        self.claims.append(claim)
        await self.go.wait()
        if self.failures:
            self.failures -= 1
            raise RuntimeError("planted")
        return _reply(" + ".join(question.text for question in claim.questions), calls=self.calls)

    def give_up(self, claim: Claim) -> Reply:
        return _reply("a manager will answer")


def _reply(words: str, **more: Any) -> Reply:
    return Reply(text=words, lang="en", route=Route.SMALLTALK, rung=Rung.TEMPLATE, **more)


def _inbound(words: str, id: str, address: str = "anna") -> Inbound:
    return Inbound(channel="test", address=address, external_id=id, text=words)


@asynccontextmanager
async def _running(store: Store, echo: Echo) -> AsyncIterator[Dialogue]:
    async with Tasks() as tasks:
        leads = Leads(region="RU", hours=Hours.read("", "UTC"))
        dialogue = Dialogue(store=store, answerer=echo, channels={}, tasks=tasks, leads=leads)
        tasks.start(store.stay_alive(), name="alive")
        tasks.start(dialogue.resume(), name="resume")
        yield dialogue


async def _events(store: Store, conversation: UUID) -> list[Message]:
    async with store.transaction() as tx:
        return await tx.events(conversation, after=0)


async def _until(what: Callable[[], Awaitable[bool]], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not await what():
            await asyncio.sleep(0.02)


async def _answered(store: Store, conversation: UUID, count: int) -> list[Message]:
    async def enough() -> bool:
        return sum(event.answered_by is not None for event in await _events(store, conversation)) >= count

    await _until(enough)
    return await _events(store, conversation)


async def test_a_message_is_stored_and_answered_once(store: Store) -> None:
    async with _running(store, Echo()) as dialogue:
        first = await dialogue.receive(_inbound("hello", "1"))
        again = await dialogue.receive(_inbound("hello", "1"))
        events = await _answered(store, first.conversation, 1)

    assert again.duplicate and again.message == first.message and again.seq == first.seq
    assert [(event.role, event.text) for event in events] == [("user", "hello"), ("bot", "hello")]
    assert events[0].answered_by == events[1].id


async def test_a_manager_who_is_called_in_words_hears_of_it_once(store: Store) -> None:
    async with store.transaction() as tx:
        await tx.employ(name="Mira", role=Role.MANAGER, telegram_id=7, email="", lang="en")
    async with _running(store, Echo(calls=True)) as dialogue:
        received = await dialogue.receive(_inbound("call a manager", "1"))
        await dialogue.receive(_inbound("call a manager", "1"))
        await _answered(store, received.conversation, 1)
    async with store.transaction() as tx:
        notices = await tx.connection.execute(text("SELECT address, body FROM parcels WHERE kind = 'notice'"))
        lead = await tx.open_lead(received.conversation)

    assert lead is not None
    assert [tuple(notice) for notice in notices] == [("7", {"lead": str(lead.id), "why": "called"})]


async def test_messages_that_wait_together_get_one_reply(store: Store) -> None:
    echo = Echo()
    echo.go.clear()
    async with _running(store, echo) as dialogue:
        first = await dialogue.receive(_inbound("one", "1"))
        await _until(lambda: _truth(bool(echo.claims)))
        await dialogue.receive(_inbound("two", "2"))
        await dialogue.receive(_inbound("three", "3"))
        echo.go.set()
        events = await _answered(store, first.conversation, 3)

    assert [event.text for event in events if event.role == "bot"] == ["one", "two + three"]
    assert events[1].answered_by == events[2].answered_by != events[0].answered_by


async def test_what_a_dead_process_left_is_answered_by_another(store: Store, database_url: str) -> None:
    dead = Store(database_url)
    alive = asyncio.ensure_future(dead.stay_alive())  # noqa: TID251 - dies in the middle of this test
    await asyncio.sleep(0.3)
    async with dead.transaction() as tx:
        received = await tx.remember(_inbound("still there?", "1"))
    async with dead.transaction() as tx:
        assert await tx.claim(received.conversation)
    async with store.transaction() as tx:
        assert await tx.claim(received.conversation) is None
    alive.cancel()
    await dead.close()

    async with _running(store, Echo()):
        events = await _answered(store, received.conversation, 1)
    assert [event.text for event in events] == ["still there?", "still there?"]


async def test_a_failed_answer_is_tried_again(store: Store) -> None:
    echo = Echo()
    echo.failures = 1
    async with _running(store, echo) as dialogue:
        received = await dialogue.receive(_inbound("pump", "1"))
        events = await _answered(store, received.conversation, 1)
    assert [event.text for event in events] == ["pump", "pump"]
    assert [claim.attempts for claim in echo.claims] == [1, 2]


async def test_a_message_that_fails_three_times_goes_to_a_manager(store: Store) -> None:
    echo = Echo()
    echo.failures = 3
    async with _running(store, echo) as dialogue:
        received = await dialogue.receive(_inbound("pump", "1"))
        events = await _answered(store, received.conversation, 1)
        await dialogue.receive(_inbound("anybody?", "2"))
        await asyncio.sleep(0.2)
        later = await _events(store, received.conversation)
    assert [event.text for event in events] == ["pump", "a manager will answer"]
    assert [event.text for event in later][2:] == ["anybody?"]  # the assistant keeps silent: a person answers


async def test_a_takeover_drops_the_draft(store: Store) -> None:
    async with store.transaction() as tx:
        received = await tx.remember(_inbound("price?", "1"))
    async with store.transaction() as tx:
        claim = await tx.claim(received.conversation)
    assert claim
    async with store.transaction() as tx:
        await tx.connection.execute(
            text("UPDATE conversations SET owner = :owner, fence = fence + 1 WHERE id = :id"),
            {"owner": Owner.AGENT, "id": received.conversation},
        )
    with pytest.raises(ClaimLost):
        async with store.transaction() as tx:
            await tx.finish(claim, _reply("too late"), message=UUID(int=7))
    assert [event.text for event in await _events(store, received.conversation)] == ["price?"]


async def test_the_assistant_remembers_what_it_showed(store: Store) -> None:
    card = Card(sku="A-1", name="Насос", attributes=(("Мощность", "3 кВт"),))
    memory = Memory(lang="ru", shown=(card,), route="product_search")
    async with store.transaction() as tx:
        received = await tx.remember(_inbound("насос", "1"))
        claim = await tx.claim(received.conversation)
        assert claim
        await tx.finish(claim, _reply("вот", cards=(card,), memory=memory), message=UUID(int=8))
        await tx.remember(_inbound("а подешевле?", "2"))
        following = await tx.claim(received.conversation)
    assert following and following.memory == memory
    assert [event.kind for event in following.history] == ["text", "cards", "text"]


async def test_a_form_is_a_lead_once(store: Store) -> None:
    inbound = Inbound(
        channel="test", address="boris", external_id="f1", text="", kind="form",
        payload={"form_id": "contact", "values": {"name": "Борис", "phone": "+7 900 000-00-00"}, "consent": "v1"},
    )  # fmt: skip
    async with _running(store, Echo()) as dialogue:
        await dialogue.receive(inbound)
        await dialogue.receive(inbound)
    async with store.transaction() as tx:
        leads = (await tx.connection.execute(text("SELECT name, phone, consent_version FROM leads"))).all()
    assert leads == [("Борис", "+79000000000", "v1")]


async def _truth(value: bool) -> bool:
    return value
