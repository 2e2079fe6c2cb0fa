"""Conversations in the database: every message remembered once, answered once, by one answerer at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import ColumnElement, Row, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.core.types import Claim, Inbound, Message, Owner, Received, Reply
from appliance.store.errors import ClaimLost
from appliance.store.plain import cards_plain, memory_from, memory_plain
from appliance.store.tables import AnswerRow, ConversationRow, MessageRow, VisitorRow

HISTORY = 40  # rows of history given to an answerer: the last 20 messages and their cards

# A claim holds while the process that took it holds its advisory lock (see Store.stay_alive); `LEASE` is for one
# that lives on but hangs. A process knows which of its own claims it still works on, so those do not bar itself.
LEASE = timedelta(minutes=3)
FREE = """
    owner = 'bot' AND (retry_at IS NULL OR retry_at <= clock_timestamp())
    AND (claimed_by IS NULL OR claimed_by = :instance
         OR claimed_at < clock_timestamp() - make_interval(secs => :lease)
         OR NOT EXISTS (SELECT 1 FROM pg_locks
                        WHERE locktype = 'advisory' AND classid = CAST(:alive AS oid) AND objsubid = 2
                        AND objid = claimed_by::bigint::oid AND granted))
    AND EXISTS (SELECT 1 FROM messages WHERE conversation_id = conversations.id AND pending)
"""
CLAIM = f"""
    UPDATE conversations SET fence = fence + 1, claimed_by = :instance, claimed_at = clock_timestamp(),
        attempts = attempts + 1
    WHERE id = :id AND {FREE}
    RETURNING channel, address, lang, fence, attempts, memory
"""  # noqa: S608 - put together from constants
WAITING = f"SELECT id FROM conversations WHERE {FREE} ORDER BY updated_at LIMIT :limit"  # noqa: S608
ALIVE = 0x434D  # first key of the advisory locks by which a process shows that it lives ("CM")


class Conversations:
    """The part of a transaction that knows conversations and messages."""

    def __init__(self, connection: AsyncConnection, *, instance: int, notify: str) -> None:
        self.connection = connection
        self._instance = instance
        self._events = notify

    async def remember(self, inbound: Inbound, *, awaits_answer: bool = True) -> Received:
        """Stores what arrived, before anything else happens to it; the same external id twice is stored once."""
        conversation, owner = await self._conversation_of(inbound)
        origin = f"{inbound.channel}:{inbound.external_id}"
        seen = (
            await self.connection.execute(
                select(MessageRow.id, MessageRow.conversation_id, MessageRow.seq).where(MessageRow.origin == origin)
            )
        ).first()
        if seen:
            return Received(message=seen.id, conversation=seen.conversation_id, seq=seen.seq, duplicate=True)
        seq = await self._next_seq(conversation)
        id = await self.connection.scalar(
            insert(MessageRow)
            .values(
                conversation_id=conversation,
                seq=seq,
                role="user",
                kind=inbound.kind,
                text=inbound.text,
                payload=dict(inbound.payload),
                origin=origin,
                pending=awaits_answer and owner == Owner.BOT,
            )
            .returning(MessageRow.id)
        )
        assert isinstance(id, UUID)
        await self._notify(conversation)
        return Received(message=id, conversation=conversation, seq=seq)

    async def claim(self, conversation: UUID) -> Claim | None:
        """The right to answer all that waits in a conversation; None when nothing waits or somebody else has it."""
        row = (
            await self.connection.execute(
                text(CLAIM),
                {"id": conversation, "instance": self._instance, "lease": LEASE.total_seconds(), "alive": ALIVE},
            )
        ).first()
        if row is None:
            return None
        questions = await self._messages(MessageRow.conversation_id == conversation, MessageRow.pending)
        history = await self._messages(
            MessageRow.conversation_id == conversation, MessageRow.seq < questions[0].seq, last=HISTORY
        )
        return Claim(
            conversation=conversation,
            channel=row.channel,
            address=row.address,
            token=row.fence,
            memory=memory_from(row.memory),
            hint=row.lang,
            questions=tuple(questions),
            history=tuple(history),
            attempts=row.attempts,
        )

    async def waiting(self, limit: int = 100) -> list[UUID]:
        """Conversations with a question that nobody is answering: what a crash left, and what just arrived."""
        rows = await self.connection.execute(
            text(WAITING),
            {"limit": limit, "instance": self._instance, "lease": LEASE.total_seconds(), "alive": ALIVE},
        )
        return [row.id for row in rows]

    async def finish(self, claim: Claim, reply: Reply, *, message: UUID) -> list[Message]:
        """Stores the reply as the one answer to the claim's questions and gives the claim back.

        Raises `ClaimLost` when the claim is no longer the conversation's; then nothing of this transaction may stay.
        """
        held = await self.connection.execute(
            update(ConversationRow)
            .where(
                ConversationRow.id == claim.conversation,
                ConversationRow.fence == claim.token,
                ConversationRow.owner == Owner.BOT,
            )
            .values(
                claimed_by=None,
                claimed_at=None,
                attempts=0,
                retry_at=None,
                lang=reply.lang,
                memory=memory_plain(reply.memory),
            )
        )
        if held.rowcount != 1:
            raise ClaimLost
        events = await self._store_reply(claim.conversation, reply, message)
        await self.connection.execute(
            update(MessageRow)
            .where(MessageRow.id.in_([question.id for question in claim.questions]))
            .values(pending=False, answered_by=message)
        )
        await self._notify(claim.conversation)
        return events

    async def release(self, claim: Claim, *, retry_in: timedelta) -> None:
        """Gives an unanswered claim back, to be tried again; safe when it was lost meanwhile."""
        await self.connection.execute(
            text(
                """UPDATE conversations SET claimed_by = NULL, claimed_at = NULL,
                   retry_at = clock_timestamp() + make_interval(secs => :seconds)
                   WHERE id = :id AND fence = :token"""
            ),
            {"id": claim.conversation, "token": claim.token, "seconds": retry_in.total_seconds()},
        )

    async def hand_over(self, claim: Claim) -> None:
        """Puts the conversation into the managers' queue; the assistant is fenced off from here on."""
        await self.connection.execute(
            update(ConversationRow)
            .where(ConversationRow.id == claim.conversation, ConversationRow.fence == claim.token)
            .values(owner=Owner.QUEUE)
        )

    async def add(
        self, conversation: UUID, *, role: str, kind: str, text: str = "", payload: Mapping[str, Any] | None = None,
        id: UUID | None = None,
    ) -> Message:  # fmt: skip
        """One more durable event of a conversation; gives it as stored."""
        values: dict[str, Any] = {"id": id} if id else {}
        row = (
            await self.connection.execute(
                insert(MessageRow)
                .values(
                    conversation_id=conversation,
                    seq=await self._next_seq(conversation),
                    role=role,
                    kind=kind,
                    text=text,
                    payload=dict(payload or {}),
                    **values,
                )
                .returning(MessageRow)
            )
        ).one()
        return _message(row)

    async def add_once(
        self, conversation: UUID, *, origin: str, role: str, text: str, payload: Mapping[str, Any]
    ) -> UUID | None:
        """Somebody's words, unless those of this origin are here already: then None."""
        seen = await self.connection.scalar(select(MessageRow.id).where(MessageRow.origin == origin))
        if seen is not None:
            return None
        said = await self.add(conversation, role=role, kind="text", text=text, payload=payload)
        await self.connection.execute(update(MessageRow).where(MessageRow.id == said.id).values(origin=origin))
        await self._notify(conversation)
        return said.id

    async def hint(self, conversation: UUID) -> None:
        """Tells the other processes, once this is committed, that there is something new to read."""
        await self._notify(conversation)

    async def events(self, conversation: UUID, *, after: int, limit: int = 50) -> list[Message]:
        """Durable events after a seq, oldest first; of more than `limit`, the newest."""
        return await self._messages(MessageRow.conversation_id == conversation, MessageRow.seq > after, last=limit)

    async def earlier(self, conversation: UUID, *, before: int, limit: int = 50) -> list[Message]:
        """The `limit` durable events next before a seq, oldest first."""
        return await self._messages(MessageRow.conversation_id == conversation, MessageRow.seq < before, last=limit)

    async def changed(self, after: Mapping[UUID, int]) -> list[UUID]:
        """Those of the given conversations that have events after the given seq."""
        rows = await self.connection.execute(
            select(ConversationRow.id, ConversationRow.last_seq).where(ConversationRow.id.in_(list(after)))
        )
        return [row.id for row in rows if row.last_seq > after[row.id]]

    async def rate(self, conversation: UUID, message: UUID, value: int) -> None:
        await self.connection.execute(
            update(MessageRow)
            .where(MessageRow.id == message, MessageRow.conversation_id == conversation, MessageRow.role == "bot")
            .values(rating=max(-1, min(1, value)))
        )

    async def read(self, conversation: UUID, seq: int) -> None:
        await self.connection.execute(
            update(ConversationRow)
            .where(ConversationRow.id == conversation, ConversationRow.read_seq < seq, ConversationRow.last_seq >= seq)
            .values(read_seq=seq)
        )

    async def _conversation_of(self, inbound: Inbound) -> tuple[UUID, str]:
        continued = await self._continued(inbound)
        if continued is None:
            await self.connection.execute(
                upsert(ConversationRow)
                .values(channel=inbound.channel, address=inbound.address, lang=inbound.lang_hint)
                .on_conflict_do_nothing(index_elements=["channel", "address"])
            )
            here: ColumnElement[bool] = (ConversationRow.channel == inbound.channel) & (
                ConversationRow.address == inbound.address
            )
        else:
            here = ConversationRow.id == continued
        row = (
            await self.connection.execute(
                select(ConversationRow.id, ConversationRow.owner)
                .where(here)
                .with_for_update()  # messages of one conversation are numbered one after another
            )
        ).one()
        return row.id, row.owner

    async def _continued(self, inbound: Inbound) -> UUID | None:
        """The conversation of a browser's session: it may have gone on at another address, and is still the same."""
        if inbound.channel != "widget":
            return None
        return await self.connection.scalar(select(VisitorRow.conversation_id).where(VisitorRow.sid == inbound.address))

    async def _next_seq(self, conversation: UUID) -> int:
        seq = await self.connection.scalar(
            text(
                """UPDATE conversations SET last_seq = last_seq + 1, updated_at = clock_timestamp()
                   WHERE id = :id RETURNING last_seq"""
            ),
            {"id": conversation},
        )
        assert isinstance(seq, int)
        return seq

    async def _store_reply(self, conversation: UUID, reply: Reply, message: UUID) -> list[Message]:
        about = {"mid": str(message)}
        events = []
        if reply.cards:
            items = cards_plain(reply.cards)
            events.append(
                await self.add(conversation, role="bot", kind="cards", payload={**about, "items": items},
                               id=uuid5(message, "cards"))
            )  # fmt: skip
        events.append(await self.add(conversation, role="bot", kind="text", text=reply.text, payload=about, id=message))
        if reply.quick:
            payload = {**about, "items": list(reply.quick)}
            events.append(
                await self.add(conversation, role="bot", kind="quick", payload=payload, id=uuid5(message, "quick"))
            )
        if reply.form:
            events.append(
                await self.add(conversation, role="bot", kind="form", payload={**about, **reply.form},
                               id=uuid5(message, "form"))
            )  # fmt: skip
        await self.connection.execute(
            insert(AnswerRow).values(
                message_id=message,
                route=reply.route,
                rung=reply.rung,
                lang=reply.lang,
                nothing_found=reply.none,
                sources=list(reply.sources),
                catalog_version=reply.catalog_version,
                prompt_version=reply.prompt_version,
                model=reply.model,
                blocked=reply.blocked,
                stages=dict(reply.stages),
            )
        )
        return events

    async def _messages(self, *where: Any, last: int | None = None) -> list[Message]:
        query = select(MessageRow).where(*where)
        if last is None:
            rows: Sequence[Row[Any]] = (await self.connection.execute(query.order_by(MessageRow.seq))).all()
        else:
            rows = (await self.connection.execute(query.order_by(MessageRow.seq.desc()).limit(last))).all()[::-1]
        return [_message(row) for row in rows]

    async def _notify(self, conversation: UUID) -> None:
        await self.connection.execute(
            text("SELECT pg_notify(:channel, :id)"), {"channel": self._events, "id": str(conversation)}
        )


def _message(row: Row[Any]) -> Message:
    return Message(
        id=row.id,
        conversation=row.conversation_id,
        seq=row.seq,
        role=row.role,
        kind=row.kind,
        text=row.text,
        payload=row.payload if isinstance(row.payload, dict) else json.loads(row.payload),
        at=row.at,
        answered_by=row.answered_by,
    )
