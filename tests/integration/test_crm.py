"""Leads reach Zoho CRM once, whatever happens on the way; the counterpart holds requests against Zoho's own files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from appliance.core.types import Role
from appliance.crm.base import CrmBusy, CrmClosed
from appliance.crm.zoho_auth import Tokens
from appliance.desk import Desk
from appliance.secrets import Secrets
from appliance.store.leads import Status
from appliance.store.store import Store
from tests.zoho import FOLDER, Faults, Spec, World, ZohoServer
from tests.zoho.shop import Shop, connect, enquiry, learned


@pytest.fixture(scope="session")
def spec() -> Spec | None:
    if not FOLDER.is_dir():
        pytest.skip(f"ZOHO'S OPENAPI FILES ARE NOT AT {FOLDER}: THESE REQUESTS ARE NOT CHECKED")
    return Spec()


@pytest.fixture
async def zoho(spec: Spec) -> AsyncIterator[ZohoServer]:
    async with ZohoServer(spec=spec, world=World(), faults=Faults()) as server:
        yield server
        assert server.wrong == []


@pytest.fixture
async def shop(store: Store, tmp_path: Path, zoho: ZohoServer) -> AsyncIterator[Shop]:
    shop = Shop(store, tmp_path)
    await connect(store, shop.secrets, zoho)
    yield shop
    await shop.close()


def asked(zoho: ZohoServer, *what: str) -> list[str]:
    """The requests so far, those of `what` only where given: "POST /Leads/upsert"."""
    said = [f"{one['method']} {one['path']}" for one in zoho.log]
    return [one for one in said if one in what] if what else said


async def test_a_lead_is_in_zoho_with_its_fields_and_its_dialogue(store: Store, shop: Shop, zoho: ZohoServer) -> None:
    lead = await enquiry(store, email="anna@example.com", company="ООО Ромашка")
    await shop.work()
    record = zoho.world.records[await shop.remote(lead.id)].data
    assert (record["First_Name"], record["Last_Name"], record["Company"]) == ("Анна", "Петрова", "ООО Ромашка")
    assert (record["Phone"], record["Email"], record["Lead_Source"]) == ("+79031112233", "anna@example.com", "Chat")
    assert record["Request_ID"] == lead.id.hex
    assert "нужен насос" in record["Description"] and "Согласие на обработку данных: 2026-11" in record["Description"]
    assert asked(zoho) == ["GET /Leads/search", "POST /Leads/upsert"]


async def test_who_has_not_agreed_leaves_the_house_as_nobody(store: Store, shop: Shop, zoho: ZohoServer) -> None:
    words = "нужен насос, я Анна Петрова, 8 903 111-22-33, anna@example.com"
    lead = await enquiry(store, words=words, agreed=False, email="anna@example.com", company="ООО Ромашка")
    await shop.work()
    sent = repr(zoho.world.records[await shop.remote(lead.id)].data)
    assert "насос" in sent
    for told in ("9031112233", "111-22-33", "anna@example.com", "Ромашка"):
        assert told not in sent


async def test_a_draft_goes_nowhere_and_without_a_crm_nothing_is_owed(
    store: Store, shop: Shop, zoho: ZohoServer
) -> None:
    await enquiry(store, status=Status.DRAFT)
    await shop.work()
    assert zoho.world.records == {} and await shop.count("SELECT count(*) FROM parcels WHERE channel = 'crm'") == 0
    async with store.transaction() as tx:
        await tx.crm_go_live("zoho", live=False)
    await enquiry(store)
    assert await shop.count("SELECT count(*) FROM parcels WHERE channel = 'crm'") == 0


async def test_leads_from_before_the_crm_was_connected_go_there_too(store: Store, shop: Shop, zoho: ZohoServer) -> None:
    async with store.transaction() as tx:
        await tx.crm_go_live("zoho", live=False)
    lead = await enquiry(store)
    async with store.transaction() as tx:
        await tx.crm_go_live("zoho")
    await shop.pushes.look_after()
    await shop.work()
    assert await shop.remote(lead.id) in zoho.world.records


async def test_a_lost_answer_makes_no_second_record(store: Store, shop: Shop, zoho: ZohoServer) -> None:
    zoho.faults.planned = ["", "lost"]  # the search is answered, the upsert has its effect in silence
    lead = await enquiry(store)
    await shop.work()
    await shop.hurry()
    await shop.work()
    assert len(zoho.world.records) == 1 and await shop.remote(lead.id) in zoho.world.records
    assert asked(zoho) == ["GET /Leads/search", "POST /Leads/upsert", "POST /coql"]


async def test_a_crash_between_sending_and_the_receipt_makes_no_second_record(
    store: Store, shop: Shop, zoho: ZohoServer
) -> None:
    zoho.faults.planned, zoho.faults.delay = ["", "slow"], 0.5
    lead = await enquiry(store)
    with pytest.raises(TimeoutError):
        await shop.work(seconds=0.4)
    await asyncio.sleep(0.5)  # the request goes on in Zoho
    await shop.hurry()
    await shop.work()
    assert len(zoho.world.records) == 1 and await shop.remote(lead.id)
    tried = await shop.count("SELECT count(*) FROM crm_attempts")
    assert tried == 2 and await shop.held() == []


async def test_what_comes_later_is_a_note_and_fills_only_what_is_empty(
    store: Store, shop: Shop, zoho: ZohoServer
) -> None:
    lead = await enquiry(store, name="Анна", phone="+79031112233")
    await shop.work()
    record = zoho.world.records[await shop.remote(lead.id)]
    zoho.world.change(record, {"Company": "Как вписал менеджер"})
    await learned(store, lead, email="anna@example.com", company="ООО Ромашка")
    await shop.work()
    assert record.data["Email"] == "anna@example.com" and record.data["Company"] == "Как вписал менеджер"
    (note,) = record.notes
    assert "E-mail: anna@example.com" in note["Note_Content"] and "ООО Ромашка" in note["Note_Content"]


async def test_a_note_whose_answer_was_lost_is_not_written_twice(store: Store, shop: Shop, zoho: ZohoServer) -> None:
    lead = await enquiry(store)
    await shop.work()
    zoho.faults.planned = ["", "", "lost"]
    await learned(store, lead, email="anna@example.com")
    await shop.work()
    await shop.hurry()
    await shop.work()
    assert len(zoho.world.records[await shop.remote(lead.id)].notes) == 1 and await shop.held() == []


async def test_somebody_whom_zoho_knows_gets_a_note_and_no_second_record(
    store: Store, shop: Shop, zoho: ZohoServer
) -> None:
    theirs = zoho.world.insert({"Last_Name": "Петрова", "Phone": "+7 903 111-22-33", "Email": "a@b.example"})
    zoho.world.insert({"Last_Name": "Другая", "Phone": "+79031112233", "Email": "zanna@example.com"})
    zoho.world.records.popitem()  # the index would still show it
    lead = await enquiry(store, phone="+79031112234", email="A@B.example")
    await shop.work()
    assert await shop.remote(lead.id) == theirs.id and len(zoho.world.records) == 1
    assert theirs.notes[0]["Note_Title"].startswith("Counterman: ещё одно обращение")
    assert "Телефон: +79031112234" in theirs.notes[0]["Note_Content"]


async def test_what_only_resembles_a_contact_is_another_person(store: Store, shop: Shop, zoho: ZohoServer) -> None:
    zoho.world.insert({"Last_Name": "Жанна", "Email": "zanna@example.com"})
    await enquiry(store, phone="", email="anna@example.com")
    await shop.work()
    assert len(zoho.world.records) == 2


async def test_a_second_enquiry_is_joined_while_the_index_does_not_know_the_first(
    store: Store, shop: Shop, zoho: ZohoServer
) -> None:
    zoho.world.index_delay = 60
    first = await enquiry(store)
    await shop.work()
    second = await enquiry(store, words="и компрессор")
    await shop.work()
    assert await shop.remote(first.id) == await shop.remote(second.id) and len(zoho.world.records) == 1


async def test_two_attempts_then_held_with_the_reason_and_managers_hear_once(
    store: Store, shop: Shop, zoho: ZohoServer
) -> None:
    await Desk(store=store).employ(None, name="Мария", role=Role.MANAGER, telegram_id=7, email="m@shop.example")
    zoho.faults.server = 1.0
    for number in range(3):
        await enquiry(store, phone=f"+7903111223{number}")
    for _ in range(4):
        await shop.work()
        await shop.hurry()
    assert await shop.held() == ["broken"] * 3
    assert await shop.count("SELECT max(attempt) FROM crm_attempts") == 2
    for _ in range(2):
        await shop.pushes.look_after()
    told = "SELECT count(*) FROM parcels WHERE kind = 'aside' AND channel = :channel"
    assert (await shop.count(told, channel="telegram"), await shop.count(told, channel="mail")) == (1, 1)
    heading = await shop.count("SELECT body ->> 'heading' FROM parcels WHERE channel = 'mail' AND kind = 'aside'")
    assert heading == "CRM не приняла заявки: 3"


async def test_what_was_held_goes_again_when_its_hour_comes_and_a_well_crm_frees_the_rest(
    store: Store, tmp_path: Path, shop: Shop, zoho: ZohoServer
) -> None:
    zoho.faults.server = 1.0
    for number in range(6):
        await enquiry(store, phone=f"+7903111223{number}")
    for _ in range(4):
        await shop.work()
        await shop.hurry()
    assert len(await shop.held()) == 6
    zoho.faults.server = 0.0
    soon = Shop(store, tmp_path, first_wait=timedelta(milliseconds=1))
    await soon.pushes.look_after()
    await asyncio.sleep(0.01)
    await soon.pushes.look_after()
    await soon.work()
    await soon.close()
    assert len(zoho.world.records) == 6 and await shop.held() == []


async def test_a_value_that_zoho_refuses_is_held_at_once_and_named(store: Store, shop: Shop, zoho: ZohoServer) -> None:
    zoho.world.fields.append({**zoho.world.fields[0], "api_name": "Region", "system_mandatory": True})
    lead = await enquiry(store)
    await shop.work()
    async with store.transaction() as tx:
        (held,) = await tx.crm_held()
        state = (await tx.crm_states([lead.id]))[lead.id]
    assert held.why == {"id": "required", "field": "Region"} and state.state == "held"
    assert await shop.count("SELECT count(*) FROM crm_attempts") == 1


async def test_a_changed_lead_that_was_held_is_tried_anew(store: Store, shop: Shop, zoho: ZohoServer) -> None:
    lead = await enquiry(store, phone="", email="not an address")
    await shop.work()
    assert await shop.held() == ["refused"] or await shop.held() == ["invalid"]
    zoho.wrong.clear()
    await learned(store, lead, email="anna@example.com")
    await shop.work()
    assert await shop.held() == [] and len(zoho.world.records) == 1


async def test_zoho_that_asks_for_patience_gets_it(store: Store, shop: Shop, zoho: ZohoServer) -> None:
    zoho.faults.planned = ["too_many"]
    await enquiry(store)
    await shop.work()
    before = len(zoho.log)
    await enquiry(store, phone="+79031112299")
    await shop.work(seconds=1)
    assert len(zoho.log) == before  # nothing is asked while it wants patience
    await shop.hurry()
    await shop.work()
    assert len(zoho.world.records) == 2


async def test_the_last_credits_are_left_to_people(store: Store, shop: Shop, zoho: ZohoServer) -> None:
    zoho.world.credits = 21
    for number in range(6):
        await enquiry(store, phone=f"+7903111223{number}")
    await shop.work()
    before = zoho.world.credits
    assert before >= 14  # pushes that were in hand went to their end
    await shop.work()
    assert zoho.world.credits == before
    async with store.transaction() as tx:
        account = await tx.crm_account()
    assert account is not None and account.trouble["id"] == "credits"


async def test_a_token_that_ends_early_is_renewed_once_and_costs_no_attempt(
    store: Store, shop: Shop, zoho: ZohoServer
) -> None:
    zoho.world.token_calls = 5
    for number in range(6):
        await enquiry(store, phone=f"+7903111223{number}")
    await shop.work()
    assert len(zoho.world.records) == 6 and 3 <= zoho.world.renewals <= 4
    assert await shop.count("SELECT max(attempt) FROM crm_attempts") == 1


async def test_many_processes_renew_the_token_once(store: Store, shop: Shop, zoho: ZohoServer) -> None:
    import httpx

    async with httpx.AsyncClient() as http:
        each = [Tokens(store=store, secrets=shop.secrets, http=http) for _ in range(8)]
        tokens = await asyncio.gather(*(one.current() for one in each))
        assert len({token.value for token in tokens}) == 1 and zoho.world.renewals == 1
        again = await asyncio.gather(*(one.renewed(tokens[0].number) for one in each))
    assert len({token.value for token in again}) == 1 and zoho.world.renewals == 2


async def test_the_throttle_of_tokens_is_obeyed(store: Store, shop: Shop, zoho: ZohoServer) -> None:
    zoho.world.throttle = (1, 600)
    token = await shop.opening.tokens.current()
    with pytest.raises(CrmBusy) as refused:
        await shop.opening.tokens.renewed(token.number)
    assert refused.value.retry_after is not None and refused.value.retry_after >= timedelta(seconds=30)


async def test_a_lead_that_is_held_twice_is_one_and_goes_as_one(store: Store, shop: Shop, zoho: ZohoServer) -> None:
    lead = await enquiry(store)
    async with store.transaction() as tx:  # one was in hand when the lead changed
        for _ in range(2):
            await tx.post(channel="crm", address=str(lead.id), kind="push", body={"lead": str(lead.id)})
        await tx.connection.execute(
            text("UPDATE parcels SET held = 'for a reason', attempts = 2 WHERE channel = 'crm'")
        )
    await shop.pushes.look_after()
    async with store.transaction() as tx:
        (held,) = await tx.crm_held()
        assert (await tx.crm_tally(since=held.since)).held == 1
    assert held.why == {"id": "held", "what": "for a reason"} and held.lead == lead.id
    await learned(store, lead, email="anna@example.com")
    await shop.work()
    assert await shop.held() == [] and len(zoho.world.records) == 1


async def test_without_the_key_field_nothing_is_written_and_the_reason_says_so(
    store: Store, shop: Shop, zoho: ZohoServer
) -> None:
    zoho.world.fields = [one for one in zoho.world.fields if one["api_name"] != "Request_ID"]
    await enquiry(store)
    await shop.work()
    assert await shop.held() == ["nokey"] and zoho.world.records == {}


async def test_a_permission_that_was_withdrawn_stops_all_pushes_with_one_reason(
    store: Store, shop: Shop, zoho: ZohoServer
) -> None:
    zoho.world.grants[0].refresh = "1000.another"
    for number in range(5):
        await enquiry(store, phone=f"+7903111223{number}")
    await shop.work()
    assert set(await shop.held()) == {"revoked"} and len(await shop.held()) <= 3  # what was in hand; the others wait
    async with store.transaction() as tx:
        account = await tx.crm_account()
    assert account is not None and account.trouble["id"] == "revoked"


async def test_secrets_are_sealed_in_the_database(store: Store, shop: Shop, zoho: ZohoServer, tmp_path: Path) -> None:
    await shop.opening.tokens.current()
    grant = zoho.world.grants[0]
    kept = await shop.count("SELECT crm_accounts::text FROM crm_accounts")
    assert grant.client_secret not in kept and grant.refresh not in kept
    assert not any(token in kept for token in zoho.world.tokens)
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "secret.key").unlink()
    stranger = Shop(store, tmp_path)
    with pytest.raises(CrmClosed, match="secret.key"):
        await stranger.opening.tokens.renewed(0)
    await stranger.close()


async def test_a_record_that_was_deleted_in_zoho_is_made_again_by_the_next_news(
    store: Store, shop: Shop, zoho: ZohoServer
) -> None:
    lead = await enquiry(store)
    await shop.work()
    zoho.world.records.clear()
    await learned(store, lead, email="anna@example.com")
    await shop.work()
    assert len(zoho.world.records) == 1 and await shop.remote(lead.id) in zoho.world.records


async def test_an_erased_person_is_taken_out_of_zoho(store: Store, shop: Shop, zoho: ZohoServer) -> None:
    lead = await enquiry(store)
    await shop.work()
    async with store.transaction() as tx:
        body = {"crm": "zoho", "remote": await shop.remote(lead.id)}
        await tx.connection.execute(text("DELETE FROM leads"))
        await tx.post(channel="crm", address=str(lead.id), kind="erase", body=body)
    await shop.work()
    assert zoho.world.records == {}


async def test_secrets_need_their_key() -> None:
    one, other = (Secrets("A" * 43 + "="), Secrets("B" * 43 + "="))
    assert one.open(one.seal("пароль")) == "пароль" and one.seal("") == "" == other.open("")
    with pytest.raises(Exception, match="secret.key"):
        other.open(one.seal("пароль"))
