"""What is done on schedule, and by one process only: the leader, who holds a lock in the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psycopg
import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from appliance.store.store import plain_url

log = structlog.get_logger("jobs")

LEADER = 0x434D0002  # the advisory lock of the one process that keeps the schedule
BEAT = 2.0  # seconds between looks whether the lock's connection still lives


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A scheduled function. It may run twice, and decides by a query what is due."""

    name: str
    every: float  # seconds
    run: Callable[[], Awaitable[None]]


async def keep(url: str, jobs: Sequence[Job]) -> None:
    """Runs the jobs while this process is the leader, and waits to become it otherwise. Runs until cancelled."""
    while True:
        try:
            async with _leading(url) as connection:
                log.info("jobs.leading", jobs=[job.name for job in jobs])
                await _schedule(connection, jobs)
        except (psycopg.Error, OSError) as error:
            log.warning("jobs.not_leading", why=str(error).strip())
        await asyncio.sleep(1)


@asynccontextmanager
async def _leading(url: str) -> AsyncIterator[psycopg.AsyncConnection]:
    """A connection that holds the leader's lock; TCP keepalives notice a peer that vanished."""
    connection = await psycopg.AsyncConnection.connect(
        plain_url(url), autocommit=True, keepalives_idle=5, keepalives_interval=2, keepalives_count=3
    )
    async with connection:
        await connection.execute("SELECT pg_advisory_lock(%s)", (LEADER,))
        yield connection


async def _schedule(connection: psycopg.AsyncConnection, jobs: Sequence[Job]) -> None:
    """The schedule lives in memory only and ends at once when the lock's connection fails."""
    scheduler = AsyncIOScheduler(timezone="UTC")
    for job in jobs:
        scheduler.add_job(
            _safely(job), IntervalTrigger(seconds=job.every), id=job.name, coalesce=True, max_instances=1,
            misfire_grace_time=None,
        )  # fmt: skip
    scheduler.start()
    try:
        while True:
            async for _ in connection.notifies(timeout=BEAT):
                pass  # nothing is listened for: this waits on the socket, and so notices a cut at once
            await connection.execute("SELECT 1")
    finally:
        scheduler.shutdown(wait=False)


def _safely(job: Job) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        try:
            await job.run()
        except Exception:
            log.exception("job.failed", job=job.name)

    return run
