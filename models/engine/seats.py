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

from models.base import ModelBusy, Outlook

_WEIGHT = 0.2  # of the newest answer in a moving mean: the last ten count
_SLOWED = 0.8  # of the best speed, below which it is worth to see whether the box has recovered
_PAST = 0.9  # what such a look leaves of a best that was not reached


@dataclass(slots=True, kw_only=True)
class Rate:
    """Tokens a second by the latest measurements, by time; `value` is a guess until `telling` tokens were seen."""

    value: float
    telling: float  # tokens below which a measurement is mostly overhead
    fading: float  # of older measurements with each new one
    best: float = 0.0
    _tokens: float = 0.0
    _seconds: float = 0.0

    def add(self, tokens: int, seconds: float) -> None:
        """So many tokens more took so many seconds."""
        self._tokens = self._tokens * self.fading + tokens
        self._seconds = self._seconds * self.fading + seconds
        if self._seconds > 0 and self._tokens >= self.telling:
            self.value = self._tokens / self._seconds
            self.best = max(self.best, self.value)

    @property
    def known(self) -> bool:
        return self.best > 0


@dataclass(slots=True)
class Pace:
    """What this model does on this box of late: speeds in tokens a second, mean lengths in tokens."""

    reading: Rate = field(default_factory=lambda: Rate(value=50.0, telling=24, fading=0.97))  # of all prompts together
    prompt: float = 150.0  # tokens that no slot had computed before
    answer: float = 60.0
    _writing: dict[int, Rate] = field(default_factory=dict)  # of one answer, by how many are made at once

    def wrote(self, tokens: int, seconds: float, *, beside: int) -> None:
        """An answer grew by so many tokens in so many seconds while `beside` chats were busy, itself among them."""
        self._writing.setdefault(beside, Rate(value=15.0, telling=8, fading=0.985)).add(tokens, seconds)

    def answered(self, *, prompt: int, answer: int) -> None:
        """One answer is complete."""
        if answer > 1:  # a probe says nothing of how long answers are
            self.prompt += _WEIGHT * (prompt - self.prompt)
            self.answer += _WEIGHT * (answer - self.answer)

    def writing(self, beside: int) -> float:
        """Tokens a second of one answer among `beside`; of more than were seen, as if all shared what those had."""
        known = [count for count, rate in self._writing.items() if rate.known]
        if not known:
            return 15.0 / max(1, beside)
        nearest = min(known, key=lambda count: abs(count - beside))
        return self._writing[nearest].value * min(1.0, nearest / max(1, beside))

    @property
    def slowed(self) -> bool:
        """Whether the latest measurements are far below the best, or an answer alone was never measured."""
        alone = self._writing.get(1)
        if alone is None or not alone.known:
            return True
        return any(rate.value < _SLOWED * rate.best for rate in (self.reading, alone))

    def forget_best(self) -> None:
        """A best that is not reached again fades: the box has changed."""
        for rate in (self.reading, *self._writing.values()):
            rate.best = max(rate.value, _PAST * rate.best)


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
    wrote_at: float | None = None  # when its answer last grew
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
            self.pace.reading.add(tokens - seat.computed, now - self._read_at)
        seat.computed = max(seat.computed, tokens)
        self._read_at = now if any(other.reading for other in self._seats) else None

    def wrote(self, seat: Seat, tokens: int) -> None:
        """The seat's answer has grown; measures the speed of one answer among those that are busy now."""
        now = self._clock()
        if seat.wrote_at is not None:
            self.pace.wrote(tokens, now - seat.wrote_at, beside=self.busy)
        seat.produced += tokens
        seat.wrote_at = now

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

    def outlook(self) -> Outlook:
        """What a request sent now has before it.

        Prompts are computed one after another, answers are written side by side. Slots free up when their answers
        end; those who wait take them in turn; then comes this request.
        """
        pace, together = self.pace, min(len(self._seats), self.busy + self.waiting + 1)
        writing = pace.writing(together)
        prompts, ends = self._ends()
        for waiter in self._queue:
            prompts = max(prompts, heapq.heappop(ends)) + pace.prompt / pace.reading.value
            heapq.heappush(ends, prompts + min(pace.answer, waiter.limit) / writing)
        return Outlook(queue=max(prompts, ends[0]), reading=pace.reading.value, writing=writing)

    def check_time(self, prompt: Sequence[int], *, kept: int, within: float) -> None:
        """`ModelBusy` where the first token is not to be expected `within` so many seconds.

        `kept` tokens at the beginning of `prompt` can be read back from disk.
        """
        outlook = self.outlook()
        fresh = len(prompt) - max(kept, *(self.known(seat, prompt) for seat in self._seats))
        if (seconds := outlook.seconds(prompt=fresh)) > within:
            raise ModelBusy(
                f"The first word would come after {seconds:.1f} s, {outlook.queue:.1f} of them in the queue.",
                retry_after=timedelta(seconds=max(1.0, outlook.queue)),
            )

    def _ends(self) -> tuple[float, list[float]]:
        """Seconds until the prompts of all busy slots are computed, and until each slot is free (a heap)."""
        prompts, ends, writing = 0.0, [], self.pace.writing(max(1, self.busy))
        for seat in self._seats:
            if not seat.busy:
                ends.append(0.0)
                continue
            prompts += max(0, seat.fresh - seat.computed) / self.pace.reading.value
            # An answer that is longer than usual already is expected to grow by a quarter.
            answer = min(max(self.pace.answer, seat.produced * 1.25), seat.limit)
            ends.append(prompts + max(0.0, answer - seat.produced) / writing)
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
        seat.wrote_at = None
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
