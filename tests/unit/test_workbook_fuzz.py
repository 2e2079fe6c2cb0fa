"""Whatever is thrown at the importer, it gives a book whose rows add up, or refuses in words, and soon."""

from __future__ import annotations

import tempfile
import time
from datetime import datetime
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.workbook import read
from catalog.workbook.grid import Cell, Grid
from catalog.workbook.layout import find_tables
from catalog.workbook.rows import read_rows
from catalog.workbook.values import number, price, quantity, stock
from catalog.workbook.vocabulary import currency_of, field_of
from tests.hostile import import_bytes
from tests.unit import workbook_books as books

WORDS = [
    "Наименование",
    "Артикул",
    "Цена",
    "Цена, $",
    "Опт",
    "Итого",
    "Остаток",
    "№",
    "Насос 5 кВт",
    "по запросу",
    "1 250,00",
    "от 5",
    "+",
    "#REF!",
]
CELLS: st.SearchStrategy[Cell] = st.one_of(
    st.none(),
    st.sampled_from(WORDS),
    st.text(max_size=12),
    st.integers(-(10**18), 10**18),
    st.floats(),
    st.booleans(),
    st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001
)
GRIDS = st.lists(st.lists(CELLS, max_size=8), max_size=25)
MERGES = st.lists(st.tuples(*[st.integers(0, 9)] * 4), max_size=4)
FUZZ = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@FUZZ
@given(GRIDS, MERGES, st.sets(st.integers(0, 24), max_size=4))
def test_any_grid_is_read_with_every_row_accounted_for(
    rows: list[list[Cell]], merges: list[tuple[int, int, int, int]], hidden: set[int]
) -> None:
    merged = tuple((a, b, max(a, c), max(b, d)) for a, b, c, d in merges)
    grid = Grid(name="S", rows=rows, merged=merged, hidden_rows=frozenset(hidden))

    for table in find_tables(grid, skip=grid.hidden_rows):
        reading = read_rows(grid, table, skip=grid.hidden_rows, lang="en")
        rows_read = [draft.row for draft in reading.drafts]
        assert len(rows_read) == len(set(rows_read))
        assert all(draft.name for draft in reading.drafts)
        assert not set(rows_read) & set(reading.kinds)
        assert all(draft.price is None or draft.price > 0 for draft in reading.drafts)


@FUZZ
@given(
    st.binary(max_size=3000),
    st.sampled_from(
        [
            b"",
            b"PK\x03\x04",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            b"\x09\x08\x10\x00",
            b"<html>",
            b"<?xml ",
            b"\xff\xfe",
            b"\x1f\x8b",
        ]
    ),
)
def test_random_bytes_are_refused_or_read(data: bytes, magic: bytes) -> None:
    import_bytes(magic + data, "random.xlsx")


@FUZZ
@given(st.data(), st.sampled_from(["xlsx", "xls", "xlsb"]))
def test_a_damaged_book_is_refused_or_read(data: st.DataObject, kind: str) -> None:
    whole = bytearray(WHOLE[kind])
    for _ in range(data.draw(st.integers(1, 12))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    import_bytes(bytes(whole), f"damaged.{kind}")


@FUZZ
@given(st.text(max_size=2000), st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]))
def test_any_text_is_refused_or_read(text: str, encoding: str) -> None:
    import_bytes(text.encode(encoding, "surrogatepass"), "any.csv")


@FUZZ
@given(st.lists(st.lists(st.sampled_from([*WORDS, "", "17", "A-1"]), max_size=6), max_size=20))
def test_any_table_of_familiar_words_keeps_its_parity(rows: list[list[str]]) -> None:
    import_bytes("\n".join(";".join(row) for row in rows).encode(), "words.csv")


@FUZZ
@given(st.text(max_size=300))
def test_no_text_breaks_the_readers_of_cells(text: str) -> None:
    for reader in (number, price, stock, quantity, currency_of, field_of):
        reader(text)


def test_long_and_hostile_texts_take_no_more_than_linear_time() -> None:
    started = time.process_time()
    for piece in ("1 ", "1,", "<", "a.", "- ", "№", "цена ", "от ", "((", "Ё", "\u202e", "1.000"):
        text = piece * (200_000 // len(piece))
        for reader in (number, price, stock, quantity, currency_of, field_of):
            reader(text)
    assert time.process_time() - started < 20  # seconds; two here, and minutes if only one of them took quadratic time


def test_time_grows_with_the_rows_and_not_with_their_square(tmp_path: Path) -> None:
    def seconds(rows: int) -> float:
        header = ("Артикул", "Наименование", "Цена", "Опт", "Остаток")
        path = books.text(
            tmp_path / f"{rows}.csv", [header, *((f"A{i}", f"Насос {i}", i, i, "+") for i in range(rows))]
        )
        started = time.process_time()
        assert len(read(path).products) == rows
        return time.process_time() - started

    assert seconds(20_001) < 40 * max(seconds(2_001), 0.02)


def _wholes() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        return {
            "xlsx": books.xlsx(path / "a.xlsx", ("Прайс", books.GOODS)).read_bytes(),
            "xls": books.xls(path / "a.xls", books.GOODS).read_bytes(),
            "xlsb": books.xlsb(path / "a.xlsb", books.GOODS).read_bytes(),
        }


WHOLE = _wholes()
