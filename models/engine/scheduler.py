"""Decodes several chats in one batch, in a thread of its own: who reads and who writes in each step.

Each step takes one token of every chat that writes, and a chunk of the prompts that are still read, first come first
served: so running answers do not stall behind a long prompt. A beginning that another sequence has computed is taken
over from it, and one that another is just computing is waited for: however many chats begin alike, it is computed once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

from models.base import ModelError, ModelUnavailable
from models.engine.llama import Decoder, Grammar, Row
from models.engine.runtime import Piece
from models.engine.sampling import Sampler
from models.engine.seats import common
from models.engine.writing import Writing

T = TypeVar("T")
log = logging.getLogger(__name__)

_ENDING = ModelUnavailable("The engine is ending.")


@dataclass(slots=True, eq=False)
class Chat:
    """One generation in one slot. `say` takes its pieces, or the error that ends it; it is called in the thread."""

    slot: int
    prompt: Sequence[int]
    limit: int
    sampler: Sampler
    writing: Writing
    say: Callable[[Piece | ModelError], None]
    grammar: Grammar | None = None
    cancelled: bool = False  # set from any thread
    seated: bool = False  # whether it has what others know of its prompt
    awaits: tuple[Chat, int] | None = None  # who is computing that many tokens of it just now
    reused: int = 0
    known: int = 0  # tokens of the prompt in its slot
    next: int | None = None  # written, and not yet decoded
    written: list[int] = field(default_factory=list)

    @property
    def reads(self) -> bool:
        return self.next is None


class Scheduler:
    """Of one decoder with `slots` sequences; `chunk` is how many tokens of prompts a step takes."""

    def __init__(self, decoder: Decoder, *, slots: int, chunk: int) -> None:
        self._decoder = decoder
        self._chunk = chunk
        self._held: list[list[int]] = [[] for _ in range(slots)]  # the tokens in each sequence, as they are
        self._chats: list[Chat] = []  # in order of arrival
        self._orders: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._ended = False
        self._thread = Thread(target=self._run, name="decoder", daemon=True)
        self._thread.start()

    def add(self, chat: Chat) -> None:
        """Begins a generation with the next step; what its slot did before must have ended or been cancelled."""
        if self._ended:
            return chat.say(_ENDING)
        return self._orders.put(lambda: self._chats.append(chat))

    def drop(self, chat: Chat) -> None:
        """Ends it with the next step, and takes nothing further from it; safe for one that has ended."""
        chat.cancelled = True
        self._orders.put(lambda: None)  # wakes the thread, so that it lets go of it

    def call(self, work: Callable[[list[list[int]]], T]) -> Future[T]:
        """Does `work` between two steps, with the tokens that each slot holds, which it may change."""
        future: Future[T] = Future()

        def order() -> None:
            self._let_go()
            try:
                future.set_result(work(self._held))
            except ModelError as error:
                future.set_exception(error)

        if self._ended:
            future.set_exception(_ENDING)
        else:
            self._orders.put(order)
        return future

    def close(self) -> None:
        """Ends the thread after the present step; chats that are still answered learn of it."""
        self._orders.put(self._end)
        self._thread.join()

    def _end(self) -> None:
        self._ended = True

    def _run(self) -> None:
        while not self._ended:
            self._take_orders()
            self._let_go()
            if self._chats and not self._ended:
                try:
                    self._step()
                except ModelError as error:
                    self._fail(error)
                except Exception:
                    log.exception("a step of the decoder failed")
                    self._fail(ModelUnavailable("The engine failed in the middle of an answer."))
        self._fail(_ENDING)

    def _take_orders(self) -> None:
        if not self._chats:
            self._orders.get()()
        with suppress(Empty):
            while True:
                self._orders.get_nowait()()

    def _let_go(self) -> None:
        for chat in [chat for chat in self._chats if chat.cancelled]:
            self._leave(chat)

    def _step(self) -> None:
        rows: list[Row] = []
        ready: list[tuple[int, Chat]] = []
        for chat, tokens in list(self._plan()):  # whole before a token counts as held: nothing uncomputed is taken over
            held = self._held[chat.slot]
            last = not chat.reads or chat.known + len(tokens) == len(chat.prompt)
            wanted = last and chat.limit > 0
            rows += [Row(token, len(held) + at, chat.slot, False) for at, token in enumerate(tokens)]
            rows[-1] = rows[-1]._replace(wanted=wanted)
            if last:
                ready.append((len(rows) - 1, chat))
            held += tokens
        self._decoder.decode(rows)
        self._read_on(rows)
        for at, chat in ready:
            if not chat.cancelled:
                self._write(chat, at)

    def _plan(self) -> Iterator[tuple[Chat, Sequence[int]]]:
        """Who gives which tokens to this step. Those of prompts are counted as known only when they are computed."""
        for chat in self._chats:
            if chat.next is not None:
                yield chat, [chat.next]
        room = self._chunk
        for chat in self._chats:
            if room and chat.reads and self._seat(chat):
                tokens = chat.prompt[chat.known : chat.known + room]
                room -= len(tokens)
                yield chat, tokens

    def _seat(self, chat: Chat) -> bool:
        """Gives the chat what is known of its prompt; False while an earlier one is still computing more of it."""
        if chat.seated:
            return True
        if chat.awaits and chat.awaits[0] in self._chats and chat.awaits[0].known < chat.awaits[1]:
            return False
        most = len(chat.prompt) - 1  # the last token is computed in any case: its logits are needed
        own = len(common(self._held[chat.slot], chat.prompt)[:most])
        source, best = chat.slot, own
        for slot, held in enumerate(self._held):
            if self._decoder.divisible and (shared := len(common(held, chat.prompt)[:most])) > best:
                source, best = slot, shared
        for other in self._chats[: self._chats.index(chat)]:
            coming = len(common(other.prompt, chat.prompt)[:most]) if other.reads and self._decoder.divisible else 0
            if coming > max(best, other.known):
                chat.awaits = other, coming
                return False
        self._take_over(chat, source, own, best)
        return True

    def _take_over(self, chat: Chat, source: int, own: int, best: int) -> None:
        held = self._held[chat.slot]
        if own < len(held) and not self._decoder.divisible:
            own = best = 0
        self._decoder.cut(chat.slot, own)
        if best > own:
            self._decoder.copy(source, chat.slot, own, best)
        self._held[chat.slot] = list(chat.prompt[:best])
        chat.reused = chat.known = best
        chat.seated = True

    def _read_on(self, rows: Sequence[Row]) -> None:
        """The prompts' tokens of this step are computed now."""
        for chat in self._chats:
            if chat.reads and chat.seated:
                chat.known = len(self._held[chat.slot])
                if not chat.cancelled:
                    chat.say(Piece(computed=chat.known - chat.reused, reused=chat.reused))

    def _write(self, chat: Chat, at: int) -> None:
        """The next token of an answer, from row `at` of the step; and its end, if this was the last."""
        if chat.limit == 0:
            return self._finish(chat, "length")
        token = chat.sampler.choose(self._decoder.logits(at))
        if token is None or token in self._decoder.endings:
            return self._finish(chat, "stop", chat.writing.end())
        if chat.grammar:
            chat.grammar.accept(token)
        chat.sampler.written(token)
        chat.written.append(token)
        chat.next = token
        text = chat.writing.add(self._decoder.spell(token))
        if chat.writing.stopped:
            return self._finish(chat, "stop", text, (token,))
        if len(chat.written) == chat.limit:
            return self._finish(chat, "length", text + chat.writing.end(), (token,))
        return chat.say(Piece(text=text, tokens=(token,)))

    def _finish(self, chat: Chat, why: str, text: str = "", tokens: tuple[int, ...] = ()) -> None:
        computed = len(chat.prompt) - chat.reused
        self._leave(chat)
        chat.say(Piece(text=text, tokens=tokens, computed=computed, reused=chat.reused, finish=why))

    def _leave(self, chat: Chat) -> None:
        self._chats.remove(chat)
        if chat.grammar:
            chat.grammar.close()

    def _fail(self, error: ModelError) -> None:
        """After a failure nothing is known of the cache: every chat ends, and the next ones begin with nothing."""
        for chat in list(self._chats):
            self._leave(chat)
            if not chat.cancelled:
                chat.say(error)
        self._decoder.clear()
        for held in self._held:
            held.clear()
