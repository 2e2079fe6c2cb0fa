"""The store as the widget's channel asks it: each question a transaction of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from appliance.core.types import Message, Visit
from appliance.store.store import Store


class Visits:
    """Sessions of browsers and the events that they read."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def visit(self, *, sid: str, token: str, lang: str, page: Mapping[str, Any]) -> Visit:
        """Opens a session (empty `sid`) or resumes one; raises `WrongToken`."""
        async with self._store.transaction() as tx:
            return await tx.visit(sid=sid, token=token, lang=lang, page=page)

    async def events(self, conversation: UUID, *, after: int, limit: int = 50) -> list[Message]:
        async with self._store.transaction() as tx:
            return await tx.events(conversation, after=after, limit=limit)

    async def earlier(self, conversation: UUID, *, before: int, limit: int = 50) -> list[Message]:
        async with self._store.transaction() as tx:
            return await tx.earlier(conversation, before=before, limit=limit)

    async def changed(self, after: Mapping[UUID, int]) -> Collection[UUID]:
        if not after:
            return ()
        async with self._store.transaction() as tx:
            return await tx.changed(after)

    async def feedback(self, conversation: UUID, mid: UUID, value: int) -> None:
        async with self._store.transaction() as tx:
            await tx.rate(conversation, mid, value)

    async def read(self, conversation: UUID, seq: int) -> None:
        async with self._store.transaction() as tx:
            await tx.read(conversation, seq)
