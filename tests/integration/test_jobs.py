"""Of all processes one keeps the schedule, and another takes over when it dies."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

import pytest
from sqlalchemy import text

from appliance.jobs import LEADER, Job, keep
from appliance.store.store import Store
from appliance.tasks import Tasks


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.1)


async def test_one_leader_at_a_time_and_another_after_it(store: Store, database_url: str) -> None:
    ran: Counter[str] = Counter()

    def job(name: str) -> Job:
        async def run() -> None:
            ran[name] += 1

        return Job(name="count", every=0.1, run=run)

    async with Tasks() as tasks:
        tasks.start(keep(database_url, [job("first")]), name="first")
        await until(lambda: ran["first"] > 3)
        tasks.start(keep(database_url, [job("second")]), name="second")
        await asyncio.sleep(1)
        assert ran["second"] == 0

        async with store.transaction() as tx:  # the leader's connection is cut
            await tx.connection.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
                     " AND ((classid::bigint << 32) | objid::bigint) = :lock"),
                {"lock": LEADER},
            )  # fmt: skip
        await until(lambda: ran["second"] > 0)
        before = ran["first"]
        await asyncio.sleep(1)
        assert ran["first"] == before


async def test_a_job_that_the_end_cuts_short_is_no_error_in_the_log(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    begun = asyncio.Event()

    async def long() -> None:
        begun.set()
        await asyncio.sleep(60)

    async with Tasks() as tasks:
        keeping = tasks.start(keep(database_url, [Job(name="long", every=0.1, run=long)]), name="leader")
        async with asyncio.timeout(20):
            await begun.wait()
        keeping.cancel()
        await asyncio.wait([keeping])
        await asyncio.sleep(0.2)  # the scheduler hears of it a moment later
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_job_that_fails_does_not_end_the_schedule(database_url: str) -> None:
    runs = 0

    async def fail() -> None:
        nonlocal runs
        runs += 1
        raise RuntimeError("planted")

    async with Tasks() as tasks:
        tasks.start(keep(database_url, [Job(name="fail", every=0.1, run=fail)]), name="leader")
        await until(lambda: runs >= 2)


async def test_a_job_that_takes_longer_than_its_pace_is_done_once_at_a_time_and_nobody_is_warned(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    at_it = most = done = 0

    async def slow() -> None:
        nonlocal at_it, most, done
        at_it += 1
        most = max(most, at_it)
        await asyncio.sleep(0.5)
        at_it, done = at_it - 1, done + 1

    async with Tasks() as tasks:
        tasks.start(keep(database_url, [Job(name="slow", every=0.1, run=slow)]), name="leader")
        await until(lambda: done >= 2)
    assert most == 1 and not caplog.records
