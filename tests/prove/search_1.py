"""search-1: the rows that people want come first, kind by kind, beside other ways to search the same rows."""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from catalog.product import Product
from catalog.snapshot import Snapshot
from tests.eval._judged import Judged, read_products, read_queries, table
from tests.eval.search import opened, run, show
from tests.eval.train import cross_validated, gather, read_pairs
from tests.rig import ROOT, verdict

DATA = ROOT.parent / "shared" / "data"
BASELINES = ROOT / "tests" / "eval" / "baselines.toml"
LEAST, SLACK = 0.70, 0.02  # issue 3, point 1: overall, and below the best baseline of a family
AIMS = {"ALL": 0.78, "cross-lingual": 0.55, "attr cross-lingual": 0.70}
PAIRS = 2500  # suppliers' names that the ranker is trained on beside the judged queries
QUICK_ROWS, QUICK_QUERIES = 2000, 100


def main(*, quick: bool) -> int:
    missing = [name for name in ("catalog", "queries_dev", "pairs_ksr") if not (DATA / f"{name}.csv.gz").exists()]
    if missing:
        print(f"search-1: cannot be shown here: {', '.join(missing)} of the development data are absent")
        return 1
    products, queries = list(read_products(DATA / "catalog.csv.gz")), read_queries(DATA / "queries_dev.csv.gz")
    with verdict("search-1") as wrong:
        rows = asyncio.run(_quick(products, queries) if quick else _whole(products, queries))
        wrong += _faults(rows, families=not quick)
    return 0


async def _whole(products: Sequence[Product], queries: Sequence[Judged]) -> list[tuple[str, int, float]]:
    """Every query ranked by a model that was trained without it."""
    with tempfile.TemporaryDirectory(prefix="counterman-") as folder:
        shelf, seconds = await opened(products, Path(folder))
        snapshot = shelf.current()
        assert snapshot is not None
        print(f"{len(snapshot):,} rows, built in {seconds:.0f} s", flush=True)
        scores = _ranked(snapshot, queries)
        shelf.close()
    return table(scores, queries)


def _ranked(snapshot: Snapshot, queries: Sequence[Judged]) -> dict[str, float]:
    pairs = read_pairs(DATA / "pairs_ksr.csv.gz", snapshot, without=[one.query for one in queries], most=PAIRS)
    print(f"{len(queries)} judged queries in five folds, {len(pairs)} suppliers' names beside them", flush=True)
    return cross_validated(gather(snapshot, queries), gather(snapshot, pairs))


async def _quick(products: Sequence[Product], queries: Sequence[Judged]) -> list[tuple[str, int, float]]:
    """Some of the queries among some of the rows, in the order of the shipped model, which has seen them."""
    print("the shipped model was trained on these queries, so this flatters it; the whole proof does not", flush=True)
    dice = random.Random(1)
    asked = dice.sample(list(queries), QUICK_QUERIES)
    wanted = {sku for one in asked for sku, _ in sorted(one.grades.items(), key=lambda pair: -pair[1])[:20]}
    share = QUICK_ROWS / len(products)
    goods = [one for one in products if one.sku in wanted or dice.random() < share]
    with tempfile.TemporaryDirectory(prefix="counterman-") as folder:
        shelf, _ = await opened(goods, Path(folder))
        kept = {one.sku for one in goods}
        judged = [
            Judged(
                qid=one.qid,
                kind=one.kind,
                query=one.query,
                grades={sku: grade for sku, grade in one.grades.items() if sku in kept},
            )
            for one in asked
        ]
        scores, _, _ = await run(shelf, judged)
        shelf.close()
    return table(scores, judged)


def _faults(rows: Sequence[tuple[str, int, float]], *, families: bool) -> list[str]:
    """What does not hold; a family of a small sample is too few queries to be judged."""
    show(list(rows), "dev")
    means = {name: mean for name, _, mean in rows}
    for name, aim in AIMS.items():
        print(
            f"aim: {name} {aim:.2f}, here {means.get(name, 0.0):.3f}{'' if means.get(name, 0) >= aim else ' (missed)'}"
        )
    faults = [] if means["ALL"] >= LEAST else [f"nDCG@10 is {means['ALL']:.3f}, not {LEAST}"]
    for name, best in _best().items() if families else ():
        if name in means and means[name] < best - SLACK:
            faults.append(f"{name} is {means[name]:.3f}, and the best baseline {best:.3f}")
    print(f"nDCG@10 {means['ALL']:.3f}")
    return faults


def _best() -> Mapping[str, float]:
    """The best baseline of each family; the last column, our own trial recipe tuned on these queries, is none."""
    known = tomllib.loads(BASELINES.read_text("utf-8"))
    return {name: max(values[:-1]) for name, values in known["dev"].items()}


if __name__ == "__main__":
    sys.exit(main(quick="--quick" in sys.argv))
