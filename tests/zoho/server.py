"""The server itself: HTTP as Zoho speaks it, tokens and limits, and faults on the way."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from aiohttp import web

from tests.zoho.faults import Faults
from tests.zoho.records import Answer, Call, routed
from tests.zoho.spec import Spec
from tests.zoho.world import Grant, World

# Not held against the files: of the first two there is none, and of notes that say whose they are the file wants the
# id as a text, while Zoho's own SDK sends a number.
UNSPECIFIED = {"/org", "/users", "/Notes"}


class ZohoServer:
    """`async with ZohoServer() as zoho`; `zoho.url` is both the accounts server's and the API's address.

    Without a `spec` requests are not held against Zoho's files.
    """

    def __init__(self, *, spec: Spec | None = None, world: World | None = None, faults: Faults | None = None) -> None:
        self.spec, self.world, self.faults = spec, world or World(), faults or Faults()
        self.url = ""
        self.log: list[dict[str, Any]] = []
        self.wrong: list[str] = []  # requests that Zoho's files do not allow
        self._under_way = 0
        self._runner: web.AppRunner | None = None

    async def start(self, port: int = 0) -> None:
        app = web.Application()
        app.router.add_post("/oauth/v2/token", self._token)
        app.router.add_route("*", "/crm/{version}/{path:.+}", self._api)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[union-attr]

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()

    async def __aenter__(self) -> ZohoServer:
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.stop()

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        known = [one for one in self.world.grants if one.client_id == form.get("client_id")]
        if not known or known[0].client_secret != form.get("client_secret"):
            return web.json_response({"error": "invalid_client"})
        match form.get("grant_type"):
            case "authorization_code":
                return self._exchanged(known, str(form.get("code")))
            case "refresh_token":
                grant = next((one for one in known if one.refresh and one.refresh == form.get("refresh_token")), None)
                return self._renewed(grant) if grant else web.json_response({"error": "invalid_code"})
            case _:
                return web.json_response({"error": "unsupported_grant_type"}, status=400)

    def _exchanged(self, known: list[Grant], code: str) -> web.Response:
        grant = next((one for one in known if one.code and one.code == code and one.code_until > time.time()), None)
        if grant is None:
            return web.json_response({"error": "invalid_code"})
        grant.code = ""
        grant.refresh = f"1000.{len(self.world.tokens):032x}"
        return self._given(grant, refresh_token=grant.refresh)

    def _renewed(self, grant: Grant) -> web.Response:
        most, window = self.world.throttle
        now = time.time()
        grant.asked = [at for at in grant.asked if at > now - window]
        if len(grant.asked) >= most:
            said = "You have made too many requests continuously. Please try again after some time."
            return web.json_response(
                {"error": "Access Denied", "error_description": said, "status": "failure"}, status=400
            )
        grant.asked.append(now)
        return self._given(grant)

    def _given(self, grant: Grant, **more: str) -> web.Response:
        token = self.world.access(grant)
        given = {"access_token": token, "api_domain": self.url, "token_type": "Bearer", "expires_in": 3600}
        return web.json_response({**given, "expires_in": int(self.world.token_life), **more})

    async def _api(self, request: web.Request) -> web.StreamResponse:
        path = "/" + request.match_info["path"]
        body = await _json(request)
        entry = {"at": time.time(), "method": request.method, "path": path, "body": body, "fault": "", "status": 0}
        self.log.append(entry)
        self._under_way += 1
        try:
            answer = self._refused(request, path, body, entry)
            if answer is None:
                answer = await self._faulty(request, path, body, entry)
        finally:
            self._under_way -= 1
        entry["status"] = answer.status if answer else 0
        if answer is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response(status=500)
        return self._said(answer)

    def _refused(self, request: web.Request, path: str, body: Any, entry: dict[str, Any]) -> Answer | None:
        """What is refused before anything is looked at."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        access = self.world.tokens.get(token)
        if scheme != "Zoho-oauthtoken" or access is None or access.until < time.time():
            return _error(401, "INVALID_TOKEN", "invalid oauth token")
        access.calls += 1
        if self.world.token_calls and access.calls > self.world.token_calls:
            del self.world.tokens[token]
            return _error(401, "INVALID_TOKEN", "invalid oauth token")
        entry["token"] = token
        if scope := _lacking(access.grant, request.method, path):
            return _error(401, "OAUTH_SCOPE_MISMATCH", f"invalid oauth scope to access this URL: {scope}")
        if self.world.credits <= 0 or self._under_way > self.world.concurrency:
            return _error(429, "TOO_MANY_REQUESTS", "You have reached the maximum number of requests.")
        return None

    async def _faulty(self, request: web.Request, path: str, body: Any, entry: dict[str, Any]) -> Answer | None:
        """The answer, unless a fault is in its way; None for a connection that is cut."""
        fault = entry["fault"] = self.faults.draw()
        match fault:
            case "too_many":
                return _error(429, "TOO_MANY_REQUESTS", "You have reached the maximum number of requests.")
            case "server":
                return _error(self.faults.random.choice([500, 502, 503]), "INTERNAL_ERROR", "Internal Server Error")
            case "reset":
                return None
            case "slow":
                await asyncio.sleep(self.faults.delay)
        query = dict(request.query)
        if self.spec and path not in UNSPECIFIED and (said := self.spec.wrong(request.method, path, query, body)):
            self.wrong.append(f"{request.method} {path}: {said}")
            return _error(400, "INVALID_DATA", said)
        self.world.credits -= 1
        answer = routed(Call(self.world, request.method, path, query, body))
        return None if fault == "lost" else answer

    def _said(self, answer: Answer) -> web.Response:
        headers = {}
        if self.world.credits < self.world.allowance / 2:
            headers["X-API-CREDITS-REMAINING"] = str(self.world.credits)
        if answer.body is None:
            return web.Response(status=answer.status, headers=headers)
        return web.json_response(answer.body, status=answer.status, headers=headers)


async def _json(request: web.Request) -> Any:
    raw = await request.read()
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return {"not": "json"}


def _error(status: int, code: str, message: str) -> Answer:
    return Answer(status, {"code": code, "details": {}, "message": message, "status": "error"})


def _lacking(grant: Grant, method: str, path: str) -> str:
    """The scope that a request needs and was not given."""
    if path == "/coql":
        needed = "ZohoCRM.coql.READ"
    elif path.endswith("/search"):
        needed = "ZohoSearch.securesearch.READ"
    elif path.startswith("/settings/fields"):
        needed = "ZohoCRM.settings.fields.ALL"
    elif path in ("/org", "/users"):
        needed = "ZohoCRM.org.READ"
    else:
        needed = "ZohoCRM.modules.notes.ALL" if "/Notes" in path else "ZohoCRM.modules.leads.ALL"
    return "" if needed in grant.scopes else needed
