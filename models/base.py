"""The two ports behind which every model stands, and the errors that they may raise."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import inf
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:  # the errors below are caught where nobody computes
    import numpy as np
    from numpy.typing import NDArray

Vectors: TypeAlias = "NDArray[np.float32]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One turn of a chat as a model reads it."""

    role: Literal["system", "user", "assistant"]
    text: str


class ModelError(Exception):
    """The language model could not answer; customers get cards and template sentences meanwhile."""


class ModelUnavailable(ModelError):
    """The model's server cannot be reached. It is restarted by itself; see `appliance check` if this lasts."""


class ModelBusy(ModelError):
    """The model's queue is full or its wait too long; ask again after `retry_after`."""

    def __init__(self, message: str, *, retry_after: timedelta) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ModelRejected(ModelError):
    """The model's server refused the request (too long a prompt, a bad schema, a wrong key); retrying will not help."""


class ModelMissing(ModelError):
    """The chosen model is not on this box; `appliance models pull NAME` or `appliance models import FILE` brings it."""


class ModelTooLarge(ModelError):
    """The chosen model does not fit into this box's memory; choose a smaller one with `appliance models use NAME`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What lies before a request that is sent now: seconds in the queue, then tokens a second read and written.

    `reading` is of a prompt's tokens that nobody has read before, `writing` of this one answer, beside those that will
    be written with it.
    """

    queue: float = 0.0
    reading: float = inf
    writing: float = inf

    def seconds(self, *, prompt: float, answer: float = 1.0) -> float:
        """Until `answer` tokens are written to a prompt with `prompt` unread tokens."""
        return self.queue + prompt / self.reading + answer / self.writing


class LLM(Protocol):
    """A language model that streams an answer. Implementations raise nothing but `ModelError`."""

    name: str

    def stream(
        self,
        turns: Sequence[Turn],
        *,
        schema: Mapping[str, Any] | None = None,
        limit: int = 256,
        stop: Sequence[str] = (),
        within: float | None = None,
    ) -> AsyncGenerator[str, None]:
        """Pieces of the answer as they are written; `limit` in tokens.

        With `schema` (JSON Schema) the whole text is one JSON document that satisfies it. Closing the iterator
        (`aclose`) cancels the generation and frees its slot at once. A server that can predict it refuses at once with
        `ModelBusy` where the first token is not to be expected `within` so many seconds; others pass over the wish.
        """
        ...

    async def outlook(self) -> Outlook:
        """What a request sent now has before it, from the queue and the measured speeds."""
        ...

    def tokens(self, text: str) -> float:
        """About how many tokens the model makes of a text."""
        ...

    async def close(self) -> None:
        """Releases connections; safe twice."""
        ...


class Embedder(Protocol):
    """Turns texts into vectors of one space.

    `name` is the space's, and part of a folder's name in the catalogue: two that differ never share one. `dimensions`
    of a model on a server are asked of it at the first look, which may raise `ModelError`.
    """

    @property
    def name(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    async def embed(self, texts: Sequence[str], *, kind: Literal["query", "passage"]) -> Vectors:
        """float32 [len(texts), dimensions], each row L2-normalised; raises only `ModelError`."""
        ...
