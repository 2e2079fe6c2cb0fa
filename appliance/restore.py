"""Puts a backup in place of what there is, or of nothing: built aside, then swapped in; a fault changes nothing.

Afterwards `appliance run` serves. What stood there before is moved to a folder beside it and never deleted here.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from appliance.backup import CHOICE, DUMP, REPLACED, Backup, BackupError, Backups, Tell, check, link_or_copy
from appliance.store import dump
from appliance.store.embedded import Embedded, EmbeddedError
from appliance.store.revisions import known
from appliance.store.schema import migrate
from appliance.store.store import Store, plain_url

ASIDE = ".restoring"
_OTHERS = """SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a restore did. `seconds` is all of it; `put_aside` holds what was there before, if anything was."""

    backup: Backup
    seconds: float
    rows: int
    erased_again: int  # conversations of people who were erased after the backup was made
    put_aside: Path | None
    key_missing: bool  # secrets of other systems have to be entered anew


class RestoreError(BackupError):
    """A backup was not put back; whoever restores reads it at the command line."""

    def __init__(self, why: str) -> None:
        super().__init__("said", why=why)


def restore(
    backups: Backups, id: str = "", *, url: str = "", force: bool = False, tell: Tell = lambda _: None
) -> Restored:
    """Brings the data folder back to a backup, the newest by default. `url`: the database; empty for the own one.

    Raises `BackupError`: for a living box unless `force`, for a running one always, for a backup that is damaged or
    of a newer version. Then nothing has changed.
    """
    home, began = backups.home, time.monotonic()
    backup = backups.get(id)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _nobody_runs(home):
        if not force and (living := _living(home, url)):
            raise RestoreError(
                f"{living}; restoring replaces it. Say --force to put it aside and go back to {backup.id} of "
                f"{backup.created:%Y-%m-%d %H:%M} UTC."
            )
        if url and (others := _connected(url)):
            raise RestoreError(
                f"{others} connections use the database. Stop chat, console and worker on every box first."
            )
        if backup.revision not in known():
            raise RestoreError(
                f"The backup {backup.id} is of a newer version (database {backup.revision}): restore it with that."
            )
        tell("checksums")
        check(backup)
        aside = home / ASIDE
        shutil.rmtree(aside, ignore_errors=True)
        try:
            tell("files")
            _lay_out(backup, aside)
            tell("the database")
            rows, erased = _fill(backup, backups, url, aside / "postgres")
            put_aside = _swap(aside, home)
        except (OSError, dump.DumpError, EmbeddedError, psycopg.Error) as error:
            raise RestoreError(f"The restore did not succeed; what was there is as it was. {error}") from error
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return Restored(
        backup=backup,
        seconds=round(time.monotonic() - began, 1),
        rows=rows,
        erased_again=erased,
        put_aside=put_aside,
        key_missing="secret.key" in backup.left_out and not (home / "secret.key").exists(),
    )


def _lay_out(backup: Backup, aside: Path) -> None:
    """The files as they will lie: sealed catalogue versions may be shared with the backup, all else is copied."""
    for path in backup.files:
        if not path.startswith("home/"):
            continue
        within = path.removeprefix("home/")
        if within.startswith("catalog/") and within.count("/") > 1:
            link_or_copy(backup.place / path, aside / within)
        else:
            (aside / within).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(backup.place / path, aside / within)
            (aside / within).chmod(0o600)


def _fill(backup: Backup, backups: Backups, url: str, own: Path) -> tuple[int, int]:
    """Loads the database, a new own one where no other is named; gives its rows and who was erased again."""
    if not url:
        with Embedded(own) as server:
            return _fill(backup, backups, server.url, own)
    dump.load(url, backup.place / DUMP)
    rows = dump.rows_of(url)
    if rows != dict(backup.rows):
        raise RestoreError(f"The backup {backup.id} gave other rows than were saved. Take another one.")
    migrate(url)
    forgotten = backups.forgotten(backup.created)
    return sum(rows.values()), asyncio.run(_erase_again(url, forgotten)) if forgotten else 0


async def _erase_again(url: str, forgotten: list[dict[str, list[str]]]) -> int:
    store = Store(url, pool=1)
    try:
        async with store.transaction() as tx:
            return sum([await tx.erase_again(ids) for ids in forgotten])
    finally:
        await store.close()


def _swap(aside: Path, home: Path) -> Path | None:
    """Renames only, so that it is done in a moment; what was there goes to a folder of its own."""
    put_aside = home / f"{REPLACED}{datetime.now(UTC):%Y%m%d-%H%M%S}"
    for name in CHOICE:  # beside the models, which stay
        if (aside / name).exists():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (aside / name).replace(home / name)
    shutil.rmtree(aside / "models", ignore_errors=True)
    for entry in aside.iterdir():
        there = home / entry.name
        if there.exists():
            put_aside.mkdir(mode=0o700, exist_ok=True)
            there.rename(put_aside / entry.name)
        entry.rename(there)
    return put_aside if put_aside.exists() else None


def _living(home: Path, url: str) -> str:
    """What would be replaced; empty for a box that holds nothing yet."""
    if url:
        with contextlib.suppress(psycopg.Error), psycopg.connect(plain_url(url), connect_timeout=10) as connection:
            if connection.execute(dump.TABLES).fetchone():
                return "The database holds tables"
    elif (home / "postgres" / "data").exists():
        return f"{home} holds a database"
    return f"{home} holds a catalogue" if (home / "catalog" / "live.json").exists() else ""


def _connected(url: str) -> int:
    """Who else uses a database that is not our own: its tables cannot be replaced under their hands."""
    try:
        with psycopg.connect(plain_url(url), connect_timeout=10) as connection:
            row = connection.execute(_OTHERS).fetchone()
    except psycopg.Error as error:
        raise RestoreError(f"The database cannot be reached: {str(error).strip()}") from error
    return int(row[0]) if row else 0


@contextlib.contextmanager
def _nobody_runs(home: Path) -> Iterator[None]:
    """Holds the supervisor's lock: none may start meanwhile. Raises `BackupError` where one runs."""
    (home / "run").mkdir(exist_ok=True)
    with (home / "run" / "supervisor.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RestoreError(f"The appliance runs in {home}. End it first (ctrl-C, or its service).") from None
        if Embedded(home / "postgres").running():
            raise RestoreError(f"The database in {home} is in use by another command; wait for that to end.")
        yield
