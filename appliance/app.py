"""Puts the parts together, once for each process; it alone knows what is real."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
import uvicorn
from fastapi import FastAPI

from appliance import health, jobs, logs
from appliance.assistant import Assistant
from appliance.channels.base import Channel
from appliance.channels.mail import MailChannel
from appliance.channels.telegram import TelegramChannel
from appliance.channels.telegram_managers import TelegramManagers
from appliance.channels.widget import WidgetChannel
from appliance.channels.widget_door import Door
from appliance.core.company import Passages
from appliance.core.prompt import default_prompt, shared_prefix
from appliance.desk import Desk
from appliance.dialogue import Dialogue
from appliance.errors import Refused
from appliance.hours import Hours
from appliance.joining import Joining
from appliance.leads import Leads, Notices
from appliance.outbox import Outbox
from appliance.pages import goods, mount_health, mount_photos, mount_quotes, photo_file, photo_path
from appliance.paper.sheet import Letterhead
from appliance.prose import Writer
from appliance.quotes import DOCUMENT, Quotes
from appliance.settings import Settings
from appliance.shop import company_texts, live_prompt, shop
from appliance.store.embedded import opened
from appliance.store.leader import MAIL, TELEGRAM, while_leading
from appliance.store.revisions import newest
from appliance.store.store import EVENTS, Store
from appliance.store.visits import Visits
from appliance.tasks import Tasks
from catalog.shelf import Shelf
from models import registry
from models.base import LLM, Embedder
from models.files import ModelFiles
from models.hardware import detect

WIDGET_FILES = Path(__file__).resolve().parents[1] / "ui" / "widget" / "static"
PRUNE = 24 * 3600.0  # seconds between looks for old catalogue versions
JOIN = 30.0  # seconds between looks whether the live version lacks a lane
POSTED = ("telegram",)  # channels whose messages go out as parcels
LEADS = 15.0  # seconds between looks for dialogues that fell silent and leads that nobody took

log = structlog.get_logger("app")


async def chat(settings: Settings) -> int:
    """The chat: the widget's server, the dialogue, the search. The only process that the outside world reaches."""
    _log(settings, "chat")
    llm = language_model(settings)
    async with Tasks() as tasks, _store(settings) as store, assistant(settings, store, llm) as answerer:
        channels: dict[str, Channel] = {}
        papers = quotes(settings, answerer.shelf)
        dialogue = Dialogue(
            store=store, answerer=answerer, channels=channels, tasks=tasks, leads=leads(settings), quotes=papers
        )
        widget = WidgetChannel(
            visits=Visits(store),
            receive=dialogue.receive,
            stop=dialogue.stop,
            files=WIDGET_FILES,
            sites=lambda: settings.sites,
            own_url=settings.public_url,
            trusted_proxies=settings.trusted_proxies,
            photos=photo_path,
            config=shop,
        )
        channels[widget.name] = widget
        bot = telegram(settings, store, dialogue, answerer.shelf, papers) if settings.telegram_token else None
        api = FastAPI(title="Counterman chat", docs_url=None, redoc_url=None, openapi_url=None)
        widget.mount(api)
        mount_photos(api, answerer.shelf)
        door = Door(sites=lambda: settings.sites, proxies=settings.trusted_proxies)
        mount_quotes(api, partial(papers.opened, store), door.address)
        mount_health(
            api,
            health.Health(
                {
                    "database": health.database(store),
                    "catalogue": health.catalogue(answerer.shelf),
                    "engine": _model_health(settings, llm),
                    "outbox": health.outbox(store),
                    "disk": health.disk(settings.home),
                    **({"bot": health.bot(bot.trouble)} if bot else {}),
                }
            ),
        )
        tasks.start(answerer.warm(), name="warm")
        tasks.start(store.stay_alive(), name="alive")
        tasks.start(dialogue.resume(), name="resume")
        tasks.start(widget.run(), name="widget")
        listeners: list[Callable[[UUID], None]] = [widget.hint, dialogue.hint]
        if bot:
            channels[bot.name] = bot
            bot.mount(api)
            outbox = Outbox(store=store, channels={bot.name: bot})
            listeners.append(lambda conversation: outbox.hint())
            leading = while_leading(store.url, TELEGRAM, lambda: bot.lead(outbox.run), name="telegram")
            tasks.start(leading, name="telegram")
        tasks.start(_pass_hints_on(store, listeners), name="hints")
        await _serve(api, settings.chat_host, settings.chat_port, before_end=widget.close)
    return 0


def telegram(settings: Settings, store: Store, dialogue: Dialogue, shelf: Shelf, papers: Quotes) -> TelegramChannel:
    """The bot, which also takes dialogues over from the site, and is where managers work."""
    if settings.telegram_webhook and not settings.public_url:
        raise Refused("TELEGRAM_WEBHOOK needs PUBLIC_URL, the https address at which Telegram reaches the chat.")
    managers = TelegramManagers(
        store=store,
        desk=Desk(store=store, posted=POSTED),
        notices=Notices(store, console=settings.console_address),
        hours=Hours.read(settings.work_hours, settings.timezone),
    )
    return TelegramChannel(
        store=store,
        token=settings.telegram_token.get_secret_value(),
        base=settings.telegram_api_url,
        proxy=settings.proxy.get_secret_value(),
        take=dialogue.take,
        wake=dialogue.wake,
        photo=lambda card: photo_file(card, shelf),
        managers=managers,
        writes=managers.writes,
        basket=papers,
        files={DOCUMENT: partial(papers.file, store)},
        webhook_url=settings.public_url if settings.telegram_webhook else "",
        default_language=settings.default_language,
    )


def mail(settings: Settings, store: Store) -> MailChannel:
    """The company's mail server, by which managers hear of leads."""
    return MailChannel(
        host=settings.smtp_host,
        port=settings.smtp_port,
        user=settings.smtp_user,
        password=settings.smtp_password.get_secret_value(),
        sender=settings.smtp_from,
        security=settings.smtp_security,
        find=Notices(store, console=settings.console_address),
    )


async def worker(settings: Settings) -> int:
    """Scheduled work, on the leader alone."""
    _log(settings, "worker")
    async with Tasks() as tasks, _store(settings) as store:
        shelf_ = shelf(settings)

        async def prune() -> None:
            gone = await asyncio.to_thread(shelf_.prune)
            log.info("catalogue.pruned", versions=gone)

        joining = Joining(lacking=shelf_.lacking)

        async def join() -> None:  # beside the schedule: it may take an hour
            tasks.start(joining.run(), name="joining")

        book, desk = leads(settings), Desk(store=store, posted=POSTED)
        away = timedelta(minutes=settings.takeover_patience)
        if settings.smtp_host:
            mails = Outbox(store=store, channels={"mail": mail(settings, store)})
            tasks.start(while_leading(store.url, MAIL, mails.run, name="mail"), name="mail")

        async def look_after_leads() -> None:
            await book.from_silence(store)
            await book.escalate(store)
            await desk.release_forgotten(away)

        scheduled = [
            jobs.Job(name="prune", every=PRUNE, run=prune),
            jobs.Job(name="join", every=JOIN, run=join),
            jobs.Job(name="leads", every=LEADS, run=look_after_leads),
        ]
        tasks.start(jobs.keep(store.url, scheduled), name="jobs")
        await _until_told()
    return 0


def engine(settings: Settings) -> int:
    """The language model, in a process of its own; its exit code says why it ended."""
    from models.engine import serve

    _log(settings, "engine")
    files = model_files(settings)
    name = settings.model or files.chosen() or files.default(detect(settings.home))
    path = files.path(name)
    prompt = default_prompt()
    return serve(
        path,
        host=settings.engine_host,
        port=settings.engine_port,
        slots=settings.engine_slots or 2,
        threads=settings.engine_threads,
        runtime=settings.engine_runtime,
        context=settings.engine_context or 2048,
        prefix=shared_prefix(prompt.body),
        name=name,
        folder=settings.home / "cache" / "prefixes",
    )


def console(settings: Settings) -> int:
    """The console: for now the box's state, what it still does, and what to do next."""
    from ui.status import serve

    _log(settings, "console")
    return serve(
        host=settings.console_host,
        port=settings.console_port,
        chat=settings.chat_address,
        state=settings.home / "run" / "state.json",
        ask=settings.changed(public_url="").chat_address,  # from inside, also where the public name leads elsewhere
    )


@asynccontextmanager
async def assistant(settings: Settings, store: Store | None = None, llm: LLM | None = None) -> AsyncIterator[Assistant]:
    """The assistant with its models and texts; without a store it speaks by the prompt that ships. Closes its model."""
    llm = llm or language_model(settings)
    shelf_ = shelf(settings)
    passages = Passages(company_texts(settings.home))
    book = leads(settings)
    try:
        yield Assistant(
            shelf=shelf_,
            embedder=embedder(settings),
            writer=Writer(llm=llm, prompt=await live_prompt(store), patience=timedelta(seconds=settings.patience)),
            company=lambda: passages,
            vectors=settings.home / "cache" / "vectors",
            default_language=settings.default_language,
            region=settings.region,
            manned=(lambda: book.manned(store)) if store else None,
        )
    finally:
        shelf_.close()
        await llm.close()


def language_model(settings: Settings) -> LLM:
    """The provider of these settings, on its port; nothing is asked of it yet."""
    values: dict[str, Any] = {
        "base_url": settings.engine_address,
        "model": settings.model,
        "api_key": settings.llm_api_key.get_secret_value(),
    }
    if settings.llm_provider == "ollama" and settings.engine_context:
        values["context"] = settings.engine_context
    return registry.llm(settings.llm_provider, **values)


def _model_health(settings: Settings, llm: LLM) -> health.Probe:
    """A provider that knows its troubles is asked for them; of any other, its server's health page."""
    trouble = getattr(llm, "trouble", None)
    return health.model(trouble) if trouble else health.engine(settings.engine_address)


def leads(settings: Settings) -> Leads:
    """The house's rules for leads."""
    return Leads(
        region=settings.region,
        hours=Hours.read(settings.work_hours, settings.timezone),
        at_once=settings.notices == "at_once",
        idle=timedelta(minutes=settings.lead_idle),
        patience=timedelta(minutes=settings.lead_patience),
    )


def quotes(settings: Settings, shelf_: Shelf) -> Quotes:
    """The house's rules for quotations, and its paper."""
    return Quotes(
        goods=goods(shelf_),
        leads=leads(settings),
        days=settings.quote_days,
        head=Letterhead(company=settings.quote_company, contact=settings.quote_contact, zone=settings.timezone),
        address=settings.chat_address,
    )


def model_files(settings: Settings) -> ModelFiles:
    """The models folder, which also looks beside itself for what a stick or an offline bundle brought."""
    return ModelFiles(settings.home / "models", near=[settings.home / "incoming"])


def shelf(settings: Settings) -> Shelf:
    """The catalogue's versions, with the embedder that builds and searches them, and the one that joins later."""
    later = [_embedder_of(settings, settings.second_embedder)] if settings.second_embedder else []
    return Shelf(settings.home / "catalog", embedders=[embedder(settings)], later=later)


@cache
def _embedder(provider: str, **values: str) -> Embedder:
    return registry.embedder(provider, **values)


def embedder(settings: Settings) -> Embedder:
    """One a process: it holds the model's weights."""
    return _embedder_of(settings, settings.embedder or "packaged")


def _embedder_of(settings: Settings, provider: str) -> Embedder:
    match provider:
        case "sentence-transformers":
            return _embedder(provider, model=settings.embedder_model)
        case "openai" | "ollama":
            key = settings.llm_api_key.get_secret_value()
            values = {"model": settings.embedder_model, "base_url": settings.embedder_url, "api_key": key}
            return _embedder(provider, **values)
        case _:
            return _embedder(provider)


@contextmanager
def database(settings: Settings) -> Iterator[str]:
    """The database's URL; the own server is started for as long as it is needed when nothing else runs it."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    with opened(settings.home / "postgres") as url:
        yield url


@asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator[Store]:
    """The store, once the database is at this program's revision; a role never serves on another one."""
    if settings.database_url is None:
        raise Refused("DATABASE_URL is not set; `appliance run` starts the own database and sets it for its roles.")
    store = Store(settings.database_url.get_secret_value(), pool=settings.database_pool)
    try:
        revision = await store.revision()
        if revision != newest():
            raise Refused(
                f"The database is at revision {revision or 'none'}, this program needs {newest()}: "
                "run `appliance migrate`, or the version of the program that the database belongs to."
            )
        yield store
    finally:
        await store.close()


async def _pass_hints_on(store: Store, listeners: Sequence[Callable[[UUID], None]]) -> None:
    """New events reach browsers and deliverers of this process at once, whichever process stored them."""
    async for _, conversation in store.hints(EVENTS):
        for hint in listeners:
            hint(conversation)


async def _serve(api: FastAPI, host: str, port: int, *, before_end: Callable[[], Awaitable[None]]) -> None:
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
    server = Server(config, before_end)
    await server.serve()


class Server(uvicorn.Server):
    """A server that says goodbye first."""

    def __init__(self, config: uvicorn.Config, before_end: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._before_end = before_end

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._before_end()
        await super().shutdown(sockets=sockets)


async def _until_told() -> None:
    told = asyncio.Event()
    for order in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(order, told.set)
    await told.wait()


def _log(settings: Settings, role: str) -> None:
    logs.configure(level=settings.log_level, form=settings.log_format, role=role)
