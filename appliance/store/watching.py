"""What the watch asks the database: who lives, what is owed and how late, what waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.store.tables import BeatRow

STUCK = 5  # attempts: with doubling delays, a minute in vain
FORGOTTEN = timedelta(hours=1)  # after which a process that is silent is no longer remembered


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """A sign of life. `silent` says how long ago it was, by the database's clock."""

    role: str
    instance: int
    silent: timedelta
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What one channel owes. `late` is for how long the oldest parcel has been due."""

    channel: str
    waiting: int  # due or not, not delivered, not held
    late: timedelta
    stuck: int  # of those that wait: tried so often that something must be wrong
    held: int  # set aside for a person
    why: str = ""  # of the one that was held last


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What dialogues wait for."""

    pending: int  # messages without an answer yet
    claimed: int  # conversations that are being answered


class Watching:
    """The part of a transaction that looks after the house."""

    connection: AsyncConnection

    async def beat(self, *, role: str, instance: int, about: Mapping[str, Any]) -> float:
        """Notes that a process lives; gives the database's clock in seconds since the epoch."""
        now = func.clock_timestamp()
        row = upsert(BeatRow).values(instance=instance, role=role, about=dict(about), at=now)
        await self.connection.execute(
            row.on_conflict_do_update(index_elements=["instance"], set_={"about": row.excluded.about, "at": now})
        )
        await self.connection.execute(delete(BeatRow).where(BeatRow.at < now - FORGOTTEN))
        return float(await self.connection.scalar(text("SELECT extract(epoch FROM clock_timestamp())")) or 0)

    async def fell_silent(self, instance: int) -> None:
        """A process ends as it was told to: nobody need miss it."""
        await self.connection.execute(delete(BeatRow).where(BeatRow.instance == instance))

    async def beats(self) -> list[Beat]:
        """The last sign of life of each process."""
        silent = (func.clock_timestamp() - BeatRow.at).label("silent")
        rows = await self.connection.execute(select(BeatRow.role, BeatRow.instance, BeatRow.about, silent))
        return [Beat(role=row.role, instance=row.instance, silent=row.silent, about=row.about) for row in rows]

    async def owed(self) -> list[Post]:
        """What each channel owes, of those that owe anything."""
        rows = await self.connection.execute(
            text(
                """SELECT channel, count(*) FILTER (WHERE held IS NULL) AS waiting,
                     COALESCE(GREATEST(clock_timestamp() - min(due_at) FILTER (WHERE held IS NULL),
                                       interval '0'), interval '0') AS late,
                     count(*) FILTER (WHERE held IS NULL AND attempts >= :stuck) AS stuck,
                     count(held) AS held, COALESCE((array_agg(held ORDER BY place DESC)
                                                    FILTER (WHERE held IS NOT NULL))[1], '') AS why
                   FROM parcels WHERE delivered_at IS NULL GROUP BY channel ORDER BY channel"""
            ),
            {"stuck": STUCK},
        )
        return [
            Post(channel=row.channel, waiting=row.waiting, late=row.late, stuck=row.stuck, held=row.held, why=row.why)
            for row in rows
        ]

    async def under_way(self) -> Work:
        """How much is being done for customers just now."""
        row = (
            await self.connection.execute(
                text(
                    """SELECT count(*) AS pending, count(DISTINCT conversations.id)
                         FILTER (WHERE claimed_by IS NOT NULL) AS claimed
                       FROM messages JOIN conversations ON conversations.id = messages.conversation_id
                       WHERE messages.pending"""
                )
            )
        ).one()
        return Work(pending=row.pending, claimed=row.claimed)

    async def schema(self) -> str:
        """The revision that the database is at."""
        return str(await self.connection.scalar(text("SELECT version_num FROM alembic_version")) or "")
