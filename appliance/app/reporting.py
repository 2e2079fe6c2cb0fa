"""Figures, reports and bulletins made of the settings: for the console that shows them, the worker that sends them."""

from __future__ import annotations

from appliance.analytics import Analytics
from appliance.app.keeping import backups
from appliance.bulletins import Bulletins
from appliance.core.bulletins import BOX, CRM, NEVER, Plan
from appliance.core.figures import Every
from appliance.desk.bulletins import BulletinsDesk
from appliance.desk.figures import FiguresDesk
from appliance.jobs import Job
from appliance.reports import Reports
from appliance.settings import Settings
from appliance.store.store import Store
from appliance.watchman import box_name

REPORTS = 60.0  # seconds between looks whether a report is due
DIGESTS = 20.0  # seconds between looks for dialogues that went on
SWEEPS = 900.0  # seconds between looks through all of them, for what came with an old date
PRUNE = 24 * 3600.0
EVERY = {"daily": Every.DAY, "weekly": Every.WEEK, "monthly": Every.MONTH, "never": NEVER}


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


def bulletins(settings: Settings, store: Store) -> Bulletins:
    """What managers hear on schedule of the box and the CRM; the settings' plans hold until the console has others."""
    often = {BOX: settings.box_report, CRM: settings.crm_report}
    return Bulletins(
        store=store,
        home=settings.home,
        name=box_name(settings),
        ask=settings.changed(public_url="").chat_address,
        backups=backups(settings),
        console=settings.console_address,
        zone=settings.timezone,
        plans={kind: Plan(every=EVERY[word]) for kind, word in often.items()},
    )


def bulletins_desk(settings: Settings, store: Store) -> BulletinsDesk:
    return BulletinsDesk(store=store, bulletins=bulletins(settings, store), mail=bool(settings.smtp_host))


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
        Job(name="bulletins", every=REPORTS, run=bulletins(settings, store).post_due),
        Job(name="old_reports", every=PRUNE, run=prune),
    ]
