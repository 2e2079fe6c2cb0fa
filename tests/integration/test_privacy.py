"""One action finds, hands out or erases all of a person, and touches nobody else."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from appliance.backup import Backups
from appliance.core.leads import Contacts
from appliance.core.types import Inbound
from appliance.privacy import PersonalData
from appliance.store.leads import Consent, Status
from appliance.store.privacy import Person
from appliance.store.store import Store

ANNA = Contacts(name="Анна Петрова", phone="+79031112233", email="anna@firm.ru", company="ООО Ромашка")
CHAT = "5550001"


@pytest.fixture
def data(store: Store, tmp_path: Path) -> PersonalData:
    return PersonalData(store=store, backups=Backups(tmp_path), region="RU")


async def talked(store: Store, address: str, contacts: Contacts | None = None, *, words: str = "нужен насос") -> UUID:
    """A dialogue in Telegram with two messages, and a lead with its consent where contacts are given."""
    async with store.transaction() as tx:
        for number in (1, 2):
            about = Inbound(
                channel="telegram",
                address=address,
                external_id=f"{address}:{number}:{uuid4()}",
                text=f"{words} {number}",
            )
            received = await tx.remember(about)
        await tx.introduce(received.conversation, name=contacts.name if contacts else "", lang="ru")
        if contacts:
            word = Consent(version="2026-11", given=True)
            await tx.keep_lead(received.conversation, contacts, status=Status.NEW, source="form", consent=word)
    return received.conversation


async def owed(store: Store, conversation: UUID) -> None:
    """What lies about elsewhere: parcels, an update of Telegram, a link, the audit log, a record in a CRM."""
    async with store.transaction() as tx:
        lead = await tx.open_lead(conversation)
        assert lead is not None
        await tx.post(channel="telegram", address=CHAT, kind="reply", body={"message": str(uuid4())})
        await tx.post(channel="mail", address="boss@shop.example", kind="notice", body={"lead": str(lead.id)})
        await tx.post(channel="crm", address=str(lead.id), kind="push", body={"lead": str(lead.id)})
        await tx.keep_updates(7, [{"update_id": 1, "message": {"chat": {"id": int(CHAT)}, "text": "Анна Петрова"}}])
        await tx.make_link("web", {"conversation": str(conversation)}, life=timedelta(days=1))
        await tx.log_act(user=None, action="lead.taken", subject=str(lead.id), after={"name": "Анна Петрова"})
        await tx.log_act(
            user=None, action="note", subject="other", after={"said": "call 8 903 111-22-33, Anna@firm.ru"}
        )
        await tx.connection.execute(
            text("INSERT INTO crm_leads (lead_id, kind, remote) VALUES (:lead, 'zoho', 'Z-100')"), {"lead": lead.id}
        )


async def found_anywhere(store: Store, *words: str) -> dict[str, int]:
    """Rows by table in which any of the words stands, whatever the column."""
    hits = {}
    async with store.transaction() as tx:
        tables = await tx.connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        for table in tables.all():
            query = f'SELECT count(*) FROM "{table}" AS t WHERE t::text ~* :pattern'
            hits[table] = await tx.connection.scalar(text(query), {"pattern": "|".join(words)})
    return {table: count for table, count in hits.items() if count}


@pytest.mark.parametrize("wanted", ["8 903 111-22-33", "ANNA@firm.ru", CHAT, "петрова", "Ромашка"])
async def test_a_person_is_found_by_whatever_is_known_of_them(store: Store, data: PersonalData, wanted: str) -> None:
    mine = await talked(store, CHAT, ANNA)
    await talked(store, "5550002", Contacts(name="Борис", phone="+79035556677"))
    [person] = await data.find(wanted)
    assert person.conversations == (mine,) and person.phones == ("+79031112233",) and person.messages == 2
    assert await data.find("Нет такого") == []


async def test_a_telephone_that_was_only_written_leads_to_who_wrote_it(store: Store, data: PersonalData) -> None:
    mine = await talked(store, CHAT, words="звоните 8 903 111-22-33")
    [person] = await data.find(ANNA.phone)
    assert person.conversations == (mine,)


async def test_dialogues_with_the_same_telephone_are_one_person(store: Store, data: PersonalData) -> None:
    first = await talked(store, CHAT, ANNA)
    second = await talked(store, "5550009", Contacts(phone=ANNA.phone))
    [person] = await data.find(ANNA.email)
    assert set(person.conversations) == {first, second} and len(person.leads) == 2


async def test_after_an_erasure_nothing_is_left_of_one_and_everything_of_the_other(
    store: Store, data: PersonalData, tmp_path: Path
) -> None:
    mine = await talked(store, CHAT, ANNA, words="насос для Анны")
    await owed(store, mine)
    await talked(store, "5550002", Contacts(name="Борис", phone="+79035556677"), words="мой друг 89031112233")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "appliance.log").write_text(json.dumps({"at": "2026-11-22T10:00", "id": str(mine)}) + "\n")
    words = ["Анна", "Анны", "903.{0,3}111.{0,2}22", "anna@firm", CHAT, "Ромашка"]
    assert len(await found_anywhere(store, *words)) >= 7

    [person] = await data.find(ANNA.phone)
    receipt = await data.erase(person, how="desk")
    assert (receipt.counts["messages"], receipt.counts["leads"], receipt.counts["crm"]) == (2, 1, 1)
    assert receipt.consents_kept == 1 and receipt.log_lines == 1
    left = await found_anywhere(store, *words)
    assert set(left) <= {"erasures"}, "the worker still needs to know whose traces it cleans"

    assert await data.finish() == 0, "a line of the log may be on its way still"
    await settle(store)
    assert await data.finish() == 1
    assert await found_anywhere(store, *words) == {}
    assert str(mine) not in (tmp_path / "logs" / "appliance.log").read_text()
    [other] = await data.find("Борис")
    assert other.messages == 2 and other.phones == ("+79035556677",)
    async with store.transaction() as tx:
        asked = await tx.connection.execute(text("SELECT body FROM parcels WHERE channel = 'crm'"))
        assert [row.body for row in asked] == [{"crm": "zoho", "remote": "Z-100"}]
        assert await tx.connection.scalar(text("SELECT count(*) FROM consents")) == 2
    assert (tmp_path / "backups" / "erased.jsonl").read_text().count(str(mine)) >= 1


async def settle(store: Store) -> None:
    async with store.transaction() as tx:
        await tx.connection.execute(text("UPDATE erasures SET at = at - interval '3 minutes'"))


async def test_who_forgets_themself_by_the_bot_takes_nobody_elses_request_along(
    store: Store, data: PersonalData
) -> None:
    """Anybody can type anybody's telephone."""
    await talked(store, CHAT, ANNA)
    await talked(store, "666", Contacts(name="Злой", phone=ANNA.phone))
    async with store.transaction() as tx:
        assert await tx.forget_person("telegram", "666") == 1
    await settle(store)
    assert await data.finish() == 1
    [anna] = await data.find(ANNA.phone)
    assert anna.names == ("Анна Петрова",) and anna.phones == (ANNA.phone,)
    assert await data.find("Злой") == []


async def test_what_is_handed_out_holds_everything_and_no_secret(store: Store, data: PersonalData) -> None:
    await owed(store, await talked(store, CHAT, ANNA))
    [person] = await data.find(CHAT)
    with zipfile.ZipFile(io.BytesIO(await data.export(person))) as file:
        record = json.loads(file.read("person.json"))
        assert {"messages.xlsx", "requests.xlsx", "consents.xlsx", "crm.xlsx"} <= set(file.namelist())
    assert [message["text"] for message in record["messages"]] == ["нужен насос 1", "нужен насос 2"]
    assert record["requests"][0]["phone"] == ANNA.phone and record["consents"][0]["version"] == "2026-11"
    assert "token_hash" not in json.dumps(record)


async def test_nobody_is_erased_twice_and_a_stranger_not_at_all(store: Store, data: PersonalData) -> None:
    await talked(store, CHAT, ANNA)
    [person] = await data.find(CHAT)
    await data.erase(person, how="command")
    again = await data.erase(person, how="command")
    assert again.counts["conversations"] == 0
    assert not Person().known


async def test_what_is_past_its_time_goes_and_a_lead_keeps_its_figures(store: Store) -> None:
    old, new = await talked(store, CHAT, ANNA), await talked(store, "5550002", Contacts(phone="+79035556677"))
    async with store.transaction() as tx:
        for table, column in (("conversations", "id"), ("leads", "conversation_id")):
            aged = f"UPDATE {table} SET updated_at = now() - interval '400 days' WHERE {column} = :old"
            await tx.connection.execute(text(aged), {"old": old})
        done = await tx.drop_old({"dialogues": 365, "leads": 365, "parcels": 0})
    assert done["dialogues"] == 1 and done["leads"] == 1
    async with store.transaction() as tx:
        assert await tx.conversation(old) is None and await tx.conversation(new) is not None
        rows = await tx.connection.execute(text("SELECT phone, source, status FROM leads ORDER BY phone"))
        assert [tuple(row) for row in rows] == [("", "form", "new"), ("+79035556677", "form", "new")]
        assert await tx.drop_old({"dialogues": 365, "leads": 365}) == {}


async def test_a_browser_that_never_said_a_word_is_forgotten_after_a_month(store: Store) -> None:
    async with store.transaction() as tx:
        silent = await tx.visit(sid="", token="", lang="ru", page={})
        await tx.visit(sid="", token="", lang="ru", page={})
        await tx.connection.execute(
            text("UPDATE visitors SET seen_at = :then WHERE sid = :sid"),
            {"then": datetime.now(UTC) - timedelta(days=31), "sid": silent.sid},
        )
        assert (await tx.drop_old({}))["visits"] == 1
        assert await tx.conversation(silent.conversation) is None
