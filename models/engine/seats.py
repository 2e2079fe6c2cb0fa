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

_WEIGHT = 0.2  # of the newest answer in a moving mean: the last ten count
_FADING = 0.97  # of older prompt measurements with each new one; a batch each, so the last minute counts
_TELLING = 24  # tokens below which a measurement is mostly overhead


@dataclass(slots=True)
class Pace:
    """Moving means of what this model does on this box: speeds in tokens a second, lengths in tokens."""

    prompt_speed: float = 50.0  # of all prompts together
    speed: float = 15.0  # of one answer
    prompt: float = 150.0  # tokens that no slot had computed before
    answer: float = 60.0
    _tokens: float = 0.0
    _seconds: float = 0.0
    _answers: int = 0

    def prompt_computed(self, tokens: int, seconds: float) -> None:
        """`tokens` of some prompt came `seconds` after those before them, in which the engine computed prompts."""
        self._tokens = self._tokens * _FADING + tokens
        self._seconds = self._seconds * _FADING + seconds
        if self._seconds > 0 and self._tokens >= _TELLING:
            self.prompt_speed = self._tokens / self._seconds

    def answered(self, *, prompt: int, answer: int, speed: float) -> None:
        """One answer is complete; a `speed` of zero stands for 'too short to tell'."""
        if speed:
            self.speed += (_WEIGHT if self._answers else 1.0) * (speed - self.speed)
            self._answers += 1
        if answer > 1:  # a probe says nothing of how long answers are
            self.prompt += _WEIGHT * (prompt - self.prompt)
            self.answer += _WEIGHT * (answer - self.answer)


@dataclass(slots=True, eq=False)
class Seat:
    """One slot of the runtime, what its cache holds, and how far its present generation has come."""

    number: int
    holds: list[int] = field(default_factory=list)
    reads: Sequence[int] = ()  # the prompt of its present generation
    busy: bool = False
    since: float = 0.0
    fresh: int = 0  # prompt tokens that this generation has to compute
    computed: int = 0
    produced: int = 0
    limit: int = 0

    @property
    def reading(self) -> bool:
        """Whether its prompt is still being computed."""
        return self.busy and self.computed < self.fresh

    def cached(self, prompt: Sequence[int]) -> int:
        """Tokens at the beginning of `prompt` that this slot need not compute again."""
        return len(common(self.holds, prompt))


@dataclass(slots=True, eq=False)
class _Waiter:
    prompt: Sequence[int]
    limit: int
    seat: asyncio.Future[Seat]


class Seats:
    """A fixed number of slots and a bounded queue before them, first come first served.

    Where the runtime `shares`, what one slot has computed (or is just computing) no other has to compute again.
    """

    def __init__(
        self, count: int, *, queue: int, shares: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.pace = Pace()
        self.room = queue
        self._seats = [Seat(number) for number in range(count)]
        self._queue: deque[_Waiter] = deque()
        self._shares = shares
        self._clock = clock
        self._read_at: float | None = None  # when a prompt was last seen to grow, while any is being computed

    @property
    def busy(self) -> int:
        return sum(seat.busy for seat in self._seats)

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def known(self, seat: Seat, prompt: Sequence[int]) -> int:
        """Tokens at the beginning of `prompt` that need not be computed for this slot; the last one always is."""
        others = [each for each in self._seats if each is not seat] if self._shares else []
        shared = (len(common(each.reads if each.busy else each.holds, prompt)) for each in others)
        return min(max(seat.cached(prompt), *shared, 0), len(prompt) - 1)

    def computed(self, seat: Seat, tokens: int) -> None:
        """`tokens` of the seat's prompt have been computed by now; measures the speed of all prompts together."""
        now = self._clock()
        if self._read_at is not None and tokens > seat.computed:
            self.pace.prompt_computed(tokens - seat.computed, now - self._read_at)
        seat.computed = max(seat.computed, tokens)
        self._read_at = now if any(other.reading for other in self._seats) else None

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
            seconds = self._ends()[1][0]
            raise ModelBusy(
                f"{self.busy} chats are being answered and {self.waiting} wait; that is all this engine takes.",
                retry_after=timedelta(seconds=max(1.0, seconds)),
            )

    def wait(self) -> float:
        """Predicted seconds until the first token of a request sent now.

        Prompts are computed one after another, answers are written side by side. Slots free up when their answers
        end; those who wait take them in turn; then comes this request, whose own prompt has to be computed as well.
        """
        pace = self.pace
        prompts, ends = self._ends()
        for waiter in self._queue:
            prompts = max(prompts, heapq.heappop(ends)) + pace.prompt / pace.prompt_speed
            heapq.heappush(ends, prompts + min(pace.answer, waiter.limit) / pace.speed)
        return max(prompts, ends[0]) + pace.prompt / pace.prompt_speed + 1 / pace.speed

    def _ends(self) -> tuple[float, list[float]]:
        """Seconds until the prompts of all busy slots are computed, and until each slot is free (a heap)."""
        prompts, ends = 0.0, []
        for seat in self._seats:
            if not seat.busy:
                ends.append(0.0)
                continue
            prompts += max(0, seat.fresh - seat.computed) / self.pace.prompt_speed
            # An answer that is longer than usual already is expected to grow by a quarter.
            answer = min(max(self.pace.answer, seat.produced * 1.25), seat.limit)
            ends.append(prompts + max(0.0, answer - seat.produced) / self.pace.speed)
        heapq.heapify(ends)
        return prompts, ends

    def _free(self, prompt: Sequence[int], limit: int) -> Seat | None:
        free = [seat for seat in self._seats if not seat.busy]
        if not free or self._queue:
            return None
        # Among equals the one that was used longest ago: the others may still be continued by their own customers.
        return self._sit(max(free, key=lambda seat: (seat.cached(prompt), -seat.since)), prompt, limit)

    def _sit(self, seat: Seat, prompt: Sequence[int], limit: int) -> Seat:
        seat.fresh = len(prompt) - self.known(seat, prompt)
        seat.busy, seat.since, seat.limit, seat.reads = True, self._clock(), limit, prompt
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
        seat.busy, seat.reads = False, ()
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
