"""How the box feels, part by part, in words that an operator can act on."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

import httpx

from appliance.store.errors import StoreUnavailable
from appliance.store.store import Store
from catalog.product import CatalogError
from catalog.shelf import Shelf

LATE = timedelta(minutes=2)  # a parcel that waits longer than this is worth a look
FRESH = 5.0  # seconds for which a look is good enough: monitors and load balancers ask often
PATIENCE = 4.0  # seconds that one part may take to answer before it counts as failing
LOW_DISK = 1 << 30  # bytes; below it, PostgreSQL and the catalogue's next version are in danger


class State(StrEnum):
    OK = "OK"
    DEGRADED = "DEGRADED"  # customers are served, but not as well as they should be
    FAIL = "FAIL"  # customers cannot be served


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One component: its state, and why in plain words when it is not OK."""

    name: str
    state: State
    why: str = ""


Probe = Callable[[], Awaitable[Part]]


class Health:
    """Asks every part, at most once in `FRESH` seconds, however many ask."""

    def __init__(self, probes: Mapping[str, Probe]) -> None:
        self._probes = dict(probes)
        self._parts: tuple[Part, ...] = ()
        self._at = -FRESH
        self._lock = asyncio.Lock()

    async def parts(self) -> tuple[Part, ...]:
        async with self._lock:
            if time.monotonic() - self._at > FRESH:
                self._parts = tuple(await asyncio.gather(*(_ask(*probe) for probe in self._probes.items())))
                self._at = time.monotonic()
        return self._parts


def overall(parts: tuple[Part, ...]) -> State:
    """FAIL beats DEGRADED beats OK."""
    states = {part.state for part in parts}
    return next((state for state in (State.FAIL, State.DEGRADED) if state in states), State.OK)


def disk(folder: Path) -> Probe:
    """Free space where the data lies."""

    async def look() -> Part:
        free = shutil.disk_usage(folder).free
        if free < LOW_DISK:
            return Part(name="disk", state=State.DEGRADED, why=f"{free >> 20} MB free in {folder}; make room")
        return Part(name="disk", state=State.OK)

    return look


def database(store: Store) -> Probe:
    """Whether messages can be stored at all."""

    async def look() -> Part:
        try:
            async with store.transaction() as tx:
                await tx.oldest_due()
        except StoreUnavailable as error:
            return Part(name="database", state=State.FAIL, why=str(error))
        return Part(name="database", state=State.OK)

    return look


def outbox(store: Store) -> Probe:
    """Whether what is owed goes out in time."""

    async def look() -> Part:
        try:
            async with store.transaction() as tx:
                lag = await tx.oldest_due()
        except StoreUnavailable:
            return Part(name="outbox", state=State.DEGRADED, why="not known while the database is away")
        if lag > LATE:
            return Part(
                name="outbox", state=State.DEGRADED, why=f"the oldest parcel is {lag.total_seconds():.0f} s late"
            )
        return Part(name="outbox", state=State.OK)

    return look


def catalogue(shelf: Shelf) -> Probe:
    """Whether there is a version that can be searched."""

    async def look() -> Part:
        try:
            snapshot = await asyncio.to_thread(shelf.current)
        except CatalogError as error:
            return Part(name="catalogue", state=State.DEGRADED, why=str(error))
        if snapshot is None:
            why = "there is no catalogue yet: appliance catalog import FILE --publish"
            return Part(name="catalogue", state=State.DEGRADED, why=why)
        asked = shelf.cache.hits + shelf.cache.misses
        cache = f", {shelf.cache.rate:.0%} of {asked:,} searches from memory" if asked else ""
        why = f"version {snapshot.version}, {len(snapshot):,} products{cache}"
        return Part(name="catalogue", state=State.OK, why=why)

    return look


def bot(trouble: Callable[[], str]) -> Probe:
    """Whether customers reach us in Telegram."""

    async def look() -> Part:
        why = trouble()
        return Part(name="bot", state=State.DEGRADED if why else State.OK, why=why)

    return look


def engine(address: str) -> Probe:
    """Whether the model really answers: its own health is a generation, or one that has just succeeded."""

    async def look() -> Part:
        try:
            async with httpx.AsyncClient(timeout=PATIENCE, trust_env=False) as http:
                answer = await http.get(f"{address}/health")
        except httpx.HTTPError:
            why = "the model does not answer; customers get cards and template sentences"
            return Part(name="engine", state=State.DEGRADED, why=why)
        if answer.status_code in (200, 404):  # other servers than ours may have no such page; they do answer
            return Part(name="engine", state=State.OK)
        return Part(name="engine", state=State.DEGRADED, why=answer.text[:200])

    return look


def model(trouble: Callable[[], Awaitable[str]]) -> Probe:
    """The same of a model that tells its troubles itself; `trouble` gives none as an empty text."""

    async def look() -> Part:
        why = await trouble()
        return Part(name="engine", state=State.DEGRADED if why else State.OK, why=why)

    return look


async def _ask(name: str, probe: Probe) -> Part:
    try:
        async with asyncio.timeout(PATIENCE):
            return await probe()
    except TimeoutError:
        return Part(name=name, state=State.FAIL, why=f"no answer within {PATIENCE:.0f} s")
