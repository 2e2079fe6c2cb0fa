"""What comes wrong from Telegram, customers or the catalogue gets an honest answer and holds up nobody."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import text

from appliance.channels.telegram import TelegramChannel
from appliance.core.types import Card, Progress, Received
from appliance.store.store import Store
from appliance.tasks import Tasks
from tests.botapi import BotApi, Faults, Limits
from tests.telegram_house import House, house

pytestmark = pytest.mark.timeout(240)


def _card(**about: object) -> Card:
    return Card(**{"sku": "N-1", "name": "Pump", "price": Decimal(100), "currency": "EUR", **about})  # type: ignore[arg-type]


def _picture(path: Path, kind: str = "WEBP", size: tuple[int, int] = (400, 300)) -> Path:
    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, kind)
    path.write_bytes(out.getvalue())
    return path


@pytest.fixture
async def shop(store: Store, tmp_path: Path) -> AsyncIterator[House]:
    def photo(card: Card) -> Path | str | None:
        return card.photo if card.photo.startswith("http") else tmp_path / card.photo if card.photo else None

    async with BotApi(limits=Limits()) as api, house(store, api, photo=photo) as shop:
        yield shop


async def test_texts_and_captions_beyond_the_limits_are_cut_or_divided(shop: House, tmp_path: Path) -> None:
    _picture(tmp_path / "a.webp")
    anna = shop.person()
    shop.answers.text = "**Начало** " + "слово 😀 " * 900 + "**конец**"
    shop.answers.quick = ("yes " * 200, "\n")
    long = _card(name="Очень длинное имя 😀 " * 200, photo="a.webp", attributes=(("a" * 900, "b" * 900),) * 5)
    shop.answers.cards = (long, long)
    anna.write("hello")
    assert await anna.sees(lambda seen: bool(seen.photo))
    last = await anna.sees("конец")
    whole = "".join(seen.text for seen in anna.seen() if not seen.photo)
    assert whole.count("слово") == 900 and last.buttons
    anna.press("▶")
    await anna.sees(lambda seen: any("2 / 2" in button for button in seen.buttons))


async def test_dead_broken_and_odd_photos_leave_the_card(shop: House, tmp_path: Path) -> None:
    (tmp_path / "broken.webp").write_bytes(b"RIFF no picture")
    _picture(tmp_path / "thin.png", "PNG", (3000, 20))
    names = ("http://127.0.0.1:9/dead.jpg", "broken.webp", "gone.webp", "thin.png", "")
    shop.answers.cards = tuple(_card(sku=f"N-{at}", name=f"Pump {at}", photo=name) for at, name in enumerate(names))
    anna = shop.person()
    anna.write("pump")
    await anna.sees("Pump 0")
    for at in range(1, len(names)):
        await anna.answered(anna.press("▶"))
        turned = await anna.sees(f"Pump {at}")
        assert turned.photo
    assert len([seen for seen in anna.seen() if seen.photo]) == 1


async def test_another_persons_contact_is_not_taken(shop: House) -> None:
    anna = shop.person()
    anna.share_contact("+79990001122", of=5)
    await anna.sees("another person's contact")
    anna.share_contact("+79990001122", of=anna.chat.id)
    assert "+79990001122" in (await anna.sees("Shall I pass")).text
    anna.press("Cancel")
    await anna.sees("goes to nobody")
    async with shop.store.transaction() as tx:
        assert await tx.connection.scalar(text("SELECT count(*) FROM leads")) == 0


@pytest.mark.parametrize(
    "payload", ["w_", "w_junk", "w_" + "A" * 60, "🙂🙂", "a b c", "x" * 65, "login_nobody", "'; DROP TABLE"]
)
async def test_junk_in_a_deep_link_is_a_greeting(shop: House, payload: str) -> None:
    anna = shop.person()
    anna.start(payload)
    seen = await anna.sees(lambda seen: bool(seen.text))
    assert "/search" in seen.text or "link" in seen.text


async def test_a_customer_who_blocked_the_bot_and_came_back_is_answered(shop: House) -> None:
    anna, john = shop.person(), shop.person(name="John")
    anna.write("first")
    anna.block()
    john.write("second")
    await john.sees("second")
    assert "blocked by the user" in (await shop.held(anna))[0]
    anna.unblock()
    anna.write("third")
    await anna.sees("third")


async def test_a_chat_that_moved_gets_what_it_is_owed_at_its_new_place(shop: House) -> None:
    group = shop.person(group=-500)
    shop.api.world.open_chat(shop.bot, -100500, kind="supergroup", about={"title": "Group"})
    moved = shop.person(group=-100500)
    group.chat.migrated_to = -100500
    async with shop.store.transaction() as tx:
        await tx.post(channel="telegram", address="-500", kind="say", body={"text": "to the group"})
    await moved.sees("to the group")


async def test_a_revoked_token_is_told_and_all_goes_on_with_its_return(shop: House) -> None:
    anna = shop.person()
    shop.bot.revoked = True
    shop.bot.arrived.set()
    anna.write("are you there?")
    async with asyncio.timeout(90):
        while "BotFather" not in shop.channel.trouble():
            await asyncio.sleep(0.2)
    shop.bot.revoked = False
    await anna.sees("are you there?", seconds=100)
    async with asyncio.timeout(90):
        while shop.channel.trouble():  # the next attempt, within a minute, says so
            await asyncio.sleep(0.2)


async def test_a_token_that_can_be_none_is_told_and_not_tried_for_ever(store: Store) -> None:
    async with BotApi() as api, Tasks() as tasks:
        channel = TelegramChannel(
            store=store, token="no token", base=api.url, take=_nobody, wake=lambda id: None, photo=lambda card: None
        )
        task = tasks.start(channel.lead(_nothing), name="bot")
        async with asyncio.timeout(60):
            while "BotFather" not in channel.trouble():
                await asyncio.sleep(0.1)
        assert not task.done()


async def _nothing() -> None:
    await asyncio.Event().wait()


async def _nobody(tx: object, inbound: object, *, awaits_answer: bool = True) -> Received:
    raise AssertionError("nobody was to be heard")


async def test_another_poller_of_the_same_bot_is_told_of(shop: House) -> None:
    async def poll_like_another_program() -> None:
        import aiohttp

        async with aiohttp.ClientSession() as http:
            while True:
                await (await http.get(f"{shop.api.url}/bot{shop.bot.token}/getUpdates?timeout=1")).read()

    async with Tasks() as tasks:
        tasks.start(poll_like_another_program(), name="rival")
        async with asyncio.timeout(30):
            while "same bot" not in shop.channel.trouble():
                await asyncio.sleep(0.1)


async def test_an_update_that_nobody_can_read_bars_no_other(shop: House) -> None:
    anna = shop.person()
    junk: list[dict[str, object]] = [{"message": {"junk": True}}, {"callback_query": []}, {"of_the_future": {"a": 1}}]
    for raw in junk:
        shop.bot.queue.append({"update_id": next(shop.api.world._updates), **raw})
    anna.write("nul \x00 and \ud83d half a pair".replace("\ud83d", "�"))
    anna.write("hello")
    await anna.sees("hello")


async def test_an_answer_in_writing_streams_and_ends_as_one_message(shop: House) -> None:
    anna = shop.person()
    shop.answers.steps, shop.answers.pause = ("First.", "First. Second.", "First. Second. Third."), 1.6
    shop.answers.text = "First. Second. Third. Done."
    anna.write("tell me")
    await anna.sees("Done.")
    drafts = [message["text"] for _, what, message in anna.chat.shown if what == "draft"]
    assert drafts and drafts[0].startswith("First.")
    assert [seen.text for seen in anna.seen()] == ["First. Second. Third. Done."]


async def test_without_drafts_the_streamed_message_is_edited_and_marked_when_a_manager_takes_over(shop: House) -> None:
    from tests.botapi import methods
    from tests.botapi.spec import BadRequest

    def refuse(call: methods.Call) -> object:
        raise BadRequest("Bad Request: drafts are not allowed here")

    drafts, methods.METHODS["sendMessageDraft"] = methods.METHODS["sendMessageDraft"], refuse  # type: ignore[index]
    try:
        anna = shop.person()
        shop.answers.steps, shop.answers.pause = ("One.", "One. Two."), 2.0
        shop.answers.text = "One. Two. Done."
        anna.write("tell me")
        await anna.sees("Done.")
        assert [seen.text for seen in anna.seen()] == ["One. Two. Done."]
        stamps = [at for at, what, message in anna.chat.shown if what in ("sent", "edited")]
        assert all(later - earlier >= 0.95 for earlier, later in pairwise(stamps))
        shop.answers.go.clear()
        shop.answers.steps = ("Half an answer",)
        after = anna.write("again")
        await anna.sees("Half an answer", after=after)
        async with shop.store.transaction() as tx:
            await tx.connection.execute(text("UPDATE conversations SET owner = 'agent', fence = fence + 1"))
        shop.answers.go.set()
        await anna.sees("Half an answer\n\nThe answer was cut off.", after=after)
    finally:
        methods.METHODS["sendMessageDraft"] = drafts  # type: ignore[index]


async def test_progress_never_overtakes_what_is_owed(shop: House) -> None:
    anna = shop.person()
    anna.write("hello")
    await anna.sees("hello")
    async with shop.store.transaction() as tx:
        conversation = await tx.conversation_at("telegram", str(anna.chat.id))
        assert conversation
        await tx.connection.execute(text("UPDATE conversations SET owner = 'agent'"))
    from uuid import uuid4

    await shop.channel.show(
        conversation.address, Progress(conversation=conversation.id, message=uuid4(), text="too late")
    )
    await asyncio.sleep(2)
    assert not any("too late" in seen.text for seen in anna.seen())


async def test_every_fault_at_once_loses_nothing_and_keeps_the_order(shop: House) -> None:
    shop.api.faults = Faults(too_many=0.15, server=0.1, reset=0.1, duplicate=0.3, seed=4)
    people = [shop.person() for _ in range(10)]
    began = time.monotonic()
    for turn in range(3):
        for one in people:
            one.write(f"{turn} of {one.user['id']}")
        await asyncio.sleep(1.5)
    shop.api.faults.on = False
    for one in people:
        await one.sees(f"2 of {one.user['id']}", seconds=90)
        said = " ".join(seen.text for seen in one.seen())
        places = [said.index(f"{turn} of {one.user['id']}") for turn in range(3)]
        assert places == sorted(places)
        assert all(said.count(f"{turn} of {one.user['id']}") == 1 for turn in range(3)), one.transcript()
    print(f"10 chats, 3 rounds, {len(shop.api.faults.log)} faults: {time.monotonic() - began:.0f} s")
