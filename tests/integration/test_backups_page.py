"""The console's page of backups and personal data: for administrators alone, also by the addresses of its downloads."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from appliance.backup import Backups
from appliance.core.leads import Contacts
from appliance.core.types import Inbound, Role
from appliance.store.leads import Status
from appliance.store.store import Store
from tests.console_house import Console, console


@pytest.fixture
def open_console(database_url: str, tmp_path: Path) -> Iterator[Console]:
    """Over a data folder with one backup, and a customer."""
    home = tmp_path / "home"
    home.mkdir()
    Backups(home).create(database_url)
    asyncio.run(customer(database_url))
    with console(database_url, home) as running:
        yield running


async def customer(url: str) -> None:
    store = Store(url, pool=1)
    async with store.transaction() as tx:
        said = Inbound(channel="telegram", address="5550001", external_id=str(uuid4()), text="насос")
        here = await tx.remember(said)
        anna = Contacts(name="Анна Петрова", phone="+79031112233")
        await tx.keep_lead(here.conversation, anna, status=Status.NEW, source="form")
    await store.close()


def test_only_administrators_see_it_and_take_files_from_it(open_console: Console) -> None:
    [backup] = Backups(open_console.home).all()
    files = [f"/backups/manifests/{backup.id}.json", "/backups/people/+79031112233.zip"]
    with browser(open_console, Role.MANAGER) as http:
        assert [http.get(place).status_code for place in ("/backups", *files)] == [403, 403, 403]
    with browser(open_console) as http:
        assert all(http.get(place).status_code in (303, 307, 401) for place in ("/backups", *files))
    with browser(open_console, Role.ADMINISTRATOR) as http:
        page = http.get("/backups")
        assert page.status_code == 200 and "Копии и данные" in page.text and "appliance restore" in page.text
        manifest, person = (http.get(file) for file in files)
        assert manifest.json()["id"] == backup.id and "database.dump" in manifest.json()["files"]
        with zipfile.ZipFile(io.BytesIO(person.content)) as contents:
            assert "Анна Петрова" in contents.read("person.json").decode()
        assert http.get("/backups/manifests/20200101-000000.json").status_code == 404
        assert http.get("/backups/people/nobody.zip").status_code == 404


def browser(console: Console, role: Role | None = None) -> httpx.Client:
    """Somebody of that role, or nobody."""
    cookies = console.cookie(role) if role else {}
    return httpx.Client(base_url=console.url, cookies=cookies, trust_env=False)
