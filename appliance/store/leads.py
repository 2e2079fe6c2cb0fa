"""Leads in the database: at most one that is open for a conversation, raised step by step and never doubled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.core.leads import LONGEST_NEED, Contacts
from appliance.core.types import Lead
from appliance.store import sample
from appliance.store.plain import cards_plain, memory_from
from appliance.store.tables import AnswerRow, ConsentRow, ConversationRow, LeadRow, MessageRow

PRODUCTS = 10  # cards that a lead remembers
ABOUT = ("product_search", "company", "contact")  # routes that show a need; small talk makes no lead


class Status(StrEnum):
    """The course of a lead."""

    DRAFT = "draft"  # contacts that the customer has not confirmed yet
    PARTIAL = "partial"  # the customer fell silent before that
    NEW = "new"  # confirmed, or sent by the form
    TAKEN = "taken"
    LATER = "later"  # to be called back
    DONE = "done"


NOBODY = dict.fromkeys(("name", "phone", "email", "company"), "")  # contacts that nobody has agreed to pass on
RISING = (Status.DRAFT, Status.PARTIAL, Status.NEW, Status.TAKEN, Status.LATER, Status.DONE)


class News(StrEnum):
    """What writing a lead changed for the managers."""

    NONE = "none"
    RAISED = "raised"  # there is a lead that they have not heard of
    MORE = "more"  # they know it, and now there is more to know


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """A customer's word on the processing of their data, and to which text."""

    version: str
    given: bool
    lang: str = ""
    how: str = "talk"


class Leads:
    """The part of a transaction that knows leads."""

    connection: AsyncConnection

    async def keep_lead(
        self, conversation: UUID, contacts: Contacts, *, status: Status, source: str, consent: Consent | None = None
    ) -> tuple[Lead, News]:
        """Writes into the conversation's open lead, or a new one; its status only ever rises here.

        Contacts that the customer has not agreed to pass on stay in a draft: they are not written into a lead that
        managers see, and do not rise with the draft that held them.
        """
        here = await self._lock(conversation)
        open_ = await self._open_lead(conversation)
        before = Status(open_.status) if open_ else Status.DRAFT
        now = max(before, status, key=RISING.index)
        values: dict[str, Any] = {
            **_written(contacts, status, before=before),
            "status": now,
            "lang": here.lang,
            "until_seq": here.last_seq,
            "updated_at": func.clock_timestamp(),
        }
        if consent and consent.given:
            values |= {"consent_version": consent.version, "consent_at": func.clock_timestamp()}
        if not contacts.need and not (open_ and open_.need):
            values["need"] = await self._need(conversation)
        values["products"] = cards_plain(memory_from(here.memory).shown)[:PRODUCTS] or (open_.products if open_ else [])
        if open_:
            known = {name: getattr(open_, name) for name in _texts(contacts)}
            row = await self._one(update(LeadRow).where(LeadRow.id == open_.id).values(**values))
            more = any(values.get(name, old) != old for name, old in known.items())
        else:
            row = await self._one(insert(LeadRow).values(conversation_id=conversation, source=source, **values))
            more = False
        if consent:
            await self.keep_consent(conversation, consent)
        if now in (Status.PARTIAL, Status.NEW) and now is not before:
            return lead(row), News.RAISED
        return lead(row), News.MORE if more and now is not Status.DRAFT else News.NONE

    async def drop_contacts(self, conversation: UUID) -> UUID | None:
        """Forgets contacts that the customer did not agree to pass on; gives the lead that managers see changed."""
        open_ = LeadRow.conversation_id == conversation, LeadRow.closed_at.is_(None)
        await self.connection.execute(delete(LeadRow).where(*open_, LeadRow.status == Status.DRAFT))
        return await self.connection.scalar(
            update(LeadRow)
            .where(*open_, LeadRow.consent_version == "", or_(*(getattr(LeadRow, name) != "" for name in NOBODY)))
            .values(**NOBODY, updated_at=func.clock_timestamp())
            .returning(LeadRow.id)
        )

    async def keep_consent(self, conversation: UUID, consent: Consent) -> None:
        await self.connection.execute(
            insert(ConsentRow).values(
                conversation_id=conversation, version=consent.version, given=consent.given, lang=consent.lang,
                how=consent.how,
            )
        )  # fmt: skip

    async def idle(self, after: timedelta, *, limit: int = 100) -> list[UUID]:
        """Conversations that fell silent `after` ago with a need that no lead accounts for yet."""
        rows = await self.connection.execute(
            text(
                """SELECT id FROM conversations AS c
                   WHERE owner = 'bot' AND updated_at < clock_timestamp() - make_interval(secs => :seconds)
                     AND updated_at > clock_timestamp() - make_interval(secs => :seconds) - interval '14 days'
                     AND id NOT BETWEEN :first AND :last
                     AND EXISTS (SELECT 1 FROM messages AS asked JOIN answers ON answers.message_id = asked.answered_by
                                 WHERE asked.conversation_id = c.id AND asked.role = 'user'
                                   AND answers.route = ANY(:routes)
                                   AND asked.seq > COALESCE((SELECT max(until_seq) FROM leads
                                                             WHERE leads.conversation_id = c.id
                                                               AND leads.status <> 'draft'), 0))
                   ORDER BY updated_at LIMIT :limit FOR UPDATE SKIP LOCKED"""
            ),
            {
                "seconds": after.total_seconds(),
                "routes": list(ABOUT),
                "limit": limit,
                "first": sample.FIRST,
                "last": sample.LAST,
            },  # nobody calls the customers of the sample history
        )
        return [row.id for row in rows]

    async def lead(self, id: UUID) -> Lead | None:
        row = (await self.connection.execute(select(LeadRow).where(LeadRow.id == id))).first()
        return lead(row) if row else None

    async def open_lead(self, conversation: UUID) -> Lead | None:
        row = await self._open_lead(conversation)
        return lead(row) if row else None

    async def move_lead(
        self, id: UUID, *, status: Status, assigned_to: UUID | None = None, call_at: datetime | None = None
    ) -> Lead | None:
        """A manager's decision about a lead that is not closed; None when somebody has closed it."""
        values: dict[str, Any] = {"status": status, "updated_at": func.clock_timestamp(), "call_at": call_at}
        if assigned_to:
            values["assigned_to"] = assigned_to
        if status is Status.DONE:
            values["closed_at"] = func.clock_timestamp()
        rows = await self.connection.execute(
            update(LeadRow).where(LeadRow.id == id, LeadRow.closed_at.is_(None)).values(**values).returning(LeadRow)
        )
        row = rows.first()
        return lead(row) if row else None

    async def announced(self, id: UUID, at: datetime) -> None:
        await self.connection.execute(
            update(LeadRow).where(LeadRow.id == id).values(announced_at=at, escalated_at=None)
        )

    async def unanswered(self, after: timedelta, *, limit: int = 100) -> list[Lead]:
        """Leads that managers heard of `after` ago and nobody took; each is given once, since it is marked here."""
        rows = await self.connection.execute(
            text(
                """UPDATE leads SET escalated_at = clock_timestamp() WHERE id IN
                     (SELECT id FROM leads WHERE status IN ('new', 'partial') AND escalated_at IS NULL
                        AND closed_at IS NULL
                        AND announced_at < clock_timestamp() - make_interval(secs => :seconds)
                      ORDER BY announced_at LIMIT :limit FOR UPDATE SKIP LOCKED)
                   RETURNING *"""
            ),
            {"seconds": after.total_seconds(), "limit": limit},
        )
        return [lead(row) for row in rows]

    async def to_call(self, *, limit: int = 100) -> list[Lead]:
        """Leads whose hour to be called back has come; each is given once."""
        rows = await self.connection.execute(
            text(
                """UPDATE leads SET call_at = NULL, status = 'taken' WHERE id IN
                     (SELECT id FROM leads WHERE status = 'later' AND call_at <= clock_timestamp()
                        AND closed_at IS NULL ORDER BY call_at LIMIT :limit FOR UPDATE SKIP LOCKED)
                   RETURNING *"""
            ),
            {"limit": limit},
        )
        return [lead(row) for row in rows]

    async def _lock(self, conversation: UUID) -> Any:
        """The conversation's row; whoever writes its lead waits for whoever does so already."""
        return (
            await self.connection.execute(
                select(ConversationRow).where(ConversationRow.id == conversation).with_for_update()
            )
        ).one()

    async def _open_lead(self, conversation: UUID) -> Any:
        return (
            await self.connection.execute(
                select(LeadRow).where(LeadRow.conversation_id == conversation, LeadRow.closed_at.is_(None))
            )
        ).first()

    async def _one(self, statement: Any) -> Any:
        return (await self.connection.execute(statement.returning(LeadRow))).one()

    async def _need(self, conversation: UUID) -> str:
        """What the customer asked for, in their own words."""
        asked = await self.connection.scalars(
            select(MessageRow.text)
            .join(AnswerRow, AnswerRow.message_id == MessageRow.answered_by)
            .where(
                MessageRow.conversation_id == conversation,
                MessageRow.role == "user",
                MessageRow.kind == "text",
                AnswerRow.route.in_(["product_search", "company"]),
            )
            .order_by(MessageRow.seq)
            .limit(PRODUCTS)
        )
        return "\n".join(dict.fromkeys(asked))[:LONGEST_NEED]


def lead(row: Any) -> Lead:
    """A row as the house knows it."""
    return Lead(
        id=row.id,
        conversation=row.conversation_id,
        **{name: getattr(row, name) for name in ("name", "phone", "email", "company", "need", "consent_version")},
        source=row.source,
        status=row.status,
        lang=row.lang,
        products=tuple(item["sku"] for item in row.products),
        categories=tuple(dict.fromkeys(item["category"] for item in row.products if item.get("category"))),
        assigned_to=row.assigned_to,
        call_at=row.call_at,
        created=row.created_at,
    )


def _texts(contacts: Contacts) -> dict[str, str]:
    return {name: getattr(contacts, name) for name in ("name", "phone", "email", "company", "need")}


def _written(contacts: Contacts, status: Status, *, before: Status) -> dict[str, str]:
    """What of the contacts goes into a lead that stood at `before`."""
    known = {name: text for name, text in _texts(contacts).items() if text}
    if before is Status.DRAFT:
        return known if status is Status.DRAFT else {**NOBODY, **known}
    return known if status is not Status.DRAFT else {}
