"""Holds a model to its subject: a sentence speaks of goods or of the company's text, and in the words of a shop.

The claim gate knows what a sentence claims; a pirate's greeting claims nothing. Where a model was talked into another
part, or a small one stammers, its words are none of these.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from appliance.core.lexicon import normal

MOST_UNKNOWN = 6  # own words of a sentence in a language without a list: "bizde [A] var, fiyatı [A.price]"
MOST_SIGNS = 18  # the same in Chinese and its like, in characters
ENOUGH, LITTLE = 4, 3  # words of the company's text that a sentence about it must have, and how long these are
SAME = 5  # letters by which two forms of a word are taken for one
_WORD = re.compile(r"(?<!\w)[^\W\d_]{3,}(?!\w)")  # shorter ones and parts of codes say nothing
_SIGN = re.compile(r"[぀-ヿ㐀-鿿가-힯]")
_CYRILLIC = re.compile(r"[Ѐ-ӿ]")
_USE = re.compile(r"(?<!\w)(?:для|for|für)\s+((?:[^\W\d_]+[ -]?){1,3})", re.IGNORECASE)


def astray(own: str, *, lang: str, goods: str, company: str = "", marked: bool, question: str = "") -> str:
    """The word (or the want of a subject) that leads a sentence away from the shop; empty where nothing does.

    `own` is what the model wrote itself, without what its marks stand for; `goods` are the rows' words; `marked` says
    that a mark names one of them, or of the company's facts. Words of the customer's `question` may come back as a
    purpose.
    """
    text, rows, told = normal(own), _words(normal(goods)), _words(normal(company))
    words = [word for word in _WORD.findall(text) if not _same(word, rows)]
    about_goods = len(words) < len(_WORD.findall(text))
    quoted = [word for word in words if _same(word, told)]
    telling = [word for word in quoted if len(word) > LITTLE]
    words = [word for word in words if word not in quoted]
    if not marked and not about_goods and len(telling) < ENOUGH:
        return "it speaks of nothing that is shown"
    if signs := len(_SIGN.findall(text)):
        return "too much beside the facts" if signs > MOST_SIGNS else ""
    excused = {word for match in _USE.finditer(text) for word in _WORD.findall(match[1])} & _words(normal(question))
    listed = _listed(lang)
    if listed is None:
        return "too much beside the facts" if len(words) > MOST_UNKNOWN else ""
    strange = [word for word in words if word not in excused and not listed.fullmatch(word)]
    return strange[0] if strange else ""


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text))


def _same(word: str, shown: Iterable[str]) -> bool:
    """Whether a word is one of the rows' own, in whatever form; the shortest must be the same."""
    if word in shown:
        return True
    return len(word) >= SAME and any(other.startswith(word[: max(SAME, len(word) - 3)]) for other in shown)


@cache
def _listed(lang: str) -> re.Pattern[str] | None:
    """The words of a language; None where there is no list."""
    lists = tomllib.loads(files(__package__).joinpath("shoptalk.toml").read_text("utf-8"))
    if lang not in lists:
        return None
    whole = [re.escape(normal(word)) for word in lists[lang]["words"].split()]
    begun = [re.escape(normal(stem)) + r"\w*" for stem in lists[lang]["stems"].split()]
    return re.compile("|".join([*whole, *begun]))
