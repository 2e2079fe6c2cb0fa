"""Who generates in which slot, who waits for one, and for how long."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from models.base import ModelBusy

_WEIGHT = 0.2  # of the newest measurement in a moving mean: the last ten count


@dataclass(slots=True)
class Pace:
    """Moving means of what this model does on this box: speeds in tokens a second, lengths in tokens."""

    prompt_speed: float = 50.0
    speed: float = 15.0
    prompt: float = 150.0  # prompt tokens that no slot had computed before
    answer: float = 60.0
    measured: bool = False

    def learn(self, *, prompt_speed: float, speed: float) -> None:
        """Zero stands for 'not measured'."""
        weight = _WEIGHT if self.measured else 1.0
        if prompt_speed:
            self.prompt_speed += weight * (prompt_speed - self.prompt_speed)
        if speed:
            self.speed += weight * (speed - self.speed)
        self.measured = self.measured or bool(prompt_speed and speed)

    def learn_lengths(self, *, prompt: int, answer: int) -> None:
        self.prompt += _WEIGHT * (prompt - self.prompt)
        self.answer += _WEIGHT * (answer - self.answer)

    def seconds(self, prompt: float, answer: float) -> float:
        return prompt / self.prompt_speed + answer / self.speed


@dataclass(slots=True, eq=False)
class Seat:
    """One slot of the runtime, what its cache holds, and how far its present generation has come."""

    number: int
    holds: list[int] = field(default_factory=list)
    busy: bool = False
    since: float = 0.0
    fresh: int = 0  # prompt tokens that this generation has to compute
    computed: int = 0
    produced: int = 0
    limit: int = 0

    def cached(self, prompt: Sequence[int]) -> int:
        """Tokens at the beginning of `prompt` that this slot need not compute again."""
        return len(common(self.holds, prompt))


@dataclass(slots=True, eq=False)
class _Waiter:
    prompt: Sequence[int]
    limit: int
    seat: asyncio.Future[Seat]


class Seats:
    """A fixed number of slots and a bounded queue before them, first come first served."""

    def __init__(self, count: int, *, queue: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.pace = Pace()
        self.room = queue
        self._seats = [Seat(number) for number in range(count)]
        self._queue: deque[_Waiter] = deque()
        self._clock = clock

    @property
    def busy(self) -> int:
        return sum(seat.busy for seat in self._seats)

    @property
    def waiting(self) -> int:
        return len(self._queue)

    @asynccontextmanager
    async def take(self, prompt: Sequence[int], *, limit: int) -> AsyncGenerator[Seat, None]:
        """The free slot that knows most of `prompt`, waiting for one if need be; `ModelBusy` if the queue is full."""
        seat = self._free(prompt, limit) or await self._queued(prompt, limit)
        try:
            yield seat
        finally:
            self._leave(seat)

    def check_room(self) -> None:
        """`ModelBusy`, with the time until the queue moves, if one more would not find a place."""
        if self.busy == len(self._seats) and self.waiting >= self.room:
            seconds = min((self._left(seat) for seat in self._seats if seat.busy), default=0.0)
            raise ModelBusy(
                f"{self.busy} chats are being answered and {self.waiting} wait; that is all this engine takes.",
                retry_after=timedelta(seconds=max(1.0, seconds)),
            )

    def wait(self) -> float:
        """Predicted seconds until the first token of a request sent now.

        Slots free up when their generations end; those who wait take them in turn; then comes this one, whose own
        prompt has to be computed as well.
        """
        ends = [self._left(seat) if seat.busy else 0.0 for seat in self._seats]
        heapq.heapify(ends)
        for waiter in self._queue:
            start = heapq.heappop(ends)
            heapq.heappush(ends, start + self.pace.seconds(self.pace.prompt, min(self.pace.answer, waiter.limit)))
        return ends[0] + self.pace.seconds(self.pace.prompt, 1)

    def _left(self, seat: Seat) -> float:
        """Seconds until a busy slot is expected to be free."""
        answer = min(max(self.pace.answer, seat.produced * 1.25), seat.limit)
        return self.pace.seconds(max(0, seat.fresh - seat.computed), max(0.0, answer - seat.produced))

    def _free(self, prompt: Sequence[int], limit: int) -> Seat | None:
        free = [seat for seat in self._seats if not seat.busy]
        if not free or self._queue:
            return None
        # Among equals the one that was used longest ago: the others may still be continued by their own customers.
        return self._sit(max(free, key=lambda seat: (seat.cached(prompt), -seat.since)), prompt, limit)

    def _sit(self, seat: Seat, prompt: Sequence[int], limit: int) -> Seat:
        seat.busy, seat.since, seat.limit = True, self._clock(), limit
        seat.fresh = len(prompt) - min(seat.cached(prompt), len(prompt) - 1)
        seat.computed = seat.produced = 0
        return seat

    async def _queued(self, prompt: Sequence[int], limit: int) -> Seat:
        self.check_room()
        waiter = _Waiter(prompt, limit, asyncio.get_running_loop().create_future())
        self._queue.append(waiter)
        try:
            return await waiter.seat
        except asyncio.CancelledError:
            if waiter.seat.done() and not waiter.seat.cancelled():  # a slot came in the very moment of leaving
                self._leave(waiter.seat.result())
            raise
        finally:
            if waiter in self._queue:
                self._queue.remove(waiter)

    def _leave(self, seat: Seat) -> None:
        seat.busy = False
        while self._queue and (free := [other for other in self._seats if not other.busy]):
            waiter = self._queue.popleft()
            if not waiter.seat.done():
                best = max(free, key=lambda other: (other.cached(waiter.prompt), -other.since))
                waiter.seat.set_result(self._sit(best, waiter.prompt, waiter.limit))


def common(one: Sequence[int], other: Sequence[int]) -> list[int]:
    """The tokens with which both begin."""
    length = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        length += 1
    return list(one[:length])
