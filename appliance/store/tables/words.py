"""What the owner says: the prompts that steer the model, and the texts of the company, in all their versions."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store.tables.base import NOW, Base


class PromptRow(Base):
    """A version of the words that steer the model; at most one of a name is live, others may have a share beside it."""

    __tablename__ = "prompts"
    __table_args__ = (
        UniqueConstraint("name", "version"),
        Index("uq_prompts_live", "name", unique=True, postgresql_where=sql("live")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    name: Mapped[str]
    version: Mapped[str]
    body: Mapped[str]
    live: Mapped[bool] = mapped_column(server_default=sql("false"))
    draft: Mapped[bool] = mapped_column(server_default=sql("false"))  # may still be changed; no customer hears it
    share: Mapped[int] = mapped_column(server_default="0")  # per cent of the conversations, beside the live one
    shared_at: Mapped[datetime | None]  # since when it has this share
    note: Mapped[str] = mapped_column(server_default="")  # why it was written
    author: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    published_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class TextRow(Base):
    """A version of one of the company's texts; `kind`, `name` and `lang` say which, at most one version is live."""

    __tablename__ = "texts"
    __table_args__ = (
        UniqueConstraint("kind", "name", "lang", "version"),
        Index("uq_texts_live", "kind", "name", "lang", unique=True, postgresql_where=sql("live")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    kind: Mapped[str]  # company, services, canned, hours, consent, topic
    name: Mapped[str] = mapped_column(server_default="")
    lang: Mapped[str] = mapped_column(server_default="")  # empty where one text is for all
    version: Mapped[int]
    body: Mapped[str]
    about: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))  # file, zone, questions
    live: Mapped[bool] = mapped_column(server_default=sql("false"))
    draft: Mapped[bool] = mapped_column(server_default=sql("true"))
    author: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    published_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
