"""The way from the site's chat into Telegram: one-time links with which the same dialogue goes on there."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

import httpx
import structlog
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from appliance.core.limits import Limiter, Rate
from appliance.store.errors import StoreUnavailable, WrongToken
from appliance.store.store import Store, Transaction

PATH = "/telegram/link"
LIFE = timedelta(hours=1)
AGAIN = 30.0  # seconds between attempts to learn the bot's name
LINKS = Rate.hourly(20)  # links that one session may ask for
FOREIGN = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "content-type"}  # the token is the right
WEB, PREFIX = "web", "w_"  # as `telegram_ears` reads them

log = structlog.get_logger("telegram")


class TelegramLink:
    """`POST /telegram/link` with a session's `sid` and `token`; the answer's `url` opens the bot."""

    def __init__(self, *, store: Store, token: str, base: str, proxy: str = "") -> None:
        self._store, self._bot = store, BotName(token=token, base=base, proxy=proxy)
        self._limiter = Limiter(LINKS)

    def mount(self, app: FastAPI) -> None:
        app.router.add_route(PATH, self._serve, methods=["POST", "OPTIONS"])

    async def _serve(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=FOREIGN)
        try:
            asked = await request.json()
            sid, token = str(asked["sid"])[:64], str(asked["token"])[:256]
        except (ValueError, KeyError, TypeError):
            return _said(400, "A JSON object with sid and token is needed.")
        if wait := self._limiter.take(sid, now=time.monotonic()):
            return _said(429, f"Too many links; try again in {wait:.0f} s.")
        try:
            await self._bot()
            async with self._store.transaction() as tx:
                visit = await tx.visit(sid=sid or "-", token=token, lang="", page={})
                url = await self.offered(tx, visit.conversation)
        except WrongToken:
            return _said(403, "This session is not known.")
        except (StoreUnavailable, httpx.HTTPError, KeyError, ValueError) as error:
            log.info("telegram.no_link", why=type(error).__name__)
            return _said(503, "No link can be made just now; try again in a minute.")
        return JSONResponse({"url": url}, headers=FOREIGN)

    async def offered(self, tx: Transaction, conversation: UUID) -> str:
        """A link that is good once and for an hour; empty as long as the bot's name is not known."""
        if not self._bot.name:
            return ""
        link = await tx.make_link(WEB, {"conversation": str(conversation)}, life=LIFE)
        return f"https://t.me/{self._bot.name}?start={PREFIX}{link}"

    async def learn(self) -> None:
        """Asks for the bot's name until it is known."""
        while not self._bot.name:
            try:
                await self._bot()
            except (httpx.HTTPError, KeyError, ValueError) as error:
                log.info("telegram.no_name", why=type(error).__name__)
                await asyncio.sleep(AGAIN)


class BotName:
    """The bot's name, asked of Telegram once: any process may make links, without being the bot's leader."""

    def __init__(self, *, token: str, base: str, proxy: str = "") -> None:
        self._url, self._proxy = f"{base}/bot{token}", proxy
        self.name = ""  # until it is known
        self._lock = asyncio.Lock()

    async def __call__(self) -> str:
        """Raises `httpx.HTTPError`, `KeyError` or `ValueError` where Telegram does not say it."""
        async with self._lock:
            if not self.name:
                async with httpx.AsyncClient(timeout=10, proxy=self._proxy or None, trust_env=False) as http:
                    answer = await http.get(f"{self._url}/getMe")
                self.name = str(answer.json()["result"]["username"])
        return self.name

    async def known(self) -> str:
        """The name, or nothing while Telegram cannot be asked."""
        try:
            async with asyncio.timeout(3):  # a page waits for it
                return await self()
        except (httpx.HTTPError, KeyError, ValueError, TimeoutError) as error:
            log.info("telegram.no_name", why=type(error).__name__)
            return ""


def login_widget(token: str, console: str) -> str:
    """Where Telegram's Login Widget leads, without its script: `console` (https, set in BotFather) gets the result.

    The address as the widget's own script builds it (telegram.org/js/telegram-widget.js, from memory); the result
    comes back in the fragment as `tgAuthResult`.
    """
    asked = {"bot_id": token.partition(":")[0], "origin": console, "return_to": f"{console}/login"}
    return f"https://oauth.telegram.org/auth?{urlencode(asked)}"


def _said(status: int, words: str) -> Response:
    return JSONResponse({"error": words}, status, headers=FOREIGN)
