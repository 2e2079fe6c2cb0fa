"""The sample history looks like months of work, reaches nobody, and is replaced as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from appliance.core.company import Passages
from appliance.history import write_history
from appliance.history.people import languages
from appliance.history.story import Setting
from appliance.store.store import Store, plain_url
from catalog.product import Product

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
GOODS = [
    Product(
        sku=f"P-{place}", name=f"Насос Гидромаш GN {place}, {place} кВт", category=f"Насосы / {place % 5}",
        brand="Гидромаш", price=Decimal(1000 + place), currency="RUB", stock=Decimal(place % 7), unit="шт",
    )
    for place in range(60)
]  # fmt: skip


def setting(**other: Any) -> Setting:
    about: dict[str, Any] = {
        "products": GOODS, "version": "v1", "texts": Passages({}), "prompt": "p1", "now": NOW, "dialogues": 400,
        "leads": 60, **other,
    }  # fmt: skip
    return Setting(**about)


@pytest.fixture
def rows(database_url: str) -> Iterator[psycopg.Connection]:
    write_history(database_url, setting())
    with psycopg.connect(plain_url(database_url), autocommit=True) as connection:
        yield connection


def one(rows: psycopg.Connection, query: str) -> Any:
    found = rows.execute(query.encode()).fetchone()
    assert found
    return found[0]


def test_there_are_as_many_dialogues_and_leads_as_asked(rows: psycopg.Connection) -> None:
    assert one(rows, "SELECT count(*) FROM conversations WHERE last_seq > 0") == 400
    assert one(rows, "SELECT count(*) FROM leads") == 60
    assert one(rows, "SELECT count(DISTINCT status) FROM leads") >= 4
    assert one(rows, "SELECT count(DISTINCT lang) FROM conversations") == len(languages()) == 8
    assert one(rows, "SELECT count(*) FROM quotations") > 5


def test_every_answer_can_be_judged_and_nothing_lies_in_the_future(rows: psycopg.Connection) -> None:
    texts = "FROM messages AS m WHERE role = 'bot' AND kind = 'text'"
    assert one(rows, f"SELECT count(*) {texts} AND id NOT IN (SELECT message_id FROM answers)") == 0
    assert one(rows, "SELECT count(*) FROM answers WHERE rung = 'prose' AND (model = '' OR prompt_version = '')") == 0
    assert one(rows, "SELECT max(at) FROM messages") <= NOW
    assert one(rows, "SELECT min(created_at) FROM conversations") >= NOW - timedelta(days=90)
    gaps = """SELECT count(*) FROM conversations AS c WHERE last_seq <>
              (SELECT count(*) FROM messages WHERE conversation_id = c.id)"""
    assert one(rows, gaps) == 0


def test_cards_show_products_of_the_catalogue(rows: psycopg.Connection) -> None:
    shown = "SELECT count(*) FROM messages, jsonb_array_elements(payload->'items') AS i WHERE kind = 'cards'"
    assert one(rows, shown) > 100
    assert one(rows, f"{shown} AND NOT i->>'sku' = ANY(ARRAY{[good.sku for good in GOODS]})") == 0


def test_its_customers_can_be_reached_by_nobody(rows: psycopg.Connection) -> None:
    phones = {phone for (phone,) in rows.execute("SELECT phone FROM leads WHERE phone <> ''")}
    assert phones and all(
        phone.startswith(("+7000", "+447700900", "+49171392", "+1212555", "+1415555")) for phone in phones
    )
    mails = {mail for (mail,) in rows.execute("SELECT email FROM leads WHERE email <> ''")}
    assert all(mail.partition("@")[2].startswith("example.") for mail in mails)
    assert one(rows, "SELECT count(*) FROM parcels") == 0
    assert one(rows, "SELECT count(*) FROM users WHERE telegram_id IS NOT NULL OR email <> ''") == 0


def test_written_again_it_takes_its_own_place_and_leaves_the_rest(rows: psycopg.Connection, database_url: str) -> None:
    rows.execute(
        "INSERT INTO conversations (id, channel, address, last_seq) VALUES (gen_random_uuid(), 'widget', 'x', 3)"
    )
    before = one(rows, "SELECT md5(string_agg(text, '' ORDER BY id)) FROM messages")
    write_history(database_url, setting())
    assert one(rows, "SELECT md5(string_agg(text, '' ORDER BY id)) FROM messages") == before
    assert one(rows, "SELECT count(*) FROM conversations WHERE last_seq > 0") == 401


async def test_nobody_is_told_of_its_silent_dialogues(store: Store, database_url: str) -> None:
    write_history(database_url, setting(now=datetime.now(UTC)))
    async with store.transaction() as tx:
        assert await tx.idle(timedelta(minutes=30)) == []
