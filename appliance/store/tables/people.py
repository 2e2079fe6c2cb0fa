"""How those who run the place log in: passwords, pending logins through the bot, sessions, and failed tries."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store.tables.base import NOW, Base


class CredentialRow(Base):
    """A person's login name with the hash of their password (argon2id, with its parameters in it)."""

    __tablename__ = "credentials"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    login: Mapped[str] = mapped_column(unique=True)  # in small letters
    password_hash: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(server_default=NOW)


class LoginRow(Base):
    """A login through the bot that waits for its person; every secret is a hash, and it is good for one browser."""

    __tablename__ = "logins"
    __table_args__ = (Index("ix_logins_expires_at", "expires_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    token_hash: Mapped[str] = mapped_column(unique=True)  # of what the t.me link carries
    code_hash: Mapped[str] = mapped_column(index=True)  # of what may be typed instead
    browser_hash: Mapped[str]  # of the cookie of the browser that asked
    address: Mapped[str] = mapped_column(server_default="")
    browser: Mapped[str] = mapped_column(server_default="")
    telegram_id: Mapped[int | None] = mapped_column(BigInteger)  # who opened the link; nobody else may then
    state: Mapped[str] = mapped_column(server_default="pending")  # pending, asked, confirmed, refused, used
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    expires_at: Mapped[datetime]


class SessionRow(Base):
    """A browser that is logged in; ended by its owner, an administrator, or time."""

    __tablename__ = "sessions"
    __table_args__ = (Index("ix_sessions_user_id", "user_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    token_hash: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    address: Mapped[str] = mapped_column(server_default="")
    browser: Mapped[str] = mapped_column(server_default="")
    how: Mapped[str] = mapped_column(server_default="")  # bot, password, link, widget, miniapp
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    seen_at: Mapped[datetime] = mapped_column(server_default=NOW)
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class LoginTryRow(Base):
    """How often an account or an address has tried in vain, and from when it may try again."""

    __tablename__ = "login_tries"

    key: Mapped[str] = mapped_column(primary_key=True)  # account:…, address:…, telegram:…
    failures: Mapped[int] = mapped_column(server_default="0")
    last_at: Mapped[datetime] = mapped_column(server_default=NOW)
    free_at: Mapped[datetime] = mapped_column(server_default=NOW)
