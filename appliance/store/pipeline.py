"""Leads as managers follow them, in the database: lists by status and people, quotations, what the CRM has of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.core.quote import lines_from, totals
from appliance.core.types import Lead
from appliance.store.inbox import LONGEST, Place, escaped
from appliance.store.leads import Status, lead
from appliance.store.tables import LeadRow, QuotationRow

SIZE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which leads a manager wants to see; an empty field asks for nothing."""

    status: str = ""  # of Status; open: all that are not done; untaken: those that wait for somebody to take them
    assigned: str = ""  # mine, nobody, or the id of somebody
    source: str = ""
    channel: str = ""
    since: datetime | None = None  # of its making
    words: str = ""  # of name, phone, address, company or need
    outcome: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadLine:
    """A lead as a list shows it."""

    id: UUID
    conversation: UUID | None
    status: str
    outcome: str
    name: str
    phone: str
    email: str
    company: str
    need: str
    source: str
    lang: str
    channel: str
    assigned: UUID | None
    assigned_name: str
    quotes: int
    created: datetime
    updated: datetime
    call_at: datetime | None
    closed: datetime | None
    escalated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteLine:
    """A quotation as a list shows it; `totals` by currency."""

    id: UUID
    number: int
    at: datetime
    valid_until: datetime
    totals: tuple[tuple[str, Decimal], ...]


class Pipeline:
    """The part of a transaction that managers follow leads by."""

    connection: AsyncConnection

    async def leads(
        self, reader: UUID, sought: Sought, *, after: Place | None = None, limit: int = SIZE
    ) -> list[LeadLine]:
        """A page of leads, the last changed first."""
        rows = await self.connection.execute(text(LEADS), _values(reader, sought, after, limit))
        return [_line(row) for row in rows]

    async def lead_line(self, id: UUID) -> LeadLine | None:
        row = (await self.connection.execute(text(LEAD), {"id": id})).first()
        return _line(row) if row else None

    async def lead_lines_of(self, conversation: UUID) -> list[LeadLine]:
        """The leads of a dialogue, newest first."""
        rows = await self.connection.execute(text(LEADS_OF), {"id": conversation})
        return [_line(row) for row in rows]

    async def leads_by_status(self, reader: UUID, sought: Sought) -> Mapping[str, int]:
        rows = await self.connection.execute(text(COUNTS), _values(reader, sought, None, 0))
        return {row.status: row.leads for row in rows}

    async def quotes_of(self, lead: UUID) -> list[QuoteLine]:
        """The quotations of a lead, newest first."""
        rows = await self.connection.execute(
            select(QuotationRow).where(QuotationRow.lead_id == lead).order_by(QuotationRow.number.desc())
        )
        return [
            QuoteLine(
                id=row.id, number=row.number, at=row.at, valid_until=row.valid_until,
                totals=totals(lines_from(row.lines)),
            )
            for row in rows
        ]  # fmt: skip

    async def assign_lead(self, id: UUID, person: UUID | None) -> Lead | None:
        """Gives a lead to somebody, or to nobody; None when it is closed or gone. A new one becomes taken."""
        row = (
            await self.connection.execute(
                update(LeadRow)
                .where(LeadRow.id == id, LeadRow.closed_at.is_(None))
                .values(
                    assigned_to=person,
                    status=Status.TAKEN if person else LeadRow.status,
                    updated_at=func.clock_timestamp(),
                )
                .returning(LeadRow)
            )
        ).first()
        return lead(row) if row else None

    async def end_lead(self, id: UUID, outcome: str) -> None:
        """How a lead that was closed just now came out."""
        await self.connection.execute(update(LeadRow).where(LeadRow.id == id).values(outcome=outcome))

    async def reopen_lead(self, id: UUID) -> bool:
        """Opens a closed lead again; False where it is open, gone, or its dialogue has another open one."""
        result = await self.connection.execute(
            text(
                """UPDATE leads SET closed_at = NULL, outcome = '', status = 'taken', updated_at = clock_timestamp()
                   WHERE id = :id AND closed_at IS NOT NULL AND NOT EXISTS
                     (SELECT 1 FROM leads AS other WHERE other.conversation_id = leads.conversation_id
                      AND other.closed_at IS NULL)"""
            ),
            {"id": id},
        )
        return bool(result.rowcount)


COLUMNS = """
    SELECT l.*, COALESCE(c.channel, '') AS channel, COALESCE(u.name, '') AS assigned_name,
           (SELECT count(*) FROM quotations WHERE lead_id = l.id) AS quotes
    FROM leads AS l LEFT JOIN conversations AS c ON c.id = l.conversation_id
    LEFT JOIN users AS u ON u.id = l.assigned_to
"""
FITS = """
    (:status = '' OR l.status = :status OR (:status = 'open' AND l.closed_at IS NULL AND l.status <> 'draft')
     OR (:status = 'untaken' AND l.status IN ('new', 'partial') AND l.closed_at IS NULL AND l.assigned_to IS NULL))
    AND (:assigned = '' OR (:assigned = 'nobody' AND l.assigned_to IS NULL) OR l.assigned_to::text = :assigned)
    AND (:source = '' OR l.source = :source) AND (:outcome = '' OR l.outcome = :outcome)
    AND (:channel = '' OR c.channel = :channel)
    AND (CAST(:since AS timestamptz) IS NULL OR l.created_at >= CAST(:since AS timestamptz))
    AND (:words = '' OR l.name ILIKE :words OR l.phone ILIKE :words OR l.email ILIKE :words OR l.company ILIKE :words
         OR l.need ILIKE :words)
"""
LEADS = f"""{COLUMNS} WHERE {FITS}
    AND (CAST(:at AS timestamptz) IS NULL OR (l.updated_at, l.id) < (CAST(:at AS timestamptz), CAST(:id AS uuid)))
    ORDER BY l.updated_at DESC, l.id DESC LIMIT :limit"""
LEAD = f"{COLUMNS} WHERE l.id = :id"
LEADS_OF = f"{COLUMNS} WHERE l.conversation_id = :id ORDER BY l.created_at DESC LIMIT 10"
COUNTS = f"""SELECT l.status, count(*) AS leads FROM leads AS l LEFT JOIN conversations AS c ON c.id = l.conversation_id
    WHERE {FITS} GROUP BY l.status"""  # noqa: S608 - put together from constants


def _values(reader: UUID, sought: Sought, after: Place | None, limit: int) -> dict[str, Any]:
    words = sought.words.strip()[:LONGEST]
    return {
        "status": sought.status, "source": sought.source, "channel": sought.channel, "outcome": sought.outcome,
        "assigned": str(reader) if sought.assigned == "mine" else sought.assigned, "since": sought.since,
        "words": f"%{escaped(words)}%" if words else "", "limit": min(limit, SIZE),
        "at": after.at if after else None, "id": after.id if after else None,
    }  # fmt: skip


def _line(row: Any) -> LeadLine:
    return LeadLine(
        id=row.id, conversation=row.conversation_id, status=row.status, outcome=row.outcome, name=row.name,
        phone=row.phone, email=row.email, company=row.company, need=row.need, source=row.source, lang=row.lang,
        channel=row.channel, assigned=row.assigned_to, assigned_name=row.assigned_name, quotes=row.quotes,
        created=row.created_at, updated=row.updated_at, call_at=row.call_at, closed=row.closed_at,
        escalated=row.escalated_at is not None,
    )  # fmt: skip
