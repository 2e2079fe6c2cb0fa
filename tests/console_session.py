"""A manager's browser without the browser: opens the console's pages, holds their sockets, answers what they ask."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import httpx
import psutil  # type: ignore[import-untyped]
import socketio  # type: ignore[import-untyped]

from appliance.core.types import Role
from appliance.desk import Desk
from appliance.desk.sessions import Sessions, Visitor
from appliance.store.store import Store
from tests.console_house import COOKIE

LINK = re.compile(r'href=\\?"(/[a-z/-]*)\\?"')
CLIENT = re.compile(r"'client_id': '([0-9a-f-]+)'")
DEADLINE = 30.0  # seconds for one page


class Session:
    """One person at one page at a time."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = url, token
        self._http = httpx.AsyncClient(base_url=url, cookies={COOKIE: token}, trust_env=False, timeout=DEADLINE)
        self._socket: socketio.AsyncClient | None = None
        self._tab = str(uuid4())
        self._page = ""
        self._next = 0
        self.html = ""
        self.events = 0

    async def visit(self, path: str) -> float:
        """Leaves the page that is open for another; gives the seconds until all its content is here."""
        await self.leave()
        began = time.perf_counter()
        answer = await self._http.get(path, headers={"accept-language": "ru"})
        took = time.perf_counter() - began
        answer.raise_for_status()
        self.html = answer.text
        page = CLIENT.search(self.html)
        if page is None:
            raise AssertionError(f"{path} is no page of the console: {self.html[:200]}")
        await self._hold(page[1])
        return took

    async def press(self, id: int, listener: str, value: Any = None) -> None:
        """An event of an element."""
        assert self._socket is not None
        event = {"client_id": self._page, "id": id, "listener_id": listener, "args": [value]}
        await self._socket.emit("event", event)

    async def acknowledge(self) -> None:
        """Tells the server up to which message it need not keep anything, as browsers do every few seconds."""
        if self._socket is not None and self._socket.connected:
            await self._socket.emit("ack", {"client_id": self._page, "next_message_id": self._next})

    async def leave(self) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            with contextlib.suppress(Exception):
                await socket.disconnect()

    async def close(self) -> None:
        await self.leave()
        await self._http.aclose()

    def links(self) -> list[str]:
        """The pages that the menu offers."""
        return sorted(set(LINK.findall(self.html)) - {"/"})

    async def _hold(self, page: str) -> None:
        self._page, self._next = page, 0
        self._socket = socketio.AsyncClient(reconnection=False, logger=False)
        self._socket.on("*", self._heard)
        query = (
            f"client_id={page}&tab_id={self._tab}&document_id={uuid4()}&implicit_handshake=true"
            "&old_tab_id=null&next_message_id=0"
        )
        await self._socket.connect(
            f"{self._url}?{query}", headers={"cookie": f"{COOKIE}={self._token}", "origin": self._url},
            transports=["websocket"], wait_timeout=10, socketio_path="/_nicegui_ws/socket.io",
        )  # fmt: skip

    async def _heard(self, event: str, data: Any = None) -> None:
        self.events += 1
        if isinstance(data, dict) and isinstance(data.get("_id"), int):
            self._next = max(self._next, data["_id"] + 1)


async def tokens(database: str, count: int, role: Role = Role.ADMINISTRATOR) -> list[str]:
    """Sessions of so many people."""
    store = Store(database, pool=1)
    try:
        made = []
        for number in range(count):
            person = await Desk(store=store).employ(None, name=f"Manager {number}", role=role, lang="ru")
            visitor = Visitor(address="127.0.0.1", browser="proof")
            made.append(await Sessions(store=store).admit(person.id, visitor, how="link"))
        return made
    finally:
        await store.close()


async def menu(session: Session) -> list[str]:
    """All pages that the menu of this person leads to, and the start."""
    await session.visit("/")
    return ["/", *session.links()]


def resident(pid: int) -> float:
    """MB of memory that a process holds."""
    return float(psutil.Process(pid).memory_info().rss) / 1e6


async def keep_acknowledging(sessions: Sequence[Session]) -> None:
    while True:
        await asyncio.sleep(3)
        for session in sessions:
            with contextlib.suppress(Exception):
                await session.acknowledge()
