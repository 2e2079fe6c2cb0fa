"""Keeps the products of one version in a file that is read one row at a time: JSON lines with an index."""

from __future__ import annotations

import json
import mmap
import zlib
from collections.abc import Iterable
from dataclasses import fields
from decimal import Decimal
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalog.lanes.postings import mapped
from catalog.product import Attribute, Product

_DECIMALS = {"price", "stock"}
_PROPERTIES = ("attributes", "inner")
_REQUIRED = {"sku", "name"}
_DEFAULTS = {field.name: field.default for field in fields(Product)}
KEPT = 2000  # products that were read last; a hit is asked for its product several times


class Records:
    """The products by row and by SKU; memory-mapped, safe to read from many threads."""

    def __init__(self, folder: Path) -> None:
        self._starts: NDArray[np.int64] = mapped(folder / "products.starts.npy")
        self._hashes: NDArray[np.uint32] = mapped(folder / "products.hashes.npy")
        self._rows: NDArray[np.int32] = mapped(folder / "products.rows.npy")
        with (folder / "products.jsonl").open("rb") as file:
            self._text = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if len(self) else b""
        self._read = lru_cache(KEPT)(partial(_read, self._text, self._starts))  # not bound: it would keep us alive

    @staticmethod
    def write(folder: Path, products: Iterable[Product]) -> int:
        """Stores the products in order; returns their number."""
        starts, hashes = [0], []
        with (folder / "products.jsonl").open("wb") as file:
            for product in products:
                hashes.append(zlib.crc32(product.sku.encode()))
                starts.append(starts[-1] + file.write(_line(product)))
        keys = np.array(hashes, dtype=np.uint32)
        order = np.argsort(keys, kind="stable")
        np.save(folder / "products.starts.npy", np.array(starts, dtype=np.int64))
        np.save(folder / "products.hashes.npy", keys[order])
        np.save(folder / "products.rows.npy", order.astype(np.int32))
        return len(hashes)

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, row: int) -> Product:
        return self._read(row)

    def row(self, sku: str) -> int | None:
        """The row of a SKU; None when there is none."""
        key = np.uint32(zlib.crc32(sku.encode()))
        first = int(np.searchsorted(self._hashes, key, side="left"))
        last = int(np.searchsorted(self._hashes, key, side="right"))
        return next((int(row) for row in self._rows[first:last] if self[int(row)].sku == sku), None)


def _read(text: mmap.mmap | bytes, starts: NDArray[np.int64], row: int) -> Product:
    return _product(json.loads(text[int(starts[row]) : int(starts[row + 1])]))


def _line(product: Product) -> bytes:
    values: dict[str, Any] = {}
    for name, default in _DEFAULTS.items():
        value = getattr(product, name)
        if name in _PROPERTIES:
            value = [
                [one.name, one.text, _text(one.number), one.unit]
                if one.unit or one.number is not None
                else [one.name, one.text]
                for one in value
            ]
        elif name in _DECIMALS:
            value = _text(value)
        if name in _REQUIRED or (value and value != default):
            values[name] = value
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _product(values: dict[str, Any]) -> Product:
    for name in _DECIMALS & values.keys():
        values[name] = Decimal(values[name])
    for name in _PROPERTIES:
        values[name] = tuple(_attribute(*parts) for parts in values.get(name, ()))
    values["names"] = tuple((lang, name) for lang, name in values.get("names", ()))
    return Product(**values)


def _attribute(name: str, text: str, number: str | None = None, unit: str | None = None) -> Attribute:
    return Attribute(name=name, text=text, number=None if number is None else Decimal(number), unit=unit)


def _text(number: Decimal | None) -> str | None:
    return None if number is None else str(number)
