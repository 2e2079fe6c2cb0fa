"""Stands before the console: lets no other site's page act, and no socket in whose session is not the page's.

NiceGUI itself trusts whoever knows a page's id. Here an id alone opens nothing: a socket, an event and an upload must
come from the browser whose session opened the page, and that session must still be good.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

from fastapi import FastAPI
from nicegui import Client, core
from starlette.requests import HTTPConnection
from starlette.responses import Response

from appliance.core.types import Role

if TYPE_CHECKING:
    from ui.site import Here, Site

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Any]]
Send: TypeAlias = Callable[[Any], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

SOCKET = "/_nicegui_ws/"
CLIENT = "/_nicegui/client/"
SAFE = ("GET", "HEAD", "OPTIONS")
FRESH = 1.0  # seconds for which the look at a session serves the events of a page; handlers look for themselves


def may_see(role: Role, needed: Role | None) -> bool:
    """Administrators may open what managers may."""
    return needed is None or role in (needed, Role.ADMINISTRATOR)


class Gate:
    """Checks the origin of what changes anything, and binds a page's socket to the session that opened it."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._seen: dict[str, float] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    def stand_before(self, api: FastAPI) -> None:
        gate = self

        class Before:
            def __init__(self, app: App) -> None:
                self.app = app

            async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
                if scope["type"] in ("http", "websocket") and (why := gate._refusal(HTTPConnection(scope))):
                    await _refuse(scope, receive, send, why)
                    return
                await self.app(scope, receive, send)

        api.add_middleware(Before)
        self._watch_events()

    def _refusal(self, asked: HTTPConnection) -> str:
        """Why a request may not come in; empty where it may."""
        path = asked.url.path
        changes = asked.scope["type"] == "websocket" or asked.scope["method"] not in SAFE
        origin = asked.headers.get("origin", "")
        if (changes or path.startswith(SOCKET)) and (origin or changes) and not _same(origin, asked):
            return "This request comes from another site."
        if path.startswith(CLIENT) and not self._owns(asked, path.removeprefix(CLIENT).partition("/")[0]):
            return "This page is not yours."
        if path.startswith(SOCKET) and (page := parse_qs(asked.url.query).get("client_id")):
            return "" if self._owns(asked, page[0]) else "This page is not yours."
        return ""

    def _owns(self, asked: HTTPConnection, page: str) -> bool:
        """Whether the browser's session is the one that opened the page. A page that is gone is nobody's secret."""
        here = self._here(page)
        return here is None or asked.cookies.get(self._site.cookie, "") == here.token

    def _here(self, page: str) -> Here | None:
        client = Client.instances.get(page)
        return self._site.open_pages.get(client) if client else None

    def _watch_events(self) -> None:
        """Handshakes and events are looked at before NiceGUI gets them, in their order."""
        handlers = core.sio.handlers["/"]
        shake, event = handlers["handshake"], handlers["event"]

        async def on_handshake(sid: str, data: dict[str, Any]) -> bool:
            here = self._here(str(data.get("client_id", "")))
            environ = core.sio.get_environ(sid) or {}
            if here is not None and not self._owns(HTTPConnection(environ["asgi.scope"]), str(data["client_id"])):
                return False
            return bool(await shake(sid, data))

        async def on_event(sid: str, message: dict[str, Any]) -> None:
            page = str(message.get("client_id", ""))
            client = Client.instances.get(page)
            if client is None or page not in core.sio.rooms(sid):  # a socket speaks for its own page alone
                return
            async with self._turns.setdefault(page, asyncio.Lock()):
                if await self._alive(client, page):
                    event(sid, message)

        def only_own(handler: Callable[[str, dict[str, Any]], Any]) -> Callable[[str, dict[str, Any]], Any]:
            def told(sid: str, message: dict[str, Any]) -> None:
                if str(message.get("client_id", "")) in core.sio.rooms(sid):
                    handler(sid, message)

            return told

        handlers["handshake"], handlers["event"] = on_handshake, on_event
        for name in ("javascript_response", "ack", "log"):
            handlers[name] = only_own(handlers[name])

        def forget(client: Client) -> None:
            self._seen.pop(client.id, None)
            self._turns.pop(client.id, None)

        core.app.on_delete(forget)

    async def _alive(self, client: Client, page: str) -> bool:
        """Whether the page's session and role still hold; says so on the page where they do not."""
        here = self._site.open_pages.get(client)
        if here is None or time.monotonic() - self._seen.get(page, -FRESH) < FRESH:
            return True
        try:
            await here.check()
        except Exception as error:  # noqa: BLE001 - told on the page
            with client.content:
                here.tell(error)
            return False
        self._seen[page] = time.monotonic()
        return True


def _same(origin: str, asked: HTTPConnection) -> bool:
    """Whether the asking page is of this very host (OWASP, CSRF prevention: verifying origin)."""
    parts = urlsplit(origin)
    return parts.scheme in ("http", "https") and parts.netloc == asked.headers.get("host", "-")


async def _refuse(scope: Scope, receive: Receive, send: Send, why: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 4403})
        return
    await Response(why, 403, media_type="text/plain")(scope, receive, send)
