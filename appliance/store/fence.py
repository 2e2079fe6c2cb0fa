"""A takeover and the assistant's writing exclude each other: what is sent has begun before it, or is not sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import psycopg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.store.errors import StoreUnavailable, TakenOver

FENCE = 0x434E  # first key of the advisory locks; the second one is of the conversation
PATIENCE = "25s"  # how long a takeover waits for a request under way, which itself takes 20 s at most
AGAIN = 0.02  # seconds between looks while a takeover has the lock
OVER = """SELECT owner = 'agent' OR EXISTS (SELECT 1 FROM messages WHERE conversation_id = conversations.id
            AND seq > %(since)s AND role = 'system' AND kind = 'state' AND payload->>'mode' = 'agent')
          FROM conversations WHERE id = %(id)s"""


class Fence:
    """The writer's side: a shared lock for each request under way, all on one connection of its own.

    Not on the pool's connections: those would be held for as long as a channel's server hangs.
    """

    def __init__(self, url: str) -> None:
        """`url` as libpq reads it."""
        self._url = url
        self._busy = asyncio.Lock()
        self._connection: psycopg.AsyncConnection | None = None

    @asynccontextmanager
    async def passing(self, conversation: UUID, *, since: int) -> AsyncIterator[None]:
        """Begin what belongs to event `since` or before inside of this; no takeover commits until it ends.

        Raises `TakenOver` when a manager has the conversation, or took it after that event; `StoreUnavailable`.
        """
        connection = await self._enter(conversation, since)
        try:
            yield
        finally:
            await asyncio.shield(self._leave(connection, conversation))  # also where the writer is cancelled

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection:
            await connection.close()

    async def _enter(self, conversation: UUID, since: int) -> psycopg.AsyncConnection:
        while True:
            async with self._busy:
                try:
                    connection = await self._connected()
                    if await _one(connection, "SELECT pg_try_advisory_lock_shared(%s, %s)", _lock(conversation)):
                        if await _one(connection, OVER, {"id": conversation, "since": since}) is False:
                            return connection
                        await _one(connection, "SELECT pg_advisory_unlock_shared(%s, %s)", _lock(conversation))
                        raise TakenOver
                except (psycopg.Error, OSError) as error:
                    await self.close()
                    raise StoreUnavailable("The database cannot be reached; see `appliance check`.") from error
                except asyncio.CancelledError:
                    await self.close()  # whether the lock is held is not known, and it must not stay
                    raise
            await asyncio.sleep(AGAIN)

    async def _leave(self, connection: psycopg.AsyncConnection, conversation: UUID) -> None:
        async with self._busy:
            if connection is not self._connection:
                return  # its locks went with it
            try:
                await _one(connection, "SELECT pg_advisory_unlock_shared(%s, %s)", _lock(conversation))
            except (psycopg.Error, OSError):
                await self.close()

    async def _connected(self) -> psycopg.AsyncConnection:
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True, connect_timeout=5)
        return self._connection


async def shut(connection: AsyncConnection, conversation: UUID) -> None:
    """The takeover's side: waits, within its transaction, for requests under way; none begins until it has ended."""
    await connection.execute(text("SELECT set_config('lock_timeout', :patience, true)"), {"patience": PATIENCE})
    first, second = _lock(conversation)
    await connection.execute(
        text("SELECT pg_advisory_xact_lock(CAST(:first AS int), CAST(:second AS int))"),
        {"first": first, "second": second},
    )
    await connection.execute(text("SELECT set_config('lock_timeout', '0', true)"))


def _lock(conversation: UUID) -> tuple[int, int]:
    """Two conversations with one key wait for each other now and then, and nothing else."""
    return FENCE, conversation.int & 0x7FFFFFFF


async def _one(connection: psycopg.AsyncConnection, query: str, values: object) -> object:
    row = await (await connection.execute(query, values)).fetchone()  # type: ignore[call-overload]
    return row[0] if row else None
