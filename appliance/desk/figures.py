"""Figures at the desk: what the dialogues come to, what they ask for in vain, and the reports that tell of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from appliance.analytics import Analytics
from appliance.core.advice import Advice, advice, language_name
from appliance.core.demand import Group
from appliance.core.figures import (
    TARGET,
    Bad,
    Demand,
    Dimension,
    Every,
    Out,
    Period,
    Slice,
    Summary,
    Today,
    Trial,
    Troubles,
    Waiting,
    most,
)
from appliance.core.filters import DialogueFilter, Slot, Stage, Trouble
from appliance.core.leads import mails
from appliance.core.report import Write
from appliance.core.sequential import METHOD, Verdict
from appliance.core.statistics import Share
from appliance.core.types import Role, Staff
from appliance.desk.base import Gone, Part, must_be
from appliance.reports import XLSX, Reports, file_name
from appliance.store.reports import Made, Schedule
from appliance.store.store import Store

__all__ = [
    "METHOD", "TARGET", "XLSX", "Advice", "Bad", "Demand", "DialogueFilter", "Dimension", "Every", "FiguresDesk",
    "Group", "Made", "NoAddress", "Out", "Period", "Schedule", "Share", "Slice", "Slot", "Stage", "Summary", "Today",
    "Trial", "Trouble", "Troubles", "Verdict", "Waiting", "Write", "advice", "file_name", "language_name", "most",
]  # fmt: skip

LONGEST = 800  # days of a period that may be asked for


class NoAddress(ValueError):
    """This is no e-mail address. Write it as name@company.com."""


class FiguresDesk(Part):
    """The part of the desk where numbers are read; a `DialogueFilter` opens the dialogues behind each."""

    def __init__(self, *, store: Store, analytics: Analytics, reports: Reports, mail: bool) -> None:
        """`mail`: whether the box has a mail server to send reports by."""
        super().__init__(store=store)
        self._analytics, self._reports = analytics, reports
        self.mail = mail

    @property
    def zone(self) -> ZoneInfo:
        return self._analytics.zone

    @property
    def behind(self) -> bool:
        """Whether the last figures read leave out dialogues that are still being counted."""
        return self._analytics.behind

    @property
    def today(self) -> date:
        """By the owner's calendar."""
        return self._analytics.today

    def period(self, days: int) -> Period:
        """The last days, today included."""
        return Period.ending(self.today, max(1, min(days, LONGEST)), self.zone)

    async def summary(self, actor: Staff, period: Period, which: DialogueFilter | None = None) -> Summary:
        """The counts of a period, by all dimensions."""
        must_be(actor, Role.MANAGER)
        return await self._analytics.summary(period, which)

    async def values(self, actor: Staff) -> Mapping[Dimension, Sequence[Slice]]:
        """What there was in each dimension in the last year, to choose from."""
        must_be(actor, Role.MANAGER)
        return await self._analytics.values()

    async def demand(self, actor: Staff, period: Period, which: DialogueFilter | None = None) -> Demand:
        """What was asked for in a period and not given."""
        must_be(actor, Role.MANAGER)
        return await self._analytics.demand(period, which)

    async def so_far(self, actor: Staff) -> Today:
        """Today beside the same weekday a week ago."""
        must_be(actor, Role.MANAGER)
        return await self._analytics.so_far()

    async def waiting(self, actor: Staff) -> Waiting:
        """What needs a person now."""
        must_be(actor, Role.MANAGER)
        return await self._analytics.waiting()

    async def trials(self, actor: Staff) -> list[Trial]:
        """How each version of the prompt on trial does beside the live one."""
        must_be(actor, Role.MANAGER)
        return await self._analytics.trials()

    async def schedules(self, actor: Staff) -> list[Schedule]:
        """Who gets which report."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            return await tx.schedules()

    async def schedule(self, actor: Staff, *, email: str, every: Every, lang: str) -> None:
        """Sends a report to an address from the next period on. Raises `NoAddress`."""
        must_be(actor, Role.MANAGER)
        address = mails.address(email)
        if address is None:
            raise NoAddress(f"{email!r} is no e-mail address. Write it as name@company.com.")
        async with self._store.transaction() as tx:
            reads = _written_in(lang)
            id = await tx.add_schedule(email=address, every=every, lang=reads, by=actor.id)
            after = {"email": address, "every": every, "lang": reads}
            await self._note(tx, actor, "report.schedule", id, after=after)

    async def unschedule(self, actor: Staff, id: UUID) -> None:
        """Sends no more of a report. Raises `Gone`."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            ended = await tx.end_schedule(id)
            if ended is None:
                raise Gone("Somebody has ended it already.")
            before = {"email": ended.email, "every": ended.every, "lang": ended.lang}
            await self._note(tx, actor, "report.unschedule", id, before=before)

    async def made(self, actor: Staff, *, limit: int = 50, offset: int = 0) -> tuple[list[Made], int]:
        """The reports that were made, the newest period first, and how many there are."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            return await tx.reports(limit=min(limit, 50), offset=offset)

    async def make(self, actor: Staff, *, every: Every, lang: str) -> Made:
        """The report of the last period that is over; the one that was made stays."""
        must_be(actor, Role.MANAGER)
        id = await self._reports.made(every, self._reports.last(every), _written_in(lang))
        async with self._store.transaction() as tx:
            found = await tx.report(id)
        if found is None:
            raise Gone("The report was pruned.")
        return found[0]

    async def file(self, actor: Staff, id: UUID, form: str) -> tuple[str, str, bytes]:
        """A report's file as (name, media type, contents); `form` is pdf or xlsx. Raises `Gone`."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            found = await tx.report(id)
        if found is None or form not in ("pdf", "xlsx"):
            raise Gone("There is no such report; it may have been pruned.")
        made, paper = found
        if form == "pdf":
            return file_name(made, form), "application/pdf", paper.pdf
        return file_name(made, form), XLSX, paper.xlsx


def _written_in(lang: str) -> str:
    """Reports are written in Russian and English; whoever reads neither gets the English one."""
    return lang if lang in ("en", "ru") else "en"
