"""The worker process: what is due, the mail, the builds; jobs on the leader alone."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from appliance import jobs
from appliance.app.crm import push_leads
from appliance.app.keeping import keeper, personal_data
from appliance.app.parts import (
    POSTED,
    leads,
    log_as,
    model_files,
    open_store,
    owner,
    shelf,
    until_told,
)
from appliance.app.reporting import reporting_jobs, reports
from appliance.app.watching import beating, keep_people, shown
from appliance.builds import Builds
from appliance.channels.mail import MailChannel
from appliance.desk import Desk
from appliance.joining import Joining
from appliance.leads import Notices
from appliance.metrics import WorkerMetrics
from appliance.outbox import Outbox
from appliance.promise import Promise
from appliance.pulse import pulse, pulse_file
from appliance.settings import Settings
from appliance.store.leader import BUILDS, MAIL, while_leading
from appliance.store.store import Store
from appliance.tasks import Tasks
from appliance.version import version

PRUNE = 24 * 3600.0  # seconds between looks for old catalogue versions
JOIN = 30.0  # seconds between looks whether the live version lacks a lane
PROMISE = 300.0  # seconds between looks at the model's speed
UPKEEP = 3.0  # seconds between looks for chores that somebody asked for
ERASED = 30.0  # seconds between looks for traces of people who were erased
LEADS = 15.0  # seconds between looks for dialogues that fell silent and leads that nobody took

log = structlog.get_logger("app")


async def worker(settings: Settings) -> int:
    """Scheduled work, on the leader alone."""
    log_as(settings, "worker")
    async with Tasks() as tasks, open_store(settings) as store:
        shelf_ = shelf(settings)

        builds = Builds(store=store, folder=settings.home / "uploads")
        tasks.start(while_leading(store.url, BUILDS, builds.run, name="builds"), name="builds")

        async def prune() -> None:
            await builds.prune()
            gone = await asyncio.to_thread(shelf_.prune)
            log.info("catalogue.pruned", versions=gone)

        joining = Joining(lacking=shelf_.lacking)

        async def join() -> None:  # beside the schedule: it may take an hour
            tasks.start(joining.run(), name="joining")

        owner_ = owner(settings, store)
        tasks.start(owner_.run(), name="owner")
        book, desk = leads(settings, owner_), Desk(store=store, posted=POSTED)
        away = timedelta(minutes=settings.takeover_patience)
        if settings.smtp_host:
            mails = Outbox(store=store, channels={"mail": mail(settings, store)})
            tasks.start(while_leading(store.url, MAIL, mails.run, name="mail"), name="mail")

        async def look_after_leads() -> None:
            await book.from_silence(store)
            await book.escalate(store)
            await desk.release_forgotten(away)

        people = personal_data(settings, store)

        async def finish_erasures() -> None:
            await people.finish()

        scheduled = [
            jobs.Job(name="prune", every=PRUNE, run=prune),
            jobs.Job(name="upkeep", every=UPKEEP, run=keeper(settings, store).run),
            jobs.Job(name="erased", every=ERASED, run=finish_erasures),
            jobs.Job(name="join", every=JOIN, run=join),
            jobs.Job(name="leads", every=LEADS, run=look_after_leads),
            *_promises(settings, tasks),
            *reporting_jobs(settings, store),
            *await push_leads(settings, store, tasks),
        ]
        tasks.start(beating(store, "worker").run(), name="beats")
        tasks.start(pulse(pulse_file(settings.home, "worker")), name="pulse")
        tasks.start(keep_people(settings, store), name="people")
        metrics = shown(settings, WorkerMetrics(version=version()), "worker")
        tasks.start(metrics.watch(store), name="metrics")
        tasks.start(jobs.keep(store.url, scheduled, around=metrics.run), name="jobs")
        await until_told()
    return 0


def _promises(settings: Settings, tasks: Tasks) -> list[jobs.Job]:
    """Only of the own engine: what another server can do is not ours to measure."""
    if settings.llm_provider != "engine" or settings.engine_url:
        return []
    promise = Promise(folder=model_files(settings).folder, address=settings.engine_address)

    async def look() -> None:  # beside the schedule: a measurement takes three minutes
        tasks.start(promise.run(), name="promise")

    return [jobs.Job(name="promise", every=PROMISE, run=look)]


def mail(settings: Settings, store: Store) -> MailChannel:
    """The company's mail server, by which managers hear of leads."""
    return MailChannel(
        host=settings.smtp_host,
        port=settings.smtp_port,
        user=settings.smtp_user,
        password=settings.smtp_password.get_secret_value(),
        sender=settings.smtp_from,
        security=settings.smtp_security,
        find=Notices(store, console=settings.console_address),
        papers=reports(settings, store).letter,
    )
