"""What the owner writes reaches customers within seconds, without a restart; what was said is recorded by version."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from appliance.assistant import Assistant
from appliance.core.company import Passages
from appliance.core.prompt import default_prompt
from appliance.core.types import Inbound, Role, Staff
from appliance.desk.base import Forbidden, Gone
from appliance.desk.words import Form, Tried, Unfit, WordsDesk
from appliance.dialogue import Dialogue
from appliance.hours import Hours, HoursNow
from appliance.leads import Leads
from appliance.play import TryOut
from appliance.prose import Writer
from appliance.shop import Owner
from appliance.store.store import Store
from appliance.tasks import Tasks
from catalog.product import Product
from catalog.shelf import Shelf
from models.packaged import PackagedEmbedder
from models.scripted import ScriptedLLM

SAID = json.dumps({"skus": ["A"], "answer": "Подойдёт [A]."}, ensure_ascii=False)
FORM = Form(system="Answer in one sentence.", examples=(("<<<q>>>", '{"skus": [], "answer": "Да."}'),))
SHIPPED = {"delivery": "# Доставка\n\nДоставка по городу занимает два дня.\n"}


@pytest.fixture(scope="module")
def embedder() -> PackagedEmbedder:
    return PackagedEmbedder()


@pytest.fixture
async def shelf(tmp_path: Path, embedder: PackagedEmbedder) -> AsyncIterator[Shelf]:
    shelf = Shelf(tmp_path / "catalog", embedders=[embedder])
    goods = [
        Product(sku=f"DR-{n}", name=f"Насос дренажный {n}", price=Decimal(n), currency="RUB", lang="ru")
        for n in (250, 900, 1500)
    ]
    shelf.publish((await shelf.add(goods, source="test")).name)
    yield shelf
    shelf.close()


@pytest.fixture
def owner(store: Store, tmp_path: Path) -> Owner:
    return Owner(store=store, home=tmp_path, hours=Hours.read("", "UTC"))


@pytest.fixture
def assistant(owner: Owner, shelf: Shelf, embedder: PackagedEmbedder, tmp_path: Path) -> Assistant:
    return Assistant(
        shelf=shelf, embedder=embedder, company=lambda: owner.now.passages, voice=lambda: owner.now.voice,
        writer=Writer(llm=ScriptedLLM([SAID] * 50), prompt=default_prompt(), patience=timedelta(seconds=20)),
        vectors=tmp_path / "vectors",
    )  # fmt: skip


@pytest.fixture
def desk(store: Store) -> WordsDesk:
    return WordsDesk(store=store, shipped=lambda: SHIPPED, zone="Europe/Moscow")


@pytest.fixture
async def boss(store: Store) -> Staff:
    async with store.transaction() as tx:
        return await tx.employ(name="Boris", role=Role.ADMINISTRATOR, telegram_id=2, email="", lang="ru")


class Chat:
    """Customers of a dialogue that runs as the chat process has it."""

    def __init__(self, dialogue: Dialogue, url: str) -> None:
        self._dialogue, self._url = dialogue, url

    async def ask(self, who: str, text: str, **about: Any) -> tuple[str, str]:
        """The answer's text and the version of the prompt that it stands under."""
        inbound = Inbound(channel="test", address=who, external_id=str(uuid4()), text=text, **about)
        received = await self._dialogue.receive(inbound)
        query = (
            "SELECT m.text, a.prompt_version FROM messages q JOIN messages m ON m.id = q.answered_by"
            " JOIN answers a ON a.message_id = m.id WHERE q.id = %s"
        )
        async with asyncio.timeout(20), await psycopg.AsyncConnection.connect(self._url, autocommit=True) as db:
            while (row := await (await db.execute(query, (received.message,))).fetchone()) is None:
                await asyncio.sleep(0.05)
        return str(row[0]), str(row[1])

    async def until(self, who: str, text: str, words: str) -> None:
        """Asks until the answer has these words: what was published is taken up by itself."""
        async with asyncio.timeout(20):
            while words not in (await self.ask(who, text))[0]:
                await asyncio.sleep(0.3)


@pytest.fixture
async def chat(store: Store, owner: Owner, assistant: Assistant, database_url: str) -> AsyncIterator[Chat]:
    async with Tasks() as tasks:
        leads = Leads(region="RU", hours=HoursNow(lambda: owner.now.hours))
        dialogue = Dialogue(store=store, answerer=assistant, channels={}, tasks=tasks, leads=leads)
        await owner.look()
        for name, work in (("alive", store.stay_alive()), ("resume", dialogue.resume()), ("owner", owner.run())):
            tasks.start(work, name=name)
        yield Chat(dialogue, database_url)


async def test_a_published_prompt_writes_the_next_answer_and_a_roll_back_the_one_after(
    desk: WordsDesk, chat: Chat, boss: Staff
) -> None:
    shipped = default_prompt().version
    said, version = await chat.ask("a", "насос дренажный 1500")
    assert ("Подойдёт Насос дренажный 1500." in said.replace("\xa0", " "), version) == (True, shipped)
    draft = await desk.save_draft(boss, FORM, note="короче")
    assert (await chat.ask("b", "насос дренажный 900"))[1] == shipped  # saving changes nothing
    await desk.publish(boss, draft)
    await _until_version(chat, draft)
    assert await desk.roll_back(boss, expected=draft) == shipped
    with pytest.raises(Gone):
        await desk.roll_back(boss, expected=draft)
    await _until_version(chat, shipped)
    acts = [(act.who, act.action) for act in await desk.history(boss)]
    assert acts == [("Boris", "prompt.roll_back"), ("Boris", "prompt.publish"), ("Boris", "prompt.draft")]


async def _until_version(chat: Chat, version: str) -> None:
    async with asyncio.timeout(20):
        while (await chat.ask(str(uuid4()), "насос дренажный 900"))[1] != version:
            await asyncio.sleep(0.3)


async def test_shares_deal_dialogues_and_each_keeps_its_version_when_they_move(
    desk: WordsDesk, chat: Chat, owner: Owner, boss: Staff
) -> None:
    shipped, draft = default_prompt().version, await desk.save_draft(boss, FORM)
    await desk.share(boss, {draft: 50})
    await owner.look()
    first = {str(n): (await chat.ask(str(n), "насос дренажный 900"))[1] for n in range(12)}
    assert set(first.values()) == {shipped, draft}
    await desk.share(boss, {draft: 90})
    await owner.look()
    for who, version in first.items():
        assert (await chat.ask(who, "насос дренажный 250"))[1] == version
    with pytest.raises(Unfit, match="too_much_shared"):
        await desk.share(boss, {draft: 95})
    with pytest.raises(Unfit, match="live_has_the_rest"):
        await desk.share(boss, {shipped: 10})


async def test_words_that_would_not_work_are_not_published_and_managers_only_read(
    desk: WordsDesk, store: Store, boss: Staff
) -> None:
    bad = await desk.save_draft(boss, Form(system="x", examples=(("q", "no json"),)))
    with pytest.raises(Unfit, match="faulty"):
        await desk.publish(boss, bad)
    async with store.transaction() as tx:
        manager = await tx.employ(name="Anna", role=Role.MANAGER, telegram_id=1, email="", lang="ru")
    assert [one.version for one in await desk.prompts(manager)] == [bad]
    for call in (desk.save_draft(manager, FORM), desk.publish(manager, bad), desk.share(manager, {bad: 5})):
        with pytest.raises(Forbidden):
            await call
    with pytest.raises(Forbidden):
        await desk.texts(Staff(id=uuid4(), name="x", role=Role.CUSTOMER), "company")


async def test_a_published_text_answers_with_its_source_and_is_taken_back(
    desk: WordsDesk, chat: Chat, boss: Staff
) -> None:
    draft = await desk.save_text(
        boss, kind="company", name="Гарантия", body="# Гарантия\n\nГарантия на насосы 36 месяцев со дня отгрузки."
    )
    assert [passage.source for passage in await desk.answers(boss, "какая у вас гарантия на насосы?")] == ["Гарантия"]
    assert "36" not in (await chat.ask("a", "какая у вас гарантия?"))[0]
    await desk.publish_text(boss, draft)
    await chat.until("b", "какая у вас гарантия?", "36 месяцев")
    [live] = await desk.texts(boss, "company")
    await desk.retire_text(boss, live.id)
    async with asyncio.timeout(20):
        while "36 месяцев" in (await chat.ask("c", "какая у вас гарантия?"))[0]:
            await asyncio.sleep(0.3)


async def test_a_written_answer_is_given_word_for_word_and_offered_to_managers(
    desk: WordsDesk, chat: Chat, boss: Staff
) -> None:
    id = await desk.save_text(
        boss, kind="canned", name="Самовывоз", lang="ru", body="Да, со склада на Заводской, 5.",
        about={"questions": ["Можно забрать заказ самому?", " "]},
    )  # fmt: skip
    assert await desk.canned(boss, "ru") == []
    await desk.publish_text(boss, id)
    assert [(one.name, one.text) for one in await desk.canned(boss, "ru")] == [
        ("Самовывоз", "Да, со склада на Заводской, 5.")
    ]
    await chat.until("a", "Можно ли самому забрать заказ?", "Заводской, 5")


async def test_a_customer_agrees_to_the_version_that_they_were_shown(
    desk: WordsDesk, chat: Chat, owner: Owner, database_url: str, boss: Staff
) -> None:
    for body in ("Согласен с политикой, редакция первая.", "Согласен с политикой, редакция вторая."):
        id = await desk.save_text(boss, kind="consent", lang="ru", body=body)
        await desk.publish_text(boss, id)
    await owner.look()
    await chat.ask("a", "мой телефон +7 903 111-22-33")
    assert "редакция вторая" in (await chat.ask("a", "верно"))[0]
    await chat.ask("a", "согласен")
    async with await psycopg.AsyncConnection.connect(database_url) as db:
        found = await (await db.execute("SELECT version, given FROM consents")).fetchall()
    assert found == [("ru-2", True)]


async def test_the_owners_hours_hold_at_once_and_nonsense_is_refused(
    desk: WordsDesk, owner: Owner, boss: Staff
) -> None:
    hours = HoursNow(lambda: owner.now.hours)
    sunday = datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert hours.open_at(sunday)
    for body, zone, why in (("8 to 5", "UTC", "bad_hours"), ("mon-fri 09:00-18:00", "Mars/Base", "no_such_zone")):
        with pytest.raises(Unfit, match=why):
            await desk.save_text(boss, kind="hours", body=body, about={"zone": zone})
    id = await desk.save_text(boss, kind="hours", body="mon-fri 09:00-18:00", about={"zone": "Asia/Almaty"})
    await desk.publish_text(boss, id)
    assert await owner.look() and not await owner.look()
    assert not hours.open_at(sunday) and hours.zone.key == "Asia/Almaty"


async def test_an_older_text_is_published_again_and_the_draft_in_work_stays(desk: WordsDesk, boss: Staff) -> None:
    async def save(body: str) -> Any:
        return await desk.save_text(boss, kind="company", name="Оплата", body=body)

    first = await save("По счёту.")
    await desk.publish_text(boss, first)
    second = await save("По счёту и картой.")
    assert second == await save("По счёту и картой, наличными.")  # one draft a text
    await desk.publish_text(boss, second)
    draft = await save("Черновик.")
    await desk.publish_text(boss, first)
    found = {(one.body, one.live, one.draft) for one in await desk.texts(boss, "company")}
    assert found == {("По счёту.", True, False), ("Черновик.", False, True)}
    versions = await desk.versions(boss, await desk.text(boss, draft))
    assert [one.version for one in versions] == [3, 2, 1]


async def test_a_try_out_asks_the_model_with_each_prompt_stores_nothing_and_stops_when_it_is_left(
    store: Store, shelf: Shelf, embedder: PackagedEmbedder, database_url: str, boss: Staff, tmp_path: Path
) -> None:
    llm, trying = ScriptedLLM([SAID, SAID, SAID], pause=timedelta(milliseconds=5)), TryOut()
    trying.assistant = Assistant(
        shelf=shelf, embedder=embedder, company=lambda: Passages(SHIPPED), voice=trying.voice,
        writer=Writer(llm=llm, prompt=default_prompt(), patience=timedelta(seconds=20)), vectors=tmp_path / "v",
    )  # fmt: skip
    desk = WordsDesk(store=store, shipped=lambda: SHIPPED, try_=trying)
    two = [("live", FORM), ("draft", Form(system="Be brief and kind."))]
    tried: list[Tried] = []
    answers = desk.try_out(boss, two, ["насос дренажный 900", "насос дренажный 250", " "])
    async for one in answers:
        tried.append(one)
        if len(tried) == 2:
            break
    await answers.aclose()
    assert [(one.version, one.prose, one.cards[0][0]) for one in tried] == [
        ("live", True, "DR-900"), ("draft", True, "DR-900"),
    ]  # fmt: skip
    assert "Be brief and kind." in str(llm.asked[1])
    assert (len(llm.asked), llm.running) == (2, 0)

    again = desk.try_out(boss, two, ["насос дренажный 1500"])
    leaving = asyncio.ensure_future(anext(again))  # noqa: TID251 - awaited below
    async with asyncio.timeout(10):
        while not llm.running:
            await asyncio.sleep(0.001)
    leaving.cancel()
    await asyncio.wait([leaving])
    assert llm.running == 0
    async with await psycopg.AsyncConnection.connect(database_url) as db:
        assert await (await db.execute("SELECT count(*) FROM messages")).fetchone() == (0,)
