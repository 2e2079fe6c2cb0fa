"""How the disk of the box is used, what of it can be freed without loss, and when it will be full."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median

from appliance.backup import REPLACED, Backup, Backups, kept, live_versions
from appliance.store.keeping import Room
from catalog.shelf import Shelf

NEWEST = 3  # catalogue versions that stay in any case, as `Shelf.prune` has it
FEWEST = 1  # of them when the disk is nearly full; the live one and the one before it stay besides
CACHE_KEPT = timedelta(days=30)  # what was not read for so long is seldom read again
PART_KEPT = timedelta(days=7)  # a download that rests for a week is begun anew
REPLACED_KEPT = timedelta(days=30)  # what a restore has put aside holds customers' data, too
SERVER_LOG = 10_000_000  # bytes of the own database's log that stay
LOOK_BACK = 14  # days from which it is told when the disk will be full
FEWEST_DAYS = 4  # fewer prove nothing
SOON = 30  # days before that in which people are told
KINDS = ("database", "catalogue", "backups", "models", "cache", "logs", "uploads", "replaced", "other")
_FOLDERS = {"postgres": "database", "catalog": "catalogue", "backups": "backups", "models": "models",
            "cache": "cache", "logs": "logs", "uploads": "uploads"}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One kind of data: its bytes on the disk, and how many of them `make_room` frees."""

    kind: str
    bytes: int
    free: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """The disk with the data folder, in bytes. `low`: below that, parts of the box are in danger."""

    total: int
    free: int
    low: int
    uses: tuple[Use, ...]

    @property
    def short(self) -> bool:
        return self.free < self.low


class Space:
    """The room of one data folder. `keep_logs` are days, 0 for as long as their number allows."""

    def __init__(self, home: Path, *, shelf: Shelf, backups: Backups, keep_logs: int = 90) -> None:
        self._home, self._shelf, self._backups = home, shelf, backups
        self._keep_logs = timedelta(days=keep_logs) if keep_logs else None

    def look(self) -> Disk:
        """Reads the sizes of all files: seconds on a full disk, so do it beside the event loop."""
        total, _, free = shutil.disk_usage(self._home)
        sizes, seen = dict.fromkeys(KINDS, 0), set[tuple[int, int]]()
        for entry in sorted(self._home.iterdir(), key=lambda entry: entry == self._backups.folder):
            kind = "replaced" if entry.name.startswith(REPLACED) else _FOLDERS.get(entry.name, "other")
            sizes[kind] += _size([entry], seen)  # backups last: what they share with the catalogue takes no more room
        if not self._backups.folder.is_relative_to(self._home) and self._backups.folder.is_dir():
            sizes["backups"] += _size([self._backups.folder], seen)
        spare = {
            "catalogue": _size(self._old_versions(NEWEST)),
            "cache": _size(self._old_caches()),
            "logs": _size(self._old_logs()),
            "models": _size(self._parts()),
            "replaced": _size(self._old_replaced()),
            "backups": sum(one.own_size for one in self._old_backups()),
        }
        uses = tuple(Use(kind=kind, bytes=size, free=min(spare.get(kind, 0), size)) for kind, size in sizes.items())
        return Disk(total=total, free=free, low=low(total), uses=uses)

    def make_room(self) -> dict[str, int]:
        """Frees what is past its time; of a disk that is short, also what can be made again. Gives bytes by kind."""
        total, _, free = shutil.disk_usage(self._home)
        short = free < low(total)
        freed = {
            "models": _remove(self._parts()),
            "cache": _remove(self._old_caches(timedelta() if short else CACHE_KEPT)),
            "logs": _remove(self._old_logs(at_once=short)) + self._shorten_server_log(),
            "replaced": _remove(self._old_replaced()),
        }
        before = shutil.disk_usage(self._home).free
        self._shelf.prune(keep=FEWEST if short else NEWEST)
        freed["catalogue"] = max(shutil.disk_usage(self._home).free - before, 0)
        freed["backups"] = sum(one.own_size for one in self._old_backups())
        self._backups.prune()
        return {kind: size for kind, size in freed.items() if size}

    def _old_versions(self, keep: int) -> list[Path]:
        root = self._home / "catalog"
        names = [version.name for version in self._shelf.versions()]
        stay = {*names[-keep:], *live_versions(root)}
        return [root / name for name in names if name not in stay]

    def _old_caches(self, kept: timedelta = CACHE_KEPT) -> list[Path]:
        return [file for file in _files(self._home / "cache") if min(_rested(file), _unread(file)) >= kept]

    def _old_logs(self, *, at_once: bool = False) -> list[Path]:
        """Only what was set aside: whoever writes a log has it open."""
        aside = [file for file in (self._home / "logs").glob("*.log.*") if file.is_file()]
        if at_once:
            return aside
        return [file for file in aside if self._keep_logs and _rested(file) >= self._keep_logs]

    def _parts(self) -> list[Path]:
        parts = (file for file in _files(self._home / "models") if file.suffix in (".part", ".pieces"))
        return [file for file in parts if _rested(file) >= PART_KEPT]

    def _old_replaced(self) -> list[Path]:
        return [folder for folder in self._home.glob(f"{REPLACED}*") if _rested(folder) >= REPLACED_KEPT]

    def _old_backups(self) -> list[Backup]:
        known = self._backups.all()
        stay = kept(known, self._backups.keep, now=datetime.now(UTC))
        return [one for one in known if one.id not in stay]

    def _shorten_server_log(self) -> int:
        """The server appends, so its log may be emptied under its hands; its end is kept beside it."""
        file = self._home / "postgres" / "server.log"
        size = file.stat().st_size if file.exists() else 0
        if size <= SERVER_LOG:
            return 0
        with file.open("rb") as stream:
            stream.seek(-SERVER_LOG // 10, os.SEEK_END)
            file.with_suffix(".log.1").write_bytes(stream.read())
        os.truncate(file, 0)
        return size - SERVER_LOG // 10


def low(total: int) -> int:
    """Bytes below which a disk of so many is short: 5 %, at most 10 GiB; 1 GiB at least, on a tiny one a tenth."""
    return max(min(total // 20, 10 << 30), min(1 << 30, total // 10))


def days_left(rooms: Sequence[Room]) -> int | None:
    """In how many days the disk is short if it goes on as in these days; None where it does not fill.

    By the median of what each day took: one big download or deletion does not sway it.
    """
    days = [(room.day.toordinal(), room.free) for room in rooms[-LOOK_BACK:]]
    taken = [(before[1] - after[1]) / (after[0] - before[0]) for before, after in pairwise(days)]
    a_day = median(taken) if len(days) >= FEWEST_DAYS else 0
    return max(0, int((rooms[-1].free - low(rooms[-1].total)) / a_day)) if a_day > 0 else None


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (file for file in folder.rglob("*") if file.is_file() and not file.is_symlink())


def _rested(path: Path) -> timedelta:
    """Since somebody last wrote it."""
    return _since(path, "st_mtime")


def _unread(path: Path) -> timedelta:
    """Since somebody last read it, to a day's precision (relatime)."""
    return _since(path, "st_atime")


def _since(path: Path, moment: str) -> timedelta:
    try:
        return datetime.now(UTC) - datetime.fromtimestamp(getattr(path.stat(), moment), UTC)
    except OSError:
        return timedelta()


def _size(paths: Iterable[Path], seen: set[tuple[int, int]] | None = None) -> int:
    """Bytes on the disk; a file that has several names within these paths, or was `seen` before, counts once."""
    seen = set() if seen is None else seen
    size = 0
    for path in paths:
        for file in [path] if path.is_file() else _files(path):
            try:
                about = file.stat()
            except OSError:  # it went meanwhile
                continue
            if (about.st_dev, about.st_ino) not in seen:
                seen.add((about.st_dev, about.st_ino))
                size += about.st_blocks * 512
    return size


def _remove(paths: Iterable[Path]) -> int:
    """Gives the bytes that went. What cannot be removed stays for the next look."""
    freed = 0
    for path in list(paths):
        size = _size([path])
        try:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        except OSError:
            continue
        freed += size
    return freed
