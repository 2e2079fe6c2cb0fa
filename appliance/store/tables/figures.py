"""What became of each dialogue, taken together so that figures of years are read in a moment; can be made anew."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store.tables.base import Base


class DigestRow(Base):
    """A dialogue in which the customer wrote: when it began, what about, what answered. Nothing that anybody said."""

    __tablename__ = "digests"
    __table_args__ = (Index("ix_digests_began_at", "began_at"), Index("ix_digests_seen_at", "seen_at"))

    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True)
    began_at: Mapped[datetime]  # the customer's first message
    seen_at: Mapped[datetime]  # the conversation's updated_at when this was made
    channel: Mapped[str]
    lang: Mapped[str]
    topic: Mapped[str]  # the route of most answers, small talk only where there was nothing else
    category: Mapped[str]  # of most goods that were shown first
    prompt_version: Mapped[str]  # of the first answer that the model wrote
    model: Mapped[str]
    questions: Mapped[int]
    shown: Mapped[bool]


class WantRow(Base):
    """An answer that did not give what was asked for; `key` is the wish as `core.demand` reads it, or the SKU."""

    __tablename__ = "wants"
    __table_args__ = (
        Index("ix_wants_at", "at"),
        Index("ix_wants_key", "key"),
        Index("ix_wants_conversation_id", "conversation_id"),
    )

    message_id: Mapped[UUID] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    kind: Mapped[str]  # absent, out, unanswered
    key: Mapped[str]
    name: Mapped[str]  # of the goods that are out of stock
    lang: Mapped[str]
    at: Mapped[datetime]
