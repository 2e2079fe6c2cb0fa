"""What the lanes have to know of each product, worked out once for each content and taken over by later versions."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import Stemmer
from numpy.typing import NDArray

from catalog import normalize
from catalog.lanes.meaning import SCRIPTS
from catalog.normalize import (
    DIMENSIONS,
    UNIT_OF,
    Quantity,
    codes_in,
    fold,
    fold_code,
    looks_like_code,
    scan,
    script,
    sound,
    stem,
    words,
)
from catalog.product import Attribute, Product
from catalog.ragged import Places, Ragged, sorted_by_word

LONGEST_DESCRIPTION = 2000  # characters of a description that are searched
LONGEST_CODE = 60  # characters of an attribute that may be a code
MOST_QUANTITIES = 64  # of one row that are kept

DIMENSION_OF = {unit: dimension for dimension, unit in UNIT_OF.items()}
FOLDER = "digest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """Row by row, for each product: lists of places in `strings`, its quantities, and what ranking reads of its name.

    `names` and `words`: terms of the words lanes; `spelt`: the row's words without digits, each once; `sounds`: its
    words by sound, in order; `codes`: folded codes, the row's own SKU first.
    """

    keys: NDArray[np.uint64]  # [products], of the content
    strings: Sequence[str]  # sorted, each used
    names: Ragged
    words: Ragged
    spelt: Ragged
    sounds: Ragged
    codes: Ragged
    dimensions: Ragged  # uint8, places in DIMENSIONS
    ends: Ragged  # float32 [quantities, 2], low and high in the canonical unit
    heads: NDArray[np.uint64]  # [products], `text_key` of the first word's stem
    sizes: NDArray[np.uint8]  # [products], words of the name, at most 255
    scripts: NDArray[np.uint8]  # [products], places in SCRIPTS

    def write(self, folder: Path) -> None:
        """Stores it for later versions, with the rules by which it was made."""
        (folder / FOLDER).mkdir()
        for name in _LISTS:
            lists: Ragged = getattr(self, name)
            np.save(folder / FOLDER / f"{name}.starts.npy", lists.starts)
            np.save(folder / FOLDER / f"{name}.npy", lists.values)
        for name in _COLUMNS:
            np.save(folder / FOLDER / f"{name}.npy", getattr(self, name))
        (folder / FOLDER / "strings.json").write_text(json.dumps(self.strings, ensure_ascii=False), "utf-8")
        (folder / FOLDER / "rules.json").write_text(json.dumps(rules()), "utf-8")

    @staticmethod
    def read(folder: Path) -> Digest | None:
        """That of a sealed version; None where it has none, or was made by other rules or is damaged."""
        try:
            if json.loads((folder / FOLDER / "rules.json").read_text("utf-8")) != rules():
                return None
            parts = {path.name.removesuffix(".npy"): np.load(path) for path in (folder / FOLDER).glob("*.npy")}
            return _digest(
                json.loads((folder / FOLDER / "strings.json").read_text("utf-8")),
                {name: Ragged(starts=parts[f"{name}.starts"], values=parts[name]) for name in _LISTS},
                {name: parts[name] for name in _COLUMNS},
            )
        except (OSError, ValueError, KeyError):
            return None  # it only saves time

    def take(self, rows: Places) -> Digest:
        """The chosen products in the given order, over the same strings."""
        return _digest(
            self.strings,
            {name: getattr(self, name).take(rows) for name in _LISTS},
            {name: getattr(self, name)[rows] for name in _COLUMNS},
        )


_STRINGS = ("names", "words", "spelt", "sounds", "codes")
_LISTS = (*_STRINGS, "dimensions", "ends")
_COLUMNS = ("keys", "heads", "sizes", "scripts")


def _digest(strings: Sequence[str], lists: Mapping[str, Ragged], columns: Mapping[str, NDArray[Any]]) -> Digest:
    parts: dict[str, Any] = {**lists, **columns}
    return Digest(strings=strings, **parts)


def digest(products: Sequence[Product], earlier: Iterable[Path] = ()) -> Digest:
    """The products' digest; what a sealed version in `earlier` knows of the same content is taken over.

    Equal products give equal digests to the byte, whatever was taken over.
    """
    keys = np.array([content_key(product) for product in products], dtype=np.uint64)
    missing = np.arange(len(keys))
    parts: list[Digest] = []
    rows: list[Places] = []
    for folder in earlier:
        old = Digest.read(folder) if len(missing) else None
        if old is not None and len(old.keys):
            at, same = found_among(keys[missing], old.keys)
            parts.append(old.take(at[same]))
            rows.append(missing[same])
            missing = missing[~same]
    parts.append(_worked_out([products[row] for row in missing.tolist()], keys[missing]))
    rows.append(missing)
    return _joined(parts).take(np.argsort(np.concatenate(rows)))


def found_among(keys: NDArray[np.uint64], known: NDArray[np.uint64]) -> tuple[Places, NDArray[np.bool_]]:
    """For each key a place in `known` (not empty), and whether that one is equal."""
    order = np.argsort(known, kind="stable")
    at = order[np.minimum(np.searchsorted(known[order], keys), len(order) - 1)]
    return at, known[at] == keys


def text_key(text: str) -> int:
    """A 64-bit fingerprint of a text; equal texts need no second embedding."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def content_key(product: Product) -> int:
    """A 64-bit fingerprint of all that a digest is made from: not of the price, the stock or the row."""
    attributes = (f"{one.name}\x1f{one.text}\x1f{one.number}\x1f{one.unit}" for one in product.attributes)
    fields = (product.sku, product.brand, product.category, product.description[:LONGEST_DESCRIPTION], product.name)
    return text_key("\x1e".join((*fields, *(name for _, name in product.names), "\x1d", *attributes)))


@cache
def rules() -> str:
    """A fingerprint of the code that makes digests: another release's are not taken over."""
    sources = sorted([*Path(normalize.__file__).parent.glob("*.py"), Path(__file__)], key=lambda path: path.name)
    code = b"".join(source.read_bytes() for source in sources)
    return hashlib.sha256(code + Stemmer.version().encode()).hexdigest()


def quantities_of(product: Product) -> list[Quantity]:
    """The quantities of a row: those typed by the import, those named in an attribute, those in its texts."""
    found: dict[tuple[str, float, float], Quantity] = {}
    texts = [product.name, *(name for _, name in product.names), product.description[:LONGEST_DESCRIPTION]]
    for quantity in [
        *(one for attribute in product.attributes for one in _attribute(attribute)),
        *(one for text in texts for one in scan(text)),
    ]:
        found.setdefault((quantity.dimension, quantity.low, quantity.high), quantity)
    return list(found.values())[:MOST_QUANTITIES]


def _worked_out(products: Sequence[Product], keys: NDArray[np.uint64]) -> Digest:
    """From nothing but the products; some 4,000 a second on one core."""
    places: dict[str, int] = {}
    lists: dict[str, list[list[int]]] = {name: [] for name in _STRINGS}
    quantities: list[list[Quantity]] = []
    heads, sizes, scripts = [], [], []
    for product in products:
        own = quantities_of(product)
        for name, found in zip(_STRINGS, _strings(product, own), strict=True):
            lists[name].append([places.setdefault(string, len(places)) for string in found])
        quantities.append(own)
        name_words = words(fold(product.name))
        heads.append(text_key(stem(name_words[0]) if name_words else ""))
        sizes.append(min(len(name_words), 255))
        scripts.append(SCRIPTS.index(script(product.name)))
    ends = Ragged.of([[(one.low, one.high) for one in row] for row in quantities], np.float32)
    return _digest(
        list(places),
        {
            **{name: Ragged.of(lists[name], np.int32) for name in _STRINGS},
            "dimensions": Ragged.of([[DIMENSIONS.index(one.dimension) for one in row] for row in quantities], np.uint8),
            "ends": Ragged(starts=ends.starts, values=ends.values.reshape(-1, 2)),
        },
        {
            "keys": keys,
            "heads": np.array(heads, dtype=np.uint64),
            "sizes": np.array(sizes, dtype=np.uint8),
            "scripts": np.array(scripts, dtype=np.uint8),
        },
    )


def _strings(product: Product, quantities: Iterable[Quantity]) -> Iterator[Iterable[str]]:
    """In the order of `_STRINGS`."""
    texts = [product.name, *(name for _, name in product.names)]
    name, brand = words(fold(" ".join(texts))), words(fold(product.brand))
    more = words(fold(_further_text(product)))
    sku = words(fold(product.sku))
    branded = product.brand.lower() in " ".join(texts).lower()
    in_names = {quantity.tokens: None for text in texts for quantity in scan(text)}
    yield [*map(stem, name if branded else (*name, *brand)), *(token for tokens in in_names for token in tokens)]
    yield [
        *map(stem, (*name, *brand, *more, *sku)),
        *(token for quantity in quantities for token in quantity.tokens),
    ]
    yield sorted({word for word in (*name, *brand, *more) if word.isalpha()})
    yield map(sound, (*name, *brand, *sku))
    yield _codes(product, " ".join(texts))


def _further_text(product: Product) -> str:
    attributes = " ".join(f"{one.name} {one.text}" for one in product.attributes)
    return f"{product.category} {product.description[:LONGEST_DESCRIPTION]} {attributes}"


def _codes(product: Product, names: str) -> Iterator[str]:
    yield fold_code(product.sku)
    yield from codes_in(names)
    for attribute in product.attributes:
        if len(attribute.text) <= LONGEST_CODE and attribute.number is None and looks_like_code(attribute.text):
            yield fold_code(attribute.text)


_ATTRIBUTE_DIMENSION = tuple(
    (re.compile(pattern), dimension)
    for pattern, dimension in (
        (r"полюс|\bpoles?\b", "poles"),
        (r"\brated current\b|\bноминальный ток\b|\bсила тока\b", "current"),
        (r"кол\w* фаз|число фаз|\bphases\b", "phases"),
        (r"\bcurve\b|\btri cha\b|характеристика (?:отключения|срабатывания)|кривая", "curve"),
    )
)


def _attribute(attribute: Attribute) -> Iterable[Quantity]:
    if attribute.number is not None and attribute.unit in DIMENSION_OF:
        value = float(attribute.number)
        return (Quantity(dimension=DIMENSION_OF[attribute.unit], low=value, high=value),)
    return _written(attribute.name, attribute.text)


@lru_cache(maxsize=65536)  # attributes repeat: of 100,000 in a catalogue, a few thousand are distinct
def _written(name: str, text: str) -> tuple[Quantity, ...]:
    """The quantities of an attribute as written, by its own unit or by what its name says."""
    found = scan(text[:200])
    if found:
        return tuple(found)
    name = fold(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name))
    dimension = next((dimension for pattern, dimension in _ATTRIBUTE_DIMENSION if pattern.search(name)), None)
    text = text.strip()
    if dimension == "curve" and re.fullmatch("[BCDKZ]", text):
        return (Quantity(dimension=dimension, low=ord(text) - 64.0, high=ord(text) - 64.0),)
    if dimension and dimension != "curve" and re.fullmatch(r"[1-9]\d{0,3}(?:[.,]\d+)?", text):
        value = float(text.replace(",", "."))
        return (Quantity(dimension=dimension, low=value, high=value),)
    if re.fullmatch(r"\d+(?:[.,]\d+)?", text) and "," in name:
        return tuple(scan(f"{text} {name.rsplit(',', 1)[-1].strip()}"))  # "Мощность, кВт": "3"
    return ()


def _joined(parts: Sequence[Digest]) -> Digest:
    """The products of all parts, one part after the other, over one list of strings."""
    strings = [string for part in parts for string in part.strings]
    places: dict[str, int] = {}
    one_place = np.array([places.setdefault(string, len(places)) for string in strings], dtype=np.int32)
    first = np.cumsum([0, *(len(part.strings) for part in parts)])
    lists = [
        Ragged(
            starts=getattr(part, name).starts,
            values=one_place[start : start + len(part.strings)][getattr(part, name).values],
        )
        for name in _STRINGS
        for part, start in zip(parts, first, strict=False)
    ]
    together, ordered = sorted_by_word(Ragged.joined(lists), list(places))
    cuts = np.cumsum([0, *(sum(len(part.keys) for part in parts) for _ in _STRINGS)])
    return _digest(
        ordered,
        {
            **{name: together.take(np.arange(cuts[at], cuts[at + 1])) for at, name in enumerate(_STRINGS)},
            **{name: Ragged.joined([getattr(part, name) for part in parts]) for name in ("dimensions", "ends")},
        },
        {name: np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS},
    )
