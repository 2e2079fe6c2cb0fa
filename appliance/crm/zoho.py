"""Leads into Zoho CRM: one record a lead whatever happens on the way, and all that comes later as notes on it.

A record is made by upsert on a field of ours that holds no value twice, so that a request whose answer was lost may
be repeated. A person whom Zoho knows already gets no second record: the lead is joined to theirs as a note. Fields
that people in Zoho may have changed are never overwritten; only what is empty there is filled in.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import structlog

from appliance.core.leads import phones
from appliance.crm.base import Case, CrmClosed, CrmRefused, Note, Receipt
from appliance.crm.mapping import CONTACTS, filled, only
from appliance.crm.words import word
from appliance.crm.zoho_api import Duplicate, NoRecord, ZohoApi

log = structlog.get_logger("zoho")

WHO = ("name", "phone", "email", "company")
LEAST = 2  # characters of a value that a search takes


class Zoho:
    """`mapping` is Zoho's field -> ours; `key` Zoho's field that holds the lead's key, and no value twice."""

    kind = "zoho"

    def __init__(
        self,
        *,
        api: ZohoApi,
        mapping: Mapping[str, str],
        key: str,
        lengths: Mapping[str, int] | None = None,
        same_person: Literal["note", "record"] = "note",
        region: str = "RU",
        lang: str = "en",
    ) -> None:
        """`same_person`: what becomes of a lead of somebody whom Zoho knows, a note on their record or one more."""
        self._api, self._mapping, self._key = api, dict(mapping), key
        self._lengths = lengths or {}
        self._joins = same_person == "note"
        self._region, self._lang = region, lang

    async def push(self, case: Case) -> Receipt:
        try:
            if case.known.remote:
                return await self._update(case)
        except NoRecord:  # deleted, or made a contact and a deal: the lead is a new one again
            log.info("zoho.record_gone", lead=str(case.lead.id), record=case.known.remote)
        ours, theirs = await self._find(case)
        with contextlib.suppress(NoRecord):  # found by an index that does not know yet
            if ours:
                return await self._refresh(case, ours)
            if theirs:
                return await self._join(case, str(theirs["id"]))
        return await self._make(case)

    async def erase(self, remote: str, key: str) -> None:
        with contextlib.suppress(NoRecord):
            record = await self._api.record(remote)
            if record.get(self._key) == key:
                await self._api.delete(remote)
                return
            for note in await self._api.notes(remote):  # of a person whom Zoho knew before: only what came from us
                if f"[{key[:8]}" in str(note.get("Note_Title")):
                    await self._api.delete_note(remote, str(note["id"]))

    async def test(self) -> str:
        return await self._api.organisation()

    async def close(self) -> None:
        """The connections belong to whoever made them."""

    async def _make(self, case: Case) -> Receipt:
        try:
            return Receipt(remote=await self._api.upsert(self._record(case), unique=self._key), outcome="created")
        except Duplicate as error:
            return await self._after(case, error)
        except CrmRefused as error:
            if error.why.get("field") == self._key:
                raise CrmClosed("nokey", field=self._key) from error
            raise
        except NoRecord as error:
            raise CrmRefused("invalid", field="id") from error

    async def _update(self, case: Case) -> Receipt:
        """What came since: contacts into fields that are empty, everything as a note. Raises `NoRecord`."""
        id = case.known.remote
        learned = {name: text for name, text in case.values.items() if text and not case.known.sent.get(name)}
        fields = filled(self._contact_fields(learned), learned, self._lengths)
        if fields:
            stands = await self._api.record(id)
            if empty := {name: text for name, text in fields.items() if not stands.get(name)}:
                await self._api.update(id, empty)
        if case.note:
            await self._tell(id, case.note, again=case.again)
        return Receipt(remote=id, outcome="updated" if fields or case.note else "same")

    async def _find(self, case: Case) -> tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]:
        """The record of this lead itself, and that of the same person.

        The search's index lags behind what was written, so COQL is asked where a moment ago something may have been:
        after an attempt whose end is unknown, and when another lead of this person has just gone there.
        """
        wanted = {field: case.values[mine] for mine in CONTACTS if self._joins
                  for field in only(self._mapping, (mine,)) if len(case.values.get(mine, "")) >= LEAST}  # fmt: skip
        if case.again:
            wanted[self._key] = case.key
        if not wanted:
            return None, None
        fields = list({self._key, *only(self._mapping, (*CONTACTS, "last_name", "company"))})
        if case.again or case.lately:
            rows = await self._api.query(wanted, fields)
        else:
            rows = await self._api.search(wanted, fields)
        ours = next((row for row in rows if row.get(self._key) == case.key), None)
        return ours, next((row for row in rows if self._same_person(row, case)), None)

    def _same_person(self, row: Mapping[str, Any], case: Case) -> bool:
        """Zoho's `equals` also finds parts of values: the phone or the address must be the very same."""
        for field in only(self._mapping, ("phone",)):
            given = str(row.get(field) or "")
            mine = case.values.get("phone", "")
            if mine and given and mine in (given, phones.e164(given, self._region)):
                return True
        for field in only(self._mapping, ("email",)):
            given = str(row.get(field) or "").strip().casefold()
            if given and given == case.values.get("email", "").casefold():
                return True
        return False

    async def _refresh(self, case: Case, row: Mapping[str, Any]) -> Receipt:
        """An attempt before this one made the record; what has changed since is brought up to date."""
        id, record = str(row["id"]), self._record(case)
        if any(record.get(name, "") != (row.get(name) or "") for name in row if name not in ("id", self._key)):
            await self._api.update(id, {name: text for name, text in record.items() if name != self._key})
        return Receipt(remote=id, outcome="created")

    async def _join(self, case: Case, id: str) -> Receipt:
        """The lead as a note on the record of the same person."""
        title = f"{word('note_joined', self._lang)} [{case.key[:8]}]"
        who = [word(f"note_{name}", self._lang, value=text) for name in WHO if (text := str(getattr(case.lead, name)))]
        text = "\n".join([*who, case.values.get("summary", "")])
        note = Note(title=title, text=text, mark=f"[{case.key[:8]}]")
        await self._tell(id, note, again=case.again)
        return Receipt(remote=id, outcome="joined")

    async def _after(self, case: Case, error: Duplicate) -> Receipt:
        """Zoho keeps a field of the mapping unique, too, and another record has this value."""
        with contextlib.suppress(NoRecord):
            if error.record and self._joins:
                return await self._join(case, error.record)
        raise CrmRefused("duplicate", field=error.field) from error

    async def _tell(self, id: str, note: Note, *, again: bool) -> None:
        """Adds a note, once: its mark shows whether an attempt before this one did. Raises `NoRecord`."""
        if again and any(note.mark in str(row.get("Note_Title")) for row in await self._api.notes(id)):
            return
        await self._api.add_note(id, note.title, note.text)

    def _record(self, case: Case) -> dict[str, str]:
        return {**filled(self._mapping, case.values, self._lengths), self._key: case.key}

    def _contact_fields(self, names: Sequence[str] | Mapping[str, str]) -> dict[str, str]:
        """The part of the mapping that tells who somebody is, as far as these fields of ours are new."""
        who = ("first_name", "last_name", "name", "company", *CONTACTS)
        return {field: mine for field, mine in self._mapping.items() if mine in who and mine in names}


def checked_key(fields: Mapping[str, Any], key: str) -> None:
    """Raises `CrmClosed` where the key's field is missing or may hold the same value twice."""
    field = fields.get(key)
    if field is None or not field.unique:
        raise CrmClosed("nokey", field=key)
