"""search-3: real price lists, also as .ods, .xls and .xlsb: header, mapping and products are right, no row is lost."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import openpyxl
import xlrd

from catalog.product import CatalogError
from catalog.workbook import read
from catalog.workbook.grid import is_empty
from tests.price_lists import LISTS, expected, judged
from tests.rig import verdict
from tests.unit import workbook_books as books

SHARE = 0.85  # of the files right in header, mapping and products: issue 3
QUICK = 12  # files of a quick run
TO_ODS = (
    "BF__pricelist.xlsx", "Excel__cmpl.xls", "NTK__price.xls", "opttea__price.xlsx", "price_checker__price.xls",
    "parsers2__price.xls", "rezina13__price_poltava.xls", "xls_to_rozetkaxml__pricelist.xlsx", "opttea__grn.xls",
    "telegram-price-bot__price.xlsx",
)  # fmt: skip
TO_XLS = (
    "Innora_Task_2__price.xlsx", "gorohov-flp.github.io__pricelist.xlsx", "opttea__price.xlsx", "priceX__price.xlsx",
    "update_price_woocommerce__price.xlsx", "z-compressor-website__products.xlsx",
)  # fmt: skip
TO_XLSB = (  # lists of one plain sheet; no free program writes .xlsb, so a writer of ours ([MS-XLSB]) puts the cells in
    "BF__pricelist.xlsx", "Excel__cmpl.xls", "Innora_Task_2__price.xlsx", "SB_Parser2__price.xls",
    "price-parser__price.xls", "python_parser__price.xlsx", "viber-ai-bot__price.xlsx",
    "my-catalogue-app__products.xlsx",
)  # fmt: skip


def main(*, quick: bool) -> int:
    if not LISTS.is_dir():
        print(f"search-3: cannot be shown here: {LISTS.name} of the development data is absent")
        return 1
    table = {row["file"]: row for row in expected()}
    files = list(table)[:: len(table) // QUICK] if quick else list(table)
    with tempfile.TemporaryDirectory(prefix="counterman-") as folder, verdict("search-3") as wrong:
        right = [_shown(LISTS / name, table[name], wrong) for name in files]
        made = [_shown(path, row, wrong) for path, row in _converted(Path(folder), table, quick=quick)]
        for group, name in ((right, "as found"), (made, "as .ods, .xls and .xlsb")):
            share = sum(group) / len(group)
            print(f"{sum(group)} of {len(group)} right, {name}: {share:.0%} (at least {SHARE:.0%})")
            if share < SHARE:
                wrong.append(f"{share:.0%} right {name}")
        return len(wrong)


def _shown(path: Path, row: dict[str, Any], wrong: list[str]) -> bool:
    """Reads one file, prints what differs, and says whether header, mapping and products are right."""
    try:
        book = read(path)
    except CatalogError as error:
        refused = bool(row.get("refused"))
        print(f"{'right' if refused else 'WRONG'}  {path.name}: refused: {error}", flush=True)
        return refused
    if row.get("refused"):
        print(f"WRONG  {path.name}: read, and it is no price list", flush=True)
        return False
    seen = judged(book, row)
    print(f"{'right' if seen.right else 'WRONG'}  {path.name}: {len(book.products):,} products; "
          f"{'; '.join(seen.words) or 'as in the table'}", flush=True)  # fmt: skip
    if not seen.parity:
        wrong.append(f"{path.name}: rows are lost")
    if seen.silent:
        wrong.append(f"{path.name}: wrong, and no problem is named")
    counted = _rows(path)
    if counted is not None and counted != book.rows:
        wrong.append(f"{path.name}: {book.rows} rows that are not empty, another reader finds {counted}")
    return seen.right


def _rows(path: Path) -> int | None:
    """The rows that are not empty as openpyxl or xlrd count them; None for a file that neither opens."""
    try:
        return sum(any(not is_empty(cell) for cell in row) for sheet in _cells(path) for row in sheet)
    except Exception:  # noqa: BLE001 - any failure of the other reader means that it cannot count
        return None


def _cells(path: Path) -> Iterator[list[tuple[Any, ...]]]:
    if path.suffix == ".xlsx":
        for sheet in openpyxl.load_workbook(path, data_only=True).worksheets:
            yield list(sheet.iter_rows(values_only=True))
        return
    with xlrd.open_workbook(path, logfile=StringIO()) as book:
        for page in book.sheets():
            yield [tuple(page.row_values(row)) for row in range(page.nrows)]


def _converted(folder: Path, table: dict[str, Any], *, quick: bool) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The same lists in other formats, each with its row of the table."""
    office = shutil.which("soffice")
    if office is None:
        print("LibreOffice is absent: nothing was read as .ods and .xls")
    for kind, names in (("ods", TO_ODS), ("xls", TO_XLS)) if office else ():
        some = names[:2] if quick else names
        target = folder / kind
        asked = [str(office), f"-env:UserInstallation=file://{folder}/office", "--headless", "--convert-to", kind,
                 "--outdir", str(target), *(str(LISTS / name) for name in some)]  # fmt: skip
        subprocess.run(asked, check=True, capture_output=True, timeout=600)
        yield from ((target / f"{Path(name).stem}.{kind}", table[name]) for name in some)
    for name in TO_XLSB[:2] if quick else TO_XLSB:
        rows = [[_plain(cell) for cell in row] for row in next(_cells(LISTS / name))]
        yield books.xlsb(folder / f"{Path(name).stem}.xlsb", rows, sheet=table[name]["sheet"]), table[name]


def _plain(cell: Any) -> str | float | None:
    """A cell as the writer of .xlsb takes it."""
    if cell is None or cell == "":
        return None
    return float(cell) if isinstance(cell, (int, float)) else str(cell)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    sys.exit(1 if main(quick="--quick" in sys.argv) else 0)
