"""The box itself, for administrators: how it feels, what was alerted, what it logs, which models it has."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from appliance import availability, causes, watch
from appliance.alert_post import Person
from appliance.alerts import length, part_name
from appliance.availability import PROMISED, Outage, Span
from appliance.core.types import Role, Staff
from appliance.desk.base import must_be
from appliance.desk.box_log import LEVELS, Line, Wanted, newest
from appliance.desk.box_models import Change, Doing, Machine, Model, ModelsDesk
from appliance.store.store import Store
from models.files import ModelFiles

__all__ = [
    "LEVELS", "PROMISED", "Alert", "BoxDesk", "BoxPart", "Change", "Doing", "Hearer", "Line", "Machine", "Model",
    "Outage", "Process", "Span", "Wanted", "length",
]  # fmt: skip

PATIENCE = 6.0  # seconds that the chat may take to say how it feels
LINES = 50  # of the log on one page


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxPart:
    """A part of the box; `state` is ok, degraded or fail."""

    name: str
    state: str
    cause: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    note: str = ""

    def title(self, lang: str) -> str:
        return part_name(self.name, lang)

    def why(self, lang: str) -> str:
        """What is wrong and what to do; of a part that is well, what is worth knowing."""
        if self.cause in causes.catalogue():
            return causes.told(self.cause, lang, **self.values)
        return self.note


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process that the supervisor keeps."""

    name: str
    phase: str
    restarts: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something that people were told. `reached` of `to` have it so far; `failed` says why others do not."""

    at: datetime
    kind: str  # trouble, over, test
    part: str
    cause: str
    values: Mapping[str, str]
    lasted: float  # seconds; of what is over
    to: int
    reached: int
    failed: str

    def title(self, lang: str) -> str:
        return part_name(self.part, lang)

    def why(self, lang: str) -> str:
        return causes.told(self.cause, lang, **self.values) if self.cause in causes.catalogue() else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearer:
    """Who hears of trouble, and whether that way is set up."""

    way: str
    address: str
    set_up: bool


class BoxDesk(ModelsDesk):
    """For administrators alone; every method raises `Forbidden` for others."""

    def __init__(
        self, *, store: Store, home: Path, ask: str, files: ModelFiles, fixed: str = "", quiet: str = "",
        told: tuple[str, ...] = (), ways: frozenset[str] = frozenset(), env: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        """`ask` is the chat's address from inside; `fixed` the model that the settings name; `quiet` their hours.

        `told` are addresses of the settings that hear of trouble; `ways` those that are set up; `env` is for the
        commands that work on models.
        """
        super().__init__(store=store)
        self._home, self._ask, self._files, self._fixed = home, ask, files, fixed
        self._quiet, self._told, self._ways = quiet, told, ways
        self._env = dict(env or {})
        self._folder = watch.Folder(home=home)
        self._http = httpx.AsyncClient(timeout=PATIENCE, trust_env=False)
        self._begin_models()

    async def parts(self, actor: Staff) -> list[BoxPart]:
        """How each part feels; a chat that does not answer is the only thing told of then."""
        must_be(actor, Role.ADMINISTRATOR)
        try:
            answer = await self._http.get(f"{self._ask}/healthz?format=json")
            return [_part(one) for one in answer.json()["parts"]]
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return [BoxPart(name="chat", state="fail", cause="chat_silent")]

    async def processes(self, actor: Staff) -> list[Process]:
        """What the supervisor keeps running; none where others do that."""
        must_be(actor, Role.ADMINISTRATOR)
        state = await asyncio.to_thread(_json_of, self._home / "run" / "state.json")
        return [
            Process(
                name=name, phase=str(one.get("phase")), restarts=int(one.get("restarts") or 0),
                reason=str(one.get("last_reason") or one.get("reason") or ""),
            )
            for name, one in (state.get("processes") or {}).items()
        ]  # fmt: skip

    async def months(self, actor: Staff) -> list[Span]:
        """Availability by month, the latest first."""
        must_be(actor, Role.ADMINISTRATOR)
        folder = self._folder.availability
        return await asyncio.to_thread(
            lambda: [availability.month(folder, name) for name in availability.months(folder)[:24]]
        )

    async def days(self, actor: Staff, month: str) -> list[Span]:
        """The measured days of a month, written 2026-11."""
        must_be(actor, Role.ADMINISTRATOR)
        return await asyncio.to_thread(availability.days, self._folder.availability, month)

    async def alerts(self, actor: Staff, *, offset: int = 0, limit: int = LINES) -> tuple[list[Alert], int]:
        """What was told, the latest first, and how much there is."""
        must_be(actor, Role.ADMINISTRATOR)
        told = await asyncio.to_thread(watch.history, self._folder, 2000)
        return [_alert(one) for one in told[offset : offset + limit]], len(told)

    async def hearers(self, actor: Staff) -> list[Hearer]:
        must_be(actor, Role.ADMINISTRATOR)
        people: list[Person] = await asyncio.to_thread(watch.people_of, self._folder, self._told)
        return [Hearer(way=one.way, address=one.address, set_up=one.way in self._ways) for one in people]

    async def test_alerts(self, actor: Staff) -> None:
        """The watch sends a test to everybody within seconds; the list of alerts shows whom it reached."""
        must_be(actor, Role.ADMINISTRATOR)
        await asyncio.to_thread(watch.ask_for_test, self._folder)
        async with self._store.transaction() as tx:
            await self._note(tx, actor, "alerts.test", UUID(int=0))

    async def quiet(self, actor: Staff) -> str:
        """The hours in which alerts that may wait are kept back; empty for none."""
        must_be(actor, Role.ADMINISTRATOR)
        return await asyncio.to_thread(watch.rules, self._folder, self._quiet)

    async def set_quiet(self, actor: Staff, hours: str) -> None:
        """Raises ValueError that says how hours are written."""
        must_be(actor, Role.ADMINISTRATOR)
        before = await self.quiet(actor)
        await asyncio.to_thread(watch.set_rules, self._folder, hours)
        async with self._store.transaction() as tx:
            await self._note(
                tx, actor, "alerts.quiet", UUID(int=0), before={"hours": before}, after={"hours": hours.strip()}
            )

    async def log(self, actor: Staff, wanted: Wanted, *, limit: int = LINES) -> list[Line]:
        """The newest lines of the box's log that fit, the newest first."""
        must_be(actor, Role.ADMINISTRATOR)
        return await asyncio.to_thread(newest, self._home / "logs" / "appliance.log", wanted, limit=limit)

    def has_log(self, actor: Staff) -> bool:
        """Whether the log is kept here; in containers it is whoever runs them that keeps it."""
        must_be(actor, Role.ADMINISTRATOR)
        return (self._home / "logs" / "appliance.log").exists()


def _part(one: Mapping[str, Any]) -> BoxPart:
    return BoxPart(
        name=str(one["name"]), state=str(one["state"]).lower(), cause=str(one.get("cause") or ""),
        values=dict(one.get("values") or {}), note=str(one.get("why") or ""),
    )  # fmt: skip


def _alert(one: Mapping[str, Any]) -> Alert:
    return Alert(
        at=datetime.fromtimestamp(one.get("at") or time.time(), UTC), kind=str(one["kind"]), part=str(one["part"]),
        cause=str(one.get("cause") or ""), values=dict(one.get("values") or {}),
        lasted=float(one["at"]) - float(one["since"]), to=int(one.get("to") or 0), reached=int(one["reached"]),
        failed=str(one["failed"]),
    )  # fmt: skip


def _json_of(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
