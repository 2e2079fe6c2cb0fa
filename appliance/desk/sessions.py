"""Who is logged in: opens, recognises, lists and ends sessions of the console."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from appliance.core.types import Role, Staff
from appliance.desk.base import Forbidden, Gone, Part, Within, must_be
from appliance.store.people import Session
from appliance.store.store import Store

__all__ = ["Pass", "Session", "Sessions", "Visitor"]

TOKEN_BYTES = 32  # 256 bits: what the session's cookie carries


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who is at the door: the address they come from and what their browser calls itself."""

    address: str = ""
    browser: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """A session that was shown and is good: whose it is now, with the rights that they have now."""

    session: UUID
    staff: Staff


class Sessions(Part):
    """Sessions live in the database: a random token in a cookie, its hash here, an idle and an absolute end."""

    def __init__(
        self, *, store: Store | Within, posted: Collection[str] = (), idle: timedelta = timedelta(hours=12),
        life: timedelta = timedelta(days=14),
    ) -> None:  # fmt: skip
        super().__init__(store=store, posted=posted)
        self._idle, self._life = idle, life

    @property
    def life(self) -> timedelta:
        """How long a session may last at most: also the life of its cookie."""
        return self._life

    async def admit(self, person: UUID, visitor: Visitor, *, how: str, before: str = "") -> str:
        """Opens a session for a person who has proved who they are, and gives its token.

        A login never goes on in the session of `before` (the token that the browser had): that one ends.
        """
        token = secrets.token_urlsafe(TOKEN_BYTES)
        async with self._store.transaction() as tx:
            if before:
                await tx.end_sessions(token=before)
            session = await tx.open_session(
                person, token=token, address=visitor.address, browser=visitor.browser, how=how, life=self._life
            )
            after = {"how": how, "address": visitor.address, "browser": visitor.browser}
            await tx.log_act(user=person, action="session.open", subject=str(session), after=after)
        return token

    async def whose(self, token: str, *, active: bool = True) -> Pass | None:
        """Whose session it is; None for one that has ended. `active`: a person did something, so it idles anew."""
        if not token:
            return None
        async with self._store.transaction() as tx:
            found = await tx.whose_session(token, idle=self._idle, active=active)
        return Pass(session=found[0], staff=found[1]) if found else None

    async def leave(self, token: str) -> None:
        """Ends the session of that token, if it is open."""
        async with self._store.transaction() as tx:
            found = await tx.whose_session(token, idle=self._idle, active=False)
            if found and await tx.end_sessions(session=found[0]):
                await self._note(tx, found[1], "session.end", found[0])

    async def mine(self, actor: Staff) -> list[Session]:
        """The actor's own open sessions, the last seen first."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            return await tx.live_sessions(idle=self._idle, person=actor.id)

    async def everybody(self, actor: Staff) -> list[Session]:
        """All open sessions. Raises `Forbidden`."""
        must_be(actor, Role.ADMINISTRATOR)
        async with self._store.transaction() as tx:
            return await tx.live_sessions(idle=self._idle)

    async def end(self, actor: Staff, session: UUID) -> None:
        """Ends a session: one's own, or anybody's for an administrator. Raises `Forbidden`, `Gone`."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            owner = await tx.session_owner(session)
            if owner != actor.id and actor.role is not Role.ADMINISTRATOR:
                raise Forbidden("Only an administrator may end somebody else's session.")
            if owner is None or not await tx.end_sessions(session=session):
                raise Gone("This session has ended already.")
            await self._note(tx, actor, "session.end", session)

    async def end_others(self, actor: Staff, session: UUID) -> int:
        """Ends all of the actor's sessions but this one; gives how many."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            count = await tx.end_sessions(person=actor.id, but=session)
            await self._note(tx, actor, "session.end_others", actor.id, after={"count": count})
        return count
