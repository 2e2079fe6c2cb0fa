"""Writes one version's files into a folder: products, columns, lexical indexes, codes, vectors, manifest."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalog.fixer import Fixer, counts_of
from catalog.lanes.codes import CodesLane
from catalog.lanes.grams import GramsLane, sounds
from catalog.lanes.meaning import SCRIPTS, MeaningLane
from catalog.lanes.words import WordsLane, terms_of
from catalog.normalize import DIMENSIONS, UNIT_OF, Quantity, codes_in, fold, fold_code, looks_like_code, scan, script
from catalog.product import Attribute, CatalogError, Product
from catalog.records import Records
from models.base import Vectors

FORMAT = 1  # of the files; a reader refuses another
LONGEST_DESCRIPTION = 2000  # characters of a description that are searched
MOST_QUANTITIES = 64  # of one row that are kept

DIMENSION_OF = {unit: dimension for dimension, unit in UNIT_OF.items()}

Progress = Callable[[str, float], None]


def text_to_embed(product: Product) -> str:
    """What an embedder sees of a product: its names and its brand, unless a name has the brand already."""
    names = " / ".join([product.name, *(name for _, name in product.names)])
    return names if product.brand.lower() in names.lower() else f"{names} {product.brand}"


def text_key(text: str) -> int:
    """A 64-bit fingerprint of a text that was embedded; equal texts need no second embedding."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def write(
    folder: Path,
    products: Sequence[Product],
    vectors: Mapping[str, Vectors],
    *,
    about: Mapping[str, Any],
    progress: Progress = lambda step, share: None,
) -> None:
    """Fills an empty folder; `vectors` maps an embedder's name to float32 [products, dimensions].

    Raises CatalogError when there is nothing to sell. One thread; a minute for 100,000 products.
    """
    if not products:
        raise CatalogError(
            "The file has no products; look at the named problems, or choose another sheet or header row."
        )
    progress("products", 0.0)
    Records.write(folder, products)
    quantities = [quantities_of(product) for product in products]
    _columns(folder, products, quantities)
    progress("words", 0.2)
    WordsLane.build(folder, "names", (_name_terms(product) for product in products))
    WordsLane.build(folder, "words", (_terms(*pair) for pair in zip(products, quantities, strict=True)))
    Fixer.build(folder, counts_of(_all_text(product) for product in products))
    progress("grams", 0.6)
    GramsLane.build(folder, (sounds(f"{_names(product)} {product.brand} {product.sku}") for product in products))
    CodesLane.build(folder, _codes(products))
    progress("meaning", 0.8)
    scripts = np.array([SCRIPTS.index(script(product.name)) for product in products], dtype=np.uint8)
    keys = np.array([text_key(text_to_embed(product)) for product in products], dtype=np.uint64)
    for name, part in vectors.items():
        MeaningLane.build(folder / f"meaning-{name}", part, scripts, embedder=name)
        np.save(folder / f"meaning-{name}" / "keys.npy", keys)
    _seal(folder, {**about, "products": len(products), "embedders": list(vectors)})
    progress("sealed", 1.0)


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


_ATTRIBUTE_DIMENSION = tuple(
    (re.compile(pattern), dimension)
    for pattern, dimension in (
        (r"полюс|\bpoles?\b", "poles"),
        (r"\brated current\b|\bноминальный ток\b|\bсила тока\b", "current"),
        (r"кол\w* фаз|число фаз|\bphases\b", "phases"),
        (r"\bcurve\b|\btri cha\b|характеристика (?:отключения|срабатывания)|кривая", "curve"),
    )
)


def _attribute(attribute: Attribute) -> Iterator[Quantity]:
    if attribute.number is not None and attribute.unit in DIMENSION_OF:
        yield Quantity(
            dimension=DIMENSION_OF[attribute.unit], low=float(attribute.number), high=float(attribute.number)
        )
        return
    found = scan(attribute.text[:200])
    yield from found
    if found:
        return
    name = fold(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", attribute.name))
    dimension = next((dimension for pattern, dimension in _ATTRIBUTE_DIMENSION if pattern.search(name)), None)
    text = attribute.text.strip()
    if dimension == "curve" and re.fullmatch("[BCDKZ]", text):
        yield Quantity(dimension=dimension, low=ord(text) - 64.0, high=ord(text) - 64.0)
    elif dimension and dimension != "curve" and re.fullmatch(r"[1-9]\d{0,3}(?:[.,]\d+)?", text):
        value = float(text.replace(",", "."))
        yield Quantity(dimension=dimension, low=value, high=value)
    elif re.fullmatch(r"\d+(?:[.,]\d+)?", text):
        yield from scan(f"{text} {name.rsplit(',', 1)[-1].strip()}" if "," in name else "")  # "Мощность, кВт": "3"


def _names(product: Product) -> str:
    return " ".join([product.name, *(name for _, name in product.names)])


def _all_text(product: Product) -> str:
    attributes = " ".join(f"{one.name} {one.text}" for one in product.attributes)
    return (
        f"{_names(product)} {product.brand} {product.category} {product.description[:LONGEST_DESCRIPTION]} {attributes}"
    )


def _name_terms(product: Product) -> list[str]:
    text = _names(product)
    return terms_of(f"{text} {product.brand}" if product.brand.lower() not in text.lower() else text, scan(text))


def _terms(product: Product, quantities: Iterable[Quantity]) -> list[str]:
    return [*terms_of(_all_text(product), quantities), *terms_of(product.sku)]


def _codes(products: Sequence[Product]) -> Iterator[tuple[str, int, bool]]:
    for row, product in enumerate(products):
        yield fold_code(product.sku), row, True
        for code in codes_in(_names(product)):
            yield code, row, False
        for attribute in product.attributes:
            if len(attribute.text) <= 60 and attribute.number is None and looks_like_code(attribute.text):
                yield fold_code(attribute.text), row, False


def _columns(folder: Path, products: Sequence[Product], quantities: Sequence[Sequence[Quantity]]) -> None:
    """What filters and ranking read of all rows at once, as arrays."""
    price = np.array([float(product.price) if product.price is not None else np.nan for product in products])
    stock = np.array(
        [float(product.stock) if product.stock is not None else np.nan for product in products], dtype=np.float32
    )
    np.save(folder / "price.npy", price)
    np.save(folder / "stock.npy", stock)
    values_of: dict[str, list[str]] = {}
    for column, values in (
        ("currency", [product.currency for product in products]),
        ("brand", [fold(product.brand) for product in products]),
        ("category", [product.category for product in products]),
    ):
        distinct = sorted(set(values))
        place = {value: at for at, value in enumerate(distinct)}
        np.save(folder / f"{column}.npy", np.array([place[value] for value in values], dtype=np.int32))
        values_of[column] = distinct
    (folder / "columns.json").write_text(json.dumps(values_of, ensure_ascii=False), "utf-8")
    starts = np.zeros(len(products) + 1, dtype=np.int64)
    np.cumsum([len(row) for row in quantities], out=starts[1:])
    flat = [one for row in quantities for one in row]
    np.save(folder / "quantities.starts.npy", starts)
    np.save(
        folder / "quantities.dimension.npy", np.array([DIMENSIONS.index(one.dimension) for one in flat], dtype=np.uint8)
    )
    ends: NDArray[np.float32] = np.array([(one.low, one.high) for one in flat], dtype=np.float32).reshape(-1, 2)
    np.save(folder / "quantities.ends.npy", ends)
    names = [terms_of(product.name) for product in products]
    heads = [terms[0] if terms else "" for terms in names]
    sizes = [min(len(terms), 255) for terms in names]
    np.save(folder / "heads.npy", np.array([text_key(head) for head in heads], dtype=np.uint64))
    np.save(folder / "sizes.npy", np.array(sizes, dtype=np.uint8))


def _seal(folder: Path, about: Mapping[str, Any]) -> None:
    """Writes the manifest last and brings all of it to the disk."""
    files = {
        str(path.relative_to(folder)): {"bytes": path.stat().st_size, "sha256": checksum(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    manifest = {**about, "format": FORMAT, "created": datetime.now(UTC).isoformat(timespec="seconds"), "files": files}
    (folder / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False, indent=1), "utf-8")
    for path in [*folder.rglob("*"), folder]:
        flush(path)


def checksum(path: Path) -> str:
    """SHA-256 of a whole file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def flush(path: Path) -> None:
    """Brings a file or a folder's entries to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
