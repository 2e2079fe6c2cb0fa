"""Leads on their way to the CRM: what is owed, what was tried, what is held, and what the CRM knows of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.core.types import Known
from appliance.store import sample
from appliance.store.outgoing import Outgoing
from appliance.store.tables import CrmAttemptRow, CrmLeadRow, MessageRow, QuotationRow

CRM = "crm"  # the channel of parcels that bring leads to the CRM; their address is the lead
PUSH = "push"  # their kind
TOLD = 60  # messages of one dialogue that a CRM is told at a time, the newest


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One utterance of a dialogue."""

    seq: int
    role: str  # user, bot, agent
    text: str
    at: datetime


class CrmQueue(Outgoing):
    """The part of a transaction that knows which leads a CRM has and which it is owed."""

    connection: AsyncConnection

    async def owe_crm(self, lead: UUID, *, wait: timedelta = timedelta()) -> bool:
        """The lead is new or has changed: the live CRM hears of it. One that was held is tried anew.

        A push that nobody has in hand reads the lead when it is made, so one that waits is enough. Its row is
        locked until this transaction ends: it is not made before the change that it is for.
        """
        if await self.connection.scalar(text("SELECT 1 FROM crm_accounts WHERE live")) is None:
            return False
        rows = await self.connection.execute(
            text(
                """SELECT held IS NOT NULL AS held, leased_until > clock_timestamp() AS in_hand FROM parcels
                   WHERE channel = :crm AND address = :lead AND delivered_at IS NULL FOR UPDATE"""
            ),
            {"crm": CRM, "lead": str(lead)},
        )
        waiting = list(rows)
        if any(row.held for row in waiting):
            await self.crm_resume([lead])
        elif not any(not row.in_hand for row in waiting):
            await self.post(channel=CRM, address=str(lead), kind=PUSH, body={"lead": str(lead)}, wait=wait)
        return True

    async def crm_known(self, lead: UUID, kind: str) -> Known:
        query = select(CrmLeadRow).where(CrmLeadRow.lead_id == lead, CrmLeadRow.kind == kind)
        row = (await self.connection.execute(query)).first()
        if row is None:
            return Known()
        return Known(remote=row.remote, sent=row.sent, noted=row.noted_seq, quotes=tuple(row.quotes), run=row.run)

    async def crm_begin(self, lead: UUID, kind: str, *, parcel: UUID, run: int, attempt: int) -> int:
        """Writes an attempt down before it is made; gives its number."""
        number = await self.connection.scalar(
            insert(CrmAttemptRow)
            .values(lead_id=lead, parcel_id=parcel, kind=kind, run=run, attempt=attempt, at=func.clock_timestamp())
            .returning(CrmAttemptRow.id)
        )
        assert isinstance(number, int)
        return number

    async def crm_end(
        self, number: int, outcome: str, *, requests: int = 0, why: Mapping[str, Any] | None = None
    ) -> None:
        await self.connection.execute(
            update(CrmAttemptRow)
            .where(CrmAttemptRow.id == number)
            .values(outcome=outcome, why=dict(why or {}), requests=requests, ended_at=func.clock_timestamp())
        )

    async def crm_sent(
        self, lead: UUID, kind: str, *, remote: str, sent: Mapping[str, str], noted: int, quotes: Sequence[int]
    ) -> None:
        """What the CRM knows from now on. An older push of this lead that is held has nothing left to tell.

        Parcels are locked before what is known, as `crm_resume` does it: so two of them never wait for each other.
        """
        values = {
            "remote": remote, "sent": dict(sent), "noted_seq": noted, "quotes": list(quotes),
            "sent_at": func.clock_timestamp(), "resume_at": None,
        }  # fmt: skip
        await self.connection.execute(
            text(
                """UPDATE parcels SET held = NULL, delivered_at = clock_timestamp()
                   WHERE channel = :crm AND address = :lead AND kind = :push AND held IS NOT NULL
                     AND delivered_at IS NULL"""
            ),
            {"crm": CRM, "lead": str(lead), "push": PUSH},
        )
        statement = upsert(CrmLeadRow).values(lead_id=lead, kind=kind, **values)
        await self.connection.execute(statement.on_conflict_do_update(index_elements=["lead_id", "kind"], set_=values))

    async def crm_said(self, conversation: UUID, *, after: int) -> list[Said]:
        """What was said since message `after`, oldest first, at most the newest `TOLD`."""
        rows = await self.connection.execute(
            select(MessageRow.seq, MessageRow.role, MessageRow.text, MessageRow.at)
            .where(
                MessageRow.conversation_id == conversation,
                MessageRow.seq > after,
                MessageRow.role.in_(["user", "bot", "agent"]),
                MessageRow.text != "",
            )
            .order_by(MessageRow.seq.desc())
            .limit(TOLD)
        )
        return [Said(seq=row.seq, role=row.role, text=row.text, at=row.at) for row in rows][::-1]

    async def crm_quotes(self, lead: UUID) -> dict[int, UUID]:
        """The quotations of a lead: number -> id, oldest first."""
        rows = await self.connection.execute(
            select(QuotationRow.number, QuotationRow.id)
            .where(QuotationRow.lead_id == lead)
            .order_by(QuotationRow.number)
        )
        return {row.number: row.id for row in rows}

    async def crm_plan(self, first: timedelta, most: timedelta) -> int:
        """Gives each held push without one the hour when it is tried again, later with each run; gives how many."""
        result = await self.connection.execute(
            text(
                """INSERT INTO crm_leads AS known (lead_id, kind, resume_at)
                   SELECT DISTINCT ON (leads.id) leads.id, account.kind,
                          clock_timestamp() + make_interval(secs => :first)
                   FROM parcels JOIN leads ON leads.id::text = parcels.address
                   JOIN crm_accounts AS account ON account.live
                   LEFT JOIN crm_leads AS old ON old.lead_id = leads.id AND old.kind = account.kind
                   WHERE channel = :crm AND held IS NOT NULL AND delivered_at IS NULL AND old.resume_at IS NULL
                   ON CONFLICT (lead_id, kind) DO UPDATE SET resume_at = clock_timestamp()
                     + make_interval(secs => LEAST(:most, :first * power(3, LEAST(known.run, 12) - 1)))"""
            ),
            {"crm": CRM, "first": first.total_seconds(), "most": most.total_seconds()},
        )
        return result.rowcount

    async def crm_due(self) -> list[UUID]:
        """Leads whose held push has its hour now."""
        rows = await self.connection.execute(
            text(
                """SELECT known.lead_id FROM crm_leads AS known
                   JOIN crm_accounts AS account ON account.kind = known.kind AND account.live
                   WHERE known.resume_at <= clock_timestamp()"""
            )
        )
        return [row.lead_id for row in rows]

    async def crm_resume(self, leads: Sequence[UUID] | None = None, *, reasons: Sequence[str] = ()) -> list[UUID]:
        """Begins another run for held pushes: of these leads, or of all, or of those held for one of `reasons`."""
        rows = await self.connection.execute(
            text(
                """WITH resumed AS (
                     UPDATE parcels SET held = NULL, attempts = 0, due_at = clock_timestamp(), leased_until = NULL
                     WHERE channel = :crm AND held IS NOT NULL AND delivered_at IS NULL
                       AND (CAST(:leads AS text[]) IS NULL OR address = ANY(:leads))
                       AND (CAST(:reasons AS text[]) IS NULL OR
                            (SELECT why ->> 'id' FROM crm_attempts WHERE parcel_id = parcels.id
                             ORDER BY id DESC LIMIT 1) = ANY(:reasons))
                     RETURNING address)
                   INSERT INTO crm_leads AS known (lead_id, kind, run)
                   SELECT DISTINCT leads.id, account.kind, 2 FROM resumed JOIN leads ON leads.id::text = resumed.address
                   JOIN crm_accounts AS account ON account.live
                   ON CONFLICT (lead_id, kind) DO UPDATE SET run = known.run + 1, resume_at = NULL
                   RETURNING lead_id"""
            ),
            {
                "crm": CRM,
                "leads": None if leads is None else [str(lead) for lead in leads],
                "reasons": list(reasons) or None,
            },
        )
        return [row.lead_id for row in rows]

    async def crm_missing(self, *, quiet: timedelta, limit: int = 200) -> list[UUID]:
        """Leads that the live CRM should have or know more of, and that nothing is owed for.

        Those that it never got (it was connected later), and those whose dialogue went on and has been quiet since.
        """
        rows = await self.connection.execute(
            text(
                """SELECT leads.id FROM leads JOIN crm_accounts AS account ON account.live
                   LEFT JOIN crm_leads AS known ON known.lead_id = leads.id AND known.kind = account.kind
                   LEFT JOIN conversations AS talk ON talk.id = leads.conversation_id AND leads.closed_at IS NULL
                   WHERE leads.status <> 'draft' AND leads.id NOT BETWEEN :first AND :last
                     AND (known.sent_at IS NULL AND (leads.closed_at IS NULL OR leads.created_at > account.created_at)
                       OR talk.updated_at < clock_timestamp() - make_interval(secs => :quiet)
                         AND talk.last_seq > known.noted_seq
                         AND EXISTS (SELECT 1 FROM messages WHERE conversation_id = talk.id AND role = 'user'
                                     AND seq > known.noted_seq AND text <> ''))
                     AND NOT EXISTS (SELECT 1 FROM parcels WHERE channel = :crm AND address = leads.id::text
                                     AND delivered_at IS NULL)
                   ORDER BY leads.created_at LIMIT :limit"""
            ),
            {
                "crm": CRM,
                "quiet": quiet.total_seconds(),
                "limit": limit,
                "first": sample.FIRST,
                "last": sample.LAST,  # nobody sells to the customers of the sample history
            },
        )
        return [row.id for row in rows]

    async def crm_lately(self, lead: UUID, *, phone: str, email: str, within: timedelta) -> bool:
        """Whether another lead with these contacts went there so recently that a search there may not find it."""
        found = await self.connection.scalar(
            text(
                """SELECT 1 FROM crm_attempts AS tried JOIN leads ON leads.id = tried.lead_id
                   WHERE tried.at > clock_timestamp() - make_interval(secs => :within) AND leads.id <> :lead
                     AND (leads.phone = :phone AND :phone <> '' OR lower(leads.email) = lower(:email) AND :email <> '')
                   LIMIT 1"""
            ),
            {"lead": lead, "phone": phone, "email": email, "within": within.total_seconds()},
        )
        return found is not None

    async def crm_prune(self, after: timedelta) -> int:
        """Forgets old attempts."""
        old = CrmAttemptRow.at < func.now() - after
        return (await self.connection.execute(delete(CrmAttemptRow).where(old))).rowcount
