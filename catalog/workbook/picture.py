"""A picture that lies on the rows of a price list, and how it is saved beside a catalogue."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

LARGEST = 30 * 2**20  # bytes of one picture; a camera's photograph has 5 to 15 MB
ALL = 2**30  # bytes of all pictures of a list: twenty thousand of those that shops show
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp"})  # what a browser shows


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One picture on a sheet. `rows` are 1-based, the most likely first: its middle, its top, its bottom."""

    sheet: str
    rows: tuple[int, ...]
    part: str  # its name inside the file
    size: int  # bytes


def rows_between(top: int, bottom: int) -> tuple[int, ...]:
    """`Picture.rows` of one that reaches from one row to another, both 1-based."""
    bottom = max(top, bottom)
    return tuple(dict.fromkeys(((top + bottom) // 2, top, bottom)))


def save_pictures(
    pictures: Iterable[Picture], rows: Mapping[tuple[str, int], str], folder: Path, *, read: Callable[[str], bytes]
) -> dict[str, Path]:
    """Writes each picture that lies on a row of `rows` ((sheet, row) to key) into `folder`, named by its content.

    `read` gives the bytes of a part, none where they cannot be had. Gives the file by key; the first picture of a row
    counts, and what comes after `ALL` bytes does not.
    """
    saved: dict[str, Path] = {}
    room = ALL
    folder.mkdir(parents=True, exist_ok=True)
    for picture in pictures:
        key = next((rows[picture.sheet, row] for row in picture.rows if (picture.sheet, row) in rows), None)
        if key is None or key in saved or not (content := read(picture.part)):
            continue
        if (room := room - len(content)) < 0:
            break
        path = folder / (hashlib.sha256(content).hexdigest()[:24] + posixpath.splitext(picture.part)[1].lower())
        if not path.exists():
            path.write_bytes(content)
        saved[key] = path
    return saved
