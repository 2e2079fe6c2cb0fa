"""From words or buttons to a numbered quotation: once, at the live catalogue's prices, with the managers told of it."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from pypdf import PdfReader
from sqlalchemy import text

from appliance.assistant import Assistant
from appliance.core.company import Passages
from appliance.core.prompt import default_prompt
from appliance.core.quote import LONGEST, MOST, Request
from appliance.core.types import Inbound, Message, Reply, Role, Route, Rung
from appliance.desk import Desk
from appliance.dialogue import Dialogue
from appliance.hours import Hours
from appliance.leads import Leads, Notices
from appliance.pages import goods, mount_quotes
from appliance.prose import Writer
from appliance.quotes import DOCUMENT, Quotes
from appliance.store.errors import ClaimLost
from appliance.store.store import Store
from appliance.tasks import Tasks
from catalog.product import Product
from catalog.shelf import Shelf
from models.packaged import PackagedEmbedder
from models.scripted import ScriptedLLM
from tests.botapi import BotApi, Limits
from tests.botapi.customer import Seen
from tests.telegram_house import house

pytestmark = pytest.mark.timeout(240)
ADDRESS = "https://chat.shop.example"


def _product(sku: str, name: str, price: str | None) -> Product:
    return Product(
        sku=sku, name=name, price=None if price is None else Decimal(price), currency="RUB" if price else "",
        stock=Decimal(5), unit="шт", lang="ru",
    )  # fmt: skip


GOODS = [
    _product("DR-250", "Насос дренажный Zarnik DR 250", "3180"),
    _product("DR-900", "Насос дренажный Zarnik DR 900", "7400.50"),
    _product("DR-XL", "Насос дренажный Zarnik DR XL", None),
]


@pytest.fixture(scope="module")
def embedder() -> PackagedEmbedder:
    return PackagedEmbedder()


@pytest.fixture
async def shelf(tmp_path: Path, embedder: PackagedEmbedder) -> AsyncIterator[Shelf]:
    shelf = Shelf(tmp_path / "catalog", embedders=[embedder])
    shelf.publish((await shelf.add(GOODS, source="test")).name)
    yield shelf
    shelf.close()


@pytest.fixture
def leads() -> Leads:
    return Leads(region="RU", hours=Hours.read("", "UTC"), idle=timedelta(days=1))


@pytest.fixture
def quotes(shelf: Shelf, leads: Leads) -> Quotes:
    return Quotes(goods=goods(shelf), leads=leads, days=7, address=ADDRESS)


@pytest.fixture
def assistant(shelf: Shelf) -> Assistant:
    writer = Writer(llm=ScriptedLLM([]), prompt=default_prompt(), patience=timedelta(seconds=0.1))
    return Assistant(shelf=shelf, embedder=None, writer=writer, company=lambda: Passages({}))


class Talk:
    """A customer of the widget, answered by the real assistant."""

    def __init__(self, store: Store, dialogue: Dialogue) -> None:
        self._store, self._dialogue = store, dialogue
        self._address = str(uuid4())
        self.conversation: UUID | None = None

    async def say(self, words: str) -> str:
        """The answer's text."""
        inbound = Inbound(channel="widget", address=self._address, external_id=str(uuid4()), text=words, lang_hint="ru")
        received = await self._dialogue.receive(inbound)
        self.conversation = received.conversation
        for _ in range(400):
            async with self._store.transaction() as tx:
                events = await tx.events(received.conversation, after=received.seq)
            if texts := [event for event in events if event.kind == "text" and event.role == "bot"]:
                self.last: list[Message] = events
                return texts[0].text
            await asyncio.sleep(0.05)
        raise AssertionError(f"no answer to {words!r}")


@pytest.fixture
async def talk(store: Store, assistant: Assistant, leads: Leads, quotes: Quotes) -> AsyncIterator[Talk]:
    async with Tasks() as tasks:
        tasks.start(store.stay_alive(), name="alive")
        dialogue = Dialogue(store=store, answerer=assistant, channels={}, tasks=tasks, leads=leads, quotes=quotes)
        yield Talk(store, dialogue)


@pytest.fixture
async def web(store: Store, quotes: Quotes) -> AsyncIterator[AsyncClient]:
    app = FastAPI()
    mount_quotes(app, partial(quotes.opened, store), lambda request: "1.2.3.4")
    async with AsyncClient(transport=ASGITransport(app), base_url=ADDRESS) as client:
        yield client


def links(said: str) -> dict[str, str]:
    return {url.rpartition(".")[2].partition("?")[0]: url for url in re.findall(r"\((https://[^)]+)\)", said)}


def numbered(said: str) -> int:
    found = re.search(r"№ (\d+) |No\. (\d+) ", said)
    assert found, said
    return int(found[1] or found[2])


async def count(store: Store, table: str) -> int:
    async with store.transaction() as tx:
        return int(await tx.connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


async def test_from_words_to_a_paper_with_the_live_prices(store: Store, talk: Talk, web: AsyncClient) -> None:
    await Desk(store=store).employ(None, name="Олег", role=Role.MANAGER, email="oleg@shop.example", lang="ru")
    await talk.say("нужен дренажный насос")
    said = await talk.say("добавь 2 шт DR-250 в заявку")
    assert "Насос дренажный Zarnik DR 250: 2 шт × 3\xa0180\xa0₽ = 6\xa0360\xa0₽" in said
    assert any("Запросить счёт" in event.payload["items"] for event in talk.last if event.kind == "quick")
    said = await talk.say("и ещё 3 шт DR-900 добавь")
    assert "22\xa0201,50\xa0₽" in said and "28\xa0561,50\xa0₽" in said
    said = await talk.say("выставите счёт")
    number = numbered(said)
    assert "28\xa0561,50\xa0₽" in said
    assert any(event.kind == "form" for event in talk.last)  # how else to reach the customer

    paper = await web.get(links(said)["pdf"])
    assert paper.status_code == 200
    assert paper.headers["content-disposition"] == f'attachment; filename="quotation-{number}.pdf"'
    printed = PdfReader(io.BytesIO(paper.content)).pages[0].extract_text().replace("\xa0", " ")
    assert "28 561,50" in printed and "DR-900" in printed
    assert (await web.get(links(said)["xlsx"])).content[:2] == b"PK"

    async with store.transaction() as tx:
        [parcel] = (await tx.connection.execute(text("SELECT * FROM parcels WHERE kind = 'notice'"))).all()
        assert await tx.basket(talk.conversation) == {}  # type: ignore[arg-type]
    notice = await Notices(store, console="")(UUID(parcel.body["lead"]), parcel.body["why"], "oleg@shop.example")
    assert notice and notice.heading.startswith("Запрос предложения")
    assert ("Коммерческое предложение", f"№ {number}") in notice.lines
    async with store.transaction() as tx:
        lead = await tx.lead(UUID(parcel.body["lead"]))
    assert lead and (lead.source, lead.status) == ("quote", "partial")


async def test_who_asks_again_gets_the_same_quotation(store: Store, talk: Talk) -> None:
    await talk.say("нужен дренажный насос")
    await talk.say("добавь DR-250 в заявку")
    first, again = await talk.say("пришлите КП"), await talk.say("пришлите КП ещё раз")
    assert numbered(first) == numbered(again)
    assert await count(store, "quotations") == 1


async def test_a_number_said_with_the_wish_for_a_quotation_is_of_what_was_gathered(store: Store, talk: Talk) -> None:
    await talk.say("нужен дренажный насос")
    await talk.say("добавь DR-250 в заявку")
    said = await talk.say("оформите счёт на 2 штуки")
    assert "2 шт × 3\xa0180\xa0₽" in said
    assert "5 шт × 3\xa0180\xa0₽" in await talk.say("пришлите КП на 5 штук"), "another number is another quotation"
    assert await count(store, "quotations") == 2


async def test_a_quotation_asked_for_along_with_an_address_is_made_and_the_address_kept(talk: Talk) -> None:
    await talk.say("нужен дренажный насос")
    await talk.say("добавь DR-250 в заявку")
    said = await talk.say("пришлите КП на почту anna.petrova@mail.ru")
    assert numbered(said) and "anna.petrova@mail.ru" in said


async def test_nothing_to_quote_is_asked_about_and_makes_nothing(store: Store, talk: Talk) -> None:
    said = await talk.say("выставите счёт")
    assert "№" not in said and any(event.kind == "form" for event in talk.last)
    assert await count(store, "quotations") == 0


async def test_a_request_can_be_seen_changed_and_emptied(talk: Talk) -> None:
    await talk.say("нужен дренажный насос")
    await talk.say("добавь 2 шт DR-250 и 3 шт DR-900 в заявку")
    assert "DR 900" in await talk.say("что у меня в заявке?")
    assert "DR 900" not in await talk.say("убери DR-900")
    assert "пуста" in await talk.say("очисти заявку")
    assert "пуста" in await talk.say("что у меня в заявке?")


async def test_what_has_no_price_is_quoted_without_one(talk: Talk, store: Store) -> None:
    await talk.say("нужен дренажный насос")
    assert "цена по запросу" in (await talk.say("добавь DR-XL в заявку")).lower()
    await talk.say("выставите счёт")
    async with store.transaction() as tx:
        quote = await tx.last_quote(talk.conversation)  # type: ignore[arg-type]
    assert quote and not quote.complete and quote.totals == ()


async def test_prices_are_those_of_the_moment_the_quotation_is_made(talk: Talk, store: Store, shelf: Shelf) -> None:
    await talk.say("нужен дренажный насос")
    await talk.say("добавь DR-250 в заявку")
    version = await shelf.add([_product("DR-250", "Насос дренажный Zarnik DR 250", "3500")], source="test")
    shelf.publish(version.name)
    assert "3\xa0500\xa0₽" in await talk.say("выставите счёт")
    async with store.transaction() as tx:
        quote = await tx.last_quote(talk.conversation)  # type: ignore[arg-type]
    assert quote and quote.catalog_version == version.name
    assert quote.valid_until - quote.made == timedelta(days=7)


async def test_a_paper_opens_for_nobody_without_its_key(talk: Talk, web: AsyncClient) -> None:
    await talk.say("нужен дренажный насос")
    await talk.say("добавь DR-250 в заявку")
    url = links(await talk.say("выставите счёт"))["pdf"]
    bare = url.partition("?")[0]
    for wrong in (bare, f"{bare}?key=", f"{url}x", url.replace(".pdf", ".exe"), url.replace(".pdf", ""),
                  f"{ADDRESS}/quotes/", f"{ADDRESS}/quotes/{uuid4()}.pdf?{url.partition('?')[2]}"):  # fmt: skip
        assert (await web.get(wrong)).status_code == 404, wrong
    codes = [(await web.get(bare)).status_code for _ in range(30)]
    assert codes[-1] == 429


async def test_an_answer_that_comes_too_late_leaves_no_quotation_and_the_request_as_it_was(
    store: Store, quotes: Quotes
) -> None:
    inbound = Inbound(channel="widget", address="late", external_id="1", text="счёт", lang_hint="ru")
    async with store.transaction() as tx:
        here = (await tx.remember(inbound)).conversation
        await tx.put(here, "DR-250", Decimal(2))
        claim = await tx.claim(here)
    assert claim
    request = Request(deed="quote", said="…")
    reply = Reply(text="…", lang="ru", route=Route.CONTACT, rung=Rung.TEMPLATE, request=request)

    async def finish_late() -> None:
        async with store.transaction() as tx:
            applied, quote = await quotes.apply(tx, claim, reply)
            assert quote and "DR 250" in applied.text
            await tx.finish(replace(claim, token=claim.token - 1), applied, message=uuid4())

    with pytest.raises(ClaimLost):
        await finish_late()
    async with store.transaction() as tx:
        assert await tx.basket(here) == {"DR-250": Decimal(2)}
    assert [await count(store, table) for table in ("quotations", "leads", "parcels", "links")] == [0, 0, 0, 0]


async def test_who_is_forgotten_leaves_no_paper_behind(store: Store, quotes: Quotes) -> None:
    inbound = Inbound(channel="telegram", address="77", external_id="1", text="счёт", lang_hint="ru")
    async with store.transaction() as tx:
        here = (await tx.remember(inbound)).conversation
        await tx.put(here, "DR-250", Decimal(2))
        claim = await tx.claim(here)
        assert claim
        request = Request(deed="quote", said="…")
        reply = Reply(text="…", lang="ru", route=Route.CONTACT, rung=Rung.TEMPLATE, request=request)
        assert (await quotes.apply(tx, claim, reply))[1]
        assert await tx.forget_person("telegram", "77") == 1
    assert await count(store, "quotations") == 0


async def test_a_basket_has_its_bounds(store: Store) -> None:
    async with store.transaction() as tx:
        here = (await tx.remember(Inbound(channel="widget", address="a", external_id="1", text="x"))).conversation
        for number in range(LONGEST + 5):
            await tx.put(here, f"A{number}", Decimal(1))
        await tx.put(here, "A0", MOST * 10)
        basket = await tx.basket(here)
    assert len(basket) == LONGEST and basket["A0"] == MOST
    assert list(basket)[:3] == ["A0", "A1", "A2"]


async def test_in_telegram_the_button_gathers_and_the_papers_come_as_files(
    store: Store, assistant: Assistant, quotes: Quotes
) -> None:
    files = {DOCUMENT: partial(quotes.file, store)}
    async with (
        BotApi(limits=Limits()) as api,
        house(store, api, answerer=assistant, quotes=quotes, basket=quotes, files=files) as shop,
    ):
        anna = shop.person()
        anna.write("drainage pump DR-250")
        await anna.sees(lambda seen: "DR 250" in str(seen))
        query = anna.press("request")
        assert "write" in await anna.answered(query)
        anna.write("send me a quote")
        number = numbered((await anna.sees("Quotation No. ")).text)
        for form in ("pdf", "xlsx"):
            await anna.sees(partial(_is, f"quotation-{number}.{form}"))
        assert len([seen for seen in anna.seen() if _file(seen)]) == 2
    assert await count(store, "quotations") == 1


def _is(name: str, seen: Seen) -> bool:
    return _file(seen) == name


def _file(seen: Seen) -> str:
    return str(seen.raw.get("document", {}).get("file_name", ""))
