"""models-3: 200 customers ask for ten minutes while the engine is killed, slowed and let go; nobody is kept waiting.

Each asks once per 30 s. For the first two minutes all is well, then the engine dies by kill -9, then it gets a tenth of
its processor, then it is as before. Beside them a thousand sockets are open, most of them silent, as on a real site.
"""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.bench.chat import EVERY, questions, rungs
from tests.prove_kit import prepared_home
from tests.rig import Answer, Appliance, Customer, loopback, percentile, verdict

CUSTOMERS, SOCKETS = 200, 1000
WELL, FAULT = 1.0, 2.0  # seconds to the first useful content at p95, and in a fault
PATIENCE, GRACE = 8.0, 1.2  # seconds of prose promised (APPLIANCE_PATIENCE), and by how much they may be overrun
ROUTE = 1.0  # seconds around the prose: the question's way in, the stored answer's way out
SLOW = 0.1  # of its processor that the engine gets while it is slowed
FLAT = 1.15  # of the chat's memory after the first third, at the end
STRETCHES = (("well", 2.0), ("killed", 2.0), ("slowed tenfold", 3.0), ("well again", 3.0))  # minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An answer and the stretch in which it was asked for."""

    stretch: str
    answer: Answer

    @property
    def useful(self) -> float:
        """Seconds to the first useful content: cards or text."""
        times = [at for at in (self.answer.cards, self.answer.first_text) if at is not None]
        return min(times, default=float("inf"))


class _Run:
    """The crowd, the faults, and what was seen."""

    def __init__(self, appliance: Appliance, *, minutes: float, customers: int, sockets: int) -> None:
        self._appliance, self._customers, self._sockets = appliance, customers, sockets
        self._seconds = minutes / sum(length for _, length in STRETCHES) * 60
        self.stretch = STRETCHES[0][0]
        self.asked: list[Asked] = []
        self.made: dict[str, Counter[str]] = {}
        self.memory: list[int] = []  # bytes of the chat process, every five seconds
        self._ended = False

    async def go(self, names: list[str]) -> None:
        silent = [Customer(self._appliance, address=loopback(5000 + at // 5)) for at in range(self._sockets)]
        crowd = [Customer(self._appliance, address=loopback(at)) for at in range(self._customers)]
        for start in range(0, len(silent), 20):
            await asyncio.gather(*(customer.connect() for customer in silent[start : start + 20]))
        for start in range(0, len(crowd), 20):
            await asyncio.gather(*(customer.connect() for customer in crowd[start : start + 20]))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._fault())
            tasks.create_task(self._weigh())
            for number, customer in enumerate(crowd):
                tasks.create_task(self._talk(customer, number, names))
        for customer in silent:
            with suppress(Exception):
                await customer.close()

    async def _talk(self, customer: Customer, number: int, names: list[str]) -> None:
        await asyncio.sleep(EVERY * number / self._customers)
        turn = number
        while not self._ended:
            began, stretch = time.monotonic(), self.stretch
            self.asked.append(Asked(stretch=stretch, answer=await customer.ask(names[turn % len(names)], patience=60)))
            turn += self._customers
            await asyncio.sleep(max(0.0, EVERY - (time.monotonic() - began)))
        await customer.close()

    async def _fault(self) -> None:
        before = rungs(self._appliance)
        for stretch, length in STRETCHES:
            self.stretch = stretch
            until = time.monotonic() + length * self._seconds
            match stretch:
                case "killed":
                    while time.monotonic() < until:  # again as often as the supervisor brings it back
                        self._appliance.kill("engine")
                        await asyncio.sleep(min(5.0, max(0.0, until - time.monotonic())))
                case "slowed tenfold":
                    await self._slow(until)
                case _:
                    await asyncio.sleep(max(0.0, until - time.monotonic()))
            after = rungs(self._appliance)
            self.made[stretch], before = after - before, after
        self._ended = True

    async def _slow(self, until: float) -> None:
        """The engine runs a tenth of the time, by being stopped for nine tenths of every half second."""
        while time.monotonic() < until:
            if pid := self._appliance.pid("engine"):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)
                    await asyncio.sleep(0.5 * (1 - SLOW))
                    os.kill(pid, signal.SIGCONT)
            await asyncio.sleep(0.5 * SLOW)

    async def _weigh(self) -> None:
        while not self._ended:
            with suppress(OSError, ValueError):
                self.memory.append(_memory(self._appliance.pid("chat")))
            await asyncio.sleep(5)


def main(*, quick: bool) -> None:
    if quick:
        print("QUICK: 20 customers for a minute and a half, 100 sockets; a smoke test, not the proof")
    customers, sockets, minutes = (20, 100, 1.5) if quick else (CUSTOMERS, SOCKETS, 10.0)
    _allow_files(2 * (customers + sockets) + 256)
    with tempfile.TemporaryDirectory(prefix="counterman-") as folder, verdict("models-3") as wrong:
        home = prepared_home(Path(folder) / "home", rows=2_000 if quick else 40_000)
        names = questions(home, 40 * customers)
        with Appliance(home) as appliance:
            appliance.wait()
            appliance.wait_for_engine()
            print(f"the box's load is {os.getloadavg()[0]:.1f} before it begins; the limits are for a quiet one")
            run = _Run(appliance, minutes=minutes, customers=customers, sockets=sockets - customers)
            asyncio.run(run.go(names))
        _judge(run, wrong)


def _judge(run: _Run, wrong: list[str]) -> None:
    print(
        f"{'stretch':>15} {'asked':>6} {'useful p50':>10} {'p95':>6} {'whole p95':>9} {'longest':>8}  answers by rung"
    )
    for stretch, _ in STRETCHES:
        here = [asked for asked in run.asked if asked.stretch == stretch]
        useful = [asked.useful for asked in here]
        whole = [asked.answer.done for asked in here if asked.answer.done is not None]
        p95 = percentile(useful, 0.95)
        print(
            f"{stretch:>15} {len(here):6} {percentile(useful, 0.5):10.3f} {p95:6.2f} {percentile(whole, 0.95):9.2f} "
            f"{max(whole, default=0.0):8.2f}  {dict(run.made.get(stretch, Counter()))}",
            flush=True,
        )
        most = WELL if stretch.startswith("well") else FAULT
        if not p95 < most:
            wrong.append(f"{stretch}: first useful content p95 {p95:.2f} s, not below {most:.0f}")
        if max(whole, default=0.0) > PATIENCE * GRACE + ROUTE:
            wrong.append(f"{stretch}: somebody waited {max(whole):.1f} s for prose, longer than promised")
    lost = [asked.answer for asked in run.asked if asked.answer.done is None]
    if lost:
        wrong.append(f"{len(lost)} of {len(run.asked)} questions have no answer, such as {lost[0]}")
    if not run.made.get(STRETCHES[-1][0], Counter())["prose"] and run.made.get("well", Counter())["prose"]:
        wrong.append("the model does not write again after the fault")
    third = run.memory[len(run.memory) // 3 :]
    growth = third[-1] / third[0] if third else float("nan")
    print(f"{len(run.asked)} questions, {len(lost)} lost; the chat's memory {third[0] >> 20} to {third[-1] >> 20} MB")
    if not growth < FLAT:
        wrong.append(f"the chat's memory grew {growth:.2f} times")


def _memory(pid: int) -> int:
    """Bytes of a process that lie in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


def _allow_files(most: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(most, hard)), hard))


if __name__ == "__main__":
    main(quick="--quick" in sys.argv)
