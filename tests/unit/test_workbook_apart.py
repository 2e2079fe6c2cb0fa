"""A price list is read in a process of its own: what one file does there reaches nobody else."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from catalog.product import CatalogError
from catalog.workbook import Layout, Layouts, read
from catalog.workbook.apart import _asked, lines_apart, read_apart
from tests.unit import workbook_books as books


def test_a_list_is_read_as_without_a_process_of_its_own(tmp_path: Path) -> None:
    path = books.xlsx(tmp_path / "list.xlsx", ("Прайс", books.GOODS))

    assert read_apart(path) == read(path)


def test_what_a_person_corrected_goes_with_it(tmp_path: Path) -> None:
    path = books.xlsx(tmp_path / "list.xlsx", ("Прайс", books.GOODS))
    layouts = Layouts(read(path).corrected({"D": "attribute"}))

    book = read_apart(path, layouts=layouts)

    assert isinstance(next(iter(layouts)), Layout)
    assert book.products[0].stock is None


def test_a_refusal_comes_in_the_readers_language(tmp_path: Path) -> None:
    (tmp_path / "list.xlsx").write_bytes(b"")

    with pytest.raises(CatalogError, match="Файл пуст"):
        read_apart(tmp_path / "list.xlsx", lang="ru")
    with pytest.raises(CatalogError, match="no file away.xlsx"):
        read_apart(tmp_path / "away.xlsx")


def test_rows_are_given_as_they_are_written(tmp_path: Path) -> None:
    path = books.xlsx(tmp_path / "list.xlsx", ("Прайс", books.GOODS))

    lines = lines_apart(path, {("Прайс", 2), ("Прайс", 99), ("away", 1)})

    assert lines == {("Прайс", 2): ["N-1", "Насос НЦ-1", "1250.5", "3", "1.5"]}


def test_a_list_that_takes_all_memory_is_refused_and_the_box_lives(tmp_path: Path) -> None:
    rows = [("Артикул", "Наименование", "Цена"), *((f"N-{n}", "x" * 1000, n) for n in range(60_000))]
    path = books.text(tmp_path / "list.csv", rows)

    with pytest.raises(CatalogError, match="takes more memory"):
        read_apart(path, most_memory=200 << 20)
    with pytest.raises(CatalogError, match="нужно больше памяти"):
        read_apart(path, most_memory=200 << 20, lang="ru")


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        (signal.SIGABRT, "takes more memory"),  # so ends Rust where memory does
        (signal.SIGKILL, "takes more memory"),  # and so the system's last resort
        (signal.SIGXCPU, "takes too long"),
        (signal.SIGSEGV, "is damaged"),
    ],
)
def test_however_a_reader_ends_there_is_a_word_for_it(ended: signal.Signals, words: str, tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=words):
        _asked(_dies, tmp_path / "list.xlsx", "en", {"of": ended}, 0)


def _dies(path: Path, *, of: signal.Signals, lang: str) -> None:
    os.kill(os.getpid(), of)


def test_what_a_reader_stumbles_over_is_said(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"list.xlsx is damaged.*TypeError"):
        _asked(os.stat, tmp_path / "list.xlsx", "en", {}, 0)
