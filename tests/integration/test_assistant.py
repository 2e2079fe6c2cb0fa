"""What the assistant says at its counter: goods at once, prose that is true, honest refusals, a way to a person."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from math import inf
from pathlib import Path
from uuid import uuid4

import pytest

from appliance import prose
from appliance.assistant import Assistant
from appliance.core.company import Passages
from appliance.core.prompt import default_prompt
from appliance.core.types import Card, Progress, Reply, Route, Rung
from appliance.play import Scratch
from appliance.prose import Asking, Brief, Writer
from catalog.product import Attribute, Product
from catalog.shelf import Shelf
from models.base import ModelUnavailable, Outlook
from models.packaged import PackagedEmbedder
from models.scripted import ScriptedLLM

COMPANY = {"delivery": "# Доставка\n\nДоставка по городу стоит 900 ₽ и занимает 2 дня.\n"}


def _product(sku: str, name: str, english: str, price: str, stock: int, power: str) -> Product:
    return Product(
        sku=sku, name=name, names=(("en", english),), price=Decimal(price), currency="RUB", stock=Decimal(stock),
        unit="шт", brand="Zarnik", lang="ru",
        attributes=(Attribute(name="Мощность", text=f"{power} Вт", number=Decimal(power), unit="w"),),
    )  # fmt: skip


GOODS = [
    _product("DR-250", "Насос дренажный Zarnik DR 250", "Drainage pump Zarnik DR 250", "3180", 12, "250"),
    _product("DR-900", "Насос дренажный Zarnik DR 900", "Drainage pump Zarnik DR 900", "7400", 0, "900"),
    _product("DR-1500", "Насос дренажный Zarnik DR 1500", "Drainage pump Zarnik DR 1500", "12500", 3, "1500"),
    _product("WM-200", "Аппарат сварочный Zarnik WM 200", "Welding machine Zarnik WM 200", "21900", 5, "7000"),
    _product("CO-50", "Компрессор поршневой Zarnik CO 50", "Piston compressor Zarnik CO 50", "34900", 2, "2200"),
    _product("OV-10", "Печь конвекционная Zarnik OV 10", "Convection oven Zarnik OV 10", "98000", 1, "6300"),
]


@pytest.fixture(scope="session")
def embedder() -> PackagedEmbedder:
    return PackagedEmbedder()


@pytest.fixture(scope="session")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the shipped examples, embedded once, lie for all tests."""
    return tmp_path_factory.mktemp("vectors")


@pytest.fixture
async def shelf(tmp_path: Path, embedder: PackagedEmbedder) -> AsyncIterator[Shelf]:
    shelf = Shelf(tmp_path / "catalog", embedders=[embedder])
    version = await shelf.add(GOODS, source="test")
    shelf.publish(version.name)
    yield shelf
    shelf.close()


Hire = Callable[[ScriptedLLM], Assistant]


@pytest.fixture
def hire(shelf: Shelf, embedder: PackagedEmbedder, vectors: Path) -> Hire:
    """An assistant at this counter with the model that is given."""

    def with_model(llm: ScriptedLLM) -> Assistant:
        passages = Passages(COMPANY)
        writer = Writer(llm=llm, prompt=default_prompt(), patience=timedelta(minutes=1))  # the box may be busy
        return Assistant(shelf=shelf, embedder=embedder, writer=writer, company=lambda: passages, vectors=vectors)

    return with_model


def _says(*answers: str) -> ScriptedLLM:
    return ScriptedLLM([json.dumps({"skus": ["A"], "answer": answer}, ensure_ascii=False) for answer in answers])


async def _ask(assistant: Assistant, *turns: str) -> list[Reply]:
    scratch = Scratch()
    return [await scratch.ask(assistant, turn) for turn in turns]


async def test_the_model_speaks_of_the_goods_with_the_catalogues_figures(hire: Hire) -> None:
    llm = _says("Подойдёт [A], цена [A.price].")
    [reply] = await _ask(hire(llm), "насос дренажный 1500 вт")
    assert reply.cards[0].sku == "DR-1500"
    assert reply.rung is Rung.PROSE
    lead, _, prose = reply.text.partition("\n\n")
    assert lead.startswith("Наш")
    assert prose == "Подойдёт Насос дренажный Zarnik DR 1500, цена 12\xa0500\xa0₽."
    assert reply.catalog_version
    assert reply.prompt_version


async def test_cards_are_shown_before_the_model_has_said_a_word(hire: Hire) -> None:
    seen: list[Progress] = []
    asked_when_shown: list[int] = []
    llm = _says("Вот [A].")

    async def show(progress: Progress) -> None:
        seen.append(progress)
        asked_when_shown.append(len(llm.asked))

    scratch = Scratch()
    claim = scratch.claim("насос дренажный")
    await hire(llm).answer(claim, message=uuid4(), show=show, stopped=asyncio.Event())
    assert seen[0].cards
    assert asked_when_shown[0] == 0
    assert asked_when_shown[1] == 0
    assert seen[1].text.startswith("Наш")
    assert seen[-1].text.startswith(f"{seen[1].text}\n\nВот Насос дренажный")


@pytest.mark.parametrize(
    "answers",
    [
        ["Подойдёт [A] за 9 900 ₽."],
        ["Скидка десять процентов на [A]."],
        ["Смотрите на http://shop.example."],
    ],
)
async def test_a_sentence_that_no_row_shows_never_reaches_the_customer(answers: Sequence[str], hire: Hire) -> None:
    [reply] = await _ask(hire(_says(*answers)), "насос дренажный 1500 вт")
    assert reply.rung is Rung.TEMPLATE
    assert reply.cards
    assert "9 900" not in reply.text
    assert "десять" not in reply.text
    assert "http" not in reply.text


async def test_without_a_model_the_goods_come_with_a_ready_sentence(hire: Hire) -> None:
    llm = ScriptedLLM([ModelUnavailable("planted")])
    [reply] = await _ask(hire(llm), "насос дренажный")
    assert reply.rung is Rung.TEMPLATE
    assert len(reply.cards) == 3
    assert reply.text


async def test_a_model_that_would_be_late_is_not_asked(hire: Hire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prose, "PROBE", inf)  # a slow box may take longer than this to come here
    llm = ScriptedLLM(outlook=Outlook(queue=90.0))
    [reply] = await _ask(hire(llm), "насос дренажный")
    assert reply.rung is Rung.TEMPLATE
    assert llm.asked == []


async def test_a_box_that_was_slow_once_is_tried_again() -> None:
    now = 0.0
    llm = ScriptedLLM([json.dumps({"skus": ["A"], "answer": "Вот [A]."})], outlook=Outlook(queue=30.0))
    patience = timedelta(seconds=8)
    writer = Writer(llm=llm, prompt=default_prompt(), patience=patience, clock=lambda: now)

    async def write() -> str:
        async def unseen(text: str) -> None: ...

        card = Card(sku="A-1", name="Насос дренажный")
        asking = Asking(question="насос", lang="ru", since=now)
        written = await writer.write(Brief.goods([card]), asking, stopped=asyncio.Event(), show=unseen)
        return written.text

    assert await write() == ""
    now = 25.0
    assert await write() == "Вот Насос дренажный."
    assert await write() == ""  # once in a while, not for everybody


async def test_what_is_absent_is_said_to_be_absent(hire: Hire) -> None:
    llm = _says("У нас есть [A].")
    [reply] = await _ask(hire(llm), "есть ли у вас пианино?")
    assert reply.none
    assert not reply.cards
    assert llm.asked == []


async def test_cheaper_means_cheaper_than_what_was_shown(hire: Hire) -> None:
    llm = ScriptedLLM([ModelUnavailable("planted")])
    first, second = await _ask(hire(llm), "насос дренажный 900 вт", "а подешевле?")
    assert first.cards[0].sku == "DR-900"
    assert second.cards
    assert all(card.price is not None and card.price < Decimal(7400) for card in second.cards)


async def test_cheaper_is_found_behind_any_number_of_cheap_spare_parts(hire: Hire, shelf: Shelf) -> None:
    part = _product("SP", "Крыльчатка для насоса дренажного", "Impeller for a drainage pump", "90", 5, "1")
    parts = [replace(part, sku=f"SP-{at}", category="Запасные части") for at in range(40)]
    larger = _product("DR-2200", "Насос дренажный Zarnik DR 2200", "Drainage pump Zarnik DR 2200", "18900", 3, "2200")
    pumps = [one for one in (*GOODS, larger) if one.sku.startswith("DR")]
    goods = [*(replace(pump, category="Насосы") for pump in pumps), *parts]
    shelf.publish((await shelf.add(goods, source="test")).name)
    first, second = await _ask(hire(ScriptedLLM([ModelUnavailable("planted")])), "насос дренажный 900 вт", "подешевле")
    assert first.cards[0].sku == "DR-900"
    assert [card.sku for card in second.cards] == ["DR-250"]


async def test_the_second_one_is_the_second_that_was_shown(hire: Hire) -> None:
    llm = ScriptedLLM([ModelUnavailable("planted")])
    first, second = await _ask(hire(llm), "насос дренажный", "сколько стоит второй?")
    assert first.cards[1].name in second.text


async def test_the_answer_is_in_the_customers_language(hire: Hire) -> None:
    llm = ScriptedLLM([ModelUnavailable("planted")])
    [reply] = await _ask(hire(llm), "do you have a drainage pump?")
    assert reply.lang == "en"
    assert reply.cards[0].name.startswith("Drainage pump")
    assert reply.text.startswith("I found 3 products")


async def test_the_company_answers_in_its_own_words(hire: Hire) -> None:
    llm = ScriptedLLM([ModelUnavailable("planted")])
    [reply] = await _ask(hire(llm), "сколько стоит доставка?")
    assert reply.route is Route.COMPANY
    assert "900 ₽" in reply.text
    assert reply.sources == ("delivery",)


async def test_who_wants_a_person_gets_a_form(hire: Hire) -> None:
    [reply] = await _ask(hire(ScriptedLLM()), "позовите менеджера")
    assert reply.route is Route.CONTACT
    assert {field["name"] for field in reply.form["fields"]} >= {"name", "phone"}
    assert reply.form["consent"]["version"]
    assert reply.calls


async def test_a_question_sent_with_a_form_is_answered_too(hire: Hire) -> None:
    scratch = Scratch()
    claim = scratch.claim("сколько стоит доставка?")
    form = replace(claim.questions[0], kind="form", text="phone: +7 900 000-00-00")
    claim = replace(claim, questions=(form, *claim.questions))
    assistant = hire(ScriptedLLM([ModelUnavailable("planted")]))

    async def unseen(progress: Progress) -> None: ...

    reply = await assistant.answer(claim, message=uuid4(), show=unseen, stopped=asyncio.Event())
    assert reply.text.startswith("Спасибо")
    assert "900 ₽" in reply.text


async def test_before_there_is_a_catalogue_a_person_is_offered(hire: Hire, tmp_path: Path) -> None:
    assistant = hire(ScriptedLLM())
    assistant.shelf = Shelf(tmp_path / "empty")
    [reply] = await _ask(assistant, "насос дренажный")
    assert reply.rung is Rung.FORM


async def test_a_first_message_without_words_is_answered_in_the_language_of_the_house(
    shelf: Shelf, embedder: PackagedEmbedder, vectors: Path
) -> None:
    writer = Writer(llm=ScriptedLLM([]), prompt=default_prompt(), patience=timedelta(seconds=1))
    abroad = Assistant(
        shelf=shelf, embedder=embedder, writer=writer, company=lambda: Passages(COMPANY), default_language="en",
        vectors=vectors,
    )  # fmt: skip
    assert (await Scratch().ask(abroad, "👍")).lang == "en"
    assert (await Scratch().ask(abroad, "насос")).lang == "ru"
