"""Leads at the desk: found, taken, given to somebody, put off, closed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from appliance.core.types import Lead, Role, Staff
from appliance.desk.base import Gone, Part, must_be
from appliance.store.inbox import Place
from appliance.store.leads import Status
from appliance.store.notes import Act
from appliance.store.pipeline import LeadLine, QuoteLine, Sought
from appliance.store.store import Transaction

__all__ = ["OUTCOMES", "Dossier", "LeadLine", "Leads", "Place", "QuoteLine", "Sought", "Status"]

OUTCOMES = ("won", "price", "stock", "silent", "duplicate", "spam", "other")  # how a lead came out


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """All that is known of a lead."""

    lead: LeadLine
    quotes: tuple[QuoteLine, ...]
    history: tuple[Act, ...]  # newest first


class Leads(Part):
    """The part of the desk that follows leads."""

    async def lead(self, actor: Staff, id: UUID) -> Lead:
        """Raises `Gone`."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            if (found := await tx.lead(id)) is None:
                raise Gone("There is no such lead; it may have been erased.")
            return found

    async def leads(self, actor: Staff, sought: Sought, *, after: Place | None = None) -> list[LeadLine]:
        """At most fifty leads, the last changed first."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            return await tx.leads(actor.id, sought, after=after)

    async def lead_counts(self, actor: Staff, sought: Sought) -> Mapping[str, int]:
        """How many leads of each status there are."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            return await tx.leads_by_status(actor.id, sought)

    async def lead_dossier(self, actor: Staff, id: UUID) -> Dossier:
        """Raises `Gone`."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            if (found := await tx.lead_line(id)) is None:
                raise Gone("There is no such lead; it may have been erased.")
            return Dossier(
                lead=found, quotes=tuple(await tx.quotes_of(id)), history=tuple(await tx.acts_on(id)),
            )  # fmt: skip

    async def take_lead(self, actor: Staff, id: UUID) -> Lead:
        return await self._move(actor, id, Status.TAKEN)

    async def call_later(self, actor: Staff, id: UUID, at: datetime) -> Lead:
        return await self._move(actor, id, Status.LATER, at)

    async def close_lead(self, actor: Staff, id: UUID, outcome: str = "") -> Lead:
        """`outcome` is one of OUTCOMES, or empty where nobody says. Raises `Gone`, ValueError."""
        if outcome and outcome not in OUTCOMES:
            raise ValueError(f"The outcome must be one of {', '.join(OUTCOMES)}.")
        return await self._move(actor, id, Status.DONE, outcome=outcome)

    async def assign_lead(self, actor: Staff, id: UUID, person: UUID | None) -> None:
        """Gives a lead to a manager, or takes it from all (None). Raises `Gone`."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            before = await tx.lead_line(id)
            whom = await tx.person_of(person) if person else None
            if before is None or (person and whom is None) or await tx.assign_lead(id, person) is None:
                raise Gone("This lead is closed already, or that manager has left.")
            change = {"assigned_to": before.assigned_name}, {"assigned_to": whom.name if whom else ""}
            await self._note(tx, actor, "lead.assign", id, before=change[0], after=change[1])
            await self._changed(tx, id)

    async def reopen_lead(self, actor: Staff, id: UUID) -> None:
        """Takes a closing back. Raises `Gone` where the customer has another open lead by now."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            if not await tx.reopen_lead(id):
                raise Gone("This lead is open, or its customer has another open one.")
            await self._note(tx, actor, "lead.reopen", id, before={"status": Status.DONE}, after={"status": "taken"})
            await self._changed(tx, id)

    async def _move(
        self, actor: Staff, id: UUID, status: Status, at: datetime | None = None, *, outcome: str = ""
    ) -> Lead:
        """Raises `Gone` for a lead that is closed."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            before = await tx.lead(id)
            moved = await tx.move_lead(id, status=status, assigned_to=actor.id, call_at=at)
            if before is None or moved is None:
                raise Gone("This lead is closed already.")
            await self._moved(tx, actor, before, status, at, outcome)
        return moved

    async def _moved(
        self, tx: Transaction, actor: Staff, before: Lead, status: Status, at: datetime | None, outcome: str
    ) -> None:
        after: dict[str, Any] = {"status": status}
        if outcome:
            await tx.end_lead(before.id, outcome)
            after["outcome"] = outcome
        if at:
            after["call_at"] = at.isoformat()
        await self._note(tx, actor, f"lead.{status}", before.id, before={"status": before.status}, after=after)
        await self._changed(tx, before.id)
