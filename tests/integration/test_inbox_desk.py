"""Managers find dialogues by any condition, read them whole, note upon them, and hand them out as files."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from openpyxl import load_workbook
from sqlalchemy import text

from appliance.core.company import Passages
from appliance.core.filters import DialogueFilter
from appliance.core.leads import Contacts
from appliance.core.types import Inbound, Owner, Reply, Role, Route, Rung, Staff
from appliance.desk import Desk, Forbidden, Gone
from appliance.desk.files import Files
from appliance.desk.inbox import Inbox, Place, Wanted
from appliance.desk.leads import Sought
from appliance.desk.live import Live
from appliance.history import write_history
from appliance.history.story import Setting
from appliance.hours import Hours
from appliance.leads import Leads
from appliance.paper.lines import harmless
from appliance.store.leads import Status
from appliance.store.store import Store, Transaction
from appliance.tasks import Tasks
from tests.integration.test_history import GOODS


async def manager(store: Store, name: str = "Анна") -> Staff:
    return await Desk(store=store).employ(None, name=name, role=Role.MANAGER)


async def talked(
    store: Store, *said: str, channel: str = "widget", lang: str = "ru", route: Route = Route.PRODUCT_SEARCH,
    nothing: bool = False,
) -> UUID:  # fmt: skip
    """A dialogue of these questions, each answered."""
    address = str(uuid4())
    for words in said:
        async with store.transaction() as tx:
            got = await tx.remember(
                Inbound(channel=channel, address=address, external_id=str(uuid4()), text=words, lang_hint=lang)
            )
        async with store.transaction() as tx:
            claim = await tx.claim(got.conversation)
            assert claim is not None
            reply = Reply(
                text=f"ответ на {words}", lang=lang, route=route, rung=Rung.TEMPLATE, none=nothing, sources=("A-1",),
                prompt_version="p1", model="m1",
            )  # fmt: skip
            await tx.finish(claim, reply, message=uuid4())
    return got.conversation


async def ids(store: Store, actor: Staff, wanted: Wanted) -> set[UUID]:
    return {line.id for line in await Inbox(store=store).page(actor, wanted)}


async def answer_of(store: Store, actor: Staff, conversation: UUID) -> UUID:
    turns = await Inbox(store=store).transcript(actor, conversation)
    return next(turn.message.id for turn in turns if turn.answer)


@pytest.mark.parametrize(
    ("words", "found"),
    [("насосы", True), ("насосами дренажными", True), ("HVCP6459", True), ("вентилятор", False), ("%", False)],
)
async def test_a_dialogue_is_found_by_the_stems_of_its_words_and_by_parts_of_codes(
    store: Store, words: str, found: bool
) -> None:
    anna = await manager(store)
    here = await talked(store, "нужен дренажный насос", "а HVCP645929 есть?")
    await talked(store, "hello", lang="en")
    assert (here in await ids(store, anna, Wanted(words=words))) is found


async def test_a_dialogue_is_found_by_its_customers_name_and_phone(store: Store) -> None:
    anna = await manager(store)
    here = await talked(store, "насос")
    async with store.transaction() as tx:
        contacts = Contacts(name="Пётр Зимин", phone="+70005551234")
        await tx.keep_lead(here, contacts, status=Status.NEW, source="talk")
    await talked(store, "насос")
    assert await ids(store, anna, Wanted(words="зимин")) == {here}
    assert await ids(store, anna, Wanted(words="5551234")) == {here}
    assert (await Inbox(store=store).page(anna, Wanted(lead="yes")))[0].customer == "Пётр Зимин"


async def test_every_condition_narrows_the_list(store: Store) -> None:
    anna = await manager(store)
    goods = await talked(store, "насос")
    none = await talked(store, "снегоход", nothing=True, channel="telegram", lang="kk")
    chat = await talked(store, "привет", route=Route.SMALLTALK)
    await Desk(store=store).take_over(anna, chat)
    async with store.transaction() as tx:
        await tx.rate(goods, await answer_of(store, anna, goods), -1)
    await Inbox(store=store).mark_bad(anna, await answer_of(store, anna, none), reason="wrong_goods")

    assert await ids(store, anna, Wanted()) == {goods, none, chat}
    assert await ids(store, anna, Wanted(which=DialogueFilter(channel="telegram"))) == {none}
    assert await ids(store, anna, Wanted(which=DialogueFilter(lang="kk"))) == {none}
    assert await ids(store, anna, Wanted(route="smalltalk")) == {chat}
    assert await ids(store, anna, Wanted(nothing=True)) == {none}
    assert await ids(store, anna, Wanted(rating=-1)) == {goods}
    assert await ids(store, anna, Wanted(bad=True)) == {none}
    assert await ids(store, anna, Wanted(owner="mine")) == await ids(store, anna, Wanted(owner="needs")) == {chat}
    assert await ids(store, anna, Wanted(lead="yes")) == set()
    assert await ids(store, anna, Wanted(since=datetime.now(UTC) + timedelta(minutes=1))) == set()
    assert (await Inbox(store=store).tally(anna)).mine == 1


async def test_pages_follow_each_other_without_a_gap_or_a_repeat(store: Store, database_url: str) -> None:
    setting = Setting(
        products=GOODS, version="v1", texts=Passages({}), prompt="p1", now=datetime.now(UTC), dialogues=130, leads=20
    )
    write_history(database_url, setting)
    anna, inbox = await manager(store), Inbox(store=store)
    seen: list[UUID] = []
    after: Place | None = None
    while page := await inbox.page(anna, Wanted(), after=after):
        assert len(page) <= 50
        seen += [line.id for line in page]
        after = Place(at=page[-1].at, id=page[-1].id)
    assert len(seen) == len(set(seen)) == 130


async def test_only_what_concerns_a_manager_is_unread_until_they_look(store: Store) -> None:
    anna, inbox = await manager(store), Inbox(store=store)
    here = await talked(store, "насос", "дешевле")
    assert (await inbox.page(anna, Wanted()))[0].unread == 0
    await Desk(store=store).take_over(anna, here)
    mine = (await inbox.page(anna, Wanted()))[0]
    assert (mine.unread, mine.owner, mine.agent_name) == (2, Owner.AGENT, "Анна")
    await inbox.seen(anna, here, mine.messages)
    await inbox.seen(anna, here, 1)
    assert (await inbox.page(anna, Wanted()))[0].unread == 0


async def test_notes_are_for_colleagues_and_taken_back_by_their_author_alone(store: Store) -> None:
    anna, boris, inbox = await manager(store), await manager(store, "Борис"), Inbox(store=store)
    here = await talked(store, "насос")
    await inbox.note(anna, here, "  перезвонить в среду ")
    (note,) = (await inbox.dossier(boris, here)).notes
    assert (note.text, note.author_name) == ("перезвонить в среду", "Анна")
    with pytest.raises(Gone):
        await inbox.drop_note(boris, here, note.id)
    await inbox.drop_note(anna, here, note.id)
    assert (await inbox.dossier(anna, here)).notes == ()
    assert [act.action for act in await inbox.history(anna, here)] == ["conversation.note_dropped", "conversation.note"]


async def test_a_bad_answer_waits_on_the_review_list_until_it_is_settled(store: Store) -> None:
    anna, inbox = await manager(store), Inbox(store=store)
    here = await talked(store, "насос")
    answer = await answer_of(store, anna, here)
    await inbox.mark_bad(anna, answer, reason="wrong_goods", comment="это компрессор")
    await inbox.mark_bad(anna, answer, reason="wrong_fact", comment="и цена не та")
    (bad,) = await inbox.bad_answers(anna)
    assert (bad.question, bad.answer, bad.reason, bad.marked_by) == ("насос", "ответ на насос", "wrong_fact", "Анна")
    (line,) = (await Files(store=store).to_review(anna)).contents.decode().splitlines()
    assert json.loads(line)["sources"] == ["A-1"] and json.loads(line)["prompt_version"] == "p1"
    await inbox.settle(anna, answer)
    assert await inbox.bad_answers(anna) == [] and await inbox.to_review(anna) == 0
    assert len(await inbox.bad_answers(anna, settled=True)) == 1


async def test_a_customers_own_words_are_no_answer_to_mark(store: Store) -> None:
    anna, inbox = await manager(store), Inbox(store=store)
    here = await talked(store, "насос")
    question = (await inbox.transcript(anna, here))[0].message.id
    with pytest.raises(Gone):
        await inbox.mark_bad(anna, question, reason="tone")
    with pytest.raises(ValueError, match="wrong_goods"):
        await inbox.mark_bad(anna, await answer_of(store, anna, here), reason="ugly")


async def test_a_lead_is_given_to_a_colleague_closed_with_its_outcome_and_opened_again(store: Store) -> None:
    anna, boris, desk = await manager(store), await manager(store, "Борис"), Desk(store=store)
    here = await talked(store, "насос")
    async with store.transaction() as tx:
        lead, _ = await tx.keep_lead(here, Contacts(phone="+70005551234"), status=Status.NEW, source="talk")
    await desk.assign_lead(anna, lead.id, boris.id)
    assert [line.assigned_name for line in await desk.leads(boris, Sought(assigned="mine", status="open"))] == ["Борис"]
    await desk.close_lead(boris, lead.id, "price")
    dossier = await desk.lead_dossier(anna, lead.id)
    assert (dossier.lead.status, dossier.lead.outcome) == ("done", "price")
    assert [act.action for act in dossier.history] == ["lead.done", "lead.assign"]
    with pytest.raises(Gone):
        await desk.assign_lead(anna, lead.id, anna.id)
    await desk.reopen_lead(anna, lead.id)
    assert (await desk.lead_counts(anna, Sought())) == {"taken": 1}


async def test_nothing_in_an_export_runs_as_a_formula(store: Store) -> None:
    anna = await manager(store)
    evil = '=HYPERLINK("http://evil.example","x")'
    here = await talked(store, evil)
    async with store.transaction() as tx:
        contacts = Contacts(name=evil, phone="+70005551234", company="@SUM(1)", need="-1+2")
        await tx.keep_lead(here, contacts, status=Status.NEW, source="form")
    files = Files(store=store)
    rows = list(csv.reader(io.StringIO((await files.leads(anna, Sought(), "csv", str)).contents.decode("utf-8-sig"))))
    assert {evil, "@SUM(1)", "+70005551234"} & set(rows[1]) == set() and f"'{evil}" in rows[1]
    for document in (
        await files.leads(anna, Sought(), "xlsx", str), await files.dialogue(anna, here, "xlsx", str),
    ):  # fmt: skip
        cells = [cell for row in load_workbook(io.BytesIO(document.contents)).active for cell in row]
        assert any(cell.value == evil for cell in cells) and all(cell.data_type != "f" for cell in cells)


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@a", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠a", "  =1"])
def test_whatever_begins_a_formula_gets_an_apostrophe(cell: str) -> None:
    assert harmless(cell) == f"'{cell}" and harmless(f"a{cell}") == f"a{cell}"


async def test_a_dialogue_leaves_as_text_and_as_data(store: Store) -> None:
    anna, files = await manager(store), Files(store=store)
    here = await talked(store, "насос")
    assert "ответ на насос" in (await files.dialogue(anna, here, "txt", str)).contents.decode()
    plain = json.loads((await files.dialogue(anna, here, "json", str)).contents)
    assert plain["messages"][1]["answer"]["model"] == "m1"


async def test_customers_see_none_of_it(store: Store) -> None:
    nobody = Staff(id=uuid4(), name="X", role=Role.CUSTOMER)
    for asked in (
        Inbox(store=store).page(nobody, Wanted()), Desk(store=store).leads(nobody, Sought()),
        Files(store=store).leads(nobody, Sought(), "csv", str), Inbox(store=store).dossier(nobody, uuid4()),
    ):  # fmt: skip
        with pytest.raises(Forbidden):
            await asked


async def test_pages_hear_of_each_change_once(store: Store) -> None:
    import asyncio

    live = Live(store=store)
    watch = live.watch()
    async with Tasks() as tasks:
        tasks.start(live.run(), name="live")
        heard: set[UUID] = set()
        here = await talked(store, "насос")
        async with asyncio.timeout(10):
            while here not in heard:
                await talked(store, "ещё")
                await asyncio.sleep(0.05)
                heard |= watch.take()[0]
    live.leave(watch)
    assert live.pages == 0


async def test_new_leads_are_told_to_those_on_duty_and_to_all_where_nobody_is(store: Store) -> None:
    desk, book = Desk(store=store), Leads(region="RU", hours=Hours.read("", "UTC"))
    anna, boris = [
        await desk.employ(None, name=name, role=Role.MANAGER, telegram_id=number)
        for number, name in enumerate(("Анна", "Борис"), 1)
    ]

    async def told() -> set[str]:
        here = await talked(store, "насос")
        async with store.transaction() as tx:
            await tx.connection.execute(text("DELETE FROM parcels"))
            await book.from_form(tx, here, {"phone": "+70005551234"}, "2026-11")
            return set(await tx.connection.scalars(text("SELECT address FROM parcels WHERE kind = 'notice'")))

    assert await told() == {"1", "2"}
    await desk.set_duty(anna, False)
    assert await told() == {"2"}
    await desk.set_duty(boris, False)
    assert await told() == {"1", "2"}


async def test_new_leads_are_told_to_those_whose_languages_and_goods_they_are(store: Store) -> None:
    desk, book = Desk(store=store), Leads(region="RU", hours=Hours.read("", "UTC"), patience=timedelta(0))
    chief = await desk.employ(None, name="Анна", role=Role.ADMINISTRATOR, telegram_id=1)
    pumps, kazakh, anything = [
        await desk.employ(None, name=name, role=Role.MANAGER, telegram_id=number)
        for number, name in enumerate(("Борис", "Ержан", "Вера"), 2)
    ]
    await desk.set_interests(chief, pumps.id, languages=["ru"], goods=["Насосы"])
    await desk.set_interests(chief, kazakh.id, languages=["kk"], goods=[])
    await desk.set_interests(chief, anything.id, languages=[], goods=["Крепёж"])

    async def told(lang: str, category: str) -> set[str]:
        here = await talked(store, "насос")
        card = {"sku": "A-1", "name": "A", "category": category}
        async with store.transaction() as tx:
            await tx.connection.execute(text("DELETE FROM parcels"))
            memory = json.dumps({"lang": lang, "shown": [card] if category else []})
            change = text("UPDATE conversations SET lang = :lang, memory = CAST(:memory AS jsonb) WHERE id = :id")
            await tx.connection.execute(change, {"lang": lang, "memory": memory, "id": here})
            await book.from_form(tx, here, {"phone": "+70005551234"}, "2026-11")
            return await heard(tx)

    async def heard(tx: Transaction) -> set[str]:
        return set(await tx.connection.scalars(text("SELECT address FROM parcels WHERE kind = 'notice'")))

    assert await told("ru", "Насосы / Мембранные насосы") == {"2"}
    assert await told("kk", "Крепёж / Болты") == {"3", "4"}
    assert await told("ru", "Сварка") == {"2", "3", "4"}  # nobody's: all hear
    await desk.set_duty(pumps, False)
    assert await told("ru", "Насосы") == {"3", "4"}  # who is away hears nothing while others are there
    await book.escalate(store)
    async with store.transaction() as tx:
        assert await heard(tx) >= {"1", "3", "4"}  # a lead that nobody took is everybody's


async def test_whose_languages_and_goods_a_lead_has_is_for_administrators_and_in_the_log(store: Store) -> None:
    desk = Desk(store=store)
    chief = await desk.employ(None, name="Анна", role=Role.ADMINISTRATOR)
    boris = await desk.employ(None, name="Борис", role=Role.MANAGER)
    with pytest.raises(Forbidden):
        await desk.set_interests(boris, boris.id, languages=["ru"], goods=[])
    await desk.set_interests(chief, boris.id, languages=["ru", " ", "ru"], goods=["Насосы"])
    await desk.set_interests(chief, boris.id, languages=["ru"], goods=["Насосы"])
    (known,) = [one for one in await desk.people(chief) if one.id == boris.id]
    assert (known.languages, known.goods) == (("ru",), ("Насосы",))
    async with store.transaction() as tx:
        acts, _ = await tx.acts(offset=0, limit=10, area="staff")
    assert [act.after for act in acts if act.action == "staff.interests"] == [
        {"languages": ["ru"], "goods": ["Насосы"]}
    ]
