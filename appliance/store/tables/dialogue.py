"""Who talks, what was said, what came of it, and what is owed to whom."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql import func

from appliance.store.tables.base import NOW, Base


class UserRow(Base):
    """Somebody who talks to the appliance: a customer, a manager, an administrator."""

    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    role: Mapped[str] = mapped_column(server_default="customer")
    name: Mapped[str] = mapped_column(server_default="")
    lang: Mapped[str] = mapped_column(server_default="")
    email: Mapped[str] = mapped_column(server_default="")
    telegram_id: Mapped[int | None] = mapped_column(BigInteger, unique=True)  # by which a manager is known
    serves: Mapped[UUID | None] = mapped_column(  # whose dialogue a manager's next words in Telegram go to
        ForeignKey("conversations.id", ondelete="SET NULL", use_alter=True)
    )
    on_duty: Mapped[bool] = mapped_column(server_default=sql("true"))  # whether notices go to this manager first
    languages: Mapped[list[Any]] = mapped_column(server_default=sql("'[]'::jsonb"))  # of customers; none: all
    goods: Mapped[list[Any]] = mapped_column(server_default=sql("'[]'::jsonb"))  # groups; none: all
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class ConversationRow(Base):
    """One dialogue with one customer at one address; `fence` is the token of the last claim to answer it."""

    __tablename__ = "conversations"
    __table_args__ = (
        UniqueConstraint("channel", "address"),
        Index("ix_conversations_updated_at", "updated_at"),
        Index("ix_conversations_user_id", "user_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    channel: Mapped[str]
    address: Mapped[str]
    lang: Mapped[str] = mapped_column(server_default="")
    owner: Mapped[str] = mapped_column(server_default="bot")
    agent_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    agent_at: Mapped[datetime | None]  # when the manager last took it or wrote in it
    last_seq: Mapped[int] = mapped_column(server_default="0")
    read_seq: Mapped[int] = mapped_column(server_default="0")
    fence: Mapped[int] = mapped_column(BigInteger, server_default="0")
    claimed_by: Mapped[int | None]
    claimed_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default="0")
    retry_at: Mapped[datetime | None]
    memory: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))
    basket: Mapped[list[Any]] = mapped_column(server_default=sql("'[]'::jsonb"))  # [sku, quantity] in order of adding
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class MessageRow(Base):
    """One durable event of a conversation. `pending` marks a customer's message that still waits for its answer."""

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("conversation_id", "seq"),
        UniqueConstraint("origin"),
        Index("ix_messages_pending", "conversation_id", postgresql_where=sql("pending")),
        Index("ix_messages_at", "at"),
        Index("ix_messages_bad", "at", postgresql_where=sql("rating < 0")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    seq: Mapped[int]
    role: Mapped[str]
    kind: Mapped[str] = mapped_column(server_default="text")
    text: Mapped[str] = mapped_column(server_default="")
    payload: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))
    origin: Mapped[str | None]  # channel:external id, unique: the same message twice is one row
    pending: Mapped[bool] = mapped_column(server_default=sql("false"))
    answered_by: Mapped[UUID | None]
    rating: Mapped[int | None]
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class AnswerRow(Base):
    """How an answer came about: enough to judge it and to replay it."""

    __tablename__ = "answers"
    __table_args__ = (Index("ix_answers_at", "at"),)

    message_id: Mapped[UUID] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    route: Mapped[str]
    rung: Mapped[str]
    lang: Mapped[str]
    nothing_found: Mapped[bool] = mapped_column(server_default=sql("false"))
    sources: Mapped[list[Any]] = mapped_column(server_default=sql("'[]'::jsonb"))
    catalog_version: Mapped[str] = mapped_column(server_default="")
    prompt_version: Mapped[str] = mapped_column(server_default="")
    model: Mapped[str] = mapped_column(server_default="")
    blocked: Mapped[int] = mapped_column(server_default="0")  # sentences that the claim gate held back
    stages: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))  # milliseconds by stage
    at: Mapped[datetime] = mapped_column(server_default=NOW)


class VisitorRow(Base):
    """A browser with the widget: its session and the hash of its token."""

    __tablename__ = "visitors"
    __table_args__ = (Index("ix_visitors_conversation_id", "conversation_id"),)

    sid: Mapped[str] = mapped_column(primary_key=True)
    token_hash: Mapped[str]
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    page: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    seen_at: Mapped[datetime] = mapped_column(server_default=NOW)


class LeadRow(Base):
    """Who wanted what, and how to reach them. A conversation has at most one that is not closed."""

    __tablename__ = "leads"
    __table_args__ = (
        Index("uq_leads_open", "conversation_id", unique=True, postgresql_where=sql("closed_at IS NULL")),
        Index("ix_leads_created_at", "created_at"),
        Index("ix_leads_conversation_id", "conversation_id", "until_seq"),
        Index("ix_leads_unanswered", "announced_at", postgresql_where=sql("status IN ('new', 'partial')")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    conversation_id: Mapped[UUID | None] = mapped_column(ForeignKey("conversations.id", ondelete="SET NULL"))
    source: Mapped[str] = mapped_column(server_default="form")  # form, talk, idle, quote
    status: Mapped[str] = mapped_column(server_default="new")  # draft, partial, new, taken, later, done
    name: Mapped[str] = mapped_column(server_default="")
    phone: Mapped[str] = mapped_column(server_default="")
    email: Mapped[str] = mapped_column(server_default="")
    company: Mapped[str] = mapped_column(server_default="")
    need: Mapped[str] = mapped_column(server_default="")
    products: Mapped[list[Any]] = mapped_column(server_default=sql("'[]'::jsonb"))  # cards that were looked at
    lang: Mapped[str] = mapped_column(server_default="")
    until_seq: Mapped[int] = mapped_column(server_default="0")  # the last message that it accounts for
    consent_version: Mapped[str] = mapped_column(server_default="")
    consent_at: Mapped[datetime | None]
    assigned_to: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    announced_at: Mapped[datetime | None]  # when managers were due to hear of it
    escalated_at: Mapped[datetime | None]
    call_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(server_default="")  # of a closed one: won, or why not (see desk.leads)
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class ConsentRow(Base):
    """What a customer agreed to, or refused: which text, in which language, when."""

    __tablename__ = "consents"
    __table_args__ = (Index("ix_consents_conversation_id", "conversation_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    conversation_id: Mapped[UUID | None] = mapped_column(ForeignKey("conversations.id", ondelete="SET NULL"))
    version: Mapped[str]
    lang: Mapped[str] = mapped_column(server_default="")
    given: Mapped[bool]
    how: Mapped[str] = mapped_column(server_default="")  # form, talk
    at: Mapped[datetime] = mapped_column(server_default=NOW)


class QuotationRow(Base):
    """A quotation as it was made: its lines with the prices of one catalogue version."""

    __tablename__ = "quotations"
    __table_args__ = (Index("ix_quotations_conversation_id", "conversation_id"), Index("ix_quotations_at", "at"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True), unique=True)
    conversation_id: Mapped[UUID | None] = mapped_column(ForeignKey("conversations.id", ondelete="SET NULL"))
    lead_id: Mapped[UUID | None] = mapped_column(ForeignKey("leads.id", ondelete="SET NULL"), index=True)
    lang: Mapped[str]
    catalog_version: Mapped[str]
    lines: Mapped[list[Any]]  # sku, name, quantity, unit, price, currency
    valid_until: Mapped[datetime]
    at: Mapped[datetime] = mapped_column(server_default=NOW)


class AuditRow(Base):
    """Who changed what, from what to what."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_at", "at"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    action: Mapped[str]
    subject: Mapped[str]
    before: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))
    after: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))
    at: Mapped[datetime] = mapped_column(server_default=NOW)


class ParcelRow(Base):
    """Something owed to an address. `place` keeps the order; a lease and its token fence two deliverers."""

    __tablename__ = "parcels"
    __table_args__ = (
        Index("ix_parcels_due", "channel", "due_at", postgresql_where=sql("delivered_at IS NULL AND held IS NULL")),
        Index("ix_parcels_address", "channel", "address", "place", postgresql_where=sql("delivered_at IS NULL")),
        Index("ix_parcels_held", "created_at", postgresql_where=sql("held IS NOT NULL AND delivered_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    place: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    channel: Mapped[str]
    address: Mapped[str]
    kind: Mapped[str]
    body: Mapped[dict[str, Any]]
    attempts: Mapped[int] = mapped_column(server_default="0")
    due_at: Mapped[datetime] = mapped_column(server_default=NOW)
    leased_until: Mapped[datetime | None]
    lease: Mapped[int] = mapped_column(BigInteger, server_default="0")
    delivered_at: Mapped[datetime | None]
    held: Mapped[str | None]  # why it waits for a person
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class TelegramUpdateRow(Base):
    """What Telegram told a bot, kept before anything else; its contents go once they are a message."""

    __tablename__ = "telegram_updates"
    __table_args__ = (
        Index("ix_telegram_updates_waiting", "bot", "update_id", postgresql_where=sql("done_at IS NULL")),
    )

    bot: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    update_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    raw: Mapped[dict[str, Any]]
    attempts: Mapped[int] = mapped_column(server_default="0")
    fault: Mapped[str | None]  # why it could not be understood
    done_at: Mapped[datetime | None]
    at: Mapped[datetime] = mapped_column(server_default=NOW)


class TelegramFileRow(Base):
    """A picture that Telegram has already: its `file_id` is good for one bot only."""

    __tablename__ = "telegram_files"

    bot: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    sha256: Mapped[str] = mapped_column(primary_key=True)
    file_id: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=NOW)


class TelegramPostRow(Base):
    """A part of a message as it stands in a Telegram chat, so that it is sent once and edited afterwards."""

    __tablename__ = "telegram_posts"
    __table_args__ = (Index("ix_telegram_posts_at", "at"),)

    bot: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    message: Mapped[UUID] = mapped_column(primary_key=True)
    part: Mapped[str] = mapped_column(primary_key=True)  # cards, text, text2, …, form
    post: Mapped[int] = mapped_column(BigInteger)  # Telegram's message_id
    at: Mapped[datetime] = mapped_column(server_default=NOW)


class LinkRow(Base):
    """A one-time token that a deep link carries; only its hash is kept."""

    __tablename__ = "links"
    __table_args__ = (UniqueConstraint("token_hash"), Index("ix_links_expires_at", "expires_at"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    token_hash: Mapped[str]
    kind: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
