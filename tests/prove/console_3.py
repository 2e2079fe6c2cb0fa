"""console-3: nobody does or sees what is not theirs: every desk method, every route, and every attack that we know.

The documented rights are `docs/roles.md`; `--write` writes that page from what the code does, for a person to read.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import csv
import dataclasses
import enum
import inspect
import io
import logging
import re
import sys
import types
import typing
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import openpyxl
import socketio  # type: ignore[import-untyped]
from nicegui import Client
from playwright.async_api import async_playwright
from sqlalchemy import text

from appliance.core.types import Role, Staff
from appliance.desk import Forbidden
from appliance.desk.logins import FREE, Refusal, Seed
from appliance.desk.sessions import Visitor
from appliance.store.errors import StoreUnavailable
from tests.console_house import CHROMIUM
from tests.prove._console import EVIL, KINDS, Rig, console, database, fill
from tests.rig import ROOT, verdict

ROLES = ROOT / "docs" / "roles.md"
MANAGER, ADMINISTRATOR, OPEN = "manager", "administrator", "open"
ORDER = (OPEN, MANAGER, ADMINISTRATOR)
PATIENCE = 20.0  # seconds for one call of a desk method with made-up values
DOOR = "logins", "sessions"  # parts whose open methods are the way in: each checks a secret of its own
LINE = re.compile(r"^\| `([^`]+)` \| (\w+) \|$", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Method:
    """A public method of the desk."""

    name: str  # as in `house.NAME`
    call: Callable[..., Any]
    asks: bool  # takes an actor


async def main(*, quick: bool, write: bool) -> None:
    with verdict("console-3") as wrong, database() as (url, home):
        async with console(url, home) as rig:
            await fill(rig, dialogues=6 if quick else 12)
            found = await rights(rig, wrong)
            compare(found | routes(rig), wrong, write=write)
            checks = await matrix(rig, wrong)
            attacks = [brute_force, replay, fixation, forgery, sockets, formulas, scripts]
            for attack in attacks:
                before = len(wrong)
                await attack(rig, wrong, quick)
                print(f"{attack.__name__}: {'fails, as it should' if len(wrong) == before else 'SUCCEEDS'}", flush=True)
        print(f"{len(found)} desk methods, {checks} requests, {len(attacks)} attacks{' (QUICK)' if quick else ''}")


async def rights(rig: Rig, wrong: list[str]) -> dict[str, str]:
    """What each method demands, by trying it as a stranger to the house, as a manager and as an administrator."""
    nobody = Staff(id=uuid4(), name="nobody", role=Role.CUSTOMER)
    found = {}
    for method in methods(rig):
        if not method.asks:
            found[method.name] = OPEN
            continue
        if await allowed(method, nobody):
            wrong.append(f"{method.name} lets a customer in")
        manager = await allowed(method, rig.people["manager"])
        if not await allowed(method, rig.people["administrator"]):
            wrong.append(f"{method.name} is closed to administrators")
        found[method.name] = MANAGER if manager else ADMINISTRATOR
    return found


def methods(rig: Rig) -> list[Method]:
    """Every public method of every part of the house, once."""
    seen: dict[Any, Method] = {}
    for part in dataclasses.fields(rig.house):
        desk = getattr(rig.house, part.name)
        if not type(desk).__module__.startswith("appliance.desk"):
            continue
        for name, call in inspect.getmembers(desk, callable):
            key = getattr(call, "__func__", None)
            if name.startswith("_") or name in ("within", "run", "close") or key is None or key in seen:
                continue
            values = list(inspect.signature(call).parameters)
            seen[key] = Method(f"{part.name}.{name}", call, asks=bool(values) and values[0] == "actor")
    return list(seen.values())


async def allowed(method: Method, actor: Staff) -> bool:
    """Whether the method refuses the actor: whatever else goes wrong comes after the door."""
    try:
        async with asyncio.timeout(PATIENCE):
            done = method.call(actor, **made_up(method.call))
            if inspect.isawaitable(done):
                await done
            elif hasattr(done, "__aiter__"):
                async for _ in done:
                    break
    except Forbidden:
        return False
    except (Exception, SystemExit):  # noqa: BLE001 - made-up values are refused in many ways
        return True
    return True


def made_up(call: Callable[..., Any]) -> dict[str, Any]:
    """A value of the right type for each parameter that must be given, but the actor."""
    hints = typing.get_type_hints(call)
    return {
        value.name: "ru" if value.name == "lang" else a_value(hints.get(value.name, str))
        for value in list(inspect.signature(call).parameters.values())[1:]
        if value.default is value.empty and value.kind not in (value.VAR_POSITIONAL, value.VAR_KEYWORD)
    }


def a_value(kind: Any) -> Any:
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return None if type(None) in inner else a_value(inner[0])
    if origin is typing.Literal:
        return inner[0]
    if origin is not None:
        kind = origin
    if kind is Any or kind is inspect.Parameter.empty:
        return None
    if kind is Role:
        return Role.MANAGER
    simple: dict[Any, Any] = {
        str: "made up", int: 1, float: 1.0, bool: False, bytes: b"", UUID: uuid4(), Decimal: Decimal(1),
        datetime: datetime.now().astimezone(), date: date(2026, 11, 22), timedelta: timedelta(days=1),
        Path: Path("made-up"), tuple: (), list: [], dict: {}, set: set(), frozenset: frozenset(),
        Mapping: {}, Sequence: [], collections.abc.Collection: [], collections.abc.Iterable: [],
    }  # fmt: skip
    if kind in simple:
        return simple[kind]
    if kind in (AsyncIterator, collections.abc.AsyncIterable):
        return _nothing()
    if inspect.isclass(kind) and issubclass(kind, enum.Enum):
        return next(iter(kind))
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        needed = [
            one for one in dataclasses.fields(kind)
            if one.init and one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING
        ]  # fmt: skip
        return kind(**{one.name: a_value(hints[one.name]) for one in needed})  # type: ignore[operator]
    if callable(kind) and not inspect.isclass(kind):
        return lambda *_, **__: None
    return None


async def _nothing() -> AsyncIterator[bytes]:
    empty: tuple[bytes, ...] = ()
    for chunk in empty:
        yield chunk


def routes(rig: Rig) -> dict[str, str]:
    """Every page and route of the console, with what it demands."""
    return {
        f"{'/'.join(place.methods)} {place.path}": str(place.role.value) if place.role else OPEN
        for place in rig.site.places
    }


def compare(found: dict[str, str], wrong: list[str], *, write: bool) -> None:
    """What the code demands against what is documented."""
    if write:
        ROLES.write_text(_page(found), encoding="utf-8")
        print(f"{ROLES.relative_to(ROOT)} is written: read it.")
    said = dict(LINE.findall(ROLES.read_text(encoding="utf-8"))) if ROLES.is_file() else {}
    wrong += [
        f"{name}: documented {said.get(name, 'not at all')}, in fact {found.get(name, 'gone')}"
        for name in sorted(found.keys() | said.keys()) if found.get(name) != said.get(name)
    ]  # fmt: skip
    for name, role in found.items():
        part = name.partition(".")[0]
        if role == OPEN and " " not in name and part not in DOOR and name not in ("desk.crew", "desk.manager"):
            print(f"  open: {name} takes no actor", flush=True)


def _page(found: dict[str, str]) -> str:
    lines = [
        "# Who may do what", "",
        "The rights of the console, as its code has them: `scripts/prove console-3` tries every line of this page as a",
        "stranger, a manager, an administrator, a disabled person and with an ended session; it fails where one is not",
        "so.",
        "`open` needs no login: such a method or route checks a secret of its own, or says what anybody may know.",
        "Ids are tried that belong to somebody else: managers may also `describe` themselves and `end` their own",
        "sessions.",
        "",
    ]  # fmt: skip
    for title, spaced in (("Pages and routes", True), ("The desk", False)):
        lines += [f"## {title}", "", "| what | who |", "|---|---|"]
        lines += [f"| `{name}` | {role} |" for name, role in sorted(found.items()) if (" " in name) is spaced]
        lines.append("")
    return "\n".join(lines)


async def matrix(rig: Rig, wrong: list[str]) -> int:
    """Every place of the console, asked for by everybody, with and without an origin."""
    count = 0
    await _log_in_again(rig)  # the desk's methods were tried, and one of them ends sessions
    async with rig.http() as http:
        for place in sorted(rig.site.places, key=lambda place: place.path == "/logout"):
            address = rig.addresses(place)[0]
            for method in place.methods:
                changes = method not in ("GET", "HEAD")
                for kind in KINDS:
                    headers = rig.headers(kind) | ({"origin": rig.url} if changes else {})
                    answer = await http.request(method, address, headers=headers)
                    count += 1
                    if not _as_documented(rig, place.role, place.page, kind, answer):
                        wrong.append(f"{method} {place.path} as {kind}: {answer.status_code} {answer.text[:80]!r}")
                    for origin in ("https://evil.example", "null", "") if changes else ():
                        told = {**rig.headers(kind), **({"origin": origin} if origin else {})}
                        forged = await http.request(method, address, headers=told)
                        count += 1
                        if forged.status_code != 403:
                            wrong.append(
                                f"{method} {place.path} as {kind} from {origin or 'nowhere'}: {forged.status_code}"
                            )
        if "/logout" not in {place.path for place in rig.site.places}:
            wrong.append("there is no way to log out")
    await _log_in_again(rig)
    return count


def _as_documented(rig: Rig, role: Role | None, page: bool, kind: str, answer: httpx.Response) -> bool:
    to_login = answer.status_code == 303 and answer.headers["location"].startswith("/login")
    if answer.status_code >= 500:
        return False
    if role is None:
        return answer.status_code not in (401, 403)
    if kind in ("anonymous", "disabled", "expired", "ended"):
        return to_login or (not page and answer.status_code == 401)
    if role is Role.ADMINISTRATOR and kind == "manager":
        return answer.status_code == 403
    return answer.status_code not in (401, 403) and not to_login


async def _log_in_again(rig: Rig) -> None:
    """Some of what is tried logs people out."""
    for kind in ("manager", "administrator"):
        rig.cookies[kind] = await rig.house.sessions.admit(rig.people[kind].id, Visitor(), how="link")


async def brute_force(rig: Rig, wrong: list[str], quick: bool) -> None:
    """Fifty guesses at once from many addresses, then the right one: only the free ones are judged."""
    person = rig.people["administrator"]
    await rig.house.logins.set_password(person, "anna", "correct horse battery")

    async def guess(number: int, password: str) -> str:
        try:
            await rig.house.logins.by_password("Anna", password, Visitor(address=f"10.1.{number}.1"))
        except Refusal as refusal:
            return refusal.id
        except StoreUnavailable:  # so many at once on a busy box: not judged either
            return "busy"
        return "in"

    told = collections.Counter(await asyncio.gather(*(guess(n, f"wrong {n}") for n in range(50))))
    if told["wrong"] > FREE + 4 or told["in"]:  # the free ones, the next, and one after each pause that has passed
        wrong.append(f"of 50 guesses {told['wrong']} were judged: {dict(told)}")
    while await guess(50, "wrong again") != "too_early":  # each wrong one doubles the pause
        pass
    if await guess(51, "correct horse battery") != "too_early":
        wrong.append("the right password is taken although its account must wait")
    same = Visitor(address="10.2.0.1")
    names = collections.Counter([await _outcome(rig, f"name{n}", same) for n in range(30)])
    if not names["too_early"]:
        wrong.append("one address may try as many names as it likes")
    kept = await _scalar(rig, "SELECT password_hash FROM credentials")
    if not str(kept).startswith("$argon2id$"):
        wrong.append(f"passwords are kept as {str(kept)[:12]}")


async def _outcome(rig: Rig, login: str, visitor: Visitor) -> str:
    try:
        await rig.house.logins.by_password(login, "wrong", visitor)
    except Refusal as refusal:
        return refusal.id
    return "in"


async def replay(rig: Rig, wrong: list[str], quick: bool) -> None:
    """A confirmed login is used once, by the browser that asked; an invitation once; a session's token not at all."""
    logins, manager = rig.house.logins, rig.people["manager"]
    seed = await logins.ask_bot(Visitor(address="10.3.0.1"))
    async with rig.store.transaction() as tx:
        opened = await tx.open_login(token=seed.token, telegram_id=42)
        assert opened is not None
        if await tx.settle_login(opened.id, telegram_id=43, person=manager.id):
            wrong.append("somebody else confirms a login")
        await tx.settle_login(opened.id, telegram_id=42, person=manager.id)
    if any([await _by_bot(rig, stolen) for stolen in (Seed(seed.token), Seed(seed.code), Seed(""))]):
        wrong.append("the link or the code alone lets a browser in")
    if sum(await asyncio.gather(*(_by_bot(rig, seed) for _ in range(10)))) != 1:
        wrong.append("one confirmed login lets in more than once")
    token = await logins.invite(rig.people["administrator"], role=Role.MANAGER)
    joined = await asyncio.gather(*(
        logins.join(token, name="N", login=f"new{n}", password=f"a good password {n}", lang="ru") for n in range(5)
    ), return_exceptions=True)  # fmt: skip
    if sum(isinstance(one, UUID) for one in joined) != 1:
        wrong.append(f"an invitation was used {sum(isinstance(one, UUID) for one in joined)} times")
    stored = await _column(rig, "SELECT token_hash FROM sessions UNION SELECT token_hash FROM links "
                                "UNION SELECT token_hash FROM logins UNION SELECT code_hash FROM logins")  # fmt: skip
    if {seed.token, seed.code, seed.secret, token, *rig.cookies.values()} & set(stored):
        wrong.append("a secret is stored as it is")


async def _by_bot(rig: Rig, seed: Seed) -> bool:
    try:
        await rig.house.logins.by_bot(seed)
    except Refusal:
        return False
    return True


async def fixation(rig: Rig, wrong: list[str], quick: bool) -> None:
    """A session that the browser brought is never the one that it has after the login, and it ends."""
    old = await rig.house.sessions.admit(rig.people["manager"].id, Visitor(), how="link")
    await rig.house.logins.set_password(rig.people["manager"], "maria", "a good password 7")
    async with rig.http() as http:
        for brought in (old, "chosen-by-the-attacker"):
            answer = await http.post(
                "/login/password", data={"login": "maria", "password": "a good password 7", "next": "//evil.example/"},
                headers={"origin": rig.url, "cookie": f"{rig.site.cookie}={brought}"},
            )  # fmt: skip
            given = answer.cookies.get(rig.site.cookie)
            if not given or given == brought or await rig.house.sessions.whose(brought):
                wrong.append(f"after the login the session {brought[:6]}… lives on")
            if answer.headers["location"] != "/":
                wrong.append(f"the login leads to {answer.headers['location']}")
            flags = answer.headers["set-cookie"].lower()
            if "httponly" not in flags or "samesite=lax" not in flags:
                wrong.append(f"the session's cookie is {flags}")


async def forgery(rig: Rig, wrong: list[str], quick: bool) -> None:
    """Other sites' pages: no form, no frame, no reading of ours."""
    async with rig.http() as http:
        page = await http.get("/login", headers={"origin": "https://evil.example"})
        if "frame-ancestors 'none'" not in page.headers.get("content-security-policy", ""):
            wrong.append("the console may be framed")
        if "access-control-allow-origin" in page.headers:
            wrong.append("other sites may read the console")
        for origin in ("https://evil.example", f"{rig.url}.evil.example", rig.url.replace("127.0.0.1", "localhost")):
            answer = await http.post("/logout", headers={"origin": origin, **rig.headers("manager")})
            if answer.status_code != 403:
                wrong.append(f"a form on {origin} logs people out: {answer.status_code}")
    if await rig.house.sessions.whose(rig.cookies["manager"]) is None:
        wrong.append("a forged logout has worked")


async def sockets(rig: Rig, wrong: list[str], quick: bool) -> None:
    """A page's id alone opens no socket, and a socket speaks for its own page alone, while its session lives."""
    path = next(place.path for place in rig.site.menu(rig.people["administrator"]) if place.role is Role.ADMINISTRATOR)
    page = await _open_page(rig, path, "administrator")
    for kind, origin in (
        ("anonymous", rig.url), ("manager", rig.url), ("disabled", rig.url), ("expired", rig.url),
        ("administrator", "https://evil.example"), ("administrator", ""), ("administrator", "null"),
    ):  # fmt: skip
        if await _socket_opens(rig, page, kind, origin):
            wrong.append(f"the administrator's page is opened by a socket of {kind} from {origin or 'nowhere'}")
    if not await _socket_opens(rig, page, "administrator", rig.url):
        wrong.append("the administrator's own socket is refused")
    heard: list[str] = []
    client = Client.instances[await _open_page(rig, path, "administrator")]
    with client.content:
        from nicegui import ui

        ui.button("x", on_click=lambda: heard.append("clicked")).mark("probe")
    button = next(element for element in client.elements.values() if "probe" in element._markers)
    event = {"client_id": client.id, "id": button.id, "listener_id": next(iter(button._event_listeners)), "args": []}
    async with _socket(rig, await _open_page(rig, "/me", "manager"), "manager") as foreign:
        await foreign.emit("event", event)
        await asyncio.sleep(0.5)
        if heard:
            wrong.append("a manager's socket presses an administrator's button")
    async with _socket(rig, client.id, "administrator") as own:
        await own.emit("event", event)
        await asyncio.sleep(1.2)
        if heard != ["clicked"]:
            wrong.append(f"the administrator's own button does not work: {heard}")
        async with rig.store.transaction() as tx:
            await tx.change_person(rig.people["administrator"].id, role=Role.MANAGER)
        await own.emit("event", event)
        await asyncio.sleep(0.5)
        if len(heard) > 1:
            wrong.append("an open page goes on working for one who is no administrator any more")
        async with rig.store.transaction() as tx:
            await tx.change_person(rig.people["administrator"].id, role=Role.ADMINISTRATOR)
        await rig.house.sessions.leave(rig.cookies["administrator"])
        await own.emit("event", event)
        await asyncio.sleep(0.5)
        if len(heard) > 1:
            wrong.append("an open page goes on working after its session has ended")
    await _log_in_again(rig)
    async with rig.http() as http:
        told = await http.post(
            f"/_nicegui/client/{client.id}/upload/1", headers={"origin": rig.url, **rig.headers("manager")},
            files={"file": ("a.txt", b"x")},
        )  # fmt: skip
        if told.status_code != 403:
            wrong.append(f"a manager uploads into an administrator's page: {told.status_code}")


async def _open_page(rig: Rig, path: str, kind: str) -> str:
    before = set(Client.instances)
    async with rig.http() as http:
        answer = await http.get(path, headers=rig.headers(kind))
    new = set(Client.instances) - before
    assert answer.status_code == 200 and new, f"{path} as {kind}: {answer.status_code}"
    return next(iter(new))


@contextlib.asynccontextmanager
async def _socket(rig: Rig, page: str, kind: str, origin: str | None = None) -> AsyncIterator[socketio.AsyncClient]:
    own = socketio.AsyncClient(reconnection=False, logger=False)
    origin = rig.url if origin is None else origin
    headers = rig.headers(kind) | ({"origin": origin} if origin else {})
    tab = "tab-of-the-test"
    query = f"client_id={page}&tab_id={tab}&document_id=d&implicit_handshake=true&old_tab_id=null&next_message_id=0"
    try:
        await own.connect(
            f"{rig.url}?{query}", headers=headers, transports=["websocket"], wait_timeout=5,
            socketio_path="/_nicegui_ws/socket.io",
        )  # fmt: skip
        yield own
    finally:
        await own.disconnect()


async def _socket_opens(rig: Rig, page: str, kind: str, origin: str) -> bool:
    try:
        async with _socket(rig, page, kind, origin) as own:
            return bool(own.connected)
    except socketio.exceptions.ConnectionError:
        return False


async def formulas(rig: Rig, wrong: list[str], quick: bool) -> None:
    """What customers write is text in every table that people download."""
    tried = 0
    async with rig.http() as http:
        for place in rig.site.places:
            if place.page or "GET" not in place.methods:
                continue
            for address in rig.addresses(place):
                answer = await http.get(address, headers=rig.headers("administrator"))
                kind = answer.headers.get("content-type", "")
                if answer.status_code != 200:
                    continue
                if "spreadsheet" in kind:
                    tried += 1
                    wrong += [f"{address}: {cell}" for cell in _formulas_in(answer.content)]
                elif "csv" in kind:
                    tried += 1
                    wrong += [f"{address}: {cell[:40]!r}" for cell in _active_in(answer.text)]
                break
    print(f"  {tried} tables downloaded")
    if not tried:
        wrong.append("no table could be downloaded, so nothing was tried")


def _formulas_in(book: bytes) -> list[str]:
    sheets = openpyxl.load_workbook(io.BytesIO(book))
    return [
        f"{cell.coordinate} is the formula {cell.value!r}"
        for sheet in sheets for row in sheet.iter_rows() for cell in row if cell.data_type == "f"
    ]  # fmt: skip


def _active_in(table: str) -> list[str]:
    """Cells that a spreadsheet program would take for a formula (OWASP, CSV injection)."""
    table = table.removeprefix("\ufeff")
    rows = csv.reader(io.StringIO(table, newline=""), delimiter=";" if table.partition("\n")[0].count(";") else ",")
    return [cell for row in rows for cell in row if re.match(r"[=+@\t\r]|-(?![\d.,]*$)", cell)]


async def scripts(rig: Rig, wrong: list[str], quick: bool) -> None:
    """Markup and code in names, messages, leads, browsers' names: every page shows them as they are."""
    assert CHROMIUM is not None, "install Chromium: apt install chromium"
    shown = 0
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = await browser.new_context()
        await context.add_cookies([{"name": rig.site.cookie, "value": rig.cookies["administrator"], "url": rig.url}])
        page = await context.new_page()
        page.on("dialog", lambda dialog: wrong.append(f"a page opened a dialog: {dialog.message}"))
        for place in rig.pages():
            for address in rig.addresses(place):
                answer = await page.goto(rig.url + address)
                if answer is not None and answer.status == 200:
                    break
            await page.wait_for_timeout(400 if quick else 1500)
            shown += EVIL[:12] in await page.inner_text("body")
            if (run := await page.evaluate("window.__xss")) is not None:
                wrong.append(f"{place.path} has run what a customer wrote (payload {run})")
            if await page.locator('img[src="x"]').count():
                wrong.append(f"{place.path} has made an element of what a customer wrote")
        await browser.close()
    print(f"  {len(rig.pages())} pages opened, {shown} of them show what was written")
    if not shown:
        wrong.append("no page shows the hostile words, so nothing was tried")


async def _scalar(rig: Rig, question: str) -> Any:
    async with rig.store.transaction() as tx:
        return await tx.connection.scalar(text(question))


async def _column(rig: Rig, question: str) -> list[Any]:
    async with rig.store.transaction() as tx:
        return list(await tx.connection.scalars(text(question)))


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--quick", action="store_true")
    options.add_argument("--write", action="store_true", help="write docs/roles.md anew")
    asked = options.parse_args()
    logging.disable(logging.ERROR)
    sys.exit(asyncio.run(main(quick=asked.quick, write=asked.write)))
