"""What managers add to dialogues, in the database: notes, and answers marked bad until somebody has dealt with them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.store.inbox import SIZE, Place
from appliance.store.tables import AuditRow, MarkRow, MessageRow, NoteRow, UserRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    id: UUID
    text: str
    at: datetime
    author: UUID | None
    author_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BadAnswer:
    """An answer that was marked bad, with what was asked and how it came about."""

    message: UUID
    conversation: UUID
    reason: str
    comment: str
    marked_by: str
    at: datetime
    settled_at: datetime | None
    question: str
    answer: str
    said_at: datetime
    route: str
    rung: str
    lang: str
    sources: tuple[str, ...]
    catalog_version: str
    prompt_version: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A line of the audit log about one thing."""

    at: datetime
    who: str  # empty: the appliance itself
    action: str
    before: dict[str, Any]
    after: dict[str, Any]


class Notes:
    """The part of a transaction that knows what managers noted."""

    connection: AsyncConnection

    async def notes(self, conversation: UUID) -> list[Note]:
        """Oldest first."""
        rows = await self.connection.execute(
            select(NoteRow, UserRow.name)
            .outerjoin(UserRow, UserRow.id == NoteRow.user_id)
            .where(NoteRow.conversation_id == conversation)
            .order_by(NoteRow.at)
        )
        return [
            Note(id=row.id, text=row.text, at=row.at, author=row.user_id, author_name=row.name or "") for row in rows
        ]

    async def add_note(self, conversation: UUID, user: UUID, text: str) -> UUID:
        id = await self.connection.scalar(
            insert(NoteRow).values(conversation_id=conversation, user_id=user, text=text).returning(NoteRow.id)
        )
        assert isinstance(id, UUID)
        return id

    async def drop_note(self, id: UUID, user: UUID) -> str | None:
        """Takes away a note of one's own; gives what it said, None where there is none."""
        own = delete(NoteRow).where(NoteRow.id == id, NoteRow.user_id == user).returning(NoteRow.text)
        return await self.connection.scalar(own)

    async def mark_bad(self, message: UUID, user: UUID, *, reason: str, comment: str) -> UUID | None:
        """Marks an answer, or marks it anew; gives its conversation, None where it is no answer of the assistant's."""
        conversation = await self.connection.scalar(
            select(MessageRow.conversation_id).where(
                MessageRow.id == message, MessageRow.role == "bot", MessageRow.kind == "text"
            )
        )
        if conversation is not None:
            said = {"user_id": user, "reason": reason, "comment": comment, "at": func.clock_timestamp(),
                    "settled_at": None, "settled_by": None}  # fmt: skip
            statement = upsert(MarkRow).values(message_id=message, conversation_id=conversation, **said)
            await self.connection.execute(statement.on_conflict_do_update(index_elements=["message_id"], set_=said))
        return conversation

    async def unmark(self, message: UUID) -> UUID | None:
        """Takes the mark away; gives the conversation, None where there was none."""
        gone = delete(MarkRow).where(MarkRow.message_id == message).returning(MarkRow.conversation_id)
        return await self.connection.scalar(gone)

    async def settle(self, message: UUID, user: UUID, *, settled: bool) -> bool:
        """Notes that somebody has dealt with a marked answer, or that it is open again."""
        values = (
            {"settled_at": func.clock_timestamp(), "settled_by": user}
            if settled
            else dict.fromkeys(("settled_at", "settled_by"))
        )
        result = await self.connection.execute(update(MarkRow).where(MarkRow.message_id == message).values(**values))
        return result.rowcount == 1

    async def bad_answers(
        self, *, settled: bool, reason: str = "", after: Place | None = None, limit: int = SIZE
    ) -> list[BadAnswer]:
        """Marked answers that are open, or that were dealt with; the newest mark first."""
        rows = await self.connection.execute(
            text(BAD),
            {
                "settled": settled, "reason": reason, "limit": limit,
                "at": after.at if after else None, "id": after.id if after else None,
            },
        )  # fmt: skip
        return [_bad(row) for row in rows]

    async def open_marks(self) -> int:
        query = select(func.count()).select_from(MarkRow).where(MarkRow.settled_at.is_(None))
        return int(await self.connection.scalar(query) or 0)

    async def acts_on(self, subject: UUID, *, limit: int = SIZE) -> list[Act]:
        """What was done to something, newest first."""
        rows = await self.connection.execute(
            select(AuditRow, UserRow.name)
            .outerjoin(UserRow, UserRow.id == AuditRow.user_id)
            .where(AuditRow.subject == str(subject))
            .order_by(AuditRow.id.desc())
            .limit(limit)
        )
        return [
            Act(at=row.at, who=row.name or "", action=row.action, before=row.before, after=row.after) for row in rows
        ]


BAD = """
    SELECT k.message_id, k.conversation_id, k.reason, k.comment, COALESCE(u.name, '') AS marked_by, k.at, k.settled_at,
           m.text AS answer, m.at AS said_at, COALESCE(a.route, '') AS route, COALESCE(a.rung, '') AS rung,
           COALESCE(a.lang, '') AS lang, COALESCE(a.sources, '[]'::jsonb) AS sources,
           COALESCE(a.catalog_version, '') AS catalog_version, COALESCE(a.prompt_version, '') AS prompt_version,
           COALESCE(a.model, '') AS model,
           COALESCE((SELECT string_agg(q.text, E'\\n' ORDER BY q.seq) FROM messages AS q
                     WHERE q.conversation_id = k.conversation_id AND q.answered_by = k.message_id), '') AS question
    FROM marks AS k JOIN messages AS m ON m.id = k.message_id
    LEFT JOIN answers AS a ON a.message_id = k.message_id
    LEFT JOIN users AS u ON u.id = k.user_id
    WHERE (k.settled_at IS NOT NULL) = :settled AND (:reason = '' OR k.reason = :reason)
      AND (CAST(:at AS timestamptz) IS NULL OR (k.at, k.message_id) < (CAST(:at AS timestamptz), CAST(:id AS uuid)))
    ORDER BY k.at DESC, k.message_id DESC LIMIT :limit
"""


def _bad(row: Any) -> BadAnswer:
    return BadAnswer(
        message=row.message_id, conversation=row.conversation_id, reason=row.reason, comment=row.comment,
        marked_by=row.marked_by, at=row.at, settled_at=row.settled_at, question=row.question, answer=row.answer,
        said_at=row.said_at, route=row.route, rung=row.rung, lang=row.lang, sources=tuple(row.sources),
        catalog_version=row.catalog_version, prompt_version=row.prompt_version, model=row.model,
    )  # fmt: skip
