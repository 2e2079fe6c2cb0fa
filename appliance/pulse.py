"""Shows the supervisor that a process without a port is not stuck: a file is touched for as long as its loop turns."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

EVERY = 5.0  # seconds


def pulse_file(home: Path, role: str) -> Path:
    return home / "run" / f"{role}.pulse"


async def pulse(file: Path) -> None:
    """Touches the file until cancelled. A disk that is full or away is not what it tells of."""
    while True:
        _touch(file)
        await asyncio.sleep(EVERY)


def _touch(file: Path) -> None:
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()


def beat(file: Path) -> float:
    """When it was last touched, in seconds since the epoch; 0 for never."""
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0
