"""What fuzzing throws at the search and the importer, and the promises that it checks."""

from __future__ import annotations

import functools
import io
import os
import resource
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl

from catalog import build
from catalog.normalize import fold, fold_code, scan, script, spelt_code, stem
from catalog.normalize.codes import codes_in, looks_like_code
from catalog.normalize.keyboard import switched
from catalog.normalize.quantities import unit_of
from catalog.normalize.text import sound, words
from catalog.product import CatalogError, Product
from catalog.snapshot import Found, Snapshot
from catalog.understand import refine, understand
from catalog.wish import Wish
from catalog.workbook import read
from catalog.workbook.values import number, price, quantity, stock
from catalog.workbook.vocabulary import currency_of, field_of
from models.packaged import PackagedEmbedder
from tests.unit import workbook_books as books

LINEAR = 30.0  # times as long for ten times the text: ten where it is linear, a hundred where it is quadratic
MOMENT = 0.08  # seconds: what takes less at 100,000 characters is of no harm, however it grew
LONGEST = 10.0  # seconds for 100,000 characters

PIECES = (
    "1 ", "1,", "0", "a.", "- ", "№", "от ", "до ", "((", "Ё", "\u202e", "\u0000", "1.000", "5 кВт ", "3х",
    "aaaaaaaaa ", "насос ", "ghbdtn ", "6205-2RS ", "не менее 10 бар ", "до 50 тыс ", "-", ".", "/", "<b", "&nbsp;",
    "\u0301", "𝟞",
    "кв", "от 2 до 4 мм, ", "цена ", "\t", "\n", "x1", "Ру16", "М8х60", "שלום ", "5\u200f", "🙂", "1 000 000 ", "not ",
)  # fmt: skip
"""Pieces of which long texts are made; each once broke some reader of numbers, codes or limits somewhere."""


@functools.cache
def _counter() -> tuple[Snapshot, PackagedEmbedder]:
    folder = Path(tempfile.mkdtemp(prefix="counterman-hostile-"))
    embedder = PackagedEmbedder()
    goods = [Product(sku=f"N-{i}", name=f"Насос дренажный {i} кВт 380 В 6205-2RS pump") for i in range(1, 200)]
    vectors = {embedder.name: embedder.encode([build.text_to_embed(one) for one in goods])}
    build.write(folder, goods, vectors, about={"version": "hostile", "source": "hostile"})
    return Snapshot.open(folder, embedders=[embedder.name]), embedder


def asked(wish: Wish | str) -> Found:
    """A question from its text to its hits, the embedding included, of a catalogue of 200 products."""
    snapshot, embedder = _counter()
    prepared = snapshot.prepare(wish)
    return snapshot.search(prepared, {embedder.name: embedder.encode(prepared.texts)}, limit=10)


def followed(text: str) -> None:
    """A follow-up changes what was asked before."""
    before, _, change = text.partition("|")
    refine(understand(before), understand(change))


def cells(text: str) -> None:
    """A cell through every reader of cells."""
    for reader in (number, price, quantity, stock, currency_of, field_of):
        reader(text)


TEXTS: Mapping[str, Callable[[str], Any]] = {
    "fold": fold, "words": words, "stem": stem, "sound": sound, "script": script, "fold_code": fold_code,
    "spelt_code": spelt_code, "codes_in": codes_in, "looks_like_code": looks_like_code, "switched": switched,
    "scan": scan, "understand": understand, "refine": followed, "search": asked, "cells": cells,
    "unit_of": unit_of,
}  # fmt: skip
"""Everything that reads what customers and price lists write, by name."""


def import_bytes(data: bytes, name: str) -> None:
    """A file is read with all its rows accounted for, or refused in words; anything else is a fault."""
    with tempfile.TemporaryDirectory(prefix="counterman-") as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        try:
            book = read(path)
        except CatalogError:
            return
        assert book.parity
        assert all(product.name and product.sku for product in book.products)


ENDED = "the process was ended"


def read_aside(data: bytes, name: str, *, memory: int, seconds: int) -> tuple[float, str]:
    """`import_bytes` in a copy of this process within bounds: its processor seconds, and what was at fault.

    `memory` (bytes) is what it may take beyond what this process has. The fault is `ENDED` where memory or time ended
    it, empty where there is none.
    """
    told, tells = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(told)
        os._exit(_aside(data, name, memory, seconds, tells))
    os.close(tells)
    with os.fdopen(told, encoding="utf-8") as said:
        fault = said.read()
    _, status, usage = os.wait4(child, 0)
    return usage.ru_utime + usage.ru_stime, fault or (ENDED if status else "")


def _aside(data: bytes, name: str, memory: int, seconds: int, tells: int) -> int:
    most = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + memory
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # a reader's last words are no news
    try:
        import_bytes(data, name)
    except MemoryError:
        return 1
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent says it
        os.write(tells, f"{type(error).__name__}: {str(error)[:200]}".encode())
        return 1
    return 0


def growth(read_text: Callable[[str], Any], piece: str) -> tuple[float, float]:
    """Seconds of the processor for 10,000 and for 100,000 characters of a piece repeated; the best of two each."""
    return _seconds(read_text, piece, 10_000), _seconds(read_text, piece, 100_000)


def too_slow(short: float, long: float) -> bool:
    """Whether the second of `growth` shows more than linear time."""
    return long > MOMENT and (long > LONGEST or long > LINEAR * max(short, MOMENT / LINEAR))


def _seconds(read_text: Callable[[str], Any], piece: str, size: int) -> float:
    best = float("inf")
    for turn in range(2):
        text = piece * (size // len(piece)) + "z" * (turn + 1)  # no cache knows it
        began = time.process_time()
        read_text(text)
        best = min(best, time.process_time() - began)
        if best < MOMENT / 10:
            break
    return best


def bombs(*, heavy: bool = True) -> Iterator[tuple[str, bytes]]:
    """Small files that claim or unpack to a great deal (where `heavy`, to 700 MB), and shapes that exhaust stacks."""
    entities = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 10))
    laughs = f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a0 "ha">{entities}]>'
    yield "laughs.xml", f"{laughs}<yml_catalog>&a9;</yml_catalog>".encode()
    yield (
        "outside.xml",
        b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><Workbook>&x;</Workbook>',
    )
    yield "deep.xml", b"<?xml version='1.0'?><yml_catalog>" + b"<a>" * 200_000
    groups = "<Группы><Группа><Ид>1</Ид>" * 20_000 + "</Группа></Группы>" * 20_000
    exchange = "<КоммерческаяИнформация><Классификатор>{}</Классификатор></КоммерческаяИнформация>"
    yield "groups.xml", f"<?xml version='1.0'?>{exchange.format(groups)}".encode()
    yield "deep.html", b"<html>" + b"<table><tr><td>" * 50_000
    yield "wide.html", b"<html><table>" + b"<tr><td colspan=1000000000 rowspan=1000000000>x</td></tr>" * 500
    yield "line.csv", b"a;" * 2_000_000
    yield "quote.csv", b'name;price\n"' + b"x\n" * 1_000_000
    yield "nulls.csv", b"a,b\n" + b"\x00" * 3_000_000
    yield "corner.xlsx", _cornered()
    far = '<cell table:number-columns-repeated="1000000000" office:value-type="float" office:value="1"/>'
    yield "repeated.ods", _made(books.ods, f'<row table:number-rows-repeated="1000000000">{far}</row>')
    if heavy:
        yield "zeros.xlsx", _zipped({"xl/workbook.xml": b"\x00" * 700_000_000})
        yield "zeros.ods", _zipped({"content.xml": b" " * 700_000_000})
        yield "zeros.zip", _zipped({"import.xml": b" " * 700_000_000})


def _made(writer: Callable[[Path, Any], Path], content: Any) -> bytes:
    with tempfile.TemporaryDirectory(prefix="counterman-") as folder:
        return writer(Path(folder) / "made", content).read_bytes()


def _zipped(parts: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return packed.getvalue()


def _cornered() -> bytes:
    packed = io.BytesIO()
    book = openpyxl.Workbook()
    book.active["XFD1048576"] = "end of the world"
    book.save(packed)
    return packed.getvalue()


def mutated(data: bytes, chance: np.random.Generator) -> bytes:
    """A file with bytes changed, cut out, doubled or put elsewhere: what a network, a disk or an enemy leaves of it."""
    changed = bytearray(data)
    for _ in range(int(chance.integers(1, 24))):
        if not changed:
            break
        at, size = int(chance.integers(len(changed))), int(chance.integers(1, 64))
        match int(chance.integers(5)):
            case 0:
                changed[at] = int(chance.integers(256))
            case 1:
                del changed[at : at + size]
            case 2:
                changed[at:at] = changed[at : at + size]
            case 3:
                changed[at : at + size] = bytes(chance.integers(256, size=min(size, len(changed) - at), dtype=np.uint8))
            case _:
                del changed[max(at, len(changed) // 2) :]
    return bytes(changed)
