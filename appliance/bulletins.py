"""Tells managers and administrators on schedule how the box serves and how the CRM is fed: once, in their language."""

from __future__ import annotations

import asyncio
import math
import tomllib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import structlog

from appliance import availability, causes, watch
from appliance.alerts import length, part_name
from appliance.availability import PROMISED, Span
from appliance.backup import Backup, Backups
from appliance.core import bulletins as rules
from appliance.core.bulletins import BOX, CRM, KINDS, Plan
from appliance.core.figures import Period
from appliance.core.notices import Notice, word
from appliance.core.report import Write
from appliance.core.types import Staff
from appliance.crew import Say, tell
from appliance.crm.notices import report
from appliance.space import LOOK_BACK, days_left
from appliance.store.keeping import Room
from appliance.store.store import Store

log = structlog.get_logger("bulletins")

PATIENCE = 8.0  # seconds that the chat may take to say how it feels
HISTORY = 5000  # alerts that are looked through
GIB = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """What a bulletin tells of the box. `ill` are its parts that are not well now; None where it did not answer."""

    name: str
    span: Span
    ill: Sequence[Mapping[str, Any]] | None
    alerts: Mapping[str, int]  # by part
    backup: Backup | None
    proven: datetime | None  # when a restore last proved one
    rooms: Sequence[Room]


class Bulletins:
    """Makes and posts them. What is due is decided under a lock by what was told, so it is safe at any time."""

    def __init__(
        self, *, store: Store, home: Path, name: str, ask: str, backups: Backups, console: str, zone: str,
        plans: Mapping[str, Plan], clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:  # fmt: skip
        """`name` tells this box from others; `ask` is the chat's address from inside; `plans` hold for those that the
        console has none for, by kind.
        """
        self._store, self._home, self._name, self._ask = store, home, name, ask
        self._backups, self._console, self._plans, self._clock = backups, console, plans, clock
        self.zone = ZoneInfo(zone)
        self._made: Mapping[str, Callable[[Plan, datetime], Awaitable[Say | None]]] = {BOX: self._box, CRM: self._crm}

    async def post_due(self) -> None:
        """Posts what is due. May run anywhere, any number of times."""
        for kind in KINDS:
            if (hour := await self._due(kind)) is None:
                continue
            say = await self._made[kind]((await self.plan(kind))[0], hour)  # without a transaction: it asks the chat
            async with self._store.transaction() as tx:
                if (await tx.bulletin(kind)).told_at >= hour:
                    continue  # another worker was faster
                await tx.bulletin_told(kind, hour)
                people = await tell(tx, say) if say else 0
            log.info("bulletins.told", kind=kind, people=people)

    async def plan(self, kind: str) -> tuple[Plan, datetime]:
        """The plan in force, and when it was last told."""
        async with self._store.transaction() as tx:
            known = await tx.bulletin(kind)
        return known.plan or self._plans[kind], known.told_at

    async def show(self, kind: str, person: Staff) -> bool:
        """Sends it to one person now, whatever the plan; False where there is nothing to tell or no way to them."""
        plan, _ = await self.plan(kind)
        say = await self._made[kind](plan, self._clock())
        async with self._store.transaction() as tx:
            return bool(say and await tell(tx, say, only=[person]))

    async def _due(self, kind: str) -> datetime | None:
        plan, told = await self.plan(kind)
        return rules.due(plan, now=self._clock(), told=told, zone=self.zone)

    async def _crm(self, plan: Plan, hour: datetime) -> Say | None:
        """None where there is no CRM."""
        period = rules.period(plan, hour, self.zone)
        async with self._store.transaction() as tx:
            return await report(tx, period, console=self._console)

    async def _box(self, plan: Plan, hour: datetime) -> Say:
        period = rules.period(plan, hour, self.zone)
        ill = await self._ill()
        async with self._store.transaction() as tx:
            rooms = await tx.rooms(LOOK_BACK)
        box = await asyncio.to_thread(self._look, period, ill, rooms)
        return lambda lang: self._notice(box, period, lang)

    def _look(self, period: Period, ill: Sequence[Mapping[str, Any]] | None, rooms: Sequence[Room]) -> Box:
        """What was asked and what the disk knows."""
        folder = watch.Folder(home=self._home)
        since, until = period.since.timestamp(), period.until.timestamp()
        told = watch.history(folder, HISTORY)
        known = self._backups.all()
        proven = [one.verified.at for one in known if one.verified and not one.verified.trouble]
        return Box(
            name=self._name,
            span=availability.between(folder.availability, period.since, period.until),
            ill=ill,
            alerts=Counter(one["part"] for one in told if one["kind"] == "trouble" and since <= one["at"] < until),
            backup=next(iter(known), None),
            proven=max(proven, default=None),
            rooms=rooms,
        )

    async def _ill(self) -> list[Mapping[str, Any]] | None:
        """The chat's parts that are not well; None where it does not say."""
        try:
            async with httpx.AsyncClient(timeout=PATIENCE, trust_env=False) as http:
                parts = (await http.get(f"{self._ask}/healthz?format=json")).json()["parts"]
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return None
        return [part for part in parts if part["state"] != "OK"]

    def _notice(self, box: Box, period: Period, lang: str) -> Notice:
        write, share = Write(lang), _share(box.span, lang)
        heading = _said("heading" if share else "heading_unmeasured", lang, box=box.name, share=share,
                        period=write.period(period))  # fmt: skip
        return Notice(
            heading=heading, lines=tuple(self._lines(box, lang)), footer=word("footer", lang),
            link=self._console, link_text=word("open", lang) if self._console else "",
        )  # fmt: skip

    def _lines(self, box: Box, lang: str) -> Iterator[tuple[str, str]]:
        yield from _served(box.span, self.zone, lang)
        yield _said("now", lang), _now(box.ill, lang)
        total = sum(box.alerts.values())
        parts = ", ".join(f"{part_name(part, lang)} {n}" for part, n in Counter(box.alerts).most_common(5))
        yield _said("alerts", lang), _said("alerts_of", lang, n=total, parts=parts) if total else _said("none", lang)
        yield _said("backups", lang), self._backed_up(box, lang)
        if box.rooms:
            free, left = f"{box.rooms[-1].free / GIB:.0f}", days_left(list(box.rooms))
            yield _said("disk", lang), _said("disk_free" if left is None else "disk_left", lang, free=free, days=left)

    def _backed_up(self, box: Box, lang: str) -> str:
        if box.backup is None:
            return _said("no_backup", lang)
        at = _moment(box.backup.created, self.zone)
        if box.proven is None:
            return _said("backup_unproven", lang, at=at)
        return _said("backup", lang, at=at, proven=_moment(box.proven, self.zone))


def _served(span: Span, zone: ZoneInfo, lang: str) -> Iterator[tuple[str, str]]:
    """How much of the time customers were served."""
    promised = Write(lang).percent(PROMISED)
    if span.share is None:
        yield _said("served", lang), _said("unmeasured", lang)
        return
    kept = "kept" if span.share >= PROMISED else "broken"
    yield _said("served", lang), _said(kept, lang, share=_share(span, lang), promised=promised)
    if span.outages:
        worst = max(span.outages, key=lambda outage: outage.minutes)
        yield _said("down", lang), _said(
            "outages", lang, total=length(span.down * 60, lang), n=len(span.outages),
            longest=length(worst.minutes * 60, lang), at=_moment(worst.began, zone),
        )  # fmt: skip
    for id, minutes in (("less_well", span.less_well), ("off", span.off)):
        if minutes:
            yield _said(id, lang), length(minutes * 60, lang)


def _now(ill: Sequence[Mapping[str, Any]] | None, lang: str) -> str:
    if ill is None:
        return causes.told("chat_silent", lang)
    known = causes.catalogue()
    told = (
        f"{part_name(part['name'], lang)}: "
        + (causes.told(part["cause"], lang, **part.get("values") or {}) if part.get("cause") in known else part["why"])
        for part in ill
        if not part.get("because")
    )
    return "\n".join(told) or _said("well", lang)


def _share(span: Span, lang: str) -> str:
    """Cut, not rounded: a box that failed for a moment was not there all the time."""
    return "" if span.share is None else Write(lang).percent(math.floor(span.share * 100_000) / 100_000, digits=3)


def _moment(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%d.%m %H:%M")


def _said(id: str, lang: str, /, **values: object) -> str:
    """English where there are no words of a language."""
    return _words()[id]["ru" if lang == "ru" else "en"].format(**values)


@cache
def _words() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads(files("appliance").joinpath("bulletins.toml").read_text("utf-8"))
