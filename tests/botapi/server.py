"""The server itself: HTTP as Telegram speaks it, long poll and webhook, limits, and faults on the way."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from typing import Any

import aiohttp
from aiohttp import web

from tests.botapi import methods
from tests.botapi.faults import Faults, Limits
from tests.botapi.methods import Call
from tests.botapi.spec import BadRequest, check_result, method_named, read_parameters
from tests.botapi.world import Bot, World

SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
WEBHOOK_RETRY = 0.5  # seconds between attempts at a webhook that failed; Telegram waits longer
NOT_RETURNED = {"getUpdates", "setWebhook", "deleteWebhook", "getWebhookInfo"}  # done here, not in `methods`


class BotApi:
    """`async with BotApi() as api: bot = api.add_bot(...)`; the clients' base is `api.url`."""

    def __init__(self, *, limits: Limits | None = None, faults: Faults | None = None) -> None:
        self.world = World()
        self.limits, self.faults = limits, faults or Faults()
        self.url = ""
        self._runner: web.AppRunner | None = None
        self._hooks: dict[str, asyncio.Task[None]] = {}
        self._http: aiohttp.ClientSession | None = None

    def add_bot(self, token: str = "123456:" + "A" * 35, username: str = "counterman_bot") -> Bot:
        return self.world.add_bot(token, username)

    async def start(self, port: int = 0) -> None:
        app = web.Application(client_max_size=60 << 20)
        app.router.add_get("/file/bot{token}/{path:.+}", self._download)
        app.router.add_route("*", "/bot{token}/{method}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[union-attr]
        self._http = aiohttp.ClientSession()

    async def stop(self) -> None:
        for task in self._hooks.values():
            task.cancel()
        if self._http:
            await self._http.close()
        if self._runner:
            await self._runner.cleanup()

    async def __aenter__(self) -> BotApi:
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.stop()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        bot = self.world.bots.get(request.match_info["token"])
        method = method_named(request.match_info["method"])
        if bot is None or bot.revoked:
            return _refusal(BadRequest("Unauthorized", code=401))
        if method is None:
            return _refusal(BadRequest("Not Found", code=404))
        try:
            given, files = await _body(request)
        except ValueError:
            return _refusal(BadRequest("Bad Request: can't parse the request"))
        fault = self.faults.draw()
        if method == "getUpdates" and fault == "lost":
            fault = "reset"  # nothing has an effect here that could be lost
        self._note(fault, method, given)
        match fault:
            case "too_many":
                return _refusal(BadRequest("Too Many Requests: retry after 1", code=429, retry_after=1))
            case "server":
                return _refusal(BadRequest("Internal Server Error", code=500))
            case "reset":
                return _cut(request)
        try:
            result = await self._run(bot, method, given, files)
        except BadRequest as error:
            return _refusal(error)
        if fault == "lost":
            return _cut(request)
        return web.json_response({"ok": True, "result": result})

    async def _run(self, bot: Bot, method: str, given: dict[str, Any], files: dict[str, Any]) -> Any:
        values = read_parameters(method, given, files)
        bot.calls.append((time.time(), method, values.get("chat_id")))
        match method:
            case "getUpdates":
                return await self._get_updates(bot, values)
            case "setWebhook":
                return self._set_webhook(bot, values)
            case "deleteWebhook":
                return self._delete_webhook(bot, drop=values.get("drop_pending_updates", False))
            case "getWebhookInfo":
                return self._webhook_info(bot)
        call = Call(world=self.world, bot=bot, method=method, given=values, files=files)
        if self.limits and (count := methods.counted(call)):
            chat = bot.chat(values.get("chat_id"))
            wait = self.limits.wait(chat.id, count) if chat else 0
            if wait:
                self.faults.note("limit", method, values.get("chat_id"))
                raise BadRequest(f"Too Many Requests: retry after {wait}", code=429, retry_after=wait)
        result = methods.run(call)
        check_result(method, result)
        return result

    async def _get_updates(self, bot: Bot, values: dict[str, Any]) -> list[dict[str, Any]]:
        if bot.webhook.get("url"):
            raise BadRequest(
                "Conflict: can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first",
                code=409,
            )
        bot.poll += 1
        mine = bot.poll
        bot.arrived.set()  # an older poll wakes and finds that it has been replaced
        self._confirm(bot, values.get("offset", 0))
        deadline = time.monotonic() + values.get("timeout", 0)
        while not bot.queue and not bot.doubled:
            bot.arrived.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0, deadline - time.monotonic())):
                    await bot.arrived.wait()
            if bot.poll != mine:
                raise BadRequest(
                    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
                    code=409,
                )
            if time.monotonic() >= deadline:
                break
        doubled, bot.doubled = bot.doubled, []
        for update in doubled:
            self.faults.note("duplicate", "getUpdates", None, update=update["update_id"])
        return [*doubled, *list(bot.queue)[: values.get("limit", 100)]]

    def _confirm(self, bot: Bot, offset: int) -> None:
        if offset < 0:
            while len(bot.queue) > -offset:
                bot.queue.popleft()
            return
        while bot.queue and bot.queue[0]["update_id"] < offset:
            update = bot.queue.popleft()
            if self.faults.doubles():
                bot.doubled.append(update)

    def _set_webhook(self, bot: Bot, values: dict[str, Any]) -> bool:
        if not values["url"]:
            return self._delete_webhook(bot, drop=values.get("drop_pending_updates", False))
        if not values["url"].startswith(("https://", "http://127.0.0.1")):  # a local server takes http, too
            raise BadRequest("Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        secret = values.get("secret_token", "")
        if secret and not SECRET.fullmatch(secret):
            raise BadRequest("Bad Request: secret token contains unallowed characters")
        bot.webhook = {"url": values["url"], "secret": secret}
        if values.get("drop_pending_updates"):
            bot.queue.clear()
        bot.poll += 1
        bot.arrived.set()
        if old := self._hooks.pop(bot.token, None):
            old.cancel()
        self._hooks[bot.token] = asyncio.get_running_loop().create_task(self._push(bot))
        return True

    def _delete_webhook(self, bot: Bot, *, drop: bool) -> bool:
        bot.webhook = {}
        if drop:
            bot.queue.clear()
        if task := self._hooks.pop(bot.token, None):
            task.cancel()
        return True

    def _webhook_info(self, bot: Bot) -> dict[str, Any]:
        hook = bot.webhook
        about = {"url": hook.get("url", ""), "has_custom_certificate": False, "pending_update_count": len(bot.queue)}
        if "error" in hook:
            about |= {"last_error_date": int(hook["at"]), "last_error_message": hook["error"]}
        return about

    async def _push(self, bot: Bot) -> None:
        """Brings updates to the webhook one after another, each until it is taken with a 2xx."""
        assert self._http is not None
        while True:
            while not bot.queue:
                bot.arrived.clear()
                await bot.arrived.wait()
            update = bot.queue[0]
            headers = {"X-Telegram-Bot-Api-Secret-Token": bot.webhook["secret"]} if bot.webhook["secret"] else {}
            try:
                timeout = aiohttp.ClientTimeout(total=10)
                async with self._http.post(bot.webhook["url"], json=update, headers=headers, timeout=timeout) as answer:
                    if answer.status // 100 != 2:
                        raise aiohttp.ClientError(f"Wrong response from the webhook: {answer.status} {answer.reason}")
            except (aiohttp.ClientError, TimeoutError) as error:
                bot.webhook |= {"error": str(error) or "Read timeout expired", "at": time.time()}
                await asyncio.sleep(WEBHOOK_RETRY)
                continue
            if self.faults.doubles():
                self.faults.note("duplicate", "webhook", None, update=update["update_id"])
                continue
            bot.queue.popleft()

    async def _download(self, request: web.Request) -> web.StreamResponse:
        bot = self.world.bots.get(request.match_info["token"])
        file = self.world.files.get(request.match_info["path"].removeprefix("files/"))
        if bot is None or file is None or file.bot != bot.id:
            return web.json_response({"ok": False, "error_code": 404, "description": "Not Found"}, status=404)
        return web.Response(body=file.data, content_type=file.mime)

    def _note(self, fault: str, method: str, given: dict[str, Any]) -> None:
        if fault:
            what = str(given.get("text") or given.get("caption") or "")[:80]
            self.faults.note(fault, method, given.get("chat_id"), what=what)


async def _body(request: web.Request) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters and uploads from the query, a form, a multipart form or JSON."""
    given: dict[str, Any] = dict(request.query)
    files: dict[str, Any] = {}
    if request.content_type == "application/json":
        return given | await request.json(), files
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            files[name] = (value.filename, value.file.read(), value.content_type)
        else:
            given[name] = value
    return given, files


def _refusal(error: BadRequest) -> web.Response:
    body: dict[str, Any] = {"ok": False, "error_code": error.code, "description": str(error)}
    if error.parameters:
        body["parameters"] = error.parameters
    return web.json_response(body, status=error.code)


def _cut(request: web.Request) -> web.StreamResponse:
    """The connection ends without an answer."""
    assert request.transport is not None
    request.transport.abort()
    raise asyncio.CancelledError
