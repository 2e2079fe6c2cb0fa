"""Dialogues as managers look for them: a page of a list by many conditions, a transcript, how far each was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, literal_column, or_, select, text, tuple_, union
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.core.filters import DialogueFilter
from appliance.core.types import Message, Owner, Staff
from appliance.store.figures import dialogues
from appliance.store.tables import AnswerRow, ConversationRow, LeadRow, MarkRow, MessageRow, ReadRow, UserRow
from appliance.store.tables.notes import REACH, WORDS

SIZE = 50  # dialogues or messages of a page
SHORTEST = 3  # characters from which trigrams help
LONGEST = 200  # characters of a search
EXCERPT = 300  # characters of a message in a list


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which dialogues a manager wants to see; an empty field asks for nothing."""

    which: DialogueFilter = field(default_factory=DialogueFilter)  # what a figure stands for
    owner: str = ""  # bot, queue, agent; mine: the reader's own; needs: waiting for anybody, or the reader's own
    route: str = ""
    nothing: bool = False  # an answer found nothing
    rating: int = 0  # a thumb of this sign under an answer
    lead: str = ""  # yes, no
    bad: bool = False  # an answer marked bad by a manager
    since: datetime | None = None  # of the last message
    words: str = ""  # said by anybody in it, or the customer's name, phone, address or company


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a page ends: the next one begins behind it."""

    at: datetime
    id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue:
    """One line of the list, as its reader sees it."""

    id: UUID
    channel: str
    lang: str
    owner: Owner
    agent: UUID | None
    agent_name: str
    customer: str
    at: datetime
    role: str  # who spoke last, and what
    text: str
    messages: int
    unread: int  # of the customer's messages, where they are the reader's business
    lead: str  # status of its newest lead
    rating: int | None  # the worst thumb
    bad: bool
    found: str = ""  # the message in which the words were found


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How an answer came about."""

    route: str
    rung: str
    lang: str
    nothing: bool
    sources: tuple[str, ...]
    catalog_version: str
    prompt_version: str
    model: str
    blocked: int
    stages: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A message of a transcript with all that is known of it."""

    message: Message
    rating: int | None = None
    answer: Answer | None = None
    mark: str = ""  # why a manager found it bad
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What waits for a manager: for anybody, and for the reader."""

    queue: int
    mine: int


class Inbox:
    """The part of a transaction that managers read dialogues by."""

    connection: AsyncConnection

    async def dialogues(
        self, reader: UUID, wanted: Wanted, *, after: Place | None = None, limit: int = SIZE
    ) -> list[Dialogue]:
        """A page of dialogues in which somebody spoke, newest first."""
        conditions = [ConversationRow.last_seq > 0, *await self._conditions(reader, wanted)]
        if after:
            here = tuple_(ConversationRow.updated_at, ConversationRow.id)
            conditions.append(here < tuple_(after.at, after.id))
        query = (
            select(ConversationRow.id)
            .where(*conditions)
            .order_by(ConversationRow.updated_at.desc(), ConversationRow.id.desc())
            .limit(min(limit, SIZE))
        )
        return await self.dialogue_lines(reader, list(await self.connection.scalars(query)), words=wanted.words)

    async def dialogue_lines(self, reader: UUID, ids: Sequence[UUID], *, words: str = "") -> list[Dialogue]:
        """These dialogues as lines of the list, newest first; those that are gone are left out."""
        if not ids:
            return []
        found = await self.connection.execute(text(LINES), {"ids": list(ids), "reader": reader})
        lines = [_dialogue(row) for row in found]
        if not words:
            return lines
        excerpts = await self._excerpts(ids, words)
        return [replace(line, found=excerpts.get(line.id, "")) for line in lines]

    async def tally(self, reader: UUID) -> Tally:
        row = (
            await self.connection.execute(
                text(
                    """SELECT count(*) FILTER (WHERE owner = 'queue') AS queue,
                              count(*) FILTER (WHERE owner = 'agent' AND agent_id = :reader) AS mine
                       FROM conversations WHERE owner <> 'bot'"""
                ),
                {"reader": reader},
            )
        ).one()
        return Tally(queue=row.queue, mine=row.mine)

    async def transcript(
        self, conversation: UUID, *, before: int | None = None, after: int = 0, limit: int = SIZE
    ) -> list[Turn]:
        """The last `limit` messages before a seq (or of all) and after another, oldest first."""
        conditions = [MessageRow.conversation_id == conversation, MessageRow.seq > after]
        if before is not None:
            conditions.append(MessageRow.seq < before)
        rows = await self.connection.execute(
            select(MessageRow, AnswerRow, MarkRow.reason, MarkRow.comment)
            .outerjoin(AnswerRow, AnswerRow.message_id == MessageRow.id)
            .outerjoin(MarkRow, MarkRow.message_id == MessageRow.id)
            .where(*conditions)
            .order_by(MessageRow.seq.desc())
            .limit(limit)
        )
        return [_turn(row) for row in rows][::-1]

    async def visit_of(self, conversation: UUID) -> dict[str, Any]:
        """The page of the site from which a widget's customer wrote: url, title, ref; empty for others."""
        found = await self.connection.scalar(
            text("SELECT page FROM visitors WHERE conversation_id = :id ORDER BY seen_at DESC LIMIT 1"),
            {"id": conversation},
        )
        return dict(found or {})

    async def seen(self, reader: UUID, conversation: UUID, seq: int) -> None:
        """Notes how far somebody has read; never back."""
        statement = upsert(ReadRow).values(user_id=reader, conversation_id=conversation, seq=seq)
        await self.connection.execute(
            statement.on_conflict_do_update(
                index_elements=["user_id", "conversation_id"],
                set_={"seq": func.greatest(ReadRow.seq, statement.excluded.seq)},
            )
        )

    async def person_of(self, id: UUID) -> Staff | None:
        """A manager or administrator who may act."""
        from appliance.store.staff import STAFF, staff

        may = and_(UserRow.id == id, UserRow.role.in_(STAFF), UserRow.disabled_at.is_(None))
        row = (await self.connection.execute(select(UserRow).where(may))).first()
        return staff(row) if row else None

    async def _conditions(self, reader: UUID, wanted: Wanted) -> list[ColumnElement[bool]]:
        conditions = [*_by_owner(reader, wanted.owner), *_by_figure(wanted.which)]
        if wanted.since:
            conditions.append(ConversationRow.updated_at >= wanted.since)
        answered = [AnswerRow.route == wanted.route] if wanted.route else []
        if wanted.nothing:
            answered.append(AnswerRow.nothing_found.is_(True))
        if answered:
            conditions.append(exists().where(_here(MessageRow), AnswerRow.message_id == MessageRow.id, *answered))
        if wanted.rating:
            conditions.append(exists().where(_here(MessageRow), MessageRow.rating == wanted.rating))
        if wanted.lead:
            has = exists().where(_here(LeadRow))
            conditions.append(has if wanted.lead == "yes" else ~has)
        if wanted.bad:
            conditions.append(exists().where(_here(MarkRow)))
        if wanted.words:
            conditions.append(ConversationRow.id.in_(await self._said(wanted.words)))
        return conditions

    async def _said(self, words: str) -> Any:
        """The dialogues in which these words were said, or of whose customer they are known."""
        words = words[:LONGEST]
        like = f"%{escaped(words)}%"
        queries = [
            select(MessageRow.conversation_id).where(await self._matches(words)),
            select(LeadRow.conversation_id).where(or_(*(getattr(LeadRow, name).ilike(like) for name in REACH))),
            select(ConversationRow.id)
            .join(UserRow, UserRow.id == ConversationRow.user_id)
            .where(UserRow.name.ilike(like)),
        ]
        return union(*queries)

    async def _matches(self, words: str) -> ColumnElement[bool]:
        """By stems, and where PostgreSQL has trigrams also by any part of a word or number."""
        asked = func.websearch_to_tsquery("russian", words).op("||")(func.websearch_to_tsquery("english", words))
        by_stem: ColumnElement[bool] = literal_column(WORDS).op("@@")(asked)
        if len(words) < SHORTEST or not await self.connection.scalar(
            text("SELECT to_regclass('ix_messages_trigrams')")
        ):
            return by_stem
        return or_(by_stem, MessageRow.text.ilike(f"%{escaped(words)}%"))

    async def _excerpts(self, ids: Sequence[UUID], words: str) -> dict[UUID, str]:
        rows = await self.connection.execute(
            select(MessageRow.conversation_id, func.left(MessageRow.text, EXCERPT * 4).label("said"))
            .ext(distinct_on(MessageRow.conversation_id))
            .where(MessageRow.conversation_id.in_(ids), await self._matches(words[:LONGEST]))
            .order_by(MessageRow.conversation_id, MessageRow.seq.desc())
        )
        return {row.conversation_id: _around(row.said, words) for row in rows}


LINES = f"""
    SELECT c.id, c.channel, c.lang, c.owner, c.agent_id, c.updated_at, c.last_seq,
           COALESCE(agent.name, '') AS agent_name,
           COALESCE(NULLIF(lead.name, ''), customer.name, '') AS customer,
           COALESCE(last.role, '') AS role, COALESCE(left(last.text, {EXCERPT}), '') AS text,
           COALESCE(lead.status, '') AS lead,
           (SELECT min(rating) FROM messages WHERE conversation_id = c.id AND rating IS NOT NULL) AS rating,
           EXISTS (SELECT 1 FROM marks WHERE conversation_id = c.id) AS bad,
           CASE WHEN c.owner = 'queue' OR c.agent_id = :reader THEN
             (SELECT count(*) FROM messages WHERE conversation_id = c.id AND role = 'user'
              AND seq > COALESCE((SELECT seq FROM reads WHERE user_id = :reader AND conversation_id = c.id), 0))
           ELSE 0 END AS unread
    FROM conversations AS c
    LEFT JOIN users AS agent ON agent.id = c.agent_id
    LEFT JOIN users AS customer ON customer.id = c.user_id
    LEFT JOIN LATERAL (SELECT role, text FROM messages WHERE conversation_id = c.id
                       AND role <> 'system' AND kind NOT IN ('cards', 'quick') AND (text <> '' OR role = 'user')
                       ORDER BY seq DESC LIMIT 1) AS last ON true
    LEFT JOIN LATERAL (SELECT name, status FROM leads WHERE conversation_id = c.id
                       ORDER BY closed_at DESC NULLS FIRST, created_at DESC LIMIT 1) AS lead ON true
    WHERE c.id = ANY(:ids)
    ORDER BY c.updated_at DESC, c.id DESC
"""  # noqa: S608 - put together from constants


def _by_owner(reader: UUID, owner: str) -> list[ColumnElement[bool]]:
    mine = and_(ConversationRow.owner == Owner.AGENT, ConversationRow.agent_id == reader)
    match owner:
        case "":
            return []
        case "mine":
            return [mine]
        case "needs":
            return [or_(ConversationRow.owner == Owner.QUEUE, mine)]
        case _:
            return [ConversationRow.owner == owner]


def _by_figure(which: DialogueFilter) -> list[ColumnElement[bool]]:
    """A channel and a language are read where they stand; all else by the digests that the figures count."""
    alone = [
        column == value
        for column, value in ((ConversationRow.channel, which.channel), (ConversationRow.lang, which.lang))
        if value
    ]
    if not replace(which, channel="", lang=""):
        return alone
    return [ConversationRow.id.in_(dialogues(which))]


def _here(table: Any) -> ColumnElement[bool]:
    here: ColumnElement[bool] = table.conversation_id == ConversationRow.id
    return here


def escaped(words: str) -> str:
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _around(said: str, words: str) -> str:
    """The piece of a message that holds the first of the words, or its beginning."""
    first = words.split()[0].strip('"-').lower()[:5] if words.split() else ""
    place = max(said.lower().find(first) - 60, 0) if first else 0
    piece = said[place : place + EXCERPT]
    return f"…{piece}" if place else piece


def _dialogue(row: Any) -> Dialogue:
    return Dialogue(
        id=row.id, channel=row.channel, lang=row.lang, owner=Owner(row.owner), agent=row.agent_id,
        agent_name=row.agent_name, customer=row.customer, at=row.updated_at, role=row.role, text=row.text,
        messages=row.last_seq, unread=row.unread, lead=row.lead, rating=row.rating, bad=row.bad,
    )  # fmt: skip


def _turn(row: Any) -> Turn:
    message = Message(
        id=row.id, conversation=row.conversation_id, seq=row.seq, role=row.role, kind=row.kind, text=row.text,
        payload=row.payload, at=row.at, answered_by=row.answered_by,
    )  # fmt: skip
    answer = None
    if row.message_id is not None:
        answer = Answer(
            route=row.route, rung=row.rung, lang=row.lang, nothing=row.nothing_found, sources=tuple(row.sources),
            catalog_version=row.catalog_version, prompt_version=row.prompt_version, model=row.model,
            blocked=row.blocked, stages=row.stages,
        )  # fmt: skip
    return Turn(message=message, rating=row.rating, answer=answer, mark=row.reason or "", comment=row.comment or "")
