"""`catalog import`: a dry run shows what would be read; the owner's corrections of columns hold for the next list."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from appliance.commands import import_
from appliance.errors import Refused
from appliance.settings import Settings
from catalog.product import CatalogError
from catalog.workbook import Layouts
from tests.unit import workbook_books as books

HEADER = ("Код", "Артикул", "Наименование", "Цена на 01.02", "Тариф А")
ROWS = (("1", "N-1", "Насос", 100, 70), ("2", "N-2", "Клапан", 200, 140))


def listed(tmp_path: Path, header: books.Rows | tuple[str, ...] = HEADER, rows: books.Rows = ROWS) -> Path:
    return books.xlsx(tmp_path / "list.xlsx", ("Прайс", [header, *rows]))


def asked(file: Path, *words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    import_.options_to(parser)
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--json", action="store_true")
    return argparse.Namespace(**vars(parser.parse_args(list(words))), file=file)


def prices(file: Path, home: Path, *words: str) -> list[Any]:
    return [product.price for product in import_.read_book(asked(file, *words), Settings(home=home)).products]


def test_a_dry_run_shows_header_columns_confidence_examples_and_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request = asked(listed(tmp_path), "--dry-run", "--json", "--map", "price=E")

    import_.show(request, import_.read_book(request, Settings(home=tmp_path)))

    shown = json.loads(capsys.readouterr().out)
    sheet = shown["sheets"][0]
    assert (shown["rows"], shown["products"], shown["parity"], sheet["header_rows"]) == (3, 2, True, [1])
    assert sheet["mapping"][4] == {
        "column": "E", "label": "Тариф А", "field": "price", "confidence": 1.0, "examples": ["70", "140"],
    }  # fmt: skip
    assert sheet["mapping"][3]["field"] == "other_price"
    assert shown["sample"][0]["price"] == "70"
    assert not (tmp_path / "catalog").exists()


def test_a_dry_run_reads_well_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    request = asked(listed(tmp_path), "--dry-run")

    import_.show(request, import_.read_book(request, Settings(home=tmp_path)))

    shown = capsys.readouterr().out
    assert "header row 1; 2 product, 1 header" in shown
    assert "D  price" in shown


def test_a_correction_is_remembered_for_the_next_list_of_the_same_layout(tmp_path: Path) -> None:
    assert prices(listed(tmp_path), tmp_path) == [100, 200]
    assert prices(listed(tmp_path), tmp_path, "--map", "price=Тариф А") == [70, 140]

    later = ("Код", "Артикул", "Наименование", "Цена на 15.03", "Тариф А")
    assert prices(listed(tmp_path, later, (("1", "N-1", "Насос", 101, 71),)), tmp_path) == [71]


def test_a_correction_follows_its_column_when_columns_move_and_one_is_added(tmp_path: Path) -> None:
    prices(listed(tmp_path), tmp_path, "--map", "price=E")

    moved = ("Код", "Артикул", "Тариф А", "Наименование", "Остаток", "Цена на 15.03")
    assert prices(listed(tmp_path, moved, (("1", "N-1", 71, "Насос", 5, 101),)), tmp_path) == [71]


def test_another_layout_is_left_alone(tmp_path: Path) -> None:
    prices(listed(tmp_path), tmp_path, "--map", "price=E")

    other = ("Артикул", "Название", "Цена", "Опт", "Вес")
    assert prices(listed(tmp_path, other, (("N-1", "Насос", 100, 70, 5),)), tmp_path) == [100]


def test_a_list_without_a_header_is_remembered_by_the_kinds_of_its_columns(tmp_path: Path) -> None:
    rows = [("Насос К8/18", 100, 70), ("Клапан 15б3р", 200, 140), ("Кран 11б27п", 300, 210)]
    first = books.xlsx(tmp_path / "a.xlsx", ("Прайс", rows))
    other = books.xlsx(tmp_path / "b.xlsx", ("Прайс", [("x1", *row) for row in rows]))

    assert prices(first, tmp_path, "--map", "price=C") == [70, 140, 210]
    assert prices(first, tmp_path) == [70, 140, 210]
    assert 210 in prices(other, tmp_path) or 300 in prices(other, tmp_path)


def test_a_file_of_corrections_by_column_or_by_layout_is_taken(tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.json"
    mapping.write_text('{"E": "price", "Код": "none"}', "utf-8")
    assert prices(listed(tmp_path), tmp_path, "--dry-run", "--mapping", str(mapping)) == [70, 140]

    sheet = import_.read_book(asked(listed(tmp_path)), Settings(home=tmp_path)).sheets[0]
    mapping.write_text(json.dumps({sheet.fingerprint: {"e": "price"}}), "utf-8")
    assert prices(listed(tmp_path), tmp_path, "--mapping", str(mapping)) == [70, 140]
    assert prices(listed(tmp_path), tmp_path) == [70, 140]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--map", "prise=E"), "Did you mean price?"),
        (("--map", "price"), "FIELD=COLUMN"),
        (("--map", "price=Z"), "The columns are: A Код"),
        (("--currency", "roubles"), "RUB"),
        (("--mapping", "absent.json"), "cannot be read"),
    ],
)
def test_a_wrong_correction_is_refused_in_words(words: tuple[str, ...], says: str, tmp_path: Path) -> None:
    with pytest.raises((Refused, CatalogError), match=says):
        prices(listed(tmp_path), tmp_path, *words)


def test_a_damaged_memory_of_layouts_is_refused_and_not_overwritten(tmp_path: Path) -> None:
    kept = tmp_path / "catalog" / "layouts.json"
    kept.parent.mkdir()
    kept.write_text("{", "utf-8")

    with pytest.raises(CatalogError, match="layouts.json"):
        prices(listed(tmp_path), tmp_path, "--map", "price=E")
    assert kept.read_text("utf-8") == "{"


def test_what_is_saved_is_loaded_again(tmp_path: Path) -> None:
    layouts = Layouts.of({"abc": {"A": "name"}})

    layouts.save(tmp_path / "deep" / "layouts.json")

    assert list(Layouts.load(tmp_path / "deep" / "layouts.json")) == list(layouts)
    assert list(Layouts.load(tmp_path / "none.json")) == []
