"""How the box feels, part by part, in words that an operator can act on."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

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


async def _ask(name: str, probe: Probe) -> Part:
    try:
        async with asyncio.timeout(PATIENCE):
            return await probe()
    except TimeoutError:
        return Part(name=name, state=State.FAIL, why=f"no answer within {PATIENCE:.0f} s")
