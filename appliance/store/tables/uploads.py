"""Price lists on their way into the catalogue: the work that is due, and what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store.tables.base import NOW, Base


class UploadRow(Base):
    """One price list that somebody brought. `lease` fences two workers; a beat that stopped frees the work."""

    __tablename__ = "uploads"
    __table_args__ = (
        Index("ix_uploads_due", "at", postgresql_where=sql("state IN ('queued', 'working')")),
        Index("ix_uploads_at", "at"),
        Index("ix_uploads_version", "version"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    file: Mapped[str]
    sha256: Mapped[str]
    bytes: Mapped[int] = mapped_column(BigInteger)
    author: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(server_default=NOW)
    lang: Mapped[str] = mapped_column(server_default="en")  # of the messages about its rows
    how: Mapped[str] = mapped_column(server_default="whole")  # whole, source, prices
    source: Mapped[str] = mapped_column(server_default="")  # the supplier
    options: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))
    task: Mapped[str] = mapped_column(server_default="read")  # read, build, rehearse: what is done, or was last
    state: Mapped[str] = mapped_column(server_default="queued")  # queued, working, done, failed, dropped
    phase: Mapped[str] = mapped_column(server_default="")
    share: Mapped[float] = mapped_column(server_default="0")  # of the phase, 0 to 1
    lease: Mapped[int] = mapped_column(BigInteger, server_default="0")
    beat_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default="0")
    fault: Mapped[str] = mapped_column(server_default="")
    layout: Mapped[str] = mapped_column(server_default="")  # the fingerprint of its main table
    found: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))  # sheets, columns, a sample
    version: Mapped[str] = mapped_column(server_default="")  # the catalogue's, once built
    against: Mapped[str] = mapped_column(server_default="")  # the version that was live at the rehearsal
    verdict: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))
    changes: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))  # counts by kind


class UploadLineRow(Base):
    """One line of what is told of an upload: a problem, or a difference to the live version."""

    __tablename__ = "upload_lines"

    upload_id: Mapped[UUID] = mapped_column(ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)  # problem, added, gone, price, question
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    body: Mapped[dict[str, Any]]
