"""What is owed is delivered: in order, at least once, with patience, and nobody waits for somebody else's trouble."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from sqlalchemy import text

from appliance.channels.base import AddressGone, ChannelError
from appliance.core.types import Parcel, Progress
from appliance.outbox import Outbox
from appliance.store.store import Store
from appliance.tasks import Tasks


class Postman:
    """A channel that keeps what it delivered, and fails as it is told."""

    name = "test"
    posted = True

    def __init__(self) -> None:
        self.brought: list[tuple[str, str]] = []
        self.trouble: dict[str, list[Exception]] = {}  # address -> what its next deliveries meet
        self.slow: dict[str, float] = {}

    async def deliver(self, parcel: Parcel) -> None:
        await asyncio.sleep(self.slow.get(parcel.address, 0))
        if waiting := self.trouble.get(parcel.address):
            raise waiting.pop(0)
        self.brought.append((parcel.address, parcel.body["n"]))

    async def show(self, address: str, progress: Progress) -> None:
        return

    def of(self, address: str) -> list[str]:
        return [n for where, n in self.brought if where == address]


@pytest.fixture
def postman() -> Postman:
    return Postman()


@asynccontextmanager
async def _running(store: Store, postman: Postman) -> AsyncIterator[Outbox]:
    outbox = Outbox(store=store, channels={"test": postman})
    async with Tasks() as tasks:
        tasks.start(outbox.run(), name="outbox")
        yield outbox


async def _owe(store: Store, address: str, *numbers: str) -> None:
    async with store.transaction() as tx:
        for n in numbers:
            await tx.post(channel="test", address=address, kind="say", body={"n": n})


async def _until(done: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not done():
            await asyncio.sleep(0.05)


async def test_an_address_gets_its_parcels_in_order_also_after_failures(store: Store, postman: Postman) -> None:
    postman.trouble["anna"] = [ChannelError("later", retry_after=timedelta(seconds=0.3)), ChannelError("again")]
    await _owe(store, "anna", "1", "2", "3")
    async with _running(store, postman):
        await _until(lambda: len(postman.of("anna")) == 3)
    assert postman.of("anna") == ["1", "2", "3"]


async def test_who_cannot_be_reached_is_set_aside_with_the_reason_and_later_parcels_go_on(
    store: Store, postman: Postman
) -> None:
    postman.trouble["anna"] = [AddressGone("blocked")]
    await _owe(store, "anna", "1", "2")
    async with _running(store, postman):
        await _until(lambda: postman.of("anna") == ["2"])
    async with store.transaction() as tx:
        held = await tx.connection.scalar(text("SELECT held FROM parcels WHERE held IS NOT NULL"))
    assert held == "blocked"


async def test_a_slow_address_holds_up_no_other(store: Store, postman: Postman) -> None:
    postman.slow["anna"] = 3.0
    await _owe(store, "anna", "1")
    await _owe(store, "boris", "1", "2")
    async with _running(store, postman):
        await _until(lambda: postman.of("boris") == ["1", "2"], seconds=2.5)
        assert not postman.of("anna")


async def test_a_parcel_that_breaks_the_channel_bars_its_address_not_for_ever(store: Store, postman: Postman) -> None:
    postman.trouble["anna"] = [RuntimeError("planted")] * 5
    await _owe(store, "anna", "1", "2")
    async with store.transaction() as tx:
        await tx.connection.execute(text("UPDATE parcels SET attempts = 4 WHERE body->>'n' = '1'"))
    async with _running(store, postman):
        await _until(lambda: len(postman.trouble["anna"]) == 4)
        postman.trouble["anna"].clear()
        await _until(lambda: postman.of("anna") == ["2"])


async def test_what_a_dead_leader_had_in_hand_is_delivered_at_once_by_the_next(store: Store, postman: Postman) -> None:
    await _owe(store, "anna", "1", "2")
    async with store.transaction() as tx:
        assert len(await tx.take(["test"], lease=timedelta(minutes=3))) == 1  # and dies
    async with _running(store, postman):
        await _until(lambda: postman.of("anna") == ["1", "2"], seconds=10)


async def test_a_deliverer_whose_lease_has_passed_on_acknowledges_nothing(store: Store) -> None:
    await _owe(store, "anna", "1")
    async with store.transaction() as tx:
        [old] = await tx.take(["test"], lease=timedelta())
    async with store.transaction() as tx:
        [new] = await tx.take(["test"], lease=timedelta(minutes=1))
    async with store.transaction() as tx:
        assert not await tx.delivered(old)
        assert await tx.delivered(new)
