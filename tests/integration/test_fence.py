"""A takeover waits for what the assistant is sending, and nothing more of it is begun afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from appliance.core.types import Inbound, Role, Staff
from appliance.desk import Desk
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


async def test_without_the_database_nothing_is_begun(talk: UUID) -> None:
    fence = Fence("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(StoreUnavailable):
        async with fence.passing(talk, since=1):
            raise AssertionError("this was to be kept back")
