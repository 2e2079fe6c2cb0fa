"""The widget over HTTP: its built files, the full-page chat, and the pages of older messages."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Protocol
from uuid import UUID

from fastapi import FastAPI
from pydantic import BaseModel, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from appliance.channels.widget_door import Door
from appliance.channels.widget_frames import Photos, event
from appliance.channels.widget_line import WidgetLimits
from appliance.core.limits import Limiter
from appliance.core.types import Message, Visit
from appliance.store.errors import WrongToken

HASHED = re.compile(r"-[0-9a-f]{8}\.(js|json)$")
TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".html": "text/html; charset=utf-8",
}
FOR_ANY_SITE = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
}
CHAT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' https: data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self' {framers}"
)
BODY = 1024  # bytes of a request for older messages


class Past(Protocol):
    """What the pages of older messages need of the store."""

    async def visit(self, *, sid: str, token: str, lang: str, page: Mapping[str, object]) -> Visit: ...

    async def earlier(self, conversation: UUID, *, before: int, limit: int = 50) -> list[Message]: ...


class Earlier(BaseModel):
    """A request for older messages. It is sent as plain text, so that no browser asks for leave (CORS) first."""

    sid: Annotated[str, Field(min_length=1, max_length=64)]
    token: Annotated[str, Field(max_length=256)]
    before: Annotated[int, Field(ge=1, le=2**31 - 1)]


@dataclass(frozen=True, slots=True)
class Asset:
    """A built file, ready to be sent."""

    body: bytes
    packed: bytes
    etag: str
    headers: Mapping[str, str]


class Pages:
    """Serves what a browser fetches before and beside its WebSocket."""

    def __init__(
        self, *, files: Path, door: Door, sites: Callable[[], Collection[str]], visits: Past, photos: Photos,
        limits: WidgetLimits, clock: Callable[[], float], framers: Collection[str] = (),
    ) -> None:  # fmt: skip
        self._assets = {path.name: _asset(path) for path in sorted(files.glob("*.*")) if path.suffix in TYPES}
        if not {"loader.js", "chat.html"} <= self._assets.keys():
            raise FileNotFoundError(f"The built widget is not in {files}; run `npm ci && npm run build` in ui/widget.")
        self._door, self._sites, self._visits, self._photos, self._clock = door, sites, visits, photos, clock
        self._framers = frozenset(framers)
        self._asked, self._page = Limiter(*limits.history), limits.resume_events

    def mount(self, app: FastAPI) -> None:
        """Adds `/widget/v1/…` and `/chat`."""
        app.router.add_route("/widget/v1/history", self.history, methods=["POST"])
        app.router.add_route("/widget/v1/{name}", self.asset, methods=["GET", "HEAD"])
        app.router.add_route("/chat", self.chat, methods=["GET", "HEAD"])

    async def asset(self, request: Request) -> Response:
        """A file of the widget, for pages of any site."""
        name = request.path_params["name"]
        asset = self._assets.get(name) or self._successor(name)
        return _answer(request, asset) if asset else Response(status_code=404, headers=FOR_ANY_SITE)

    def _successor(self, name: str) -> Asset | None:
        """What stands for a file of an earlier version, which a page with the earlier loader may still ask for."""
        stem = HASHED.split(name)[0]
        now = next((asset for known, asset in self._assets.items() if HASHED.split(known)[0] == stem != known), None)
        return replace(now, headers={**now.headers, "Cache-Control": "no-store"}) if now else None

    async def chat(self, request: Request) -> Response:
        """The chat as a page of its own, which the allowed sites and the console's preview may also frame."""
        policy = CHAT_POLICY.format(framers=" ".join(sorted({*self._sites(), *self._framers})))
        response = _answer(request, self._assets["chat.html"])
        response.headers["Content-Security-Policy"] = policy
        response.headers["Referrer-Policy"] = "strict-origin-when-cross-origin"
        return response

    async def history(self, request: Request) -> Response:
        """The messages next before a seq, for who holds the session's token."""
        headers = {"Access-Control-Allow-Origin": request.headers.get("origin", ""), "Vary": "Origin"}
        if not self._door.admits(request.headers):
            return JSONResponse({"code": "origin"}, 403)
        wait = self._asked.take(self._door.address(request), now=self._clock())
        if wait:
            return JSONResponse({"code": "rate", "retry_ms": int(wait * 1000) + 1}, 429, headers)
        try:
            asked = Earlier.model_validate_json(await _body(request))
            visit = await self._visits.visit(sid=asked.sid, token=asked.token, lang="", page={})
        except ValidationError:
            return JSONResponse({"code": "bad"}, 400, headers)
        except WrongToken:
            return JSONResponse({"code": "token"}, 401, headers)
        messages = await self._visits.earlier(visit.conversation, before=asked.before, limit=self._page)
        return JSONResponse({"events": [event(message, self._photos) for message in messages]}, headers=headers)


def _asset(path: Path) -> Asset:
    body = path.read_bytes()
    forever = HASHED.search(path.name) is not None
    kept = "public, max-age=31536000, immutable" if forever else "public, max-age=300"
    headers = {"Content-Type": TYPES[path.suffix], "Cache-Control": kept, "Vary": "Accept-Encoding", **FOR_ANY_SITE}
    return Asset(body, gzip.compress(body, 9, mtime=0), f'"{hashlib.sha256(body).hexdigest()[:16]}"', headers)


def _answer(request: Request, asset: Asset) -> Response:
    headers = {**asset.headers, "ETag": asset.etag}
    if asset.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.packed, headers={**headers, "Content-Encoding": "gzip"})
    return Response(asset.body, headers=headers)


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY:
            return b""  # which is no valid request
    return body
