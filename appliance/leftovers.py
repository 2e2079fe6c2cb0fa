"""One supervisor a home: its lock, the room that it needs, and what a killed one before it left running."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
from pathlib import Path

from appliance.words import words


class StartError(Exception):
    """The box cannot start; the message says why and what to do."""


class only_one:  # noqa: N801  (reads as a phrase: with only_one(home))
    """One supervisor a home; the kernel drops the lock whatever way the process ends."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def __enter__(self) -> None:
        self._file = (self._home / "run" / "supervisor.lock").open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.seek(0)
            pid = self._file.read().strip()
            self._file.close()
            raise StartError(words("already_running", home=self._home, pid=pid)) from None
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def __exit__(self, *_: object) -> None:
        self._file.close()


def check_room(home: Path) -> None:
    """A new database takes 300 MB with its first log of changes; one that is there, a segment or two of 16 MB."""
    needed = 64 if (home / "postgres" / "data").exists() else 300
    free = shutil.disk_usage(home).free >> 20
    if free < needed:
        raise StartError(words("disk_full", home=home, free=free, needed=needed))


def mark(home: Path, pid: int) -> str:
    return f"{pid}:{home}"


def end_leftovers(home: Path, of: int = 0) -> int:
    """Kills what supervisors of this home left (`of`: what that one left), found by the mark in its environment.

    Our children die with us, but not what they started. Whoever calls this holds the lock of the home.
    """
    count = 0
    for process in Path("/proc").iterdir():
        if not process.name.isdigit() or int(process.name) == os.getpid():
            continue
        pid = _marked_with(process, home)
        if pid and (pid == of if of else pid != os.getpid()):
            try:
                os.kill(int(process.name), signal.SIGKILL)
                count += 1
            except OSError:
                continue
    return count


def _marked_with(process: Path, home: Path) -> int:
    """The pid of the supervisor by whose order a process runs for this home; 0 for a stranger."""
    try:
        variables = (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return 0
    for each in variables:
        if each.startswith(b"APPLIANCE_RUN="):
            pid, _, marked = os.fsdecode(each).removeprefix("APPLIANCE_RUN=").partition(":")
            return int(pid) if marked == str(home) and pid.isdigit() else 0
    return 0
