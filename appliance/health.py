"""How the box feels, part by part, in words that an operator can act on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from appliance import causes
from appliance.tasks import Tasks

EVERY = 5.0  # seconds between two looks at a part
AGAIN = 15.0  # seconds until one that is not well is looked at again, however seldom it is otherwise
PATIENCE = 4.0  # seconds that a part may take to answer before it counts as silent
VITAL = frozenset({"database"})  # without these, customers cannot be served at all


class State(StrEnum):
    OK = "OK"
    DEGRADED = "DEGRADED"  # customers are served, but not as well as they should be
    FAIL = "FAIL"  # customers cannot be served


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One component: its state, and why when it is not OK."""

    name: str
    state: State = State.OK
    cause: str = ""  # the id of a text in causes.toml, with what fills it in; of a part that is well, what to know
    values: Mapping[str, object] = field(default_factory=dict)
    because: str = ""  # the part whose trouble makes that of this one

    @property
    def why(self) -> str:
        """In plain words; empty where there is nothing to say."""
        return causes.told(self.cause, **self.values) if self.cause else ""


def bad(name: str, cause: str, /, *, because: str = "", **values: object) -> Part:
    """A part that is not well."""
    state = State.FAIL if name in VITAL else State.DEGRADED
    return Part(name=name, state=state, cause=cause, values=values, because=because)


Look = Callable[[], Awaitable[Part]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """How a part is looked at: how often, and how long it may take to answer."""

    look: Look
    every: float = EVERY
    patience: float = PATIENCE
    silent: str = "part_silent"  # the cause where it does not answer in time

    async def __call__(self) -> Part:
        return await self.look()


class Health:
    """Asks every part at its own pace, however many ask us. `run` is the asker; until it runs, so does `parts`."""

    def __init__(self, probes: Mapping[str, Probe]) -> None:
        self._probes = dict(probes)
        self._known: dict[str, Part] = {}
        self._at: dict[str, float] = {}
        self._running = False
        self._first = asyncio.Lock()

    async def run(self) -> None:
        """Looks at all parts until cancelled."""
        self._running = True
        try:
            async with Tasks() as tasks:
                for name, probe in self._probes.items():
                    tasks.start(self._watch(name, probe), name=f"health {name}")
                await asyncio.Event().wait()
        finally:
            self._running = False

    async def parts(self) -> tuple[Part, ...]:
        """The parts as they were found last; the first time it waits for what has not been looked at yet."""
        async with self._first:
            due = [name for name in self._probes if self._is_due(name)]
            await asyncio.gather(*(self._ask(name, self._probes[name]) for name in due))
        return tuple(self._known[name] for name in self._probes)

    def _is_due(self, name: str) -> bool:
        if name not in self._known:
            return True
        return not self._running and time.monotonic() - self._at[name] > self._pace(name)

    def _pace(self, name: str) -> float:
        """Seconds until the next look at a part."""
        every = self._probes[name].every
        return every if self._known[name].state is State.OK else min(every, AGAIN)

    async def _watch(self, name: str, probe: Probe) -> None:
        while True:
            await self._ask(name, probe)
            while (rest := self._at[name] + self._pace(name) - time.monotonic()) > 0:
                await asyncio.sleep(min(rest, AGAIN))  # whoever asked beside us may have found it ill since

    async def _ask(self, name: str, probe: Probe) -> None:
        try:
            async with asyncio.timeout(probe.patience):
                part = await probe.look()
        except TimeoutError:
            part = bad(name, probe.silent, seconds=round(probe.patience))
        except Exception as error:  # noqa: BLE001  (whatever it is, the others are still looked at)
            part = bad(name, "said", why=f"{type(error).__name__}: {error}")
        self._known[name], self._at[name] = part, time.monotonic()


def overall(parts: tuple[Part, ...]) -> State:
    """FAIL beats DEGRADED beats OK."""
    states = {part.state for part in parts}
    return next((state for state in (State.FAIL, State.DEGRADED) if state in states), State.OK)
