"""How the pushes to the CRM stand: the figures of a report, what is held and why, and the state of each lead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.store.crm_queue import CRM

# What is held, once a lead, with the reason that its last attempt gave; a push that died in hand has one without.
HELD = """
    SELECT DISTINCT ON (leads.id) leads.id AS lead, COALESCE(NULLIF(leads.name, ''), leads.company) AS name,
           COALESCE(tried.run, 1) AS run, known.resume_at,
           CASE WHEN tried.outcome = 'failed' THEN tried.why
                WHEN tried.id IS NULL THEN jsonb_build_object('id', 'held', 'what', parcels.held)
                ELSE '{"id": "died"}'::jsonb END AS why,
           COALESCE(tried.ended_at, tried.at, parcels.created_at) AS since
    FROM parcels JOIN leads ON leads.id::text = parcels.address
    LEFT JOIN LATERAL (SELECT * FROM crm_attempts WHERE parcel_id = parcels.id
                       ORDER BY id DESC LIMIT 1) AS tried ON true
    LEFT JOIN crm_leads AS known ON known.lead_id = leads.id AND known.kind = tried.kind
    WHERE parcels.channel = 'crm' AND parcels.held IS NOT NULL AND parcels.delivered_at IS NULL
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A push that waits for a person or for its hour. `why` is a reason's id with its values."""

    lead: UUID
    name: str
    why: Mapping[str, Any]
    run: int
    since: datetime
    resume_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadState:
    """How a lead stands with the CRM: sent, queued, held, or not owed."""

    state: str
    remote: str = ""
    why: Mapping[str, Any] = field(default_factory=dict)
    sent_at: datetime | None = None
    resume_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The figures of a sync report. `lag` is how late the oldest push in the queue is."""

    sent: int = 0
    queued: int = 0
    held: int = 0
    attempts: int = 0
    failed: int = 0
    requests: int = 0
    lag: timedelta = timedelta()
    median: timedelta | None = None  # from a push's becoming due to its end
    reasons: tuple[tuple[str, int], ...] = ()  # reason's id, how many are held for it


class CrmReport:
    """The part of a transaction that tells how the pushes stand."""

    connection: AsyncConnection

    async def crm_held(self, *, since: datetime | None = None, limit: int = 50, offset: int = 0) -> list[Held]:
        """The pushes that are held, the newest first; only those held after `since`."""
        rows = await self.connection.execute(
            text(
                f"""SELECT * FROM ({HELD}) AS held WHERE CAST(:since AS timestamptz) IS NULL OR since > :since
                    ORDER BY since DESC, lead LIMIT :limit OFFSET :offset"""  # noqa: S608 - a constant
            ),
            {"since": since, "limit": limit, "offset": offset},
        )
        return [
            Held(lead=row.lead, name=row.name, why=row.why, run=row.run, since=row.since, resume_at=row.resume_at)
            for row in rows
        ]

    async def crm_tally(self, *, since: datetime, until: datetime | None = None) -> Tally:
        """The figures from `since` on, or to `until`; `queued`, `held` and `lag` are those of now."""
        now = (
            await self.connection.execute(
                text(
                    """SELECT count(*) FILTER (WHERE held IS NULL) AS queued,
                         count(DISTINCT address) FILTER (WHERE held IS NOT NULL) AS held,
                         COALESCE(clock_timestamp() - min(created_at)
                           FILTER (WHERE held IS NULL AND due_at <= clock_timestamp()), interval '0') AS lag
                       FROM parcels WHERE channel = :crm AND delivered_at IS NULL"""
                ),
                {"crm": CRM},
            )
        ).one()
        tried = (
            await self.connection.execute(
                text(
                    """SELECT count(*) AS attempts, count(*) FILTER (WHERE outcome = 'failed') AS failed,
                         count(*) FILTER (WHERE outcome IN ('created', 'joined', 'updated')) AS sent,
                         COALESCE(sum(requests), 0) AS requests,
                         percentile_cont(0.5) WITHIN GROUP (ORDER BY ended_at - parcels.created_at)
                           FILTER (WHERE outcome IN ('created', 'joined', 'updated')) AS median
                       FROM crm_attempts LEFT JOIN parcels ON parcels.id = parcel_id
                       WHERE at >= :since AND (CAST(:until AS timestamptz) IS NULL OR at < :until)"""
                ),
                {"since": since, "until": until},
            )
        ).one()
        reasons = await self.connection.execute(
            text(f"SELECT why ->> 'id' AS id, count(*) AS n FROM ({HELD}) AS held GROUP BY 1 ORDER BY 2 DESC")  # noqa: S608
        )
        return Tally(
            sent=tried.sent, queued=now.queued, held=now.held, lag=now.lag, median=tried.median,
            attempts=tried.attempts, failed=tried.failed, requests=int(tried.requests),
            reasons=tuple((one.id, one.n) for one in reasons),
        )  # fmt: skip

    async def crm_oldest(self) -> datetime | None:
        """Since when the oldest push waits, held or not; None where none does."""
        found: datetime | None = await self.connection.scalar(
            text("SELECT min(created_at) FROM parcels WHERE channel = :crm AND delivered_at IS NULL"), {"crm": CRM}
        )
        return found

    async def crm_states(self, leads: Sequence[UUID]) -> dict[UUID, LeadState]:
        """How each of these leads stands with the live CRM."""
        rows = await self.connection.execute(
            text(
                f"""SELECT leads.id, known.remote, known.sent_at, held.why, held.resume_at,
                           EXISTS (SELECT 1 FROM parcels WHERE channel = :crm AND address = leads.id::text
                                   AND delivered_at IS NULL AND held IS NULL) AS queued
                    FROM leads JOIN crm_accounts AS account ON account.live
                    LEFT JOIN crm_leads AS known ON known.lead_id = leads.id AND known.kind = account.kind
                    LEFT JOIN ({HELD} AND leads.id = ANY(:leads)) AS held ON held.lead = leads.id
                    WHERE leads.id = ANY(:leads)"""  # noqa: S608 - a constant
            ),
            {"crm": CRM, "leads": list(leads)},
        )
        return {row.id: _state(row) for row in rows}


def _state(row: Any) -> LeadState:
    state = "held" if row.why else "queued" if row.queued else "sent" if row.sent_at else "none"
    return LeadState(
        state=state, remote=row.remote or "", why=row.why or {}, sent_at=row.sent_at, resume_at=row.resume_at
    )
