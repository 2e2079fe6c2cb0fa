"""What could not be delivered, at the desk: looked at, tried again, given up."""

from __future__ import annotations

from uuid import UUID

from appliance.core.types import Role, Staff
from appliance.desk.base import Gone, Part, must_be
from appliance.store.held import HeldParcel

__all__ = ["HeldDesk", "HeldParcel"]


class HeldDesk(Part):
    """The part of the desk that looks after messages and notices which no channel could deliver."""

    async def page(self, actor: Staff, *, limit: int = 50, offset: int = 0) -> tuple[list[HeldParcel], int]:
        """The newest, and how many there are."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            return await tx.held_parcels(limit=min(limit, 50), offset=offset)

    async def again(self, actor: Staff, id: UUID) -> None:
        """Tries to deliver it anew. Raises `Gone`."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            freed = await tx.free_parcel(id)
            if freed is None:
                raise Gone("Somebody has dealt with it already.")
            await self._note(tx, actor, "parcel.again", id, after={"channel": freed.channel, "address": freed.address})

    async def drop(self, actor: Staff, id: UUID) -> None:
        """Gives it up: it is never delivered. Raises `Gone`."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            dropped = await tx.drop_parcel(id)
            if dropped is None:
                raise Gone("Somebody has dealt with it already.")
            before = {"channel": dropped.channel, "address": dropped.address, "kind": dropped.kind}
            await self._note(tx, actor, "parcel.drop", id, before=before)
