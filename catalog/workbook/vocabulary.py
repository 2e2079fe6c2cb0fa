"""Recognises the words people use for columns, prices, currencies, amounts and rows."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

LONGEST_LABEL = 90  # characters; longer texts are sentences, not column names


@dataclass(frozen=True, slots=True)
class Match:
    """What a label means: the field, how sure (0 to 1), and how many characters of it were understood."""

    field: str
    confidence: float
    length: int


def simplify(text: str) -> str:
    """Lower-case words separated by single spaces, accents and punctuation gone: what vocabularies are matched on."""
    text = unicodedata.normalize("NFKC", text).lower().replace("ё", "е")
    if not text.isascii():
        text = _unaccented(text)
    return " ".join(_WORD.findall(text))


_WORD = re.compile(r"[^\W_]+|[№#$€£¥₽₴₸₹₺₾₼֏%]+|\+{1,3}")


def _unaccented(text: str) -> str:
    # й and ї are letters of their own, not accented ones.
    keep = {"й": "\ue000", "ї": "\ue001"}
    for letter, mark in keep.items():
        text = text.replace(letter, mark)
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    for letter, mark in keep.items():
        text = text.replace(mark, letter)
    return text


@lru_cache(maxsize=65_536)
def field_of(label: str) -> Match | None:
    """The field that a column label names, or None where no known word is in it."""
    if len(label) > LONGEST_LABEL * 3:
        return None
    words = simplify(_spelt_out(_last_part(label.replace("_", " "))))
    if not words or len(words) > LONGEST_LABEL or not _any_column().search(words):
        return None
    best: Match | None = None
    rank: tuple[float, bool, int] = (0.0, False, 0)
    for field, pattern in _columns().items():
        for found in pattern.finditer(words):
            length = found.end() - found.start()
            whole = length >= len(words) - 1
            sure = 0.6 if found.start() else 0.95 if whole else 0.85
            # In the middle of a label a name is what the column is about: "Price group/ Item/ Property".
            weight = (sure, field == "name" and found.start() > 0, length)
            if best is None or weight > rank:
                best, rank = Match(field, sure, length), weight
            break
    if best is not None and best.field == "stock" and _counts_something_else(words):
        return Match("attribute", 0.85, best.length)
    return best


def _spelt_out(label: str) -> str:
    """A label without the ways in which a narrow column or a program wrote it: "Арти-\nкул", "UnitPrice"."""
    return _HUMPS.sub(" ", _HYPHENATED.sub("", label))


_HYPHENATED = re.compile(r"(?<=[^\W\d_]{2})-\s+(?=[a-zа-яёіїє])")
_HUMPS = re.compile(r"(?<=[a-zа-яё]{2})(?=[A-ZА-ЯЁ]{2}|[A-ZА-ЯЁ][a-zа-яё])")


def _counts_something_else(words: str) -> bool:
    """Whether a label that begins with a word for a count goes on with what is counted: poles, pages, parcels."""
    stock = _table()["columns"]["stock"]
    found = _matcher(stock["counts"]).match(words)
    rest = words[found.end() :].strip() if found else ""
    return bool(rest) and not _matcher([*stock["counted"], *_word_units()]).match(rest)


@cache
def _word_units() -> tuple[str, ...]:
    return tuple(filter(None, map(simplify, _table()["values"]["sale_units"])))


def name_in(label: str) -> str:
    """The language of a further column of names ("Name (EN)", "Наименование на английском"); empty for other labels."""
    for lang, pattern in _languages().items():
        rest, marks = pattern.subn(" ", label)
        if marks and (match := field_of(rest)) and match.field == "name":
            return lang
    return ""


@cache
def _languages() -> dict[str, re.Pattern[str]]:
    words = _table()["languages"]
    return {lang: re.compile(rf"(?i)(?<!\w)(?:{'|'.join(each)})(?!\w)") for lang, each in words.items()}


@cache
def first_letters() -> frozenset[str]:
    """The first two letters of every known column name: a cheap sieve for header rows."""
    words = [simplify(word) for entry in _table()["columns"].values() for word in entry["words"]]
    return frozenset(word[:2] for word in words) | frozenset(word for word in words if len(word) == 1)


def _last_part(label: str) -> str:
    """1C writes "Номенклатура.Артикул" for the article of a product: the last word says what the column is."""
    found = _PATH.search(label.strip())
    return found[1] if found else label


_PATH = re.compile(r"[^\W\d_]{4,}\.([A-ZА-ЯЁІЇЄҐ][^\W\d_]{3,}[^.]*)$")


RETAIL, PLAIN, LOWER, INNER = range(4)  # the kinds of prices, the one for customers first


def price_rank(label: str) -> int:
    """RETAIL, PLAIN, LOWER (wholesale, special) or INNER (dealer, purchase), as the lowest line that tells says."""
    ranks = [_rank(simplify(line)) for line in label.split("\n")]
    return INNER if INNER in ranks else next((rank for rank in reversed(ranks) if rank != PLAIN), PLAIN)


def _rank(words: str) -> int:
    groups = _table()["prices"]
    for rank, group in ((INNER, "inner"), (LOWER, "lower"), (RETAIL, "retail")):
        if _matcher(groups[group]).search(words):
            return rank
    return PLAIN


def is_inner(label: str) -> bool:
    """Whether a label names what is no customer's business: a dealer or purchase price, a margin, a supplier."""
    return price_rank(label) == INNER or simplify(label) in _table()["prices"]["sources"]


def is_held_back(label: str) -> bool:
    """Whether a property of this name, beside a price, stays with the seller: inner, or a lower price."""
    match = field_of(label)
    return is_inner(label) or bool(match and match.field == "price" and price_rank(label) == LOWER)


def sku_is_weak(label: str) -> bool:
    """Whether another column with a code would be the better SKU."""
    return simplify(label) in _weak_skus()


def sku_is_quoted(label: str) -> bool:
    """Whether the label names the code that customers quote, rather than one of the seller's own books."""
    return bool(_matcher(_table()["columns"]["sku"]["quoted"]).match(simplify(label)))


@lru_cache(maxsize=16_384)
def currency_of(text: str) -> str:
    """The ISO 4217 code of the only currency named in `text`, empty when there is none or more than one."""
    words = simplify(text)
    if not words:
        return ""
    found = {code for code, pattern in _currencies().items() if pattern.search(words)}
    if found == {"RUB", "BYN"}:
        return "BYN"  # "бел. руб."
    return found.pop() if len(found) == 1 else ""


def is_about_price(text: str) -> bool:
    """Whether words around a number say nothing but currency, tax and what the price is for ("руб./шт. с НДС")."""
    return not _beside_price().sub(" ", simplify(_PER.sub(" ", text.lower()))).strip("+ ")


@cache
def _beside_price() -> re.Pattern[str]:
    table = _table()
    return _matcher(
        [*table["values"]["beside_price"], *(word for words in table["currencies"].values() for word in words)]
    )


_PER = re.compile(r"(?:/|\bза |\bper |\bje |\bpro )\s*\w{1,10}\.?\s*\w{0,3}")


def means(kind: str, text: str) -> bool:
    """Whether `text` begins with a word of the list `kind`: "on_request", "in_stock", "out_of_stock", "total", ..."""
    return bool(_matcher(_table()["values"][kind]).match(simplify(text)))


@cache
def sale_units() -> frozenset[str]:
    """The short words for units of sale, lower case, without points."""
    return frozenset(_table()["values"]["sale_units"])


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads((files(__package__) / "vocabulary.toml").read_text("utf-8"))


@cache
def _columns() -> Mapping[str, re.Pattern[str]]:
    return {field: _compiled(tuple(entry["words"])) for field, entry in _table()["columns"].items()}


@cache
def _any_column() -> re.Pattern[str]:
    return _compiled(tuple(word for entry in _table()["columns"].values() for word in entry["words"]))


@cache
def _currencies() -> Mapping[str, re.Pattern[str]]:
    return {code: _compiled(tuple(words)) for code, words in _table()["currencies"].items()}


@cache
def _weak_skus() -> frozenset[str]:
    return frozenset(_table()["columns"]["sku"]["weak"])


def _matcher(words: Iterable[str]) -> re.Pattern[str]:
    return _compiled(tuple(words))


@lru_cache(maxsize=256)
def _compiled(words: tuple[str, ...]) -> re.Pattern[str]:
    """One pattern for all phrases, the longest first; a word with * stands for any ending."""
    phrases = sorted({_phrase(word) for word in words}, key=len, reverse=True)
    return re.compile(r"(?:^|(?<=\s)|(?<=\d))(?:" + "|".join(phrases) + r")(?=\s|$)")


def _phrase(words: str) -> str:
    return r"\s".join(
        re.escape(simplify(word.rstrip("*"))) + (r"[^\W\d_]*" if word.endswith("*") else "") for word in words.split()
    )
