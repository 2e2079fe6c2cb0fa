"""How the processes are watched: what the chat's health looks at, and the signs of life of each."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import suppress
from typing import TypeVar
from urllib.parse import urlsplit

from appliance import logs, probes
from appliance.alert_post import Person
from appliance.app.keeping import backup_health, room_health
from appliance.app.parts import model_files, model_health
from appliance.beating import Beating
from appliance.channels.telegram import TelegramChannel
from appliance.core.types import Role, Staff
from appliance.desk.box import BoxDesk
from appliance.health import EVERY, Health, State
from appliance.metrics import ChatMetrics, Metrics
from appliance.promise import Promise
from appliance.settings import Settings
from appliance.store.errors import StoreUnavailable
from appliance.store.leader import cuts
from appliance.store.store import Store
from appliance.watch import Folder
from appliance.watch import keep_people as write_people
from appliance.watchman import post
from appliance.way_out import Place, network, place_of
from catalog.shelf import Shelf
from models.base import LLM

METRICS = ("chat", "worker", "engine")  # in the order of their ports
T = TypeVar("T", bound=Metrics)
PEOPLE = 30.0  # seconds between looks who the administrators are


def beating(store: Store, role: str) -> Beating:
    """This process's signs of life."""
    return Beating(store=store, role=role, cuts=cuts)


async def keep_people(settings: Settings, store: Store) -> None:
    """Keeps the list of those whom alerts go to beside the watch, which cannot ask the database. Runs for ever."""
    folder = Folder(home=settings.home)
    while True:
        with suppress(StoreUnavailable):
            async with store.transaction() as tx:
                crew = await tx.crew()
            await asyncio.to_thread(write_people, folder, [way for person in crew for way in _ways(person)])
        await asyncio.sleep(PEOPLE)


def _ways(person: Staff) -> Iterator[Person]:
    if person.role is Role.ADMINISTRATOR and person.telegram_id is not None:
        yield Person(way="telegram", address=str(person.telegram_id), lang=person.lang)
    if person.role is Role.ADMINISTRATOR and person.email:
        yield Person(way="mail", address=person.email, lang=person.lang)


def box_desk(settings: Settings, store: Store) -> BoxDesk:
    """The console's view of the box."""
    own = settings.llm_provider == "engine" and not settings.engine_url
    return BoxDesk(
        store=store,
        home=settings.home,
        ask=settings.changed(public_url="").chat_address,
        files=model_files(settings),
        fixed=settings.model if own else settings.model or settings.engine_address,
        quiet=settings.quiet_hours,
        told=settings.alert_to,
        ways=post(settings).ways,
        env=os.environ,
    )


def shown(settings: Settings, metrics: T, role: str) -> T:
    """The metrics of this process, counted from now on, and shown where the settings name a port."""
    logs.listen(metrics.count_errors)
    if settings.metrics_port:
        metrics.serve(settings.metrics_host, settings.metrics_port + METRICS.index(role))
    return metrics


async def feel(health: Health, metrics: ChatMetrics) -> None:
    """Keeps the metrics told how the parts feel. Runs for ever."""
    while True:
        metrics.felt((part.name, part.state is State.OK) for part in await health.parts())
        await asyncio.sleep(EVERY)


async def _outside(settings: Settings, store: Store) -> list[Place]:
    """The servers outside that this box lives by; what goes through the proxy is as far as the proxy."""
    known = [settings.proxy.get_secret_value() or settings.telegram_api_url] if settings.telegram_token else []
    known.append(settings.heartbeat_url.get_secret_value())
    with suppress(StoreUnavailable):
        async with store.transaction() as tx:
            account = await tx.crm_account()
        if account:
            known += [str(account.settings.get(name) or "") for name in ("accounts_url", "api_url", "url")]
    places = [place for url in known if url and (place := place_of(url))]
    return [*places, (settings.smtp_host, settings.smtp_port)] if settings.smtp_host else places


def chat_health(
    settings: Settings, store: Store, shelf: Shelf, llm: LLM, bot: TelegramChannel | None, beats: Beating
) -> Health:
    """All that customers depend on, as the chat sees it."""
    looks = {
        "database": probes.database(store),
        "schema": probes.schema(store),
        "catalogue": probes.catalogue(shelf),
        "engine": model_health(settings, llm),
        "worker": probes.worker(store),
        "outbox": probes.outbox(store),
        "crm": probes.crm(store),
        "network": network(lambda: _outside(settings, store)),
        "leader": probes.leader(store, cuts),
        "clock": probes.clock(beats),
        "disk": probes.disk(settings.home),
        "backup": backup_health(settings),
        "room": room_health(store),
        "processes": probes.processes(settings.home),
        "logs": probes.logs(settings.home),
    }
    if settings.llm_provider == "engine" and not settings.engine_url:
        promise = Promise(folder=model_files(settings).folder, address=settings.engine_address)
        looks["promise"] = probes.promise(promise.trouble)
    if bot:
        looks["bot"] = probes.bot(bot.trouble)
    if settings.smtp_host:
        looks["mail"] = probes.mail(settings.smtp_host, settings.smtp_port, settings.smtp_security)
    site = urlsplit(settings.public_url)
    if site.scheme == "https" and site.hostname:
        looks["public"] = probes.public(site.hostname, site.port or 443)
    return Health(looks)
