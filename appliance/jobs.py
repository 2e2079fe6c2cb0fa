"""What is done on schedule, and by one process only: the leader, who holds a lock in the database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from appliance.store.leader import while_leading

log = structlog.get_logger("jobs")

LEADER = 0x434D0002  # the advisory lock of the one process that keeps the schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A scheduled function. It may run twice, and decides by a query what is due."""

    name: str
    every: float  # seconds
    run: Callable[[], Awaitable[None]]


Around = Callable[[str], AbstractContextManager[None]]


async def keep(url: str, jobs: Sequence[Job], *, around: Around | None = None) -> None:
    """Runs the jobs while this process is the leader, and waits to become it otherwise. Runs until cancelled.

    `around` gives what each run happens in, for example what times it.
    """

    async def lead() -> None:
        log.info("jobs.leading", jobs=[job.name for job in jobs])
        await _schedule(jobs, around or _nothing)

    await while_leading(url, LEADER, lead, name="jobs")


async def _schedule(jobs: Sequence[Job], around: Around) -> None:
    """The schedule lives in memory only, and ends with the leadership."""
    scheduler = AsyncIOScheduler(timezone="UTC")
    for job in jobs:
        scheduler.add_job(
            _safely(job, around), IntervalTrigger(seconds=job.every), id=job.name, coalesce=True, max_instances=2,
            misfire_grace_time=None,
        )  # fmt: skip
    scheduler.start()
    try:
        await asyncio.Event().wait()
    finally:
        scheduler.shutdown(wait=False)


def _nothing(job: str) -> AbstractContextManager[None]:
    return nullcontext()


def _safely(job: Job, around: Around) -> Callable[[], Awaitable[None]]:
    """Once at a time: a backup takes longer than its pace, which is no trouble that a log should tell of."""
    at_it = asyncio.Lock()

    async def run() -> None:
        if at_it.locked():
            return
        try:
            async with at_it:
                with around(job.name):
                    await job.run()
        except asyncio.CancelledError:
            log.info("job.cut_short", job=job.name)  # the box ends or leads no more; the scheduler would shout
        except Exception:
            log.exception("job.failed", job=job.name)

    return run
