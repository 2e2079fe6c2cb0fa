"""Writes one version's files into a folder: products, columns, lexical indexes, codes, vectors, manifest."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalog.digest import FOLDER as DIGEST
from catalog.digest import Digest, digest
from catalog.fixer import Fixer
from catalog.lanes.codes import CodesLane
from catalog.lanes.grams import GramsLane
from catalog.lanes.meaning import MeaningLane
from catalog.lanes.words import WordsLane
from catalog.normalize import fold
from catalog.product import CatalogError, Product
from catalog.records import Records
from catalog.vectors import keys_of
from models.base import Vectors

FORMAT = 1  # of the files; a reader refuses another

Progress = Callable[[str, float], None]


def text_to_embed(product: Product) -> str:
    """What an embedder sees of a product: its names and its brand, unless a name has the brand already."""
    names = " / ".join([product.name, *(name for _, name in product.names)])
    return names if product.brand.lower() in names.lower() else f"{names} {product.brand}"


def write(
    folder: Path,
    products: Sequence[Product],
    vectors: Mapping[str, Vectors],
    *,
    about: Mapping[str, Any],
    known: Digest | None = None,
    progress: Progress = lambda step, share: None,
) -> None:
    """Fills an empty folder; `vectors` maps an embedder's name to float32 [products, dimensions].

    `known` is the products' digest where the caller has it already. Raises CatalogError when there is nothing to
    sell. One thread; ten seconds for 40,000 products, a third of that when the digest is known.
    """
    if not products:
        raise CatalogError(
            "The file has no products; look at the named problems, or choose another sheet or header row."
        )
    progress("products", 0.0)
    Records.write(folder, products)
    known = known or digest(products)
    known.write(folder)
    _columns(folder, products, known)
    progress("words", 0.2)
    WordsLane.build(folder, "names", known.names, known.strings)
    WordsLane.build(folder, "words", known.words, known.strings)
    frequency = np.bincount(known.spelt.values, minlength=len(known.strings)).tolist()
    Fixer.build(folder, {word: count for word, count in zip(known.strings, frequency, strict=True) if count})
    progress("grams", 0.6)
    GramsLane.build(folder, known.sounds, known.strings)
    CodesLane.build(folder, known.codes, known.strings)
    progress("meaning", 0.8)
    keys = keys_of([text_to_embed(product) for product in products])
    for name, part in vectors.items():
        _meaning(folder, name, part, known.scripts, keys)
    _seal(folder, {**about, "products": len(products), "embedders": list(vectors)})
    progress("sealed", 1.0)


def extend(origin: Path, folder: Path, name: str, vectors: Mapping[str, Vectors], texts: Sequence[str]) -> None:
    """A new version from a sealed one and further embedders' vectors of its `texts`; the two share their other files.

    Raises OSError; the folder is then not sealed.
    """
    about = json.loads((origin / "manifest.json").read_text("utf-8"))
    shutil.copytree(origin, folder, copy_function=_link, ignore=shutil.ignore_patterns("manifest.json"))
    scripts = np.load(next(folder.glob("meaning-*/script.npy"), folder / DIGEST / "scripts.npy"))
    for embedder, part in vectors.items():
        _meaning(folder, embedder, part, scripts, keys_of(texts))
    made = {"version": name, "origin": about["version"], "embedders": [*about["embedders"], *vectors]}
    _seal(folder, {**about, **made})


def _meaning(
    folder: Path, embedder: str, vectors: Vectors, scripts: NDArray[np.uint8], keys: NDArray[np.uint64]
) -> None:
    """Writes an embedder's lane, with the fingerprints of the texts so that later versions take its vectors over."""
    MeaningLane.build(folder / f"meaning-{embedder}", vectors, scripts, embedder=embedder)
    np.save(folder / f"meaning-{embedder}" / "keys.npy", keys)


def _link(source: str, target: str) -> str:
    """Sealed files are never changed, so two versions may share one."""
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links
        shutil.copy2(source, target)
    return target


def _columns(folder: Path, products: Sequence[Product], known: Digest) -> None:
    """What filters and ranking read of all rows at once, as arrays."""
    price = np.array([float(product.price) if product.price is not None else np.nan for product in products])
    stock = np.array(
        [float(product.stock) if product.stock is not None else np.nan for product in products], dtype=np.float32
    )
    np.save(folder / "price.npy", price)
    np.save(folder / "stock.npy", stock)
    folded = {brand: fold(brand) for brand in {product.brand for product in products}}
    values_of: dict[str, list[str]] = {}
    for column, values in (
        ("currency", [product.currency for product in products]),
        ("brand", [folded[product.brand] for product in products]),
        ("category", [product.category for product in products]),
    ):
        distinct = sorted(set(values))
        place = {value: at for at, value in enumerate(distinct)}
        np.save(folder / f"{column}.npy", np.array([place[value] for value in values], dtype=np.int32))
        values_of[column] = distinct
    (folder / "columns.json").write_text(json.dumps(values_of, ensure_ascii=False), "utf-8")
    np.save(folder / "quantities.starts.npy", known.ends.starts)
    np.save(folder / "quantities.dimension.npy", known.dimensions.values)
    np.save(folder / "quantities.ends.npy", known.ends.values)
    np.save(folder / "heads.npy", known.heads)
    np.save(folder / "sizes.npy", known.sizes)


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
