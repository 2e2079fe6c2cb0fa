"""Business reports: who wants which, and the papers that were made."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store.tables.base import NOW, Base


class ReportScheduleRow(Base):
    """A recipient and what they get, until somebody ends it."""

    __tablename__ = "report_schedules"
    __table_args__ = (
        Index("uq_report_schedules_wanted", "email", "every", unique=True, postgresql_where=sql("ended_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    email: Mapped[str]
    every: Mapped[str]  # day, week, month
    lang: Mapped[str]
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    ended_at: Mapped[datetime | None]


class ReportRow(Base):
    """A report as it was made: of one period, in one language, once."""

    __tablename__ = "reports"
    __table_args__ = (UniqueConstraint("every", "starts", "lang"), Index("ix_reports_made_at", "made_at"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    every: Mapped[str]
    starts: Mapped[date]  # the period's first day, in the owner's time zone
    lang: Mapped[str]
    figures: Mapped[list[Any]]  # label, value, note of each, as the mail says them
    pdf: Mapped[bytes] = mapped_column(LargeBinary)
    xlsx: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[datetime] = mapped_column(server_default=NOW)


class ReportPostRow(Base):
    """That a schedule's report of a period was handed to the mail: the row is what makes it once."""

    __tablename__ = "report_posts"

    schedule_id: Mapped[UUID] = mapped_column(ForeignKey("report_schedules.id", ondelete="CASCADE"), primary_key=True)
    starts: Mapped[date] = mapped_column(primary_key=True)
    report_id: Mapped[UUID | None] = mapped_column(ForeignKey("reports.id", ondelete="SET NULL"), index=True)
    parcel_id: Mapped[UUID | None] = mapped_column(ForeignKey("parcels.id", ondelete="SET NULL"), index=True)
    at: Mapped[datetime] = mapped_column(server_default=NOW)
