"""Recognises in a wish the brands and categories that a catalogue really has, and what is said of them: only, not."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from catalog.glossary import translate
from catalog.normalize import fold, script, sound, stem, unit_of
from catalog.normalize.text import WORD, words
from catalog.wish import Wish

LONGEST = 4  # words of a brand's or a category's name
HEARD = 3  # letters from which a brand may be written by its sound: "бош" is Bosch
CONTEXT = 60  # characters to either side in which the words around a brand are looked for


@dataclass(frozen=True, slots=True)
class _Named:
    """A brand that stands in the text from `start` to `end`."""

    brand: str
    start: int
    end: int


class Names:
    """The brands and categories of one catalogue version.

    A brand that is told outright ("фирмы Bosch", "only Bosch", "not Bosch") is a filter, and its words are no longer
    searched; one that is merely named ("насос Bosch") is kept among the words and chosen by where it has what is asked;
    one that something is for ("щётки для Bosch") is neither.
    """

    def __init__(self, brands: Sequence[str], categories: Sequence[str]) -> None:
        self._brands = {tuple(words(fold(brand))): fold(brand) for brand in brands if brand.strip()}
        self._brands.pop((), None)
        self._places: dict[str, list[int]] = {}
        for place, brand in enumerate(brands):
            self._places.setdefault(_bare(brand), []).append(place)
        self._heard: dict[str, str] = {}  # a brand in Latin letters by its sound, one in Cyrillic by its stem
        for parts, brand in self._brands.items():
            if len(parts) == 1 and len(parts[0]) >= HEARD and parts[0].isalpha():
                self._heard.setdefault(sound(parts[0]) if script(brand) == "latn" else stem(parts[0]), brand)
        self._categories = [(frozenset(map(stem, words(fold(name)))), fold(name)) for name in categories]

    def read(self, wish: Wish) -> Wish:
        """The wish with the brand and the category that its words name; what is already told stays."""
        wish = self._category(wish)
        for named in self._named(wish.text):
            before, after = wish.text[max(0, named.start - CONTEXT) : named.start], wish.text[named.end :][:CONTEXT]
            if _bare(named.brand) == _bare(wish.not_brand):
                return replace(wish, text=_cut(wish.text, named.start, named.end))
            if said := _around("not", before, after):
                text = _cut(wish.text, named.start - said[0], named.end + said[1])
                return replace(wish, text=text, not_brand=wish.not_brand or named.brand)
            if wish.brand or _around("for", before, after):
                continue
            if said := _around("only", before, after):
                text = _cut(wish.text, named.start - said[0], named.end + said[1])
                return replace(wish, text=text, brand=named.brand)
            return replace(wish, brand=named.brand, brand_sure=False)
        return wish

    def brands(self, said: str) -> list[int]:
        """Places of a brand, in all its spellings: "Konica Minolta" and "Konica-Minolta" are one."""
        return self._places.get(_bare(said), [])

    def categories(self, said: str) -> list[int]:
        """Places of the categories that have all words of a phrase, in any language of the glossary."""
        groups = translate(said).groups or tuple(frozenset({stem(word)}) for word in words(fold(said)))
        if not groups:
            return []
        return [at for at, (stems, _) in enumerate(self._categories) if all(group & stems for group in groups)]

    def _category(self, wish: Wish) -> Wish:
        match = _pattern("category").search(wish.text) if not wish.category else None
        if match is None:
            return wish
        told = list(WORD.finditer(wish.text, match.end()))[:LONGEST]
        for last in reversed(told):
            said = wish.text[match.end() : last.end()].strip(" ,:")
            if places := self.categories(said):
                name = self._categories[places[0]][1] if len(places) == 1 else said
                rest = _cut(wish.text, match.start(), last.end())
                return replace(wish, category=name, text=rest or said)
        return wish

    def _named(self, text: str) -> Iterator[_Named]:
        """The catalogue's brands in the text, each at its longest."""
        found = [(match, words(match[0])[0]) for match in WORD.finditer(text)]
        at = 0
        while at < len(found):
            many, brand = self._brand([word for _, word in found[at : at + LONGEST]])
            measured = at > 0 and found[at - 1][1][-1:].isdigit() and unit_of(found[at][1]) is not None
            if brand and not measured:  # "5 hp" is no Hewlett-Packard
                yield _Named(brand, found[at][0].start(), found[at + many - 1][0].end())
            at += max(many, 1)

    def _brand(self, parts: Sequence[str]) -> tuple[int, str]:
        for many in range(len(parts), 0, -1):
            if brand := self._brands.get(tuple(parts[:many])):
                return many, brand
        if len(parts[0]) >= HEARD and parts[0].isalpha() and script(parts[0]) == "cyrl":
            bare = parts[0].rstrip("аеиоуыюя")  # Cyrillic words are declined: "Ресанту", "фирмы Боша"
            for form in (stem(parts[0]), sound(parts[0]), sound(bare) if len(bare) >= HEARD else ""):
                if brand := self._heard.get(form, ""):
                    return 1, brand
        return 0, ""


def _bare(brand: str) -> str:
    return "".join(words(fold(brand)))


def _around(key: str, before: str, after: str) -> tuple[int, int] | None:
    """How many characters before and after a brand say this of it; None when nothing does."""
    left, right = _pattern(f"brand_{key}").search(before), None
    if left is None:
        right = _pattern(f"brand_{key}_after").match(after)
    if left is None and right is None:
        return None
    return len(left[0]) if left else 0, right.end() if right else 0


def _cut(text: str, start: int, end: int) -> str:
    return re.sub(r"\s+", " ", f"{text[:start]} {text[end:]}").strip(" ,;!?:—-")


@cache
def _pattern(key: str) -> re.Pattern[str]:
    """What is said around a name, from the list of phrases; before the name, it ends where the name begins."""
    phrases = tomllib.loads(files("catalog").joinpath("phrases.toml").read_text("utf-8"))["names"].get(key, ["(?!)"])
    either = "|".join(phrases)
    if key.endswith("_after"):
        return re.compile(rf"\s*(?:{either})(?!\w)")
    return re.compile(rf"(?<!\w)(?:{either})\s*$" if key.startswith("brand") else rf"(?<!\w)(?:{either})[\s:«\"]+")
