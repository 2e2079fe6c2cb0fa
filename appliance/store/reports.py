"""Reports in the database: who wants which, those that were made, and that each is handed to the mail once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.core.figures import Every
from appliance.store.tables import ParcelRow, ReportPostRow, ReportRow, ReportScheduleRow, UserRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Who gets which report, since when; `sent` is the last that was handed to the mail."""

    id: UUID
    email: str
    every: Every
    lang: str
    author: str
    created_at: datetime
    sent: date | None = None
    held: str = ""  # why the last one did not arrive


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A report that was made; `starts` is its period's first day, `posted` to how many it was sent."""

    id: UUID
    every: Every
    starts: date
    lang: str
    made_at: datetime
    posted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """What a report consists of: (label, value, note) of its figures, and its two files."""

    figures: Sequence[tuple[str, str, str]]
    pdf: bytes
    xlsx: bytes


class Reports:
    """The part of a transaction that knows reports."""

    connection: AsyncConnection

    async def schedules(self) -> list[Schedule]:
        last = (
            select(ReportPostRow.schedule_id, ReportPostRow.starts, ParcelRow.held)
            .outerjoin(ParcelRow, ParcelRow.id == ReportPostRow.parcel_id)
            .ext(distinct_on(ReportPostRow.schedule_id))
            .order_by(ReportPostRow.schedule_id, ReportPostRow.starts.desc())
            .subquery()
        )
        rows = await self.connection.execute(
            select(ReportScheduleRow, func.coalesce(UserRow.name, "").label("author"), last.c.starts, last.c.held)
            .outerjoin(UserRow, UserRow.id == ReportScheduleRow.created_by)
            .outerjoin(last, last.c.schedule_id == ReportScheduleRow.id)
            .where(ReportScheduleRow.ended_at.is_(None))
            .order_by(ReportScheduleRow.email, ReportScheduleRow.every)
        )
        return [_schedule(row) for row in rows]

    async def add_schedule(self, *, email: str, every: Every, lang: str, by: UUID) -> UUID:
        """One more recipient; who gets this report already gets it in this language from now on."""
        kept = upsert(ReportScheduleRow).values(email=email, every=every, lang=lang, created_by=by)
        id = await self.connection.scalar(
            kept.on_conflict_do_update(
                index_elements=["email", "every"],
                index_where=ReportScheduleRow.ended_at.is_(None),
                set_={"lang": lang},
            ).returning(ReportScheduleRow.id)
        )
        assert isinstance(id, UUID)
        return id

    async def end_schedule(self, id: UUID) -> Schedule | None:
        """Sends no more of it; None where it was ended already."""
        row = await self.connection.execute(
            update(ReportScheduleRow)
            .where(ReportScheduleRow.id == id, ReportScheduleRow.ended_at.is_(None))
            .values(ended_at=func.now())
            .returning(ReportScheduleRow)
        )
        ended = row.first()
        return _schedule(ended) if ended else None

    async def posted(self, schedule: UUID, starts: date) -> bool:
        """Whether this period's report of a schedule was handed to the mail."""
        found = await self.connection.scalar(
            select(ReportPostRow.at).where(ReportPostRow.schedule_id == schedule, ReportPostRow.starts == starts)
        )
        return found is not None

    async def made(self, every: Every, starts: date, lang: str) -> UUID | None:
        id: UUID | None = await self.connection.scalar(
            select(ReportRow.id).where(ReportRow.every == every, ReportRow.starts == starts, ReportRow.lang == lang)
        )
        return id

    async def keep_report(self, *, every: Every, starts: date, lang: str, paper: Paper) -> UUID:
        """Keeps a report; where another process has just made it, that one stays."""
        await self.connection.execute(
            upsert(ReportRow)
            .values(every=every, starts=starts, lang=lang, figures=list(paper.figures), pdf=paper.pdf, xlsx=paper.xlsx)
            .on_conflict_do_nothing(index_elements=["every", "starts", "lang"])
        )
        id = await self.made(every, starts, lang)
        assert id is not None
        return id

    async def post_report(self, schedule: Schedule, starts: date, report: UUID, *, channel: str) -> bool:
        """Owes a recipient their report, once a period however often it is asked; False where it is owed already."""
        fresh = await self.connection.scalar(
            upsert(ReportPostRow)
            .values(schedule_id=schedule.id, starts=starts, report_id=report)
            .on_conflict_do_nothing()
            .returning(ReportPostRow.starts)
        )
        if fresh is None:
            return False
        parcel = await self.connection.scalar(
            insert(ParcelRow)
            .values(
                channel=channel,
                address=schedule.email,
                kind="report",
                body={"report": str(report), "every": schedule.every, "starts": str(starts), "lang": schedule.lang},
            )
            .returning(ParcelRow.id)
        )
        await self.connection.execute(
            update(ReportPostRow)
            .where(ReportPostRow.schedule_id == schedule.id, ReportPostRow.starts == starts)
            .values(parcel_id=parcel)
        )
        return True

    async def reports(self, *, limit: int, offset: int = 0) -> tuple[list[Made], int]:
        """The newest reports, without their contents, and how many there are in all."""
        posts = select(func.count()).where(ReportPostRow.report_id == ReportRow.id).scalar_subquery()
        rows = await self.connection.execute(
            select(*_made_columns(), posts.label("posted"))
            .order_by(ReportRow.starts.desc(), ReportRow.every, ReportRow.lang)
            .limit(limit)
            .offset(offset)
        )
        total = await self.connection.scalar(select(func.count()).select_from(ReportRow))
        return [_made(row, row.posted) for row in rows], total or 0

    async def report(self, id: UUID) -> tuple[Made, Paper] | None:
        """A report with what it consists of."""
        row = (await self.connection.execute(select(ReportRow).where(ReportRow.id == id))).first()
        return (_made(row), Paper(figures=row.figures, pdf=row.pdf, xlsx=row.xlsx)) if row else None

    async def prune_reports(self, older: timedelta) -> int:
        """Lets go of papers nobody will ask for; they can be made again from the dialogues."""
        gone = await self.connection.execute(delete(ReportRow).where(ReportRow.made_at < func.now() - older))
        return int(gone.rowcount)


def _made_columns() -> Sequence[Any]:
    return (ReportRow.id, ReportRow.every, ReportRow.starts, ReportRow.lang, ReportRow.made_at)


def _made(row: Any, posted: int = 0) -> Made:
    return Made(id=row.id, every=Every(row.every), starts=row.starts, lang=row.lang, made_at=row.made_at, posted=posted)


def _schedule(row: Row[Any]) -> Schedule:
    values = row._mapping
    return Schedule(
        id=row.id, email=row.email, every=Every(row.every), lang=row.lang, author=values.get("author", ""),
        created_at=row.created_at, sent=values.get("starts"), held=values.get("held") or "",
    )  # fmt: skip
