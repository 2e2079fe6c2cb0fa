"""All that a manager or an administrator may see or do: the only door for those who run the place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from appliance.core.texts import say
from appliance.core.types import Conversation, Lead, Owner, Role, Staff
from appliance.leads import ASIDE, CHANGED, TELEGRAM
from appliance.store.leads import Status
from appliance.store.store import Store, Transaction


class Forbidden(Exception):
    """You may not do that. Ask an administrator, who can give you the role for it."""


class Gone(Exception):
    """Somebody else has changed it meanwhile. Look at it again."""


class Desk:
    """Checks the role, does it, writes the audit log: in one transaction each."""

    def __init__(self, *, store: Store | Within, posted: Collection[str] = ()) -> None:
        """`posted` are the channels whose customers get parcels; the others read the stored events."""
        self._store = store
        self._posted = frozenset(posted)

    def within(self, tx: Transaction) -> Desk:
        """The same desk at work in a transaction of the caller, who does it all or nothing."""
        return Desk(store=Within(tx), posted=self._posted)

    async def employ(
        self, actor: Staff | None, *, name: str, role: Role, telegram_id: int | None = None, email: str = "",
        lang: str = "ru",
    ) -> Staff:  # fmt: skip
        """Adds a manager or an administrator; `actor` is None for the operator at the box. Raises `Forbidden`."""
        if actor is not None:
            _must_be(actor, Role.ADMINISTRATOR)
        async with self._store.transaction() as tx:
            person = await tx.employ(name=name, role=role, telegram_id=telegram_id, email=email, lang=lang)
            await self._note(tx, actor, "staff.employ", person.id, after={"name": name, "role": role})
        return person

    async def dismiss(self, actor: Staff | None, person: UUID) -> None:
        """Takes somebody's rights. Raises `Forbidden`, or `Gone` when they have none."""
        if actor is not None:
            _must_be(actor, Role.ADMINISTRATOR)
        async with self._store.transaction() as tx:
            if not await tx.dismiss(person):
                raise Gone("There is no such manager, or no longer.")
            for conversation in await tx.held_by(person):
                await self.within(tx).hand_back(None, conversation)
                if open_ := await tx.open_lead(conversation):
                    await self._changed(tx, open_.id)  # others may take it now
            await self._note(tx, actor, "staff.dismiss", person)

    async def crew(self) -> list[Staff]:
        async with self._store.transaction() as tx:
            return await tx.crew()

    async def manager(self, telegram_id: int) -> Staff | None:
        """Who writes from this Telegram account, if they are one of ours."""
        async with self._store.transaction() as tx:
            return await tx.by_telegram(telegram_id)

    async def lead(self, actor: Staff, id: UUID) -> Lead:
        """Raises `Gone`."""
        _must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            if (found := await tx.lead(id)) is None:
                raise Gone("There is no such lead; it may have been erased.")
            return found

    async def take_over(self, actor: Staff, conversation: UUID) -> None:
        """From this commit on the assistant says nothing more here: the actor answers. Raises `Gone`."""
        _must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            before, holder = await tx.conversation(conversation), await tx.agent_of(conversation)
            if holder and holder.id == actor.id:
                await tx.serve(actor.id, conversation)
                return
            if before is None or not await tx.take_over(conversation, actor.id):
                raise Gone("There is no such dialogue; it may have been erased.")
            if holder:
                await self._aside(tx, holder, conversation, "taken_from_you", by=actor.name)
            await self._tell(tx, before, say("manager_joined", before.lang, name=actor.name), Owner.AGENT, actor.name)
            if open_ := await tx.open_lead(conversation):
                await tx.move_lead(open_.id, status=Status.TAKEN, assigned_to=actor.id)
                await self._changed(tx, open_.id)
            await self._note(tx, actor, "conversation.take_over", conversation, before={"owner": before.owner})

    async def hand_back(self, actor: Staff | None, conversation: UUID) -> None:
        """The assistant answers again; `actor` is None when a manager stayed away too long."""
        if actor is not None:
            _must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            before, holder = await tx.conversation(conversation), await tx.agent_of(conversation)
            if before is None or not await tx.hand_back(conversation):
                return
            if holder:
                how = "released" if actor is None else "handed_back" if actor.id == holder.id else "taken_from_you"
                await self._aside(tx, holder, conversation, how, by=actor.name if actor else "")
            await self._tell(tx, before, say("manager_left", before.lang), Owner.BOT, "")
            await self._note(tx, actor, "conversation.hand_back", conversation, before={"owner": before.owner})

    async def say(self, actor: Staff, conversation: UUID, text: str, *, origin: str) -> None:
        """A manager's words to the customer; the same `origin` twice is said once. Raises `Gone`."""
        _must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            here = await tx.conversation(conversation)
            if here is None or not await tx.agent_wrote(conversation, actor.id):
                raise Gone("This dialogue is not yours now: take it over first.")
            said = await tx.add_once(
                conversation, origin=origin, role="agent", text=text, payload={"agent": actor.name}
            )
            if said:
                await self._owe(tx, here, said)

    async def release_forgotten(self, after: timedelta) -> int:
        """Gives the assistant back what managers left alone; gives how many."""
        async with self._store.transaction() as tx:
            left = await tx.left_alone(after)
        for conversation in left:
            await self.hand_back(None, conversation)
        return len(left)

    async def take_lead(self, actor: Staff, id: UUID) -> Lead:
        return await self._move(actor, id, Status.TAKEN)

    async def call_later(self, actor: Staff, id: UUID, at: datetime) -> Lead:
        return await self._move(actor, id, Status.LATER, at)

    async def close_lead(self, actor: Staff, id: UUID) -> Lead:
        return await self._move(actor, id, Status.DONE)

    async def _move(self, actor: Staff, id: UUID, status: Status, at: datetime | None = None) -> Lead:
        """Raises `Gone` for a lead that is closed."""
        _must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            before = await tx.lead(id)
            moved = await tx.move_lead(id, status=status, assigned_to=actor.id, call_at=at)
            if before is None or moved is None:
                raise Gone("This lead is closed already.")
            change: tuple[dict[str, Any], dict[str, Any]] = ({"status": before.status}, {"status": status})
            await self._note(tx, actor, f"lead.{status}", id, before=change[0], after=change[1])
            await self._changed(tx, id)
        return moved

    async def _tell(self, tx: Transaction, here: Conversation, text: str, owner: Owner, name: str) -> None:
        """The customer sees who answers: as a state in the widget, as a sentence everywhere."""
        await tx.add(
            here.id, role="system", kind="state", payload={"mode": owner, "agent": {"name": name} if name else {}}
        )
        said = await tx.add(here.id, role="system", kind="text", text=text)
        await tx.hint(here.id)
        await self._owe(tx, here, said.id)

    async def _changed(self, tx: Transaction, lead: UUID) -> None:
        """What managers have read of the lead in Telegram is set right."""
        for person in await tx.crew():
            if person.telegram_id is not None:
                address = str(person.telegram_id)
                await tx.post(channel=TELEGRAM, address=address, kind=CHANGED, body={"lead": str(lead)})

    async def _aside(self, tx: Transaction, person: Staff, conversation: UUID, word: str, *, by: str) -> None:
        """Tells a manager what has become of their dialogue."""
        if person.telegram_id is not None:
            body = {"word": word, "values": {"name": await tx.customer_name(conversation), "by": by}}
            await tx.post(channel=TELEGRAM, address=str(person.telegram_id), kind=ASIDE, body=body)

    async def _owe(self, tx: Transaction, here: Conversation, message: UUID) -> None:
        if here.channel in self._posted:
            await tx.post(channel=here.channel, address=here.address, kind="reply", body={"message": str(message)})

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


def _must_be(actor: Staff, role: Role) -> None:
    """Administrators may do what managers may. The store gave the actor, so a disabled one never comes here."""
    if actor.role is not role and actor.role is not Role.ADMINISTRATOR:
        raise Forbidden(f"This needs the role {role}.")
