"""Judges the dress rehearsal: twenty defects that it must refuse, and twenty harmless changes that it must let pass."""

from __future__ import annotations

import asyncio
import csv
import gzip
import json
import re
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Any
from xml.sax.saxutils import escape

from openpyxl.utils import get_column_letter
from python_calamine import CalamineWorkbook

from catalog.rehearsal import Goods, Verdict, import_report, reachable, rehearse, replay
from catalog.rehearsal.replay import KEPT_WARN
from catalog.sample import write_sample
from catalog.sample.goods import goods as sample_goods
from catalog.shelf import Shelf
from catalog.workbook import read
from models.packaged import PackagedEmbedder
from tests.prove._rehearsal_changes import DEFECTS, FIELDS, HARMLESS, Change, Make, Page, PriceList
from tests.rig import ROOT

REAL = ROOT.parent / "shared" / "data" / "catalog.csv.gz"
ROWS, SPARE = 3000, 600  # goods of a price list, and goods that it does not have yet
CAUGHT, REFUSED = 19, 1  # of 20: defects at least, harmless changes at most
SOURCES = ("feeds", "wilo", "radioparts", "vira", "dlink")  # of the real rows: those with prices
SEARCHED, QUESTIONS = 600, 40  # goods of the versions that are searched, questions asked of them
QUICK = 4  # in a smoke test every fourth change, one way each

_SOUNDS = "a b v g d e zh z i y k l m n o p r s t u f kh ts ch sh shch ' y ' e yu ya yo"
_LATIN = dict(zip("абвгдежзийклмнопрстуфхцчшщъыьэюяё", _SOUNDS.split(), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One change, done in one way: what the rehearsal said, and by which findings."""

    change: Change
    refused: bool
    said: tuple[str, ...]


def judge(quick: bool) -> tuple[bool, str]:
    """Whether the point holds on every catalogue that is here, and the figures in one line."""
    holds, told = True, []
    for name, results in _all(quick, seed=1):
        defects = [all(one.refused for one in results if one.change is change) for change in _of(results, DEFECTS)]
        harmless = [any(one.refused for one in results if one.change is change) for change in _of(results, HARMLESS)]
        caught, refused = f"{sum(defects)} of {len(defects)}", f"{sum(harmless)} of {len(harmless)}"
        told.append(f"{name}: {caught} defects caught, {refused} harmless changes refused")
        missed = len(DEFECTS) - CAUGHT
        holds = holds and defects.count(False) <= missed and sum(harmless) <= REFUSED
    kept, broken = asyncio.run(_asked_again(seed=1))
    told.append(
        f"of the top hits of {QUESTIONS} questions {kept:.0%} stay after a month, {broken:.0%} with half of the goods"
    )
    holds = holds and kept >= KEPT_WARN > broken
    return holds, "; ".join(told) + ("" if REAL.exists() else "; no real catalogue is here")


async def _asked_again(seed: int) -> tuple[float, float]:
    """The share of top hits that stay after a harmless month and after a defect, by real searches of real versions."""
    dice = Random(seed)
    with tempfile.TemporaryDirectory(prefix="counterman-") as folder:
        goods = read(write_sample(Path(folder) / "sample", SEARCHED, seed)).products
        questions = [" ".join(one.name.split()[:4]) for one in dice.sample(goods, QUESTIONS)]
        month = [replace(one, price=one.price and round(one.price * Decimal("1.05"), 2)) for one in goods[10:]]
        embedder = PackagedEmbedder()
        shelf = Shelf(Path(folder) / "catalog", embedders=[embedder])
        versions = [await shelf.add(part, source="price.xlsx") for part in (goods, month, goods[::2])]
        live, harmless, broken = (shelf.open(version.name) for version in versions)
        shares = []
        for candidate in (harmless, broken):
            replayed = await replay(questions, live, candidate, embedders={embedder.name: embedder})
            said = rehearse(Goods.of(candidate), Goods.of(live), replayed=replayed)
            shares.append(float(said.figures["questions_kept"]))
        shelf.close()
    return shares[0], shares[1]


def _of(results: Sequence[Result], changes: Sequence[Change]) -> list[Change]:
    return [change for change in changes if any(one.change is change for one in results)]


def _all(quick: bool, seed: int) -> Iterator[tuple[str, list[Result]]]:
    with tempfile.TemporaryDirectory(prefix="counterman-") as folder, photos_served() as url:
        yield "sample", _results(sample(Path(folder), seed), Path(folder), quick, seed)
        if REAL.exists():
            yield "real", _results(real(url, seed), Path(folder), quick, seed)


def _results(goods: PriceList, folder: Path, quick: bool, seed: int) -> list[Result]:
    live = imported(goods, folder)
    results = []
    for change in (*DEFECTS, *HARMLESS)[seed % QUICK :: QUICK] if quick else (*DEFECTS, *HARMLESS):
        for way in change.ways[:1] if quick else change.ways:
            verdict = rehearsed(change, way, goods, live, folder, seed)
            said = tuple(
                dict.fromkeys(f"{one.id}{'' if one.severity == 'refuse' else '?'}" for one in verdict.findings)
            )
            results.append(Result(change=change, refused=verdict.refused, said=said))
            wrong = verdict.refused != (change in DEFECTS)
            print(f"  {'WRONG ' if wrong else ''}{change.name}: {verdict.verdict} {', '.join(said[:6])}", flush=True)
    return results


def rehearsed(change: Change, way: Make, goods: PriceList, live: Goods, folder: Path, seed: int) -> Verdict:
    """The change done to the price list, the price list imported, the import rehearsed."""
    changed = way(goods, Random(f"{seed}/{change.name}"))
    if changed.pages == goods.pages and change in DEFECTS and not change.products:
        raise RuntimeError(f"{change.name}: this way of it changes nothing here")
    candidate = imported(changed, folder)
    if change.products:
        candidate = replace(candidate, products=change.products(list(candidate.products)))
    return rehearse(candidate, live, ask=lambda links: reachable(links, allowed=lambda host: True))


def imported(goods: PriceList, folder: Path) -> Goods:
    """The price list as the importer reads it from a workbook."""
    path = folder / "price.xlsx"
    write_book(path, goods.pages)
    found = read(path, currency="RUB")
    return Goods(
        products=found.products,
        version="trial",
        report=import_report(found),
        has_photo=lambda photo: (folder / photo).is_file(),
    )


def write_book(path: Path, pages: Sequence[Page]) -> None:
    """A plain .xlsx by hand: openpyxl would take longer than all that is judged here."""
    numbered = list(enumerate(pages, 1))
    parts = {f"xl/worksheets/sheet{number}.xml": _sheet(page) for number, page in numbered}
    sheets = "".join(f'<sheet name="{escape(p.name)}" sheetId="{n}" r:id="rId{n}"/>' for n, p in numbered)
    parts["xl/workbook.xml"] = f'<workbook xmlns="{_MAIN}" xmlns:r="{_R}"><sheets>{sheets}</sheets></workbook>'
    links = "".join(_link(n, "worksheet", f"worksheets/sheet{n}.xml") for n, _ in numbered)
    parts["xl/_rels/workbook.xml.rels"] = f'<Relationships xmlns="{_RELS}">{links}</Relationships>'
    parts["_rels/.rels"] = (
        f'<Relationships xmlns="{_RELS}">{_link(1, "officeDocument", "xl/workbook.xml")}</Relationships>'
    )
    kinds = "".join(
        f'<Override PartName="/{name}" ContentType="{_kind(name)}"/>' for name in parts if "_rels" not in name
    )
    parts["[Content_Types].xml"] = (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" '
        f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>{kinds}</Types>'
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        for name, text in parts.items():
            file.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{text}')


_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELS = "http://schemas.openxmlformats.org/package/2006/relationships"


def _sheet(page: Page) -> str:
    letters = [get_column_letter(place) for place in range(1, len(page.header) + 1)]
    rows = []
    for number, row in enumerate([page.header, *page.rows], 1):
        cells = (_cell(f"{letter}{number}", value) for letter, value in zip(letters, row, strict=True))
        rows.append(f'<row r="{number}">{"".join(cells)}</row>')
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{"".join(rows)}</sheetData></worksheet>'


def _cell(place: str, value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, int | float):
        return f'<c r="{place}"><v>{value}</v></c>'
    text = escape(_UNPRINTABLE.sub(" ", str(value)))
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


def _link(number: int, kind: str, target: str) -> str:
    return f'<Relationship Id="rId{number}" Type="{_R}/{kind}" Target="{target}"/>'


def _kind(part: str) -> str:
    what = "sheet.main" if part.endswith("workbook.xml") else "worksheet"
    return f"application/vnd.openxmlformats-officedocument.spreadsheetml.{what}+xml"


def sample(folder: Path, seed: int) -> PriceList:
    """Sheets of the sample catalogue, one more set of rows of the same shop as spare goods."""
    titles = sample_goods().columns
    book = CalamineWorkbook.from_path(write_sample(folder, (ROWS + SPARE) * 2, seed))
    pages = [
        _page(
            name,
            [str(cell) for cell in sheet[0]],
            sheet[1:],
            {key: titles[key] for key in titles},
            {"sku": "article", "name": "name_ru"},
        )
        for name in book.sheet_names[::2]
        if (sheet := book.get_sheet_by_name(name).to_python())
    ]
    english = [page.header.index(titles["name_en"]) for page in pages]
    translated = {
        str(row[page.at["name"]]): str(row[place])
        for page, place in zip(pages, english, strict=True)
        for row in page.rows
    }
    return _dealt(pages, translated, "photos/gone/", Random(seed))


def real(url: str, seed: int) -> PriceList:
    """Rows of real suppliers, one sheet each; stock, currency, photos and most units are made up."""
    dice = Random(seed)
    csv.field_size_limit(1 << 24)
    with gzip.open(REAL, "rt", encoding="utf-8") as file:
        found = [row for row in csv.DictReader(file) if row["src"] in SOURCES]
    chosen = dice.sample(found, ROWS + SPARE)
    pages = []
    for source in SOURCES:
        rows = [_real_row(row, url, dice) for row in chosen if row["src"] == source]
        header = [*FIELDS, "attributes"]
        pages.append(_page(source, header, rows, {field: field for field in header}, {}))
    translated = {str(row[page.at["name"]]): _latin(str(row[page.at["name"]])) for page in pages for row in page.rows}
    return _dealt(pages, translated, f"{url}/gone/", dice)


def _real_row(row: Mapping[str, str], url: str, dice: Random) -> list[Any]:
    attributes = json.loads(row["attributes"] or "{}")
    unit = attributes.pop("ед.", "") or ("м" if dice.random() < 0.04 else "шт")
    try:
        price: Any = float(row["price"])
    except ValueError:
        price = row["price"]
    photo = f"{url}/{dice.randrange(500)}.jpg" if dice.random() < 0.8 else ""
    told = json.dumps(attributes, ensure_ascii=False) if attributes else ""
    stock = dice.choice((0, 0, 1, 2, 5, 12, 40))
    return [
        row["sku"], row["name"], row["description"][:1000], row["category"], row["brand"], price,
        "RUB" if row["lang"] == "ru" else "EUR", stock, unit, photo, told,
    ]  # fmt: skip


def _page(
    name: str, header: Sequence[str], rows: Sequence[Sequence[Any]], titles: Mapping[str, str], other: Mapping[str, str]
) -> Page:
    places = {field: list(header).index(titles[other.get(field, field)]) for field in FIELDS}
    cells = tuple(tuple(None if cell == "" else cell for cell in row) for row in rows)
    return Page(name=name, header=tuple(header), rows=cells, at=places)


def _dealt(pages: Sequence[Page], translated: Mapping[str, str], dead: str, dice: Random) -> PriceList:
    """A part of the rows is kept back as goods that come later."""
    later, now = [], []
    share = SPARE / (ROWS + SPARE)
    for page in pages:
        marks = [dice.random() < share for _ in page.rows]
        later.append(replace(page, rows=tuple(row for row, mark in zip(page.rows, marks, strict=True) if mark)))
        now.append(replace(page, rows=tuple(row for row, mark in zip(page.rows, marks, strict=True) if not mark)))
    return PriceList(pages=tuple(now), spare=tuple(later), translated=translated, dead=dead)


def _latin(name: str) -> str:
    """A Russian name as somebody without Cyrillic writes it."""
    return "".join(_LATIN.get(letter, letter) for letter in name.lower())


@contextmanager
def photos_served() -> Iterator[str]:
    """A server whose photos are all there but those under /gone/."""

    class Answer(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(404 if "/gone/" in self.path else 200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the library's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def main(arguments: Sequence[str]) -> int:
    """For those who tune: each seed is another choice of rows and of what happens to them."""
    began = time.monotonic()
    for seed in map(int, arguments or ["1"]):
        for name, results in _all(False, seed):
            wrong = [one for one in results if one.refused != (one.change in DEFECTS)]
            print(f"seed {seed}, {name}: {len(results)} ways, wrong: {[(one.change.name, one.said) for one in wrong]}")
    print(f"{time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
