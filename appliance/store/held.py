"""What could not be delivered and waits for a person: messages and notices, with the reason of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.store.tables import ParcelRow

CRM = "crm"  # pushes to the CRM have a queue and a page of their own
HERE = (ParcelRow.held.is_not(None), ParcelRow.delivered_at.is_(None), ParcelRow.channel != CRM)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldParcel:
    """A parcel that was set aside; `why` is what its channel said."""

    id: UUID
    channel: str
    address: str
    kind: str
    why: str
    attempts: int
    created_at: datetime


class HeldParcels:
    """The part of a transaction that knows parcels set aside."""

    connection: AsyncConnection

    async def held_parcels(self, *, limit: int, offset: int = 0) -> tuple[list[HeldParcel], int]:
        """The newest of them, and how many there are in all."""
        rows = await self.connection.execute(
            select(ParcelRow)
            .where(*HERE)
            .order_by(ParcelRow.created_at.desc(), ParcelRow.id)
            .limit(limit)
            .offset(offset)
        )
        total = await self.connection.scalar(select(func.count()).select_from(ParcelRow).where(*HERE))
        return [
            HeldParcel(id=row.id, channel=row.channel, address=row.address, kind=row.kind, why=row.held or "",
                       attempts=row.attempts, created_at=row.created_at)
            for row in rows
        ], total or 0  # fmt: skip

    async def free_parcel(self, id: UUID) -> HeldParcel | None:
        """Owes a parcel again, from now on and with all its attempts; None where it waits for nobody any more."""
        row = await self.connection.execute(
            update(ParcelRow)
            .where(ParcelRow.id == id, *HERE)
            .values(held=None, attempts=0, due_at=func.clock_timestamp(), leased_until=None)
            .returning(ParcelRow)
        )
        return _held(row.first())

    async def drop_parcel(self, id: UUID) -> HeldParcel | None:
        """Gives a parcel up; None where it waits for nobody any more."""
        row = await self.connection.execute(delete(ParcelRow).where(ParcelRow.id == id, *HERE).returning(ParcelRow))
        return _held(row.first())


def _held(row: object) -> HeldParcel | None:
    if row is None:
        return None
    names = ("id", "channel", "address", "kind", "attempts", "created_at")
    return HeldParcel(why="", **{name: getattr(row, name) for name in names})
