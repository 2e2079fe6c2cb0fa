"""What may go wrong between Zoho and a client: by chance, from a seed, and written down."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

KINDS = ("lost", "too_many", "server", "reset", "slow")


@dataclass(kw_only=True)
class Faults:
    """Shares of requests that meet a fault. A `lost` one has had its effect, but its answer does not arrive."""

    lost: float = 0.0
    too_many: float = 0.0  # 429
    server: float = 0.0  # 500, 502 or 503
    reset: float = 0.0  # the connection is cut before anything happened
    slow: float = 0.0  # answered after `delay` seconds
    delay: float = 2.0
    seed: int = 1
    planned: list[str] = field(default_factory=list)  # the faults of the next requests, before chance has its way
    met: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def draw(self) -> str:
        """The fault of one request, or an empty string."""
        kind = self.planned.pop(0) if self.planned else self._chance()
        if kind:
            self.met[kind] = self.met.get(kind, 0) + 1
        return kind

    def _chance(self) -> str:
        at = self.random.random()
        for kind in KINDS:
            share = getattr(self, kind)
            if at < share:
                return kind
            at -= share
        return ""
