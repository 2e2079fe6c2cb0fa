"""Follows the choice of the model: starts the engine alone anew, and goes back where the new model does not answer.

Customers get the goods and template sentences meanwhile; nothing else is restarted.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from appliance.processes import Child, Say

LOOK = 2.0  # seconds between looks at the choice
LOADS = 300.0  # seconds that a model may take until it answers: 30 GB from a slow disk
ANSWER = 60.0  # seconds for the engine's own health, which is a real generation behind whoever waits


class Choice(Protocol):
    """What is chosen and what became of it; `models.files.ModelFiles` keeps it."""

    def chosen(self) -> str | None: ...
    def keep(self, name: str) -> None: ...
    def give_back(self, name: str, why: str) -> str | None: ...
    def tested(self, name: str) -> bool: ...


class Switching:
    """Watches one engine; `examine` tries a model beside it and gives what is wrong, or nothing."""

    def __init__(self, engine: Child, choice: Choice, *, examine: Callable[[str], Awaitable[str]], say: Say) -> None:
        self._engine, self._choice, self._examine, self._say = engine, choice, examine, say
        self._running = choice.chosen()

    async def run(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            await self.look()

    async def look(self) -> None:
        """One look, and the whole switch where there is one to make."""
        wanted = self._choice.chosen()
        if wanted is None or wanted == self._running:
            return
        before, self._running = self._running, wanted
        if before is None or (self._engine.pid is None and not self._engine.restarts):
            return  # the first choice of a box whose engine waits for one
        self._say("model_switching", model=wanted, before=before)
        began = time.monotonic()
        why = await self._try(wanted)
        if not why:
            self._choice.keep(wanted)
            self._say("model_switched", model=wanted, seconds=round(time.monotonic() - began))
        elif back := self._choice.give_back(wanted, why):
            self._say("model_returned", model=wanted, before=back, reason=why)
            self._running = back
            await self._engine.again()
        else:
            self._say("model_failed", model=wanted, reason=why)

    async def _try(self, model: str) -> str:
        """Why the model does not serve; empty where it does.

        One that was not tried before it was chosen is tried now, in the memory of the engine that rests meanwhile: no
        customer hears it before it has passed.
        """
        if not self._choice.tested(model):
            await self._engine.rest()
            if why := await self._examine(model):
                return why
        await self._engine.again()
        crashes = self._engine.restarts
        deadline = time.monotonic() + LOADS
        while not await self._answers():
            if self._engine.restarts > crashes:
                return self._engine.reason
            if time.monotonic() > deadline:
                return f"no answer within {LOADS:.0f} s"
            await asyncio.sleep(0.2)
        return ""

    async def _answers(self) -> bool:
        """Whether the engine's health page says that it has just generated."""
        assert self._engine.role.listens is not None
        host, port = self._engine.role.listens
        try:
            async with asyncio.timeout(ANSWER):
                reader, writer = await asyncio.open_connection(host, port)
                try:
                    writer.write(f"GET /health HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
                    return b" 200 " in await reader.readline()
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return False
