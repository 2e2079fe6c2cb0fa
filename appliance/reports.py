"""Business reports: made once a period, handed to the mail once a recipient, whoever runs this and however often."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import structlog

from appliance.analytics import Analytics
from appliance.channels.mail import Letter
from appliance.core.figures import Every, Period
from appliance.core.notices import Notice
from appliance.core.report import Document, Write, document
from appliance.core.types import Parcel
from appliance.leads import MAIL
from appliance.paper import report as setting
from appliance.store.reports import Made, Paper, Schedule
from appliance.store.store import Store

log = structlog.get_logger("reports")

REPORT = "report"  # the kind of parcel that brings one
HOUR = time(7)  # on the owner's clock: from then on the last period's reports go out
KEPT = timedelta(days=800)  # two years of monthly reports, and some


class Reports:
    """Makes and posts reports. Which are due is decided by what has been posted, so it is safe at any time."""

    def __init__(
        self, *, store: Store, analytics: Analytics, company: str = "", console: str = "", mail: bool = True,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:  # fmt: skip
        """Without `mail` nothing is posted, and what became due meanwhile goes out once there is one."""
        self._store, self._analytics = store, analytics
        self._company, self._console, self._mail = company, console, mail
        self._clock = clock

    @property
    def today(self) -> date:
        return self._clock().astimezone(self._analytics.zone).date()

    def last(self, every: Every) -> Period:
        """The last period that is over."""
        zone = self._analytics.zone
        return Period.of(every, Period.of(every, self.today, zone).first - timedelta(days=1), zone)

    async def post_due(self) -> int:
        """Makes and posts what is due; gives how many were posted now."""
        async with self._store.transaction() as tx:
            schedules = await tx.schedules()
            due = [one for one in schedules if self._is_due(one) and not await tx.posted(one.id, self._starts(one))]
        posted = 0
        for schedule in due if self._mail else ():
            report = await self.made(schedule.every, self.last(schedule.every), schedule.lang)
            async with self._store.transaction() as tx:
                posted += await tx.post_report(schedule, self._starts(schedule), report, channel=MAIL)
        if posted:
            log.info("reports.posted", reports=posted)
        return posted

    async def made(self, every: Every, period: Period, lang: str) -> UUID:
        """The report of a period that is over; it is made the first time, and stays as it was then."""
        async with self._store.transaction() as tx:
            known = await tx.made(every, period.first, lang)
        if known is not None:
            return known
        paper = await self.drawn(every, period, lang)
        async with self._store.transaction() as tx:
            return await tx.keep_report(every=every, starts=period.first, lang=lang, paper=paper)

    async def drawn(self, every: Every, period: Period, lang: str) -> Paper:
        """A report as the figures are now."""
        summary, demand = await self._analytics.summary(period), await self._analytics.demand(period, most=20)
        return await asyncio.to_thread(self._set, document(summary, demand, every=every, lang=lang))

    async def letter(self, parcel: Parcel) -> Letter | None:
        """What a parcel of kind `REPORT` brings; None where the report was pruned meanwhile."""
        async with self._store.transaction() as tx:
            found = await tx.report(UUID(str(parcel.body["report"])))
        found = found or await self._again(parcel)
        if found is None:
            return None
        made, paper = found
        write = Write(made.lang)
        period = Period.of(made.every, made.starts, self._analytics.zone)
        heading = write.word("mail", title=write.word(f"title_{made.every}"), period=write.period(period))
        notice = Notice(
            heading=heading,
            lines=tuple((label, f"{value} ({note})" if note else value) for label, value, note in paper.figures),
            link=f"{self._console}/analytics" if self._console else "",
            link_text=write.word("mail_open"),
            footer=write.word("mail_footer"),
        )
        files = ((file_name(made, "pdf"), "application/pdf", paper.pdf), (file_name(made, "xlsx"), XLSX, paper.xlsx))
        return Letter(notice=notice, files=files)

    async def _again(self, parcel: Parcel) -> tuple[Made, Paper] | None:
        """Made once more: somebody whom it quoted was erased before it went out."""
        if "starts" not in parcel.body:
            return None
        every, starts = Every(parcel.body["every"]), date.fromisoformat(parcel.body["starts"])
        id = await self.made(every, Period.of(every, starts, self._analytics.zone), str(parcel.body["lang"]))
        async with self._store.transaction() as tx:
            return await tx.report(id)

    async def prune(self) -> int:
        async with self._store.transaction() as tx:
            return await tx.prune_reports(KEPT)

    def _set(self, report: Document) -> Paper:
        return Paper(
            figures=[(one.label, one.value, one.note) for one in report.figures],
            pdf=setting.pdf(report, company=self._company, made=self._clock()),
            xlsx=setting.xlsx(report, company=self._company),
        )

    def _starts(self, schedule: Schedule) -> date:
        return self.last(schedule.every).first

    def _is_due(self, schedule: Schedule) -> bool:
        """From the morning after a period on; whoever came to the list later hears of the next one."""
        until = self.last(schedule.every).until
        now = self._clock().astimezone(self._analytics.zone)
        return now >= datetime.combine(now.date(), HOUR, now.tzinfo) and schedule.created_at < until


XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def file_name(made: Made, form: str) -> str:
    """In letters that every mail program and file system takes."""
    return f"report-{made.every}-{made.starts}.{form}"
