"""What managers add to dialogues: notes, answers that were bad, and how far each of them has read."""

from __future__ import annotations

from datetime import datetime
from typing import cast
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, Index, Table
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store.tables.base import NOW, Base
from appliance.store.tables.dialogue import ConversationRow, LeadRow, MessageRow

# The words of a message by their Russian and English stems; other languages are found by the words as written.
WORDS = "(to_tsvector('russian'::regconfig, text) || to_tsvector('english'::regconfig, text))"
REACH = ("name", "phone", "email", "company")  # by what a customer is known to managers


class NoteRow(Base):
    """What a manager wrote about a dialogue, for colleagues alone."""

    __tablename__ = "notes"
    __table_args__ = (Index("ix_notes_conversation_id", "conversation_id", "at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    text: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=NOW)


class MarkRow(Base):
    """An answer that a manager found bad, until somebody has dealt with it."""

    __tablename__ = "marks"
    __table_args__ = (
        Index("ix_marks_at", "at", "message_id"),
        Index("ix_marks_conversation_id", "conversation_id"),
    )

    message_id: Mapped[UUID] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    reason: Mapped[str]  # wrong_goods, wrong_fact, not_understood, language, tone, other
    comment: Mapped[str] = mapped_column(server_default="")
    at: Mapped[datetime] = mapped_column(server_default=NOW)
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))


class ReadRow(Base):
    """The last message of a dialogue that a manager has seen."""

    __tablename__ = "reads"
    __table_args__ = (Index("ix_reads_conversation_id", "conversation_id"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True)
    seq: Mapped[int]


MESSAGES = cast(Table, MessageRow.__table__)

# How managers look for dialogues and leads. The trigram ones are made only where PostgreSQL has pg_trgm.
Index("ix_conversations_recent", ConversationRow.updated_at, ConversationRow.id, postgresql_where=sql("last_seq > 0"))
Index(
    "ix_conversations_waiting", ConversationRow.owner, ConversationRow.updated_at,
    postgresql_where=sql("owner <> 'bot'"),
)  # fmt: skip
Index("ix_messages_rated", MessageRow.conversation_id, postgresql_where=sql("rating IS NOT NULL"))
Index("ix_leads_status", LeadRow.status, LeadRow.updated_at, LeadRow.id)
Index("ix_messages_words", sql(WORDS), postgresql_using="gin", _table=MESSAGES)
Index("ix_messages_trigrams", MessageRow.text, postgresql_using="gin", postgresql_ops={"text": "gin_trgm_ops"})
Index(
    "ix_leads_trigrams", LeadRow.name, LeadRow.phone, LeadRow.email, LeadRow.company, postgresql_using="gin",
    postgresql_ops=dict.fromkeys(REACH, "gin_trgm_ops"),
)  # fmt: skip
