"""Keeps true what the box promises of its model: notices that its speed has changed, and measures again when idle."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import structlog

from appliance.processes import end, lines, spawn
from models.hardware import cores, detect
from models.qualify import Qualification, drift, kept

log = structlog.get_logger("promise")

LOOKS = 3  # in a row that must agree, five minutes apart: a busy moment is no other box
IDLE = 0.5  # of the cores busy at most, by the load of the last minute, for a measurement to mean anything
AGAIN = 6 * 3600.0  # seconds between two measurements, however they ended
NICE = 10  # the engine's own: what is measured is what customers get
PATIENCE = 3.0  # seconds for the engine's status
GRACE = 5.0  # seconds that the measurement may take to end by itself
PROGRAM = (sys.executable, "-m", "appliance", "models", "qualify", "--keep-model")


class Promise:
    """Of the own engine at `address`; `folder` is the models'."""

    def __init__(self, *, folder: Path, address: str, program: tuple[str, ...] = PROGRAM) -> None:
        self._folder, self._address, self._program = folder, address, program
        self._seen: deque[str] = deque(maxlen=LOOKS)
        self._idle = 0
        self._measured = -AGAIN
        self._running = False

    async def trouble(self) -> str:
        """Why the promise does not hold, and what to do; empty when it does, or nothing was promised."""
        found, status = kept(self._folder), await self._status()
        return drift(found, status) if found and status else ""

    async def run(self) -> None:
        """One look; measures again where the box is another for three looks, or was never measured, and is idle."""
        status = await self._status()
        if self._running or status is None:
            return
        box = await asyncio.to_thread(detect, self._folder)
        found = kept(self._folder, box)
        self._seen.append(_why(found, status))
        self._idle = self._idle + 1 if _is_idle(status) else 0
        lasting = len(self._seen) == LOOKS and all(self._seen)
        if lasting and self._idle >= LOOKS and time.monotonic() - self._measured > AGAIN:
            await self._measure(self._seen[-1])

    async def _measure(self, why: str) -> None:
        self._running, self._measured = True, time.monotonic()
        log.info("promise.measuring", why=why)
        process, output = await spawn(self._program, env=dict(os.environ), nice=NICE)
        try:
            last = deque([line async for line in lines(output)], maxlen=3)
            code = await process.wait()
            log.info("promise.measured", code=code, said="\n".join(last))
        finally:
            self._running = False
            self._seen.clear()
            await end(process, grace=GRACE)

    async def _status(self) -> Mapping[str, Any] | None:
        """What the engine says of itself; None while it is away, which is another matter than its speed."""
        try:
            async with httpx.AsyncClient(timeout=PATIENCE, trust_env=False) as http:
                answer = await http.get(f"{self._address}/status")
            return dict(answer.json()) if answer.status_code == 200 else None
        except (httpx.HTTPError, ValueError, TypeError):
            return None


def _why(found: Qualification | None, status: Mapping[str, Any]) -> str:
    if found is None or found.model != status.get("model"):
        return "never measured with this model on this box"
    return drift(found, status)


def _is_idle(status: Mapping[str, Any]) -> bool:
    return not status.get("busy") and os.getloadavg()[0] <= IDLE * cores()
