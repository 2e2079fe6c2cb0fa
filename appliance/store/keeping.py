"""Upkeep in the database: what somebody asked the worker to do, how far it is, and how full the disk was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.store.tables import ChoreRow, RoomRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Chore:
    """A piece of upkeep. `fault` says why it was not done; `said` is what came of it."""

    id: UUID
    kind: str
    asked_at: datetime
    wants: Mapping[str, Any] = field(default_factory=dict)
    begun_at: datetime | None = None
    ended_at: datetime | None = None
    progress: str = ""
    said: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How full the disk was on a day, in bytes."""

    day: date
    free: int
    total: int
    kinds: Mapping[str, int] = field(default_factory=dict)


class Upkeep:
    """The part of a transaction that knows what looks after the box."""

    connection: AsyncConnection

    async def ask_chore(self, kind: str, wants: Mapping[str, Any] | None = None, *, by: UUID | None = None) -> UUID:
        """Has the worker do it soon; one of a kind that waits already is that one."""
        row = upsert(ChoreRow).values(kind=kind, wants=dict(wants or {}), asked_by=by)
        waiting = row.on_conflict_do_nothing(index_elements=["kind"], index_where=text("ended_at IS NULL"))
        made: UUID | None = await self.connection.scalar(waiting.returning(ChoreRow.id))
        if made is not None:
            return made
        query = select(ChoreRow.id).where(ChoreRow.kind == kind, ChoreRow.ended_at.is_(None))
        return (await self.connection.scalars(query)).one()

    async def next_chore(self) -> Chore | None:
        """The oldest that is not done, also one that a killed worker left; marked as begun."""
        oldest = select(ChoreRow.id).where(ChoreRow.ended_at.is_(None)).order_by(ChoreRow.asked_at).limit(1)
        rows = await self.connection.execute(
            update(ChoreRow)
            .where(ChoreRow.id.in_(oldest.with_for_update(skip_locked=True)))
            .values(begun_at=func.clock_timestamp(), progress="")
            .returning(ChoreRow)
        )
        row = rows.first()
        return _chore(row) if row else None

    async def chore_goes_on(self, id: UUID, progress: str) -> None:
        await self.connection.execute(update(ChoreRow).where(ChoreRow.id == id).values(progress=progress))

    async def chore_done(self, id: UUID, *, said: Mapping[str, Any] | None = None, fault: str = "") -> None:
        await self.connection.execute(
            update(ChoreRow)
            .where(ChoreRow.id == id)
            .values(ended_at=func.clock_timestamp(), progress="", said=dict(said or {}), fault=fault)
        )

    async def chore(self, id: UUID) -> Chore | None:
        row = (await self.connection.execute(select(ChoreRow).where(ChoreRow.id == id))).first()
        return _chore(row) if row else None

    async def chores(self, *kinds: str, limit: int = 20) -> list[Chore]:
        """The newest first; of all kinds where none is named."""
        query = select(ChoreRow).order_by(ChoreRow.asked_at.desc()).limit(limit)
        rows = await self.connection.execute(query.where(ChoreRow.kind.in_(kinds)) if kinds else query)
        return [_chore(row) for row in rows]

    async def forget_chores(self, *, days: int) -> None:
        """Drops what was done so long ago, and what is known of rooms of another year."""
        await self.connection.execute(
            text("DELETE FROM chores WHERE ended_at < now() - make_interval(days => :days)"), {"days": days}
        )
        await self.connection.execute(text("DELETE FROM rooms WHERE day < current_date - 400"))

    async def keep_room(self, *, free: int, total: int, kinds: Mapping[str, int]) -> None:
        """How full the disk is today; a later look of the same day takes its place."""
        values = {"free": free, "total": total, "kinds": dict(kinds)}
        row = upsert(RoomRow).values(day=func.current_date(), **values)
        await self.connection.execute(row.on_conflict_do_update(index_elements=["day"], set_=values))

    async def rooms(self, days: int) -> list[Room]:
        """The last so many days, oldest first."""
        rows = await self.connection.execute(
            select(RoomRow).where(RoomRow.day > func.current_date() - days).order_by(RoomRow.day)
        )
        return [Room(day=row.day, free=row.free, total=row.total, kinds=row.kinds) for row in rows]


def _chore(row: Any) -> Chore:
    return Chore(
        id=row.id,
        kind=row.kind,
        asked_at=row.asked_at,
        wants=row.wants,
        begun_at=row.begun_at,
        ended_at=row.ended_at,
        progress=row.progress,
        said=row.said,
        fault=row.fault,
    )
