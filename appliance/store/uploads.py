"""Price lists on their way: brought by a person, worked on by one worker at a time, looked through page by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from appliance.store.tables import UploadLineRow, UploadRow, UserRow
from appliance.store.turns import Turns

STALE = timedelta(seconds=30)  # without a beat, after which a worker counts as dead; it beats every second or two
CHUNK = 1000  # lines stored by one statement
KEPT = 20  # uploads whose lines and files are kept; the rest is history


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A price list as those who follow it see it; `share` is of the phase, 0 to 1."""

    id: UUID
    file: str
    sha256: str
    bytes: int
    author: str  # the person's name, empty where they are gone
    at: datetime
    lang: str
    how: str
    source: str
    options: Mapping[str, Any]
    task: str
    state: str
    phase: str
    share: float
    lease: int
    attempts: int
    fault: str
    layout: str
    found: Mapping[str, Any] = field(default_factory=dict)
    version: str = ""
    against: str = ""
    verdict: Mapping[str, Any] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def under_way(self) -> bool:
        return self.state in ("queued", "working")


class Uploads(Turns):
    """The part of a transaction that knows uploads."""

    async def keep_upload(self, id: UUID, *, file: str, sha256: str, size: int, author: UUID, lang: str) -> None:
        """Stores an upload that waits to be read; the same id twice is stored once."""
        await self.connection.execute(
            upsert(UploadRow)
            .values(id=id, file=file, sha256=sha256, bytes=size, author=author, lang=lang)
            .on_conflict_do_nothing(index_elements=["id"])
        )

    async def upload(self, id: UUID) -> Upload | None:
        row = (await self.connection.execute(_SELECT.where(UploadRow.id == id))).first()
        return _upload(row) if row else None

    async def uploads(self, limit: int = 20) -> list[Upload]:
        """The newest, without those that were dropped."""
        rows = await self.connection.execute(
            _SELECT.where(UploadRow.state != "dropped").order_by(UploadRow.at.desc(), UploadRow.id).limit(limit)
        )
        return [_upload(row) for row in rows]

    async def uploads_of(self, versions: Sequence[str]) -> dict[str, Upload]:
        """By version: the uploads that these catalogue versions were made from."""
        rows = await self.connection.execute(_SELECT.where(UploadRow.version.in_(versions)).order_by(UploadRow.at))
        return {row.version: _upload(row) for row in rows}

    async def alike(self, layout: str) -> Upload | None:
        """The last list with this layout that became a version: the next of the same supplier is told as it was."""
        row = await self.connection.execute(
            _SELECT.where(UploadRow.layout == layout, UploadRow.version != "").order_by(UploadRow.at.desc()).limit(1)
        )
        found = row.first()
        return _upload(found) if found else None

    async def queue_upload(self, id: UUID, task: str, **values: Any) -> bool:
        """Gives an upload to the workers, unless one is at it; `values` are columns to set. Whether it was given."""
        fresh = {"task": task, "state": "queued", "phase": "", "share": 0.0, "attempts": 0, "fault": "", **values}
        done = await self.connection.execute(
            update(UploadRow).where(UploadRow.id == id, UploadRow.state.in_(("done", "failed", "queued"))).values(fresh)
        )
        return bool(done.rowcount)

    async def drop_upload(self, id: UUID) -> bool:
        """Its worker finds the lease gone and stops."""
        done = await self.connection.execute(
            update(UploadRow)
            .where(UploadRow.id == id, UploadRow.state != "dropped")
            .values(state="dropped", lease=UploadRow.lease + 1)
        )
        return bool(done.rowcount)

    async def claim_upload(self) -> Upload | None:
        """The oldest work that nobody is at, or whose worker is dead; it counts as an attempt."""
        dead = UploadRow.beat_at < func.clock_timestamp() - STALE
        due = (
            select(UploadRow.id)
            .where(or_(UploadRow.state == "queued", (UploadRow.state == "working") & dead))
            .order_by(UploadRow.at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        row = await self.connection.execute(
            update(UploadRow)
            .where(UploadRow.id.in_(due))
            .values(
                state="working", lease=UploadRow.lease + 1, attempts=UploadRow.attempts + 1,
                beat_at=func.clock_timestamp(),
            )
            .returning(UploadRow.id)
        )  # fmt: skip
        id = row.scalar()
        return await self.upload(id) if id else None

    async def free_uploads(self) -> int:
        """Called by the one worker that leads, at its start: whatever counts as worked on was a dead one's."""
        done = await self.connection.execute(
            update(UploadRow).where(UploadRow.state == "working").values(state="queued", lease=UploadRow.lease + 1)
        )
        return done.rowcount

    async def beat_upload(self, id: UUID, lease: int, *, phase: str, share: float) -> bool:
        """Says how far the work is; False when the lease is another's now."""
        done = await self.connection.execute(
            _held(id, lease).values(phase=phase, share=share, beat_at=func.clock_timestamp())
        )
        return bool(done.rowcount)

    async def end_upload(self, id: UUID, lease: int, *, state: str, **values: Any) -> bool:
        """What came of the work; nothing is stored under a lost lease."""
        done = await self.connection.execute(_held(id, lease).values(state=state, **values))
        return bool(done.rowcount)

    async def keep_lines(self, id: UUID, lines: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Replaces the lines of these kinds."""
        await self.connection.execute(
            delete(UploadLineRow).where(UploadLineRow.upload_id == id, UploadLineRow.kind.in_(list(lines)))
        )
        rows = [
            {"upload_id": id, "kind": kind, "place": place, "body": dict(body)}
            for kind, bodies in lines.items()
            for place, body in enumerate(bodies)
        ]
        for start in range(0, len(rows), CHUNK):
            await self.connection.execute(insert(UploadLineRow), rows[start : start + CHUNK])

    async def lines(self, id: UUID, kind: str, *, offset: int = 0, limit: int = 50) -> list[dict[str, Any]]:
        rows = await self.connection.execute(
            select(UploadLineRow.body)
            .where(UploadLineRow.upload_id == id, UploadLineRow.kind == kind)
            .order_by(UploadLineRow.place)
            .offset(offset)
            .limit(limit)
        )
        return [dict(body) for (body,) in rows]

    async def count_lines(self, id: UUID) -> dict[str, int]:
        """How many lines there are of each kind."""
        rows = await self.connection.execute(
            select(UploadLineRow.kind, func.count()).where(UploadLineRow.upload_id == id).group_by(UploadLineRow.kind)
        )
        return {str(kind): int(count) for kind, count in rows}

    async def old_uploads(self) -> list[UUID]:
        """Those whose lines and files may go: all but the newest `KEPT`, and what was dropped."""
        newest = select(UploadRow.id).where(UploadRow.state != "dropped").order_by(UploadRow.at.desc()).limit(KEPT)
        rows = await self.connection.execute(select(UploadRow.id).where(UploadRow.id.not_in(newest)))
        return [id for (id,) in rows]

    async def forget_lines(self, ids: Sequence[UUID]) -> None:
        await self.connection.execute(delete(UploadLineRow).where(UploadLineRow.upload_id.in_(ids)))


_SELECT: Any = select(UploadRow, func.coalesce(UserRow.name, "").label("name")).outerjoin(
    UserRow, UserRow.id == UploadRow.author
)


def _held(id: UUID, lease: int) -> Any:
    return update(UploadRow).where(UploadRow.id == id, UploadRow.lease == lease, UploadRow.state == "working")


def _upload(row: Row[Any]) -> Upload:
    values = {name: getattr(row, name) for name in Upload.__slots__ if name != "author"}
    return Upload(**values, author=row.name)
