"""Turns the tokens of an answer into text: whole characters only, and nothing of a stop text or behind it."""

from __future__ import annotations

import codecs
from collections.abc import Sequence


class Writing:
    """The text of one answer as far as it may be shown."""

    def __init__(self, stop: Sequence[str] = ()) -> None:
        self._stop = [word for word in stop if word]
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._held = ""  # may turn out to be the beginning of a stop text
        self.stopped = False

    def add(self, raw: bytes) -> str:
        """What may be shown now that these bytes have been written; `stopped` once a stop text is complete."""
        return self._show(self._decoder.decode(raw))

    def end(self) -> str:
        """What was held back, now that nothing follows. A character cut in its middle is left out."""
        rest, self._held = self._held, ""
        return "" if self.stopped else rest

    def _show(self, text: str) -> str:
        text = self._held + text
        self._held = ""
        if found := [at for word in self._stop if (at := text.find(word)) >= 0]:
            self.stopped = True
            return text[: min(found)]
        keep = max((_overlap(text, word) for word in self._stop), default=0)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]


def _overlap(text: str, word: str) -> int:
    """Characters at the end of `text` with which `word` begins."""
    return next((size for size in range(min(len(word), len(text)), 0, -1) if text.endswith(word[:size])), 0)
