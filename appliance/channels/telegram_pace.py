"""How fast one may write: one message a second in a chat, thirty a second over all, sends and edits alike."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

PER_CHAT = 1.05  # seconds between two messages of a chat: Telegram's one a second, and what the way may shorten it by
OVERALL = 1 / 28  # seconds between any two messages: Telegram's thirty a second, with some room
KEPT = 10_000  # chats remembered before those that may write at once are dropped


class Pace:
    """Gives turns, first come first served in each chat. 429 tells it to hold a chat longer."""

    def __init__(
        self, *, per_chat: float = PER_CHAT, overall: float = OVERALL, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_chat, self._overall, self._clock = per_chat, overall, clock
        self._next: dict[int, float] = {}  # chat -> when it may be written to again
        self._locks: dict[int, asyncio.Lock] = {}
        self._next_of_all = 0.0

    async def turn(self, chat: int, count: int = 1) -> None:
        """Returns when `count` messages may be sent to the chat; they are counted as sent."""
        lock = self._locks.setdefault(chat, asyncio.Lock())
        async with lock:
            await asyncio.sleep(self._next.get(chat, 0.0) - self._clock())
            now = self._clock()
            slot = max(now, self._next_of_all)
            self._next_of_all = slot + count * self._overall
            await asyncio.sleep(slot - now)
            self._next[chat] = self._clock() + self._per_chat
        if not lock.locked() and len(self._locks) > KEPT:
            self._forget()

    def hold(self, chat: int, seconds: float) -> None:
        """Telegram told to wait."""
        self._next[chat] = max(self._next.get(chat, 0.0), self._clock() + seconds)

    def idle(self, chat: int) -> bool:
        """Whether the chat could be written to without making anybody wait: for what is nice and not needed."""
        now = self._clock()
        lock = self._locks.get(chat)
        return self._next_of_all <= now and self._next.get(chat, 0.0) <= now and not (lock and lock.locked())

    def _forget(self) -> None:
        now = self._clock()
        for chat in [chat for chat, at in self._next.items() if at <= now and not self._locks[chat].locked()]:
            del self._next[chat], self._locks[chat]
