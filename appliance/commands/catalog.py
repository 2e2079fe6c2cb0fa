"""`appliance catalog`: price lists in, versions published and rolled back, searches tried."""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from appliance.commands import import_, rehearse, work
from appliance.commands.output import (
    batch_options,
    json_option,
    progress,
    read_lines,
    say,
    say_json,
    write_line,
    writing_lines,
)
from appliance.settings import Settings
from appliance.words import grouped
from appliance.words import words as text

if TYPE_CHECKING:
    from catalog.rehearsal import Verdict
    from catalog.shelf import Shelf, Version
    from catalog.snapshot import Found
    from catalog.workbook import Book

LARGEST_PICTURE = 10 << 20  # bytes of one photo
BATCH = 100  # SKUs a query in a batch's results


def add_to(kinds: Any) -> None:
    group = kinds.add_parser("catalog", help="price lists, versions and search")
    verbs = group.add_subparsers(required=True, metavar="WHAT")

    load = verbs.add_parser("import", help="read a price list into a new version of the catalogue")
    load.add_argument("file", type=Path)
    load.add_argument("--publish", action="store_true", help="make it the live version at once")
    load.add_argument("--force", action="store_true", help="publish it whatever the rehearsal says")
    load.add_argument("--dry-run", action="store_true", help="show what would be read, and change nothing")
    import_.options_to(load)
    json_option(load)
    load.set_defaults(run=_import)

    rehearse.add_to(verbs)
    work.add_to(verbs)

    search = verbs.add_parser("search", help="search the live version")
    search.add_argument("query", nargs="?", default="")
    search.add_argument("--limit", type=int, default=10)
    batch_options(search, required=False)
    json_option(search)
    search.set_defaults(run=_search)

    enrich = verbs.add_parser("enrich", help="join the second embedder's lane to the live version")
    json_option(enrich)
    enrich.set_defaults(run=_enrich)

    for name, run, words in (
        ("versions", _versions, "list the versions"),
        ("publish", _publish, "make a version the live one"),
        ("rollback", _rollback, "go back to the version that was live before"),
        ("prune", _prune, "delete old versions"),
    ):
        verb = verbs.add_parser(name, help=words)
        if name == "publish":
            verb.add_argument("version")
        if name == "prune":
            verb.add_argument("--keep", type=int, default=3)
        json_option(verb)
        verb.set_defaults(run=run)


def _import(asked: argparse.Namespace, settings: Settings) -> int:
    from appliance.app.parts import shelf

    if os.nice(0) <= 0:  # as a step of the first start it is lowered already
        os.nice(10)  # customers come first
    began = time.monotonic()
    book = import_.read_book(asked, settings)
    parsed = time.monotonic() - began
    products, problems = grouped(len(book.products)), grouped(len(book.problems))
    progress(text("import_read", products=products, problems=problems, seconds=f"{parsed:.0f}"))
    if asked.dry_run:
        import_.show(asked, book)
        return 0
    version = asyncio.run(_build(shelf(settings), book, asked.file))
    verdict = rehearse.rehearsed(settings, shelf(settings), version.name) if asked.publish else None
    published = verdict is not None and (asked.force or not verdict.refused)
    if published:
        shelf(settings).publish(version.name)
    _report(asked, book, version=version.name, published=published, verdict=verdict)
    return int(asked.publish and not published)


def _enrich(asked: argparse.Namespace, settings: Settings) -> int:
    from appliance.app.parts import shelf

    if os.nice(0) <= 0:  # the worker has lowered it further already
        os.nice(10)
    store = shelf(settings)
    lacked = store.lacking()
    version = asyncio.run(store.enrich(progress=_teller()))
    if version is not None:
        words = f"Version {version.name} is live: {version.origin} and the lane of {', '.join(lacked)}."
    elif lacked:
        words = "Nothing was joined: another process is at it, or another version went live meanwhile."
    else:
        words = "The live version lacks no lane of the embedders that are set."
    return _done(asked, {"version": version.name if version else "", "lacked": lacked}, words)


def _teller() -> Callable[[str, float], None]:
    """Tells each step's progress once a percent."""
    last = ""

    def tell(step: str, share: float) -> None:
        nonlocal last
        said = text(f"build_{step}", share=f"{share:.0%}")
        if said != last:
            progress(said)
            last = said

    return tell


async def _build(shelf: Shelf, book: Book, file: Path) -> Version:
    from catalog.rehearsal import import_report

    return await shelf.add(
        book.products,
        source=file.name,
        problems_count=len(book.problems),
        report=import_report(book),
        pictures=_pictures(book, file.parent),
        progress=_teller(),
    )


def _pictures(book: Book, folder: Path) -> dict[str, bytes]:
    """By SKU: the pictures inside the book, and those that it names by a path beside itself."""
    files: dict[str, bytes | None] = {}
    for photo in {product.photo for product in book.products if product.photo and "://" not in product.photo}:
        file = (folder / photo).resolve()
        inside = file.is_relative_to(folder.resolve()) and file.is_file() and file.stat().st_size <= LARGEST_PICTURE
        files[photo] = file.read_bytes() if inside else None
    beside = {product.sku: picture for product in book.products if (picture := files.get(product.photo))}
    return {**beside, **_embedded(book)}


def _embedded(book: Book) -> dict[str, bytes]:
    with TemporaryDirectory(prefix="counterman-") as folder:
        before = {product.sku: product.photo for product in book.products}
        hung = [p for p in book.with_pictures(Path(folder)).products if p.photo and p.photo != before[p.sku]]
        return {product.sku: (Path(folder) / product.photo).read_bytes() for product in hung}


def _report(
    asked: argparse.Namespace, book: Book, *, version: str, published: bool, verdict: Verdict | None = None
) -> None:
    if asked.json:
        summary = {
            "version": version,
            "rows": book.rows,
            "products": len(book.products),
            "problems": [
                {"sheet": problem.sheet, "row": problem.row, "column": problem.column, "message": problem.message}
                for problem in book.problems
            ],
            "published": published,
            "rehearsal": verdict.plain() if verdict else None,
        }
        say_json(summary)
        return
    say(f"{book.rows:,} rows: {len(book.products):,} products, {len(book.problems):,} problems.")
    import_.say_problems(book)
    if verdict:
        rehearse.say_verdict(verdict)
    if version:
        say(text("import_live" if published else "import_ready", version=version))


def _search(asked: argparse.Namespace, settings: Settings) -> int:
    from appliance.app.parts import shelf

    store = shelf(settings)
    if asked.batch:
        asyncio.run(_search_batch(store, asked.batch, asked.out))
        return 0
    found = asyncio.run(store.search(asked.query, limit=asked.limit))
    if asked.json:
        say_json({**_plain(found), "cache": store.cache.summary()})
        return 0
    if found.corrected:
        say(f"Searched for: {found.corrected}")
    for gone in found.dropped:
        say(f"Left out: {gone}")
    if found.none:
        say("Nothing fits." + (" The nearest:" if found.near else ""))
    for hit in found.near if found.none else found.hits:
        price = f"{hit.product.price} {hit.product.currency}" if hit.product.price is not None else "on request"
        say(f"{hit.product.sku:24} {price:>16}  {hit.product.name}  [{', '.join(hit.reasons)}]")
    return 0


async def _search_batch(shelf: Shelf, batch: Path, out: Path | None) -> None:
    """Each query is timed alone, from its text to its SKUs, the embedding included."""
    await shelf.search("warm", limit=1)
    with writing_lines(out) as file:
        for row in read_lines(batch, "qid", "query"):
            began = time.perf_counter()
            found = await shelf.search(str(row["query"]), limit=BATCH)
            ms = (time.perf_counter() - began) * 1000
            hits = found.hits or found.near
            write_line(file, {"qid": row["qid"], "skus": [hit.product.sku for hit in hits], "ms": round(ms, 2)})


def _plain(found: Found) -> dict[str, Any]:
    return {
        "version": found.version,
        "none": found.none,
        "corrected": found.corrected,
        "dropped": list(found.dropped),
        "hits": [
            {
                "sku": hit.product.sku,
                "name": hit.product.name,
                "price": None if hit.product.price is None else str(hit.product.price),
                "currency": hit.product.currency,
                "score": round(hit.score, 4),
                "reasons": list(hit.reasons),
            }
            for hit in found.hits or found.near
        ],
    }


def _versions(asked: argparse.Namespace, settings: Settings) -> int:
    from appliance.app.parts import shelf

    versions = shelf(settings).versions()
    if asked.json:
        say_json({"versions": [_version(version) for version in versions]})
        return 0
    for version in versions:
        say(f"{'*' if version.live else ' '} {version.name}  {version.products:>8,} products  {version.source}")
    if not versions:
        say("There is no catalogue yet: appliance catalog import FILE --publish")
    return 0


def _publish(asked: argparse.Namespace, settings: Settings) -> int:
    from appliance.app.parts import shelf

    shelf(settings).publish(asked.version)
    return _done(asked, {"version": asked.version}, f"Version {asked.version} is live.")


def _rollback(asked: argparse.Namespace, settings: Settings) -> int:
    from appliance.app.parts import shelf

    version = shelf(settings).rollback()
    return _done(asked, {"version": version}, f"Version {version} is live again.")


def _prune(asked: argparse.Namespace, settings: Settings) -> int:
    from appliance.app.parts import shelf

    gone = shelf(settings).prune(keep=asked.keep)
    return _done(asked, {"pruned": gone}, f"{len(gone)} versions deleted.")


def _done(asked: argparse.Namespace, value: Mapping[str, Any], words: str) -> int:
    if asked.json:
        say_json(value)
    else:
        say(words)
    return 0


def _version(version: Version) -> dict[str, Any]:
    return {**{key: str(value) for key, value in asdict(version).items()}, "live": version.live}
