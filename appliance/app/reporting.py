"""Figures and reports, made of the settings: for the console that shows them and the worker that sends them."""

from __future__ import annotations

from appliance.analytics import Analytics
from appliance.desk.figures import FiguresDesk
from appliance.jobs import Job
from appliance.reports import Reports
from appliance.settings import Settings
from appliance.store.store import Store

REPORTS = 60.0  # seconds between looks whether a report is due
DIGESTS = 20.0  # seconds between looks for dialogues that went on
SWEEPS = 900.0  # seconds between looks through all of them, for what came with an old date
PRUNE = 24 * 3600.0


def analytics(settings: Settings, store: Store) -> Analytics:
    return Analytics(store=store, zone=settings.timezone)


def reports(settings: Settings, store: Store) -> Reports:
    return Reports(
        store=store,
        analytics=analytics(settings, store),
        company=settings.quote_company,
        console=settings.console_address,
        mail=bool(settings.smtp_host),
    )


def figures(settings: Settings, store: Store) -> FiguresDesk:
    """The desk's part."""
    return FiguresDesk(
        store=store,
        analytics=analytics(settings, store),
        reports=reports(settings, store),
        mail=bool(settings.smtp_host),
    )


def reporting_jobs(settings: Settings, store: Store) -> list[Job]:
    """What the worker's leader does for figures; each may run twice."""
    counting, papers = analytics(settings, store), reports(settings, store)

    async def catch_up() -> None:
        await counting.catch_up()

    async def sweep() -> None:
        await counting.sweep()

    async def post() -> None:
        await papers.post_due()

    async def prune() -> None:
        await papers.prune()

    return [
        Job(name="digests", every=DIGESTS, run=catch_up),
        Job(name="sweeps", every=SWEEPS, run=sweep),
        Job(name="reports", every=REPORTS, run=post),
        Job(name="old_reports", every=PRUNE, run=prune),
    ]
