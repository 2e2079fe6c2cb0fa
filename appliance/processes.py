"""One process that is kept running: started, watched, started again with patience, ended with all that it started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from appliance import launch
from appliance.journal import Journal
from appliance.pulse import beat
from appliance.store.embedded import Embedded, EmbeddedError, tail
from appliance.tasks import Tasks
from appliance.words import words as words_of_the_house

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds before a restart, doubled each time
HEALTHY = 15.0  # seconds of life after which a crash counts as the first again: loops die while they start
SETTLED = 3.0  # seconds after which a process without a port counts as up
ENDS = 20  # of its unexpected ends that are remembered
WEDGED = 60.0  # seconds without any answer from a live-check after which a process is started anew


class Phase(StrEnum):
    WAITING = "waiting"  # for something it needs
    STARTING = "starting"
    UP = "up"
    RESTARTING = "restarting"  # it ended, and will be started again in a moment
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A process to be kept running. `after` names the step that has to be done before its first start."""

    name: str
    program: tuple[str, ...]
    listens: tuple[str, int] | None = None
    livez: str = ""  # a path of its HTTP face that answers as long as the process is not stuck
    pulse: Path | None = None  # a file that a process without a port touches as long as it is not stuck
    nice: int = 0
    wedged: float = WEDGED
    grace: float = 10.0  # seconds it may take to end by itself
    after: str = ""
    env: Mapping[str, str] = field(default_factory=dict)


class Say(Protocol):
    """Says something to people by the id of its text."""

    def __call__(self, text: str, /, **values: object) -> None: ...


class Kept(Protocol):
    """What the supervisor keeps running, by its face."""

    name: str
    phase: Phase
    restarts: int
    reason: str
    ends: deque[float]  # when it ended unexpectedly, lately; seconds since the epoch
    last_reason: str  # why, the last time

    @property
    def pid(self) -> int | None: ...
    async def run(self) -> None: ...
    async def stop(self) -> None: ...


class Child:
    """A role's process; `changed` is called whenever its state is another."""

    def __init__(
        self, role: Role, *, env: Mapping[str, str], journal: Journal, changed: Callable[[], None], say: Say
    ) -> None:
        self.role, self.name = role, role.name
        self.phase = Phase.WAITING
        self.restarts = 0
        self.reason = self.last_reason = ""
        self.ends: deque[float] = deque(maxlen=ENDS)
        self._env = {**env, **role.env}
        self._journal, self._changed, self._say = journal, changed, say
        self._process: asyncio.subprocess.Process | None = None
        self._last: deque[str] = deque(maxlen=12)
        self._silenced = False  # killed by us, because it stood still
        self._starved = 0
        self._stopping = False
        self._renewing = asyncio.Event()  # somebody wants another life of it, or its end, now
        self._resting = False  # ended until then

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.returncode is None else None

    async def run(self) -> None:
        """Keeps the process running until `stop`."""
        pause = FIRST_PAUSE
        while True:
            if self._resting:
                self._enter(Phase.WAITING)
                await self._renewing.wait()
            if self._stopping:
                return
            self._renewing.clear()
            began = time.monotonic()
            code = await self._live()
            if self._renewing.is_set() or self._resting:
                pause = FIRST_PAUSE
                continue
            if time.monotonic() - began >= HEALTHY:
                pause = FIRST_PAUSE
            self.restarts += 1
            before, self.reason = self.reason, self._why(code)
            self.last_reason = self.reason
            self.ends.append(time.time())
            self._enter(Phase.RESTARTING)
            if self.reason != before or pause < LONGEST_PAUSE:  # at its slowest, the same again is no news
                self._say("process_ended", name=self.name, reason=self.reason, seconds=round(pause))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._renewing.wait()
            pause = FIRST_PAUSE if self._renewing.is_set() else min(pause * 2, LONGEST_PAUSE)

    async def again(self) -> None:
        """Ends the process so that it is started anew at once, which is no crash; in a pause, cuts that short.

        Returns when the new process has been asked to start.
        """
        self._resting = False
        self._renewing.set()
        await self._end()
        while self._renewing.is_set() and not self._stopping:
            await asyncio.sleep(0.02)

    async def rest(self) -> None:
        """Ends the process until `again`."""
        self._resting = True
        await self._end()

    async def stop(self) -> None:
        """Asks the process and all that it started to end, then makes them. Safe twice."""
        self._stopping = True
        self._renewing.set()
        await self._end()
        self._enter(Phase.STOPPED)

    async def _end(self) -> None:
        if self._process is not None:
            await end(self._process, grace=self.role.grace)

    async def _live(self) -> int:
        """One life of the process, from its start to its end; gives the exit code."""
        self._enter(Phase.STARTING)
        self._last.clear()
        self._silenced, self._starved = False, _starved()
        process, output = await spawn(self.role.program, env=self._env, nice=self.role.nice)
        self._process = process
        if self._stopping:  # asked while the process was being born
            _signal_group(process.pid, signal.SIGKILL)
        async with Tasks() as tasks:
            reading = tasks.start(self._read(output), name=f"{self.name}.read")
            tasks.start(self._watch(process), name=f"{self.name}.watch")
            code = await self._ended(process)
            await asyncio.wait({reading}, timeout=1)  # the last lines are on their way
        return code

    async def _ended(self, process: asyncio.subprocess.Process) -> int:
        try:
            return await process.wait()
        finally:
            _signal_group(process.pid, signal.SIGKILL)  # what it started does not outlive it

    async def _read(self, output: int) -> None:
        async with contextlib.aclosing(lines(output)) as said:
            async for line in said:
                if trouble := self._journal.line(self.name, line):
                    self._last.append(trouble)

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """Says when it is up; ends it when it is stuck, so that it is started anew."""
        listens, pulse, livez = self.role.listens, self.role.pulse, self.role.livez
        if listens is None:
            await asyncio.sleep(SETTLED)
        while listens and not await answers(*listens):
            await asyncio.sleep(0.1)
        self._enter(Phase.UP)
        if listens and livez:
            await self._until_wedged(lambda: answers(*listens, path=livez))
        elif pulse:
            await self._until_wedged(Ear(pulse))
        else:
            return
        self._last.append(f"no sign of life for {self.role.wedged:.0f} s")
        self._silenced = True
        _signal_group(process.pid, signal.SIGKILL)

    async def _until_wedged(self, lives: Callable[[], Awaitable[bool]]) -> None:
        heard = time.monotonic()
        while time.monotonic() - heard < self.role.wedged:
            await asyncio.sleep(self.role.wedged / 6)
            if await lives():
                heard = time.monotonic()

    def _why(self, code: int) -> str:
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        words = [line for line in self._last if line.strip()]
        if code == -signal.SIGKILL and not self._silenced:  # it could not say why; what it said before is no reason
            return f"{how}: {words_of_the_house('out_of_memory')}" if _starved() > self._starved else how
        return f"{how}: {words[-1][:300]}" if words else how

    def _enter(self, phase: Phase) -> None:
        if phase is Phase.UP:
            self.reason = ""
        if phase is not self.phase:
            self.phase = phase
            self._changed()


class Database:
    """The own PostgreSQL, kept running like the rest."""

    name = "database"

    def __init__(self, server: Embedded, *, changed: Callable[[], None], say: Say) -> None:
        self._server = server
        self._changed, self._say = changed, say
        self.phase = Phase.WAITING
        self.restarts = 0
        self.reason = self.last_reason = ""
        self.ends: deque[float] = deque(maxlen=ENDS)

    @property
    def pid(self) -> int | None:
        return self._server.pid

    async def open(self) -> str:
        """Starts the server for the first time and gives its URL; `EmbeddedError` if it cannot be."""
        self._enter(Phase.STARTING)
        self._server.begin()
        while not self._server.ready():
            if self._server.pid is None:
                self._server.stop()
                raise EmbeddedError(tail(self._server.log))
            await asyncio.sleep(0.05)
        self._enter(Phase.UP)
        return self._server.url

    async def run(self) -> None:
        pause = FIRST_PAUSE / 4  # everything waits for it
        while True:
            await asyncio.sleep(0.25)
            if self._server.pid is not None:
                if self.phase is not Phase.UP and self._server.ready():
                    pause = FIRST_PAUSE / 4
                    self._enter(Phase.UP)
                continue
            self.restarts += 1
            self.reason = self.last_reason = tail(self._server.log, lines=1)
            self.ends.append(time.time())
            self._enter(Phase.RESTARTING)
            self._say("process_ended", name=self.name, reason=self.reason, seconds=max(1, round(pause)))
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
            with contextlib.suppress(EmbeddedError):
                self._server.begin()

    async def stop(self) -> None:
        self._server.stop()
        self._enter(Phase.STOPPED)

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        self._changed()


async def spawn(
    program: tuple[str, ...], *, env: Mapping[str, str], nice: int = 0
) -> tuple[asyncio.subprocess.Process, int]:
    """Starts `program` in a group of its own; it is killed when this process ends, however that comes.

    Gives the process and a descriptor with all that it and its children write (for `lines`). The pipe is ours because
    asyncio's own makes `wait` last until everybody who inherited it is gone.
    """
    reading, writing = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *launch.command(program, dies_with=signal.SIGKILL, nice=nice),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=writing,
            stderr=writing,
            env=env,
            start_new_session=True,
        )
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    return process, reading


async def end(process: asyncio.subprocess.Process, *, grace: float) -> None:
    """Asks a process and all that it started to end; after `grace` seconds makes them."""
    if process.returncode is None:
        _signal_group(process.pid, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await process.wait()
    _signal_group(process.pid, signal.SIGKILL)
    await process.wait()


async def lines(descriptor: int) -> AsyncGenerator[str, None]:
    """Lines of any length and any bytes until all writers are gone; a carriage return (progress) ends a line too."""
    stream = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(descriptor, "rb", buffering=0)
    )
    try:
        rest = b""
        while chunk := await stream.read(65536):
            *whole, rest = (rest + chunk).replace(b"\r", b"\n").split(b"\n")
            for line in filter(None, whole):
                yield line.decode("utf-8", "replace")
        if rest:
            yield rest.decode("utf-8", "replace")
    finally:
        transport.close()


async def answers(host: str, port: int, *, path: str = "", patience: float = 5.0) -> bool:
    """Whether somebody takes connections there and, with `path`, answers an HTTP request in time (whatever it says)."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    try:
        async with asyncio.timeout(patience):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                if path:
                    writer.write(f"GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
                    return bool(await reader.readline())
                return True
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


def _starved() -> int:
    """How often the kernel has killed for want of memory since the machine's start (proc(5), vmstat)."""
    with contextlib.suppress(OSError, ValueError):
        counts = dict(line.split() for line in Path("/proc/vmstat").read_text().splitlines())
        return int(counts.get("oom_kill", 0))
    return 0


class Ear:
    """Hears a pulse: whether the file was touched since the last look, whatever anybody's clock says."""

    def __init__(self, pulse: Path) -> None:
        self._pulse, self._last = pulse, beat(pulse)

    async def __call__(self) -> bool:
        before, self._last = self._last, beat(self._pulse)
        return self._last != before


def _signal_group(pid: int, order: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, order)
