"""Parcels in the database: owed since the transaction that decided them, leased to one deliverer at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.core.types import Parcel
from appliance.store.tables import ParcelRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A parcel in somebody's hands; `token` fences a deliverer whose lease has run out."""

    parcel: Parcel
    token: int


class Outgoing:
    """The part of a transaction that knows parcels."""

    connection: AsyncConnection

    async def post(
        self, *, channel: str, address: str, kind: str, body: Mapping[str, Any], wait: timedelta = timedelta()
    ) -> UUID:
        """Owes something to an address, from the moment this transaction commits; due after `wait`."""
        id = await self.connection.scalar(
            insert(ParcelRow)
            .values(channel=channel, address=address, kind=kind, body=dict(body), due_at=func.now() + wait)
            .returning(ParcelRow.id)
        )
        assert isinstance(id, UUID)
        return id

    async def take(self, channels: list[str], *, lease: timedelta, limit: int = 20) -> list[Lease]:
        """The parcels that are due, the oldest of each address only, so that an address gets them in order.

        One that was posted for a later hour and has not been tried yet bars nothing.
        """
        rows = await self.connection.execute(
            text(
                """WITH due AS (
                     SELECT id FROM parcels AS parcel
                     WHERE channel = ANY(:channels) AND delivered_at IS NULL AND held IS NULL
                       AND due_at <= clock_timestamp()
                       AND (leased_until IS NULL OR leased_until < clock_timestamp())
                       AND NOT EXISTS (SELECT 1 FROM parcels AS earlier
                                       WHERE earlier.channel = parcel.channel AND earlier.address = parcel.address
                                         AND earlier.delivered_at IS NULL AND earlier.held IS NULL
                                         AND earlier.place < parcel.place
                                         AND (earlier.attempts > 0 OR earlier.due_at <= clock_timestamp()))
                     ORDER BY due_at, place LIMIT :limit FOR UPDATE SKIP LOCKED)
                   UPDATE parcels SET leased_until = clock_timestamp() + make_interval(secs => :lease),
                                      lease = parcels.lease + 1, attempts = attempts + 1
                   FROM due WHERE parcels.id = due.id
                   RETURNING parcels.id, channel, address, kind, body, attempts, parcels.lease, place"""
            ),
            {"channels": channels, "lease": lease.total_seconds(), "limit": limit},
        )
        return [
            Lease(
                parcel=Parcel(
                    id=row.id, channel=row.channel, address=row.address, kind=row.kind, body=row.body,
                    attempts=row.attempts,
                ),
                token=row.lease,
            )
            for row in sorted(rows, key=lambda row: row.place)
        ]  # fmt: skip

    async def delivered(self, lease: Lease) -> bool:
        """Marks a parcel as delivered; False when the lease had passed to somebody else."""
        result = await self.connection.execute(
            update(ParcelRow)
            .where(ParcelRow.id == lease.parcel.id, ParcelRow.lease == lease.token)
            .values(delivered_at=func.clock_timestamp(), leased_until=None)
        )
        return result.rowcount == 1

    async def postpone(self, lease: Lease, *, until: timedelta) -> None:
        await self.connection.execute(
            text(
                """UPDATE parcels SET due_at = clock_timestamp() + make_interval(secs => :seconds), leased_until = NULL
                   WHERE id = :id AND lease = :token"""
            ),
            {"seconds": until.total_seconds(), "id": lease.parcel.id, "token": lease.token},
        )

    async def hold(self, lease: Lease, *, why: str) -> None:
        """Sets a parcel aside for a person, with the reason; later ones of its address go on."""
        await self.connection.execute(
            update(ParcelRow)
            .where(ParcelRow.id == lease.parcel.id, ParcelRow.lease == lease.token)
            .values(held=why, leased_until=None)
        )

    async def free(self, channels: list[str]) -> None:
        """Takes the parcels of these channels out of hands that are known to be dead."""
        await self.connection.execute(
            update(ParcelRow)
            .where(ParcelRow.channel.in_(channels), ParcelRow.delivered_at.is_(None), ParcelRow.held.is_(None))
            .values(leased_until=None)
        )

    async def oldest_due(self) -> timedelta:
        """How late the latest parcel is: the outbox's lag."""
        lag = await self.connection.scalar(
            select(func.clock_timestamp() - func.min(ParcelRow.due_at)).where(
                ParcelRow.delivered_at.is_(None), ParcelRow.held.is_(None), ParcelRow.due_at < func.clock_timestamp()
            )
        )
        return lag if isinstance(lag, timedelta) else timedelta()
