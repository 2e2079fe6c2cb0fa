"""search-6: nothing that is thrown at search and importer crashes them or takes them more than linear time."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from catalog.product import CatalogError
from catalog.wish import Limit, Wish
from catalog.workbook.apart import read_apart
from tests import hostile
from tests.price_lists import LISTS
from tests.rig import ROOT, verdict
from tests.unit import workbook_books as books

EXAMPLES, QUICK_EXAMPLES = 1500, 60  # of hypothesis, for each reader of texts
MUTANTS, QUICK_MUTANTS = 1200, 60  # damaged files
GUIDED, QUICK_GUIDED = 45, 5  # seconds of libFuzzer for each of its targets
TARGETS = ("scan", "understand", "search", "cells", "csv", "html", "xml", "xlsx")
LARGE = 3_000_000  # bytes: larger real lists are not worth their time here
SLOW = 20.0  # seconds in which any file must be read or refused, a damaged one of 3 MB on a busy box included
ASIDE = 1 << 30  # bytes of memory for one damaged file
QUERY = 1.0  # seconds for a query of 10,000 characters and for one of 1,000 filters
MEMORY = 2.5  # GB at most in all of this

TEXT = st.text(max_size=300) | st.lists(st.sampled_from(hostile.PIECES) | st.text(max_size=6), max_size=60).map("".join)


def main(*, quick: bool) -> None:
    with verdict("search-6") as wrong:
        _texts(QUICK_EXAMPLES if quick else EXAMPLES, wrong)
        _growth(wrong, pieces=hostile.PIECES[::10] if quick else hostile.PIECES)
        _queries(wrong)
        _bombs(wrong)
        _mutants(QUICK_MUTANTS if quick else MUTANTS, wrong)
        _guided(QUICK_GUIDED if quick else GUIDED, TARGETS[2:6] if quick else TARGETS, wrong)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"at most {peak:.2f} GB of memory (limit {MEMORY})")
        if peak > MEMORY:
            wrong.append(f"{peak:.2f} GB of memory")


def _texts(examples: int, wrong: list[str]) -> None:
    """Any text: control characters, right to left, surrogates, and the words and signs that readers look for."""
    for name, reader in hostile.TEXTS.items():
        _tried(name, _reads_any_text(reader, examples), wrong)
    print(f"{len(hostile.TEXTS)} readers of texts, {examples} texts each", flush=True)


def _reads_any_text(reader: Callable[[str], object], examples: int) -> Callable[[], None]:
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(TEXT)
    def reads(text: str) -> None:
        reader(text)

    return reads


def _growth(wrong: list[str], pieces: tuple[str, ...]) -> None:
    worst = (0.0, "", "")
    for name, reader in hostile.TEXTS.items():
        for piece in pieces:
            short, long = hostile.growth(reader, piece)
            worst = max(worst, (long, name, piece))
            if hostile.too_slow(short, long):
                wrong.append(
                    f"{name} takes {short:.2f} s for 10,000 and {long:.2f} s for 100,000 characters of {piece!r}"
                )
    print(
        f"100,000 characters: at most {worst[0]:.2f} s ({worst[1]} of {worst[2]!r}), no time beyond linear", flush=True
    )


def _queries(wrong: list[str]) -> None:
    hostile.asked("насос")
    limits = (Limit(what="power", unit="w", low=Decimal(i), high=Decimal(i + 50_000)) for i in range(1000))
    filters = Wish(text="насос", limits=tuple(limits))
    long = [(f"10,000 characters of {piece!r}", piece * (10_000 // len(piece))) for piece in hostile.PIECES]
    many = "насос " + ", ".join(f"не менее {i} бар" for i in range(1000))
    worst = 0.0
    asked: list[tuple[str, str | Wish]] = [*long, ("1,000 filters as a sentence", many), ("1,000 filters", filters)]
    for name, wish in asked:
        began = time.process_time()
        _tried(name, partial(hostile.asked, wish), wrong)
        took = time.process_time() - began
        worst = max(worst, took)
        if took > QUERY:
            wrong.append(f"{name}: {took:.2f} s")
    print(f"{len(long)} queries of 10,000 characters, 1,000 filters: at most {worst * 1000:.0f} ms", flush=True)


def _bombs(wrong: list[str]) -> None:
    count, worst = 0, (0.0, "")
    for name, data in hostile.bombs():
        count, worst = count + 1, max(worst, (_read(data, name, wrong), name))
    print(f"{count} bombs: each read or refused within {worst[0]:.1f} s ({worst[1]})", flush=True)


def _mutants(number: int, wrong: list[str]) -> None:
    """Real and made files of every format with bytes changed, cut, doubled and moved."""
    whole = [path for path in sorted(LISTS.glob("*.xls*")) if path.stat().st_size < LARGE] if LISTS.is_dir() else []
    if not whole:
        print("the real price lists are absent: only made ones are damaged")
    files = {path.name: path.read_bytes() for path in whole} | _made()
    chance = np.random.default_rng(6)
    names = sorted(files)
    began, worst, ended = time.monotonic(), (0.0, ""), 0
    for turn in range(number):
        name = names[turn % len(names)]
        data, ending = hostile.mutated(files[name], chance), name.rpartition(".")[2]
        took, fault = hostile.read_aside(data, f"damaged.{ending}", memory=ASIDE, seconds=int(SLOW))
        worst = max(worst, (took, name))
        if fault == hostile.ENDED:
            ended += 1
            _tried(f"{turn}: {name}", partial(_refused_apart, data, f"damaged.{ending}"), wrong)
        elif fault:
            wrong.append(f"{turn}: {name}: {fault}")
    print(f"{number} damaged files of {len(names)} in {time.monotonic() - began:.0f} s, at most {worst[0]:.1f} s each; "
          f"{ended} would have taken the process with them, and were refused in words", flush=True)  # fmt: skip


def _refused_apart(data: bytes, name: str) -> None:
    """What ends a process is refused by the mechanism that commands and console read with."""
    with tempfile.TemporaryDirectory(prefix="counterman-") as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        for lang in ("ru", "en"):
            with contextlib.suppress(CatalogError):
                read_apart(path, lang=lang, most_memory=ASIDE)


def _made() -> dict[str, bytes]:
    """Small files of every format, the feeds included."""
    with tempfile.TemporaryDirectory(prefix="counterman-") as folder:
        root = Path(folder)
        table = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in books.GOODS)
        row = '<row><cell office:value-type="string"><p>Артикул</p></cell></row>'
        return {
            "made.xlsx": books.xlsx(root / "a.xlsx", ("Прайс", books.GOODS)).read_bytes(),
            "made.xls": books.xls(root / "a.xls", books.GOODS).read_bytes(),
            "made.xlsb": books.xlsb(root / "a.xlsb", books.GOODS).read_bytes(),
            "made.ods": books.ods(root / "a.ods", row * 5).read_bytes(),
            "made.csv": books.text(root / "a.csv", books.GOODS).read_bytes(),
            "made.html": f"<html><table>{table}</table></html>".encode(),
            "made.xml": _feed(),
        }


def _feed() -> bytes:
    offers = "".join(f'<offer id="{i}"><name>Насос {i}</name><price>{i}</price></offer>' for i in range(20))
    return f'<?xml version="1.0"?><yml_catalog><shop><offers>{offers}</offers></shop></yml_catalog>'.encode()


def _read(data: bytes, name: str, wrong: list[str], said: str = "") -> float:
    began = time.process_time()
    _tried(said or name, lambda: hostile.import_bytes(data, name), wrong)
    took = time.process_time() - began
    if took > SLOW:
        wrong.append(f"{said or name}: {took:.0f} s")
    return took


def _tried(name: str, action: Callable[[], object], wrong: list[str]) -> None:
    try:
        action()
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        traceback.print_exc(limit=-3)
        wrong.append(f"{name}: {type(error).__name__}: {str(error)[:200]}")


def _guided(seconds: int, targets: tuple[str, ...], wrong: list[str]) -> None:
    """libFuzzer by way of atheris: inputs that reach new code are kept and changed further."""
    if importlib.util.find_spec("atheris") is None:
        wrong.append("atheris is absent: nothing was fuzzed by coverage")
        return
    for target in targets:
        with tempfile.TemporaryDirectory(prefix="counterman-") as folder:
            for name, data in _made().items():
                if name.endswith(f".{target}"):
                    (Path(folder) / name).write_bytes(data)
            program = [sys.executable, str(ROOT / "tests" / "prove" / "_atheris.py"), target, folder, str(seconds)]
            env = {**os.environ, "PYTHONPATH": str(ROOT)}
            ran = subprocess.run(program, capture_output=True, text=True, errors="replace", env=env, check=False,
                                 timeout=seconds * 3 + 240)  # fmt: skip
        runs = re.search(r"stat::number_of_executed_units:\s*(\d+)", ran.stderr)
        print(f"libFuzzer, {target}: {int(runs[1]) if runs else 0:,} inputs in {seconds} s", flush=True)
        if ran.returncode or not runs:
            wrong.append(f"libFuzzer broke {target}: {ran.stderr[-1500:]}")


if __name__ == "__main__":
    os.environ["RUST_BACKTRACE"] = "0"  # a reader's panic is a refusal here, not news
    logging.disable(logging.WARNING)
    main(quick="--quick" in sys.argv)
