"""Measures the search that customers get on judged queries, by kind, beside other ways to search the same rows."""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable
from pathlib import Path

from catalog.product import Product
from catalog.shelf import Shelf
from models.packaged import PackagedEmbedder
from tests.eval._judged import Judged, ndcg, read_products, read_queries, table
from tests.eval._own import own_absent, own_goods, own_queries

OWN = 0.877  # nDCG@10 on our own set when it was last raised; a change that loses more than the slack fails
SLACK = 0.01
REFUSED = 0.85  # least share of the absent goods of our own set that is refused


async def run(shelf: Shelf, queries: list[Judged]) -> tuple[dict[str, float], list[float], int]:
    """nDCG@10 and milliseconds of each query, through the shelf and without its cache; and how many were refused."""
    scores, times, refused = {}, [], 0
    await shelf.search("warm")
    for one in queries:
        begun = time.perf_counter()
        found = await shelf.search(one.query)
        times.append((time.perf_counter() - begun) * 1000)
        scores[one.qid] = ndcg([hit.product.sku for hit in found.hits], one.grades)
        refused += found.none
    return scores, sorted(times), refused


async def opened(goods: Iterable[Product], root: Path) -> tuple[Shelf, float]:
    """A shelf with the judged catalogue live, and the seconds that the build took."""
    shelf = Shelf(root, embedders=[PackagedEmbedder()])
    begun = time.perf_counter()
    if shelf.current() is None:
        version = await shelf.add(goods, source="judged")
        shelf.publish(version.name)
    return shelf, time.perf_counter() - begun


async def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/eval search", description=__doc__)
    parser.add_argument("--catalog", type=Path, help="CSV: sku,name,description,category,brand,price,…")
    parser.add_argument("--queries", type=Path, help="CSV: qid,kind,lang,query,sku,relevance")
    parser.add_argument("--beside", choices=("dev", "kept"), help="print these baselines beside")
    parser.add_argument("--shelf", type=Path, help="keep the built version here, and use it the next time")
    parser.add_argument("--absent", type=Path, help="what the catalogue does not sell, a query a line: to be refused")
    parser.add_argument("--least", type=float, default=0.0, help="fail below this nDCG@10")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    if bool(asked.catalog) != bool(asked.queries):
        parser.error("--catalog and --queries go together; without both, our own set over the sample is measured")
    goods = read_products(asked.catalog) if asked.catalog else own_goods()
    queries = read_queries(asked.queries) if asked.queries else own_queries()
    least = asked.least if asked.catalog else max(asked.least, OWN - SLACK)
    with tempfile.TemporaryDirectory() as aside:
        shelf, seconds = await opened(goods, asked.shelf or Path(aside))
        scores, times, refused = await run(shelf, queries)
        lines = asked.absent.read_text("utf-8").splitlines() if asked.absent else [] if asked.catalog else own_absent()
        nothing = [line for line in lines if (await shelf.search(line)).none]
        shelf.close()
    rows = table(scores, queries)
    speed = {f"p{share}": round(times[min(len(times) - 1, len(times) * share // 100)], 1) for share in (50, 95, 99)}
    if asked.json:
        print(
            json.dumps(
                {
                    "ndcg": {name.strip(): mean for name, _, mean in rows},
                    "ms": speed,
                    "refused": refused,
                    "absent": len(nothing),
                }
            )
        )
    else:
        show(rows, asked.beside)
        print(f"ms {speed}, built in {seconds:.0f} s, {refused} of {len(queries)} refused as absent")
        if lines:
            print(f"{len(nothing)} of {len(lines)} absent goods refused; not: {sorted(set(lines) - set(nothing))}")
        print(f"nDCG@10 {rows[0][2]:.3f}")
    return 0 if statistics.fmean(scores.values()) >= least else 1


def show(rows: list[tuple[str, int, float]], beside: str | None) -> None:
    """The table by family and kind, with the baselines where they are asked for."""
    known = tomllib.loads((Path(__file__).parent / "baselines.toml").read_text("utf-8"))
    columns = known["columns"] if beside else []
    print(f"{'':24}{'n':>6}{'ours':>8}" + "".join(f"{name:>10}" for name in columns))
    for name, count, mean in rows:
        others = known[beside].get(name, []) if beside else []
        print(f"{name:24}{count:6}{mean:8.3f}" + "".join(f"{value:10.3f}" for value in others))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
