"""One after the other: transactions that must not meet wait for each other by a named lock."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection


class Turns:
    """The part of a transaction that can wait for its turn."""

    connection: AsyncConnection

    async def alone(self, lock: str) -> None:
        """Waits until no other transaction holds this lock; it is held to the end of this one."""
        await self.connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(lock, 0))))
