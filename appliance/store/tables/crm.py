"""The CRM that leads are passed to: how it is reached, what it knows of each lead, what was tried."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store.tables.base import NOW, Base


class CrmAccountRow(Base):
    """One way to a CRM; at most one is live. Secrets and tokens are sealed."""

    __tablename__ = "crm_accounts"
    __table_args__ = (Index("uq_crm_accounts_live", "live", unique=True, postgresql_where=sql("live")),)

    kind: Mapped[str] = mapped_column(primary_key=True)  # zoho, webhook
    live: Mapped[bool] = mapped_column(server_default=sql("false"))
    settings: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))
    secrets: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))  # name -> sealed
    mapping: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))  # the CRM's field -> ours
    token: Mapped[str] = mapped_column(server_default="")  # the access token, sealed
    token_number: Mapped[int] = mapped_column(server_default="0")  # counts its renewals
    token_until: Mapped[datetime | None]
    api_url: Mapped[str] = mapped_column(server_default="")  # as the accounts server named it
    renewing_until: Mapped[datetime | None]  # somebody renews the token just now
    renewals: Mapped[list[Any]] = mapped_column(server_default=sql("'[]'::jsonb"))  # the last times, in seconds
    paused_until: Mapped[datetime | None]  # the CRM asked for patience
    trouble: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))  # what stands in all leads' way
    told_at: Mapped[datetime | None]  # when managers last heard that leads are held
    well_at: Mapped[datetime | None]  # when they last heard that all of them went through
    tested_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class CrmLeadRow(Base):
    """What a CRM knows of a lead, and when a push that is held is tried again."""

    __tablename__ = "crm_leads"

    lead_id: Mapped[UUID] = mapped_column(ForeignKey("leads.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    remote: Mapped[str] = mapped_column(server_default="")  # the record's id there
    sent: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))  # our values, as they went
    noted_seq: Mapped[int] = mapped_column(server_default="0")  # the last message that it was told
    quotes: Mapped[list[Any]] = mapped_column(server_default=sql("'[]'::jsonb"))  # numbers of those it was told
    run: Mapped[int] = mapped_column(server_default="1")  # a held push that is resumed begins another
    resume_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]


class CrmAttemptRow(Base):
    """One attempt at a push, written down before it is made."""

    __tablename__ = "crm_attempts"
    __table_args__ = (Index("ix_crm_attempts_at", "at"), Index("ix_crm_attempts_lead_id", "lead_id"))

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    lead_id: Mapped[UUID] = mapped_column(ForeignKey("leads.id", ondelete="CASCADE"))
    parcel_id: Mapped[UUID]
    kind: Mapped[str]
    run: Mapped[int]
    attempt: Mapped[int]
    outcome: Mapped[str] = mapped_column(server_default="")  # created, updated, same, failed; empty: under way, or died
    why: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))  # a reason's id and its values
    requests: Mapped[int] = mapped_column(server_default="0")
    at: Mapped[datetime] = mapped_column(server_default=NOW)
    ended_at: Mapped[datetime | None]
