"""What leaves the desk as a file: leads, dialogues, answers to review, quotations. Who took it is in the audit log."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

from appliance.core.types import Role, Staff
from appliance.desk.base import Gone, Part, Within, must_be
from appliance.desk.inbox import Inbox, Whole
from appliance.paper.lines import rows_csv
from appliance.paper.pdf import pdf
from appliance.paper.rows import rows_book
from appliance.paper.sheet import Letterhead, file_name
from appliance.paper.workbook import xlsx
from appliance.quotes import Document
from appliance.store.inbox import Place, Turn
from appliance.store.notes import BadAnswer
from appliance.store.pipeline import LeadLine, Sought
from appliance.store.store import Store

__all__ = ["Document", "Files"]

Words: TypeAlias = Callable[[str], str]  # id of a column, a status, a role -> words in the reader's language
Table: TypeAlias = Literal["xlsx", "csv"]
Form: TypeAlias = Literal["txt", "xlsx", "json"]

MOST = 20_000  # leads or answers of a file
KINDS = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "pdf": "application/pdf",
    "txt": "text/plain; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
LEADS = ("created", "status", "outcome", "name", "phone", "email", "company", "need", "source", "channel", "lang",
         "assigned", "call_at", "closed", "quotes", "conversation")  # fmt: skip
LEADS_WIDTHS = (17, 14, 14, 24, 18, 26, 26, 60, 12, 12, 8, 18, 17, 17, 10, 38)
TURNS = ("at", "who", "text", "sources", "prompt_version", "model", "rung", "route", "rating", "mark")
TURNS_WIDTHS = (20, 14, 90, 30, 18, 24, 12, 18, 10, 18)


class Files(Part):
    """The part of the desk that hands out files. `zone` is that of the times in them."""

    def __init__(
        self, *, store: Store | Within, posted: Collection[str] = (), head: Letterhead | None = None, zone: str = "UTC"
    ) -> None:
        super().__init__(store=store, posted=posted)
        self._inbox = Inbox(store=store, posted=posted)
        self._head, self._zone = head or Letterhead(), ZoneInfo(zone)

    async def leads(self, actor: Staff, sought: Sought, form: Table, words: Words) -> Document:
        """All leads that fit, as a table to work with."""
        must_be(actor, Role.MANAGER)
        lines: list[LeadLine] = []
        async with self._store.transaction() as tx:
            while page := await tx.leads(actor.id, sought, after=_after(lines)):
                lines += page
                if len(lines) >= MOST:
                    break
            after = {"count": len(lines), "form": form}
            await tx.log_act(user=actor.id, action="leads.export", subject="leads", after=after)
        rows = [self._lead(line, words) for line in lines]
        return await self._table("leads", form, [words(name) for name in LEADS], rows, LEADS_WIDTHS)

    async def dialogue(self, actor: Staff, conversation: UUID, form: Form, words: Words) -> Document:
        """One dialogue. Raises `Gone`."""
        must_be(actor, Role.MANAGER)
        whole = await self._inbox.whole(actor, conversation)
        name = f"dialogue-{str(conversation)[:8]}"
        match form:
            case "txt":
                return _document(name, form, self._letter(whole, words).encode())
            case "json":
                plain = json.dumps(_plain(whole), ensure_ascii=False, indent=2)
                return _document(name, form, plain.encode())
            case "xlsx":
                rows = [self._turn(turn, words) for turn in whole.turns if _says(turn)]
                return await self._table(name, form, [words(name) for name in TURNS], rows, TURNS_WIDTHS)

    async def to_review(self, actor: Staff, *, settled: bool = False) -> Document:
        """The marked answers with what was asked, one JSON object a line: a set to evaluate the assistant by."""
        must_be(actor, Role.MANAGER)
        bad: list[BadAnswer] = []
        async with self._store.transaction() as tx:
            while page := await tx.bad_answers(settled=settled, after=_behind(bad)):
                bad += page
                if len(bad) >= MOST:
                    break
            await tx.log_act(user=actor.id, action="review.export", subject="review", after={"count": len(bad)})
        lines = "".join(json.dumps(_case(one), ensure_ascii=False) + "\n" for one in bad)
        return _document("review", "jsonl", lines.encode())

    async def quotation(self, actor: Staff, quote: UUID, form: Literal["pdf", "xlsx"]) -> Document:
        """A quotation's paper, as the customer got it. Raises `Gone`."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            found = await tx.quote(quote)
        if found is None:
            raise Gone("There is no such quotation; it may have been erased.")
        contents = await asyncio.to_thread(pdf if form == "pdf" else xlsx, found, self._head)
        return Document(name=file_name(found, form), kind=KINDS[form], contents=contents)

    async def _table(
        self, name: str, form: Table, headings: Sequence[str], rows: Sequence[Sequence[object]], widths: Sequence[int]
    ) -> Document:
        if form == "csv":
            return _document(name, form, await asyncio.to_thread(rows_csv, headings, rows))
        return _document(name, form, await asyncio.to_thread(rows_book, headings, rows, widths=widths))

    def _lead(self, line: LeadLine, words: Words) -> list[object]:
        return [
            self._moment(line.created), words(f"status_{line.status}"),
            words(f"outcome_{line.outcome}") if line.outcome else "", line.name, line.phone, line.email, line.company,
            line.need, words(f"source_{line.source}"), line.channel, line.lang, line.assigned_name,
            self._moment(line.call_at), self._moment(line.closed), line.quotes, str(line.conversation or ""),
        ]  # fmt: skip

    def _turn(self, turn: Turn, words: Words) -> list[object]:
        answer = turn.answer
        about = (
            [", ".join(answer.sources), answer.prompt_version, answer.model, answer.rung, answer.route]
            if answer
            else [""] * 5
        )
        at = self._moment(turn.message.at)
        return [at, words(f"role_{turn.message.role}"), _said(turn), *about, turn.rating or "", turn.mark]

    def _letter(self, whole: Whole, words: Words) -> str:
        about = whole.dossier.dialogue
        head = f"{about.customer or words('nobody')} · {about.channel} · {about.lang}"
        lines = [
            f"[{self._moment(turn.message.at)}] {words(f'role_{turn.message.role}')}: {_said(turn)}"
            for turn in whole.turns
            if _says(turn)
        ]
        return "\n".join([head, "", *lines, ""])

    def _moment(self, at: datetime | None) -> str:
        return at.astimezone(self._zone).strftime("%Y-%m-%d %H:%M:%S") if at else ""


def _document(name: str, form: str, contents: bytes) -> Document:
    return Document(name=f"{name}.{form}", kind=KINDS[form], contents=contents)


def _after(lines: Sequence[LeadLine]) -> Place | None:
    return Place(at=lines[-1].updated, id=lines[-1].id) if lines else None


def _behind(bad: Sequence[BadAnswer]) -> Place | None:
    return Place(at=bad[-1].at, id=bad[-1].message) if bad else None


def _says(turn: Turn) -> bool:
    return bool(_said(turn))


def _said(turn: Turn) -> str:
    """What somebody reads of a message: its words, the goods of its cards, the values of a form."""
    message = turn.message
    match message.kind:
        case "cards":
            return "\n".join(f"[{item['sku']}] {item['name']}" for item in message.payload.get("items", ()))
        case "form" if message.role == "user":
            values = message.payload.get("values") or {}
            return "; ".join(f"{name}: {value}" for name, value in values.items() if value) or message.text
        case "quick" | "form" | "state" if message.role != "user":
            return ""
        case _:
            return message.text


def _plain(whole: Whole) -> dict[str, Any]:
    about = whole.dossier.dialogue
    return {
        "id": str(about.id), "channel": about.channel, "lang": about.lang, "customer": about.customer,
        "page": whole.dossier.page, "messages": [_message(turn) for turn in whole.turns],
    }  # fmt: skip


def _message(turn: Turn) -> dict[str, Any]:
    said, answer = turn.message, turn.answer
    about = {
        "seq": said.seq, "at": said.at.isoformat(), "role": said.role, "kind": said.kind, "text": said.text,
        "payload": dict(said.payload), "rating": turn.rating, "bad": turn.mark, "comment": turn.comment,
    }  # fmt: skip
    if answer:
        about["answer"] = {
            "route": answer.route, "rung": answer.rung, "nothing_found": answer.nothing,
            "sources": list(answer.sources), "catalog_version": answer.catalog_version,
            "prompt_version": answer.prompt_version, "model": answer.model, "stages": dict(answer.stages),
        }  # fmt: skip
    return about


def _case(bad: BadAnswer) -> dict[str, Any]:
    return {
        "question": bad.question, "answer": bad.answer, "reason": bad.reason, "comment": bad.comment,
        "lang": bad.lang, "route": bad.route, "rung": bad.rung, "sources": list(bad.sources),
        "catalog_version": bad.catalog_version, "prompt_version": bad.prompt_version, "model": bad.model,
        "said_at": bad.said_at.isoformat(), "conversation": str(bad.conversation), "message": str(bad.message),
    }  # fmt: skip
