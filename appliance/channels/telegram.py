"""The Telegram channel: one process of several, the leader, listens and writes; the others only answer."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from appliance.channels.base import ChannelError
from appliance.channels.telegram_faults import Revoked
from appliance.channels.telegram_link import TelegramLink
from appliance.core.types import Parcel, Progress
from appliance.store.errors import StoreUnavailable
from appliance.store.store import Store
from appliance.store.telegram import plain
from appliance.tasks import Tasks

if TYPE_CHECKING:  # at run time only the leader loads these, because they load aiogram
    from appliance.channels.telegram_ears import Basket, Managers, Start, Take
    from appliance.channels.telegram_leader import Leader
    from appliance.channels.telegram_photos import Find
    from appliance.channels.telegram_post import Fetch, Write

SECRET = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the header's name
LARGEST = 1 << 20  # bytes of an update; Telegram's largest are some kilobytes

log = structlog.get_logger("telegram")


class TelegramChannel:
    """Talks to customers in Telegram. `lead` must run in one process at a time; `mount` is for the webhook."""

    name = "telegram"
    posted = True

    def __init__(
        self,
        *,
        store: Store,
        token: str,
        base: str,
        take: Take,
        wake: Callable[[UUID], None],
        photo: Find,
        proxy: str = "",
        webhook_url: str = "",
        starts: Mapping[str, Start] | None = None,
        basket: Basket | None = None,
        managers: Managers | None = None,
        writes: Mapping[str, Write] | None = None,
        files: Mapping[str, Fetch] | None = None,
        default_language: str = "en",
    ) -> None:
        """`base` is the Bot API server's address; `take` and `wake` are the dialogue's; `photo` finds a card's photo.

        `webhook_url` is the chat's public address where Telegram is to bring updates; empty: Telegram is asked.
        `starts` says who takes the payload of a deep link, by prefix (`login_`); `basket` takes products.
        `managers` hears first what is written and pressed; `writes` says by kind how parcels of others read,
        and `files` which files they bring.
        """
        self._store, self._token, self._base, self._proxy = store, token, base, proxy
        self._take, self._wake, self._photo = take, wake, photo
        self._webhook_url, self._starts, self._basket = webhook_url, starts or {}, basket
        self._managers, self._writes, self._files = managers, writes or {}, files or {}
        self._default_language = default_language
        self._secret = hmac.new(token.encode(), b"webhook", hashlib.sha256).hexdigest()
        self._path = f"/telegram/{hmac.new(token.encode(), b'path', hashlib.sha256).hexdigest()[:32]}"
        self.link = TelegramLink(store=store, token=token, base=base, proxy=proxy)
        self._leader: Leader | None = None
        self._fault = ""

    def mount(self, app: FastAPI) -> None:
        """Adds the way here from the site, and the webhook where one is used; any process serves both."""
        self.link.mount(app)
        if self._webhook_url:
            app.router.add_route(self._path, self._webhook, methods=["POST"])

    async def lead(self, deliver: Callable[[], Awaitable[None]]) -> None:
        """Runs the bot, with `deliver` beside it, until cancelled. Call it in the leader alone."""
        module = await asyncio.to_thread(_load)
        try:
            async with Tasks() as tasks:
                self._leader = module.Leader(self._parts(module), tasks)
                await self._leader.run(deliver)
        except Revoked as error:  # a token that can be none: there is nothing to try again
            self._fault = str(error)
            log.critical("telegram.bot_stopped", why=self._fault)
            await asyncio.Event().wait()
        finally:
            self._leader = None

    def trouble(self) -> str:
        """Why the bot of this process is not well; empty if it is, or if another process has it."""
        return self._leader.inbox.trouble() if self._leader else self._fault

    async def deliver(self, parcel: Parcel) -> None:
        """Brings a parcel to its chat; raises `ChannelError`, `AddressGone`."""
        if self._leader is None:
            raise ChannelError("Another process writes to Telegram now.")
        await self._leader.deliver(parcel)

    async def show(self, address: str, progress: Progress) -> None:
        """Shows an answer in writing, in the process that writes to Telegram. Never raises."""
        if self._leader is None:
            return
        try:
            self._leader.show(address, progress)
        except Exception:
            log.exception("progress was not shown", address=address)

    def _parts(self, module: Any) -> Any:
        hook = module.Hook(url=self._webhook_url + self._path, secret=self._secret) if self._webhook_url else None
        return module.Parts(
            store=self._store, token=self._token, base=self._base, proxy=self._proxy, take=self._take, wake=self._wake,
            find=self._photo, starts=self._starts, basket=self._basket, default_language=self._default_language,
            hook=hook, managers=self._managers, writes=self._writes, files=self._files,
        )  # fmt: skip

    async def _webhook(self, request: Request) -> Response:
        """Keeps an update; what is not kept is refused, and Telegram brings it again."""
        if not hmac.compare_digest(request.headers.get(SECRET, "").encode(), self._secret.encode()):
            return Response(status_code=401)
        if int(request.headers.get("content-length") or LARGEST + 1) > LARGEST:
            return Response(status_code=413)
        try:
            update = plain(await request.json())
            int(update["update_id"])
        except (ValueError, KeyError, TypeError, AttributeError):
            return Response(status_code=400)
        try:
            async with self._store.transaction() as tx:
                await tx.keep_updates(int(self._token.partition(":")[0]), [update])
        except StoreUnavailable:
            return Response(status_code=503)
        if self._leader:
            self._leader.inbox.hint()
        return Response(status_code=200)


def _load() -> Any:
    """Loads aiogram beside the event loop: it takes seconds of a small processor."""
    from appliance.channels import telegram_leader

    return telegram_leader
