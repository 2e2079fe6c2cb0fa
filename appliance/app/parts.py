"""What several processes are put together from, made of the settings: models, catalogue, house rules, store."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from functools import cache, partial
from typing import Any

from appliance import health, logs, probes
from appliance.assistant import Assistant
from appliance.core.prompt import default_prompt
from appliance.errors import Refused
from appliance.hours import Hours, HoursNow, Opening
from appliance.household import model_is_here
from appliance.leads import Leads
from appliance.pages import goods
from appliance.paper.sheet import Letterhead
from appliance.prose import LIMIT, Writer
from appliance.quotes import Quotes
from appliance.settings import Settings
from appliance.shop import Owner
from appliance.store.embedded import opened
from appliance.store.revisions import newest
from appliance.store.store import Store
from catalog.shelf import Shelf
from models import registry
from models.base import LLM, Embedder
from models.files import ModelFiles
from models.qualify import kept

POSTED = ("telegram",)  # channels whose messages go out as parcels


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


def model_health(settings: Settings, llm: LLM) -> health.Probe:
    """A provider that knows its troubles is asked for them; of any other, its server's health page."""
    trouble = getattr(llm, "trouble", None)
    if trouble:
        return probes.model(trouble)
    own = settings.llm_provider == "engine" and not settings.engine_url
    return probes.engine(settings.engine_address, there=partial(model_is_here, settings) if own else lambda: True)


@asynccontextmanager
async def assistant(
    settings: Settings, store: Store | None = None, llm: LLM | None = None, owner_: Owner | None = None
) -> AsyncIterator[Assistant]:
    """The assistant with its models and texts; without a store it speaks by the prompt that ships. Closes its model."""
    llm = llm or language_model(settings)
    shelf_ = shelf(settings)
    said = owner_ or owner(settings, store)
    await said.look()
    book = leads(settings, said)
    try:
        yield Assistant(
            shelf=shelf_,
            embedder=embedder(settings),
            writer=_writer(settings, llm),
            company=lambda: said.now.passages,
            voice=lambda: said.now.voice,
            vectors=settings.home / "cache" / "vectors",
            default_language=settings.default_language,
            region=settings.region,
            manned=(lambda: book.manned(store)) if store else None,
        )
    finally:
        shelf_.close()
        await llm.close()


def owner(settings: Settings, store: Store | None, llm: LLM | None = None) -> Owner:
    """The owner's words; whoever keeps them up to date runs it.

    With the model that answers customers, texts are also found by meaning, and an engine of ours hears of new prompts.
    """
    return Owner(
        store=store,
        home=settings.home,
        hours=Hours.read(settings.work_hours, settings.timezone),
        embedder=embedder(settings) if llm else None,
        vectors=settings.home / "cache" / "vectors",
        share=getattr(llm, "share", None),
    )


def opening(settings: Settings, owner_: Owner | None) -> Opening:
    """The working hours: the owner's own where there is one to ask, else those of the settings."""
    return HoursNow(lambda: owner_.now.hours) if owner_ else Hours.read(settings.work_hours, settings.timezone)


def _writer(settings: Settings, llm: LLM) -> Writer:
    """Answers are as long as this box was measured to have time for."""
    found = kept(model_files(settings).folder)
    longest = min(LIMIT, found.answer) if found else LIMIT
    return Writer(llm=llm, prompt=default_prompt(), patience=timedelta(seconds=settings.patience), longest=longest)


def leads(settings: Settings, owner_: Owner | None = None) -> Leads:
    """The house's rules for leads."""
    return Leads(
        region=settings.region,
        hours=opening(settings, owner_),
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
        head=letterhead(settings),
        address=settings.chat_address,
    )


def letterhead(settings: Settings) -> Letterhead:
    """Whose paper a quotation is."""
    return Letterhead(company=settings.quote_company, contact=settings.quote_contact, zone=settings.timezone)


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
async def open_store(settings: Settings) -> AsyncIterator[Store]:
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


async def until_told() -> None:
    told = asyncio.Event()
    for order in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(order, told.set)
    await told.wait()


def log_as(settings: Settings, role: str) -> None:
    logs.configure(level=settings.log_level, form=settings.log_format, role=role)
