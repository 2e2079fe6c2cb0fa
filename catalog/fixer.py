"""Reads what was meant when the words are unknown: a forgotten keyboard switch, another alphabet, a slip of the finger."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA

from catalog.normalize import fold, script, sound, switched, words

SHORTEST = 4  # letters; shorter words have too many neighbours to be corrected (as in Meilisearch's typo rules)
TWO_SLIPS = 8  # letters from which two slips are forgiven
LONGEST = 40  # letters; nothing longer is a word
MOST_WORDS = 40  # of a query that are looked at; what follows is kept as written


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """The query as it is searched, and for each changed word what else it may have been."""

    text: str
    changed: bool = False
    readings: tuple[tuple[str, str], ...] = ()  # (word as written, another reading)


class Fixer:
    """Knows the words of one catalogue version and corrects only what is not among them, never digits or codes.

    Neighbours are found as in SymSpell (Wolf Garbe): two words one or two slips apart share a form with one letter
    dropped. The dropped forms are kept hashed in sorted, memory-mapped arrays, so that opening costs nothing.
    """

    def __init__(self, folder: Path, *, known: Callable[[str], bool]) -> None:
        entries = json.loads((folder / "fixer.json").read_text("utf-8"))
        self._words: list[str] = entries["words"]
        self._counts: list[int] = entries["counts"]
        self._known = known
        self._slips = _Hashes(folder, "fixer.slips")
        self._sounds = _Hashes(folder, "fixer.sounds")

    @staticmethod
    def build(folder: Path, counts: Mapping[str, int]) -> None:
        """Writes the index of the catalogue's words and in how many rows each stands."""
        chosen = sorted(word for word in counts if 3 <= len(word) <= LONGEST and word.isalpha())
        (folder / "fixer.json").write_text(
            json.dumps({"words": chosen, "counts": [counts[word] for word in chosen]}, ensure_ascii=False), "utf-8"
        )
        _Hashes.write(folder, "fixer.slips", ((form, at) for at, word in enumerate(chosen) for form in _dropped(word)))
        _Hashes.write(folder, "fixer.sounds", ((sound(word), at) for at, word in enumerate(chosen)))

    def fix(self, text: str) -> Fixed:
        """The text with each unknown word read anew where a reading is found; linear in its length."""
        chunks = text.lower().split()
        unknown = [not self._familiar(chunk) for chunk in chunks[:MOST_WORDS]]
        if not any(unknown):
            return Fixed(text=text)
        flipped = self._flipped(chunks[:MOST_WORDS], unknown)
        out: list[str] = []
        readings: list[tuple[str, str]] = []
        for place, chunk in enumerate(chunks):
            if place >= MOST_WORDS:
                out.append(chunk)
            elif place in flipped:
                out.append(self._mended(flipped[place], readings))
            elif unknown[place]:
                out.append(self._mended(chunk, readings))
            else:
                out.append(chunk)
        fixed = " ".join(out)
        return Fixed(text=fixed, changed=fold(fixed) != fold(" ".join(chunks)), readings=tuple(readings))

    def _familiar(self, chunk: str) -> bool:
        return all(self._known(word) or word.replace(".", "").isdigit() for word in words(fold(chunk)))

    def _flipped(self, chunks: list[str], unknown: list[bool]) -> dict[int, str]:
        """The chunks that were typed in the other keyboard layout, as they were meant.

        One chunk is proof when all its words become known. Where a query has such proof, its other unknown words
        were typed in the same layout.
        """
        sure: dict[int, str] = {}
        perhaps: dict[int, str] = {}
        for place, chunk in enumerate(chunks):
            if not unknown[place] or not any(letter.isalpha() or letter in "[];',." for letter in chunk):
                continue
            other = switched(chunk)
            found = [word for word in words(fold(other)) if any(letter.isalpha() for letter in word)]
            if not found or not any(letter.isalpha() for letter in other):
                continue
            if all(self._known(word) for word in found) and max(map(len, found)) >= 2:
                sure[place] = other
            elif self._closer(chunk, other):
                perhaps[place] = other
        strong = [place for place in sure if len(sure[place]) >= 4]
        if not sure or not (strong or len(sure) == sum(unknown)):
            return (
                {place: other for place, other in perhaps.items() if len(other) >= 6}
                if len(perhaps) == sum(unknown)
                else {}
            )
        side = script(sure[(strong or list(sure))[0]])
        same_side = {
            place: switched(chunks[place])
            for place in range(len(chunks))
            if unknown[place] and script(switched(chunks[place])) == side
        }
        return {**same_side, **sure}

    def _closer(self, chunk: str, other: str) -> bool:
        """Whether only the switched form is a slip away from known words."""

        def near(text: str) -> bool:
            found = [word for word in words(fold(text)) if len(word) >= SHORTEST and word.isalpha()]
            return bool(found) and all(self._known(word) or self._neighbours(word) for word in found)

        return near(other) and not near(chunk)

    def _mended(self, chunk: str, readings: list[tuple[str, str]]) -> str:
        """The chunk with its unknown words replaced by the likeliest known ones."""
        for word in words(fold(chunk)):
            if self._known(word) or not word.isalpha() or not 3 <= len(word) <= LONGEST:
                continue
            found = self._heard(word) or self._neighbours(word)
            if found:
                chunk = re.sub(re.escape(word), found[0], fold(chunk), count=1)
                readings.extend((word, other) for other in found[:4])
        return chunk

    def _heard(self, word: str) -> list[str]:
        """Known words that sound the same, whatever the alphabet, the most frequent first."""
        key = sound(word)
        if len(key) < 3:
            return []
        same = [at for at in self._sounds.of(key) if sound(self._words[at]) == key and self._words[at] != word]
        return [self._words[at] for at in sorted(same, key=lambda at: -self._counts[at])[:5]]

    def _neighbours(self, word: str) -> list[str]:
        """Known words at most one slip away (two in long words), the nearest and then the most frequent first."""
        if len(word) < SHORTEST:
            return []
        allowed = 2 if len(word) >= TWO_SLIPS else 1
        near: dict[str, tuple[int, int]] = {}
        for form in _dropped(word):
            for at in self._slips.of(form):
                other = self._words[at]
                if other in near:
                    continue
                distance = OSA.distance(word, other, score_cutoff=allowed)
                distance += int(other[0] != word[0] and distance > 0)  # the first letter is seldom mistyped
                if 0 < distance <= allowed:
                    near[other] = (distance, -self._counts[at])
        return sorted(near, key=lambda other: near[other])


class _Hashes:
    """A string -> numbers index: hashes of the strings in a sorted, memory-mapped array. May answer too much,
    so callers check what they get."""

    def __init__(self, folder: Path, name: str) -> None:
        self._hashes: NDArray[np.uint32] = np.load(folder / f"{name}.npy", mmap_mode="r")
        self._numbers: NDArray[np.int32] = np.load(folder / f"{name}.at.npy", mmap_mode="r")

    @staticmethod
    def write(folder: Path, name: str, entries: Iterable[tuple[str, int]]) -> None:
        pairs = [(zlib.crc32(text.encode()), number) for text, number in entries]
        table = np.array(pairs, dtype=np.uint32).reshape(-1, 2)
        table = table[np.argsort(table[:, 0], kind="stable")]
        np.save(folder / f"{name}.npy", np.ascontiguousarray(table[:, 0]))
        np.save(folder / f"{name}.at.npy", np.ascontiguousarray(table[:, 1].astype(np.int32)))

    def of(self, text: str) -> list[int]:
        key = np.uint32(zlib.crc32(text.encode()))
        first = int(np.searchsorted(self._hashes, key, side="left"))
        last = int(np.searchsorted(self._hashes, key, side="right"))
        return [int(number) for number in self._numbers[first:last]]


def _dropped(word: str) -> set[str]:
    """The word, and the word with each one of its letters dropped."""
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))}


def counts_of(documents: Iterable[str]) -> dict[str, int]:
    """In how many texts each word without digits stands, by its folded form."""
    counts: dict[str, int] = {}
    for document in documents:
        for word in set(words(fold(document))):
            if word.isalpha():
                counts[word] = counts.get(word, 0) + 1
    return counts
