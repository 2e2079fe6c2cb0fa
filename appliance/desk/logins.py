"""How people prove who they are: by password, through the bot, by Telegram's signature, by a link given to them."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from appliance.core.telegram_proof import FRESH, app_account, widget_account
from appliance.core.types import Role, Staff
from appliance.desk.base import Gone, Part, Within, must_be
from appliance.desk.sessions import Visitor
from appliance.store.people import Pending
from appliance.store.store import Store, Transaction

__all__ = ["Logins", "Pending", "Refusal", "Seed"]

SHORTEST = 10  # signs of a password (NIST SP 800-63B asks for 8; ours guard a company's customers)
LONGEST = 200  # more is only work for us
FREE, PAUSE = 5, timedelta(seconds=2)  # tries of a day without a pause; then it doubles from this
ACCOUNT_LONGEST = timedelta(minutes=5)  # no longer, or a stranger could lock somebody out
ADDRESS_LONGEST = timedelta(hours=1)
ADDRESS_FREE = 20  # an office has one address
ASKED_FREE = 30  # logins through the bot that an address may begin in a day without a pause
LIFE = timedelta(minutes=3)  # of a login through the bot
INVITED = timedelta(days=3)  # for which an invitation is good
INVITE = "invite"  # kind of the links by which somebody becomes one of the house


class Refusal(Exception):
    """Why somebody may not come in; `id` names what is said to them."""

    def __init__(self, id: str, **values: object) -> None:
        super().__init__(id)
        self.id, self.values = id, values


@dataclass(frozen=True, slots=True)
class Seed:
    """The secret of a browser that asks to be let in through the bot: it never leaves the browser's cookie.

    What the link and the eye get is made of it, so the database needs to keep nothing but hashes.
    """

    secret: str

    @property
    def token(self) -> str:
        """What the t.me link carries: 128 bits."""
        return self._made("link")[:32]

    @property
    def code(self) -> str:
        """Eight digits: to compare, or to type where the link cannot be opened."""
        return f"{int(self._made('code')[:16], 16) % 10**8:08}"

    def _made(self, what: str) -> str:
        return hashlib.sha256(f"{what}:{self.secret}".encode()).hexdigest()


class Logins(Part):
    """Who stands at the door. Most of it needs no session: each way checks its own secret."""

    def __init__(self, *, store: Store | Within, posted: Collection[str] = (), bot_token: str = "") -> None:
        """`bot_token` checks what Telegram has signed; without it those ways are closed."""
        super().__init__(store=store, posted=posted)
        self._bot_token = bot_token

    async def by_password(self, login: str, password: str, visitor: Visitor) -> UUID:
        """The person of that name and password.

        Raises `Refusal` with `wrong` (of the name or of the password: not said which) or `too_early` (seconds).
        The try is counted before it is judged, so that many at once gain nothing.
        """
        login = login.strip().lower()[:LONGEST]
        await self._count(f"address:{visitor.address}", ADDRESS_FREE, ADDRESS_LONGEST)
        await self._count(f"account:{login}", FREE, ACCOUNT_LONGEST)
        async with self._store.transaction() as tx:
            known = await tx.password_of(login)
        right = await asyncio.to_thread(_fits, known[1] if known else _nobodys(), password[: LONGEST + 1])
        async with self._store.transaction() as tx:
            if known and right:
                await tx.forget_tries(f"account:{login}")
                return known[0]
            user = known[0] if known else None
            await tx.log_act(user=user, action="login.failed", subject=login, after={"address": visitor.address})
        raise Refusal("wrong")

    async def ask_bot(self, visitor: Visitor) -> Seed:
        """A browser wants to be let in through the bot. Raises `Refusal` with `too_early`."""
        await self._count(f"asks:{visitor.address}", ASKED_FREE, ADDRESS_LONGEST)
        seed = Seed(secrets.token_urlsafe(32))
        async with self._store.transaction() as tx:
            await tx.await_login(
                token=seed.token, code=seed.code, browser_secret=seed.secret, address=visitor.address,
                browser=visitor.browser, life=LIFE,
            )  # fmt: skip
        return seed

    async def asked_bot(self, seed: Seed) -> Pending | None:
        """How the login that this browser asked for stands."""
        async with self._store.transaction() as tx:
            return await tx.awaited(seed.secret)

    async def by_bot(self, seed: Seed) -> UUID:
        """The person who has confirmed this browser's login; once. Raises `Refusal` with `not_confirmed`."""
        async with self._store.transaction() as tx:
            person = await tx.use_login(seed.secret)
        if person is None:
            raise Refusal("not_confirmed")
        return person

    async def by_widget(self, fields: Mapping[str, str]) -> UUID:
        """The person for whom Telegram's Login Widget vouches; each proof once. `Refusal`: `proof`, `unknown`."""
        now = datetime.now(UTC)
        return await self._vouched(widget_account(fields, token=self._bot_token, now=now), fields.get("hash", ""))

    async def by_app(self, init_data: str) -> UUID:
        """The person in whose Telegram our Mini App was opened; each proof once. `Refusal`: `proof`, `unknown`."""
        account = app_account(init_data, token=self._bot_token, now=datetime.now(UTC))
        return await self._vouched(account, dict(parse_qsl(init_data)).get("hash", ""))

    async def invite(
        self,
        actor: Staff | None,
        *,
        role: Role = Role.MANAGER,
        name: str = "",
        lang: str = "",
        person: UUID | None = None,
    ) -> str:
        """A one-time token for `/join/…`: for somebody new, or for `person` to set a new password by.

        `actor` is None for the operator at the box. An unused one made for the same is taken back. Raises
        `Forbidden`, `Gone`.
        """
        if actor is not None:
            must_be(actor, Role.ADMINISTRATOR)
        about: dict[str, Any] = {"person": str(person)} if person else {"role": role.value, "name": name}
        async with self._store.transaction() as tx:
            if person and ((known := await tx.person(person)) is None or known.disabled):
                raise Gone("There is no such manager, or no longer.")
            await tx.void_links(INVITE, **about)
            token = await tx.make_link(INVITE, about | {"lang": lang}, life=INVITED)
            await tx.log_act(
                user=actor.id if actor else None, action="staff.invite", subject=str(person or name), after=about
            )
        return token

    async def first_invite(self) -> str | None:
        """A one-time token for the first administrator; None where there is an administrator already."""
        async with self._store.transaction() as tx:
            if await tx.administrators():
                return None
        return await self.invite(None, role=Role.ADMINISTRATOR)

    async def invited(self, token: str) -> Mapping[str, Any] | None:
        """What an invitation is for (role, name, lang, or person with their name); None when it is good no more."""
        async with self._store.transaction() as tx:
            about = await tx.seen_link(INVITE, token)
            if about is None or await tx.link_used(token):
                return None
            known = await tx.person(UUID(about["person"])) if about.get("person") else None
            return {**about, "name": known.name, "role": known.role, "login": known.login} if known else about

    async def join(self, token: str, *, name: str, login: str, password: str, lang: str) -> UUID:
        """Makes the invited one of the house, with a password; all or nothing.

        Raises `Refusal`: `link_used`, `name_bad`, `login_bad`, `login_taken`, `short`.
        """
        if not name.strip() or len(name) > LONGEST:
            raise Refusal("name_bad")
        login, hash_ = login.strip().lower(), await _hashed(login, password)
        async with self._store.transaction() as tx:
            if (about := await tx.use_link(INVITE, token)) is None:
                raise Refusal("link_used")
            person = await self._joined(tx, about, name=name.strip(), lang=lang, telegram_id=None)
            if not await tx.set_password(person, login=login, password_hash=hash_):
                raise Refusal("login_taken")
            await tx.end_sessions(person=person)
            await tx.log_act(user=person, action="password.set", subject=str(person), after={"login": login})
        return person

    async def join_by_telegram(self, token: str, *, telegram_id: int, name: str, lang: str) -> UUID:
        """Makes the invited one of the house under their Telegram account. Raises `Refusal`: `link_used`, `taken`."""
        async with self._store.transaction() as tx:
            if (about := await tx.use_link(INVITE, token)) is None:
                raise Refusal("link_used")
            return await self._joined(tx, about, name=name, lang=lang, telegram_id=telegram_id)

    async def set_password(self, actor: Staff, login: str, password: str) -> None:
        """Gives the actor a name and a password to log in with. `Refusal`: `short`, `login_bad`, `login_taken`."""
        must_be(actor, Role.MANAGER)
        login, hash_ = login.strip().lower(), await _hashed(login, password)
        async with self._store.transaction() as tx:
            before = await tx.login_of(actor.id)
            if not await tx.set_password(actor.id, login=login, password_hash=hash_):
                raise Refusal("login_taken")
            await self._note(tx, actor, "password.set", actor.id, before={"login": before}, after={"login": login})

    async def connect_telegram(self, actor: Staff) -> str:
        """A one-time token by which the actor's Telegram account becomes known, for a `join_` link."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            await tx.void_links(INVITE, person=str(actor.id))
            return await tx.make_link(INVITE, {"person": str(actor.id), "only": "telegram"}, life=timedelta(minutes=10))

    async def _joined(
        self, tx: Transaction, about: Mapping[str, Any], *, name: str, lang: str, telegram_id: int | None
    ) -> UUID:
        holder = await tx.holds_telegram(telegram_id) if telegram_id else None
        if about.get("person"):
            person = UUID(about["person"])
            if about.get("only") == "telegram" and telegram_id is None:
                raise Refusal("link_used")
            if holder not in (None, person):
                raise Refusal("taken")
            known = await tx.person(person)
            if known is None or known.disabled:
                raise Refusal("link_used")
            if telegram_id:
                await tx.change_person(person, telegram_id=telegram_id)
                await tx.log_act(user=person, action="staff.telegram", subject=str(person), after={"id": telegram_id})
            return person
        if holder and (known := await tx.person(holder)) and not known.disabled:
            raise Refusal("taken")
        role = Role(about["role"])
        made = await tx.employ(name=about.get("name") or name, role=role, telegram_id=telegram_id, email="", lang=lang)
        await tx.log_act(
            user=made.id, action="staff.join", subject=str(made.id), after={"name": made.name, "role": role}
        )
        return made.id

    async def _vouched(self, account: int | None, proof: str) -> UUID:
        if account is None:
            raise Refusal("proof")
        async with self._store.transaction() as tx:
            if not await tx.spend_once("telegram_proof", proof, life=2 * FRESH):
                raise Refusal("proof")
            person = await tx.by_telegram(account)
        if person is None:
            raise Refusal("unknown")
        return person.id

    async def _count(self, key: str, free: int, longest: timedelta) -> None:
        async with self._store.transaction() as tx:
            early = await tx.count_try(key, pause=PAUSE, free=free, longest=longest)
        if early:
            raise Refusal("too_early", n=max(1, round(early.total_seconds())))


async def _hashed(login: str, password: str) -> str:
    login = login.strip()
    if not 2 <= len(login) <= 100 or not login.isprintable() or " " in login:
        raise Refusal("login_bad")
    if not SHORTEST <= len(password) <= LONGEST or password.lower() == login.lower() or len(set(password)) < 5:
        raise Refusal("short", n=SHORTEST)
    return await asyncio.to_thread(_hasher().hash, password)


@cache
def _hasher() -> PasswordHasher:
    """argon2id with the library's parameters (RFC 9106, the second recommendation: 64 MiB, 3 passes)."""
    return PasswordHasher()


@cache
def _nobodys() -> str:
    """Checked for names that nobody has, so that they take as long as the others."""
    return _hasher().hash("nobody's password")


def _fits(hash_: str, password: str) -> bool:
    try:
        return _hasher().verify(hash_, password)
    except (VerifyMismatchError, VerificationError, InvalidHashError):
        return False
