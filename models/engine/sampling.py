"""Chooses the next token from a model's logits: the likeliest, or by chance among the likely, as a grammar allows.

The steps and their usual values are llama.cpp's (penalties, top-k, top-p, min-p, temperature), so that both runtimes
answer alike. A grammar is asked about few tokens first: all 150,000 of a vocabulary cost it tens of milliseconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np

from models.base import ModelRejected

if TYPE_CHECKING:
    from numpy.typing import NDArray

_REACHES = (4.0, 8.0, 16.0)  # below the likeliest: comparing takes a tenth of the time that ordering all takes
_FEW = 128  # likeliest tokens among which one that the grammar allows is looked for first


class Rule(Protocol):
    """What a grammar says of tokens [n]."""

    def allows(self, tokens: NDArray[np.int32]) -> NDArray[np.bool_]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a request wants its tokens chosen."""

    temperature: float = 0.8
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    seed: int | None = None
    ignore_eos: bool = False

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Self:
        """`ModelRejected` where a value is none of its kind."""
        try:
            return cls(**{name: _KINDS[name](value) for name, value in options.items()})
        except (KeyError, TypeError, ValueError) as error:
            raise ModelRejected(f"An option of the request is unknown or has no proper value: {error}.") from error


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise ValueError(f"{value!r} is no number")
    return float(value)


_KINDS: Mapping[str, Any] = {
    **dict.fromkeys(("temperature", "top_p", "min_p", "presence_penalty", "frequency_penalty"), _number),
    "top_k": lambda value: max(0, int(_number(value))),
    "seed": lambda value: int(_number(value)) % (1 << 63),
    "ignore_eos": bool,
}


class Sampler:
    """Of one generation; `endings` are the tokens with which an answer ends."""

    def __init__(self, manner: Manner, *, rule: Rule | None, endings: frozenset[int]) -> None:
        self._manner = manner
        self._rule = rule
        self._endings = np.array(sorted(endings), dtype=np.int64)
        self._chance = np.random.default_rng(manner.seed)
        self._written: Counter[int] = Counter()

    def choose(self, logits: NDArray[np.float32]) -> int | None:
        """The next token from float32 [vocabulary]; None where the grammar allows none. `logits` are left as is."""
        manner = self._manner
        logits = self._weighed(logits)
        likely = self._likely(logits)
        if likely is None or np.isneginf(logits[likely]).all():
            return None
        if manner.temperature <= 0:
            return int(likely[np.argmax(logits[likely])])
        kept, chances = _narrowed(likely, logits[likely], manner)
        return int(self._chance.choice(kept, p=chances))

    def written(self, token: int) -> None:
        """It has become part of the answer."""
        self._written[token] += 1

    def _weighed(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        manner = self._manner
        penalised = bool(manner.presence_penalty or manner.frequency_penalty) and bool(self._written)
        if not (penalised or manner.ignore_eos):
            return logits
        logits = logits.copy()
        if penalised:
            tokens = np.fromiter(self._written.keys(), dtype=np.int64)
            counts = np.fromiter(self._written.values(), dtype=np.float32)
            logits[tokens] -= counts * manner.frequency_penalty + manner.presence_penalty
        if manner.ignore_eos:
            logits[self._endings] = -np.inf
        return logits

    def _likely(self, logits: NDArray[np.float32]) -> NDArray[np.int32] | None:
        """Tokens to choose among, the likeliest one surely among them; None where none may come."""
        wanted = 1 if self._manner.temperature <= 0 else min(self._manner.top_k or len(logits), len(logits))
        if self._rule is None:
            return _top(logits, wanted)
        for width in sorted({wanted, max(wanted, min(_FEW, len(logits))), len(logits)}):
            tokens = _top(logits, width)
            if (allowed := tokens[self._rule.allows(tokens)]).size:
                return allowed
        return None


def _top(logits: NDArray[np.float32], count: int) -> NDArray[np.int32]:
    """The `count` likeliest tokens in any order."""
    if count == 1:
        return np.array([np.argmax(logits)], dtype=np.int32)
    if count >= len(logits):
        return np.arange(len(logits), dtype=np.int32)
    most = logits.max()
    for reach in _REACHES:
        near = np.flatnonzero(logits >= most - reach)
        if len(near) >= count:
            return near[np.argpartition(logits[near], -count)[-count:]].astype(np.int32)
    return np.argpartition(logits, -count)[-count:].astype(np.int32)


def _narrowed(
    tokens: NDArray[np.int32], logits: NDArray[np.float32], manner: Manner
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Top-k, top-p and min-p of what may come, and the chance of each at the temperature."""
    order = np.argsort(-logits, kind="stable")[: manner.top_k or None]
    chances = _softmax(logits[order])
    inside = np.cumsum(chances) - chances < manner.top_p  # the one that crosses the bound belongs to it
    inside &= chances >= manner.min_p * chances[0]
    inside[0] = True
    return tokens[order][inside], _softmax(logits[order][inside] / manner.temperature)


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    weights = np.exp(logits.astype(np.float64) - float(logits.max()))
    return np.asarray(weights / weights.sum())
