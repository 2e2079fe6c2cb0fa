"""Grows a sealed version to many times its rows, without a builder and in little memory: synthetic, for speed alone.

Every row is copied under other article numbers. Each copy's weights in the lexical lanes are its own, so that scores
differ; words stay as frequent as they were, so that lists grow with the rows. Prices vary. Vectors are mixtures of
two rows' vectors with a little noise.
"""

from __future__ import annotations

import json
import shutil
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalog import build
from catalog.lanes.meaning import MeaningLane
from models.base import Vectors

POSTINGS = ("names", "words", "grams")
COLUMNS = ("stock", "currency", "brand", "category", "heads", "sizes", "quantities.dimension", "quantities.ends")
SHARED = ("names.json", "words.json", "grams.rarity.npy", "fixer.*", "columns.json")
NOISE = 0.2  # length of what is added to a mixture of unit vectors: neighbours stay neighbours


def grown(origin: Path, rows: int, folder: Path) -> None:
    """Fills an empty folder with a version of about so many rows: a multiple of the origin's."""
    about = json.loads((origin / "manifest.json").read_text("utf-8"))
    copies, dice = max(1, round(rows / about["products"])), np.random.default_rng(1)
    factors = dice.uniform(0.85, 1.15, (copies, about["products"])).astype(np.float32)
    factors[0] = 1
    _products(origin, folder, copies)
    for name in POSTINGS:
        _postings(origin, folder, name, factors)
    for name in COLUMNS:
        part = np.load(origin / f"{name}.npy")
        np.save(folder / f"{name}.npy", np.tile(part, (copies, *[1] * (part.ndim - 1))))
    np.save(folder / "price.npy", (np.load(origin / "price.npy") * factors).ravel())
    counts = np.tile(np.diff(np.load(origin / "quantities.starts.npy")), copies)
    np.save(folder / "quantities.starts.npy", np.concatenate(([0], np.cumsum(counts))))
    _codes(origin, folder, copies, about["products"])
    for path in (path for pattern in SHARED for path in origin.glob(pattern)):
        shutil.copy2(path, folder / path.name)
    for name in about["embedders"]:
        lane = origin / f"meaning-{name}"
        vectors = mixtures(np.load(lane / "vectors.npy").astype(np.float32), copies)
        MeaningLane.build(folder / lane.name, vectors, np.tile(np.load(lane / "script.npy"), copies), embedder=name)
    _seal(folder, {**about, "version": folder.name, "products": copies * about["products"]})


def mixtures(known: Vectors, copies: int) -> Vectors:
    """float32 [copies x rows, dimensions]: the rows' unit vectors, then each mixed with another one's and noise."""
    dice = np.random.default_rng(2)
    mixed = np.empty((copies, *known.shape), dtype=np.float32)
    mixed[0] = known
    for part in mixed[1:]:
        share = dice.uniform(0.05, 0.35, (len(known), 1)).astype(np.float32)
        part[:] = (1 - share) * known + share * known[dice.permutation(len(known))]
        part += NOISE / known.shape[1] ** 0.5 * dice.standard_normal(part.shape, dtype=np.float32)
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    return mixed.reshape(-1, known.shape[1])


def _products(origin: Path, folder: Path, copies: int) -> None:
    """The products' lines, each copy with its number behind the SKU, and their index."""
    lines = (origin / "products.jsonl").read_bytes().splitlines(keepends=True)
    sizes: list[int] = []
    hashes: list[int] = []
    with (folder / "products.jsonl").open("wb") as file:
        for copy in range(copies):
            for line in lines:
                head, tail = line.split(b'","', 1)  # the SKU is the first value
                head += b"-%d" % copy if copy else b""
                sizes.append(file.write(head + b'","' + tail))
                hashes.append(zlib.crc32(head[len(b'{"sku":"') :]))
    keys = np.array(hashes, dtype=np.uint32)
    order = np.argsort(keys, kind="stable")
    np.save(folder / "products.starts.npy", np.concatenate(([0], np.cumsum(sizes))))
    np.save(folder / "products.hashes.npy", keys[order])
    np.save(folder / "products.rows.npy", order.astype(np.int32))


def _postings(origin: Path, folder: Path, name: str, factors: NDArray[np.float32]) -> None:
    """A lexical lane: behind each term's rows the same rows of the next copy, and so on."""
    starts, rows, weights = (np.load(origin / f"{name}.{part}.npy") for part in ("starts", "rows", "weights"))
    copies, size = factors.shape
    lengths = np.diff(starts)
    length, first = np.repeat(lengths, lengths), np.repeat(starts[:-1], lengths)
    place = (copies - 1) * first + np.arange(len(rows))
    more_rows, more_weights = (np.empty(copies * len(part), dtype=part.dtype) for part in (rows, weights))
    for copy in range(copies):
        more_rows[place + copy * length] = rows + copy * size
        more_weights[place + copy * length] = (weights * factors[copy][rows]).astype(np.float16)
    np.save(folder / f"{name}.starts.npy", starts * copies)
    np.save(folder / f"{name}.rows.npy", more_rows)
    np.save(folder / f"{name}.weights.npy", more_weights)


def _codes(origin: Path, folder: Path, copies: int, size: int) -> None:
    """The codes lane: each copy's codes end in its number."""
    codes, rows, own = (np.load(origin / f"{name}.npy") for name in ("codes", "codes.rows", "codes.own"))
    ended: list[NDArray[Any]] = [codes, *(np.strings.add(codes, b"%d" % copy) for copy in range(1, copies))]
    keys = np.concatenate([part.astype(codes.dtype) for part in ended])
    order = np.argsort(keys, kind="stable")
    np.save(folder / "codes.npy", keys[order])
    np.save(folder / "codes.rows.npy", np.concatenate([rows + copy * size for copy in range(copies)])[order])
    np.save(folder / "codes.own.npy", np.tile(own, copies)[order])


def _seal(folder: Path, about: dict[str, Any]) -> None:
    """The manifest, as the builder writes it."""
    files = {
        str(path.relative_to(folder)): {"bytes": path.stat().st_size, "sha256": build.checksum(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    made = {"format": build.FORMAT, "created": datetime.now(UTC).isoformat(timespec="seconds"), "files": files}
    (folder / "manifest.json").write_text(json.dumps({**about, **made}), "utf-8")
