"""Lets heavier lanes join the live catalogue: in a process of its own, lowered, so that no customer waits for it."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence

import structlog

from appliance.processes import end, lines, spawn

log = structlog.get_logger("joining")

NICE = 19  # customers, and also an import that somebody waits for, come first
PATIENCE = 3600.0  # seconds before it is tried again after a failure, which another minute seldom mends
GRACE = 2.0  # seconds it may take to end by itself; what it has embedded is on the disk
SHOWN = 5  # lines of its last words that tell why it failed

PROGRAM = (sys.executable, "-m", "appliance", "catalog", "enrich")


class Joining:
    """Looks whether the live version lacks a lane and, where it does, has it joined. One at a time."""

    def __init__(self, *, lacking: Callable[[], Sequence[str]], program: tuple[str, ...] = PROGRAM) -> None:
        self._lacking, self._program = lacking, program
        self._running = False
        self._not_before = 0.0

    async def run(self) -> None:
        """Returns when nothing lacks, when another look is at it, or when the lanes have joined (an hour, perhaps)."""
        if self._running or time.monotonic() < self._not_before:
            return
        self._running = True
        try:
            if missing := await asyncio.to_thread(self._lacking):
                await self._join(missing)
        finally:
            self._running = False

    async def _join(self, missing: Sequence[str]) -> None:
        log.info("catalogue.joining", embedders=list(missing))
        began = time.monotonic()
        process, output = await spawn(self._program, env=dict(os.environ), nice=NICE)
        try:
            last = deque([line async for line in lines(output)], maxlen=SHOWN)
            code = await process.wait()
        finally:
            await end(process, grace=GRACE)
        if code:
            self._not_before = time.monotonic() + PATIENCE
            log.warning("catalogue.not_joined", embedders=list(missing), code=code, why="\n".join(last))
        else:
            log.info("catalogue.joined", embedders=list(missing), seconds=round(time.monotonic() - began))
