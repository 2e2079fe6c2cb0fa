"""The answers that are being written: text so far by conversation, told to browsers in small gathered steps."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from appliance.channels.widget_frames import Photos, items, units
from appliance.core.types import Progress

KEEP = 5_000  # answers in writing; the engine's queue ends long before

Cast = Callable[[UUID, Mapping[str, Any]], None]


@dataclass(slots=True)
class Live:
    mid: UUID
    touched: float
    text: str = ""  # as the dialogue has it
    told: str = ""  # as the browsers have it
    cards: list[dict[str, Any]] = field(default_factory=list)
    flush: asyncio.TimerHandle | None = None


class Lives:
    """One unfinished answer a conversation. Frames go to `cast`; nothing here waits, so nothing here can block."""

    def __init__(self, cast: Cast, *, flush_seconds: float, clock: Callable[[], float]) -> None:
        self._cast, self._flush_seconds, self._clock = cast, flush_seconds, clock
        self._lives: OrderedDict[UUID, Live] = OrderedDict()

    def progress(self, progress: Progress, *, photos: Photos) -> None:
        """Takes the newest state of an answer and tells what is new in it."""
        if progress.state == "interrupted":
            self.end(progress.conversation, progress.message)
            self._cast(progress.conversation, {"type": "err", "code": "interrupted", "mid": str(progress.message)})
            return
        live = self._live(progress)
        cards = items(progress.cards, photos)
        if cards and cards != live.cards:
            live.cards = cards
            self._cast(progress.conversation, {"type": "cards", "mid": str(live.mid), "items": cards})
        if progress.text and progress.text != live.text:
            live.text = progress.text
            if live.flush is None:
                loop = asyncio.get_running_loop()
                live.flush = loop.call_later(self._flush_seconds, self._tell, progress.conversation, live)

    def now(self, conversation: UUID) -> dict[str, Any] | None:
        """What a browser that comes back needs to go on; the others are told the rest first."""
        live = self._lives.get(conversation)
        if live is None:
            return None
        self._tell(conversation, live)
        return {"mid": str(live.mid), "text": live.told, "cards": live.cards}

    def end(self, conversation: UUID, mid: UUID | None) -> None:
        """The answer with this id, or whichever there is for None, is no longer in writing."""
        live = self._lives.get(conversation)
        if live and mid in (None, live.mid):
            self._drop(conversation)

    def forget(self, *, older_than: float) -> None:
        """Drops the answers without progress for so many seconds: their claim was lost."""
        now = self._clock()
        for conversation in [key for key, live in self._lives.items() if now - live.touched > older_than]:
            self._drop(conversation)

    def _live(self, progress: Progress) -> Live:
        live = self._lives.get(progress.conversation)
        if live is None or live.mid != progress.message:
            self._drop(progress.conversation)
            live = self._lives[progress.conversation] = Live(progress.message, self._clock())
            self._cast(progress.conversation, {"type": "start", "mid": str(live.mid), "role": "bot"})
            if len(self._lives) > KEEP:
                self._drop(next(iter(self._lives)))
        live.touched = self._clock()
        return live

    def _drop(self, conversation: UUID) -> None:
        live = self._lives.pop(conversation, None)
        if live and live.flush:
            live.flush.cancel()

    def _tell(self, conversation: UUID, live: Live) -> None:
        if live.flush:
            live.flush.cancel()
            live.flush = None
        if live.text == live.told:
            return
        same = _common(live.told, live.text)
        frame = {"type": "delta", "mid": str(live.mid), "off": units(live.text[:same]), "d": live.text[same:]}
        live.told = live.text
        self._cast(conversation, frame)


def _common(old: str, new: str) -> int:
    """Length of the common beginning, in characters; a text normally only grows."""
    if new.startswith(old):
        return len(old)
    return next(index for index, (left, right) in enumerate(zip(old, new + "\0", strict=False)) if left != right)
