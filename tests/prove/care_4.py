"""care-4: two hours, fifty customers, a fault every few minutes: the chat stays up, nothing grows, nothing is lost.

Availability is what a prober outside sees: one request a second, up where `/healthz` says that customers are served.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg

from tests.prove_kit import prepared_home
from tests.rig import Answer, Appliance, Customer, loopback, percentile, verdict

QUESTIONS = (
    "насос дренажный 1500 вт", "а подешевле?", "submersible pump 3 kW", "подшипник 6205", "как оплатить?",
    "сварочный аппарат 200 А", "компрессор 50 литров", "what is your delivery time?", "есть в наличии?",
)  # fmt: skip
AVAILABLE = 0.995
GROWTH = 1.0  # MB a minute
MORE_CONNECTIONS = 5  # than after the first part: a process that was started anew may hold its pool fuller
LIFE = 600.0  # seconds that a process must have lived for its growth to mean anything
LEADER = 0x434D0002  # the advisory lock of whoever keeps the schedule
HUNG = 20.0  # seconds that a process stands still
PROCESSES = ("chat", "console", "engine", "worker", "database")


@dataclass(kw_only=True)
class Plan:
    """How long, how many, how often; all in seconds."""

    length: float
    customers: int
    pause: float  # between faults
    warm: float  # before which memory may grow
    look: float  # between looks at memory and connections
    available: float
    life: float
    growth: float  # MB a minute
    model: bool


@dataclass(kw_only=True)
class Seen:
    """What was observed from outside."""

    up: list[bool] = field(default_factory=list)
    memory: dict[tuple[str, int], list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    connections: list[tuple[float, int]] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


async def main(plan: Plan) -> int:
    with tempfile.TemporaryDirectory(prefix="counterman-") as folder, verdict("care-4") as wrong:
        home = prepared_home(Path(folder) / "home", rows=40_000 if plan.model else 2000, model=plan.model)
        seen, over = Seen(), asyncio.Event()
        with Appliance(home, APPLIANCE_PULL="false") as appliance:
            appliance.wait()
            if plan.model:
                appliance.wait_for_engine()
            async with asyncio.TaskGroup() as tasks:
                crowd = [tasks.create_task(_customer(appliance, at, over, seen)) for at in range(plan.customers)]
                for work in (_probe(appliance, over, seen), _watch(appliance, plan, over, seen)):
                    tasks.create_task(work)
                began = time.monotonic()
                await _plant(appliance, plan, seen)
                lasted = time.monotonic() - began
                over.set()
                await asyncio.wait(crowd)
            stored = _stored(appliance.database_url())
        left = appliance.left_behind()

        available = sum(seen.up) / max(len(seen.up), 1)
        growth = {name: slope for name, slope in _growth(seen, plan).items() if slope is not None}
        before, after = _connections(seen, plan)
        lost = [answer for answer in seen.answers if answer.done is None]
        waits = [answer.done for answer in seen.answers if answer.done is not None]
        print(f"{len(seen.faults)} faults: {', '.join(seen.faults)}")
        print(f"{len(seen.answers)} questions, answered after p50 {percentile(waits, 0.5):.1f} s, "
              f"p95 {percentile(waits, 0.95):.1f} s, worst {max(waits, default=0):.1f} s")  # fmt: skip
        print("memory, MB a minute: " + (", ".join(f"{name} {slope:+.2f}" for name, slope in growth.items()) or "-"))
        print(f"connections to the database: {before} after the first part, {after} at the end")
        if lasted < plan.length:
            wrong.append(f"ended after {lasted / 60:.0f} minutes: more time away than {plan.length / 60:.0f} may have")
        if available < plan.available:
            wrong.append(f"available {available:.2%}, {plan.available:.1%} was to be")
        wrong += [f"{name} grew by {slope:.2f} MB a minute" for name, slope in growth.items() if slope >= plan.growth]
        if after > before + MORE_CONNECTIONS:
            wrong.append(f"{after} connections, {before} after the first part")
        if lost:
            wrong.append(f"{len(lost)} customers got no answer, such as {lost[0]}")
        if stored["questions"] != len(seen.answers) or stored["unanswered"]:
            wrong.append(f"{len(seen.answers)} asked, {stored}")
        if not seen.faults or not seen.up:
            wrong.append("nothing was planted or nobody probed")
        if left:
            wrong.append(f"left behind: {left}")
        minutes = round(lasted / 60, 1)
        print(f"available {available:.3%} over {minutes} minutes, {len(lost)} of {len(seen.answers)} messages lost")
    return 0


async def _customer(appliance: Appliance, number: int, over: asyncio.Event, seen: Seen) -> None:
    chance = random.Random(number)
    customer = Customer(appliance, address=loopback(number))
    while not over.is_set():
        seen.answers.append(await customer.ask(chance.choice(QUESTIONS), patience=120))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), chance.uniform(8, 20))
    await customer.close()


async def _probe(appliance: Appliance, over: asyncio.Event, seen: Seen) -> None:
    """A monitor outside: a request a second, five seconds' patience."""
    async with httpx.AsyncClient(timeout=5, trust_env=False) as http:
        while not over.is_set():
            began = time.monotonic()
            try:
                seen.up.append((await http.get(f"{appliance.url}/healthz")).status_code == 200)
            except httpx.HTTPError:
                seen.up.append(False)
            await asyncio.sleep(max(0.0, 1 - (time.monotonic() - began)))


async def _watch(appliance: Appliance, plan: Plan, over: asyncio.Event, seen: Seen) -> None:
    began = time.monotonic()
    while not over.is_set():
        now = time.monotonic() - began
        for name in PROCESSES:
            if (pid := appliance.pid(name)) and (size := _resident(pid)):
                seen.memory[name, pid].append((now, size))
        with contextlib.suppress(psycopg.Error, OSError):
            query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            seen.connections.append((now, _count(appliance.database_url(), query)))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), plan.look)


async def _plant(appliance: Appliance, plan: Plan, seen: Seen) -> None:
    """One fault after another until the time is over; each as it comes on real boxes."""
    deadline = time.monotonic() + plan.length
    faults: list[tuple[str, Callable[[], Awaitable[None]]]] = [
        ("worker killed", lambda: _kill(appliance, "worker")),
        ("leader cut off", lambda: _cut_leader(appliance)),
        ("chat killed", lambda: _kill(appliance, "chat")),
        ("engine hung", lambda: _hang(appliance, "engine")),
        ("console killed", lambda: _kill(appliance, "console")),
        ("database killed", lambda: _kill(appliance, "database")),
        ("worker hung", lambda: _hang(appliance, "worker")),
        ("engine killed", lambda: _kill(appliance, "engine")),
        ("all connections cut", lambda: _cut_all(appliance)),
    ]
    at = 0
    allowed = (1 - plan.available) * plan.length  # seconds away, after which two hours cannot be met any more
    while (left := deadline - time.monotonic()) > 0 and seen.up.count(False) <= allowed:
        await asyncio.sleep(min(plan.pause, left))
        if time.monotonic() + plan.pause / 2 < deadline:
            name, fault = faults[at % len(faults)]
            await fault()
            seen.faults.append(name)
            print(f"{time.strftime('%H:%M:%S')} {name}; away {seen.up.count(False)} of {len(seen.up)} s", flush=True)
            at += 1


async def _kill(appliance: Appliance, name: str) -> None:
    appliance.kill(name)


async def _hang(appliance: Appliance, name: str) -> None:
    """Stands still for a while, then goes on, unless it was replaced meanwhile."""
    if pid := appliance.pid(name):
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(HUNG)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


async def _cut_leader(appliance: Appliance) -> None:
    _count(
        appliance.database_url(),
        f"""SELECT count(pg_terminate_backend(pid)) FROM pg_locks
            WHERE locktype = 'advisory' AND granted AND (classid::bigint << 32 | objid::bigint) = {LEADER}""",
    )


async def _cut_all(appliance: Appliance) -> None:
    _count(
        appliance.database_url(),
        """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
           WHERE datname = current_database() AND pid <> pg_backend_pid()""",
    )


def _growth(seen: Seen, plan: Plan) -> dict[str, float | None]:
    """By process, MB a minute over its longest life after the warm part; None where none lived long enough."""
    found: dict[str, float | None] = {}
    for name in PROCESSES:
        lives = [points for (role, _), points in seen.memory.items() if role == name]
        lives = [
            [point for point in points if point[0] >= max(plan.warm, points[0][0] + plan.warm / 2)] for points in lives
        ]
        longest = max(lives, key=lambda points: points[-1][0] - points[0][0] if points else 0, default=[])
        long = len(longest) > 2 and longest[-1][0] - longest[0][0] >= plan.life
        found[name] = statistics.linear_regression(*zip(*longest, strict=True)).slope * 60 if long else None
    return found


def _connections(seen: Seen, plan: Plan) -> tuple[int, int]:
    """The median in the part after the warm one, and in the last one."""
    warm = [count for at, count in seen.connections if at >= plan.warm] or [0]
    third = max(1, len(warm) // 3)
    return round(statistics.median(warm[:third])), round(statistics.median(warm[-third:]))


def _resident(pid: int) -> float:
    """MB that are the process's own or its share (smaps_rollup), so that mapped catalogue files count once."""
    with contextlib.suppress(OSError, StopIteration, IndexError):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith(("Private_Dirty", "Private_Clean"))) / 1024
    return 0.0


def _stored(url: str) -> dict[str, int]:
    said = "FROM messages WHERE role = 'user'"
    return {
        "questions": _count(url, f"SELECT count(*) {said}"),
        "unanswered": _count(url, f"SELECT count(*) {said} AND answered_by IS NULL"),
    }


def _count(url: str, query: str) -> int:
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--quick", action="store_true")
    chosen = options.parse_args()
    if chosen.quick:
        print("QUICK")
    full = Plan(
        length=7200, customers=50, pause=420, warm=1800, look=30, available=AVAILABLE, life=LIFE, growth=GROWTH,
        model=True,
    )  # fmt: skip
    # A minute says nothing of growth: caches fill. It is shown and not judged.
    quick = Plan(
        length=60, customers=5, pause=20, warm=10, look=5, available=0.5, life=15, growth=float("inf"), model=False
    )
    sys.exit(asyncio.run(main(quick if chosen.quick else full)))
