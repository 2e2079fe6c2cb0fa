"""The schema is what the models say, and the database is asked for nothing that it may lose."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

from appliance.core.types import Inbound
from appliance.store.errors import StoreUnavailable, WrongToken
from appliance.store.revisions import newest
from appliance.store.schema import migrate
from appliance.store.store import Store, driver_url
from appliance.store.tables import Base


def test_migrations_make_the_tables_of_the_models(database_url: str) -> None:
    engine = create_engine(driver_url(database_url))
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    engine.dispose()
    assert differences == []


def test_migrating_twice_changes_nothing(database_url: str) -> None:
    assert migrate(database_url) == migrate(database_url) == newest() != ""


async def test_a_session_is_resumed_only_by_its_token(store: Store) -> None:
    async with store.transaction() as tx:
        visit = await tx.visit(sid="", token="", lang="ru", page={"url": "https://shop.example/"})
    async with store.transaction() as tx:
        resumed = await tx.visit(sid=visit.sid, token=visit.token, lang="ru", page={})
    assert resumed.resumed and resumed.conversation == visit.conversation
    for sid, token in [(visit.sid, "guess"), ("guess", visit.token)]:
        with pytest.raises(WrongToken):
            async with store.transaction() as tx:
                await tx.visit(sid=sid, token=token, lang="ru", page={})


async def test_a_new_event_is_hinted_to_other_processes(store: Store, database_url: str) -> None:
    other = Store(database_url)
    hints = other.hints()
    first = asyncio.ensure_future(anext(hints))  # noqa: TID251 - awaited below
    async with asyncio.timeout(20):
        while not first.done():  # who does not listen yet misses a hint
            async with store.transaction() as tx:
                inbound = Inbound(channel="test", address="a", external_id=str(uuid4()), text="hi")
                received = await tx.remember(inbound)
            await asyncio.sleep(0.2)
    _, conversation = first.result()
    assert conversation == received.conversation
    await hints.aclose()  # type: ignore[attr-defined]
    await other.close()


async def test_messages_of_one_conversation_are_numbered_without_gaps(store: Store) -> None:
    async def send(number: int) -> None:
        async with store.transaction() as tx:
            await tx.remember(Inbound(channel="test", address="crowd", external_id=str(number), text=str(number)))

    await asyncio.gather(*(send(number) for number in range(40)))
    async with store.transaction() as tx:
        received = await tx.remember(Inbound(channel="test", address="crowd", external_id="0", text="0"))
        events = await tx.events(received.conversation, after=0, limit=100)
    assert received.duplicate
    assert [event.seq for event in events] == list(range(1, 41))


async def test_a_parcel_is_leased_to_one_deliverer_and_in_order(store: Store) -> None:
    from datetime import timedelta

    async with store.transaction() as tx:
        for number in range(3):
            await tx.post(channel="mail", address="anna", kind="note", body={"number": number})
    async with store.transaction() as tx:
        [lease] = await tx.take(["mail"], lease=timedelta(seconds=30))
        assert lease.parcel.body == {"number": 0}
    async with store.transaction() as tx:
        assert await tx.take(["mail"], lease=timedelta(seconds=30)) == []
        assert await tx.delivered(lease)
    async with store.transaction() as tx:
        [following] = await tx.take(["mail"], lease=timedelta(seconds=30))
    assert following.parcel.body == {"number": 1}


async def test_a_database_that_is_away_is_said_so() -> None:
    away = Store("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(StoreUnavailable, match="appliance check"):
        async with away.transaction():
            pass
    await away.close()


async def test_a_database_without_our_tables_is_told_with_what_to_do(store: Store) -> None:
    with pytest.raises(StoreUnavailable, match="appliance migrate"):
        async with store.transaction() as tx:
            await tx.connection.execute(text("SELECT 1 FROM a_table_of_the_next_version"))
