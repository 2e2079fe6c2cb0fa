"""Dialogues as managers read them: found, read whole, noted upon, and their bad answers kept for review."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from appliance.core.filters import DialogueFilter
from appliance.core.types import Owner, Role, Staff
from appliance.desk.base import Gone, Part, must_be
from appliance.store.inbox import Answer, Dialogue, Place, Tally, Turn, Wanted
from appliance.store.notes import Act, BadAnswer, Note
from appliance.store.pipeline import LeadLine

__all__ = [
    "REASONS", "Act", "Answer", "BadAnswer", "Dialogue", "DialogueFilter", "Dossier", "Inbox", "LeadLine",
    "Note", "Owner", "Place", "Tally", "Turn", "Wanted", "Whole",
]  # fmt: skip

REASONS = ("wrong_goods", "wrong_fact", "not_understood", "language", "tone", "other")  # why an answer is bad
LONGEST_NOTE = 4000  # characters
MOST = 2000  # messages of a dialogue that leave as a file; longer ones are cut at their beginning


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """All that stands beside a transcript."""

    dialogue: Dialogue
    page: str  # of the site where the customer wrote, if any
    leads: tuple[LeadLine, ...]
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A dialogue to be handed on as a file."""

    dossier: Dossier
    turns: tuple[Turn, ...]


class Inbox(Part):
    """The part of the desk where dialogues are read."""

    async def page(self, actor: Staff, wanted: Wanted, *, after: Place | None = None) -> list[Dialogue]:
        """At most fifty dialogues, newest first."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            return await tx.dialogues(actor.id, wanted, after=after)

    async def lines(self, actor: Staff, ids: Sequence[UUID]) -> list[Dialogue]:
        """The same dialogues as they are now."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            return await tx.dialogue_lines(actor.id, ids)

    async def tally(self, actor: Staff) -> Tally:
        """How many wait for a manager, and for this one."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            return await tx.tally(actor.id)

    async def dossier(self, actor: Staff, conversation: UUID) -> Dossier:
        """Raises `Gone`."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            lines = await tx.dialogue_lines(actor.id, [conversation])
            if not lines:
                raise Gone("There is no such dialogue; it may have been erased.")
            visit = await tx.visit_of(conversation)
            return Dossier(
                dialogue=lines[0],
                page=str(visit.get("url", "")),
                leads=tuple(await tx.lead_lines_of(conversation)),
                notes=tuple(await tx.notes(conversation)),
            )

    async def transcript(
        self, actor: Staff, conversation: UUID, *, before: int | None = None, after: int = 0
    ) -> list[Turn]:
        """At most fifty messages: the last of all, or those before a seq, or after one; oldest first."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            return await tx.transcript(conversation, before=before, after=after)

    async def seen(self, actor: Staff, conversation: UUID, seq: int) -> None:
        """The actor has read so far."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            await tx.seen(actor.id, conversation, seq)

    async def note(self, actor: Staff, conversation: UUID, words: str) -> None:
        """Keeps a note for colleagues; customers never see it. Raises `Gone`."""
        must_be(actor, Role.MANAGER)
        words = words.strip()[:LONGEST_NOTE]
        if not words:
            return
        async with self._store.transaction() as tx:
            if await tx.conversation(conversation) is None:
                raise Gone("There is no such dialogue; it may have been erased.")
            await tx.add_note(conversation, actor.id, words)
            await self._note(tx, actor, "conversation.note", conversation, after={"note": words})

    async def drop_note(self, actor: Staff, conversation: UUID, note: UUID) -> None:
        """Takes back a note of the actor's own. Raises `Gone`."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            if (words := await tx.drop_note(note, actor.id)) is None:
                raise Gone("This note is not yours, or is gone already.")
            await self._note(tx, actor, "conversation.note_dropped", conversation, before={"note": words})

    async def mark_bad(self, actor: Staff, message: UUID, *, reason: str, comment: str = "") -> None:
        """Puts an answer of the assistant onto the review list. Raises `Gone`, and ValueError for an unknown reason."""
        must_be(actor, Role.MANAGER)
        if reason not in REASONS:
            raise ValueError(f"The reason must be one of {', '.join(REASONS)}.")
        async with self._store.transaction() as tx:
            conversation = await tx.mark_bad(message, actor.id, reason=reason, comment=comment.strip()[:LONGEST_NOTE])
            if conversation is None:
                raise Gone("There is no such answer; it may have been erased.")
            after = {"message": str(message), "reason": reason}
            await self._note(tx, actor, "conversation.mark_bad", conversation, after=after)

    async def unmark(self, actor: Staff, message: UUID) -> None:
        """Takes an answer off the review list again."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            if conversation := await tx.unmark(message):
                before = {"message": str(message)}
                await self._note(tx, actor, "conversation.unmark", conversation, before=before)

    async def bad_answers(
        self, actor: Staff, *, settled: bool = False, reason: str = "", after: Place | None = None
    ) -> list[BadAnswer]:
        """The review list, at most fifty of it, newest first."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            return await tx.bad_answers(settled=settled, reason=reason, after=after)

    async def to_review(self, actor: Staff) -> int:
        """How many marked answers nobody has dealt with."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            return await tx.open_marks()

    async def settle(self, actor: Staff, message: UUID, *, settled: bool = True) -> None:
        """A marked answer has been dealt with, or is open again. Raises `Gone`."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            if not await tx.settle(message, actor.id, settled=settled):
                raise Gone("This answer is on the list no longer.")
            change: dict[str, Any] = {"settled": settled}
            await self._note(tx, actor, "review.settle", message, before={"settled": not settled}, after=change)

    async def history(self, actor: Staff, subject: UUID) -> list[Act]:
        """What was done to a dialogue or a lead, newest first."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            return await tx.acts_on(subject)

    async def whole(self, actor: Staff, conversation: UUID) -> Whole:
        """A dialogue to be handed on as a file; who took it stands in the audit log. Raises `Gone`."""
        dossier = await self.dossier(actor, conversation)
        async with self._store.transaction() as tx:
            turns = await tx.transcript(conversation, limit=MOST)
            await self._note(tx, actor, "conversation.export", conversation)
        return Whole(dossier=dossier, turns=tuple(turns))
