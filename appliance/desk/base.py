"""What every part of the desk shares: who may, what is told to the customer, and the audit log."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self
from uuid import UUID

from appliance.core.types import Role, Staff
from appliance.leads import set_right
from appliance.store.store import Store, Transaction


class Forbidden(Exception):
    """You may not do that. Ask an administrator, who can give you the role for it."""


class Gone(Exception):
    """Somebody else has changed it meanwhile. Look at it again."""


class Part:
    """Checks the role, does it, writes the audit log: in one transaction each."""

    def __init__(self, *, store: Store | Within, posted: Collection[str] = ()) -> None:
        """`posted` are the channels whose customers get parcels; the others read the stored events."""
        self._store = store
        self._posted = frozenset(posted)

    def within(self, tx: Transaction) -> Self:
        """The same desk at work in a transaction of the caller, who does it all or nothing."""
        here = copy.copy(self)  # with all that a part was given besides its store
        here._store = Within(tx)
        return here

    async def _changed(self, tx: Transaction, lead: UUID) -> None:
        """What managers have read of the lead in Telegram is set right."""
        await set_right(tx, lead)

    async def _note(
        self, tx: Transaction, actor: Staff | None, action: str, subject: UUID, *,
        before: Mapping[str, Any] | None = None, after: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        user = actor.id if actor else None
        await tx.log_act(user=user, action=action, subject=str(subject), before=before, after=after)


class Within:
    """A transaction that is under way, for those who ask a store for one."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        yield self._tx


def must_be(actor: Staff, role: Role) -> None:
    """Administrators may do what managers may. The store gave the actor, so a disabled one never comes here."""
    if actor.role is not role and actor.role is not Role.ADMINISTRATOR:
        raise Forbidden(f"This needs the role {role}.")
