"""What looks after the box, made of the settings: backups, room on the disk, personal data."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from appliance.backup import Backups, Keep
from appliance.desk.backups import BackupDesk, Plan
from appliance.desk.privacy import PrivacyDesk
from appliance.health import Part, Probe, bad
from appliance.privacy import PersonalData
from appliance.settings import Settings
from appliance.space import LOOK_BACK, Space, days_left
from appliance.store.errors import StoreUnavailable
from appliance.store.store import Store
from appliance.upkeep import Keeper
from catalog.shelf import Shelf

FILLS = 7  # days before the disk is short in which people are alerted
ROOM_EVERY = 300.0  # seconds; it changes once a day
SETTLE = 300.0  # seconds after its start in which a worker begins no upkeep by itself
BACKUPS_EVERY = 60.0  # seconds between looks at the backups


def backups(settings: Settings, *, folder: Path | None = None) -> Backups:
    """The box's backups; `folder` is another place where some lie, such as a stick after a disaster."""
    return Backups(
        settings.home,
        folder=folder or settings.backup_folder,
        copies=None if folder else settings.backup_copies,
        keep=Keep(daily=settings.backup_daily, weekly=settings.backup_weekly, monthly=settings.backup_monthly),
    )


def personal_data(settings: Settings, store: Store) -> PersonalData:
    return PersonalData(store=store, backups=backups(settings), region=settings.region)


def space(settings: Settings) -> Space:
    # A shelf of its own: only names and folders are looked at, so it needs no embedder.
    return Space(
        settings.home, shelf=Shelf(settings.home / "catalog"), backups=backups(settings), keep_logs=settings.keep_logs
    )


def keeper(settings: Settings, store: Store) -> Keeper:
    days = settings.backup_verify
    return Keeper(
        store=store,
        backups=backups(settings),
        space=space(settings),
        keep=kept_days(settings),
        at=time.fromisoformat(settings.backup_at),
        every=timedelta(hours=settings.backup_every),
        verify_every=timedelta(days=days) if days else None,
        zone=settings.timezone,
        settle=SETTLE,
    )


def kept_days(settings: Settings) -> dict[str, int]:
    """How long what is kept, in days, 0 for ever; named as `Privacy.drop_old` has it."""
    return {
        "dialogues": settings.keep_dialogues, "leads": settings.keep_leads, "parcels": settings.keep_parcels,
        "audit": settings.keep_audit, "links": settings.keep_parcels,
    }  # fmt: skip


def backup_desk(settings: Settings, store: Store) -> BackupDesk:
    some, days = backups(settings), settings.backup_verify
    plan = Plan(
        folder=some.folder,
        copies=some.copies,
        every=timedelta(hours=settings.backup_every),
        at=settings.backup_at,
        keep=some.keep,
        verify_every=timedelta(days=days) if days else None,
        kept_days={**kept_days(settings), "logs": settings.keep_logs},
    )
    return BackupDesk(store=store, backups=some, space=space(settings), plan=plan)


def privacy_desk(settings: Settings, store: Store) -> PrivacyDesk:
    return PrivacyDesk(store=store, data=personal_data(settings, store))


def backup_health(settings: Settings) -> Probe:
    """Whether a restore today would lose no more than it should."""
    some, every = backups(settings), timedelta(hours=settings.backup_every)

    async def look() -> Part:
        trouble = await asyncio.to_thread(some.trouble, datetime.now(UTC), every=every)
        return bad("backup", trouble[0], **trouble[1]) if trouble else Part(name="backup")

    return Probe(look=look, every=BACKUPS_EVERY)


def room_health(store: Store) -> Probe:
    """Whether the disk has room for the days to come, by what the last ones took."""

    async def look() -> Part:
        try:
            async with store.transaction() as tx:
                left = days_left(await tx.rooms(LOOK_BACK))
        except StoreUnavailable:
            return Part(name="room")  # the database's own part tells of that
        return bad("room", "disk_fills", days=left) if left is not None and left <= FILLS else Part(name="room")

    return Probe(look=look, every=ROOM_EVERY)
