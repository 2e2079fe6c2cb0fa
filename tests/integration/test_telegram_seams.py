"""Others may speak through the bot: managers are heard first, deep links have their takers, parcels their words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from appliance.channels.telegram_ears import Caller
from appliance.core.types import Card, Parcel
from appliance.store.store import Store, Transaction
from tests.botapi import BotApi, Limits
from tests.telegram_house import House, house

pytestmark = pytest.mark.timeout(240)


class OneManager:
    """Hears who writes from the account 100001, and takes buttons that begin with "m"."""

    async def hears(self, tx: Transaction, *said: Any) -> bool:
        """`said` holds the caller, among what else the bot tells of a message."""
        return any(isinstance(part, Caller) and part.user == 100_001 for part in said)

    async def presses(self, tx: Transaction, caller: Caller, data: str) -> str | None:
        return f"taken by {caller.name}" if data.startswith("m") else None


class OneBasket:
    def __init__(self) -> None:
        self.inside: list[str] = []

    async def add(self, tx: Transaction, conversation: UUID, card: Card) -> str:
        self.inside.append(card.sku)
        return f"{card.name} is in"


async def _notice(parcel: Parcel) -> tuple[str, list[list[tuple[str, str]]]] | None:
    if parcel.body.get("erased"):
        return None
    return f"**A lead** for {parcel.body['name']}", [[("Take over", "m:1"), ("Open", "https://console.example/l/1")]]


async def _login(tx: Transaction, caller: Caller, rest: str) -> str:
    return f"Log {caller.name} in with {rest}?"


@pytest.fixture
async def shop(store: Store) -> AsyncIterator[House]:
    seams: Mapping[str, Any] = {
        "managers": OneManager(), "basket": OneBasket(), "writes": {"notice": _notice}, "starts": {"login_": _login},
    }  # fmt: skip
    async with BotApi(limits=Limits()) as api, house(store, api, **seams) as shop:
        yield shop


async def test_a_manager_is_told_with_buttons_and_heard_before_the_assistant(shop: House) -> None:
    boss, anna = shop.person(name="Boss"), shop.person(name="Anna")
    async with shop.store.transaction() as tx:
        await tx.post(channel="telegram", address=str(boss.chat.id), kind="notice", body={"erased": True})
        await tx.post(channel="telegram", address=str(boss.chat.id), kind="notice", body={"name": "Anna"})
    told = await boss.sees("A lead for Anna")
    assert told.buttons == ("Take over", "Open")
    assert await boss.answered(boss.press("Take over")) == "taken by Boss"
    boss.write("I'll call her")
    anna.write("hello")
    await anna.sees("hello")
    assert len(boss.seen()) == 1


async def test_a_deep_link_goes_to_who_knows_its_prefix_and_its_token_is_not_kept(shop: House) -> None:
    shop.person()
    anna = shop.person(name="Anna")
    anna.start("login_abc123")
    await anna.sees("Log Anna in with abc123?")
    async with shop.store.transaction() as tx:
        here = await tx.conversation_at("telegram", str(anna.chat.id))
        assert here
        assert not any("abc123" in event.text for event in await tx.events(here.id, after=0) if event.role == "user")


async def test_a_product_goes_into_the_basket_where_there_is_one(shop: House) -> None:
    shop.person()
    anna = shop.person()
    shop.answers.cards = (Card(sku="N-1", name="Pump"),)
    anna.write("pump")
    await anna.sees("Pump")
    await anna.sees("pump")
    assert await anna.answered(anna.press("Add to request")) == "Pump is in"


async def test_the_consent_that_is_recorded_is_the_one_that_was_shown(shop: House) -> None:
    shop.person()
    anna = shop.person(name="Anna")
    anna.write("hello")
    await anna.sees("hello")
    anna.share_contact("+79161234567")
    await anna.sees("version 2026-11")
    async with shop.store.transaction() as tx:
        await tx.connection.execute(
            text(
                "INSERT INTO texts (id, kind, name, lang, version, body, live, draft, about) "
                "VALUES (gen_random_uuid(), 'consent', '', 'en', 7, 'Another text', true, false, '{}')"
            )
        )
    anna.press("I agree")
    await anna.sees("phone: +79161234567")  # this house repeats what it is told
    async with shop.store.transaction() as tx:
        given = (await tx.connection.execute(text("SELECT version, given FROM consents"))).all()
    assert [(row.version, row.given) for row in given] == [("2026-11", True)]


async def test_a_parcel_of_a_kind_that_nobody_writes_is_set_aside(shop: House) -> None:
    anna = shop.person()
    async with shop.store.transaction() as tx:
        await tx.post(channel="telegram", address=str(anna.chat.id), kind="poem", body={})
    assert "poem" in (await shop.held(anna))[0]


async def test_a_bot_whose_part_breaks_begins_anew(shop: House, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    leader = shop.channel._leader
    assert leader is not None
    monkeypatch.setattr(store, "transaction", None)  # a fault of the program, not an absent database
    leader.inbox.hint()
    async with asyncio.timeout(20):
        while shop.channel._leader is leader:
            await asyncio.sleep(0.05)
