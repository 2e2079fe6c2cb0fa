"""One model that serves many chats: a prompt, a slot for it, the shared beginning, the pieces of the answer."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from models.base import ModelError, ModelRejected, Turn
from models.engine.prefixes import Prefixes
from models.engine.runtime import Piece, Runtime
from models.engine.seats import Seat, Seats

log = logging.getLogger(__name__)

_FRESH = 30.0  # seconds for which a success answers for the model's health
_STUCK = 60.0  # seconds without any progress after which a busy model counts as hung
_PROBE = 30.0  # seconds that a generation of one token may take on an idle engine
_REMEASURE = 10.0  # seconds between looks at an idle engine's speed
_REST = 16  # tokens that must remain of the context for an answer


@dataclass(slots=True)
class Counts:
    """What happened since the start."""

    answered: int = 0
    refused: int = 0
    cancelled: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    answer_tokens: int = 0


@dataclass(slots=True)
class Request:
    """One question as the face read it."""

    turns: Sequence[Turn]
    limit: int = 256
    schema: Mapping[str, Any] | None = None
    stop: Sequence[str] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    within: float | None = None  # seconds in which the first token must be expected


class Engine:
    """Answers requests with a loaded runtime; every method may be called from many tasks."""

    def __init__(self, runtime: Runtime, *, name: str, queue: int, prefixes: Prefixes) -> None:
        self.name = name
        self.seats = Seats(runtime.slots, queue=queue, shares=runtime.shares)
        self.counts = Counts()
        self._runtime = runtime
        self._prefixes = prefixes
        self._started = self._succeeded = self._progressed = time.monotonic()
        self._probe = asyncio.Lock()
        self._measurements = itertools.count(1)

    async def answer(self, request: Request) -> AsyncGenerator[Piece, None]:
        """The pieces of an answer. Closing the generator gives the slot to the next in line as soon as it is idle."""
        try:
            self.seats.check_room()
        except ModelError:
            self.counts.refused += 1
            raise
        prompt = await self._runtime.prompt(request.turns)
        limit = self._limit(prompt, request.limit)
        self._check_time(prompt, request.within)
        async with self.seats.take(prompt, limit=limit) as seat:
            await self._seat_prefix(seat, prompt)
            async with aclosing(self._generate(seat, prompt, limit, request)) as pieces:
                async for piece in pieces:
                    yield piece
            if shared := self._prefixes.notice(request.turns):
                await self._keep(await self._runtime.shared(request.turns[:shared]), seat)

    async def share(self, turns: Sequence[Turn]) -> int:
        """Computes a beginning that chats will share, now, and keeps it; returns its length in tokens."""
        tokens = await self._runtime.shared(turns)
        if len(tokens) + _REST > self._runtime.context:
            raise ModelRejected(self._too_long(len(tokens)))
        if self._prefixes.place(tokens):
            async with self.seats.take(tokens, limit=1) as seat:
                await self._seat_prefix(seat, tokens)
                await self._keep(tokens, seat)
        return len(tokens)

    async def measure(self) -> None:
        """A short generation: at the start it proves the model, wakes its memory and gives the first speeds.

        With a schema, because the first one costs a second (the runtime sorts its vocabulary for it, once), every
        other 10 ms and 1 to 2 % of the speed. Its text is another each time, so that there is something to read.
        """
        text = f"{next(self._measurements)} " + "Pumps, valves, filters and hoses for workshops and gardens. " * 6
        request = Request(turns=[Turn(role="user", text=text)], limit=16, schema={"type": "string", "minLength": 80})
        async with aclosing(self.answer(request)) as pieces:
            async for _ in pieces:
                pass

    async def stay_measured(self) -> None:
        """For ever: an idle engine whose last answers were slow looks whether the box has recovered.

        Without it the slowness of a busy minute would be believed, nothing would be asked, and nothing learnt.
        """
        while True:
            await asyncio.sleep(_REMEASURE)
            idle = not self.seats.busy and time.monotonic() - self._progressed > _REMEASURE / 2
            if idle and self.seats.pace.slowed:
                with suppress(ModelError):
                    await self.measure()
                self.seats.pace.forget_best()

    async def healthy(self) -> bool:
        """By a real generation, unless one has just succeeded; a busy engine is not a dead one."""
        async with self._probe:
            now = time.monotonic()
            if now - self._succeeded < _FRESH or (self.seats.busy and now - self._progressed < _STUCK):
                return True
            if self.seats.busy:
                return False
            try:
                async with asyncio.timeout(_PROBE):
                    turns = [Turn(role="user", text="1")]
                    async with aclosing(self.answer(Request(turns=turns, limit=1))) as pieces:
                        return [piece async for piece in pieces][-1].finish != ""
            except (ModelError, TimeoutError):
                log.exception("the model does not answer")
                return self.seats.busy > 0 and time.monotonic() - self._progressed < _PROBE

    def status(self) -> dict[str, Any]:
        pace = self.seats.pace
        return {
            "model": self.name,
            "runtime": self._runtime.name,
            "slots": self._runtime.slots,
            "busy": self.seats.busy,
            "queued": self.seats.waiting,
            "queue": self.seats.room,
            "context": self._runtime.context,
            "wait_seconds": round(self.seats.outlook().queue, 3),
            "tokens_per_second": round(pace.writing(1), 2),
            "prompt_tokens_per_second": round(pace.reading.value, 2),
            "cpu_seconds": round(time.process_time(), 2),
            "seconds_up": round(time.monotonic() - self._started, 1),
            "counts": asdict(self.counts),
        }

    async def close(self) -> None:
        await self._runtime.close()

    async def _generate(
        self, seat: Seat, prompt: list[int], limit: int, request: Request
    ) -> AsyncGenerator[Piece, None]:
        written: list[int] = []
        finished = False
        try:
            async with aclosing(
                self._runtime.generate(
                    prompt,
                    slot=seat.number,
                    limit=limit,
                    schema=request.schema,
                    stop=request.stop,
                    options=request.options,
                )
            ) as pieces:
                async for piece in pieces:
                    self._progressed = time.monotonic()
                    if piece.computed or piece.reused:
                        seat.fresh = len(prompt) - piece.reused
                    self.seats.computed(seat, seat.fresh if piece.tokens else piece.computed)
                    if piece.tokens:
                        self.seats.wrote(seat, len(piece.tokens))
                        written += piece.tokens
                    if piece.finish:
                        finished = True
                        self._account(seat)
                    yield piece
        except ModelError:
            self.counts.failed += 1
            finished = True
            raise
        finally:
            reused = len(prompt) - seat.fresh
            self.counts.prompt_tokens += seat.computed
            self.counts.cached_tokens += reused if seat.computed else 0
            seat.holds = [*prompt, *written] if seat.computed >= seat.fresh else prompt[: reused + seat.computed]
            if not finished:
                self.counts.cancelled += 1
                await self._runtime.idle(seat.number)

    def _account(self, seat: Seat) -> None:
        self._succeeded = time.monotonic()
        self.counts.answered += 1
        self.counts.answer_tokens += seat.produced
        self.seats.pace.answered(prompt=seat.fresh, answer=seat.produced)

    async def _seat_prefix(self, seat: Seat, prompt: Sequence[int]) -> None:
        """Reads the shared beginning into a slot that lacks it."""
        best = self._prefixes.best(prompt)
        if best is None or len(best.tokens) <= self.seats.known(seat, prompt):
            return
        try:
            await self._runtime.restore(seat.number, best.file)
        except ModelError:
            log.warning("a kept beginning cannot be read; it will be computed anew", exc_info=True)
            self._prefixes.drop(best)
            seat.holds = []
        else:
            seat.holds = list(best.tokens)
        seat.fresh = len(prompt) - self.seats.known(seat, prompt)

    async def _keep(self, tokens: Sequence[int], seat: Seat) -> None:
        """Brings the slot to exactly these tokens and keeps its state."""
        place = self._prefixes.place(tokens)
        if place is None:
            return
        async with aclosing(self._runtime.generate(tokens, slot=seat.number, limit=0)) as pieces:
            async for piece in pieces:
                self._progressed = time.monotonic()
                self.counts.prompt_tokens += piece.computed if piece.finish else 0
        await self._runtime.save(seat.number, place.file)
        seat.holds = list(tokens)
        self._prefixes.add(place)

    def _limit(self, prompt: Sequence[int], wanted: int) -> int:
        room = self._runtime.context - len(prompt)
        if room < _REST:
            self.counts.refused += 1
            raise ModelRejected(self._too_long(len(prompt)))
        return max(1, min(wanted, room))

    def _check_time(self, prompt: Sequence[int], within: float | None) -> None:
        if within is None:
            return
        best = self._prefixes.best(prompt)
        try:
            self.seats.check_time(prompt, kept=len(best.tokens) if best else 0, within=within)
        except ModelError:
            self.counts.refused += 1
            raise

    def _too_long(self, length: int) -> str:
        return (
            f"The prompt has {length} tokens and a chat of this engine holds {self._runtime.context}; "
            "shorten the prompt or start the engine with a longer context."
        )
