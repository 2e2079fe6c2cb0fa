"""A dialogue gives one lead, managers hear of it once, and whoever takes a dialogue over has it alone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from appliance.core.leads import Contacts
from appliance.core.leads.talk import CONSENT, State, Step
from appliance.core.types import Inbound, Lead, Owner, Reply, Role, Route, Rung, Staff
from appliance.desk import Desk, Forbidden, Gone
from appliance.hours import Hours
from appliance.leads import Leads
from appliance.store.errors import ClaimLost
from appliance.store.leads import Status
from appliance.store.store import Store

ALWAYS = Hours.read("", "UTC")


def leads(**more: object) -> Leads:
    return Leads(region="RU", hours=ALWAYS, idle=timedelta(minutes=30), **more)  # type: ignore[arg-type]


async def talked(store: Store, address: str, words: str = "нужен насос 3 кВт", *, answered: bool = True) -> UUID:
    """A dialogue with one question, and its answer."""
    inbound = Inbound(channel="telegram", address=address, external_id=str(uuid4()), text=words, lang_hint="ru")
    async with store.transaction() as tx:
        received = await tx.remember(inbound)
    if answered:
        async with store.transaction() as tx:
            claim = await tx.claim(received.conversation)
            assert claim is not None
            reply = Reply(text="вот", lang="ru", route=Route.PRODUCT_SEARCH, rung=Rung.TEMPLATE)
            await tx.finish(claim, reply, message=uuid4())
    return received.conversation


async def silence(store: Store, minutes: int) -> None:
    async with store.transaction() as tx:
        await tx.connection.execute(
            text("UPDATE conversations SET updated_at = updated_at - make_interval(mins => :m)"), {"m": minutes}
        )


async def employed(store: Store, telegram_id: int, role: Role = Role.MANAGER, **more: str) -> Staff:
    return await Desk(store=store).employ(None, name=f"M{telegram_id}", role=role, telegram_id=telegram_id, **more)


async def parcels(store: Store, kind: str = "notice") -> list[dict[str, object]]:
    async with store.transaction() as tx:
        rows = await tx.connection.execute(
            text("SELECT channel, address, body, due_at FROM parcels WHERE kind = :kind ORDER BY place"), {"kind": kind}
        )
        return [dict(row._mapping) for row in rows]


async def all_leads(store: Store) -> list[Lead]:
    async with store.transaction() as tx:
        ids = await tx.connection.scalars(text("SELECT id FROM leads ORDER BY created_at"))
        return [lead for id in ids if (lead := await tx.lead(id))]


async def test_a_form_is_a_lead_and_managers_hear_of_it_once(store: Store) -> None:
    await employed(store, 7, email="m@shop.example")
    conversation = await talked(store, "anna")
    async with store.transaction() as tx:
        values = {"name": "Анна", "phone": "8 903 111-22-33", "email": "anna@gmial.com"}
        lead = await leads().from_form(tx, conversation, values, "2026-11")
    assert (lead.phone, lead.email, lead.status) == ("+79031112233", "anna@gmail.com", Status.NEW)
    assert lead.need == "нужен насос 3 кВт"
    assert [parcel["channel"] for parcel in await parcels(store)] == ["telegram", "mail"]
    async with store.transaction() as tx:  # the same form again changes nothing
        await leads().from_form(tx, conversation, values, "2026-11")
    assert len(await parcels(store)) == 2 and len(await all_leads(store)) == 1


async def test_a_silent_dialogue_is_one_lead_however_often_and_by_whomever_it_is_looked_for(store: Store) -> None:
    await employed(store, 7)
    for number in range(40):
        await talked(store, f"customer {number}")
    await silence(store, 31)
    await asyncio.gather(*(leads().from_silence(store) for _ in range(3)))
    await leads().from_silence(store)
    assert len(await all_leads(store)) == 40 == len(await parcels(store))


async def test_a_talk_that_goes_on_is_not_silent_and_small_talk_is_no_lead(store: Store) -> None:
    await talked(store, "a", answered=False)
    await talked(store, "b")
    assert await leads().from_silence(store) == 0
    await silence(store, 31)
    assert await leads().from_silence(store) == 1


async def test_who_comes_back_after_a_lead_was_closed_may_become_another(store: Store) -> None:
    manager = await employed(store, 7)
    await talked(store, "anna")
    await silence(store, 31)
    await leads().from_silence(store)
    await Desk(store=store).close_lead(manager, (await all_leads(store))[0].id)
    await leads().from_silence(store)
    assert len(await all_leads(store)) == 1
    await talked(store, "anna", "ещё нужен компрессор")
    await silence(store, 31)
    await leads().from_silence(store)
    assert [lead.status for lead in await all_leads(store)] == [Status.DONE, Status.PARTIAL]


async def test_contacts_without_consent_are_a_draft_that_nobody_hears_of(store: Store) -> None:
    await employed(store, 7)
    conversation = await talked(store, "anna")
    async with store.transaction() as tx:
        await tx.keep_lead(conversation, Contacts(phone="+79031112233"), status=Status.DRAFT, source="talk")
    assert await parcels(store) == []
    async with store.transaction() as tx:
        assert await tx.drop_contacts(conversation) is None
    assert await all_leads(store) == []


def step(contacts: Contacts, **what: bool) -> Reply:
    """A reply after which the assistant has these contacts in mind."""
    about = replace(Step(state=State(contacts=contacts)), **what)  # type: ignore[arg-type]
    return Reply(text="вот", lang="ru", route=Route.CONTACT, rung=Rung.TEMPLATE, contacts=about)


async def test_who_refuses_consent_is_not_reachable_by_a_lead_that_managers_had_before(store: Store) -> None:
    await employed(store, 7)
    conversation = await talked(store, "anna")
    anna = Contacts(name="Анна", phone="+79031112233")
    async with store.transaction() as tx:
        await tx.keep_lead(conversation, anna, status=Status.PARTIAL, source="idle")  # as older versions wrote them
        await leads().from_talk(tx, conversation, step(anna, erased=True))
    [lead] = await all_leads(store)
    assert (lead.name, lead.phone, lead.status, lead.need) == ("", "", Status.PARTIAL, "нужен насос 3 кВт")
    assert [parcel["body"] for parcel in await parcels(store, "notice_changed")] == [{"lead": str(lead.id)}]


async def test_what_was_agreed_to_stays_when_something_else_is_refused(store: Store) -> None:
    conversation = await talked(store, "anna")
    anna = Contacts(name="Анна", phone="+79031112233")
    async with store.transaction() as tx:
        await leads().from_talk(tx, conversation, step(anna, passed=True))
        await leads().from_talk(tx, conversation, step(replace(anna, email="a@firm.ru"), noted=True))
        await leads().from_talk(tx, conversation, step(anna, erased=True))
    [lead] = await all_leads(store)
    assert (lead.phone, lead.email, lead.status) == ("+79031112233", "", Status.NEW)


async def test_managers_see_contacts_only_once_the_customer_has_agreed(store: Store) -> None:
    conversation = await talked(store, "anna")
    anna = Contacts(name="Анна", phone="+79031112233")
    for raised in ("called", "noted again"):
        async with store.transaction() as tx:
            await leads().from_talk(tx, conversation, step(anna, noted=True))
            await leads().called(tx, conversation)
            lead = await tx.open_lead(conversation)
        assert lead and (lead.name, lead.phone, lead.status) == ("", "", Status.NEW), raised
    async with store.transaction() as tx:
        await leads().from_talk(tx, conversation, step(anna, passed=True))
        lead = await tx.open_lead(conversation)
    assert lead and (lead.name, lead.phone, lead.consent_version) == ("Анна", "+79031112233", CONSENT)


async def test_at_night_managers_hear_in_the_morning(store: Store) -> None:
    await employed(store, 7)
    night = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)  # a Saturday
    book = Leads(
        region="RU", hours=Hours.read("mon-fri 09:00-18:00", "Europe/Moscow"), at_once=False, clock=lambda: night
    )
    conversation = await talked(store, "anna")
    async with store.transaction() as tx:
        await book.from_form(tx, conversation, {"phone": "89031112233"}, "1")
        now = await tx.connection.scalar(text("SELECT now()"))
    due = (await parcels(store))[0]["due_at"]
    assert due - now == pytest.approx(datetime(2026, 11, 23, 6, 0, tzinfo=UTC) - night, abs=timedelta(seconds=5))


async def test_a_lead_that_nobody_takes_is_told_again_to_everybody_once(store: Store) -> None:
    await employed(store, 7)
    await employed(store, 8, Role.ADMINISTRATOR)
    book = leads(patience=timedelta(0))
    conversation = await talked(store, "anna")
    async with store.transaction() as tx:
        await book.from_form(tx, conversation, {"phone": "89031112233"}, "1")
    assert [parcel["address"] for parcel in await parcels(store)] == ["7"]
    await book.escalate(store)
    await book.escalate(store)
    told = [(parcel["address"], parcel["body"]["why"]) for parcel in await parcels(store)]  # type: ignore[index]
    assert told == [("7", "new"), ("7", "unanswered"), ("8", "unanswered")]


async def test_a_takeover_fences_the_assistant_off_in_the_middle_of_an_answer(store: Store) -> None:
    desk, manager = Desk(store=store, posted=["telegram"]), await employed(store, 7)
    conversation = await talked(store, "anna", answered=False)
    async with store.transaction() as tx:
        claim = await tx.claim(conversation)
    assert claim is not None
    await desk.take_over(manager, conversation)
    reply = Reply(text="late", lang="ru", route=Route.SMALLTALK, rung=Rung.TEMPLATE)
    with pytest.raises(ClaimLost):
        async with store.transaction() as tx:
            await tx.finish(claim, reply, message=uuid4())
    await desk.say(manager, conversation, "Здравствуйте, чем помочь?", origin="telegram:1")
    await desk.say(manager, conversation, "Здравствуйте, чем помочь?", origin="telegram:1")
    async with store.transaction() as tx:
        said = [(event.role, event.kind) for event in await tx.events(conversation, after=1)]
        assert await tx.waiting() == []
    assert said == [("system", "state"), ("system", "text"), ("agent", "text")]
    assert len(await parcels(store, "reply")) == 2


async def test_only_the_manager_who_has_a_dialogue_writes_in_it(store: Store) -> None:
    desk = Desk(store=store)
    first, second = await employed(store, 7), await employed(store, 8)
    conversation = await talked(store, "anna")
    with pytest.raises(Gone):
        await desk.say(first, conversation, "hello", origin="1")
    await desk.take_over(first, conversation)
    await desk.take_over(second, conversation)
    with pytest.raises(Gone):
        await desk.say(first, conversation, "hello", origin="2")
    await desk.hand_back(second, conversation)
    async with store.transaction() as tx:
        here = await tx.conversation(conversation)
    assert here is not None and here.owner is Owner.BOT


async def test_a_dialogue_that_its_manager_forgot_goes_back(store: Store) -> None:
    desk, manager = Desk(store=store), await employed(store, 7)
    conversation = await talked(store, "anna")
    await desk.take_over(manager, conversation)
    assert await desk.release_forgotten(timedelta(minutes=30)) == 0
    assert await desk.release_forgotten(timedelta(0)) == 1


async def test_a_customer_and_a_manager_may_do_what_their_roles_say(store: Store) -> None:
    desk, manager = Desk(store=store), await employed(store, 7)
    conversation = await talked(store, "anna")
    customer = Staff(id=manager.id, name="x", role=Role.CUSTOMER)
    with pytest.raises(Forbidden):
        await desk.take_over(customer, conversation)
    with pytest.raises(Forbidden):
        await desk.employ(manager, name="friend", role=Role.MANAGER, telegram_id=9)
    await desk.dismiss(None, manager.id)
    assert await desk.manager(7) is None


async def test_what_managers_do_is_written_down(store: Store) -> None:
    desk, manager = Desk(store=store), await employed(store, 7)
    conversation = await talked(store, "anna")
    await desk.take_over(manager, conversation)
    async with store.transaction() as tx:
        rows = await tx.connection.execute(text("SELECT user_id, action, subject FROM audit ORDER BY id"))
        acts = [tuple(row) for row in rows]
    assert acts[0][1] == "staff.employ"
    assert acts[1] == (manager.id, "conversation.take_over", str(conversation))
