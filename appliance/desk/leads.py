"""Leads at the desk: looked at, taken, put off, closed."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from appliance.core.types import Lead, Role, Staff
from appliance.desk.base import Gone, Part, must_be
from appliance.store.leads import Status


class Leads(Part):
    """The part of the desk that follows leads."""

    async def lead(self, actor: Staff, id: UUID) -> Lead:
        """Raises `Gone`."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            if (found := await tx.lead(id)) is None:
                raise Gone("There is no such lead; it may have been erased.")
            return found

    async def take_lead(self, actor: Staff, id: UUID) -> Lead:
        return await self._move(actor, id, Status.TAKEN)

    async def call_later(self, actor: Staff, id: UUID, at: datetime) -> Lead:
        return await self._move(actor, id, Status.LATER, at)

    async def close_lead(self, actor: Staff, id: UUID) -> Lead:
        return await self._move(actor, id, Status.DONE)

    async def _move(self, actor: Staff, id: UUID, status: Status, at: datetime | None = None) -> Lead:
        """Raises `Gone` for a lead that is closed."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            before = await tx.lead(id)
            moved = await tx.move_lead(id, status=status, assigned_to=actor.id, call_at=at)
            if before is None or moved is None:
                raise Gone("This lead is closed already.")
            change: tuple[dict[str, Any], dict[str, Any]] = ({"status": before.status}, {"status": status})
            await self._note(tx, actor, f"lead.{status}", id, before=change[0], after=change[1])
            await self._changed(tx, id)
        return moved
