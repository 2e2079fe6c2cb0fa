"""The one log of the box: what the processes say, to a rotated file for machines and to the terminal for people."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

LIMIT = 10_000_000  # bytes of a file before it is set aside
KEPT = 5  # files set aside
LONGEST = 16_000  # characters of a line; a longer one is cut

_LOUD = {"warning", "error", "critical"}
_OWN_FIELDS = {"at", "timestamp", "role", "level", "event", "logger", "text", "exception"}


class Journal:
    """Every line ends in `file` as a JSON object with `at` and `role`.

    On a terminal people see their own steps and what is loud; without one (Docker, systemd) they see every line.
    """

    def __init__(self, file: Path, *, screen: IO[str] | None = None, everything: bool | None = None) -> None:
        self._path = file
        self._screen: IO[str] | None = screen or sys.stdout
        self._everything = not self._screen.isatty() if everything is None else everything
        self._terminal = self._screen.isatty()
        self._rewriting = False
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[str] | None = None
        self._size = 0
        self._open()

    def say(self, text: str) -> None:
        """Words of ours to the person who started the box."""
        self._write({"role": "appliance", "text": text})
        self._show(text)

    def whisper(self, text: str) -> None:
        """Words of ours for the screen alone: a secret that no file should keep."""
        self._show(text)

    def progress(self, role: str, text: str, *, shown: str = "") -> None:
        """A line about how far a long step is, for people as `shown`; on a terminal the next one takes its place."""
        self._write({"role": role, "text": text[:LONGEST]})
        self._show(shown[:LONGEST] or f"{role:9} {text[:LONGEST]}", rewrite=self._terminal)

    def line(self, role: str, text: str) -> str:
        """A line that a process wrote: a JSON object of its log, or plain text (a traceback).

        Gives it back as people read it if it tells of trouble, else nothing.
        """
        text = text[:LONGEST]
        record = _record(text)
        if record is None:
            self._write({"role": role, "text": text})
            loud = not text.lower().startswith("info")
        else:
            self._write({**record, "role": role})
            loud = str(record.get("level", "")).lower() in _LOUD
            text = _readable(record)
        if loud or self._everything:
            self._show(f"{role:9} {text}")
        return text if loud else ""

    def trouble(self) -> str:
        """Why the folder cannot be written, by trying; empty if it can."""
        probe = self._path.with_name(".probe")
        try:
            probe.write_bytes(b"x" * 4096)  # a whole block: an empty file fits on a full disk
            probe.unlink()
        except OSError as error:
            return error.strerror or type(error).__name__
        return ""

    def close(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None

    def _write(self, record: Mapping[str, Any]) -> None:
        at = record.get("at") or record.get("timestamp") or datetime.now(UTC).isoformat(timespec="milliseconds")
        text = json.dumps({"at": at, **record}, ensure_ascii=False, default=str) + "\n"
        try:
            if self._size + len(text.encode()) > LIMIT:
                self._rotate()
            file = self._file or self._open()
            file.write(text)
            file.flush()
            self._size += len(text.encode())
        except OSError as error:  # a full disk must not take the box down
            self.close()  # what it has in hand it would try to write again; the next line opens it anew
            self._show(f"{self._path} cannot be written: {error.strerror}")

    def _open(self) -> IO[str]:
        self._file = self._path.open("a", encoding="utf-8")
        self._size = self._path.stat().st_size
        return self._file

    def _rotate(self) -> None:
        self.close()
        for number in range(KEPT - 1, 0, -1):
            older = self._path.with_name(f"{self._path.name}.{number}")
            if older.exists():
                older.replace(self._path.with_name(f"{self._path.name}.{number + 1}"))
        self._path.replace(self._path.with_name(f"{self._path.name}.1"))

    def _show(self, text: str, *, rewrite: bool = False) -> None:
        if self._screen is None:
            return
        if rewrite:
            text = "\r\033[K" + text[: shutil.get_terminal_size().columns - 1]
        elif self._rewriting:
            text = "\n" + text
        self._rewriting = rewrite
        try:
            print(text, end="" if rewrite else "\n", file=self._screen, flush=True)
        except (OSError, ValueError):  # the terminal has gone; the file goes on
            self._screen = None


class Own(io.TextIOWrapper):
    """Where the keeper of a journal logs to: its own lines go the way of all others."""

    def __init__(self, journal: Journal, role: str) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8")
        self._journal, self._role = journal, role

    def write(self, text: str, /) -> int:
        for line in text.splitlines():
            if line:
                self._journal.line(self._role, line)
        return len(text)


def _record(text: str) -> dict[str, Any] | None:
    if not text.startswith("{"):
        return None
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _readable(record: Mapping[str, Any]) -> str:
    rest = " ".join(f"{key}={value}" for key, value in record.items() if key not in _OWN_FIELDS)
    words = [str(record.get("level", "info")), str(record.get("event") or record.get("text") or ""), rest]
    exception = record.get("exception")
    return " ".join(filter(None, words)) + (f"\n{exception}" if exception else "")
