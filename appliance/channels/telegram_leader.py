"""The bot as the leader runs it: everything that talks to Telegram, put together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import structlog

from appliance.channels.base import ChannelError
from appliance.channels.telegram_api import Api
from appliance.channels.telegram_ears import Basket, Ears, Heard, Managers, Start, Take, menu
from appliance.channels.telegram_faults import Refused, TakenOver
from appliance.channels.telegram_inbox import Inbox
from appliance.channels.telegram_live import Lives
from appliance.channels.telegram_pace import Pace
from appliance.channels.telegram_photos import Find, Photos
from appliance.channels.telegram_post import Fetch, Poster, Write, chat_of
from appliance.core.texts import FALLBACK, languages
from appliance.core.types import Parcel, Progress
from appliance.store.fence import Fence
from appliance.store.store import Store, plain_url
from appliance.tasks import Tasks

MENU_AGAIN = 30.0  # seconds before the command menu is set again where Telegram could not be reached

log = structlog.get_logger("telegram")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """Where Telegram brings updates, instead of being asked for them."""

    url: str
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the bot is made of; see `TelegramChannel`."""

    store: Store
    token: str
    base: str
    proxy: str
    take: Take
    wake: Callable[[UUID], None]
    find: Find
    starts: Mapping[str, Start]
    basket: Basket | None
    default_language: str
    hook: Hook | None
    managers: Managers | None
    writes: Mapping[str, Write]
    files: Mapping[str, Fetch]


class Leader:
    """One bot at work."""

    def __init__(self, parts: Parts, tasks: Tasks) -> None:
        self._parts, self._tasks = parts, tasks
        self.api = Api(token=parts.token, base=parts.base, proxy=parts.proxy, pace=Pace())
        self._fence = Fence(plain_url(parts.store.url))
        photos = Photos(store=parts.store, find=parts.find)
        self._poster = Poster(
            api=self.api, store=parts.store, fence=self._fence, photos=photos, basket=parts.basket is not None,
            writes=parts.writes, files=parts.files,
        )  # fmt: skip
        self.lives = Lives(api=self.api, store=parts.store, fence=self._fence, poster=self._poster, tasks=tasks)
        ears = Ears(
            take=parts.take, starts=parts.starts, basket=parts.basket, default_language=parts.default_language,
            in_writing=self.lives.knows, managers=parts.managers,
        )  # fmt: skip
        self.inbox = Inbox(api=self.api, store=parts.store, ears=ears, heard=self._heard)

    async def run(self, deliver: Callable[[], Awaitable[None]]) -> None:
        """Listens, understands and delivers until cancelled; when one of these breaks, all end and begin anew."""
        hook = self._parts.hook
        listen = self.inbox.listen(hook.url, hook.secret) if hook else self.inbox.poll()
        self._tasks.start(self._menus(), name="telegram menus")
        vital = [
            self._tasks.start(listen, name="telegram"),
            self._tasks.start(self.inbox.understand(), name="telegram inbox"),
            self._tasks.start(self.inbox.tidy(), name="telegram tidy"),
            self._tasks.start(_awaited(deliver), name="telegram outbox"),
        ]
        try:
            ended, _ = await asyncio.wait(vital, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
        finally:
            await self._tasks.close()
            await self._fence.close()
            await self.api.close()

    async def deliver(self, parcel: Parcel) -> None:
        message = UUID(parcel.body["message"]) if parcel.kind == "reply" else None
        if message:
            await self.lives.settle(message)
        try:
            await self._poster.deliver(parcel)
        except TakenOver:
            if message:
                self.lives.cut_off(message)
            raise
        if message:
            self.lives.delivered(message)
        self.lives.wait_ends(chat_of(parcel.address))

    def show(self, address: str, progress: Progress) -> None:
        self.lives.show(address, progress)

    async def _heard(self, heard: Heard) -> None:
        """After the commit: the answer begins, and the pressed button stops spinning."""
        if heard.wake:
            self._parts.wake(heard.wake)
            self.lives.wait_begins(heard.chat)
        if heard.query:
            self._tasks.start(self._answer(heard), name=f"press {heard.query}")

    async def _answer(self, heard: Heard) -> None:
        with suppress(ChannelError):  # a press of minutes ago needs no answer any more
            await self.api.answer(heard.query, heard.notice)

    async def _menus(self) -> None:
        """The command menu, in each language that the bot speaks; the rest of the world reads English."""
        for lang in ("", *languages()):
            while True:
                try:
                    await self.api.commands(menu(lang or FALLBACK), lang)
                    break
                except Refused as error:
                    log.warning("telegram.no_menu", lang=lang, why=str(error))
                    break
                except ChannelError:
                    await asyncio.sleep(MENU_AGAIN)


async def _awaited(work: Callable[[], Awaitable[None]]) -> None:
    await work()
