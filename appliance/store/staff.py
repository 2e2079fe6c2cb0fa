"""Managers and administrators in the database, whom they serve, and the audit log of what they did."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.core.types import Owner, Role, Staff
from appliance.store.fence import shut
from appliance.store.tables import AuditRow, ConversationRow, MessageRow, UserRow

STAFF = (Role.MANAGER, Role.ADMINISTRATOR)


class Crew:
    """The part of a transaction that knows managers."""

    connection: AsyncConnection

    async def employ(self, *, name: str, role: Role, telegram_id: int | None, email: str, lang: str) -> Staff:
        """Adds a person, or changes who is known by this Telegram id; a disabled one is enabled again."""
        values = {"name": name, "role": role, "email": email, "lang": lang, "disabled_at": None}
        statement = upsert(UserRow).values(telegram_id=telegram_id, **values)
        row = (
            await self.connection.execute(
                statement.on_conflict_do_update(index_elements=["telegram_id"], set_=values).returning(UserRow)
            )
        ).one()
        return staff(row)

    async def dismiss(self, id: UUID) -> bool:
        """Takes a person's rights from now on; what they did stays in the log."""
        result = await self.connection.execute(
            update(UserRow)
            .where(UserRow.id == id, UserRow.role.in_(STAFF), UserRow.disabled_at.is_(None))
            .values(disabled_at=func.clock_timestamp(), serves=None)
        )
        return result.rowcount == 1

    async def crew(self) -> list[Staff]:
        """All who may act, oldest first."""
        rows = await self.connection.execute(
            select(UserRow)
            .where(UserRow.role.in_(STAFF), UserRow.disabled_at.is_(None))
            .order_by(UserRow.created_at, UserRow.id)
        )
        return [staff(row) for row in rows]

    async def by_telegram(self, telegram_id: int) -> Staff | None:
        row = (
            await self.connection.execute(
                select(UserRow).where(
                    UserRow.telegram_id == telegram_id, UserRow.role.in_(STAFF), UserRow.disabled_at.is_(None)
                )
            )
        ).first()
        return staff(row) if row else None

    async def take_over(self, conversation: UUID, agent: UUID) -> bool:
        """Gives a conversation to a manager. The assistant is fenced off in this transaction; False when it is gone.

        What it was writing finds its claim void, and a question that waited is the manager's now. Waits for what
        the assistant is sending just now.
        """
        await shut(self.connection, conversation)
        result = await self.connection.execute(
            text(
                """UPDATE conversations SET owner = 'agent', agent_id = :agent, agent_at = clock_timestamp(),
                   fence = fence + 1, claimed_by = NULL, claimed_at = NULL, retry_at = NULL, attempts = 0
                   WHERE id = :id"""
            ),
            {"id": conversation, "agent": agent},
        )
        if result.rowcount != 1:
            return False
        await self.connection.execute(
            update(MessageRow)
            .where(MessageRow.conversation_id == conversation, MessageRow.pending)
            .values(pending=False)
        )
        others = update(UserRow).where(UserRow.serves == conversation, UserRow.id != agent)
        await self.connection.execute(others.values(serves=None))
        await self.serve(agent, conversation)
        return True

    async def hand_back(self, conversation: UUID) -> bool:
        """Gives a conversation back to the assistant; False when it has it already."""
        result = await self.connection.execute(
            update(ConversationRow)
            .where(ConversationRow.id == conversation, ConversationRow.owner != Owner.BOT)
            .values(owner=Owner.BOT, agent_id=None, agent_at=None)
        )
        await self.connection.execute(update(UserRow).where(UserRow.serves == conversation).values(serves=None))
        return bool(result.rowcount)

    async def agent_of(self, conversation: UUID) -> Staff | None:
        """The manager who has a conversation; it stays so until the transaction ends."""
        agent = await self.connection.scalar(
            select(ConversationRow.agent_id)
            .where(ConversationRow.id == conversation, ConversationRow.owner == Owner.AGENT)
            .with_for_update()
        )
        row = (await self.connection.execute(select(UserRow).where(UserRow.id == agent))).first() if agent else None
        return staff(row) if row else None

    async def held_by(self, agent: UUID) -> list[UUID]:
        """The conversations that a manager has."""
        mine = (ConversationRow.agent_id == agent) & (ConversationRow.owner == Owner.AGENT)
        return list(await self.connection.scalars(select(ConversationRow.id).where(mine)))

    async def set_duty(self, id: UUID, on: bool) -> bool:
        """Whether somebody is on duty from now on; False where that is so already."""
        result = await self.connection.execute(
            update(UserRow).where(UserRow.id == id, UserRow.on_duty.is_not(on)).values(on_duty=on)
        )
        return result.rowcount == 1

    async def serve(self, agent: UUID, conversation: UUID | None) -> None:
        """A manager's next words in Telegram go there."""
        await self.connection.execute(update(UserRow).where(UserRow.id == agent).values(serves=conversation))

    async def customer_name(self, conversation: UUID) -> str:
        """As the customer gave it with a lead, else as the channel knows it; empty when nobody knows."""
        name = await self.connection.scalar(
            text(
                """SELECT COALESCE(
                     (SELECT name FROM leads WHERE conversation_id = :id AND closed_at IS NULL AND name <> ''),
                     (SELECT users.name FROM conversations AS c JOIN users ON users.id = c.user_id WHERE c.id = :id),
                     '')"""
            ),
            {"id": conversation},
        )
        return str(name or "")

    async def agent_wrote(self, conversation: UUID, agent: UUID) -> bool:
        """Notes that the manager who has it is at work in it; False when somebody else has it."""
        result = await self.connection.execute(
            update(ConversationRow)
            .where(
                ConversationRow.id == conversation,
                ConversationRow.owner == Owner.AGENT,
                ConversationRow.agent_id == agent,
            )
            .values(agent_at=func.clock_timestamp())
        )
        return result.rowcount == 1

    async def left_alone(self, after: timedelta, *, limit: int = 100) -> list[UUID]:
        """Conversations whose manager has not written for so long that the assistant takes them back."""
        rows = await self.connection.execute(
            text(
                """SELECT id FROM conversations WHERE owner = 'agent'
                   AND agent_at < clock_timestamp() - make_interval(secs => :seconds)
                   ORDER BY agent_at LIMIT :limit FOR UPDATE SKIP LOCKED"""
            ),
            {"seconds": after.total_seconds(), "limit": limit},
        )
        return [row.id for row in rows]

    async def log_act(
        self, *, user: UUID | None, action: str, subject: str, before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        await self.connection.execute(
            insert(AuditRow).values(
                user_id=user, action=action, subject=subject, before=dict(before or {}), after=dict(after or {})
            )
        )


def staff(row: Any) -> Staff:
    """A row as the house knows it."""
    return Staff(
        id=row.id,
        name=row.name,
        role=Role(row.role),
        lang=row.lang,
        telegram_id=row.telegram_id,
        email=row.email,
        serves=row.serves,
        on_duty=row.on_duty,
        languages=tuple(row.languages),
        goods=tuple(row.goods),
    )
