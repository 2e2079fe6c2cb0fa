"""One process among equals does what must be done once: whoever holds a lock in the database, while it holds it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import psycopg
import structlog

from appliance.store.store import plain_url
from appliance.tasks import Tasks

log = structlog.get_logger("leader")

TELEGRAM = 0x434D0003  # the advisory lock of the one process that polls Telegram and writes to it
MAIL = 0x434D0004  # of the one that delivers mail
CRM = 0x434D000C  # of the one that pushes leads to the CRM
BUILDS = 0x434D0009  # of the one that builds versions of uploaded price lists
BEAT = 2.0  # seconds between looks whether the lock's connection still lives
AGAIN = 1.0  # seconds before a leader that failed tries again
REMEMBERED = 30.0  # seconds for which a cut is told of: it is mended before anybody who asks now and then could see it

_cuts: dict[str, float] = {}  # work -> when its lead was last lost in this process, by the monotonic clock


async def while_leading(url: str, lock: int, work: Callable[[], Awaitable[None]], *, name: str) -> None:
    """Runs `work` while this process holds `lock`, waits for it otherwise, and begins anew after a fault.

    The work is cancelled as soon as the lock's connection fails; until another process notices, two may work for a
    moment, so what the work does has to be safe twice. Runs until cancelled.
    """
    while True:
        leading = False
        try:
            async with _holding(url, lock) as connection:
                leading = True
                log.info("leader.leading", work=name)
                await _work_while_alive(connection, work, name)
        except (psycopg.Error, OSError) as error:
            if leading:
                _cuts[name] = time.monotonic()
            log.warning("leader.lost", work=name, why=str(error).strip())
        except Exception:
            log.exception("leader.failed", work=name)
        await asyncio.sleep(AGAIN)


def cuts() -> Mapping[str, float]:
    """The leads that this process lost lately, and how many seconds ago."""
    now = time.monotonic()
    return {work: now - at for work, at in _cuts.items() if now - at < REMEMBERED}


@asynccontextmanager
async def _holding(url: str, lock: int) -> AsyncIterator[psycopg.AsyncConnection]:
    """A connection that holds the lock; TCP keepalives notice a peer that vanished."""
    connection = await psycopg.AsyncConnection.connect(
        plain_url(url), autocommit=True, keepalives_idle=5, keepalives_interval=2, keepalives_count=3
    )
    async with connection:
        await connection.execute("SELECT pg_advisory_lock(%s)", (lock,))
        yield connection


async def _work_while_alive(
    connection: psycopg.AsyncConnection, work: Callable[[], Awaitable[None]], name: str
) -> None:
    async with Tasks() as tasks:
        working = tasks.start(_awaited(work), name=name)
        while not working.done():
            async for _ in connection.notifies(timeout=BEAT):
                pass  # nothing is listened for: this waits on the socket, and so notices a cut at once
            await connection.execute("SELECT 1")
        working.result()


async def _awaited(work: Callable[[], Awaitable[None]]) -> None:
    await work()
