"""Backups and the disk at the desk: an administrator sees them, and has the worker make, prove or clear them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from appliance import causes
from appliance.backup import MANIFEST, Backup, BackupError, Backups, Keep
from appliance.core.types import Role, Staff
from appliance.desk.base import Gone, Part, must_be
from appliance.space import Disk, Space, days_left
from appliance.store.keeping import Chore
from appliance.store.store import Store

__all__ = ["BACKUP", "ROOM", "VERIFY", "Backup", "BackupDesk", "Chore", "Disk", "Plan", "Shelved", "why_not"]

BACKUP, VERIFY, ROOM = "backup", "verify", "room"  # kinds of chores, as the worker knows them
ROOMS = 30  # days of the disk's use that are shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How backups are made and kept here; the settings say so."""

    folder: Path
    copies: Path | None
    every: timedelta
    at: str  # the hour, in the house's time zone
    keep: Keep
    verify_every: timedelta | None
    kept_days: dict[str, int]  # of personal data, by kind; 0 for ever


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelved:
    """All backups, newest first, and why a restore today would lose more than it should."""

    backups: tuple[Backup, ...]
    trouble: tuple[str, dict[str, str]] | None = None  # the id of a text, and its values

    @property
    def proven(self) -> Backup | None:
        """The one that was last restored into a scratch database."""
        tried = [one for one in self.backups if one.verified]
        return max(tried, key=lambda one: one.verified.at if one.verified else one.created, default=None)


def why_not(chore: Chore, lang: str) -> str:
    """Why a chore was not done, in words; empty where it was."""
    told = chore.said.get("fault") or {}
    if told.get("cause") in causes.catalogue():
        return causes.told(told["cause"], lang, **told.get("values") or {})
    return chore.fault


class BackupDesk(Part):
    """Every method raises `Forbidden` for whoever is no administrator."""

    def __init__(self, *, store: Store, backups: Backups, space: Space, plan: Plan) -> None:
        super().__init__(store=store)
        self._backups, self._space, self.plan = backups, space, plan

    async def all(self, actor: Staff) -> Shelved:
        must_be(actor, Role.ADMINISTRATOR)
        known = await asyncio.to_thread(self._backups.all)
        now = datetime.now(UTC)
        return Shelved(
            backups=tuple(known),
            trouble=await asyncio.to_thread(self._backups.trouble, now, every=self.plan.every),
        )

    async def make(self, actor: Staff) -> UUID:
        """The worker makes a backup soon; gives the chore to follow with `chore`."""
        return await self._ask(actor, BACKUP, {"kind": "hand"})

    async def verify(self, actor: Staff, id: str = "") -> UUID:
        """The worker restores a backup into a scratch database and compares it; the newest by default."""
        return await self._ask(actor, VERIFY, {"id": id})

    async def make_room(self, actor: Staff) -> UUID:
        """The worker frees what may be freed."""
        return await self._ask(actor, ROOM, {})

    async def chores(self, actor: Staff, *kinds: str) -> list[Chore]:
        """What the worker was asked for and did, newest first."""
        must_be(actor, Role.ADMINISTRATOR)
        async with self._store.transaction() as tx:
            return await tx.chores(*kinds)

    async def disk(self, actor: Staff) -> tuple[Disk, int | None]:
        """The disk's use by kind, and in how many days it is short if it goes on so."""
        must_be(actor, Role.ADMINISTRATOR)
        async with self._store.transaction() as tx:
            rooms = await tx.rooms(ROOMS)
        return await asyncio.to_thread(self._space.look), days_left(rooms)

    async def manifest(self, actor: Staff, id: str) -> bytes:
        """What a backup holds, file by file, as JSON. Raises `Gone`."""
        must_be(actor, Role.ADMINISTRATOR)
        try:
            place = (await asyncio.to_thread(self._backups.get, id)).place
            return await asyncio.to_thread((place / MANIFEST).read_bytes)
        except (BackupError, OSError) as error:
            raise Gone(f"There is no backup {id} any more.") from error

    async def _ask(self, actor: Staff, kind: str, wants: dict[str, str]) -> UUID:
        must_be(actor, Role.ADMINISTRATOR)
        async with self._store.transaction() as tx:
            chore = await tx.ask_chore(kind, wants, by=actor.id)
            await self._note(tx, actor, f"upkeep.{kind}", chore, after=wants)
        return chore
