"""Whether the live catalogue is on the disk as it was sealed, and whether a search in it finds what it holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from catalog.build import checksum
from catalog.snapshot import Snapshot

AT_ONCE = 64 << 20  # bytes that one look reads of what was never verified: a fraction of a second
NEAR = 1e-3  # how much less alike than itself the nearest row may be: the vectors are kept with half precision


class Sealed:
    """Looks after one version at a time. A file is read when it is new to us, and again when it was written to."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._whole: dict[str, tuple[int, int]] = {}  # file -> its time of change and size when it was found whole
        self._damaged = ""

    def damaged(self, folder: Path, manifest: Mapping[str, Any]) -> str:
        """The name of a file that is not as it was sealed; empty where none is known. Each look reads a little more."""
        if folder != self._folder:
            self._folder, self._whole, self._damaged = folder, {}, ""
        files: Mapping[str, Any] = manifest["files"]
        order = [self._damaged, *files] if self._damaged in files else list(files)
        budget = AT_ONCE
        for name in order:
            seen = _seen(folder / name)
            if self._whole.get(name) == seen:
                continue
            about = files[name]
            if budget <= 0 and name not in self._whole:
                continue  # another look's work; one that was written to is read at once
            budget -= about["bytes"]
            if seen is None or seen[1] != about["bytes"] or checksum(folder / name) != about["sha256"]:
                self._damaged = name
                return name
            self._whole[name] = seen
        self._damaged = ""
        return ""

    def searched(self, snapshot: Snapshot) -> bool:
        """Whether a product of the catalogue is found by its name, and by its meaning in every lane."""
        if not len(snapshot):
            return True
        row = len(snapshot) // 2
        found = snapshot.search(snapshot.prepare(snapshot.records[row].name), {}, limit=3)
        if not (found.hits or found.near):
            return False
        for lane in snapshot.meanings.values():
            [vector] = lane.of(np.array([row]))
            near = lane.search(vector, 3)
            if not len(near) or float((lane.of(near) @ vector).max()) < float(vector @ vector) - NEAR:
                return False
        return True


def _seen(file: Path) -> tuple[int, int] | None:
    try:
        about = file.stat()
    except OSError:
        return None
    return about.st_mtime_ns, about.st_size
