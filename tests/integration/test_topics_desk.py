"""What managers teach about messages holds for customers within seconds, and is explained, recorded and taken back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.assistant import Assistant
from appliance.core.company import Passages
from appliance.core.prompt import default_prompt
from appliance.core.types import Role, Route, Staff
from appliance.desk.base import Forbidden, Gone
from appliance.desk.topics import LONGEST, TopicsDesk, Unfit
from appliance.hours import Hours
from appliance.play import Scratch, sort
from appliance.prose import Writer
from appliance.shop import Owner
from appliance.store.store import Store
from appliance.tasks import Tasks
from catalog.product import Product
from catalog.shelf import Shelf
from models.packaged import PackagedEmbedder
from models.scripted import ScriptedLLM

CHEQUE = "синий чек?"  # what this house calls its discount card; nobody else could know


@pytest.fixture
async def owner(store: Store, tmp_path: Path) -> AsyncIterator[Owner]:
    owner = Owner(store=store, home=tmp_path, hours=Hours.read("", "UTC"))
    async with Tasks() as tasks:
        tasks.start(owner.run(), name="owner")  # as the chat process has it
        yield owner


@pytest.fixture
async def assistant(owner: Owner, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Assistant]:
    embedder = PackagedEmbedder()
    shelf = Shelf(tmp_path / "catalog", embedders=[embedder])
    goods = [Product(sku=f"DR-{n}", name=f"Насос дренажный {n}", lang="ru") for n in (250, 900)]
    shelf.publish((await shelf.add(goods, source="test")).name)
    yield Assistant(
        shelf=shelf, embedder=embedder, company=lambda: Passages({}), voice=lambda: owner.now.voice,
        writer=Writer(llm=ScriptedLLM([]), prompt=default_prompt(), patience=timedelta(seconds=1)),
        vectors=tmp_path_factory.getbasetemp() / "examples",
    )  # fmt: skip
    shelf.close()


@pytest.fixture
def desk(store: Store, assistant: Assistant) -> TopicsDesk:
    async def asked(text: str) -> object:
        return await sort(assistant, text)

    return TopicsDesk(store=store, sort=asked)  # type: ignore[arg-type]


@pytest.fixture
async def anna(store: Store) -> Staff:
    async with store.transaction() as tx:
        return await tx.employ(name="Anna", role=Role.MANAGER, telegram_id=7, email="", lang="ru")


async def _until(assistant: Assistant, text: str, route: Route) -> None:
    """Asks as a new customer until it is taken to be about that."""
    async with asyncio.timeout(20):
        while (await Scratch().ask(assistant, text)).route is not route:
            await asyncio.sleep(0.2)


async def test_what_a_manager_teaches_reaches_customers_and_what_is_taken_back_leaves_them(
    desk: TopicsDesk, assistant: Assistant, store: Store, anna: Staff
) -> None:
    before = await desk.sort(anna, CHEQUE)
    assert before.route is not Route.COMPANY and before.why == "weighed"
    await desk.teach(anna, f"  {CHEQUE} ", Route.COMPANY)
    await _until(assistant, "СИНИЙ ЧЕК", Route.COMPANY)
    found = await desk.sort(anna, CHEQUE)
    assert (found.route, found.why, found.taught) == (Route.COMPANY, "taught", CHEQUE)
    assert found.nearest[0].own and found.nearest[0].nearness > 0.99
    [phrase] = (await desk.phrases(anna))[0]
    assert (phrase.text, phrase.route, phrase.author) == (CHEQUE, Route.COMPANY, "Anna")
    await desk.forget(anna, phrase.id)
    await _until(assistant, CHEQUE, before.route)
    assert await desk.phrases(anna) == ([], 0)
    with pytest.raises(Gone):
        await desk.forget(anna, phrase.id)
    async with store.transaction() as tx:
        acts = (await tx.acts(offset=0, limit=9, area="topic"))[0]
    assert [(act.who, act.action) for act in acts] == [("Anna", "topic.forget"), ("Anna", "topic.teach")]


async def test_a_phrase_has_one_topic_and_the_later_word_holds(desk: TopicsDesk, anna: Staff) -> None:
    await desk.teach(anna, "Возите на дом", Route.PRODUCT_SEARCH)
    await desk.teach(anna, "возите на дом?", Route.COMPANY)
    await desk.teach(anna, "ВОЗИТЕ НА ДОМ", Route.COMPANY)  # a second click changes nothing
    phrases, total = await desk.phrases(anna)
    assert [(one.text, one.route) for one in phrases] == [("Возите на дом", Route.COMPANY)] and total == 1


async def test_a_taught_phrase_goes_before_the_call_for_a_person(
    desk: TopicsDesk, assistant: Assistant, anna: Staff
) -> None:
    asked = "позовите менеджера"
    assert (await desk.sort(anna, asked)).why == "person"
    await desk.teach(anna, asked, Route.SMALLTALK)
    await _until(assistant, asked, Route.SMALLTALK)


async def test_what_cannot_be_a_phrase_is_refused(desk: TopicsDesk, anna: Staff) -> None:
    with pytest.raises(Unfit, match="no_phrase"):
        await desk.teach(anna, " ?! ", Route.COMPANY)
    with pytest.raises(Unfit, match="long_phrase"):
        await desk.teach(anna, "а" * (LONGEST + 1), Route.COMPANY)
    with pytest.raises(Unfit, match="no_phrase"):
        await desk.sort(anna, "  ")
    customer = Staff(id=anna.id, name="", role=Role.CUSTOMER, lang="ru")
    with pytest.raises(Forbidden):
        await desk.teach(customer, "насос", Route.COMPANY)
