"""How each part of the box is looked at: by doing what customers need of it, wherever that is cheap enough."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from appliance import certificates
from appliance.beating import Beating
from appliance.certificates import BadCertificate
from appliance.health import Part, Probe, bad
from appliance.sealed import Sealed
from appliance.store.errors import StoreUnavailable
from appliance.store.revisions import newest
from appliance.store.store import Store
from appliance.store.watching import Post
from catalog.product import CatalogError
from catalog.shelf import Shelf

LATE = timedelta(minutes=2)  # a parcel that waits longer than this is worth a look
CRM_LATE = timedelta(minutes=30)  # the CRM may be busy for a while; leads are safe and seen here all the same
CRM = "crm"  # the channel of parcels for the CRM
ENGINE_PATIENCE = 12.0  # seconds: its health may be a real generation on a busy box
MAIL_EVERY, MAIL_PATIENCE = 20.0, 8.0  # seconds: a connection to the company's server, without a login
CERTIFICATE_EVERY = 300.0  # seconds between looks at the chat's public certificate
PATIENT = 8.0  # seconds for a site's handshake
SOON = timedelta(days=14)  # before a certificate ends
GIB = 1 << 30
GRACE = 60.0  # seconds after our start in which a process that never lived is not missed
SILENT = timedelta(seconds=20)  # four beats missed
TOLD = 30.0  # seconds for which the unexpected end of a process is shown


def disk(folder: Path) -> Probe:
    """Free space where the data lies.

    Low at 5 % of the disk, which is at most 10 GiB, and in any case below 1 GiB (a tenth of a tiny disk): PostgreSQL
    stops on a full disk, and the catalogue's next version needs room.
    """

    async def look() -> Part:
        total, used, free = shutil.disk_usage(folder)
        if free < max(min(total // 20, 10 * GIB), min(GIB, total // 10)):
            full = round(100 * used / (used + free))
            return bad("disk", "disk_low", free=free >> 20, used=full, folder=folder)
        return Part(name="disk")

    return Probe(look=look)


def database(store: Store) -> Probe:
    """Whether messages can be stored at all."""

    async def look() -> Part:
        try:
            async with store.transaction() as tx:
                await tx.oldest_due()
        except StoreUnavailable:
            return bad("database", "database_away")
        return Part(name="database")

    return Probe(look=look, silent="database_away")


def schema(store: Store) -> Probe:
    """Whether the database is at the revision that this program was written for."""

    async def look() -> Part:
        try:
            async with store.transaction() as tx:
                has = await tx.schema()
        except StoreUnavailable:
            return _unknown("schema")
        if has != newest():
            return bad("schema", "schema_other", has=has or "-", needs=newest())
        return Part(name="schema")

    return Probe(look=look)


def outbox(store: Store) -> Probe:
    """Whether what is owed to customers and managers goes out in time."""

    def ill(post: Post) -> Part | None:
        if post.late > LATE:
            return bad("outbox", "parcels_late", channel=post.channel, seconds=round(post.late.total_seconds()))
        if post.stuck:
            return bad("outbox", "parcels_stuck", channel=post.channel, count=post.stuck)
        return None

    return _of_posts("outbox", store, lambda posts: [ill(post) for post in posts if post.channel != CRM])


def crm(store: Store) -> Probe:
    """Whether leads reach the CRM."""

    def ill(post: Post) -> Part | None:
        if post.held:
            return bad("crm", "crm_held", count=post.held, why=post.why)
        if post.late > CRM_LATE:
            return bad("crm", "crm_late", seconds=round(post.late.total_seconds()))
        return None

    return _of_posts("crm", store, lambda posts: [ill(post) for post in posts if post.channel == CRM])


def _of_posts(name: str, store: Store, judge: Callable[[list[Post]], list[Part | None]]) -> Probe:
    async def look() -> Part:
        try:
            async with store.transaction() as tx:
                posts = await tx.owed()
        except StoreUnavailable:
            return _unknown(name)
        return next((part for part in judge(posts) if part), Part(name=name))

    return Probe(look=look)


def catalogue(shelf: Shelf) -> Probe:
    """Whether the live version is whole on the disk, and a search really finds what it holds."""
    sealed = Sealed()

    async def look() -> Part:
        try:
            snapshot = await asyncio.to_thread(shelf.current)
            if snapshot is None:
                return bad("catalogue", "catalogue_none")
            if damaged := await asyncio.to_thread(sealed.damaged, snapshot.folder, snapshot.manifest):
                return bad("catalogue", "catalogue_damaged", file=damaged)
            if not await asyncio.to_thread(sealed.searched, snapshot):
                return bad("catalogue", "catalogue_blind")
        except CatalogError as error:
            return bad("catalogue", "catalogue_bad", why=str(error))
        values = {"version": snapshot.version, "products": f"{len(snapshot):,}", "share": f"{shelf.cache.rate:.0%}"}
        return Part(name="catalogue", cause="catalogue_ok", values=values)

    # A search costs some of the time of customers' searches; a big version that was never read is read from the disk.
    return Probe(look=look, every=15.0, patience=12.0)


def bot(trouble: Callable[[], str]) -> Probe:
    """Whether customers reach us in Telegram."""

    async def look() -> Part:
        why = trouble()
        return bad("bot", "bot_bad", why=why) if why else Part(name="bot")

    return Probe(look=look)


def engine(address: str, *, there: Callable[[], bool] = lambda: True) -> Probe:
    """Whether the model really answers: its own health is a generation, or one that has just succeeded.

    `there` tells whether a model is on the box at all; at the first start it is still on its way.
    """

    async def look() -> Part:
        try:
            async with httpx.AsyncClient(timeout=ENGINE_PATIENCE, trust_env=False) as http:
                answer = await http.get(f"{address}/health")
        except httpx.HTTPError:
            return bad("engine", "engine_silent" if await asyncio.to_thread(there) else "engine_none")
        if answer.status_code in (200, 404):  # other servers than ours may have no such page; they do answer
            return Part(name="engine")
        return bad("engine", "engine_bad", why=answer.text[:200])

    return Probe(look=look, patience=ENGINE_PATIENCE, silent="engine_silent")


def model(trouble: Callable[[], Awaitable[str]]) -> Probe:
    """The same of a model that tells its troubles itself; `trouble` gives none as an empty text."""

    async def look() -> Part:
        why = await trouble()
        return bad("engine", "engine_bad", why=why) if why else Part(name="engine")

    return Probe(look=look, patience=ENGINE_PATIENCE, silent="engine_silent")


def promise(trouble: Callable[[], Awaitable[str]]) -> Probe:
    """Whether the model is as fast as it was when this box was measured."""

    async def look() -> Part:
        why = await trouble()
        return bad("promise", "promise_broken", why=why) if why else Part(name="promise")

    return Probe(look=look, every=60.0)


def worker(store: Store) -> Probe:
    """Whether some process does the scheduled work."""
    began = time.monotonic()

    async def look() -> Part:
        try:
            async with store.transaction() as tx:
                beats = await tx.beats()
        except StoreUnavailable:
            return _unknown("worker")
        alive = [beat for beat in beats if beat.role == "worker" and beat.silent < SILENT]
        if not alive and time.monotonic() - began > GRACE:
            return bad("worker", "worker_silent")
        return Part(name="worker")

    return Probe(look=look)


def leader(store: Store, cuts: Callable[[], Mapping[str, float]]) -> Probe:
    """Whether a connection that holds a lead was cut lately, here or in any other process."""

    async def look() -> Part:
        lost = dict(cuts())
        try:
            async with store.transaction() as tx:
                beats = await tx.beats()
        except StoreUnavailable:
            return _unknown("leader")
        for beat in beats:
            if beat.silent < SILENT:
                lost.update(beat.about.get("cuts") or {})
        if lost:
            work = min(lost, key=lambda each: lost[each])
            return bad("leader", "leader_lost", work=work, seconds=round(lost[work]))
        return Part(name="leader")

    return Probe(look=look)


def clock(beating: Beating) -> Probe:
    """Whether our clock runs evenly, and as the database's does."""

    async def look() -> Part:
        if beating.skew:
            return bad("clock", "clock_off", seconds=round(abs(beating.skew)))
        if beating.jump:
            return bad("clock", "clock_jumped", seconds=round(beating.jump))
        return Part(name="clock")

    return Probe(look=look)


def mail(host: str, port: int, security: str) -> Probe:
    """Whether the company's mail server takes our connections, by a certificate that is good."""

    async def look() -> Part:
        try:
            ends = await asyncio.to_thread(certificates.of_mail_server, host, port, security, MAIL_PATIENCE - 1)
        except BadCertificate as error:
            return bad("mail", "mail_certificate", host=host, why=str(error))
        except OSError as error:
            return bad("mail", "mail_away", host=host, why=str(error))
        return _ending("mail", host, ends)

    return Probe(look=look, every=MAIL_EVERY, patience=MAIL_PATIENCE)


def public(host: str, port: int) -> Probe:
    """Whether browsers will trust the chat's public address; that it is not reached from inside says nothing."""

    async def look() -> Part:
        try:
            ends = await asyncio.to_thread(certificates.of_site, host, port, PATIENT)
        except BadCertificate as error:
            return bad("public", "public_certificate", host=host, why=str(error))
        except OSError:
            return Part(name="public")
        return _ending("public", host, ends)

    return Probe(look=look, every=CERTIFICATE_EVERY, patience=PATIENT + 1)


def processes(home: Path) -> Probe:
    """What the supervisor says of the processes that it keeps; where none keeps them, there is nothing to say."""

    async def look() -> Part:
        for name, process in (_state(home).get("processes") or {}).items():
            ends = [at for at in process.get("ends") or () if time.time() - at < TOLD]
            if process.get("phase") == "restarting" or ends:
                return bad("processes", "process_ended", name=name, reason=process.get("last_reason") or "-")
        return Part(name="processes")

    return Probe(look=look)


def logs(home: Path) -> Probe:
    """Whether the journal can be written, as the supervisor found."""

    async def look() -> Part:
        if why := _state(home).get("logs"):
            return bad("logs", "logs_unwritable", folder=home / "logs", why=why)
        return Part(name="logs")

    return Probe(look=look)


def _state(home: Path) -> Mapping[str, Any]:
    try:
        state: dict[str, Any] = json.loads((home / "run" / "state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return state if Path(f"/proc/{state.get('supervisor')}").exists() else {}


def _ending(name: str, host: str, ends: float | None) -> Part:
    left = timedelta(seconds=ends - time.time()) if ends else SOON
    if left < SOON:
        return bad(name, "certificate_soon", host=host, days=max(left.days, 0))
    return Part(name=name)


def _unknown(name: str) -> Part:
    return bad(name, "not_known", because="database", part="database")
