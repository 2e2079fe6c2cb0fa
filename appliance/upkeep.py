"""Looks after the box: backups on time and proven by restores, room on the disk, old personal data dropped.

What is due is decided by looking at what there is, and put down as a chore; chores that somebody at the console asked
for wait in the same row. Heavy ones run in a process of their own, lowered, so that no customer waits for them.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from appliance.backup import Backups
from appliance.causes import Caused
from appliance.processes import end, lines, spawn
from appliance.space import SOON, Space, days_left
from appliance.store.keeping import Chore
from appliance.store.store import Store

log = structlog.get_logger("upkeep")

BACKUP, VERIFY, ROOM, AGE = "backup", "verify", "room", "age"  # kinds of chores
NICE = 15
GRACE = 5.0  # seconds a program may take to end by itself
SHOWN = 5  # lines of its last words that tell why it failed
LOOK = 60.0  # seconds between looks at what is due; what somebody asks for begins at once
AGAIN = timedelta(hours=1)  # after a failure
DAY = timedelta(days=1)
CHORES_KEPT = 400  # days
PROGRAM = (sys.executable, "-m", "appliance", "backup")

Work = Callable[[Chore], Awaitable[Mapping[str, Any]]]


class ChoreFailedError(Caused):
    """A piece of upkeep was not done; the message says why."""


class Keeper:
    """Does one chore after another. Run it on one process alone: the jobs' leader."""

    def __init__(
        self,
        *,
        store: Store,
        backups: Backups,
        space: Space,
        keep: Mapping[str, int],
        at: time = time(3),
        every: timedelta = DAY,
        verify_every: timedelta | None = timedelta(days=30),
        zone: str = "UTC",
        settle: float = 0.0,
        program: tuple[str, ...] = PROGRAM,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`keep`: days by name, as `Privacy.drop_old` takes them; `at` and `every`: when backups are due, in `zone`.

        For `settle` seconds only what somebody asks for is done: a box that starts has enough to do.
        """
        self._store, self._backups, self._space = store, backups, space
        self._keep, self._program, self._clock = keep, program, clock
        self._at, self._every, self._verify_every, self._zone = at, every, verify_every, ZoneInfo(zone)
        self._look_again = monotonic() + settle
        self._works: Mapping[str, Work] = {
            BACKUP: self._backup, VERIFY: self._verify, ROOM: self._make_room, AGE: self._drop_old,
        }  # fmt: skip

    async def run(self) -> None:
        """Puts down what is due, then does what is put down. May run any number of times."""
        for kind in await self.due() if self._may_look() else ():
            async with self._store.transaction() as tx:
                await tx.ask_chore(kind, {"kind": "schedule"} if kind == BACKUP else None)
        while chore := await self._next():
            await self._do(chore)

    def _may_look(self) -> bool:
        if monotonic() < self._look_again:
            return False
        self._look_again = monotonic() + LOOK
        return True

    async def due(self) -> list[str]:
        """The kinds of chores that it is time for. One that failed rests for a while."""
        now = self._clock()
        async with self._store.transaction() as tx:
            done = {kind: next(iter(await tx.chores(kind, limit=1)), None) for kind in self._works}
        resting = {kind for kind, chore in done.items() if chore and chore.fault and _since(chore, now) < AGAIN}
        due = [kind for kind in (ROOM, AGE) if (last := done[kind]) is None or _since(last, now) >= DAY]
        local = now.astimezone(self._zone)
        if await asyncio.to_thread(self._backups.due, local, every=self._every, at=self._at):
            due.append(BACKUP)
        if await asyncio.to_thread(self._is_unproven, now):
            due.append(VERIFY)
        return [kind for kind in due if kind not in resting]

    def _is_unproven(self, now: datetime) -> bool:
        """Whether no backup was proven for so long, though there is one that could be."""
        known = self._backups.all()
        if self._verify_every is None or not known:
            return False
        proven = [one.verified.at for one in known if one.verified and not one.verified.trouble]
        return not proven or now - max(proven) >= self._verify_every

    async def _next(self) -> Chore | None:
        async with self._store.transaction() as tx:
            return await tx.next_chore()

    async def _do(self, chore: Chore) -> None:
        said: Mapping[str, Any] = {}
        fault = ""
        try:
            work = self._works.get(chore.kind)
            if work is None:
                raise ChoreFailedError("chore_unknown", kind=chore.kind)
            said = await work(chore)
        except (Caused, OSError) as error:
            fault = str(error)
            said = {"fault": error.plain()} if isinstance(error, Caused) else {}
            log.critical("upkeep.failed", chore=chore.kind, why=fault)
        except Exception as error:
            fault = str(error) or type(error).__name__
            log.exception("upkeep.failed", chore=chore.kind)  # others do not wait behind it for ever
        async with self._store.transaction() as tx:
            await tx.chore_done(chore.id, said=said, fault=fault)

    async def _backup(self, chore: Chore) -> Mapping[str, Any]:
        made = await self._call(chore, "create", "--kind", str(chore.wants.get("kind", "hand")))
        gone = await asyncio.to_thread(self._backups.prune)
        return {**made, "pruned": gone}

    async def _verify(self, chore: Chore) -> Mapping[str, Any]:
        id = str(chore.wants.get("id", ""))
        return await self._call(chore, "verify", *([id] if id else []))

    async def _make_room(self, chore: Chore) -> Mapping[str, Any]:
        freed = await asyncio.to_thread(self._space.make_room)
        disk = await asyncio.to_thread(self._space.look)
        async with self._store.transaction() as tx:
            kinds = {use.kind: use.bytes for use in disk.uses}
            await tx.keep_room(free=disk.free, total=disk.total, kinds=kinds)
            await tx.forget_old_updates()
            await tx.forget_chores(days=CHORES_KEPT)
            left = days_left(await tx.rooms(30))
        if left is not None and left <= SOON:
            log.critical("upkeep.disk_fills", days=left, free=disk.free >> 20)
        return {"freed": freed, "free": disk.free, "days_left": left}

    async def _drop_old(self, chore: Chore) -> Mapping[str, Any]:
        """In batches of a transaction each, so that nobody waits for a lock of theirs."""
        dropped: dict[str, int] = {}
        while True:
            async with self._store.transaction() as tx:
                done = await tx.drop_old(self._keep)
            if not done:
                return {"dropped": dropped}
            dropped = {name: dropped.get(name, 0) + done.get(name, 0) for name in {*dropped, *done}}

    async def _call(self, chore: Chore, *what: str) -> Mapping[str, Any]:
        """Runs `appliance backup …`; its lines are the chore's progress, its last one says what came of it."""
        process, output = await spawn((*self._program, *what, "--json"), env=dict(os.environ), nice=NICE)
        last: deque[str] = deque(maxlen=SHOWN)
        try:
            async for line in lines(output):
                last.append(line)
                if not line.startswith("{"):
                    async with self._store.transaction() as tx:
                        await tx.chore_goes_on(chore.id, line[:200])
            code = await process.wait()
        finally:
            await end(process, grace=GRACE)
        if code or not last:
            raise _fault(last, code)
        said: Mapping[str, Any] = json.loads(last[-1])
        return said


def _fault(last: Sequence[str], code: int) -> ChoreFailedError:
    """Why a program ended as it did: as it says itself, else its last words."""
    for line in last:
        with suppress(ValueError, KeyError, TypeError):
            told = json.loads(line)["fault"]
            return ChoreFailedError(told["cause"], **told["values"])
    return ChoreFailedError("chore_ended", why=last[-1] if last else f"exit code {code}")


def _since(chore: Chore, now: datetime) -> timedelta:
    return now - (chore.ended_at or chore.asked_at)
