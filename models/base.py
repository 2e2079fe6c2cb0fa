"""The two ports behind which every model stands, and the errors that they may raise."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
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
    ) -> AsyncGenerator[str, None]:
        """Pieces of the answer as they are written; `limit` in tokens.

        With `schema` (JSON Schema) the whole text is one JSON document that satisfies it. Closing the iterator
        (`aclose`) cancels the generation and frees its slot at once.
        """
        ...

    async def wait(self) -> timedelta:
        """Predicted time until the first token of a request sent now, from the queue and the measured speed."""
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
