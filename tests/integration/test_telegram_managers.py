"""A manager's day in Telegram: hears of leads, takes dialogues over, talks with customers, gives them back."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from PIL import Image
from sqlalchemy import text

from appliance.assistant import Assistant
from appliance.channels.telegram_managers import Deed, Key, TelegramManagers, read_key
from appliance.core.company import Passages
from appliance.core.prompt import default_prompt
from appliance.core.types import Claim, Memory, Message, Progress, Role, Staff
from appliance.desk import Desk
from appliance.hours import Hours
from appliance.leads import Leads, Notices
from appliance.prose import Writer
from appliance.store.store import Store
from catalog.shelf import Shelf
from models.scripted import ScriptedLLM
from tests.botapi import BotApi, Customer
from tests.telegram_house import House, house

pytestmark = pytest.mark.timeout(240)

NOON = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)  # a Friday, 12:00 in Moscow
HOURS = Hours.read("mon-fri 10:00-18:00", "Europe/Moscow")


@dataclass(kw_only=True)
class Office:
    """A house with two managers."""

    house: House
    desk: Desk
    managers: dict[str, Staff]

    def phone(self, name: str) -> Customer:
        person = self.managers[name]
        return Customer(self.house.api, self.house.bot, id=person.telegram_id or 0, name=name, lang=person.lang)

    async def lead(self, customer: Customer, **more: str) -> UUID:
        """The customer writes, and sends the form."""
        customer.write("I need a pump")
        await customer.sees("I need a pump")
        here = await self.conversation(customer)
        async with self.house.store.transaction() as tx:
            values = {"name": "Anna", "phone": "+7 903 111-22-33", **more}
            lead = await self.leads().from_form(tx, here, values, "2026-11")
        return lead.id

    def leads(self, **more: Any) -> Leads:
        return Leads(region="RU", hours=Hours.read("", "UTC"), **more)

    async def conversation(self, customer: Customer) -> UUID:
        async with self.house.store.transaction() as tx:
            here = await tx.conversation_at("telegram", str(customer.chat.id))
        assert here is not None
        return here.id


@pytest.fixture
async def office(store: Store) -> AsyncIterator[Office]:
    desk = Desk(store=store, posted=["telegram"])
    managers = TelegramManagers(
        store=store, desk=desk, notices=Notices(store, console="http://10.0.0.5:8081"), hours=HOURS, clock=lambda: NOON
    )
    async with BotApi() as api, house(store, api, managers=managers, writes=managers.writes) as shop:
        crew = {
            name: await desk.employ(None, name=name, role=Role.MANAGER, telegram_id=id, lang=lang)
            for id, (name, lang) in enumerate((("Мария", "ru"), ("Peter", "en")), 900)
        }
        yield Office(house=shop, desk=desk, managers=crew)


def buttons(customer: Customer, words: str) -> tuple[str, ...]:
    return next(seen.buttons for seen in reversed(customer.seen()) if words in seen.text)


async def test_a_managers_day(office: Office) -> None:
    anna, maria, peter = office.house.person(), office.phone("Мария"), office.phone("Peter")
    await office.lead(anna)
    notice = await maria.sees("Новая заявка: Anna, +7 903 111-22-33")
    assert "Что нужно: I need a pump" in notice.text or "Телефон: +7 903 111-22-33" in notice.text
    assert notice.buttons == (
        "Взять и ответить", "Перезвоню через час", "Перезвоню завтра утром", "Готово", "Открыть в консоли",
    )  # fmt: skip
    await peter.sees("New lead: Anna")

    assert await maria.answered(maria.press("Взять и ответить")) == "Диалог ваш: пишите клиенту прямо сюда."
    await anna.sees("Мария, a manager, has joined the chat")
    recap = await maria.sees("Вы говорите с клиентом: Anna")
    assert "Anna: I need a pump" in recap.text and "Мы: I need a pump" in recap.text
    await peter.sees("Taken by Мария")
    assert buttons(peter, "Taken by Мария") == ("Open in the console",)

    maria.write("Здравствуйте! Какой напор нужен?")
    await anna.sees("Здравствуйте! Какой напор нужен?")
    anna.write("30 metres")
    await maria.sees("Anna: 30 metres")
    asked = len(office.house.answers.claims)
    anna.write("and quickly, please")
    await maria.sees("Anna: and quickly, please")
    assert len(office.house.answers.claims) == asked, "the assistant answers while a manager has the dialogue"

    maria.write("/back")
    await anna.sees("The manager has left the chat")
    await maria.sees("Диалог возвращён ассистенту: Anna")
    after = anna.write("are you there?")
    await anna.sees("are you there?", after=after)
    maria.press("Готово")
    await maria.sees("Закрыто: Мария")
    await peter.sees("Closed by Мария")
    assert len([seen for seen in maria.seen() if "Новая заявка" in seen.text]) == 1, "a notice is edited in place"
    print(f"\n--- the manager\n{maria.transcript()}\n--- the customer\n{anna.transcript()}")


async def test_who_comes_second_or_presses_twice_is_told(office: Office) -> None:
    anna, maria, peter = office.house.person(), office.phone("Мария"), office.phone("Peter")
    await office.lead(anna)
    await maria.sees("Новая заявка")
    old = (await peter.sees("New lead")).raw
    data = old["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    first, second = maria.press("Взять"), maria.press_data(data)
    assert "Диалог ваш" in await maria.answered(first)
    assert "уже ваш" in await maria.answered(second)
    assert await peter.answered(peter.press_data(data, old)) == "Мария has this one already."
    await anna.sees("has joined")
    await asyncio.sleep(3)
    assert len([seen for seen in anna.seen() if "has joined" in seen.text]) == 1
    assert len([seen for seen in maria.seen() if "Вы говорите" in seen.text]) == 1


async def test_buttons_are_for_managers_only(office: Office) -> None:
    anna, maria = office.house.person(), office.phone("Мария")
    lead = await office.lead(anna)
    await maria.sees("Новая заявка")
    forged = Key(deed=Deed.TAKE, about=lead).data()
    assert "for managers" in await anna.answered(anna.press_data(forged))
    await office.desk.dismiss(None, office.managers["Мария"].id)
    assert "для менеджеров" in await maria.answered(maria.press("Взять"))
    async with office.house.store.transaction() as tx:
        assert await tx.connection.scalar(text("SELECT count(*) FROM conversations WHERE owner = 'agent'")) == 0


@pytest.mark.parametrize("data", ["", "M1", "M1x" + "A" * 22, "M1t" + "?" * 22, "M2t" + "A" * 22, "2c" + "A" * 23])
def test_a_forged_key_is_none(data: str) -> None:
    assert read_key(data) is None


async def test_a_dismissed_managers_dialogues_go_back_to_the_assistant(office: Office) -> None:
    anna, maria, peter = office.house.person(), office.phone("Мария"), office.phone("Peter")
    await office.lead(anna)
    await maria.sees("Новая заявка")
    maria.press("Взять")
    await anna.sees("has joined")
    await office.desk.dismiss(None, office.managers["Мария"].id)
    await anna.sees("The manager has left")
    after = anna.write("hello?")
    await anna.sees("hello?", after=after)
    peter.press("Take over")
    await anna.sees("Peter, a manager, has joined")


async def test_a_manager_who_serves_nobody_is_a_customer(office: Office) -> None:
    maria = office.phone("Мария")
    maria.write("show me pumps")
    await maria.sees("show me pumps")
    maria.write("/back")
    await maria.sees("Вы сейчас не ведёте диалог")


async def test_a_managers_photo_is_refused_plainly_and_a_customers_is_seen(office: Office) -> None:
    anna, maria = office.house.person(), office.phone("Мария")
    await office.lead(anna)
    await maria.sees("Новая заявка")
    maria.press("Взять")
    await maria.sees("Вы говорите")
    picture = io.BytesIO()
    Image.new("RGB", (300, 200), "teal").save(picture, "JPEG")
    maria.send_photo(picture.getvalue(), caption="вот такой")
    await maria.sees("Клиенту отсюда уходит только текст")
    anna.send_photo(picture.getvalue())
    await maria.sees("отправлено фото")
    await maria.sees(lambda seen: bool(seen.photo))
    after = max(maria.chat.messages)
    anna.send_photo(picture.getvalue(), caption="the plate of the old pump")
    await maria.sees("Anna: the plate of the old pump", after=after)
    await maria.sees(lambda seen: bool(seen.photo), after=after)
    anna.send_voice()
    await maria.sees(lambda seen: "voice" in seen.raw, after=after)
    anna.send_document()
    await maria.sees(lambda seen: "document" in seen.raw, after=after)
    await asyncio.sleep(2)
    said = " ".join(seen.text for seen in anna.seen())
    assert "вот такой" not in said and "only read text" not in said


async def test_an_update_that_comes_twice_is_said_once(office: Office) -> None:
    anna, maria = office.house.person(), office.phone("Мария")
    await office.lead(anna)
    await maria.sees("Новая заявка")
    maria.press("Взять")
    await maria.sees("Вы говорите")
    office.house.api.faults.duplicate = 1.0
    maria.write("Один раз")
    anna.write("Just once")
    await anna.sees("Один раз")
    await maria.sees("Just once")
    await asyncio.sleep(4)
    assert len([seen for seen in anna.seen() if seen.text == "Один раз"]) == 1
    assert len([seen for seen in maria.seen() if "Just once" in seen.text]) == 1


async def test_a_manager_who_stays_away_hears_that_the_assistant_has_it_again(office: Office) -> None:
    anna, maria = office.house.person(), office.phone("Мария")
    await office.lead(anna)
    await maria.sees("Новая заявка")
    maria.press("Взять")
    await maria.sees("Вы говорите")
    assert await office.desk.release_forgotten(timedelta(0)) == 1
    await maria.sees("Вы давно не писали, и диалог вернулся ассистенту: Anna")
    await anna.sees("The manager has left")
    after = maria.write("ещё тут?")
    await maria.sees("ещё тут?", after=after)  # the assistant answers them as it does a customer
    assert not any("ещё тут" in seen.text for seen in anna.seen())


async def test_two_dialogues_of_one_manager_are_told_apart(office: Office) -> None:
    anna, john, maria = office.house.person(), office.house.person(name="John"), office.phone("Мария")
    for customer, phone in ((anna, "+7 903 111-22-33"), (john, "+7 903 111-22-44")):
        await office.lead(customer, name=customer.user["first_name"], phone=phone)  # type: ignore[arg-type]
        await maria.sees(f"Новая заявка: {customer.user['first_name']}")
        maria.press("Взять")
        await maria.sees(f"Вы говорите с клиентом: {customer.user['first_name']}")
    anna.write("it is Anna")
    heard = await maria.sees("Anna: it is Anna")
    assert heard.buttons == ("Ответить: Anna",)
    maria.write("для Джона")
    await john.sees("для Джона")
    maria.press("Ответить: Anna")
    await asyncio.sleep(2)
    maria.write("для Анны")
    await anna.sees("для Анны")
    assert not any("для Анны" in seen.text for seen in john.seen())


async def test_call_back_later_is_set_shown_and_reminded_of(office: Office) -> None:
    anna, maria, peter = office.house.person(), office.phone("Мария"), office.phone("Peter")
    await office.lead(anna)
    await maria.sees("Новая заявка")
    assert await maria.answered(maria.press("завтра утром")) == "Напомню 23.11. 10:00."  # the next working day
    await peter.sees("Мария calls back on 23.11. 10:00")
    maria.press("через час")
    await maria.sees("Мария перезвонит 20.11. 13:00")
    async with office.house.store.transaction() as tx:
        await tx.connection.execute(text("UPDATE leads SET call_at = now() - interval '1 minute'"))
    await office.leads().escalate(office.house.store)
    await maria.sees("Пора перезвонить: Anna")


async def test_what_is_new_and_what_nobody_took_is_told_in_the_managers_languages(office: Office) -> None:
    anna, maria, peter = office.house.person(), office.phone("Мария"), office.phone("Peter")
    await office.lead(anna)
    await office.lead(anna, company="Pumps Ltd")
    await maria.sees("Заявка дополнена: Anna, Pumps Ltd")
    await peter.sees("More about a lead: Anna, Pumps Ltd")
    await office.leads(patience=timedelta(0)).escalate(office.house.store)
    await maria.sees("Заявку никто не взял: Anna, Pumps Ltd")
    assert "Company: Pumps Ltd" in (await peter.sees("Nobody has taken this lead: Anna, Pumps Ltd")).text


async def test_who_asks_for_a_manager_is_a_lead_at_once_and_once(office: Office) -> None:
    anna, maria = office.house.person(), office.phone("Мария")
    anna.write("/contact")
    anna.write("/contact")
    await maria.sees("Клиент зовёт менеджера")
    await asyncio.sleep(3)
    assert len([seen for seen in maria.seen() if "зовёт" in seen.text]) == 1
    assert await office.leads().manned(office.house.store) is True


@pytest.mark.parametrize(
    ("there", "says"), [(True, "I've called a manager"), (False, "We're closed"), (None, "Leave a phone number")]
)
async def test_who_asks_for_a_manager_reads_whether_one_is_there(there: bool | None, says: str, tmp_path: Path) -> None:
    async def manned() -> bool | None:
        return there

    async def show(progress: Progress) -> None:
        raise AssertionError("there is nothing to show")

    assistant = Assistant(
        shelf=Shelf(tmp_path, embedders=[]), embedder=None, company=lambda: Passages({}), manned=manned,
        writer=Writer(llm=ScriptedLLM([]), prompt=default_prompt(), patience=timedelta(seconds=1)),
    )  # fmt: skip
    asks = Message(
        id=uuid4(), conversation=uuid4(), seq=1, role="user", kind="cta", text="/contact", payload={}, at=NOON
    )
    claim = Claim(
        conversation=asks.conversation, channel="telegram", address="1", token=1, memory=Memory(lang="en"),
        questions=(asks,), history=(),
    )  # fmt: skip
    reply = await assistant.answer(claim, message=uuid4(), show=show, stopped=asyncio.Event())
    assert reply.text.startswith(says) and reply.form


async def test_a_notice_for_the_morning_bars_nothing_at_night(office: Office) -> None:
    maria = office.phone("Мария")
    async with office.house.store.transaction() as tx:
        lead = {"lead": "00000000-0000-0000-0000-000000000000", "why": "new"}
        await tx.post(channel="telegram", address="900", kind="notice", body=lead, wait=timedelta(hours=9))
    maria.write("good night")
    await maria.sees("good night")


async def test_a_reply_that_was_owed_before_a_takeover_is_kept_back(office: Office) -> None:
    anna = office.house.person()
    anna.write("hello")
    await anna.sees("hello")
    here = await office.conversation(anna)
    store = office.house.store
    async with store.transaction() as tx:
        message = await tx.add(here, role="bot", kind="text", text="too late")
    await office.desk.take_over(office.managers["Мария"], here)
    await office.desk.hand_back(office.managers["Мария"], here)
    async with store.transaction() as tx:
        address = str(anna.chat.id)
        await tx.post(channel="telegram", address=address, kind="reply", body={"message": str(message.id)})
    assert "taken the dialogue over" in (await office.house.held(anna))[0]
    await office.house.channel.show(str(anna.chat.id), Progress(conversation=here, message=message.id, text="too late"))
    after = anna.write("and now?")
    await anna.sees("and now?", after=after)
    assert not any("too late" in seen.text for seen in anna.seen())
