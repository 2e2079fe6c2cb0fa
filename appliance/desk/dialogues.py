"""Dialogues at the desk: taken over, answered, handed back."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from appliance.core.texts import say
from appliance.core.types import Conversation, Owner, Role, Staff
from appliance.desk.base import Gone, Part, must_be
from appliance.leads import ASIDE, TELEGRAM
from appliance.store.leads import Status
from appliance.store.store import Transaction


class Dialogues(Part):
    """The part of the desk where customers are answered."""

    async def take_over(self, actor: Staff, conversation: UUID) -> None:
        """From this commit on the assistant says nothing more here: the actor answers. Raises `Gone`."""
        must_be(actor, Role.MANAGER)
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
            must_be(actor, Role.MANAGER)
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
        must_be(actor, Role.MANAGER)
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

    async def _tell(self, tx: Transaction, here: Conversation, text: str, owner: Owner, name: str) -> None:
        """The customer sees who answers: as a state in the widget, as a sentence everywhere."""
        await tx.add(
            here.id, role="system", kind="state", payload={"mode": owner, "agent": {"name": name} if name else {}}
        )
        said = await tx.add(here.id, role="system", kind="text", text=text)
        await tx.hint(here.id)
        await self._owe(tx, here, said.id)

    async def _aside(self, tx: Transaction, person: Staff, conversation: UUID, word: str, *, by: str) -> None:
        """Tells a manager what has become of their dialogue."""
        if person.telegram_id is not None:
            body = {"word": word, "values": {"name": await tx.customer_name(conversation), "by": by}}
            await tx.post(channel=TELEGRAM, address=str(person.telegram_id), kind=ASIDE, body=body)

    async def _owe(self, tx: Transaction, here: Conversation, message: UUID) -> None:
        if here.channel in self._posted:
            await tx.post(channel=here.channel, address=here.address, kind="reply", body={"message": str(message)})
