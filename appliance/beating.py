"""Each process tells the database that it lives, and notices what its own clock does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from appliance.store.errors import StoreUnavailable
from appliance.store.store import Store

EVERY = 5.0  # seconds between two signs of life
JUMP = 5.0  # seconds that the clock may be set without anybody being told
SHOWN = 60.0  # seconds for which a jump is shown after it was seen


class Beating:
    """One process's signs of life. `skew` and `jump` are in seconds, 0 where the clock is well."""

    def __init__(self, *, store: Store, role: str, cuts: Callable[[], Mapping[str, float]]) -> None:
        """`cuts` tells of each lead that this process lost lately, how many seconds ago its connection was cut."""
        self._store, self._role, self._cuts = store, role, cuts
        self._apart = time.time() - time.monotonic()
        self._jump, self._jumped = 0.0, -SHOWN
        self.skew = 0.0

    @property
    def jump(self) -> float:
        return self._jump if time.monotonic() - self._jumped < SHOWN else 0.0

    async def run(self) -> None:
        """Beats until cancelled; a database that is away is told of when it is back."""
        try:
            while True:
                self._look_at_the_clock()
                with suppress(StoreUnavailable):
                    await self._beat()
                await asyncio.sleep(EVERY)
        finally:
            with suppress(StoreUnavailable, TimeoutError):
                async with asyncio.timeout(1), self._store.transaction() as tx:
                    await tx.fell_silent(self._store.instance)

    async def _beat(self) -> None:
        about = {"cuts": {work: round(ago, 1) for work, ago in self._cuts().items()}, "jump": round(self.jump, 1)}
        async with self._store.transaction() as tx:
            asked = time.time()
            theirs = await tx.beat(role=self._role, instance=self._store.instance, about=about)
            took = time.time() - asked
        skew = theirs - asked - took / 2
        self.skew = skew if abs(skew) > JUMP + abs(took) else 0.0

    def _look_at_the_clock(self) -> None:
        apart = time.time() - time.monotonic()
        if abs(apart - self._apart) > JUMP:
            self._jump, self._jumped = apart - self._apart, time.monotonic()
        self._apart = apart
