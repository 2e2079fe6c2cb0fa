"""Keeps copies of all that cannot be made again: one sealed folder each, checked by a real restore, renewed on time.

A backup holds the database (`database.dump`, one snapshot), the live catalogue version and the one before it, and
whatever else lies in the data folder, but for what `LEFT_OUT` names. It is built aside and sealed by one rename;
`manifest.json` has the checksum of every file and the rows of every table.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.metadata
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

from appliance.causes import Caused
from appliance.store import dump
from appliance.store.embedded import Embedded

FORMAT = 1
MANIFEST, VERIFIED, DUMP, ERASED = "manifest.json", "verified.json", "database.dump", "erased.jsonl"
ASIDE = ".making-"
REPLACED = "replaced-"  # before the hour, a folder with what a restore has put aside
LEFT_OUT: Mapping[str, str] = {
    "secret.key": "the key of the sealed secrets: keep a copy elsewhere; without it, tokens and passwords of other "
    "systems are entered anew",
    "postgres": "the database is written out instead",
    "models": "models are fetched or imported again; which one answers is kept",
    "cache": "made again when it is needed",
    "logs": "not needed to serve again",
    "run": "of the processes that run now",
    "incoming": "what was brought in from a stick",
    "backups": "the backups themselves",
    "sample": "made again from its seed",
}
CHOICE = ("models/chosen", "models/switches.jsonl")  # kept of what is left out
VERSIONS = 2  # of the catalogue: the live one, and the one that `rollback` goes back to
ROOM = 200_000_000  # bytes that stay free beside a backup
CHUNK = 1 << 20

Tell = Callable[[str], None]


class BackupError(Caused):
    """A backup could not be made, checked or put back; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What a restore into a scratch database showed. `trouble` is empty where every row was there."""

    at: datetime
    seconds: float
    rows: int
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """One sealed backup. Sizes are bytes; `place` is its folder."""

    id: str
    created: datetime
    kind: str  # schedule, hand, update
    place: Path
    program: str
    revision: str
    server: int
    catalogue: str  # the live version's name; empty for none
    rows: Mapping[str, int]
    files: Mapping[str, tuple[int, str]]  # path -> size, SHA-256
    left_out: Mapping[str, str]
    newest: datetime | None  # of the last message in it
    seconds: float
    verified: Verified | None = None
    copied: bool = False  # it lies off the box, too

    @property
    def size(self) -> int:
        """Of all files, as if nothing were shared; a catalogue version takes its room only once."""
        return sum(size for size, _ in self.files.values())

    @property
    def own_size(self) -> int:
        """Of the files that are no other backup's: without the sealed catalogue versions."""
        return sum(size for path, (size, _) in self.files.items() if not _sealed(path))


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """How many backups stay: all of the last day, then the newest of each day, week and month."""

    daily: int = 7
    weekly: int = 4
    monthly: int = 6

    @property
    def longest(self) -> timedelta:
        """About how long the longest-lived backup stays, where one is made each day."""
        return max(timedelta(days=self.daily), timedelta(weeks=self.weekly), timedelta(days=31 * self.monthly))


class Backups:
    """The backups of one data folder, in `folder`; `copies` is a folder off the box, such as a mounted share."""

    def __init__(self, home: Path, *, folder: Path | None = None, copies: Path | None = None, keep: Keep | None = None):
        self.home = home
        self.folder = folder or home / "backups"
        self.copies = copies
        self.keep = keep or Keep()

    def all(self) -> list[Backup]:
        """Newest first; those that lie off the box alone as well."""
        here = {one.id: one for one in _read_all(self.folder)}
        away = {one.id: one for one in _read_all(self.copies)}
        both = {**away, **{id: replace(one, copied=id in away) for id, one in here.items()}}
        return sorted(both.values(), key=lambda one: one.created, reverse=True)

    def get(self, id: str = "") -> Backup:
        """A backup by its id, or the newest one. Raises `BackupError`."""
        known = self.all()
        found = next((one for one in known if one.id == id), None) if id else next(iter(known), None)
        if found is None:
            raise BackupError("backup_unknown", id=id) if id else BackupError("backup_none", folder=self.folder)
        return found

    def due(self, now: datetime, *, every: timedelta, at: time) -> bool:
        """Whether none was made since the last hour at which one should be: `at` of the day, and `every` from there.

        `now` is in the time zone of `at`.
        """
        first = now.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
        if first > now:
            first -= timedelta(days=1)
        hour = first + (now - first) // every * every
        return all(one.created < hour for one in _read_all(self.folder))

    def create(self, url: str, *, kind: str = "hand", tell: Tell = lambda _: None) -> Backup:
        """Makes a backup and copies it off the box, where a folder for that is set. Raises `BackupError`."""
        with self._alone():
            began, id = monotonic(), datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
            self._check_room()
            aside = self.folder / f"{ASIDE}{id}"
            aside.mkdir()
            try:
                tell("the catalogue and your files")
                catalogue = _take_files(self.home, aside, skip={self.folder, self.copies})
                tell("the database")
                held = dump.dump(url, aside / DUMP)
                tell("checksums")
                about = {
                    "format": FORMAT, "id": id, "created": datetime.now(UTC).isoformat(), "kind": kind,
                    "program": _program(), "revision": held.revision, "server": held.server, "catalogue": catalogue,
                    "newest": held.newest.isoformat() if held.newest else None, "rows": held.rows,
                    "left_out": {name: why for name, why in LEFT_OUT.items() if (self.home / name).exists()},
                    "files": _checksums(aside), "seconds": round(monotonic() - began, 1),
                }  # fmt: skip
                _write(aside / MANIFEST, about)
                _flush(aside / DUMP)
                aside.rename(self.folder / id)
                _flush(self.folder)
            except dump.DumpError as error:
                raise BackupError("said", why=error) from error
            except OSError as error:
                raise BackupError("backup_unwritten", folder=self.folder, why=error.strerror) from error
            finally:
                shutil.rmtree(aside, ignore_errors=True)
            made = read(self.folder / id)
            if self.copies is None:
                return made
            tell(f"a copy in {self.copies}")
            self._copy(made, self.copies)
            return replace(made, copied=True)

    def verify(self, id: str = "", *, tell: Tell = lambda _: None) -> Backup:
        """Reads every file and restores the database into a scratch server; notes what that showed beside it.

        Raises `BackupError` where the backup is not as it was made.
        """
        backup, began = self.get(id), monotonic()
        trouble: Caused | None = None
        rows = 0
        try:
            tell("checksums")
            check(backup)
            tell("a restore into a scratch database")
            rows = _drill(backup)
        except (BackupError, dump.DumpError) as error:
            trouble = error
        took, said = round(monotonic() - began, 1), str(trouble) if trouble else ""
        seen = Verified(at=datetime.now(UTC), seconds=took, rows=rows, trouble=said)
        _write(backup.place / VERIFIED, {**asdict(seen), "at": seen.at.isoformat()})
        if trouble:
            raise BackupError("backup_unreliable", id=backup.id, why=trouble) from trouble
        return replace(backup, verified=seen)

    def prune(self, now: datetime | None = None) -> list[str]:
        """Removes what retention does not keep, here and off the box, and what a killed run left; gives the ids."""
        gone: list[str] = []
        for folder in filter(None, (self.folder, self.copies)):
            known = _read_all(folder)
            stay = kept(known, self.keep, now=now or datetime.now(UTC))
            for one in known:
                if one.id not in stay:
                    one.place.rename(folder / f"{ASIDE}{one.id}")
                    gone.append(one.id)
            for left in folder.glob(f"{ASIDE}*") if folder.is_dir() else ():
                if left.name.removeprefix(ASIDE) in gone or _age(left) > timedelta(days=1):
                    shutil.rmtree(left, ignore_errors=True)
        return sorted(set(gone))

    def trouble(self, now: datetime, *, every: timedelta) -> tuple[str, dict[str, str]] | None:
        """Why a restore today would lose more than it should, as a cause's id and its values; None: all is well."""
        if self.copies is not None and not self.copies.is_dir():
            return "backup_away", {"folder": str(self.copies)}
        known = self.all()
        if known and now - known[0].created > every * 2:
            return "backup_late", {"at": f"{known[0].created:%Y-%m-%d %H:%M} UTC"}
        broken = next((one for one in known if one.verified and one.verified.trouble), None)
        return ("backup_bad", {"id": broken.id}) if broken else None

    def holding(self, since: datetime) -> list[Backup]:
        """Those that were made before `since` and may hold what was erased then."""
        return [one for one in self.all() if one.created <= since]

    def forget(self, ids: Mapping[str, Sequence[str]], at: datetime) -> None:
        """Notes who was erased, by ids that mean nothing any more: a restore from an older backup erases them again."""
        line = json.dumps({"at": at.isoformat(), "ids": ids}) + "\n"
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in filter(None, (self.folder, self.copies)):
            with contextlib.suppress(OSError):
                if folder.is_dir():
                    with (folder / ERASED).open("a", encoding="utf-8") as file:
                        file.write(line)

    def forgotten(self, since: datetime) -> list[dict[str, list[str]]]:
        """Who was erased after `since`."""
        found = []
        for folder in filter(None, (self.folder, self.copies)):
            with contextlib.suppress(OSError):
                for line in (folder / ERASED).read_text("utf-8").splitlines():
                    with contextlib.suppress(ValueError, KeyError):
                        about = json.loads(line)
                        if datetime.fromisoformat(about["at"]) > since:
                            found.append(about["ids"])
        return found

    def _copy(self, backup: Backup, to: Path) -> None:
        """The same folder off the box; files that a copy there has already are shared with it."""
        if not to.is_dir():
            raise BackupError("backup_no_copy", id=backup.id, folder=to)
        known = {(path, *about): one.place / path for one in _read_all(to) for path, about in one.files.items()}
        aside = to / f"{ASIDE}{backup.id}"
        try:
            for path, about in backup.files.items():
                target = aside / path
                target.parent.mkdir(parents=True, exist_ok=True)
                if not ((there := known.get((path, *about))) and _linked(there, target)):
                    shutil.copyfile(backup.place / path, target)
            shutil.copyfile(backup.place / MANIFEST, aside / MANIFEST)
            _compare(aside, backup.files)
            if (self.folder / ERASED).exists():
                shutil.copyfile(self.folder / ERASED, to / ERASED)
            aside.rename(to / backup.id)
        except OSError as error:
            raise BackupError("backup_uncopied", id=backup.id, folder=to, why=error.strerror) from error
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def _check_room(self) -> None:
        """The last one tells how much the next one takes; a catalogue on another disk is copied there."""
        last = next(iter(_read_all(self.folder)), None)
        shared = self.folder.stat().st_dev == self.home.stat().st_dev
        need = ROOM + ((last.own_size if shared else last.size) if last else 0)
        free = shutil.disk_usage(self.folder).free
        if free < need:
            raise BackupError("backup_no_room", folder=self.folder, free=free >> 20, need=need >> 20)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """One backup at a time, whoever makes it."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = (self.folder / ".lock").open("w")
        except OSError as error:
            raise BackupError("backup_unwritten", folder=self.folder, why=error.strerror) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BackupError("backup_busy") from None
            yield


def read(place: Path) -> Backup:
    """A sealed backup by its folder. Raises `BackupError`."""
    try:
        about = json.loads((place / MANIFEST).read_text("utf-8"))
        files = {path: (size, digest) for path, (size, digest) in about.pop("files").items()}
        if about.pop("format") != FORMAT:
            raise BackupError("backup_newer", folder=place)
        times = {name: datetime.fromisoformat(about[name]) for name in ("created", "newest") if about[name]}
        return Backup(**{**about, **times, "files": files, "place": place, "verified": _seen(place)})
    except FileNotFoundError:
        raise BackupError("backup_no_manifest", folder=place, file=MANIFEST) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupError("backup_unread", folder=place, file=MANIFEST, why=error) from error


def check(backup: Backup) -> None:
    """Compares every file with its checksum. Raises `BackupError`."""
    _compare(backup.place, backup.files)


def kept(backups: Sequence[Backup], keep: Keep, *, now: datetime) -> set[str]:
    """The ids that stay: of the last day, the newest of each day, week and month, and the newest that was verified."""
    newest_first = sorted(backups, key=lambda one: one.created, reverse=True)
    stay = {one.id for one in newest_first if now - one.created < timedelta(days=1)}
    stay |= {one.id for one in newest_first[:1]}
    stay |= {one.id for one in [one for one in newest_first if one.verified and not one.verified.trouble][:1]}
    for count, form in ((keep.daily, "%Y-%m-%d"), (keep.weekly, "%G-%V"), (keep.monthly, "%Y-%m")):
        periods: dict[str, str] = {}
        for one in newest_first:
            periods.setdefault(one.created.strftime(form), one.id)
        stay |= set(list(periods.values())[:count])
    return stay


def link_or_copy(source: Path, target: Path) -> None:
    """For what is never written again: a hard link where the disk allows it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if not _linked(source, target):
        shutil.copyfile(source, target)


def live_versions(shelf: Path) -> list[str]:
    """The names of the live catalogue version and the one before it. Raises `BackupError`."""
    try:
        return [str(name) for name in json.loads((shelf / "live.json").read_text("utf-8"))["versions"][:VERSIONS]]
    except FileNotFoundError:
        return []
    except (ValueError, KeyError) as error:
        raise BackupError("backup_shelf", file=shelf / "live.json") from error


def _take_files(home: Path, aside: Path, *, skip: set[Path | None]) -> str:
    """Everything but what is left out; gives the live catalogue version's name."""
    for one in CHOICE:
        if (home / one).is_file():
            _copied(home / one, aside / "home" / one)
    for entry in sorted(home.iterdir()):
        if entry.name in {*LEFT_OUT, "catalog"} or entry in skip or entry.name.startswith((".", REPLACED)):
            continue
        for file in [entry] if entry.is_file() else sorted(entry.rglob("*")):
            if file.is_file() and not file.is_symlink() and file.suffix not in (".part", ".log", ".lock"):
                _copied(file, aside / "home" / file.relative_to(home))
    return _take_catalogue(home / "catalog", aside / "home" / "catalog")


def _take_catalogue(shelf: Path, to: Path) -> str:
    """The versions that count, shared with the shelf, and the small files beside them; again if one went meanwhile."""
    for _ in range(3):
        versions = live_versions(shelf)
        try:
            for version in versions:
                for file in (shelf / version).rglob("*"):
                    if file.is_file():
                        link_or_copy(file, to / file.relative_to(shelf))
        except FileNotFoundError:
            shutil.rmtree(to, ignore_errors=True)
            continue
        for file in shelf.glob("*.json") if shelf.is_dir() else ():
            _copied(file, to / file.name)
        if versions:
            _write(to / "live.json", {"versions": versions})
        return str(versions[0]) if versions else ""
    raise BackupError("backup_unsteady")


def _age(path: Path) -> timedelta:
    return datetime.now(UTC) - datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _copied(source: Path, target: Path) -> None:
    """A copy that only its owner may read: settings hold passwords."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o600)


def _linked(source: Path, target: Path) -> bool:
    try:
        os.link(source, target)
    except OSError:
        return False
    return True


def _drill(backup: Backup) -> int:
    """Restores the database where nobody sees it, compares its rows, opens its catalogue; gives the rows."""
    with tempfile.TemporaryDirectory(prefix=".verifying-", dir=backup.place.parent) as folder:
        with Embedded(Path(folder) / "postgres") as server:
            dump.load(server.url, backup.place / DUMP)
            rows = dump.rows_of(server.url)
        if differ := {name for name in {*rows, *backup.rows} if rows.get(name) != backup.rows.get(name)}:
            raise BackupError("backup_rows", tables=", ".join(sorted(differ)))
    if backup.catalogue:
        _open_catalogue(backup.place / "home" / "catalog" / backup.catalogue)
    return sum(rows.values())


def _open_catalogue(version: Path) -> None:
    from catalog.product import CatalogError
    from catalog.snapshot import Snapshot

    try:
        Snapshot.open(version)
    except CatalogError as error:
        raise BackupError("backup_catalogue", why=error) from error


def _compare(place: Path, files: Mapping[str, tuple[int, str]]) -> None:
    for path, (size, digest) in files.items():
        file = place / path
        if not file.is_file() or file.stat().st_size != size or _digest(file) != digest:
            raise BackupError("backup_damaged", file=file)


def _checksums(folder: Path) -> dict[str, tuple[int, str]]:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): (file.stat().st_size, _digest(file)) for file in files}


def _digest(file: Path) -> str:
    found = hashlib.sha256()
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            found.update(chunk)
    return found.hexdigest()


def _sealed(path: str) -> bool:
    return path.startswith("home/catalog/") and path.count("/") > 2


def _read_all(folder: Path | None) -> list[Backup]:
    """Newest first. What cannot be read is no backup to rely on, and is passed over."""
    found = []
    for place in folder.iterdir() if folder and folder.is_dir() else ():
        if not place.name.startswith(".") and (place / MANIFEST).is_file():
            with contextlib.suppress(BackupError):
                found.append(read(place))
    return sorted(found, key=lambda one: one.created, reverse=True)


def _seen(place: Path) -> Verified | None:
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        about = json.loads((place / VERIFIED).read_text("utf-8"))
        return Verified(**{**about, "at": datetime.fromisoformat(about["at"])})
    return None


def _program() -> str:
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version("counterman")
    return ""


def _write(file: Path, value: Mapping[str, Any]) -> None:
    """In one step, and onto the disk."""
    aside = file.with_name(f".{file.name}.new")
    aside.write_text(json.dumps(value, ensure_ascii=False, indent=1), "utf-8")
    _flush(aside)
    aside.replace(file)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
