"""console-6: the console's memory is flat after 500 visits of its pages, and after a working day of live updates."""

from __future__ import annotations

import asyncio
import itertools
import random
import sys
import time
from datetime import UTC, datetime
from uuid import uuid4

from appliance.core.company import Passages
from appliance.core.types import Inbound, Reply, Route, Rung
from appliance.history import write_history
from appliance.history.story import Setting
from appliance.store.store import Store
from appliance.tasks import Tasks
from catalog.product import Product
from catalog.sample.rows import generate
from tests.console_house import console
from tests.console_session import Session, keep_acknowledging, menu, resident, tokens
from tests.prove._console import database
from tests.rig import verdict

VISITS, QUICK_VISITS = 500, 40
VIEWERS = 5  # pages of dialogues that stay open while customers write
DAY, SPEED = 8 * 3600.0, 10.0  # seconds of work, at ten times its speed
EVERY = 6.0  # seconds between two messages of customers on a busy day
QUICK_DAY = 250.0
FORGOTTEN = 35.0  # seconds after which a page that was left is forgotten (reconnect_timeout and a little)
GROWTH = 0.05  # by which memory may be higher at the end than after the first half …
SLACK = 12.0  # … or so many MB, whichever is more: the allocator's own coming and going


async def main(*, quick: bool) -> None:
    visits = QUICK_VISITS if quick else VISITS
    with database() as (url, home), verdict("console-6") as wrong:
        _history(url, 300 if quick else 5000)
        with console(url, home) as house:
            keys = await tokens(url, VIEWERS)
            after_visits = await _visit(house.url, keys[0], house.pid, visits)
            _flat("visits of pages", after_visits, wrong)
            after_updates = await _watch(house.url, url, keys, house.pid, (QUICK_DAY if quick else DAY) / SPEED)
            _flat("live updates", after_updates, wrong)
        print(
            f"memory over {visits} visits: {_course(after_visits)} MB; over live updates at {SPEED:.0f}x: "
            f"{_course(after_updates)} MB"
        )


def _history(url: str, dialogues: int) -> None:
    goods = [
        Product(
            sku=row.article, name=row.name_ru or row.name_en, category=row.kind.group, brand=row.brand.ru, unit="шт"
        )
        for _, rows in generate(800, 1)
        for row in rows
    ]
    setting = Setting(
        products=goods, version="sample", texts=Passages({}), prompt="p", now=datetime.now(UTC), dialogues=dialogues,
        leads=dialogues * 16 // 100,
    )  # fmt: skip
    write_history(url, setting)


async def _visit(url: str, key: str, pid: int, count: int) -> list[float]:
    """Memory after each tenth of the visits, once the pages that were left are forgotten."""
    session = Session(url, key)
    course = []
    try:
        pages = await menu(session)
        order = itertools.cycle(random.Random(1).sample(pages, len(pages)))
        for tenth in range(10):
            for _ in range(count // 10):
                await session.visit(next(order))
            if tenth in (4, 9):  # the middle and the end are what is compared
                await asyncio.sleep(FORGOTTEN)
            course.append(resident(pid))
    finally:
        await session.close()
    return course


async def _watch(url: str, base: str, keys: list[str], pid: int, seconds: float) -> list[float]:
    """Memory while customers write and people look on."""
    sessions = [Session(url, key) for key in keys]
    course = []
    try:
        for session in sessions:
            await session.visit("/conversations")
        async with Tasks() as tasks:
            tasks.start(_write(base, EVERY / SPEED), name="customers")
            tasks.start(keep_acknowledging(sessions), name="browsers")
            began = time.monotonic()
            for tenth in range(1, 11):
                await asyncio.sleep(max(0.0, began + seconds * tenth / 10 - time.monotonic()))
                course.append(resident(pid))
        heard = sum(session.events for session in sessions)
        if heard < VIEWERS * 10:
            raise AssertionError(f"the pages heard of {heard} changes only: nothing was measured")
    finally:
        for session in sessions:
            await session.close()
    return course


async def _write(base: str, pause: float) -> None:
    """Customers who write, and an assistant that answers at once; until cancelled."""
    store = Store(base, pool=2)
    for number in itertools.count():
        inbound = Inbound(
            channel="widget", address=f"live-{number % 40}", external_id=str(uuid4()), text=f"насос {number}",
            lang_hint="ru",
        )  # fmt: skip
        async with store.transaction() as tx:
            received = await tx.remember(inbound)
        async with store.transaction() as tx:
            if claim := await tx.claim(received.conversation):
                reply = Reply(text=f"вот {number}", lang="ru", route=Route.PRODUCT_SEARCH, rung=Rung.TEMPLATE)
                await tx.finish(claim, reply, message=uuid4())
        await asyncio.sleep(pause)


def _flat(what: str, course: list[float], wrong: list[str]) -> None:
    """The second half of the way adds nothing to what the first half took."""
    middle, end = course[4], course[-1]
    if end > middle + max(SLACK, middle * GROWTH):
        wrong.append(f"{what}: {middle:.0f} MB halfway, {end:.0f} MB at the end")


def _course(values: list[float]) -> str:
    return f"{values[0]:.0f} → {values[4]:.0f} → {values[-1]:.0f}"


if __name__ == "__main__":
    if "--quick" in sys.argv:
        print("QUICK: a smoke test, not the proof")
    asyncio.run(main(quick="--quick" in sys.argv))
