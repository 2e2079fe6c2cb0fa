"""Managers and administrators hear on schedule how the box serves and how the CRM is fed: once each, by every way."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from appliance import availability, watch
from appliance.app.reporting import bulletins_desk
from appliance.backup import Backups
from appliance.bulletins import Bulletins
from appliance.core.bulletins import BOX, CRM, KINDS, Plan
from appliance.core.types import Role, Staff
from appliance.desk import Desk, Forbidden
from appliance.settings import load
from appliance.store.store import Store
from tests.zoho import ZohoServer
from tests.zoho.shop import Shop, connect, enquiry

MONDAY = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)  # nine in Moscow
MOSCOW = ZoneInfo("Europe/Moscow")


@pytest.fixture
async def crew(store: Store) -> list[Staff]:
    """A manager who reads Russian in Telegram, an administrator who reads English by mail."""
    desk = Desk(store=store)
    return [
        await desk.employ(None, name="Ольга", role=Role.MANAGER, telegram_id=9, lang="ru"),
        await desk.employ(None, name="Ann", role=Role.ADMINISTRATOR, email="ann@example.com", lang="en"),
    ]


def bulletins(store: Store, home: Path, *, now: datetime = MONDAY, **plans: Plan) -> Bulletins:
    return Bulletins(
        store=store, home=home, name="shop.example", ask="http://127.0.0.1:9", backups=Backups(home),
        console="https://desk.example", zone="Europe/Moscow", plans={kind: plans.get(kind, Plan()) for kind in KINDS},
        clock=lambda: now,
    )  # fmt: skip


async def told(store: Store) -> list[tuple[str, str, dict[str, Any]]]:
    async with store.transaction() as tx:
        rows = await tx.connection.execute(
            text("SELECT channel, address, body FROM parcels WHERE kind = 'aside' ORDER BY channel, created_at")
        )
        return [(row.channel, row.address, row.body) for row in rows]


async def last_told(store: Store, at: datetime) -> None:
    async with store.transaction() as tx:
        for kind in KINDS:
            await tx.bulletin(kind)
            await tx.bulletin_told(kind, at)


async def test_a_monday_morning_tells_how_the_box_served_in_each_ones_language_and_once(
    store: Store, crew: list[Staff], tmp_path: Path
) -> None:
    folder = watch.Folder(home=tmp_path)
    measured = availability.Availability(folder.availability)
    for number in range(400):
        at = datetime(2026, 11, 18, 12, tzinfo=MOSCOW) + timedelta(minutes=number)
        measured.sample(at.timestamp(), "x" if number == 300 else "+")
    news = {"id": "1", "kind": "trouble", "part": "bot", "cause": "bot_bad", "values": {}, "to": 0, "since": 0}
    folder.history.write_text(json.dumps(news | {"at": MONDAY.timestamp() - 86400}) + "\n")
    await last_told(store, MONDAY - timedelta(days=7))
    for _ in range(2):
        await bulletins(store, tmp_path).post_due()
    (mail, ann, english), (telegram, olga, russian) = await told(store)
    assert (mail, ann, telegram, olga) == ("mail", "ann@example.com", "telegram", "9")
    assert english["heading"] == "shop.example: served 99.937% of the time, 16 – 22 November 2026"
    lines, строки = dict(english["lines"]), dict(russian["lines"])
    assert lines["Customers were served"] == "99.937% of the time (99.5% is promised: kept)"
    assert lines["Not served"] == "15 s, times: 1; the longest took 15 s, from 18.11 17:00"
    assert lines["Alerts"] == "1: Telegram bot 1" and lines["Backups"] == "There is none yet."
    assert "chat does not answer" in lines["Now"], "the chat of this test is not there"
    assert "99,937" in russian["heading"] and "выполнено" in строки["Клиенты обслуживались"]


async def test_the_report_of_the_crm_says_what_went_what_is_held_and_why(
    store: Store, shop: Shop, zoho: ZohoServer, crew: list[Staff], tmp_path: Path
) -> None:
    await connect(store, shop.secrets, zoho)
    await enquiry(store)
    await shop.work()
    now = datetime.now(UTC) + timedelta(days=1)
    await last_told(store, now - timedelta(days=9))
    await bulletins(store, tmp_path, now=now, crm=Plan(every="day", hour=0), box=Plan(every="never")).post_due()
    (_, _, english), (_, _, russian) = await told(store)
    assert english["heading"].startswith("Pushes to the CRM: 1 sent, 0 held; ")
    assert dict(english["lines"])["Sent in the period"] == "1"
    assert english["link"] == "https://desk.example/crm"
    assert russian["heading"].startswith("Отправка в CRM: передано 1, задержано 0")


async def test_without_a_crm_nobody_is_told_of_one(store: Store, crew: list[Staff], tmp_path: Path) -> None:
    await last_told(store, MONDAY - timedelta(days=7))
    await bulletins(store, tmp_path, box=Plan(every="never")).post_due()
    assert await told(store) == []


async def test_the_console_chooses_the_hour_and_shows_one_at_once(
    store: Store, crew: list[Staff], tmp_path: Path
) -> None:
    manager, owner = crew
    desk = bulletins_desk(load({"APPLIANCE_HOME": str(tmp_path), "SMTP_HOST": "mail.example"}), store)
    with pytest.raises(Forbidden):
        await desk.plan(manager, BOX, every="day", weekday=0, hour=8)
    await desk.plan(owner, BOX, every="week", weekday=4, hour=17)
    planned = await desk.planned(manager, BOX)
    assert planned.plan == Plan(every="week", weekday=4, hour=17) and planned.people == 2
    assert planned.next is not None and planned.next.weekday() == 4
    assert await desk.show(manager, BOX) and not await desk.show(manager, CRM), "there is no CRM"
    ((channel, address, _),) = await told(store)
    assert (channel, address) == ("telegram", "9")


async def test_managers_hear_once_that_the_crm_takes_leads_again(
    store: Store, shop: Shop, zoho: ZohoServer, crew: list[Staff]
) -> None:
    grant = await connect(store, shop.secrets, zoho)
    async with store.transaction() as tx:
        await tx.crm_configure("zoho", secrets={"refresh_token": shop.secrets.seal("withdrawn")})
    await enquiry(store)
    await shop.work()
    await shop.pushes.look_after()
    headings = [body["heading"] for _, _, body in await told(store)]
    assert headings == ["The CRM has not taken these leads: 1", "CRM не приняла заявки: 1"]
    async with store.transaction() as tx:
        await tx.crm_configure("zoho", secrets={"refresh_token": shop.secrets.seal(grant.refresh)})
        await tx.crm_resume()
    await shop.hurry()
    await shop.work()
    for _ in range(3):
        await shop.pushes.look_after()
    again = [body for _, _, body in await told(store)][1::2]
    assert [body["heading"] for body in again] == ["The CRM takes leads again", "CRM снова принимает заявки"]
    assert "передано: 1" in again[1]["lines"][0][1]
