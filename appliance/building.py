"""Makes a version of a price list that somebody uploaded: read, mapped, joined, built, compared and rehearsed.

Runs in a process of its own, in the folder of one upload: `job.json` says what to do, the result is a file beside it
that appears in one step, and progress goes to standard output, a JSON object a line.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from appliance.paper.rows import rows_book
from catalog.product import CatalogError, Problem, Product
from catalog.rehearsal import Goods, Replayed, import_report, reachable, rehearse, replay
from catalog.rehearsal.goods import Pairs
from catalog.shelf import Shelf
from catalog.snapshot import Snapshot
from catalog.sources import How, Pricing, joined
from catalog.workbook import Book, Layouts, message
from catalog.workbook.apart import lines_apart, read_apart
from catalog.workbook.grid import letter
from catalog.workbook.layouts import named
from models.base import Embedder

JOB, BAD_ROWS, LIST = "job.json", "bad_rows.xlsx", "list"
LAYOUTS = "layouts.json"  # in the catalogue's folder; `appliance catalog import` keeps its corrections there, too
BUSY = 75  # exit code: another build is under way (sysexits.h, EX_TEMPFAIL)
SAMPLE = 24  # products shown as cards before anything is built
WIDTHS = (18, 8, 20, 70)  # characters: sheet, row, column, what is wrong; the cells of the row follow
MOST_LINES = 5_000  # of one kind; nobody reads more, and the counts are of all
JUMP = Decimal("0.2")  # a price that moved by more than this share is a jump

Tell = Callable[[str, float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is to be done with the list in `folder`."""

    folder: Path
    task: str  # read, build, rehearse
    file: str  # its name
    lang: str = "en"
    how: How = "whole"
    source: str = ""
    options: Mapping[str, Any]
    version: str = ""  # to rehearse
    questions: tuple[str, ...] = ()

    @classmethod
    def load(cls, folder: Path) -> Job:
        values = json.loads((folder / JOB).read_text("utf-8"))
        return cls(folder=folder, **{**values, "questions": tuple(values.get("questions", ()))})

    @property
    def path(self) -> Path:
        return self.folder / LIST / self.file

    @property
    def result(self) -> Path:
        return self.folder / f"{self.task}.json"

    @property
    def pricing(self) -> Pricing:
        asked = {name: Decimal(str(self.options.get(name) or 0)) for name in ("percent", "step", "rate")}
        return Pricing(**asked, into=str(self.options.get("into", "")))


def work(folder: Path, *, shelf: Shelf, embedder: Embedder, catalogue: Path) -> int:
    """Does the job of this folder; 0, or `BUSY` when another build is under way. Raises CatalogError or ModelError."""
    job = Job.load(folder)
    catalogue.mkdir(parents=True, exist_ok=True)
    with (catalogue / ".uploads.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return BUSY
        tell = _teller()
        match job.task:
            case "read":
                result = _read(job, catalogue, tell)
            case "build":
                result = asyncio.run(_build(job, shelf, embedder, catalogue, tell))
            case _:
                result = asyncio.run(_judged(job, shelf, embedder, job.version, tell))
        _keep(job.result, result)
    return 0


def _read(job: Job, catalogue: Path, tell: Tell) -> dict[str, Any]:
    """What the list holds, before anything is built of it."""
    book = _book(job, catalogue, tell)
    found = book.summary(sample=SAMPLE, problems=0)
    found["sample"] = [_shown(product) for product in _spread(book.products, SAMPLE)]
    for about, sheet in zip(found["sheets"], book.sheets, strict=True):
        about["names"] = named({column.index: column.label for column in sheet.columns})
    _bad_rows(job, book.problems, tell)
    main = max(book.sheets, key=lambda sheet: sheet.rows, default=None)
    return {
        "found": found,
        "layout": main.fingerprint if main else "",
        "lines": {"problem": [_problem(problem) for problem in book.problems[:MOST_LINES]]},
    }


def _book(job: Job, catalogue: Path, tell: Tell) -> Book:
    tell("reading", 0.0)
    layouts = Layouts.load(catalogue / LAYOUTS, lang=job.lang)
    hidden, currency = bool(job.options.get("hidden")), str(job.options.get("currency", ""))
    return read_apart(job.path, lang=job.lang, layouts=layouts, include_hidden=hidden, currency=currency)


async def _build(job: Job, shelf: Shelf, embedder: Embedder, catalogue: Path, tell: Tell) -> dict[str, Any]:
    """The sealed version with its verdict. A build that was sealed and not reported is not done again."""
    sealed = job.folder / "sealed.json"
    known = json.loads(sealed.read_text("utf-8")) if sealed.is_file() else {}
    asked = json.loads((job.folder / JOB).read_text("utf-8")) | {"questions": []}
    live = shelf.current()
    asked["live"] = live.version if live and job.how != "whole" else ""
    if known.get("job") == asked and known["version"] in {version.name for version in shelf.versions()}:
        lines, version = known["lines"], known["version"]
    else:
        book = _book(job, catalogue, tell)
        goods, strangers = _goods(job, book, live)
        problems = [*book.problems, *strangers]
        _bad_rows(job, problems, tell)
        made = await shelf.add(
            goods, source=job.file, problems_count=len(problems), report=import_report(book),
            pictures=_pictures(book, goods, live, job.folder), progress=tell,
        )  # fmt: skip
        version, lines = made.name, [_problem(problem) for problem in problems[:MOST_LINES]]
        _keep(sealed, {"job": asked, "version": version, "lines": lines})
    result = await _judged(job, shelf, embedder, version, tell)
    return {**result, "lines": {**result["lines"], "problem": lines}}


def _goods(job: Job, book: Book, live: Snapshot | None) -> tuple[list[Product], list[Problem]]:
    """The products of the next version: this list's at the house's prices, among those of the other suppliers."""
    pricing = job.pricing
    fresh = [pricing.applied(product) for product in book.products]
    if job.source:
        fresh = [replace(product, source=job.source) for product in fresh]
    others = list(live.products()) if live else []
    goods, strangers = joined(others, fresh, job.how, job.source, places=book.places, lang=job.lang)
    if not goods:
        raise CatalogError(message("nothing_left", job.lang, file=job.file))
    return goods, strangers


def _pictures(book: Book, goods: Sequence[Product], live: Snapshot | None, folder: Path) -> dict[str, bytes]:
    """By SKU: those inside the list, and those of the goods that are taken over from the live version."""
    hung = book.with_pictures(folder / "pictures").products if book.pictures else []
    new = {one.sku: folder / "pictures" / one.photo for one in hung if one.photo and "://" not in one.photo}
    kept = {one.sku: live.folder / one.photo for one in goods if live and one.photo.startswith("photos/")}
    return {sku: file.read_bytes() for sku, file in {**new, **kept}.items() if file.is_file()}


async def _judged(job: Job, shelf: Shelf, embedder: Embedder, version: str, tell: Tell) -> dict[str, Any]:
    """The verdict on a version, the differences to the live one, and what both answer to recent questions."""
    tell("comparing", 0.0)
    candidate, live = shelf.open(version), shelf.current()
    new = Goods.of(candidate)
    if live is None or live.version == version:
        verdict = rehearse(new)
        return _result(version, "", verdict.plain(), {}, [], _shown_of(new.products))
    old = Goods.of(live)
    tell("rehearsing", 0.0)
    answered: list[Replayed] = []
    for place, question in enumerate(job.questions):
        answered += await replay([question], live, candidate, embedders={embedder.name: embedder})
        tell("rehearsing", (place + 1) / len(job.questions))
    tell("judging", 0.0)
    verdict = rehearse(new, old, replayed=answered, ask=reachable)
    differences = _differences(Pairs(live=old, candidate=new))
    return _result(version, live.version, verdict.plain(), differences, answered, _shown_of(new.products))


def _result(
    version: str, against: str, verdict: Mapping[str, Any], differences: Mapping[str, list[dict[str, Any]]],
    answered: Sequence[Replayed], sample: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:  # fmt: skip
    changes: dict[str, Any] = {kind: len(found) for kind, found in differences.items()}
    changes["jumps"] = sum(abs(line["share"]) > float(JUMP) for line in differences.get("price", ()))
    questions = [_answers(one) for one in sorted(answered, key=lambda one: (not one.emptied, one.kept))]
    lines = {**{kind: found[:MOST_LINES] for kind, found in differences.items()}, "question": questions}
    changes["sample"] = list(sample)
    return {
        "version": version, "against": against, "verdict": dict(verdict), "changes": changes, "lines": lines,
    }  # fmt: skip


def _differences(pairs: Pairs) -> dict[str, list[dict[str, Any]]]:
    """What came, what went, and whose price changed: the greatest change first."""
    moved = [_repriced(old, new) for old, new in pairs.both if (old.price, old.currency) != (new.price, new.currency)]
    return {
        "added": [_shown(product) for product in pairs.added],
        "gone": [_shown(product) for product in pairs.gone],
        "price": sorted(moved, key=lambda line: -abs(line["share"])),
    }


def _repriced(old: Product, new: Product) -> dict[str, Any]:
    share = 0.0
    if old.price and new.price is not None and old.currency == new.currency:
        share = float((new.price - old.price) / old.price)
    before = {"old": _plain(old.price), "old_currency": old.currency}
    return {**_shown(new), **before, "share": round(share, 4)}


def _answers(one: Replayed) -> dict[str, Any]:
    kept = {"kept": round(one.kept, 2), "emptied": one.emptied, "repriced": one.repriced}
    return {"question": one.question, "old": list(one.old), "new": list(one.new), **kept}


def _shown_of(products: Sequence[Product]) -> list[dict[str, Any]]:
    return [_shown(product) for product in _spread(products, SAMPLE)]


def _spread(products: Sequence[Product], count: int) -> list[Product]:
    """Some products from all over the list: its beginning tells little of the rest."""
    step = max(1, len(products) // count)
    return list(products[::step][:count])


def _shown(product: Product) -> dict[str, Any]:
    """A product as its card needs it, JSON-ready."""
    return {
        "sku": product.sku, "name": product.name, "price": _plain(product.price), "currency": product.currency,
        "stock": _plain(product.stock), "unit": product.unit, "brand": product.brand, "category": product.category,
        "photo": product.photo, "source": product.source, "row": product.row,
        "attributes": [[one.name, one.text] for one in product.attributes[:8]],
    }  # fmt: skip


def _plain(number: Decimal | None) -> str | None:
    return None if number is None else format(number, "f")


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "sheet": problem.sheet, "row": problem.row, "column": problem.column, "message": problem.message,
        "lost": problem.lost,
    }  # fmt: skip


def _bad_rows(job: Job, problems: Sequence[Problem], tell: Tell) -> None:
    """A workbook of the rows that need a hand, each as it stands in the list and with what is wrong with it."""
    tell("reporting", 0.0)
    told = problems[:MOST_LINES]
    lines = lines_apart(job.path, {(problem.sheet, problem.row) for problem in told if problem.row}, lang=job.lang)
    rows = [
        [problem.sheet, str(problem.row or ""), problem.column, problem.message,
         *lines.get((problem.sheet, problem.row), ())]
        for problem in told
    ]  # fmt: skip
    width = max(map(len, rows), default=4) - 4
    headings = message("bad_rows", job.lang).split(" | ")
    headings += [letter(place) for place in range(width)]
    contents = rows_book(headings, rows, widths=(*WIDTHS, *[16] * width), wrapped=3)
    aside = job.folder / f"{BAD_ROWS}.part"
    aside.write_bytes(contents)
    aside.replace(job.folder / BAD_ROWS)


def _keep(file: Path, value: Mapping[str, Any]) -> None:
    """The whole file or none."""
    aside = file.with_suffix(f".{os.getpid()}.part")
    aside.write_text(json.dumps(value, ensure_ascii=False), "utf-8")
    aside.replace(file)


def _teller() -> Tell:
    """Tells each step's progress, at most five times a second."""
    last: tuple[str, float] = ("", 0.0)

    def tell(phase: str, share: float) -> None:
        nonlocal last
        now = time.monotonic()
        if phase != last[0] or now - last[1] > 0.2 or share >= 1:
            sys.stdout.write(json.dumps({"phase": phase, "share": round(share, 3)}) + "\n")
            sys.stdout.flush()
            last = (phase, now)

    return tell
