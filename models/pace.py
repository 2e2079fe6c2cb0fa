"""What a client measured of a model behind a server that tells nothing itself, and the outlook that follows from it."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

from models.base import Outlook, Turn

_WEIGHT = 0.3  # of the newest measurement in the moving estimates
_TELLING = 8  # tokens below which a speed measures mostly the clock
_TURN = 5  # tokens that a template puts around a turn
# Characters a token, by kind: means over catalogue rows with Qwen 2.5. What a model really makes of them is learnt
# from the counts that servers send.
_LATIN, _CYRILLIC, _IDEOGRAMS, _OTHER = 3.6, 2.3, 1.3, 1.4
_KINDS = re.compile(
    r"(?P<latin>[A-Za-zÀ-ɏ ]+)|(?P<cyrillic>[Ѐ-ӿ]+)|(?P<ideograms>[぀-ヿ一-鿿가-힯]+)|(?P<other>.)", re.DOTALL
)
_PER_TOKEN = {"latin": _LATIN, "cyrillic": _CYRILLIC, "ideograms": _IDEOGRAMS, "other": _OTHER}


class Pace:
    """Moving estimates of one model on one server, fed by the requests of this process.

    The queue before a request is whoever is beyond the most ever answered at once, each the time of a whole answer.
    """

    def __init__(self) -> None:
        self.running = 0
        self.speed = self.best = 0.0  # tokens a second of one answer
        self.lived = -float("inf")  # when the last generation succeeded
        self._reading = 0.0  # tokens of a request's last turn, a second until the first piece: the fixed costs included
        self._whole = 0.0  # seconds to the end of an answer that did not wait
        self._scale = 1.0  # tokens that the model makes of a text, by those that were estimated
        self._speaking = 0
        self._together = 1  # the most answers seen to be written at once: servers do not tell how many they take

    def request(self, turns: Sequence[Turn], *, cold: bool = False) -> Running:
        """To be used as a context around one request; `cold`: the model may have to be loaded for it."""
        return Running(self, turns, cold=cold)

    def outlook(self) -> Outlook:
        before = max(0, self.running + 1 - self._together)
        return Outlook(
            queue=before * self._whole / self._together,
            reading=self._reading or float("inf"),
            writing=self.speed or float("inf"),
        )

    def tokens(self, text: str) -> float:
        """About how many tokens the model makes of a text."""
        return self._scale * estimated(text)

    def counted(self, turns: Sequence[Turn], tokens: int) -> None:
        """The server says how many tokens a whole prompt had."""
        guess = sum(estimated(turn.text) + _TURN for turn in turns)
        if tokens > 0 and guess > 0:
            self._scale = _moved(self._scale, min(3.0, max(0.3, tokens / guess)))

    def wrote(self, tokens: int, seconds: float) -> None:
        """An answer of so many tokens was written in so many seconds, its first token apart."""
        if tokens >= _TELLING and seconds > 0:
            self.speed = _moved(self.speed, tokens / seconds)
            self.best = max(self.best, self.speed)


class Running:
    """One request in flight, for as long as its `with` lasts."""

    def __init__(self, pace: Pace, turns: Sequence[Turn], *, cold: bool) -> None:
        self._pace, self._turns, self._cold = pace, turns, cold
        self._pieces, self._ended = 0, False

    def __enter__(self) -> Running:
        self._began, self.first = time.monotonic(), 0.0
        self._queued = self._pace.running >= self._pace._together
        self._pace.running += 1
        return self

    def spoke(self) -> None:
        """A piece of the answer came; the first one tells how long the prompt took."""
        self._pieces += 1
        if self.first:
            return
        self.first = time.monotonic() - self._began
        self._pace._speaking += 1
        self._pace._together = max(self._pace._together, self._pace._speaking)

    def ended(self, *, loading: float = 0.0) -> None:
        """The answer is complete; `loading` are seconds in which the model was brought into memory first."""
        pace, now = self._pace, time.monotonic()
        self._ended, pace.lived = True, now
        if not self._queued:
            pace._whole = _moved(pace._whole, max(0.0, now - self._began - loading))
            self._read(loading)

    @property
    def writing(self) -> float:
        """Seconds since the first piece."""
        return time.monotonic() - self._began - self.first

    def _read(self, loading: float) -> None:
        if self.first > loading:
            read = self._pace.tokens(self._turns[-1].text)
            self._pace._reading = _moved(self._pace._reading, read / (self.first - loading))

    def __exit__(self, *_: object) -> None:
        self._pace.running -= 1
        self._pace._speaking -= bool(self.first)
        if self.first and not self._ended and not self._cold:  # whoever asked had enough; a piece is about a token
            self._pace.wrote(self._pieces - 1, self.writing)
            if not self._queued:
                self._read(0.0)


def estimated(text: str) -> float:
    """Tokens of a text by its letters' kinds."""
    return sum(max(1.0, len(match[0]) / _PER_TOKEN[match.lastgroup or "other"]) for match in _KINDS.finditer(text))


def _moved(estimate: float, measured: float) -> float:
    return estimate + (_WEIGHT if estimate else 1.0) * (measured - estimate)
