"""Logins in the database: passwords, pending logins through the bot, sessions, and the patience with wrong tries."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.core.types import Role, Staff
from appliance.store.staff import STAFF, staff
from appliance.store.tables import CredentialRow, LinkRow, LoginRow, SessionRow, UserRow

SEEN_EVERY = timedelta(minutes=1)  # a session's last sight is written no oftener


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A browser that is logged in, as its owner and administrators see it."""

    id: UUID
    person: UUID
    name: str
    address: str
    browser: str
    how: str
    opened: datetime
    seen: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A login through the bot that waits for its person."""

    id: UUID
    state: str  # pending, asked, confirmed, refused, used, expired
    address: str
    browser: str
    telegram_id: int | None = None
    person: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One of those who run the place, as administrators see them."""

    id: UUID
    name: str
    role: Role
    lang: str
    telegram_id: int | None
    email: str
    login: str
    disabled: bool
    seen: datetime | None
    sessions: int
    on_duty: bool = True
    languages: tuple[str, ...] = ()
    goods: tuple[str, ...] = ()


class Logins:
    """The part of a transaction that knows who is logged in, and who may be."""

    connection: AsyncConnection

    async def open_session(
        self, person: UUID, *, token: str, address: str, browser: str, how: str, life: timedelta
    ) -> UUID:
        """A new session of `person`; only the hash of its token is kept."""
        made = insert(SessionRow).values(
            token_hash=hashed(token), user_id=person, address=address, browser=browser, how=how,
            expires_at=func.now() + life,
        )  # fmt: skip
        return UUID(str(await self.connection.scalar(made.returning(SessionRow.id))))

    async def whose_session(self, token: str, *, idle: timedelta, active: bool) -> tuple[UUID, Staff] | None:
        """The session of that token and its person; None where it has ended, or the person may act no longer."""
        row = (
            await self.connection.execute(
                select(UserRow, SessionRow.id.label("session"), (func.now() - SessionRow.seen_at).label("unseen"))
                .join(SessionRow, SessionRow.user_id == UserRow.id)
                .where(SessionRow.token_hash == hashed(token), _alive(idle), _may_act())
            )
        ).first()
        if row is None:
            return None
        if active and row.unseen > SEEN_EVERY:
            await self.connection.execute(
                update(SessionRow).where(SessionRow.id == row.session).values(seen_at=func.now())
            )
        return row.session, staff(row)

    async def live_sessions(self, *, idle: timedelta, person: UUID | None = None) -> list[Session]:
        """Sessions that are open, the last seen first: of one person, or of all."""
        mine = SessionRow.user_id == person if person else text("true")
        rows = await self.connection.execute(
            select(SessionRow, UserRow.name)
            .join(UserRow, UserRow.id == SessionRow.user_id)
            .where(_alive(idle), _may_act(), mine)
            .order_by(SessionRow.seen_at.desc())
        )
        return [_session(row) for row in rows]

    async def session_owner(self, session: UUID) -> UUID | None:
        """Whose session it is; None where there is none or it has ended."""
        return await self.connection.scalar(
            select(SessionRow.user_id).where(SessionRow.id == session, SessionRow.ended_at.is_(None))
        )

    async def end_sessions(
        self, *, session: UUID | None = None, person: UUID | None = None, token: str = "", but: UUID | None = None
    ) -> int:
        """Ends one session, that of a token, or all of a person (`but` one); gives how many."""
        which = [
            condition
            for given, condition in (
                (session, SessionRow.id == session),
                (person, SessionRow.user_id == person),
                (token, SessionRow.token_hash == hashed(token)),
                (but, SessionRow.id != but),
            )
            if given
        ]
        result = await self.connection.execute(
            update(SessionRow).where(SessionRow.ended_at.is_(None), *which).values(ended_at=func.now())
        )
        return result.rowcount

    async def await_login(
        self, *, token: str, code: str, browser_secret: str, address: str, browser: str, life: timedelta
    ) -> None:
        """Notes that a browser wants to be let in through the bot; drops the notes that nobody can use any more."""
        await self.connection.execute(delete(LoginRow).where(LoginRow.expires_at < func.now() - timedelta(days=1)))
        await self.connection.execute(
            insert(LoginRow).values(
                token_hash=hashed(token), code_hash=hashed(code), browser_hash=hashed(browser_secret),
                address=address, browser=browser, expires_at=func.now() + life,
            )
        )  # fmt: skip

    async def awaited(self, browser_secret: str) -> Pending | None:
        """How the login that this browser asked for stands."""
        return await self._awaited(LoginRow.browser_hash == hashed(browser_secret))

    async def awaited_at(self, id: UUID) -> Pending | None:
        return await self._awaited(LoginRow.id == id)

    async def open_login(self, *, token: str = "", code: str = "", telegram_id: int) -> Pending | None:
        """The login of that token or typed code, now this account's alone; None when it is unknown, old or taken."""
        which = LoginRow.token_hash == hashed(token) if token else LoginRow.code_hash == hashed(code)
        row = (
            await self.connection.execute(
                update(LoginRow)
                .where(
                    which,
                    LoginRow.expires_at > func.now(),
                    or_(
                        LoginRow.state == "pending",
                        (LoginRow.state == "asked") & (LoginRow.telegram_id == telegram_id),
                    ),
                )
                .values(state="asked", telegram_id=telegram_id)
                .returning(LoginRow)
            )
        ).first()
        return _pending(row) if row else None

    async def settle_login(self, id: UUID, *, telegram_id: int, person: UUID | None) -> bool:
        """Confirms a login for `person`, or refuses it; only whom it was opened by may, once, and in time."""
        result = await self.connection.execute(
            update(LoginRow)
            .where(
                LoginRow.id == id, LoginRow.state == "asked", LoginRow.telegram_id == telegram_id,
                LoginRow.expires_at > func.now(),
            )
            .values(state="confirmed" if person else "refused", user_id=person)
        )  # fmt: skip
        return result.rowcount == 1

    async def use_login(self, browser_secret: str) -> UUID | None:
        """The person for whom the login of this browser was confirmed; once."""
        return await self.connection.scalar(
            update(LoginRow)
            .where(
                LoginRow.browser_hash == hashed(browser_secret), LoginRow.state == "confirmed",
                LoginRow.expires_at > func.now(),
            )
            .values(state="used")
            .returning(LoginRow.user_id)
        )  # fmt: skip

    async def _awaited(self, which: Any) -> Pending | None:
        row = (
            await self.connection.execute(
                select(LoginRow, (LoginRow.expires_at <= func.now()).label("over")).where(which)
            )
        ).first()
        return _pending(row, over=row.over) if row else None

    async def spend_once(self, kind: str, secret: str, *, life: timedelta) -> bool:
        """Whether a secret that came from outside is seen for the first time; kept as a used link for `life`."""
        values = {
            "token_hash": hashed(f"{kind}:{secret}"), "kind": kind, "payload": {}, "expires_at": func.now() + life,
            "used_at": func.now(),
        }  # fmt: skip
        result = await self.connection.execute(upsert(LinkRow).values(**values).on_conflict_do_nothing())
        return result.rowcount == 1

    async def link_used(self, token: str) -> bool:
        """Whether somebody has used a link of one use."""
        return bool(
            await self.connection.scalar(
                select(LinkRow.token_hash).where(LinkRow.token_hash == hashed(token), LinkRow.used_at.is_not(None))
            )
        )

    async def void_links(self, kind: str, **about: Any) -> None:
        """Takes back the unused links of a kind that were made for the same."""
        await self.connection.execute(
            update(LinkRow)
            .where(LinkRow.kind == kind, LinkRow.used_at.is_(None), LinkRow.payload.contains(about))
            .values(used_at=func.now())
        )

    async def person(self, id: UUID) -> Person | None:
        """One of the house, also one who may act no longer."""
        return next(iter(await self._people(UserRow.id == id)), None)

    async def people(self) -> list[Person]:
        """All who run the place or have run it: those who may act first, then by name."""
        return await self._people(text("true"))

    async def _people(self, which: Any) -> list[Person]:
        seen = (
            select(
                SessionRow.user_id,
                func.max(SessionRow.seen_at).label("seen"),
                func.count().filter(SessionRow.ended_at.is_(None), SessionRow.expires_at > func.now()).label("open"),
            )
            .group_by(SessionRow.user_id)
            .subquery()
        )
        rows = await self.connection.execute(
            select(UserRow, CredentialRow.login, seen.c.seen, seen.c.open)
            .outerjoin(CredentialRow, CredentialRow.user_id == UserRow.id)
            .outerjoin(seen, seen.c.user_id == UserRow.id)
            .where(UserRow.role.in_(STAFF), which)
            .order_by(UserRow.disabled_at.is_not(None), func.lower(UserRow.name), UserRow.id)
        )
        return [_person(row) for row in rows]

    async def administrators(self) -> int:
        """How many may do everything; they stay so until the transaction ends."""
        admins = select(UserRow.id).where(UserRow.role == Role.ADMINISTRATOR, UserRow.disabled_at.is_(None))
        return len(list(await self.connection.scalars(admins.with_for_update())))

    async def change_person(self, id: UUID, **values: Any) -> bool:
        """Changes columns of one of the house; False when there is none."""
        result = await self.connection.execute(
            update(UserRow).where(UserRow.id == id, UserRow.role.in_(STAFF)).values(**values)
        )
        return result.rowcount == 1

    async def holds_telegram(self, telegram_id: int) -> UUID | None:
        """Whose account it is, also of one who may act no longer."""
        return await self.connection.scalar(select(UserRow.id).where(UserRow.telegram_id == telegram_id))

    async def set_password(self, person: UUID, *, login: str, password_hash: str) -> bool:
        """Keeps a person's login name and password; False where the name is another's."""
        values = {"login": login, "password_hash": password_hash, "changed_at": func.now()}
        taken = await self.connection.scalar(
            select(CredentialRow.user_id).where(CredentialRow.login == login, CredentialRow.user_id != person)
        )
        if taken:
            return False
        statement = upsert(CredentialRow).values(user_id=person, **values)
        await self.connection.execute(statement.on_conflict_do_update(index_elements=["user_id"], set_=values))
        return True

    async def password_of(self, login: str) -> tuple[UUID, str] | None:
        """The person of that login name, if they may act, and the hash of their password."""
        row = (
            await self.connection.execute(
                select(CredentialRow.user_id, CredentialRow.password_hash)
                .join(UserRow, UserRow.id == CredentialRow.user_id)
                .where(CredentialRow.login == login, _may_act())
            )
        ).first()
        return (row.user_id, row.password_hash) if row else None

    async def login_of(self, person: UUID) -> str:
        """A person's login name; empty where they have no password."""
        found = select(CredentialRow.login).where(CredentialRow.user_id == person)
        return str(await self.connection.scalar(found) or "")

    async def count_try(self, key: str, *, pause: timedelta, free: int, longest: timedelta) -> timedelta:
        """Counts a try before it is judged, so that many at once gain nothing; gives how long this one is too early.

        The first `free` tries of a day need no pause; then `pause` doubles up to `longest`. A try that comes too
        early is not counted.
        """
        row = (
            await self.connection.execute(
                text(
                    """INSERT INTO login_tries AS t (key, failures) VALUES (:key, 1)
                       ON CONFLICT (key) DO UPDATE SET
                         failures = CASE WHEN t.free_at > clock_timestamp() THEN t.failures
                                         WHEN t.last_at < clock_timestamp() - interval '1 day' THEN 1
                                         ELSE t.failures + 1 END,
                         last_at = CASE WHEN t.free_at > clock_timestamp() THEN t.last_at ELSE clock_timestamp() END
                       RETURNING failures, free_at, GREATEST(free_at - clock_timestamp(), interval '0') AS early"""
                ),
                {"key": key},
            )
        ).one()
        if row.early > timedelta(0):
            return timedelta(seconds=row.early.total_seconds())
        if row.failures > free:
            wait = min(pause * 2 ** min(row.failures - free - 1, 30), longest)
            await self.connection.execute(
                text(
                    """UPDATE login_tries SET free_at = clock_timestamp() + make_interval(secs => :wait)
                       WHERE key = :key"""
                ),
                {"key": key, "wait": wait.total_seconds()},
            )
        return timedelta(0)

    async def forget_tries(self, key: str) -> None:
        """A success: what went before is forgotten."""
        await self.connection.execute(text("DELETE FROM login_tries WHERE key = :key"), {"key": key})


def hashed(secret: str) -> str:
    """SHA-256 in hex: enough for secrets of 128 random bits and more, which nobody can guess."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _alive(idle: timedelta) -> Any:
    return (
        SessionRow.ended_at.is_(None) & (SessionRow.expires_at > func.now()) & (SessionRow.seen_at > func.now() - idle)
    )


def _may_act() -> Any:
    return UserRow.role.in_(STAFF) & UserRow.disabled_at.is_(None)


def _pending(row: Any, *, over: bool = False) -> Pending:
    state = "expired" if over and row.state in ("pending", "asked", "confirmed") else row.state
    return Pending(
        id=row.id, state=state, address=row.address, browser=row.browser, telegram_id=row.telegram_id,
        person=row.user_id,
    )  # fmt: skip


def _person(row: Any) -> Person:
    return Person(
        id=row.id, name=row.name, role=Role(row.role), lang=row.lang, telegram_id=row.telegram_id, email=row.email,
        login=row.login or "", disabled=row.disabled_at is not None, seen=row.seen, sessions=row.open or 0,
        on_duty=row.on_duty, languages=tuple(row.languages), goods=tuple(row.goods),
    )  # fmt: skip


def _session(row: Any) -> Session:
    return Session(
        id=row.id, person=row.user_id, name=row.name, address=row.address, browser=row.browser, how=row.how,
        opened=row.created_at, seen=row.seen_at,
    )  # fmt: skip
