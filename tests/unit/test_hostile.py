"""Hostile texts and files in small: the whole of it is `scripts/prove search-6`."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from catalog.wish import Limit, Wish
from tests import hostile
from tests.unit import workbook_books as books


@pytest.mark.parametrize("piece", ["Ру16", "\u202e"])
@pytest.mark.parametrize("name", ["scan", "understand", "codes_in", "cells"])
def test_ten_times_the_text_takes_about_ten_times_as_long(name: str, piece: str) -> None:
    assert not hostile.too_slow(*hostile.growth(hostile.TEXTS[name], piece))


@pytest.mark.parametrize("piece", ["насос ", "ghbdtn ", "не менее 10 бар ", "שלום ", "\u0301"])
def test_a_query_of_ten_thousand_characters_is_answered_soon(piece: str) -> None:
    hostile.asked("насос")
    began = time.process_time()
    hostile.asked(piece * (10_000 // len(piece)))
    assert time.process_time() - began < 1  # seconds; some hundredths are usual


def test_a_thousand_filters_are_answered_soon() -> None:
    limits = (Limit(what="power", unit="w", low=Decimal(i), high=Decimal(i + 50_000)) for i in range(1000))
    wish = Wish(text="насос", limits=tuple(limits))
    hostile.asked("насос")
    began = time.process_time()
    hostile.asked(wish)
    assert time.process_time() - began < 1


def test_bombs_are_read_or_refused_soon() -> None:
    for name, data in hostile.bombs(heavy=False):
        began = time.process_time()
        hostile.import_bytes(data, name)
        assert time.process_time() - began < 20, name


def test_damaged_files_are_read_or_refused(tmp_path: Path) -> None:
    chance = np.random.default_rng(1)
    for kind, path in (
        ("xlsx", books.xlsx(tmp_path / "a.xlsx", ("Прайс", books.GOODS))),
        ("xlsb", books.xlsb(tmp_path / "a.xlsb", books.GOODS, merged=[(0, 0, 0, 1)])),
        ("ods", books.ods(tmp_path / "a.ods", '<row><cell office:value-type="string"><p>x</p></cell></row>')),
        ("csv", books.text(tmp_path / "a.csv", books.GOODS)),
    ):
        whole = path.read_bytes()
        for _ in range(25):
            hostile.import_bytes(hostile.mutated(whole, chance), f"damaged.{kind}")
