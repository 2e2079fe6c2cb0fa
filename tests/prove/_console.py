"""A console in this process over a real store, with people of every kind at its door: what its proofs share."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import uvicorn
from sqlalchemy import text

from appliance.app.console import doors, house
from appliance.builds import Builds
from appliance.core.prompt import default_prompt
from appliance.core.prompt_form import Form
from appliance.core.types import Inbound, Reply, Role, Route, Rung, Staff
from appliance.desk.house import House
from appliance.desk.sessions import Visitor
from appliance.hours import Hours
from appliance.leads import Leads
from appliance.settings import Settings, load
from appliance.store.embedded import Embedded
from appliance.store.schema import migrate
from appliance.store.store import Store
from tests.rig import free_port
from ui.serve import build
from ui.site import Place, Site
from ui.status import Picture

KINDS = ("anonymous", "manager", "administrator", "disabled", "expired", "ended")
EVIL = (
    '"><img src=x onerror="window.__xss=1"><script>window.__xss=2</script>'
    '{{constructor.constructor("window.__xss=3")()}}'
)
FORMULAS = ('=HYPERLINK("http://evil.example","x")', "+1+1", "-2+3+cmd|' /C calc'!A0", "@SUM(1+1)", "\t=1+1", "\r=1+1")
VISITOR = Visitor(address="10.0.0.9", browser=EVIL)


@dataclass(kw_only=True)
class Rig:
    """What a proof needs at hand."""

    url: str
    site: Site
    house: House
    store: Store
    settings: Settings
    people: dict[str, Staff] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)  # session tokens by kind; "" for nobody
    conversations: list[UUID] = field(default_factory=list)
    leads: list[UUID] = field(default_factory=list)
    uploads: list[UUID] = field(default_factory=list)
    texts: list[UUID] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)

    def http(self) -> httpx.AsyncClient:
        """A client that keeps no connection: a busy box would close it in the moment of its next use."""
        alone = httpx.Limits(max_keepalive_connections=0)
        return httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=60, limits=alone)

    def headers(self, kind: str) -> dict[str, str]:
        return {"cookie": f"{self.site.cookie}={self.cookies[kind]}"} if self.cookies[kind] else {}

    def pages(self) -> list[Place]:
        return sorted((place for place in self.site.places if place.page), key=lambda place: place.path)

    def addresses(self, place: Place) -> list[str]:
        """The place's path with the ids that it means; the first that answers is the one."""
        if "{" not in place.path:
            return [place.path]
        return [_filled(place.path, id) for id in (*self._ids(place.path), str(uuid4()))]

    def _ids(self, path: str) -> list[str]:
        """Ids of things that there are, for a page or a file of one."""
        match path.split("/")[1:]:
            case ["catalogue", *_]:
                return [str(id) for id in self.uploads[:1]]
            case ["conversations", *_]:
                return [str(id) for id in self.conversations[:1]]
            case ["prompts", *_]:
                return self.prompts[:1]
            case ["texts", "new", _]:
                return ["company"]
            case ["texts", *_]:
                return [str(id) for id in self.texts[:1]]
            case _:
                return []


def _filled(path: str, id: str) -> str:
    return re.sub(r"\{[^}]*\}", id, path)


@contextlib.contextmanager
def database() -> Iterator[tuple[str, Path]]:
    """A migrated database and a home, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="console-"))
    try:
        with Embedded(folder / "postgres") as postgres:
            migrate(postgres.url)
            home = folder / "home"
            home.mkdir()
            yield postgres.url, home
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.asynccontextmanager
async def console(url: str, home: Path, **env: str) -> AsyncIterator[Rig]:
    """The real console on a free port, with the desk composed as its process does it."""
    port = free_port()
    settings = load({
        "APPLIANCE_HOME": str(home), "DATABASE_URL": url, "APPLIANCE_CONSOLE_PORT": str(port),
        "APPLIANCE_CHAT_PORT": str(free_port()), "APPLIANCE_ENGINE_PORT": str(free_port()), **env,
    })  # fmt: skip
    store = Store(url, pool=10)
    desk = house(settings, store)
    site = build(desk, doors(settings), look=_calm)
    server = uvicorn.Server(uvicorn.Config(
        site.api, host="127.0.0.1", port=port, access_log=False, log_config=None, ws="websockets-sansio",
        timeout_graceful_shutdown=1,
    ))  # fmt: skip
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.05)
        try:
            rig = Rig(url=f"http://127.0.0.1:{port}", site=site, house=desk, store=store, settings=settings)
            await _people(rig)
            yield rig
        finally:
            server.should_exit = True
            await serving
            await store.close()


async def _calm() -> Picture:
    return Picture(overall="ok", parts=(), going=())


async def _people(rig: Rig) -> None:
    """One of each kind, with the session that such a person has."""
    for kind in KINDS[1:]:
        role = Role.ADMINISTRATOR if kind == "administrator" else Role.MANAGER
        person = await rig.house.desk.employ(None, name=f"{kind} {EVIL}", role=role, lang="ru")
        rig.people[kind] = person
        rig.cookies[kind] = await rig.house.sessions.admit(person.id, VISITOR, how="link")
    rig.cookies["anonymous"] = ""
    await rig.house.desk.dismiss(None, rig.people["disabled"].id)
    await rig.house.sessions.leave(rig.cookies["ended"])
    async with rig.store.transaction() as tx:
        await tx.connection.execute(
            text("UPDATE sessions SET expires_at = now() - interval '1 second' WHERE user_id = :id"),
            {"id": rig.people["expired"].id},
        )


async def fill(rig: Rig, *, dialogues: int = 12) -> None:
    """Dialogues, leads, a price list and the house's own words, all of them hostile."""
    await _price_list(rig)
    await _words(rig)
    book = Leads(region="RU", hours=Hours.read("", "UTC"), idle=timedelta(minutes=30))
    for number in range(dialogues):
        words = f"{EVIL} насос {number}"
        inbound = Inbound(
            channel="widget", address=f"v{number}", external_id=str(uuid4()), text=words, lang_hint="ru"
        )  # fmt: skip
        async with rig.store.transaction() as tx:
            received = await tx.remember(inbound)
        async with rig.store.transaction() as tx:
            claim = await tx.claim(received.conversation)
            assert claim is not None
            reply = Reply(
                text=f"Вот {EVIL}", lang="ru", route=Route.PRODUCT_SEARCH, rung=Rung.TEMPLATE, none=number % 3 == 0
            )
            await tx.finish(claim, reply, message=uuid4())
        rig.conversations.append(received.conversation)
        bad = FORMULAS[number % len(FORMULAS)]
        values = {
            "name": bad if number % 2 else EVIL,
            "phone": f"+7903111223{number % 10}",
            "company": bad,
            "need": bad,
        }
        async with rig.store.transaction() as tx:
            lead = await book.from_form(tx, received.conversation, values, "2026-11")
        rig.leads.append(lead.id)


async def _words(rig: Rig) -> None:
    """The shipped prompt as a box has it, with a hostile draft beside it, and a text of the company."""
    anna = rig.people["administrator"]
    shipped = default_prompt()
    async with rig.store.transaction() as tx:
        await tx.keep_prompt(shipped)
        await tx.publish_prompt(shipped.name, shipped.version)
    draft = Form(system=f"Be brief. {EVIL}", examples=((EVIL, f'{{"answer": "{EVIL}"}}'),))
    rig.prompts.append(await rig.house.words.save_draft(anna, draft, note=EVIL))
    rig.texts.append(await rig.house.words.save_text(anna, kind="company", name=EVIL[:40], body=f"# {EVIL}\n\n{EVIL}"))


async def _price_list(rig: Rig) -> None:
    """An upload that has been read, with hostile cells, columns and file name."""
    quoted = EVIL.replace('"', '""')
    rows = [f'"Артикул";"Наименование";"Цена, руб.";"{quoted}"']
    rows += [f'"A-{n}";"Насос {n} {quoted}";"{100 + n}";"{quoted}"' for n in range(30)]
    rows.append(f'"A-99";"{quoted}";"{quoted}";"=1+1"')
    await read_list(rig, f"{EVIL}.csv", "\n".join(rows))


async def read_list(rig: Rig, name: str, rows: str) -> UUID:
    """Uploads a list and has it read, as the worker does."""

    async def body() -> AsyncIterator[bytes]:
        yield rows.encode()

    id = uuid4()
    await rig.house.catalogue.receive(rig.people["administrator"], id, name, body(), lang="ru")
    await work_on(rig)
    rig.uploads.append(id)
    return id


async def work_on(rig: Rig) -> None:
    """Does what lists wait for."""
    builds = Builds(store=rig.store, folder=rig.settings.home / "uploads")
    while await builds.work_once():
        pass
