"""Reads the box's own log for people: the newest first, filtered, masked once more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from appliance.logs import masked

BLOCK = 1 << 18  # bytes read at once, from the end
DEEPEST = 40_000_000  # bytes that one look goes back: about four files
LEVELS = ("debug", "info", "warning", "error", "critical")
_SHOWN_APART = frozenset({"at", "timestamp", "role", "level", "event", "logger", "text", "exception", "conversation"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the log. `more` is what the event carries besides its words."""

    at: datetime
    process: str
    level: str
    words: str
    logger: str = ""
    conversation: str = ""
    more: str = ""
    exception: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which lines; what is empty does not matter. `level` is the least."""

    process: str = ""
    level: str = ""
    words: str = ""
    conversation: str = ""
    since: datetime | None = None


def newest(file: Path, wanted: Wanted, *, limit: int) -> list[Line]:
    """The newest lines that fit, the newest first; the files set aside are read, too."""
    found: list[Line] = []
    for text in _backwards(file):
        line = _read(text)
        if line is None:
            continue
        if wanted.since and line.at < wanted.since:
            break
        if _fits(line, wanted, text):
            found.append(line)
            if len(found) >= limit:
                break
    return found


def _fits(line: Line, wanted: Wanted, text: str) -> bool:
    least = LEVELS.index(wanted.level) if wanted.level in LEVELS else 0
    rank = LEVELS.index(line.level) if line.level in LEVELS else 1
    if rank < least or (wanted.process and line.process != wanted.process):
        return False
    if wanted.conversation and wanted.conversation not in text:
        return False
    shown = f"{line.words} {line.more} {line.exception} {line.logger}".lower()
    return not wanted.words or all(word in shown for word in wanted.words.lower().split())


def _read(text: str) -> Line | None:
    with suppress(ValueError, TypeError):
        record: dict[str, Any] = json.loads(text)
        at = datetime.fromisoformat(str(record.get("at") or record.get("timestamp")))
        more = " ".join(f"{key}={value}" for key, value in record.items() if key not in _SHOWN_APART)
        return Line(
            at=at if at.tzinfo else at.replace(tzinfo=UTC),
            process=str(record.get("role", "")),
            level=str(record.get("level", "info")).lower(),
            words=masked(str(record.get("event") or record.get("text") or "")),
            logger=str(record.get("logger", "")),
            conversation=str(record.get("conversation", "")),
            more=masked(more),
            exception=masked(str(record.get("exception") or "")),
        )
    return None


def _backwards(file: Path) -> Iterator[str]:
    """The lines of the log from the last one back, through the files set aside."""
    left = DEEPEST
    older = [file.with_name(f"{file.name}.{number}") for number in range(1, 10)]
    for each in (file, *older):
        try:
            with each.open("rb") as log:
                at, rest = log.seek(0, 2), b""
                while at > 0 and left > 0:
                    step = min(BLOCK, at)
                    at, left = at - step, left - step
                    log.seek(at)
                    first, *whole = (log.read(step) + rest).split(b"\n")
                    rest = first
                    yield from (line.decode("utf-8", "replace") for line in reversed(whole) if line)
                if rest and at == 0:
                    yield rest.decode("utf-8", "replace")
        except OSError:
            return
