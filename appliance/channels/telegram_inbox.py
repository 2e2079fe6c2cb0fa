"""How updates come in: by long poll or webhook, into the inbox table first, and out of it one after another."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog
from aiogram.types import Update
from pydantic import ValidationError

from appliance.channels.base import ChannelError
from appliance.channels.telegram_api import Api
from appliance.channels.telegram_ears import Ears, Heard
from appliance.channels.telegram_faults import Conflict, Revoked
from appliance.store.errors import StoreUnavailable
from appliance.store.store import Store
from appliance.store.telegram import Update as Raw
from appliance.store.telegram import plain

KINDS = ("message", "edited_message", "callback_query", "my_chat_member")
POLL = 25  # seconds of one long poll
FRESH = 90.0  # seconds without a successful look at Telegram after which the bot is not well
PATIENCE = 3  # attempts to understand one update; then it is set aside with its reason
BACK_OFF = (1.0, 30.0)  # seconds after the first failure, doubled up to the most
LOOK = 1.0  # seconds between looks into the inbox when nobody hints
INFO = 30.0  # seconds between looks at what Telegram says of the webhook
TIDY = 3600.0  # seconds between clearings of the inbox

log = structlog.get_logger("telegram")


class Inbox:
    """Brings updates from Telegram to the ears, each understood once, in their order."""

    def __init__(self, *, api: Api, store: Store, ears: Ears, heard: Callable[[Heard], Awaitable[None]]) -> None:
        self._api, self._store, self._ears, self._heard = api, store, ears, heard
        self._hinted = asyncio.Event()
        self._seen = time.monotonic()
        self._trouble = ""

    def trouble(self) -> str:
        """Why the bot is not well; empty if it is."""
        if self._trouble:
            return self._trouble
        silent = time.monotonic() - self._seen
        return f"no answer from Telegram for {silent:.0f} s" if silent > FRESH else ""

    def hint(self) -> None:
        """There may be new updates in the inbox."""
        self._hinted.set()

    async def poll(self) -> None:
        """Asks Telegram for updates and keeps them; only what is kept is confirmed. Runs until cancelled."""
        await self._insist(self._api.listen_nowhere)
        offset = 0

        async def once() -> None:
            nonlocal offset
            seconds = 0 if self._trouble else POLL  # whether all is well again is to be known at once
            updates = await self._api.updates(offset, seconds=seconds, kinds=KINDS)
            if updates:
                async with self._store.transaction() as tx:
                    await tx.keep_updates(self._api.id, [plain(update) for update in updates])
                offset = updates[-1]["update_id"] + 1
                self.hint()

        while True:
            await self._insist(once)

    async def listen(self, url: str, secret: str) -> None:
        """Tells Telegram where to bring updates, and watches whether it can. Runs until cancelled."""
        await self._insist(lambda: self._api.listen_at(url, secret=secret, kinds=KINDS))

        async def look() -> None:
            trouble = await self._api.webhook_trouble()
            self._trouble = f"Telegram cannot reach {url.rpartition('/')[0]}: {trouble}" if trouble else ""

        while True:
            await asyncio.sleep(INFO)
            await self._insist(look, keep_trouble=True)

    async def understand(self) -> None:
        """Takes what is in the inbox, oldest first. Runs until cancelled."""
        while True:
            self._hinted.clear()
            try:
                async with self._store.transaction() as tx:
                    waiting = await tx.waiting_updates(self._api.id)
                for update in waiting:
                    await self._understand_one(update)
                if waiting:
                    continue
            except StoreUnavailable:
                log.warning("telegram.database_away")
            try:
                async with asyncio.timeout(LOOK):
                    await self._hinted.wait()
            except TimeoutError:
                continue

    async def tidy(self) -> None:
        """Forgets what is only kept against repetitions. Runs until cancelled."""
        while True:
            try:
                async with self._store.transaction() as tx:
                    await tx.forget_old_updates()
            except StoreUnavailable:
                log.warning("telegram.database_away")
            await asyncio.sleep(TIDY)

    async def _understand_one(self, raw: Raw) -> None:
        bot = self._api.id
        try:
            update = Update.model_validate(raw.raw)
        except ValidationError as error:
            log.warning("telegram.unreadable", update=raw.id, problems=error.error_count())
            async with self._store.transaction() as tx:
                await tx.update_done(bot, raw.id, fault=f"not readable: {error.error_count()} problems")
            return
        try:
            async with self._store.transaction() as tx:
                if not await tx.update_done(bot, raw.id):
                    return
                heard = await self._ears.hear(tx, bot, update)
        except StoreUnavailable:
            raise
        except Exception as error:
            log.exception("telegram.not_understood", update=raw.id, attempts=raw.attempts + 1)
            async with self._store.transaction() as tx:
                await tx.update_failed(bot, raw.id)
                if raw.attempts + 1 >= PATIENCE:
                    await tx.update_done(bot, raw.id, fault=repr(error)[:500])
            return
        await self._heard(heard)

    async def _insist(self, call: Callable[[], Awaitable[None]], *, keep_trouble: bool = False) -> None:
        """Makes a call until it succeeds; says plainly what is wrong meanwhile, and never gives up."""
        wait, most = BACK_OFF
        while True:
            try:
                await call()
                self._seen = time.monotonic()
                if not keep_trouble:
                    self._well()
                return
            except (Revoked, Conflict) as error:
                self._ill(str(error))
                wait = error.retry_after.total_seconds() if error.retry_after else 5.0
            except ChannelError as error:
                log.info("telegram.again", why=str(error), seconds=wait)
                wait = error.retry_after.total_seconds() if error.retry_after else min(wait * 2, most)
            except StoreUnavailable:
                log.warning("telegram.database_away")
                wait = 1.0
            await asyncio.sleep(wait)

    def _ill(self, why: str) -> None:
        if why != self._trouble:
            log.critical("telegram.bot_stopped", why=why)
        self._trouble = why

    def _well(self) -> None:
        if self._trouble:
            log.warning("telegram.bot_works_again")
        self._trouble = ""
