"""search-5: versions switch under load without a failed or a mixed answer, and the rehearsal knows a defect."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import random
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from multiprocessing.synchronize import Event
from pathlib import Path

from catalog.product import Product
from catalog.shelf import Shelf
from models.packaged import PackagedEmbedder
from tests.rig import percentile, verdict

SWITCHES, RATE = 100, 50  # and queries a second, of all processes together
READERS, TASKS = 2, 4  # processes that search, and searches under way at once in each
ROLLBACK = 5.0  # seconds: MISSION 3.3
PRODUCTS = 2000
PAUSE = 0.3  # seconds between two switches, so that queries fall before, into and after each
PATIENCE = 20.0  # seconds in which every process must have begun to answer from the last version
STARTING = 300  # seconds in which a reading process must have loaded everything; two on a quiet box

KINDS = ("Насос дренажный", "Насос циркуляционный", "Компрессор поршневой", "Вентилятор осевой", "Кабель силовой")


@dataclass(kw_only=True)
class Seen:
    """What one reading process saw."""

    asked: int = 0
    failed: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    last: str = ""  # the version of the newest answer
    changes: int = 0  # times that an answer came from another version than the one before
    seconds: list[float] = field(default_factory=list)


def main(*, quick: bool) -> None:
    switches = SWITCHES // 10 if quick else SWITCHES
    with tempfile.TemporaryDirectory(prefix="counterman-") as folder, verdict("search-5") as wrong:
        if quick:
            print("QUICK: a tenth of the switches")
        _switch_under_load(Path(folder), switches, wrong)
        _rehearsal(quick, wrong)


def _switch_under_load(folder: Path, switches: int, wrong: list[str]) -> None:
    root = folder / "catalog"
    shelf = Shelf(root, embedders=[PackagedEmbedder()])
    first, second = (asyncio.run(shelf.add(_goods(mark), source=mark)).name for mark in ("one", "two"))
    shelf.publish(first)
    shelf.publish(second)
    marks = {first: "one", second: "two"}
    start = multiprocessing.get_context("spawn")
    ready, over = [start.Event() for _ in range(READERS)], start.Event()
    files = [folder / f"seen-{number}.json" for number in range(READERS)]
    readers = [
        start.Process(target=_read, args=(root, marks, file, one, over, number), daemon=True)  # ends with the proof
        for number, (file, one) in enumerate(zip(files, ready, strict=True))
    ]
    for reader in readers:
        reader.start()
    for one in ready:
        if not one.wait(STARTING):
            raise TimeoutError(f"A reading process did not begin to search within {STARTING} s; the box is too busy.")
    began = time.monotonic()
    back, forth = _switch(shelf, second, switches)
    took = time.monotonic() - began
    last = shelf.versions()
    time.sleep(2)
    over.set()
    for reader in readers:
        reader.join(PATIENCE + 60)
    seen = [Seen(**json.loads(file.read_text("utf-8"))) if file.exists() else Seen(failed=["died"]) for file in files]
    live = next(version.name for version in last if version.live)
    _judge(wrong, seen, took=took, switches=len(back) + len(forth), back=back, live=live)


def _switch(shelf: Shelf, second: str, switches: int) -> tuple[list[float], list[float]]:
    """Rolls back and publishes in turn; the seconds of each."""
    back: list[float] = []
    forth: list[float] = []
    for number in range(switches):
        began = time.monotonic()
        if number % 2 == 0:
            shelf.rollback()
            back.append(time.monotonic() - began)
        else:
            shelf.publish(second)
            forth.append(time.monotonic() - began)
        time.sleep(PAUSE)
    return back, forth


def _judge(wrong: list[str], seen: list[Seen], *, took: float, switches: int, back: list[float], live: str) -> None:
    asked, failed = sum(one.asked for one in seen), [text for one in seen for text in one.failed]
    mixed = [text for one in seen for text in one.mixed]
    changes, rate = [one.changes for one in seen], asked / max(took, 1e-6)
    times = [second for one in seen for second in one.seconds]
    print(
        f"{switches} switches in {took:.0f} s under {rate:.0f} queries a second from {READERS} processes of {TASKS} "
        f"searches at once: {asked:,} asked, {len(failed)} failed, {len(mixed)} mixed; "
        f"processes saw {' and '.join(map(str, changes))} changes"
    )
    print(f"a query took p50 {percentile(times, 0.5) * 1000:.0f} ms, p99 {percentile(times, 0.99) * 1000:.0f} ms")
    print(f"a rollback took {max(back):.2f} s at most, {percentile(back, 0.5):.2f} s in the middle")
    wrong.extend(f"failed: {text}" for text in failed[:5])
    wrong.extend(f"mixed: {text}" for text in mixed[:5])
    if max(back) > ROLLBACK:
        wrong.append(f"a rollback took {max(back):.1f} s, not {ROLLBACK:.0f}")
    if min(changes) < switches // 2:
        wrong.append(f"a process saw only {min(changes)} of {switches} switches: this tells too little")
    if rate < RATE * 0.9:
        wrong.append(f"only {rate:.0f} queries a second were asked, not {RATE}: the box was too busy to tell")
    if any(one.last != live for one in seen):
        wrong.append("a process ended on another version than the live one")


def _read(root: Path, marks: dict[str, str], file: Path, ready: Event, over: Event, number: int) -> None:
    """A process of its own: searches until told, and checks each hit against the version that its answer names."""
    asyncio.run(_reading(root, marks, file, ready, over, number))


async def _reading(root: Path, marks: dict[str, str], file: Path, ready: Event, over: Event, number: int) -> None:
    shelf, seen = Shelf(root, embedders=[PackagedEmbedder()]), Seen()
    await shelf.search("насос")
    due = time.monotonic()
    chance = random.Random(number)

    async def ask() -> None:
        nonlocal due
        while not over.is_set():
            due = max(due + READERS / RATE, time.monotonic() - 1)  # one rhythm for all tasks of the process
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            await _one(shelf, marks, seen, f"{chance.choice(KINDS)} {chance.randrange(1, 400) / 10:g} кВт")

    ready.set()
    await asyncio.gather(*(ask() for _ in range(TASKS)))
    await _one(shelf, marks, seen, "насос")
    await asyncio.to_thread(file.write_text, json.dumps(asdict(seen)), "utf-8")


async def _one(shelf: Shelf, marks: dict[str, str], seen: Seen, query: str) -> None:
    seen.asked += 1
    began = time.monotonic()
    (found,) = await asyncio.gather(shelf.search(query), return_exceptions=True)
    if isinstance(found, BaseException):  # whatever it is, a customer got no answer
        seen.failed.append(f"{query}: {found!r}")
        return
    seen.seconds.append(time.monotonic() - began)
    hits = [hit.product.brand for hit in (*found.hits, *found.near)]
    if not hits or set(hits) != {marks.get(found.version)}:
        seen.mixed.append(f"{query}: {found.version} answered with goods of {sorted(set(hits))}")
    seen.changes += found.version != (seen.last or found.version)
    seen.last = found.version


def _goods(mark: str) -> list[Product]:
    """The same goods, but each of its own version: brand, price and place in the list tell which."""
    goods = [
        Product(
            sku=f"{mark}-{number}",
            name=f"{KINDS[number % len(KINDS)]} {number / 10:g} кВт",
            brand=mark,
            price=Decimal(number + 1),
            currency="RUB",
        )
        for number in range(PRODUCTS)
    ]
    return goods if mark == "one" else goods[::-1]


def _rehearsal(quick: bool, wrong: list[str]) -> None:
    """The second half: the rehearsal against its set of defects and of harmless changes."""
    try:
        from tests.prove._rehearsal_set import judge
    except ImportError:
        wrong.append("the rehearsal's set of defects is missing, so that half is not shown")
        return
    holds, figure = judge(quick)
    print(figure)
    if not holds:
        wrong.append("the rehearsal does not tell defects from harmless changes well enough")


if __name__ == "__main__":
    main(quick="--quick" in sys.argv)
