"""Logging in through the bot: a person of the house confirms in Telegram what a browser asks for; nobody else can."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from appliance.channels.telegram_login import TelegramLogin
from appliance.channels.telegram_managers import TelegramManagers
from appliance.core.types import Role, Staff
from appliance.desk import Desk
from appliance.desk.logins import Logins, Refusal, Seed
from appliance.desk.sessions import Visitor
from appliance.hours import Hours
from appliance.leads import Notices
from appliance.store.store import Store
from tests.botapi import BotApi, Customer
from tests.telegram_house import House, house

pytestmark = pytest.mark.timeout(240)
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
HERE = Visitor(address="10.0.0.7", browser=FIREFOX)


@dataclass(kw_only=True)
class Office:
    """A house with one manager, and the desk's door."""

    house: House
    logins: Logins
    anna: Staff

    def phone(self, id: int, *, lang: str = "en") -> Customer:
        return Customer(self.house.api, self.house.bot, id=id, name=f"P{id}", lang=lang)

    async def state(self, seed: Seed) -> str:
        found = await self.logins.asked_bot(seed)
        assert found is not None
        return found.state


@pytest.fixture
async def office(store: Store) -> AsyncIterator[Office]:
    desk, logins = Desk(store=store, posted=["telegram"]), Logins(store=store)
    managers = TelegramManagers(
        store=store, desk=desk, notices=Notices(store, console=""), hours=Hours.read("", "UTC"),
        clock=lambda: datetime(2026, 11, 20, 9, 0, tzinfo=UTC),
    )  # fmt: skip
    door = TelegramLogin(store=store, logins=logins, then=managers)
    async with BotApi() as api, house(store, api, managers=door, writes={**managers.writes, **door.writes}) as shop:
        anna = await desk.employ(None, name="Anna", role=Role.MANAGER, telegram_id=900, lang="en")
        yield Office(house=shop, logins=logins, anna=anna)


async def test_a_login_is_confirmed_by_its_person_once_and_only_for_the_browser_that_asked(office: Office) -> None:
    seed, anna = await office.logins.ask_bot(HERE), office.phone(900)
    anna.write(f"/start login_{seed.token}")
    asked = await anna.sees("Log in to the Counterman console?")
    assert "10.0.0.7" in asked.text and "Firefox, Windows" in asked.text
    assert await office.state(seed) == "asked"
    with pytest.raises(Refusal):
        await office.logins.by_bot(seed)

    assert await anna.answered(anna.press("Yes, it is me: log in")) == "Done: the console opens in the browser."
    with pytest.raises(Refusal):  # another browser that saw the link or the code has another secret
        await office.logins.by_bot(Seed("what a stranger's cookie says"))
    assert await office.logins.by_bot(seed) == office.anna.id
    with pytest.raises(Refusal):
        await office.logins.by_bot(seed)
    anna.write(f"/start login_{seed.token}")
    await anna.sees("This login is over or too old")
    async with office.house.store.transaction() as tx:
        talks = await tx.connection.scalar(text("SELECT count(*) FROM conversations"))
    assert talks == 0, "a login is nobody's dialogue"


async def test_whoever_opens_the_link_first_has_it_and_a_stranger_learns_only_their_number(office: Office) -> None:
    seed, stranger, anna = await office.logins.ask_bot(HERE), office.phone(555), office.phone(900)
    stranger.write(f"/start login_{seed.token}")
    said = await stranger.sees("is not on the list")
    assert "555" in said.text and await office.state(seed) == "pending"
    await Desk(store=office.house.store).employ(None, name="Peter", role=Role.MANAGER, telegram_id=555, lang="en")
    anna.write(f"/start login_{seed.token}")
    await anna.sees("Log in to the Counterman console?")
    stranger.write(f"/start login_{seed.token}")
    await stranger.sees("This login is over or too old")
    assert await anna.answered(anna.press("No, it is not me")) == "Refused. If it happens again, tell an administrator."
    assert await office.state(seed) == "refused"


async def test_a_code_may_be_typed_instead_and_tries_are_few(office: Office) -> None:
    seed, anna = await office.logins.ask_bot(HERE), office.phone(900)
    anna.write(f"/login {seed.code[:4]} {seed.code[4:]}")
    await anna.sees("Log in to the Counterman console?")
    for guess in range(5):  # with the right one these are the free tries and one more
        after = anna.write(f"/login {guess:08}")
        await anna.sees("This login is over or too old", after=after)
    after = anna.write("/login 00000007")
    await anna.sees("Too many tries", after=after)


async def test_a_login_is_over_after_three_minutes(office: Office) -> None:
    seed, anna = await office.logins.ask_bot(HERE), office.phone(900)
    anna.write(f"/start login_{seed.token}")
    await anna.sees("Log in to the Counterman console?")
    async with office.house.store.transaction() as tx:
        life = await tx.connection.scalar(text("SELECT extract(epoch FROM expires_at - created_at) FROM logins"))
        assert life == 180
        await tx.connection.execute(text("UPDATE logins SET expires_at = now()"))
    assert await anna.answered(anna.press("Yes, it is me: log in")) == (
        "This login is over or too old. Get a new code in the console."
    )
    assert await office.state(seed) == "expired"


async def test_an_invitation_makes_a_stranger_one_of_the_house_once(office: Office) -> None:
    boss = await Desk(store=office.house.store).employ(None, name="Boss", role=Role.ADMINISTRATOR, telegram_id=901)
    token = await office.logins.invite(boss, role=Role.MANAGER, name="Мария")
    maria, thief = office.phone(700), office.phone(701)
    maria.write(f"/start join_{token}")
    await maria.sees("You are invited to Counterman. Role: manager")
    assert await maria.answered(maria.press("Join")) == "Done. Now log in to the console through Telegram."
    thief.write(f"/start join_{token}")
    await thief.sees("This link has been used or is too old")
    crew = {person.telegram_id: person for person in await Desk(store=office.house.store).crew()}
    assert crew[700].name == "Мария" and crew[700].role is Role.MANAGER and 701 not in crew

    again = await office.logins.invite(boss, role=Role.MANAGER)
    office.phone(901).write(f"/start join_{again}")
    await office.phone(901).sees("You are invited")
    pressed = office.phone(901).press("Join")
    assert await office.phone(901).answered(pressed) == "This Telegram account is on the list already."
    crew = {person.telegram_id: person for person in await Desk(store=office.house.store).crew()}
    assert crew[901].role is Role.ADMINISTRATOR, "an invitation as a manager takes no administrator's rights"
