"""Remembers how a person mapped the columns of a layout, so that the same supplier's next list is read alike."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from catalog.product import CatalogError
from catalog.workbook.grid import letter
from catalog.workbook.messages import message
from catalog.workbook.vocabulary import simplify

ALIKE = 0.75  # share of equal column names that makes two headers one layout with columns moved, added or dropped
ANY = "*"  # the layout of a correction that holds whatever the header says
MOST = 500  # layouts kept; the oldest go first


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The corrected columns of one header: `names` are its simplified column names by letter, `fields` by letter."""

    fingerprint: str
    names: Mapping[str, str]
    fields: Mapping[str, str]


class Layouts:
    """Corrections by layout. Immutable: `with_layout` gives another; `load` and `save` keep them in a JSON file."""

    def __init__(self, layouts: Iterable[Layout] = ()) -> None:
        self._layouts = {layout.fingerprint: layout for layout in layouts}

    @classmethod
    def of(cls, mapping: Mapping[str, Mapping[str, str]]) -> Layouts:
        """From {fingerprint (or "*" for any layout): {column letter: field}}."""
        return cls(Layout(fingerprint=key, names={}, fields=dict(fields)) for key, fields in mapping.items())

    @classmethod
    def load(cls, path: Path, *, lang: str = "en") -> Layouts:
        """Those kept at `path`; none where there is no file. Raises CatalogError for a file that is none of ours."""
        try:
            kept = json.loads(path.read_text("utf-8"))
            return cls(Layout(**each) for each in kept["layouts"])
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CatalogError(message("bad_layouts", lang, file=path.name)) from error

    def save(self, path: Path) -> None:
        """Replaces the file at `path` in one step."""
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f"{path.name}.{os.getpid()}.part")
        kept = {"layouts": [asdict(layout) for layout in [*self._layouts.values()][-MOST:]]}
        aside.write_text(json.dumps(kept, ensure_ascii=False, indent=1), "utf-8")
        aside.replace(path)

    def with_layout(self, layout: Layout) -> Layouts:
        """These and one more; its corrections are added to those of the same layout."""
        before = self._layouts.get(layout.fingerprint)
        fields = {**(before.fields if before else {}), **layout.fields}
        rest = [each for key, each in self._layouts.items() if key != layout.fingerprint]
        names = layout.names or (before.names if before else {})
        return Layouts([*rest, Layout(fingerprint=layout.fingerprint, names=names, fields=fields)])

    def __iter__(self) -> Iterator[Layout]:
        return iter(self._layouts.values())

    def fields(self, name: str, labels: Mapping[int, str]) -> dict[str, str]:
        """The corrections by letter for the layout `name` with these column names.

        A header that is new but says mostly what a remembered one says takes its corrections by the names of columns.
        """
        if known := self._layouts.get(name) or self._layouts.get(ANY):
            return dict(known.fields)
        names = named(labels)
        near = max(self._layouts.values(), key=lambda each: _likeness(each.names, names), default=None)
        if near is None or _likeness(near.names, names) < ALIKE:
            return {}
        return _moved(near, names)


def named(labels: Mapping[int, str]) -> dict[str, str]:
    """Simplified column names by letter, figures made equal: dates and rates in a header change with each list."""
    return {letter(place): _name(label) for place, label in sorted(labels.items()) if label.strip()}


def fingerprint(labels: Mapping[int, str], kinds: Sequence[str] = ()) -> str:
    """A layout's name: equal for files whose header says the same in the same columns, whatever the rows.

    A table without a header is named by the kinds of its columns ("number", "text", "").
    """
    names = named(labels)
    said = "|".join(f"{place}:{name}" for place, name in names.items()) if names else "|".join(kinds)
    return sha256(said.encode()).hexdigest()[:16]


def _name(label: str) -> str:
    return re.sub(r"\d+", "0", simplify(label)) or label.strip()


def _likeness(names: Mapping[str, str], others: Mapping[str, str]) -> float:
    """The share of column names that two headers have in common, whatever their order."""
    mine, theirs = set(names.values()), set(others.values())
    return len(mine & theirs) / len(mine | theirs) if len(mine & theirs) > 1 else 0.0


def _moved(layout: Layout, names: Mapping[str, str]) -> dict[str, str]:
    """A layout's corrections at the letters where its column names stand now; a name that stands twice is left out."""
    places: dict[str, list[str]] = {}
    for place, name in names.items():
        places.setdefault(name, []).append(place)
    before = [*layout.names.values()]
    return {
        places[name][0]: field
        for place, field in layout.fields.items()
        if (name := layout.names.get(place, "")) and before.count(name) == 1 and len(places.get(name, ())) == 1
    }
