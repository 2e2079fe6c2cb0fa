"""The tests' Bot API server refuses what Telegram refuses and shows what Telegram shows."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from PIL import Image

from tests.botapi import BotApi, Customer, Faults, Limits
from tests.botapi.world import Bot


class Client:
    """The barest of clients: JSON in, JSON out."""

    def __init__(self, api: BotApi, bot: Bot, http: aiohttp.ClientSession) -> None:
        self._base, self._http = f"{api.url}/bot{bot.token}/", http

    async def __call__(self, method: str, **given: Any) -> Any:
        async with self._http.post(self._base + method, json=given) as answer:
            return await answer.json()

    async def upload(self, method: str, name: str, data: bytes, **given: Any) -> Any:
        form = aiohttp.FormData({key: str(value) for key, value in given.items()})
        form.add_field(name, data, filename="a.jpg")
        async with self._http.post(self._base + method, data=form) as answer:
            return await answer.json()


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as api:
        yield api


@pytest.fixture
async def client(api: BotApi) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as http:
        yield Client(api, api.add_bot(), http)


@pytest.fixture
def anna(api: BotApi, client: Client) -> Customer:
    return Customer(api, api.add_bot(), id=1001)


def picture(width: int = 40, height: int = 30) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "navy").save(out, "JPEG")
    return out.getvalue()


async def test_a_text_reaches_the_bot_and_its_answer_the_person(client: Client, anna: Customer) -> None:
    anna.write("насос 😀 /help")
    [update] = (await client("getUpdates"))["result"]
    assert update["message"]["entities"] == [{"type": "bot_command", "offset": 9, "length": 5}]
    assert (await client("sendMessage", chat_id=1001, text="<b>да</b> &amp; нет", parse_mode="HTML"))["ok"]
    seen = await anna.sees("да & нет")
    assert seen.raw["entities"] == [{"type": "bold", "offset": 0, "length": 2}]


HERE = {"chat_id": 1001}
LONG_DATA = {"inline_keyboard": [[{"text": "a", "callback_data": "я" * 33}]]}
NO_ACTION = {"inline_keyboard": [[{"text": "a"}]]}
HALF_A_SYMBOL = [{"type": "bold", "offset": 1, "length": 1}]


@pytest.mark.parametrize(
    ("method", "given", "why"),
    [
        ("sendMessage", HERE, "text is empty"),
        ("sendMessage", {**HERE, "text": "x" * 4097}, "MESSAGE_TOO_LONG"),
        ("sendMessage", {**HERE, "text": "😀" * 2049}, "MESSAGE_TOO_LONG"),
        ("sendMessage", {"chat_id": 9, "text": "x"}, "chat not found"),
        ("sendMessage", {**HERE, "text": "x", "colour": 1}, "unknown parameter"),
        ("sendMessage", {**HERE, "text": "<b>x", "parse_mode": "HTML"}, "can't parse entities"),
        ("sendMessage", {**HERE, "text": "😀", "entities": HALF_A_SYMBOL}, "UTF-16"),
        ("sendMessage", {**HERE, "text": "x", "reply_markup": LONG_DATA}, "BUTTON_DATA_INVALID"),
        ("sendMessage", {**HERE, "text": "x", "reply_markup": NO_ACTION}, "one action"),
        ("sendMediaGroup", {**HERE, "media": [{"type": "photo", "media": "a"}]}, "2-10 items"),
        ("sendPhoto", {**HERE, "photo": "junk"}, "wrong file identifier"),
        ("editMessageText", {**HERE, "message_id": 77, "text": "x"}, "not found"),
        ("sendMessageDraft", {**HERE, "draft_id": 0, "text": "x"}, "DRAFT_ID_INVALID"),
        ("answerCallbackQuery", {"callback_query_id": "1"}, "too old"),
        ("setMyCommands", {"commands": [{"command": "no way", "description": "x"}]}, "BOT_COMMAND_INVALID"),
        ("setWebhook", {"url": "http://example.com"}, "HTTPS"),
    ],
)
async def test_what_telegram_refuses_is_refused(
    client: Client, anna: Customer, method: str, given: dict[str, Any], why: str
) -> None:
    answer = await client(method, **given)
    assert not answer["ok"] and answer["error_code"] == 400
    assert why in answer["description"]


async def test_updates_come_until_they_are_confirmed_and_the_newest_poll_wins(client: Client, anna: Customer) -> None:
    anna.write("one")
    anna.write("two")
    first = (await client("getUpdates"))["result"]
    assert [update["message"]["text"] for update in first] == ["one", "two"]
    again = (await client("getUpdates", offset=first[1]["update_id"]))["result"]
    assert [update["message"]["text"] for update in again] == ["two"]
    async with asyncio.TaskGroup() as group:
        old = group.create_task(client("getUpdates", offset=first[1]["update_id"] + 1, timeout=5))
        await asyncio.sleep(0.2)
        new = group.create_task(client("getUpdates", offset=first[1]["update_id"] + 1, timeout=5))
        await asyncio.sleep(0.2)
        anna.write("three")
    assert old.result()["error_code"] == 409
    assert new.result()["result"][0]["message"]["text"] == "three"


async def test_one_message_a_second_and_no_more(api: BotApi, client: Client, anna: Customer) -> None:
    api.limits = Limits()
    assert (await client("sendMessage", chat_id=1001, text="a"))["ok"]
    refused = await client("sendMessage", chat_id=1001, text="b")
    assert refused["error_code"] == 429 and refused["parameters"]["retry_after"] == 1
    await asyncio.sleep(1)
    assert (await client("sendMessage", chat_id=1001, text="b"))["ok"]


async def test_buttons_photos_and_edits(client: Client, anna: Customer) -> None:
    keyboard = {"inline_keyboard": [[{"text": "next", "callback_data": "1"}]]}
    sent = (await client.upload("sendPhoto", "photo", picture(), chat_id=1001, caption="one"))["result"]
    again = await client("sendPhoto", chat_id=1001, photo=sent["photo"][0]["file_id"], reply_markup=keyboard)
    assert again["ok"]
    query = anna.press("next")
    [update] = (await client("getUpdates"))["result"]
    assert update["callback_query"]["chat_instance"] and update["callback_query"]["data"] == "1"
    await client("answerCallbackQuery", callback_query_id=query, text="yes")
    assert await anna.answered(query) == "yes"
    about = {"chat_id": 1001, "message_id": sent["message_id"], "caption": "two"}
    assert (await client("editMessageCaption", **about))["ok"]
    assert "not modified" in (await client("editMessageCaption", **about))["description"]
    assert [seen.text for seen in anna.seen()] == ["two", ""]


async def test_a_picture_that_is_none_is_refused(client: Client, anna: Customer) -> None:
    assert "IMAGE_PROCESS" in (await client.upload("sendPhoto", "photo", b"no", chat_id=1001))["description"]
    thin = await client.upload("sendPhoto", "photo", picture(2100, 100), chat_id=1001)
    assert "DIMENSIONS" in thin["description"]


async def test_blocked_moved_and_revoked(api: BotApi, client: Client, anna: Customer) -> None:
    anna.block()
    assert (await client("sendMessage", chat_id=1001, text="x"))["error_code"] == 403
    anna.unblock()
    anna.chat.migrated_to = -100_5
    assert (await client("sendMessage", chat_id=1001, text="x"))["parameters"] == {"migrate_to_chat_id": -100_5}
    api.add_bot().revoked = True
    assert (await client("getMe"))["error_code"] == 401


async def test_faults_come_as_often_as_they_were_ordered(api: BotApi, client: Client, anna: Customer) -> None:
    api.faults = Faults(too_many=0.2, server=0.2, reset=0.1, lost=0.1, seed=3)
    codes: list[int] = []
    for _ in range(200):
        try:
            codes.append((await client("sendMessage", chat_id=1001, text="x")).get("error_code", 200))
        except aiohttp.ClientError:
            codes.append(0)
    assert {0, 200, 429, 500} == set(codes)
    assert 55 < codes.count(200) < 105
    assert len(anna.seen()) == codes.count(200) + sum(fault["fault"] == "lost" for fault in api.faults.log)
