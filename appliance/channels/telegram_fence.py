"""The assistant's words begin only while no manager has the dialogue: asked for right before each request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from contextvars import ContextVar
from uuid import UUID

from appliance.channels.telegram_faults import TakenOver
from appliance.store import errors
from appliance.store.fence import Fence

_gate: ContextVar[Callable[[], AbstractAsyncContextManager[None]]] = ContextVar("gate", default=nullcontext)


@contextmanager
def assistants(fence: Fence, conversation: UUID, *, since: int) -> Iterator[None]:
    """All that this task sends or edits inside is the assistant's, of event `since` or before."""

    @asynccontextmanager
    async def gate() -> AsyncIterator[None]:
        try:
            async with fence.passing(conversation, since=since):
                yield
        except errors.TakenOver as error:
            raise TakenOver from error

    token = _gate.set(gate)
    try:
        yield
    finally:
        _gate.reset(token)


def begun() -> AbstractAsyncContextManager[None]:
    """What a request has to be made in; raises `TakenOver` for the assistant's words that come too late."""
    return _gate.get()()
