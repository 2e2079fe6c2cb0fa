"""Telegram's own tables, and what a messenger asks of conversations: whom it talks to, where, in which language."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.core.types import Conversation, Message, Owner
from appliance.store.tables import (
    ConversationRow,
    MessageRow,
    ParcelRow,
    TelegramFileRow,
    TelegramPostRow,
    TelegramUpdateRow,
    UserRow,
)

KEPT = timedelta(days=2)  # how long an update's number is remembered; Telegram repeats none after 24 hours
POSTS_KEPT = timedelta(days=30)
PARTS = ("cards", "quick", "form")  # events that belong to a message, by `uuid5(message, part)`
PUT_ASIDE = "/"  # a chat's earlier conversation, which a web dialogue has replaced: "chat/conversation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """One update of Telegram as it came."""

    id: int
    raw: Mapping[str, Any]
    attempts: int = 0


class Telegrams:
    """The part of a transaction that serves the Telegram channel."""

    connection: AsyncConnection

    async def _messages(self, *where: Any, last: int | None = None) -> list[Message]:
        raise NotImplementedError  # `Conversations` has it

    async def keep_updates(self, bot: int, updates: Sequence[Mapping[str, Any]]) -> int:
        """Keeps what came; gives how many of them were new."""
        if not updates:
            return 0
        rows = [{"bot": bot, "update_id": update["update_id"], "raw": dict(update)} for update in updates]
        kept = await self.connection.execute(
            upsert(TelegramUpdateRow).on_conflict_do_nothing().returning(TelegramUpdateRow.update_id), rows
        )
        return len(kept.all())

    async def waiting_updates(self, bot: int, limit: int = 100) -> list[Update]:
        """Updates that are not yet understood, oldest first."""
        rows = await self.connection.execute(
            select(TelegramUpdateRow)
            .where(TelegramUpdateRow.bot == bot, TelegramUpdateRow.done_at.is_(None))
            .order_by(TelegramUpdateRow.update_id)
            .limit(limit)
        )
        return [Update(id=row.update_id, raw=row.raw, attempts=row.attempts) for row in rows]

    async def update_done(self, bot: int, id: int, *, fault: str | None = None) -> bool:
        """Consumes an update, in the transaction of its effect; False when another process was faster."""
        done = await self.connection.execute(
            update(TelegramUpdateRow)
            .where(TelegramUpdateRow.bot == bot, TelegramUpdateRow.update_id == id, TelegramUpdateRow.done_at.is_(None))
            .values(done_at=func.now(), raw={}, fault=fault)
        )
        return done.rowcount == 1

    async def update_failed(self, bot: int, id: int) -> None:
        await self.connection.execute(
            update(TelegramUpdateRow)
            .where(TelegramUpdateRow.bot == bot, TelegramUpdateRow.update_id == id)
            .values(attempts=TelegramUpdateRow.attempts + 1)
        )

    async def forget_old_updates(self) -> None:
        """Drops what only guarded against repetitions."""
        old = TelegramUpdateRow.done_at < func.now() - KEPT
        await self.connection.execute(delete(TelegramUpdateRow).where(old))
        await self.connection.execute(delete(TelegramPostRow).where(TelegramPostRow.at < func.now() - POSTS_KEPT))

    async def file_id(self, bot: int, sha256: str) -> str:
        """The `file_id` under which Telegram has a picture; empty if it has not."""
        id = await self.connection.scalar(
            select(TelegramFileRow.file_id).where(TelegramFileRow.bot == bot, TelegramFileRow.sha256 == sha256)
        )
        return id or ""

    async def keep_file(self, bot: int, sha256: str, file_id: str) -> None:
        """Remembers a `file_id`; an empty one is forgotten."""
        if not file_id:
            await self.connection.execute(
                delete(TelegramFileRow).where(TelegramFileRow.bot == bot, TelegramFileRow.sha256 == sha256)
            )
            return
        row = upsert(TelegramFileRow).values(bot=bot, sha256=sha256, file_id=file_id)
        await self.connection.execute(
            row.on_conflict_do_update(index_elements=["bot", "sha256"], set_={"file_id": file_id})
        )

    async def posts(self, bot: int, message: UUID) -> dict[str, int]:
        """part -> Telegram's message_id, of the parts of a message that are in the chat already."""
        rows = await self.connection.execute(
            select(TelegramPostRow.part, TelegramPostRow.post).where(
                TelegramPostRow.bot == bot, TelegramPostRow.message == message
            )
        )
        return {row.part: row.post for row in rows}

    async def note_post(self, bot: int, message: UUID, part: str, post: int) -> None:
        row = upsert(TelegramPostRow).values(bot=bot, message=message, part=part, post=post)
        await self.connection.execute(
            row.on_conflict_do_update(index_elements=["bot", "message", "part"], set_={"post": post})
        )

    async def may_show(self, conversation: UUID, *, channel: str, address: str, message: UUID) -> bool:
        """Whether an unfinished answer may be shown: the assistant's turn still, and nothing earlier is owed."""
        return bool(
            await self.connection.scalar(
                select(ConversationRow.id).where(
                    ConversationRow.id == conversation,
                    ConversationRow.owner == Owner.BOT,
                    ~select(MessageRow.id).where(MessageRow.id == message).exists(),
                    ~select(ParcelRow.id)
                    .where(
                        ParcelRow.channel == channel,
                        ParcelRow.address == address,
                        ParcelRow.delivered_at.is_(None),
                        ParcelRow.held.is_(None),
                        (ParcelRow.attempts > 0) | (ParcelRow.due_at <= func.clock_timestamp()),
                    )
                    .exists(),
                )
            )
        )

    async def said(self, message: UUID) -> list[Message]:
        """A message and the events that belong to it, in their order."""
        return await self._messages(MessageRow.id.in_([message, *(uuid5(message, part) for part in PARTS)]))

    async def conversation(self, id: UUID) -> Conversation | None:
        row = (await self.connection.execute(select(ConversationRow).where(ConversationRow.id == id))).first()
        return _conversation(row) if row else None

    async def conversation_at(self, channel: str, address: str) -> Conversation | None:
        """The dialogue with an address, if there is one."""
        query = select(ConversationRow).where(ConversationRow.channel == channel, ConversationRow.address == address)
        row = (await self.connection.execute(query)).first()
        return _conversation(row) if row else None

    async def introduce(self, conversation: UUID, *, name: str, lang: str) -> None:
        """Registers whom a conversation is with, once."""
        known = await self.connection.scalar(select(ConversationRow.user_id).where(ConversationRow.id == conversation))
        if known is None:
            user = await self.connection.scalar(insert(UserRow).values(name=name, lang=lang).returning(UserRow.id))
            await self.connection.execute(
                update(ConversationRow).where(ConversationRow.id == conversation).values(user_id=user)
            )
        else:
            await self.connection.execute(
                update(UserRow).where(UserRow.id == known, UserRow.name == "").values(name=name)
            )

    async def choose_language(self, conversation: UUID, lang: str) -> None:
        """The customer's own choice: the next answers begin from it."""
        await self.connection.execute(
            text(
                """UPDATE conversations
                   SET lang = CAST(:lang AS text),
                       memory = memory || jsonb_build_object('lang', CAST(:lang AS text))
                   WHERE id = :id"""
            ),
            {"id": conversation, "lang": lang},
        )

    async def focus(self, conversation: UUID, sku: str) -> None:
        """The next question is about this product."""
        await self.connection.execute(
            text(
                """UPDATE conversations SET memory = memory || jsonb_build_object('about', CAST(:sku AS text))
                   WHERE id = :id"""
            ),
            {"id": conversation, "sku": sku},
        )

    async def focused(self, conversation: UUID) -> str:
        """Takes back what `focus` set; empty if nothing was."""
        sku = await self.connection.scalar(
            select(ConversationRow.memory["about"].astext).where(ConversationRow.id == conversation)
        )
        if sku:
            await self.connection.execute(
                text("UPDATE conversations SET memory = memory - 'about' WHERE id = :id"), {"id": conversation}
            )
        return sku or ""

    async def move_address(self, channel: str, old: str, new: str) -> None:
        """A chat has got another number: its conversation and what is owed to it follow."""
        taken = await self.conversation_at(channel, new)
        if taken is None:
            await self.connection.execute(
                update(ConversationRow)
                .where(ConversationRow.channel == channel, ConversationRow.address == old)
                .values(address=new)
            )
        await self.connection.execute(
            update(ParcelRow)
            .where(ParcelRow.channel == channel, ParcelRow.address == old, ParcelRow.delivered_at.is_(None))
            .values(address=new)
        )

    async def continue_at(self, conversation: UUID, *, channel: str, address: str) -> bool:
        """A dialogue goes on at another address, with its history; False when there is no such dialogue.

        What was said at that address before is put aside; its customer and the dialogue's are one from now on.
        """
        moved = (
            await self.connection.execute(
                select(ConversationRow).where(ConversationRow.id == conversation).with_for_update()
            )
        ).first()
        if moved is None:
            return False
        before = (
            await self.connection.execute(
                select(ConversationRow)
                .where(ConversationRow.channel == channel, ConversationRow.address == address)
                .with_for_update()
            )
        ).first()
        if before is not None and before.id == conversation:
            return True
        if before is not None:
            aside = f"{address}{PUT_ASIDE}{before.id}"
            await self.connection.execute(
                update(ConversationRow).where(ConversationRow.id == before.id).values(address=aside)
            )
        await self.connection.execute(
            update(ConversationRow)
            .where(ConversationRow.id == conversation)
            .values(channel=channel, address=address, user_id=(before.user_id if before else None) or moved.user_id)
        )
        return True


def _conversation(row: Any) -> Conversation:
    return Conversation(
        id=row.id,
        channel=row.channel,
        address=row.address,
        lang=row.lang,
        owner=Owner(row.owner),
        last_seq=row.last_seq,
    )


def plain(raw: Mapping[str, Any]) -> dict[str, Any]:
    """JSON as PostgreSQL takes it: without NUL, and without lone surrogates, which no UTF-8 has."""
    return json.loads(_clean(json.dumps(raw, ensure_ascii=False)))  # type: ignore[no-any-return]


def _clean(text: str) -> str:
    return text.replace("\\u0000", "").encode("utf-8", "replace").decode()
