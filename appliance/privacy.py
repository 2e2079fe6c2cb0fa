"""One person's data in one action: found, handed out, or erased everywhere, with a receipt that says what stays.

An erasure is one transaction over dialogues, requests, quotations and all that is owed. What lies outside of it (other
tables that name the same telephone, the logs) is cleaned right after, and once more by the worker: a query tells whom
it still owes that. Backups hold a person until they age out; a restore from one erases them again.
"""

from __future__ import annotations

import asyncio
import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from appliance.backup import Backups
from appliance.core.leads import phones
from appliance.store.privacy import Erasure, Person, pattern_of, values_among
from appliance.store.store import Store

log = structlog.get_logger("privacy")

SETTLED = timedelta(minutes=2)  # after which no line of the person is on its way into a log any more
BLANK = "(erased)"
_TOKEN = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9]{5,}")
_AT = re.compile(rb'"at": ?"([0-9TZ:.+-]{10,40})"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What an erasure did, without a word about whom. `backups` hold them still, the last until about `until`."""

    number: UUID
    at: datetime
    counts: Mapping[str, int]
    consents_kept: int
    log_lines: int
    backups: tuple[str, ...] = ()
    until: datetime | None = None


class PersonalData:
    """The house's rules for what is kept of persons. `region` reads telephones written without a country."""

    def __init__(self, *, store: Store, backups: Backups, region: str = "RU") -> None:
        self._store, self._backups, self._region = store, backups, region

    async def find(self, wanted: str) -> list[Person]:
        """Who may be meant by a telephone, a mail address, a Telegram id, an id of ours, or a name."""
        async with self._store.transaction() as tx:
            return await tx.persons(wanted, phone=phones.e164(wanted, self._region) or "")

    async def of(self, conversation: UUID) -> Person:
        """Whoever had a dialogue, with all that belongs to them."""
        async with self._store.transaction() as tx:
            return await tx.person_behind([conversation])

    async def export(self, person: Person) -> bytes:
        """A zip with `person.json` and a workbook for each area; made beside the event loop."""
        async with self._store.transaction() as tx:
            record = await tx.record(person)
        return await asyncio.to_thread(archive, record)

    async def erase(self, person: Person, *, how: str) -> Receipt:
        """Erases all that is kept of a person, here and now. Raises `StoreUnavailable`; then nothing is erased."""
        async with self._store.transaction() as tx:
            erasure = await tx.erase_person(person, how=how)
        lines = await self._clean(erasure)
        return self._receipt(erasure, lines)

    async def finish(self) -> int:
        """Cleans up after those erased elsewhere, such as by the bot, and after stragglers; gives how many are done.

        May run anywhere and twice: what is cleaned stays clean.
        """
        async with self._store.transaction() as tx:
            owed = await tx.erasures(unfinished=True)
        settled = [erasure for erasure in owed if datetime.now(UTC) - erasure.at > SETTLED]
        for erasure in settled:
            await self._clean(erasure)
            async with self._store.transaction() as tx:
                await tx.erasure_finished(erasure.id)
        return len(settled)

    async def erasures(self) -> list[Receipt]:
        """The last ones, as receipts."""
        async with self._store.transaction() as tx:
            return [self._receipt(erasure, 0) for erasure in await tx.erasures()]

    async def _clean(self, erasure: Erasure) -> int:
        async with self._store.transaction() as tx:
            await tx.clean_traces(erasure)
        await asyncio.to_thread(self._backups.forget, erasure.ids, erasure.at)
        return await asyncio.to_thread(blank_lines, log_files(self._backups.home), erasure.needles)

    def _receipt(self, erasure: Erasure, lines: int) -> Receipt:
        holding = self._backups.holding(erasure.at)
        return Receipt(
            number=erasure.id,
            at=erasure.at,
            counts=dict(erasure.counts),
            consents_kept=len(erasure.consents),
            log_lines=lines,
            backups=tuple(one.id for one in holding),
            until=max(one.created for one in holding) + self._backups.keep.longest if holding else None,
        )


def archive(record: Mapping[str, Sequence[Mapping[str, Any]]]) -> bytes:
    """The record of a person as a zip: one JSON file for machines, a workbook for each area for people."""
    from appliance.paper.rows import rows_book  # what draws tables is no part of the chat's start

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("person.json", json.dumps(record, ensure_ascii=False, indent=1))
        for area, rows in record.items():
            if rows:
                columns = list(dict.fromkeys(name for row in rows for name in row))
                table = ([_shown(row.get(column)) for column in columns] for row in rows)
                file.writestr(f"{area}.xlsx", rows_book(columns, table, widths=[24] * len(columns)))
    return stream.getvalue()


def log_files(home: Path) -> list[Path]:
    """The logs on this box: ours with those set aside, and the own database's."""
    folders = [(home / "logs", "*.log*"), (home / "postgres", "server.log*")]
    return [file for folder, names in folders for file in sorted(folder.glob(names)) if file.is_file()]


def blank_lines(files: Iterable[Path], needles: Iterable[str]) -> int:
    """Writes over each line that names one of the needles, byte for byte; gives how many lines.

    Nothing is moved, so whoever appends to the file meanwhile goes on undisturbed.
    """
    wanted = list(needles)
    tokens = {needle.encode() for needle in wanted}
    pattern = pattern_of(values_among(wanted))
    values = re.compile(pattern, re.IGNORECASE) if pattern else None
    done = 0
    for file in files:
        try:
            with file.open("r+b") as stream:
                for start, line in list(_lines_of(stream, tokens, values)):
                    stream.seek(start)
                    stream.write(_blank(line))
                    done += 1
        except OSError as error:
            log.warning("privacy.log_not_cleaned", file=str(file), why=error.strerror)
    return done


def _lines_of(stream: Any, tokens: set[bytes], values: re.Pattern[str] | None) -> Iterator[tuple[int, bytes]]:
    start = 0
    for line in stream:
        named = any(found[0] in tokens for found in _TOKEN.finditer(line))
        if line.endswith(b"\n") and (named or (values and values.search(line.decode("utf-8", "replace")))):
            yield start, line
        start += len(line)


def _blank(line: bytes) -> bytes:
    """As long as the line: a record of the log without contents, or plain words where that does not fit."""
    at = _AT.search(line)
    record = json.dumps({"at": at[1].decode(), "text": BLANK}) if at else BLANK
    room = len(line) - 1
    text = record if len(record) <= room else "{}" if room > 1 else ""
    return text.encode().ljust(room) + b"\n"


def _shown(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
