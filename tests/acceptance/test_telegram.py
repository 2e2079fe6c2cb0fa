"""Customers in Telegram, through a Bot API server, with the whole appliance: what they write and what they see."""

from __future__ import annotations

import asyncio
import io
import json
import re
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
import pytest_asyncio
from PIL import Image

from appliance.channels.telegram_cards import Button, Do
from tests.botapi import BotApi, Customer, Faults, Limits
from tests.botapi.world import Bot
from tests.rig import Appliance
from tests.rig import Customer as Browser

pytestmark = [pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]
WAYS = ("polling", "webhook")


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from catalog.sample import write_sample

    return write_sample(tmp_path_factory.mktemp("sample"), rows=400, seed=1)


@pytest.fixture(scope="module", params=WAYS)
def way(request: pytest.FixtureRequest) -> Iterator[str]:
    return request.param  # type: ignore[no-any-return]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api() -> AsyncIterator[BotApi]:
    async with BotApi(limits=Limits()) as api:
        yield api


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(way: str, api: BotApi, book: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Appliance]:
    """The appliance with a bot and a sample of 400 goods, with no model."""
    bot = api.add_bot(f"{WAYS.index(way) + 7}23456:" + "A" * 35)
    appliance = Appliance(
        tmp_path_factory.mktemp(way) / "home", APPLIANCE_PULL="false", APPLIANCE_SAMPLE="false",
        TELEGRAM_TOKEN=bot.token, TELEGRAM_API_URL=api.url,
    )  # fmt: skip
    if way == "webhook":
        appliance.env |= {"TELEGRAM_WEBHOOK": "true", "PUBLIC_URL": appliance.url}
    loaded = await asyncio.to_thread(appliance.command, "catalog", "import", str(book), "--publish", "--json")
    version = json.loads(loaded.stdout)["version"]
    await asyncio.to_thread(appliance.command, "catalog", "publish", version)
    appliance.start()
    await asyncio.to_thread(appliance.wait)
    await bot.joined()
    yield appliance
    await asyncio.to_thread(appliance.stop)


@pytest.fixture
def bot(way: str, api: BotApi, shop: Appliance) -> Bot:
    return api.add_bot(f"{WAYS.index(way) + 7}23456:" + "A" * 35)


_ids = iter(range(5000, 9000))


def person(api: BotApi, bot: Bot, lang: str = "ru", name: str = "Анна") -> Customer:
    return Customer(api, bot, id=next(_ids), name=name, lang=lang)


async def _done(customer: Customer, text: str) -> None:
    customer.write(text)
    await customer.sees(lambda seen: bool(seen.buttons) and "▶" not in "".join(seen.buttons))


async def test_a_first_word_is_greeted_and_shows_what_can_be_done(api: BotApi, bot: Bot) -> None:
    anna, john = person(api, bot), person(api, bot, lang="en", name="John")
    anna.start()
    john.start("spring_sale")
    assert "/search – найти товар" in (await anna.sees("/search")).text
    assert "/search – find a product" in (await john.sees("/search")).text


async def test_goods_come_as_a_card_with_a_photo_that_is_turned_in_place(api: BotApi, bot: Bot) -> None:
    anna = person(api, bot)
    anna.write("насос")
    card = await anna.sees(lambda seen: bool(seen.photo))
    assert "₽" in card.text and "1 / 4" in card.buttons[1]
    await anna.sees("Нашлось")
    await anna.answered(anna.press("▶"))
    turned = await anna.sees(lambda seen: any("2 / 4" in button for button in seen.buttons))
    assert turned.id == card.id and turned.text != card.text and turned.photo != card.photo
    await anna.answered(anna.press("2 / 4"))
    listed = await anna.sees(lambda seen: seen.id == card.id and seen.buttons == ("1", "2", "3", "4"))
    assert listed.text.count("\n\n") == 3
    await anna.answered(anna.press("4"))
    await anna.sees(lambda seen: any("4 / 4" in button for button in seen.buttons))
    assert len([seen for seen in anna.seen() if seen.photo]) == 1


async def test_a_photo_is_uploaded_once_and_then_known_by_its_id(api: BotApi, bot: Bot) -> None:
    anna, boris = person(api, bot), person(api, bot)
    for one in (anna, boris):
        one.write("перфоратор")
        await one.sees(lambda seen: bool(seen.photo))
    ids = [seen.raw["photo"][-1]["file_id"] for one in (anna, boris) for seen in one.seen() if seen.photo]
    assert ids[0] == ids[1]


async def test_details_similar_and_a_question_about_one_product(api: BotApi, bot: Bot) -> None:
    anna = person(api, bot)
    anna.write("насос")
    card = await anna.sees(lambda seen: bool(seen.photo))
    await anna.sees("Нашлось")
    name = card.text.split("\n")[0]
    anna.press("Подробнее")
    details = await anna.sees(lambda seen: seen.id == card.id and "Кратко" in seen.buttons)
    assert len(details.text) > len(card.text)
    anna.press("Спросить")
    asked = await anna.sees("Что хотите узнать")
    assert name in asked.text
    anna.write("сколько стоит?")
    answer = await anna.sees(lambda seen: name in seen.text and "₽" in seen.text, after=asked.id)
    assert answer.text.count("₽") == 1
    anna.press("Похожие")
    similar = await anna.sees(lambda seen: bool(seen.photo), after=answer.id)
    assert name not in similar.text


async def test_a_contact_is_asked_for_shared_agreed_to_and_becomes_a_lead(
    api: BotApi, bot: Bot, shop: Appliance
) -> None:
    anna = person(api, bot)
    anna.write("/contact")
    await anna.sees(lambda seen: bool(anna.chat.keyboard))
    anna.share_contact("+79990001122", of=1)
    await anna.sees("другого человека")
    anna.tap("мой номер")
    consent = await anna.sees("персональных данных")
    assert "+79161234567" in consent.text
    anna.press("Согласен")
    anna.press("Согласен")
    await anna.sees("Заявка отправлена")
    await asyncio.sleep(1)
    with psycopg.connect(shop.database_url()) as database:
        leads = database.execute(
            "SELECT name, phone, consent_version FROM leads WHERE phone = '+79161234567'"
        ).fetchall()
    assert len(leads) == 1 and leads[0][0] == "Анна" and leads[0][2]


async def test_voice_stickers_and_files_are_answered_with_what_the_bot_can_do(api: BotApi, bot: Bot) -> None:
    anna = person(api, bot)
    out = io.BytesIO()
    Image.new("RGB", (60, 40), "navy").save(out, "JPEG")
    after = anna.send_voice()
    assert "текст" in (await anna.sees("Помогу", after=after)).text
    for send in (  # what it can do stands above already
        anna.send_sticker,
        anna.send_document,
        anna.send_location,
        lambda: anna.send_photo(out.getvalue()),
    ):
        after = send()
        assert "Помогу" not in (await anna.sees("только текст", after=after)).text
    after = anna.send_photo(out.getvalue(), caption="насос")
    await anna.sees("Нашлось", after=after)


async def test_two_customers_at_once_see_only_their_own(api: BotApi, bot: Bot) -> None:
    anna, john = person(api, bot), person(api, bot, lang="en", name="John")
    for word, translated in (("насос", "pump"), ("подшипник", "bearing"), ("дрель", "drill")):
        first, second = anna.write(word), john.write(translated)
        ours, theirs = await asyncio.gather(
            anna.sees(lambda seen: "Нашл" in seen.text or "Точно" in seen.text, after=first),
            john.sees(lambda seen: "found" in seen.text or "exactly" in seen.text, after=second),
        )
        assert "found" not in ours.text and "Нашл" not in theirs.text


async def test_the_language_is_chosen_and_data_is_erased(api: BotApi, bot: Bot, shop: Appliance) -> None:
    anna = person(api, bot)
    anna.write("/language")
    await anna.sees("языке")
    anna.press("Deutsch")
    await anna.sees("Deutsch")
    anna.write("/forget")
    await anna.sees("löschen?")
    anna.press("alles löschen")
    await anna.sees("gelöscht")
    with psycopg.connect(shop.database_url()) as database:
        left = database.execute(
            "SELECT count(*) FROM conversations WHERE address = %s", (str(anna.user["id"]),)
        ).fetchone()
    assert left == (0,)


async def test_a_forged_old_or_foreign_button_is_answered_politely(api: BotApi, bot: Bot) -> None:
    anna, boris = person(api, bot), person(api, bot)
    anna.write("насос")
    await anna.sees("Нашлось")
    boris.start()
    await boris.sees("/search")
    keyboards = [seen.raw["reply_markup"]["inline_keyboard"] for seen in anna.seen() if seen.buttons]
    theirs = keyboards[0][0][0]["callback_data"]
    junk = [
        "",
        "x",
        "1" + theirs[1:],
        theirs,
        theirs[:-1] + "9",
        Button(do=Do.FORGET, message=UUID(int=5), number=1).data(),
        "💥" * 16,
    ]
    before = len(boris.seen())
    for data in filter(None, junk):
        assert "не действует" in await boris.answered(boris.press_data(data))
    assert len(boris.seen()) == before
    assert "не действует" in await anna.answered(anna.press_data(theirs[:24] + "77"))


async def test_a_dialogue_of_the_site_goes_on_in_telegram(api: BotApi, bot: Bot, shop: Appliance) -> None:
    browser = Browser(shop, lang="ru")
    await browser.ask("насос")

    def link() -> str:
        body = json.dumps({"sid": browser.sid, "token": browser.token}).encode()
        request = urllib.request.Request(shop.url + "/telegram/link", body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())["url"]  # type: ignore[no-any-return]

    url = await asyncio.to_thread(link)
    anna = person(api, bot)
    anna.write("подшипник")  # she has been here before
    await anna.sees("Нашл")
    anna.start(url.partition("start=")[2])
    recap = await anna.sees("начатый на сайте")
    assert "насос" in recap.text
    after = anna.write("подешевле")
    answer = await anna.sees(lambda seen: "дешевле" in seen.text, after=after)
    assert answer
    again = await browser.ask("а со скидкой?")
    assert not again.error
    assert any("дешевле" in event.get("text", "") for event in browser.events.values())
    await browser.close()
    boris = person(api, bot)
    boris.start(url.partition("start=")[2])
    assert "использована" in (await boris.sees("ссылк")).text
    boris.start("%%%💥 junk " + "x" * 100)
    await boris.sees("/search")


async def test_who_calls_a_manager_on_the_site_is_shown_the_way_into_telegram(
    api: BotApi, bot: Bot, shop: Appliance
) -> None:
    browser = Browser(shop, lang="ru")
    await browser.ask("насос")
    assert not any("t.me" in event.get("text", "") for event in browser.events.values())
    await browser.ask("позовите менеджера")
    said = [event.get("text", "") for event in browser.events.values()]
    [link] = [found[1] for text in said if (found := re.search(r"\[Продолжить в Telegram\]\((\S+)\)", text))]
    anna = person(api, bot)
    anna.start(link.partition("start=")[2])
    assert "насос" in (await anna.sees("начатый на сайте")).text
    await browser.close()


async def test_who_blocked_the_bot_holds_up_nobody(api: BotApi, bot: Bot, shop: Appliance) -> None:
    anna, boris = person(api, bot), person(api, bot)
    anna.write("насос")
    anna.chat.blocked = True
    boris.write("насос")
    await boris.sees("Нашлось")
    for _ in range(50):
        with psycopg.connect(shop.database_url()) as database:
            held = database.execute(
                "SELECT held FROM parcels WHERE address = %s AND held IS NOT NULL", (str(anna.user["id"]),)
            ).fetchall()
        if held:
            break
        await asyncio.sleep(0.1)
    assert "blocked" in held[0][0]


async def test_429_is_obeyed_and_nothing_is_said_twice(api: BotApi, bot: Bot) -> None:
    api.faults = Faults(too_many=0.6, server=0.1, seed=5)
    try:
        anna = person(api, bot)
        for word in ("насос", "подшипник"):
            await anna.sees("Наш", after=anna.write(word), seconds=40)
        await asyncio.sleep(2)
        texts = [seen.text for seen in anna.seen()]
        assert len(texts) == len(set(texts))
        assert any(fault["fault"] == "too_many" for fault in api.faults.log)
    finally:
        api.faults = Faults()


async def test_a_revoked_token_is_said_plainly_and_breaks_nothing(api: BotApi, bot: Bot, shop: Appliance) -> None:
    pid = shop.pid("chat")
    anna = person(api, bot)
    bot.revoked = True
    bot.arrived.set()
    try:
        anna.write("насос")
        async with asyncio.timeout(60):
            while "BotFather" not in (health := (await asyncio.to_thread(shop.get, "/healthz"))[1]):
                await asyncio.sleep(1)
        assert "bot=DEGRADED" in health
    finally:
        bot.revoked = False
    assert shop.pid("chat") == pid
    await anna.sees("Нашлось", seconds=100)
