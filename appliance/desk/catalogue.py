"""The catalogue at the desk: lists come in, their columns are put right, versions are tried, go live and come back."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any, Literal
from uuid import UUID

from appliance.core.duty import group
from appliance.core.types import Role, Staff
from appliance.desk.base import Gone, Part, must_be
from appliance.store.audit import Act
from appliance.store.store import Store, Transaction
from appliance.store.uploads import Upload
from catalog.shelf import Shelf, Version
from catalog.workbook import FIELDS, Layout, Layouts

__all__ = ["Act", "CatalogueDesk", "Kept", "NoSpace", "Outcome", "TooLarge", "Upload", "safe_name"]

LIST, BAD_ROWS, LAYOUTS = "list", "bad_rows.xlsx", "layouts.json"  # as `appliance.building` has them
BUFFER = 1 << 20  # bytes written at once: a thread for each small piece would cost more than the writing
PAGE = 50  # lines of a report that a page holds
LONGEST_NAME = 120  # characters of a file's name
LOCK = "counterman catalogue"  # two who activate at once wait for each other

Outcome = Literal["live", "already", "refused", "outdated"]


class TooLarge(Exception):
    """The file is larger than an upload may be. Split it, or import it on the box: `appliance catalog import FILE`."""


class NoSpace(Exception):
    """The file could not be stored: the disk is full, or may not be written. Make room and upload it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A sealed version as people look at it: where it came from, whose it was, whether it is live or was before."""

    name: str
    created: datetime
    products: int
    problems: int
    source: str
    live: bool
    before: bool  # what a roll-back brings back
    upload: UUID | None = None
    author: str = ""


class CatalogueDesk(Part):
    """The part of the desk that brings price lists to customers."""

    fields: Sequence[str] = FIELDS  # what a column may hold; "" is left out

    def __init__(self, *, store: Store, shelf: Shelf, home: Path, limit: int) -> None:
        """`home` is the data folder; `limit` in bytes of one upload."""
        super().__init__(store=store)
        self._shelf = shelf
        self._folder, self._layouts = home / "uploads", home / "catalog" / LAYOUTS
        self.limit = limit
        self._suppliers: tuple[str, list[tuple[str, int]]] = ("", [])

    async def receive(self, actor: Staff, id: UUID, name: str, body: AsyncIterator[bytes], *, lang: str) -> None:
        """Stores a list as it comes in, and has it read. The same `id` again is the same upload.

        Raises `TooLarge` and `NoSpace`; nothing is left behind then.
        """
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            if await tx.upload(id):
                return
        file = safe_name(name)
        folder = self._folder / str(id)
        try:
            size, digest = await self._stored(folder, file, body)
        except BaseException as error:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            if isinstance(error, OSError):
                raise NoSpace from error
            raise
        async with self._store.transaction() as tx:
            await tx.keep_upload(id, file=file, sha256=digest, size=size, author=actor.id, lang=lang)
            await self._note(tx, actor, "catalogue.upload", id, after={"file": file, "bytes": size, "sha256": digest})

    async def _stored(self, folder: Path, file: str, body: AsyncIterator[bytes]) -> tuple[int, str]:
        """The list under its name once it is there as a whole; its size and SHA-256."""
        place = folder / LIST
        aside = folder / f".{os.urandom(8).hex()}.part"  # the same upload twice at once writes two files
        await asyncio.to_thread(place.mkdir, parents=True, exist_ok=True)
        digest, size = hashlib.sha256(), 0
        with await asyncio.to_thread(aside.open, "wb") as out:
            async for piece in _gathered(body):
                size += len(piece)
                if size > self.limit:
                    raise TooLarge
                digest.update(piece)
                await asyncio.to_thread(out.write, piece)
        await asyncio.to_thread(aside.replace, place / file)
        return size, digest.hexdigest()

    async def uploads(self, actor: Staff) -> list[Upload]:
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            return await tx.uploads()

    async def upload(self, actor: Staff, id: UUID) -> Upload:
        """Raises `Gone`."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            return await _there(tx, id)

    async def lines(self, actor: Staff, id: UUID, kind: str, *, offset: int = 0) -> list[dict[str, Any]]:
        """A page of what is told of an upload: problem, added, gone, price, question."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            return await tx.lines(id, kind, offset=max(0, offset), limit=PAGE)

    async def line_counts(self, actor: Staff, id: UUID) -> dict[str, int]:
        """How many lines of each kind can be looked through; the numbers of all are in `Upload.changes`."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            return await tx.count_lines(id)

    async def bad_rows(self, actor: Staff, id: UUID) -> Path:
        """The workbook of the rows that need a hand. Raises `Gone`."""
        must_be(actor, Role.MANAGER)
        file = self._folder / str(id) / BAD_ROWS
        if not await asyncio.to_thread(file.is_file):
            raise Gone("The report of this list was tidied away; upload the list again.")
        return file

    async def photo(self, actor: Staff, version: str, name: str) -> Path | None:
        must_be(actor, Role.MANAGER)
        return await asyncio.to_thread(self._shelf.photo, version, name)

    async def suggested(self, actor: Staff, upload: Upload) -> Upload | None:
        """How the last list of the same layout was taken in."""
        must_be(actor, Role.MANAGER)
        if not upload.layout:
            return None
        async with self._store.transaction() as tx:
            return await tx.alike(upload.layout)

    async def suppliers(self, actor: Staff) -> list[tuple[str, int]]:
        """Those whose goods are in the live version, with how many, the greatest first."""
        must_be(actor, Role.MANAGER)
        return await asyncio.to_thread(self._count_suppliers)

    def _count_suppliers(self) -> list[tuple[str, int]]:
        live = self._shelf.current()
        if live is None:
            return []
        if self._suppliers[0] != live.version:
            counts = Counter(product.source for product in live.products())
            self._suppliers = (live.version, counts.most_common())
        return self._suppliers[1]

    async def groups(self, actor: Staff) -> list[str]:
        """The groups of goods at the head of the live version's categories, by the alphabet."""
        must_be(actor, Role.MANAGER)
        live = await asyncio.to_thread(self._shelf.current)
        return sorted({group(category) for category in live.reader.categories} - {""}) if live else []

    async def map_columns(self, actor: Staff, id: UUID, mapping: Mapping[str, Mapping[str, str]]) -> None:
        """Puts columns right, for this list and all further ones of its layout, and has it read again.

        `mapping`: by fingerprint of a sheet, the fields by column letter. Raises `Gone` while the list is worked on.
        """
        must_be(actor, Role.MANAGER)
        wanted = {
            sheet: {at: name for at, name in fields.items() if name in FIELDS} for sheet, fields in mapping.items()
        }
        async with self._store.transaction() as tx:
            upload = await _there(tx, id)
            await asyncio.to_thread(self._remember, upload, wanted)
            await self._queue(tx, id, "read")
            await self._note(tx, actor, "catalogue.map", id, after={"file": upload.file, "columns": wanted})

    def _remember(self, upload: Upload, wanted: Mapping[str, Mapping[str, str]]) -> None:
        layouts = Layouts.load(self._layouts)
        names = {sheet["fingerprint"]: sheet.get("names", {}) for sheet in upload.found.get("sheets", ())}
        for fingerprint, fields in wanted.items():
            if fields and fingerprint in names:
                layout = Layout(fingerprint=fingerprint, names=names[fingerprint], fields=fields)
                layouts = layouts.with_layout(layout)
        layouts.save(self._layouts)

    async def read_again(self, actor: Staff, id: UUID, options: Mapping[str, Any]) -> None:
        """Reads the list anew with other options (hidden sheets and rows, a currency). Raises `Gone`."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            upload = await _there(tx, id)
            await self._queue(tx, id, "read", options={**upload.options, **options})

    async def build(
        self, actor: Staff, id: UUID, *, how: str = "whole", source: str = "", options: Mapping[str, Any] | None = None
    ) -> None:
        """Has a version built of the list and rehearsed. Raises `Gone` while the list is worked on."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            upload = await _there(tx, id)
            plan = {"how": how, "source": source.strip()[:100], "options": {**upload.options, **(options or {})}}
            await self._queue(tx, id, "build", version="", verdict={}, changes={}, **plan)
            await self._note(tx, actor, "catalogue.build", id, after={"file": upload.file, **plan})

    async def rehearse(self, actor: Staff, id: UUID) -> None:
        """Tries a built version against the one that is live now. Raises `Gone`."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            upload = await _there(tx, id)
            if not upload.version:
                raise Gone("This list has not become a version yet.")
            await self._queue(tx, id, "rehearse")

    async def drop(self, actor: Staff, id: UUID) -> None:
        """Takes a list out of the way; work on it stops, a version that was built stays."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            upload = await _there(tx, id)
            if await tx.drop_upload(id):
                await self._note(tx, actor, "catalogue.drop", id, before={"file": upload.file})

    async def activate(self, actor: Staff, id: UUID, *, force: bool = False) -> Outcome:
        """Puts the version of this list before the customers, in one step.

        "refused" by its rehearsal, unless an administrator forces it (`Forbidden` for others); "outdated" when
        another version went live since the rehearsal. Raises `Gone`, CatalogError.
        """
        must_be(actor, Role.ADMINISTRATOR if force else Role.MANAGER)
        async with self._store.transaction() as tx:
            await tx.alone(LOCK)
            upload = await _there(tx, id)
            if not upload.version or upload.under_way:
                raise Gone("This list is being worked on; wait until it is rehearsed.")
            live = await self._live()
            if live == upload.version:
                return "already"
            refused = upload.verdict.get("verdict", "refuse") == "refuse"
            if not force and upload.against != live:
                return "outdated"
            if not force and refused:
                return "refused"
            after = {"version": upload.version, "file": upload.file, "forced": force and refused}
            await self._logged(tx, actor, "catalogue.activate", upload.version, before={"version": live}, after=after)
            await asyncio.to_thread(self._shelf.publish, upload.version)
        return "live"

    async def roll_back(self, actor: Staff, *, expected: str = "") -> str:
        """Takes the live version back; gives the one that is live now.

        `expected` is the version that the person saw live: where it is not any more, `Gone`, so that a second press
        takes nothing more back. Raises CatalogError where there is no earlier version.
        """
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            await tx.alone(LOCK)
            live = await self._live()
            if expected and expected != live:
                raise Gone("Another version is live by now; look at it first.")
            now = await asyncio.to_thread(self._shelf.rollback)
            await self._logged(tx, actor, "catalogue.roll_back", now, before={"version": live}, after={"version": now})
        return now

    async def versions(self, actor: Staff) -> list[Kept]:
        """All that are kept, newest first."""
        must_be(actor, Role.MANAGER)
        kept, before = await asyncio.to_thread(lambda: (self._shelf.versions(), self._shelf.before()))
        async with self._store.transaction() as tx:
            uploads = await tx.uploads_of([version.name for version in kept])
        return [_kept(version, uploads.get(version.origin or version.name), before) for version in reversed(kept)]

    async def history(self, actor: Staff) -> list[Act]:
        """Who did what with the catalogue within a year, newest first."""
        must_be(actor, Role.MANAGER)
        since = datetime.now(UTC) - timedelta(days=365)
        async with self._store.transaction() as tx:
            return (await tx.acts(offset=0, limit=PAGE, area="catalogue", since=since))[0]

    async def _live(self) -> str:
        live = await asyncio.to_thread(self._shelf.current)
        return live.version if live else ""

    async def _queue(self, tx: Transaction, id: UUID, task: str, **values: Any) -> None:
        if not await tx.queue_upload(id, task, **values):
            raise Gone("This list is being worked on; wait a moment.")

    async def _logged(
        self, tx: Transaction, actor: Staff, action: str, subject: str, *, before: Mapping[str, Any],
        after: Mapping[str, Any],
    ) -> None:  # fmt: skip
        await tx.log_act(user=actor.id, action=action, subject=subject, before=before, after=after)


async def _there(tx: Transaction, id: UUID) -> Upload:
    upload = await tx.upload(id)
    if upload is None or upload.state == "dropped":
        raise Gone("There is no such list; somebody may have removed it.")
    return upload


def _kept(version: Version, upload: Upload | None, before: str) -> Kept:
    return Kept(
        name=version.name, created=version.created, products=version.products, problems=version.problems,
        source=version.source, live=version.live, before=version.name == before,
        upload=upload.id if upload else None, author=upload.author if upload else "",
    )  # fmt: skip


async def _gathered(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    gathered = bytearray()
    async for piece in body:
        gathered += piece
        if len(gathered) >= BUFFER:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)


def safe_name(name: str) -> str:
    """A file's name without folders, control characters and leading dots, not too long; its ending stays."""
    base = PurePosixPath(name.replace("\\", "/")).name
    base = re.sub(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff/:*?\"<>|]", " ", base)
    base = " ".join(base.split()).lstrip(". ")
    stem, dot, ending = base.rpartition(".")
    if not dot:
        stem, ending = base, ""
    room = LONGEST_NAME
    while len((cut := stem[:room]).encode()) > 200:  # of the 255 bytes that a file's name may have
        room -= 1
    return f"{cut or 'list'}{dot}{ending[:10]}"
