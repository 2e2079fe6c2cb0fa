"""The chat process: the only one that the outside world reaches."""

from __future__ import annotations

import logging
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from uuid import UUID

import uvicorn
from fastapi import FastAPI

from appliance.app.parts import (
    POSTED,
    assistant,
    language_model,
    leads,
    log_as,
    open_store,
    opening,
    owner,
    quotes,
)
from appliance.app.watching import beating, chat_health, feel, shown
from appliance.channels.base import Channel
from appliance.channels.telegram import TelegramChannel
from appliance.channels.telegram_login import TelegramLogin
from appliance.channels.telegram_managers import TelegramManagers
from appliance.channels.widget import WidgetChannel
from appliance.channels.widget_door import Door
from appliance.desk import Desk
from appliance.desk.logins import Logins
from appliance.dialogue import Dialogue
from appliance.errors import Refused
from appliance.leads import Notices
from appliance.logs import Requests
from appliance.metrics import ChatMetrics
from appliance.outbox import Outbox
from appliance.pages import mount_health, mount_photos, mount_quotes, photo_file, photo_path
from appliance.quotes import DOCUMENT, Quotes
from appliance.settings import Settings
from appliance.shop import Owner, shop
from appliance.store.leader import TELEGRAM, while_leading
from appliance.store.store import EVENTS, Store, Transaction
from appliance.store.visits import Visits
from appliance.tasks import Tasks
from appliance.version import version
from catalog.shelf import Shelf

WIDGET_FILES = Path(__file__).resolve().parents[2] / "ui" / "widget" / "static"


async def chat(settings: Settings) -> int:
    """The chat: the widget's server, the dialogue, the search. The only process that the outside world reaches."""
    log_as(settings, "chat")
    llm = language_model(settings)
    async with AsyncExitStack() as stack:
        tasks, store = await stack.enter_async_context(Tasks()), await stack.enter_async_context(open_store(settings))
        owner_ = owner(settings, store, llm)
        answerer = await stack.enter_async_context(assistant(settings, store, llm, owner_))
        channels: dict[str, Channel] = {}
        papers = quotes(settings, answerer.shelf)
        bot: TelegramChannel | None = None
        metrics = shown(settings, ChatMetrics(version=version()), "chat")

        async def elsewhere(tx: Transaction, conversation: UUID) -> str:
            return await bot.link.offered(tx, conversation) if bot else ""

        dialogue = Dialogue(
            store=store, answerer=answerer, channels=channels, tasks=tasks, leads=leads(settings, owner_),
            quotes=papers, elsewhere=elsewhere, answered=metrics.answered,
        )  # fmt: skip
        widget = WidgetChannel(
            visits=Visits(store),
            receive=dialogue.receive,
            stop=dialogue.stop,
            files=WIDGET_FILES,
            sites=lambda: settings.sites,
            framers=[settings.console_address],  # for its preview
            own_url=settings.public_url,
            trusted_proxies=settings.trusted_proxies,
            photos=photo_path,
            config=shop,
        )
        channels[widget.name] = widget
        if settings.telegram_token:
            bot = telegram(settings, store, dialogue, answerer.shelf, papers, owner_)
        api = FastAPI(title="Counterman chat", docs_url=None, redoc_url=None, openapi_url=None)
        api.add_middleware(Requests)
        widget.mount(api)
        mount_photos(api, answerer.shelf)
        door = Door(sites=lambda: settings.sites, proxies=settings.trusted_proxies)
        mount_quotes(api, partial(papers.opened, store), door.address)
        beats = beating(store, "chat")
        health = chat_health(settings, store, answerer.shelf, llm, bot, beats)
        mount_health(api, health)
        tasks.start(beats.run(), name="beats")
        tasks.start(health.run(), name="health")
        tasks.start(feel(health, metrics), name="feel")
        metrics.watch(
            store=store,
            sockets=lambda: widget.sockets,
            busy=lambda: dialogue.busy,
            cache=answerer.shelf.cache.summary,
        )
        tasks.start(answerer.warm(), name="warm")
        tasks.start(owner_.run(), name="owner")
        tasks.start(store.stay_alive(), name="alive")
        tasks.start(dialogue.resume(), name="resume")
        tasks.start(widget.run(), name="widget")
        listeners: list[Callable[[UUID], None]] = [widget.hint, dialogue.hint]
        if bot:
            channels[bot.name] = bot
            bot.mount(api)
            tasks.start(bot.link.learn(), name="link")
            outbox = Outbox(store=store, channels={bot.name: bot})
            listeners.append(lambda conversation: outbox.hint())
            leading = while_leading(store.url, TELEGRAM, lambda: bot.lead(outbox.run), name="telegram")
            tasks.start(leading, name="telegram")
        tasks.start(_pass_hints_on(store, listeners), name="hints")
        await serve(api, settings.chat_host, settings.chat_port, before_end=widget.close)
    return 0


def telegram(
    settings: Settings, store: Store, dialogue: Dialogue, shelf: Shelf, papers: Quotes, owner_: Owner
) -> TelegramChannel:
    """The bot, which also takes dialogues over from the site, and is where managers work."""
    if settings.telegram_webhook and not settings.public_url:
        raise Refused("TELEGRAM_WEBHOOK needs PUBLIC_URL, the https address at which Telegram reaches the chat.")
    managers = TelegramManagers(
        store=store,
        desk=Desk(store=store, posted=POSTED),
        notices=Notices(store, console=settings.console_address),
        hours=opening(settings, owner_),
    )
    door = TelegramLogin(store=store, logins=Logins(store=store), then=managers)
    return TelegramChannel(
        store=store,
        token=settings.telegram_token.get_secret_value(),
        base=settings.telegram_api_url,
        proxy=settings.proxy.get_secret_value(),
        take=dialogue.take,
        wake=dialogue.wake,
        photo=lambda card: photo_file(card, shelf),
        managers=door,
        writes={**managers.writes, **door.writes},
        basket=papers,
        files={DOCUMENT: partial(papers.file, store)},
        webhook_url=settings.public_url if settings.telegram_webhook else "",
        default_language=settings.default_language,
    )


async def _pass_hints_on(store: Store, listeners: Sequence[Callable[[UUID], None]]) -> None:
    """New events reach browsers and deliverers of this process at once, whichever process stored them."""
    async for _, conversation in store.hints(EVENTS):
        for hint in listeners:
            hint(conversation)


async def serve(api: FastAPI, host: str, port: int, *, before_end: Callable[[], Awaitable[None]]) -> None:
    """Serves until the process is told to end; then browsers are sent away before the sockets close."""
    config = uvicorn.Config(
        api,
        host=host,
        port=port,
        ws="websockets-sansio",
        ws_per_message_deflate=False,  # twice the memory a socket for frames of a few hundred bytes (facts/ui.md)
        ws_max_size=1 << 20,
        ws_ping_interval=20,
        ws_ping_timeout=20,
        access_log=False,
        log_config=None,
        lifespan="off",
        timeout_graceful_shutdown=5,
        forwarded_allow_ips="",  # the door reads the proxies' headers itself
    )
    logging.getLogger("uvicorn.error").addFilter(_no_false_alarm)
    server = Server(config, before_end)
    await server.serve()


def _no_false_alarm(record: logging.LogRecord) -> bool:
    """uvicorn takes a handshake that we refused with a page of our own (403, 503) for one that was forgotten."""
    return "without completing handshake" not in record.getMessage()


class Server(uvicorn.Server):
    """A server that says goodbye first."""

    def __init__(self, config: uvicorn.Config, before_end: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._before_end = before_end

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._before_end()
        await super().shutdown(sockets=sockets)
