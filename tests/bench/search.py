"""How fast the search is: whole queries, embedding included, one process, the numeric libraries on one thread.

    scripts/bench search [--quick] [--million] [--beside] [--catalog FILE.csv.gz --queries FILE.csv.gz]

With a catalogue: its real rows. Without one: generated goods in growing numbers, 10,000 rows of the sample catalogue,
truly embedded, from which the larger ones are grown, vectors and all (`_grown.py`): synthetic, and said to be.
`--beside` also times ChromaDB, Qdrant's local mode and LanceDB on the same vectors and queries, in venvs of their own
that are made for them. Catalogues that were built stay in the cache for the next run.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from catalog.build import FORMAT
from catalog.shelf import Shelf
from models.packaged import PackagedEmbedder
from tests.bench._asked import shares
from tests.bench._goods import SAMPLE
from tests.eval._judged import read_queries
from tests.eval._own import own_queries
from tests.prove_kit import CACHE
from tests.rig import ROOT

GROWTH, MILLION = (10_000, 60_000, 250_000), 1_000_000
RIVALS = {"chromadb": "chromadb", "qdrant": "qdrant-client", "lancedb": "lancedb"}  # and the packages that hold them
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")  # as the product sets


def shelf_of(what: int | Path, *, e5: bool = False) -> Path:
    """A shelf of so many generated goods, or of a catalogue's rows; built at the first call, which takes minutes."""
    name = f"{what:08d}" if isinstance(what, int) else f"{what.stem.split('.')[0]}-{what.stat().st_size}"
    made = CACHE / "search" / f"{name}{'-e5' if e5 else ''}-{FORMAT}"
    if (made / "live.json").exists():
        return made
    shutil.rmtree(made, ignore_errors=True)
    arguments: tuple[object, ...]
    if e5:
        arguments = ("e5", made, shelf_of(what))
    elif isinstance(what, Path):
        arguments = ("real", made, what)
    else:
        arguments = ("grown", made, shelf_of(SAMPLE), what) if what > SAMPLE else ("sample", made, what)
    print(f"building {made.name}, once …", flush=True)
    begun = time.perf_counter()
    _run("tests.bench._goods", *arguments)
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    size = sum(file.stat().st_size for file in made.rglob("*") if file.is_file()) >> 20
    print(
        f"{made.name}: built in {time.perf_counter() - begun:.0f} s, {most} MB at most, {size} MB of files", flush=True
    )
    return made


def questions() -> list[str]:
    """What is asked of generated goods: kinds, sizes, codes, slips, other layouts and languages."""
    return list(dict.fromkeys(one.query for one in own_queries()))


def asked(shelf: Path, queries: Sequence[str], *more: str) -> dict[str, Any]:
    """What `_asked.measured` says of a shelf, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "queries.json"
        file.write_text(json.dumps(queries), "utf-8")
        figures: dict[str, Any] = json.loads(_run("tests.bench._asked", shelf, file, *more))
        return figures


def line(name: str, figures: Mapping[str, Any]) -> str:
    """One row of the table."""
    wall, own = ("/".join(f"{value:.1f}" for value in figures[key]) for key in ("wall", "own"))
    memory = f"{figures['memory']['own']} + {figures['memory']['mapped']} MB"
    return f"{name:34}{wall:>20}{own:>20}{figures['speed']:9.0f}  {memory}"


HEAD = f"{'':34}{'ms p50/p95/p99':>20}{'of its own time':>20}{'q/s':>9}  memory: own + mapped, shared"


def beside(shelf: Path, queries: Sequence[str]) -> Iterator[str]:
    """The same vectors and queries in other engines: the ten nearest alone, where ours is also shown alone."""
    snapshot = Shelf(shelf).current()
    assert snapshot is not None
    embedder = PackagedEmbedder()
    lane = snapshot.meanings[embedder.name]
    vectors, wanted = lane.vectors.astype(np.float32), embedder.encode(list(queries))
    nearest = np.stack([np.argpartition(-(vectors @ one), 10)[:10] for one in wanted])
    times, right, ran = [], 0, time.process_time()
    for one, true in zip(wanted, nearest, strict=True):
        begun = time.perf_counter()
        found = lane.search(one, 10)
        found = found[np.argsort(-(lane.of(found) @ one))][:10]
        times.append((time.perf_counter() - begun) * 1000)
        right += len(set(found.tolist()) & set(true.tolist()))
    own = (time.process_time() - ran) * 1000 / len(wanted)
    yield _nearest("our meaning lane", {"wall": shares(times), "own": own, "recall": right / nearest.size})
    with tempfile.TemporaryDirectory() as folder:
        for name, part in (("vectors", vectors), ("asked", wanted), ("nearest", nearest)):
            np.save(Path(folder) / f"{name}.npy", part)
        for name, package in RIVALS.items():
            program = [_venv(package), ROOT / "tests" / "bench" / "_rivals.py", name, folder]
            figures = json.loads(_call(program, cwd=folder))
            yield _nearest(f"{name} {_version(package)}", figures)


def _nearest(name: str, figures: Mapping[str, Any]) -> str:
    more = f", built in {figures['built']:.0f} s, {figures['memory']} MB" if "built" in figures else ""
    wall = " / ".join(f"{value:.1f}" for value in figures["wall"])
    return (
        f"{name}: ten nearest alone, ms {wall}, of computing {figures['own']:.1f}, recall {figures['recall']:.3f}{more}"
    )


def _venv(package: str) -> Path:
    """The Python of a venv with this package alone."""
    python = CACHE / "rivals" / package / "bin" / "python"
    if not python.exists():
        print(f"installing {package} into a venv of its own, once …", flush=True)
        _call([sys.executable, "-m", "uv", "venv", "--python", sys.executable, python.parents[1]])
        _call([sys.executable, "-m", "uv", "pip", "install", "--python", python, "numpy", package])
    return python


def _version(package: str) -> str:
    code = f"from importlib.metadata import version; print(version({package!r}))"
    return _call([_venv(package), "-c", code]).strip()


def _run(module: str, *arguments: object) -> str:
    return _call([sys.executable, "-m", module, *arguments])


def _call(program: Sequence[object], cwd: object = ROOT) -> str:
    done = subprocess.run(
        [str(part) for part in program], cwd=str(cwd), env=os.environ | ONE_THREAD, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"{program[0]} {program[1]} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench search", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="5,000 generated rows")
    parser.add_argument("--million", action="store_true", help="grow to a million rows; building takes minutes, 6 GB")
    parser.add_argument("--catalog", type=Path)
    parser.add_argument("--queries", type=Path)
    parser.add_argument("--e5", action="store_true", help="with the e5 embedder beside the packaged one, too")
    parser.add_argument("--beside", action="store_true")
    parser.add_argument("--most", type=float, default=0.0, help="fail when a p95 is above so many milliseconds")
    given = parser.parse_args()
    if bool(given.catalog) != bool(given.queries):
        parser.error("--catalog and --queries go together")
    queries = [one.query for one in read_queries(given.queries)] if given.queries else questions()
    sizes = (5000,) if given.quick else (*GROWTH, MILLION) if given.million else GROWTH
    print(f"{len(queries)} queries; the box's load is {os.getloadavg()[0]:.1f} before they begin")
    wheres: tuple[int | Path, ...] = (given.catalog,) if given.catalog else sizes
    worst, lines = 0.0, [HEAD]
    for where in wheres:
        kind = "generated rows" if isinstance(where, int) else "real rows"
        for more in ((), ("e5",)) if given.e5 else ((),):
            figures = asked(shelf_of(where, e5=bool(more)), queries, *more)
            lines.append(line(f"{figures['rows']:,} {kind}{', e5 beside' if more else ''}", figures))
            lines.append("  ms " + ", ".join(f"{name} {value:.2f}" for name, value in figures["parts"].items()))
            worst = max(worst, figures["wall"][1])
    print("\n".join(lines))
    if given.beside:
        for told in beside(shelf_of(wheres[-1]), queries[:200]):
            print(told, flush=True)
    print(f"p95 {worst:.1f} ms")
    return 0 if not given.most or worst <= given.most else 1


if __name__ == "__main__":
    sys.exit(main())
