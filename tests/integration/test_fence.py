"""A takeover waits for what the assistant is sending, and nothing more of it is begun afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from appliance.core.types import Claim, Inbound, Parcel, Progress, Reply, Role, Route, Rung, Staff
from appliance.desk import Desk
from appliance.dialogue import Dialogue, Show
from appliance.hours import Hours
from appliance.leads import Leads
from appliance.store.errors import StoreUnavailable, TakenOver
from appliance.store.fence import Fence
from appliance.store.store import Store, plain_url
from appliance.tasks import Tasks


@pytest.fixture
async def fence(store: Store) -> AsyncIterator[Fence]:
    fence = Fence(plain_url(store.url))
    yield fence
    await fence.close()


@pytest.fixture
async def manager(store: Store) -> Staff:
    return await Desk(store=store).employ(None, name="Maria", role=Role.MANAGER, telegram_id=7)


@pytest.fixture
async def talk(store: Store) -> UUID:
    async with store.transaction() as tx:
        inbound = Inbound(channel="telegram", address="1", external_id="1", text="hello")
        return (await tx.remember(inbound)).conversation


async def test_a_takeover_waits_for_every_request_under_way(
    store: Store, fence: Fence, manager: Staff, talk: UUID
) -> None:
    async with Tasks() as tasks:
        async with fence.passing(talk, since=1):
            async with fence.passing(talk, since=1):
                taking = tasks.start(Desk(store=store).take_over(manager, talk), name="takeover")
                await asyncio.sleep(0.3)
            await asyncio.sleep(0.3)
            assert not taking.done()
        async with asyncio.timeout(10):
            await taking
    with pytest.raises(TakenOver):
        async with fence.passing(talk, since=1):
            raise AssertionError("this was to be kept back")


async def test_what_was_owed_before_a_takeover_is_kept_back_after_it_too_and_new_words_pass(
    store: Store, fence: Fence, manager: Staff, talk: UUID
) -> None:
    desk = Desk(store=store)
    await desk.take_over(manager, talk)
    await desk.hand_back(manager, talk)
    with pytest.raises(TakenOver):
        async with fence.passing(talk, since=1):
            raise AssertionError("this was to be kept back")
    async with store.transaction() as tx:
        here = await tx.conversation(talk)
    assert here is not None
    async with fence.passing(talk, since=here.last_seq):
        pass


async def test_a_writer_who_is_cancelled_holds_up_no_takeover(
    store: Store, fence: Fence, manager: Staff, talk: UUID
) -> None:
    async def write() -> None:
        async with fence.passing(talk, since=1):
            await asyncio.sleep(60)

    async with Tasks() as tasks:
        writers = [tasks.start(write(), name=f"writer {number}") for number in range(20)]
        for number, writer in enumerate(writers):
            await asyncio.sleep(0.002 * (number % 3))  # some hold the lock, some are about to
            writer.cancel()
        await asyncio.gather(*writers, return_exceptions=True)
        async with asyncio.timeout(10):
            await Desk(store=store).take_over(manager, talk)


class Screen:
    """A channel that writes down what it is shown."""

    name, posted = "screen", False

    def __init__(self) -> None:
        self.shown: list[Progress] = []

    async def deliver(self, parcel: Parcel) -> None:
        raise AssertionError("nothing is posted here")

    async def show(self, address: str, progress: Progress) -> None:
        self.shown.append(progress)


class Endless:
    """Writes until it is stopped."""

    async def answer(self, claim: Claim, *, message: UUID, show: Show, stopped: asyncio.Event) -> Reply:
        while not stopped.is_set():
            await show(Progress(conversation=claim.conversation, message=message, text="and so on"))
            await asyncio.sleep(0.01)
        return self.give_up(claim)

    def give_up(self, claim: Claim) -> Reply:
        return Reply(text="and so on", lang="en", route=Route.SMALLTALK, rung=Rung.PROSE)


async def test_a_takeover_ends_the_answer_in_flight_on_every_channel(store: Store, manager: Staff) -> None:
    screen = Screen()
    leads = Leads(region="RU", hours=Hours.read("", "UTC"))
    async with Tasks() as tasks:
        dialogue = Dialogue(store=store, answerer=Endless(), channels={screen.name: screen}, tasks=tasks, leads=leads)
        tasks.start(store.stay_alive(), name="alive")
        asked = await dialogue.receive(Inbound(channel="screen", address="1", external_id="1", text="go on"))
        while len(screen.shown) < 3:
            await asyncio.sleep(0.01)
        dialogue.hint(asked.conversation)  # something else has happened: the answer goes on
        await asyncio.sleep(0.2)
        assert dialogue.busy
        await Desk(store=store).take_over(manager, asked.conversation)
        dialogue.hint(asked.conversation)
        async with asyncio.timeout(10):
            while dialogue.busy:
                await asyncio.sleep(0.01)
    assert [progress.state for progress in screen.shown[-2:]] == ["writing", "interrupted"]


async def test_without_the_database_nothing_is_begun(talk: UUID) -> None:
    fence = Fence("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(StoreUnavailable):
        async with fence.passing(talk, since=1):
            raise AssertionError("this was to be kept back")
