"""Reads what was meant by unknown words: a forgotten keyboard switch, another alphabet, a slip of the finger."""

from __future__ import annotations

import json
import re
import zlib
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA

from catalog.glossary import knows
from catalog.lanes.postings import mapped
from catalog.normalize import fold, script, sound, switched, unit_of, words
from catalog.normalize.latin import in_cyrillic
from catalog.normalize.text import russian_cousin
from catalog.understand import function_words

SHORTEST = 5  # letters; shorter words have too many neighbours to be corrected (as in Meilisearch's typo rules)
TWO_SLIPS = 8  # letters from which two slips are forgiven
SHORT = 4  # words of a query up to which abbreviations are spelt out; longer ones are found by their other words
DEEP = 20  # letters up to which two letters too many are looked for
GLUED, GLUED_LATIN = 9, 12  # letters from which two words may stand in one; English joins more of its words by itself
LONGEST = 40  # letters; nothing longer is a word
RARE = 3  # rows up to which a known word may itself be somebody's slip
MOST_WORDS = 40  # of a query that are looked at; what follows is kept as written


_ODD = re.compile(r"[^\W_][\[\]{}`;'~\"<>:][^\W_]")  # marks inside a word are letters of the other layout
_DIGIT = re.compile(r"\d")
_JOINING = re.compile("^.{2,6}[ое]$")  # the first half of a Russian compound: `тепло`, `мото`
_REPEATED = re.compile(r"(.)\1+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """The query as it is searched, and for each changed word what else it may have been."""

    text: str
    changed: bool = False
    readings: tuple[tuple[str, str], ...] = ()  # (word as written, another reading)
    guessed: int = 0  # words read as slips of the finger: the least sure of the readings


class Fixer:
    """Knows the words of one catalogue version and corrects only what is not among them, never digits or codes.

    Neighbours are found as in SymSpell (Wolf Garbe): two words one or two slips apart share a form with one letter
    dropped. The dropped forms are kept hashed in sorted, memory-mapped arrays, so that opening costs nothing.
    """

    def __init__(self, folder: Path, *, frequency: Callable[[str], int]) -> None:
        entries = json.loads((folder / "fixer.json").read_text("utf-8"))
        self._words: list[str] = entries["words"]
        self._counts: list[int] = entries["counts"]
        self._frequency = frequency
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
        head, tail = chunks[:MOST_WORDS], chunks[MOST_WORDS:]
        readings: list[tuple[str, str]] = []
        flipped = self._flipped(head)
        meant = self._joined([flipped.get(place, chunk) for place, chunk in enumerate(head)])
        if len(chunks) <= SHORT:
            meant = [self._spelt_out(chunk, readings) for chunk in meant]
        fixed = " ".join([*(self._mended(chunk, readings) for chunk in meant), *tail])
        guessed = len({word for word, other in readings if not _alike(word, other) and not self._frequency(word)})
        changed = fold(fixed) != fold(" ".join(chunks))
        return Fixed(text=fixed, changed=changed, readings=tuple(readings), guessed=guessed)

    def _flipped(self, chunks: list[str]) -> dict[int, str]:
        """The chunks that were typed in the other keyboard layout, as they were meant.

        An unknown chunk whose switched form is known proves it. Then the others of its alphabet were typed in the
        same layout, unless the catalogue knows them better as they stand.
        """
        own = [self._commonness(chunk) if not _ODD.search(chunk) else 0 for chunk in chunks]
        others = [switched(chunk) for chunk in chunks]
        there = [self._commonness(other) for other in others]
        proofs = [at for at in range(len(chunks)) if not own[at] and there[at] and _letters(others[at]) >= 3]
        unknown = [at for at in range(len(chunks)) if not own[at] and _letters(others[at]) >= 2]
        if not proofs:
            near = [at for at in unknown if _letters(others[at]) >= 6 and self._closer(chunks[at], others[at])]
            return {at: others[at] for at in near} if len(near) == len(unknown) else {}
        side = script(" ".join(others[at] for at in proofs))
        return {
            at: others[at]
            for at in range(len(chunks))
            if at in proofs
            or (
                (script(others[at]) == side)
                and (there[at] > own[at] or (not own[at] and not _DIGIT.search(chunks[at])))
            )
        }

    def _commonness(self, chunk: str) -> int:
        """In how many rows the chunk's rarest word stands; 0 when one is unknown or none has a letter."""
        found = [word for word in words(fold(chunk)) if not word.replace(".", "").isdigit()]
        return min((self._frequency(word) for word in found), default=0)

    def _closer(self, chunk: str, other: str) -> bool:
        """Whether only the switched form is a slip away from known words."""

        def near(text: str) -> bool:
            found = [word for word in words(fold(text)) if len(word) >= SHORTEST and word.isalpha()]
            return bool(found) and all(self._frequency(word) or self._neighbours(word) for word in found)

        return not _DIGIT.search(chunk) and near(other) and not near(chunk)

    def _joined(self, chunks: list[str]) -> list[str]:
        """The chunks, with two made one where a space has slipped into a known word: `принадлежн ости`."""
        out: list[str] = []
        for chunk in chunks:
            whole = f"{out[-1]}{chunk}" if out else ""
            torn = whole.isalpha() and len(whole) >= SHORTEST and min(len(out[-1]), len(chunk)) > 1
            if torn and not (self._frequency(out[-1]) and self._frequency(chunk)) and self._frequency(whole):
                out[-1] = whole
            else:
                out.append(chunk)
        return out

    def _spelt_out(self, chunk: str, readings: list[tuple[str, str]]) -> str:
        """The most frequent known word that begins as an unknown one with a dot does: `компл.` is `комплект`."""
        word = fold(chunk).removesuffix(".")
        if word == fold(chunk) or not word.isalpha() or len(word) < 3 or unit_of(word) or self._frequency(word):
            return chunk
        first = bisect_left(self._words, word)
        last = bisect_left(self._words, word + "\uffff", first)
        found = [self._words[at] for at in sorted(range(first, last), key=lambda at: -self._counts[at])[:4]]
        readings.extend((word, other) for other in found)
        return found[0] if found else chunk

    def _mended(self, chunk: str, readings: list[tuple[str, str]]) -> str:
        """The chunk with its unknown words replaced by the likeliest known ones."""
        for word in words(fold(chunk)):
            count = self._frequency(word)
            if count > RARE or not 3 <= len(word) <= LONGEST or unit_of(word):
                continue
            if not word.isalpha():
                found = [] if count else self._transliterated(word)
            else:
                found = self._neighbours(word) if count else self._read(word)
            if count:  # a slip may stand in the catalogue itself, beside many rows that are spelt well
                readings.extend((word, other) for other in found[:2] if self._frequency(other) > 10 * count)
            elif found:
                chunk = fold(chunk).replace("'", "").replace(word, found[0], 1)
                readings.extend((word, other) for other in found[:4])
        return chunk

    def _read(self, word: str) -> list[str]:
        """What an unknown word may be: one that sounds the same, a Ukrainian word's Russian cousin, a slip, or two."""
        found = self._heard(word)
        cousin = russian_cousin(word)
        if not found and cousin != word:
            found = [cousin] if self._frequency(cousin) else self._heard(cousin) or self._neighbours(cousin)
        if found or knows(word):  # a word of another language is no slip
            return found
        return self._transliterated(word) or self._neighbours(word) or self._parted(word) or self._slipped(word)

    def _transliterated(self, word: str) -> list[str]:
        """Known words that one of the habits of writing Russian in Latin letters makes of this one."""
        for read in in_cyrillic(word):
            found = [read] if self._frequency(read) else self._heard(read)
            if found and len(found[0]) >= SHORTEST:
                return found
        return []

    def _parted(self, word: str) -> list[str]:
        """The two known words that were written as one: of several ways, that whose rarer word is the most frequent.

        Not where the word may be whole in its language and only absent here: `wallpaper`, `мотоблок`.
        """
        if len(word) < (GLUED_LATIN if word.isascii() else GLUED):
            return []
        silent = function_words()
        ways = [
            (min(self._frequency(one), self._frequency(other)), f"{one} {other}")
            for one, other in ((word[:at], word[at:]) for at in range(2, len(word) - 1))
            if (len(one) > 3 or one in silent) and (len(other) > 3 or other in silent) and not _JOINING.search(one)
        ]
        count, best = max(ways, default=(0, ""))
        return [best] if count >= RARE else []

    def _slipped(self, word: str) -> list[str]:
        """Neighbours that two slips at once have hidden: a Latin spelling and a slip, or two letters too many."""
        for read in in_cyrillic(word):
            if found := self._neighbours(read):
                return found
        return self._neighbours(word, deep=True) if TWO_SLIPS < len(word) <= DEEP else []

    def _heard(self, word: str) -> list[str]:
        """Known words that sound the same, whatever the alphabet, the most frequent first."""
        key = sound(word)
        if len(key) < 3:
            return []
        same = [at for at in self._sounds.of(key) if sound(self._words[at]) == key and self._words[at] != word]
        return [self._words[at] for at in sorted(same, key=lambda at: -self._counts[at])[:5]]

    def _neighbours(self, word: str, *, deep: bool = False) -> list[str]:
        """Known words at most one slip away (two in long words), the nearest and then the most frequent first.

        `deep` also tries the word without two of its letters, ten times the work.
        """
        if len(word) < SHORTEST:
            return []
        allowed = 2 if len(word) >= TWO_SLIPS else 1
        near: dict[str, tuple[int, int]] = {}
        forms = _dropped(word)
        for form in forms.union(*map(_dropped, forms)) if deep else forms:
            for at in self._slips.of(form):
                other = self._words[at]
                if other in near:
                    continue
                distance = OSA.distance(word, other, score_cutoff=allowed)
                distance += int(other[0] != word[0] and distance > 0)  # the first letter is seldom mistyped
                if 0 < distance <= allowed:
                    near[other] = (distance, -self._counts[at])
        return sorted(near, key=lambda other: (near[other], other))  # equals in one order, run after run


class _Hashes:
    """A string -> numbers index: hashes of the strings in a sorted, memory-mapped array. May answer too much,
    so callers check what they get."""

    def __init__(self, folder: Path, name: str) -> None:
        self._hashes: NDArray[np.uint32] = mapped(folder / f"{name}.npy")
        self._numbers: NDArray[np.int32] = mapped(folder / f"{name}.at.npy")

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
    """The word, without each one of its letters, and without repeated ones."""
    return {word, _REPEATED.sub(r"\1", word), *(word[:at] + word[at + 1 :] for at in range(len(word)))}


def _alike(word: str, other: str) -> bool:
    """Whether they sound the same, but for a space, or the one is short for the other."""
    return other.startswith(word) or sound(word) == sound(other.replace(" ", ""))


def _letters(text: str) -> int:
    return max((sum(letter.isalpha() for letter in word) for word in words(fold(text))), default=0)
