"""How people prove who they are: by password, through the bot, by a link that was given to them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import cache
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from appliance.core.types import Role, Staff
from appliance.desk.base import Part, must_be
from appliance.desk.sessions import Visitor

SHORTEST = 10  # signs of a password (NIST SP 800-63B asks for 8; ours guard a company's customers)
LONGEST = 200  # more is only work for us
FREE, PAUSE = 5, timedelta(seconds=2)  # tries of a day without a pause; then it doubles from this
ACCOUNT_LONGEST = timedelta(minutes=5)  # no longer, or a stranger could lock somebody out
ADDRESS_LONGEST = timedelta(hours=1)
ADDRESS_FREE = 20  # an office has one address


class Refusal(Exception):
    """Why somebody may not come in; `id` names what is said to them."""

    def __init__(self, id: str, **values: object) -> None:
        super().__init__(id)
        self.id, self.values = id, values


class Logins(Part):
    """Who stands at the door. Nothing here needs a session: each way checks its own secret."""

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
        right = await asyncio.to_thread(_fits, known[1] if known else _nobodys(), password[:LONGEST])
        if known is None or not right:
            async with self._store.transaction() as tx:
                await tx.log_act(
                    user=known[0] if known else None, action="login.failed", subject=login,
                    after={"address": visitor.address},
                )  # fmt: skip
            raise Refusal("wrong")
        async with self._store.transaction() as tx:
            await tx.forget_tries(f"account:{login}")
        return known[0]

    async def set_password(self, actor: Staff, login: str, password: str) -> None:
        """Gives the actor a name and a password to log in with. `Refusal`: `short`, `login_bad`, `login_taken`."""
        must_be(actor, Role.MANAGER)
        hash_ = await self._hashed(login, password)
        async with self._store.transaction() as tx:
            before = await tx.login_of(actor.id)
            if not await tx.set_password(actor.id, login=login.strip().lower(), password_hash=hash_):
                raise Refusal("login_taken")
            await self._note(
                tx, actor, "password.set", actor.id, before={"login": before}, after={"login": login.strip().lower()}
            )

    async def _hashed(self, login: str, password: str) -> str:
        login = login.strip()
        if not 2 <= len(login) <= 100 or not login.isprintable() or " " in login:
            raise Refusal("login_bad")
        if not SHORTEST <= len(password) <= LONGEST or password.lower() == login.lower() or len(set(password)) < 5:
            raise Refusal("short", n=SHORTEST)
        return await asyncio.to_thread(_hasher().hash, password)

    async def _count(self, key: str, free: int, longest: timedelta) -> None:
        async with self._store.transaction() as tx:
            early = await tx.count_try(key, pause=PAUSE, free=free, longest=longest)
        if early:
            raise Refusal("too_early", n=max(1, round(early.total_seconds())))


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
