"""The models of the box: which are here and fit it, brought, tried, chosen and deleted."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from appliance.core.types import Role, Staff
from appliance.desk.base import Gone, Part, must_be
from appliance.tasks import Tasks
from models.files import ModelFiles
from models.hardware import detect

PROGRAM = (sys.executable, "-m", "appliance", "models")
_SHARE = re.compile(r"(\d{1,3})\s?%")


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model as people choose it. `fit` is a word of the fit for this box, empty where nobody can say."""

    name: str
    title: str
    size: int
    licence: str
    languages: tuple[str, ...]
    here: bool
    answers: bool
    fit: str
    room: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What this box has for a model; bytes."""

    processor: str
    cores: int
    memory: int
    available: int
    disk_free: int
    cards: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A switch to another model: `kept` is None until it has proved itself."""

    at: datetime
    model: str
    before: str
    kept: bool | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Doing:
    """Long work with a model: `what` is pull, import or use."""

    what: str
    model: str
    line: str = ""
    share: float | None = None
    ended: bool = False
    failed: str = ""


class ModelsDesk(Part):
    """The part of the box's desk that knows models. Work goes on in processes of its own, one at a time."""

    _files: ModelFiles
    _home: Path
    _fixed: str  # the model or server that the settings name; then nothing is chosen here
    _env: dict[str, str]

    def _begin_models(self) -> None:
        self._doing: Doing | None = None
        self._tasks = Tasks()

    async def models(self, actor: Staff) -> list[Model]:
        """All known and present models, as they fit this box now. Raises `Forbidden`."""
        must_be(actor, Role.ADMINISTRATOR)
        entries = await asyncio.to_thread(lambda: self._files.list(detect(self._home)))
        return [
            Model(
                name=one.name, title=one.title, size=one.size, licence=one.licence, languages=tuple(one.languages),
                here=one.installed, answers=one.chosen, fit=str(one.fit or ""), room=one.room,
            )
            for one in entries
        ]  # fmt: skip

    async def machine(self, actor: Staff) -> Machine:
        must_be(actor, Role.ADMINISTRATOR)
        found = await asyncio.to_thread(detect, self._home)
        return Machine(
            processor=found.processor, cores=found.cores, memory=found.memory, available=found.available,
            disk_free=found.disk_free, cards=tuple(card.name for card in found.gpus),
        )  # fmt: skip

    async def changes(self, actor: Staff) -> list[Change]:
        """The switches so far, the latest first."""
        must_be(actor, Role.ADMINISTRATOR)
        switches = await asyncio.to_thread(self._files.switches)
        return [
            Change(
                at=datetime.fromtimestamp(one.at, UTC), model=one.model, before=one.before or "", kept=one.kept,
                why=one.why,
            )
            for one in reversed(switches)
        ]  # fmt: skip

    def named_elsewhere(self, actor: Staff) -> str:
        """What the settings name to answer; empty where the choice is made here."""
        must_be(actor, Role.ADMINISTRATOR)
        return self._fixed

    def doing(self, actor: Staff) -> Doing | None:
        """The work that goes on, or the last that ended."""
        must_be(actor, Role.ADMINISTRATOR)
        return self._doing

    async def pull(self, actor: Staff, model: str) -> None:
        """Fetches a model in the background, from where it was cut. Raises `Gone` while other work goes on."""
        await self._start(actor, "pull", model, "pull", model)

    async def import_(self, actor: Staff, path: str) -> None:
        """Takes models from a file or folder of this box, without a network."""
        await self._start(actor, "import", path, "import", path)

    async def use(self, actor: Staff, model: str) -> None:
        """Tries a model and lets it answer; the one before returns if it fails."""
        await self._start(actor, "use", model, "use", model)

    async def delete(self, actor: Staff, model: str) -> None:
        """Frees the disk. Raises `ModelError` for the one that answers."""
        must_be(actor, Role.ADMINISTRATOR)
        await asyncio.to_thread(self._files.delete, model)
        async with self._store.transaction() as tx:
            await self._note(tx, actor, "model.delete", UUID(int=0), before={"model": model})

    async def _start(self, actor: Staff, what: str, model: str, *arguments: str) -> None:
        must_be(actor, Role.ADMINISTRATOR)
        if self._doing and not self._doing.ended:
            raise Gone("Another model is being worked on. Wait until that has ended.")
        async with self._store.transaction() as tx:
            await self._note(tx, actor, f"model.{what}", UUID(int=0), after={"model": model})
        self._doing = Doing(what=what, model=model)
        self._tasks.start(self._work(arguments), name=f"models {what}")

    async def _work(self, arguments: tuple[str, ...]) -> None:
        """Runs the command as an operator would; its lines are its progress, its last one its outcome."""
        assert self._doing is not None
        try:
            process = await asyncio.create_subprocess_exec(
                *PROGRAM, *arguments, "--json", stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE, env=self._env,
            )  # fmt: skip
        except OSError as error:
            self._doing = replace(self._doing, ended=True, failed=str(error))
            return
        try:
            said, _ = await asyncio.gather(_whole(process.stdout), self._follow(process.stderr))
            code = await process.wait()
        except asyncio.CancelledError:
            process.terminate()
            raise
        outcome = _json(said)
        failed = "" if not code else str(outcome.get("why") or self._doing.line or f"exit code {code}")
        self._doing = replace(self._doing, ended=True, failed=failed, share=1.0 if not failed else None)

    async def _follow(self, stream: asyncio.StreamReader | None) -> None:
        while stream is not None and self._doing is not None and (raw := await stream.readline()):
            line = raw.decode("utf-8", "replace").strip()
            if line:
                share = _SHARE.search(line)
                self._doing = replace(self._doing, line=line[:300], share=int(share[1]) / 100 if share else None)


async def _whole(stream: asyncio.StreamReader | None) -> str:
    return (await stream.read()).decode("utf-8", "replace") if stream else ""


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
