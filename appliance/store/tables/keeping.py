"""What looks after the box: work that somebody asked for, who was erased, and how full the disk was."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store.tables.base import NOW, Base


class ChoreRow(Base):
    """A piece of upkeep that the worker does: a backup, a look whether one can be restored, room to be made."""

    __tablename__ = "chores"
    __table_args__ = (
        Index("uq_chores_waiting", "kind", unique=True, postgresql_where=sql("ended_at IS NULL")),
        Index("ix_chores_asked_at", "asked_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    kind: Mapped[str]
    wants: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))
    asked_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    asked_at: Mapped[datetime] = mapped_column(server_default=NOW)
    begun_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    progress: Mapped[str] = mapped_column(server_default="")
    said: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))  # what came of it
    fault: Mapped[str] = mapped_column(server_default="")


class ErasureRow(Base):
    """That a person was erased: its number is the receipt. `needles` go once the logs are clean, too."""

    __tablename__ = "erasures"
    __table_args__ = (
        Index("ix_erasures_at", "at"),
        Index("ix_erasures_unfinished", "at", postgresql_where=sql("finished_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    how: Mapped[str]  # desk, command, bot, retention
    ids: Mapped[dict[str, Any]]  # of conversations, leads, users: erased again after a restore
    counts: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))
    consents: Mapped[list[Any]] = mapped_column(server_default=sql("'[]'::jsonb"))  # proofs that stay, without a name
    needles: Mapped[list[Any]] = mapped_column(server_default=sql("'[]'::jsonb"))  # by which logs are cleaned
    at: Mapped[datetime] = mapped_column(server_default=NOW)
    finished_at: Mapped[datetime | None]


class RoomRow(Base):
    """How full the disk was on a day, in bytes: from a week of them it is told when it will be full."""

    __tablename__ = "rooms"

    day: Mapped[date] = mapped_column(primary_key=True)
    free: Mapped[int] = mapped_column(BigInteger)
    total: Mapped[int] = mapped_column(BigInteger)
    kinds: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))
