"""How `appliance catalog import` reads a price list: the owner's corrections of columns, and what a dry run shows."""

from __future__ import annotations

import argparse
import difflib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance.commands.output import say, say_json
from appliance.errors import Refused
from appliance.settings import Settings

if TYPE_CHECKING:
    from catalog.workbook import Book, Layouts, Sheet

SHOWN = 20  # problems printed for a person; `--json` gives all
DROPPED = "none"  # what people write for a column that is left out


def options_to(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="FIELD=COLUMN",
        help="which column (by letter or name) holds a field, such as price=F or inner=Опт; none=F leaves F out; "
        "remembered for lists with the same header",
    )
    parser.add_argument(
        "--mapping",
        type=Path,
        metavar="FILE.json",
        help='{"COLUMN": "FIELD", …}, or {FINGERPRINT: {"COLUMN": "FIELD", …}} with the fingerprints of a dry run',
    )
    parser.add_argument("--hidden", action="store_true", help="read hidden sheets, rows and columns, too")
    parser.add_argument("--currency", default="", metavar="CODE", help="of prices without one, such as RUB")


def read_book(asked: argparse.Namespace, settings: Settings) -> Book:
    """The price list as the owner maps it; corrections are remembered, unless it is a dry run."""
    from catalog.workbook import Layouts
    from catalog.workbook.apart import read_apart

    kept = settings.home / "catalog" / "layouts.json"
    layouts = Layouts.load(kept)

    def book() -> Book:
        return read_apart(asked.file, layouts=layouts, include_hidden=asked.hidden, currency=_currency(asked.currency))

    whole, single = _asked(asked)
    if whole:
        layouts = _joined(layouts, Layouts.of(whole))
    found = book()
    if single:
        layouts = _joined(layouts, Layouts(found.corrected(single)))
        found = book()
    if (whole or single) and not asked.dry_run:
        layouts.save(kept)
    return found


def show(asked: argparse.Namespace, book: Book) -> None:
    """What a dry run found: sheets, header rows, columns with their confidence, the first products, the problems."""
    if asked.json:
        say_json({**book.summary(problems=len(book.problems)), "version": "", "published": False})
        return
    say(f"{book.file}: {book.rows:,} rows that are not empty, {len(book.products):,} products.")
    for sheet in book.sheets:
        _show_sheet(sheet)
    for product in book.summary(sample=3)["sample"]:
        price = f"{product['price']} {product['currency']}" if product["price"] else "on request"
        say(f"  {product['sku']:20} {price:>16}  {product['name'][:80]}")
    say_problems(book)


def say_problems(book: Book) -> None:
    """The first problems, each with its place."""
    for problem in book.problems[:SHOWN]:
        row = f"row {problem.row}" if problem.row else ""
        say(f"  {', '.join(filter(None, (problem.sheet, row, problem.column)))}: {problem.message}")
    if len(book.problems) > SHOWN:
        say(f"  … and {len(book.problems) - SHOWN:,} more; --json lists them all.")


def _show_sheet(sheet: Sheet) -> None:
    from catalog.workbook.grid import letter

    rows = ", ".join(map(str, sheet.header_rows)) or "none"
    counts = ", ".join(f"{count} {kind}" for kind, count in sheet.counts.items() if count)
    say(f"Sheet {sheet.name}: header row {rows}; {counts or 'empty'}")
    for column in sheet.columns:
        held = column.field or DROPPED
        say(f"  {letter(column.index):>3}  {held:12} {column.confidence:4.0%}  {column.title[:40]:40}"
            f"  {' | '.join(column.examples)[:60]}")  # fmt: skip


def _asked(asked: argparse.Namespace) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """The corrections by layout, and those by column alone."""
    single: dict[str, str] = {}
    whole: dict[str, dict[str, str]] = {}
    for column, field in (_from_file(asked.mapping) if asked.mapping else {}).items():
        if isinstance(field, Mapping):
            whole[column] = {str(place).upper(): _field(str(name)) for place, name in field.items()}
        else:
            single[column] = _field(str(field))
    for text in asked.map:
        field, equals, column = text.partition("=")
        if not equals or not column.strip():
            raise Refused(f"--map {text} is not FIELD=COLUMN, such as price=F.")
        single[column.strip()] = _field(field.strip())
    return whole, single


def _from_file(path: Path) -> dict[str, Any]:
    try:
        mapping = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise Refused(f"{path} is not JSON: {error}.") from error
    if not isinstance(mapping, dict):
        raise Refused(f"{path} is not a JSON object of columns and fields.")
    return mapping


def _field(name: str) -> str:
    from catalog.workbook import FIELDS

    if name == DROPPED:
        return ""
    if name not in FIELDS:
        near = difflib.get_close_matches(name, FIELDS, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise Refused(f"{name} is no field.{hint} The fields are: {', '.join(filter(None, FIELDS))}, {DROPPED}.")
    return name


def _currency(code: str) -> str:
    if code and not (len(code) == 3 and code.isascii() and code.isalpha()):
        raise Refused(f"{code} is no currency code of three letters, such as RUB or USD.")
    return code.upper()


def _joined(layouts: Layouts, others: Layouts) -> Layouts:
    for layout in others:
        layouts = layouts.with_layout(layout)
    return layouts
