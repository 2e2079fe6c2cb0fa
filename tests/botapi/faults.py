"""The limits of Telegram, and what may go wrong between it and a bot: by chance, from a seed, and written down."""

from __future__ import annotations

import math
import random
import time
from dataclasses import dataclass, field
from typing import Any

SLACK = 0.1  # seconds by which two messages may come too early: the way to the server is not always equally long


@dataclass(kw_only=True)
class Limits:
    """Messages a second in one chat and over all; a chat that sends too early has to wait whole seconds."""

    per_chat: float = 1.0
    overall: float = 30.0
    _chats: dict[int, float] = field(default_factory=dict)  # when the next message may come
    _tokens: float = 30.0
    _at: float = 0.0
    refused: int = 0
    peak: dict[int, int] = field(default_factory=dict)  # second -> messages

    def wait(self, chat: int, count: int = 1) -> int:
        """0 when a message may pass now, and it is counted; else the seconds that Telegram tells to wait."""
        now = time.monotonic()
        self._tokens = min(self.overall, self._tokens + (now - self._at) * self.overall)
        self._at = now
        early = self._chats.get(chat, 0.0) - now - SLACK
        if early > 0 or self._tokens < 1:
            self.refused += 1
            return max(1, math.ceil(early))
        self._tokens -= count
        self._chats[chat] = max(now, self._chats.get(chat, 0.0)) + 1 / self.per_chat
        self.peak[int(now)] = self.peak.get(int(now), 0) + count
        return 0


@dataclass(kw_only=True)
class Faults:
    """Shares of requests that meet a fault. A `lost` one has had its effect, but its answer does not arrive."""

    too_many: float = 0.0  # 429
    server: float = 0.0  # 500 or 502
    reset: float = 0.0  # the connection is cut before anything happened
    lost: float = 0.0  # the connection is cut after it happened
    duplicate: float = 0.0  # share of updates that come a second time
    seed: int = 1
    log: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self.on = True

    def draw(self) -> str:
        """The fault of one request: "", too_many, server, reset, lost."""
        at = self._random.random() if self.on else 1.0
        for kind in ("too_many", "server", "reset", "lost"):
            share = getattr(self, kind)
            if at < share:
                return kind
            at -= share
        return ""

    def doubles(self) -> bool:
        return self.on and self._random.random() < self.duplicate

    def note(self, kind: str, method: str, chat: object, **more: Any) -> None:
        self.log.append({"at": time.time(), "fault": kind, "method": method, "chat": chat, **more})
