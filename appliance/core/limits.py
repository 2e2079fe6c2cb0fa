"""How often something may happen: token buckets by key, in bounded memory, with the clock passed in."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

KEYS = 20_000  # keys remembered by one limiter: about 4 MB; a busy shop sees some thousand addresses a day


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """`burst` at once, then `per_second` on average (the token bucket of RFC 2697, with one colour)."""

    burst: float
    per_second: float

    @classmethod
    def hourly(cls, count: float) -> Rate:
        return cls(burst=count, per_second=count / 3600)


class Limiter:
    """Counts by key: a customer, a session, an address. All of its rates must agree before anything is granted.

    When more than `keep` keys are known, the one that was quiet for longest is forgotten, that is, it starts afresh.
    """

    def __init__(self, *rates: Rate, keep: int = KEYS) -> None:
        self._rates = rates
        self._keep = keep
        self._levels: OrderedDict[Hashable, tuple[float, list[float]]] = OrderedDict()

    def take(self, key: Hashable, *, now: float) -> float:
        """Takes one and gives 0.0, or takes nothing and gives the seconds until one may be taken.

        `now` is in seconds of a monotonic clock.
        """
        levels = self._filled(key, now)
        lacks = [(1 - level) / rate.per_second for rate, level in zip(self._rates, levels, strict=True) if level < 1]
        if not lacks:
            levels = [level - 1 for level in levels]
        self._remember(key, now, levels)
        return max(lacks, default=0.0)

    def __len__(self) -> int:
        return len(self._levels)

    def _filled(self, key: Hashable, now: float) -> list[float]:
        if key not in self._levels:
            return [rate.burst for rate in self._rates]
        at, levels = self._levels[key]
        passed = max(0.0, now - at)
        return [
            min(rate.burst, level + passed * rate.per_second) for rate, level in zip(self._rates, levels, strict=True)
        ]

    def _remember(self, key: Hashable, now: float, levels: list[float]) -> None:
        self._levels[key] = now, levels
        self._levels.move_to_end(key)
        if len(self._levels) > self._keep:
            self._levels.popitem(last=False)
