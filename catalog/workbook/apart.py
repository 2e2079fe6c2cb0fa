"""Reads a price list in a process of its own, within bounds of memory and time, so that no file takes the box with it.

Over a damaged file a reader of a foreign format may take memory without end; the system would then end whichever
process it likes, and no exception would come of it.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import resource
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from catalog.product import CatalogError
from catalog.workbook.book import Book, read
from catalog.workbook.grid import written
from catalog.workbook.layouts import Layouts
from catalog.workbook.messages import message
from catalog.workbook.readers import open_grids
from models.hardware import memory

MOST_MEMORY = 8 << 30  # bytes of address space; a million rows of twenty columns stay below
SHARE = 0.5  # of the box's memory: the other half is the chat's and the model's
SECONDS, SECONDS_A_MB = 60, 10  # of the processor: five times what honest lists take, the densest .xlsb included
PATIENCE = 10  # times as long by the clock, for a box that is busy with customers
_HEAVY = 70  # the exit code of a child whose memory did not last (sysexits.h, EX_SOFTWARE)
_Lines = dict[tuple[str, int], list[str]]


def read_apart(
    path: Path | str,
    *,
    lang: str = "en",
    layouts: Layouts | None = None,
    include_hidden: bool = False,
    currency: str = "",
    most_memory: int = 0,
) -> Book:
    """`catalog.workbook.read` in a process of its own; `most_memory` (bytes) is half of the box's where it is 0.

    Raises CatalogError as `read` does, and for a file that takes more memory or time than there is for it.
    """
    asked = {"layouts": layouts, "include_hidden": include_hidden, "currency": currency}
    book: Book = _asked(read, Path(path), lang, asked, most_memory)
    return book


def lines_apart(path: Path, wanted: Collection[tuple[str, int]], *, lang: str = "en") -> _Lines:
    """The cells as written of these rows (sheet, 1-based row) in a process of its own. Raises CatalogError."""
    if not wanted:
        return {}
    lines: _Lines = _asked(_lines, path, lang, {"wanted": wanted}, 0)
    return lines


def _lines(path: Path, *, wanted: Collection[tuple[str, int]], lang: str) -> _Lines:
    grids = {grid.name: grid.rows for grid in open_grids(path, lang=lang)[0]}
    return {
        (sheet, row): [written(cell) for cell in grids[sheet][row - 1]]
        for sheet, row in wanted
        if 0 < row <= len(grids.get(sheet, ()))
    }


def _asked(action: Callable[..., Any], path: Path, lang: str, asked: Mapping[str, Any], most_memory: int) -> Any:
    """What `action` gives in a child. Raises CatalogError in words for a person, whatever happens to the child."""
    bytes_ = most_memory or min(MOST_MEMORY, int(memory()[0] * SHARE))
    seconds = SECONDS + SECONDS_A_MB * (path.stat().st_size >> 20 if path.is_file() else 0)
    with tempfile.TemporaryFile() as said, _child(said) as child:
        assert child.stdin is not None and child.stdout is not None
        late = threading.Timer(seconds * PATIENCE, child.kill)
        late.start()
        try:
            with contextlib.suppress(BrokenPipeError):
                pickle.dump((bytes_, seconds, action, path, {**asked, "lang": lang}), child.stdin)
                child.stdin.close()
            refusal, answer = pickle.load(child.stdout)  # noqa: S301 - from our own child
        except (EOFError, pickle.UnpicklingError) as error:
            expired = not late.is_alive()
            raise _refusal(child.wait(), path.name, lang, expired, _last(said)) from error
        finally:
            late.cancel()
    if refusal:
        raise CatalogError(refusal)
    return answer


@contextlib.contextmanager
def _child(said: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A child that is gone at the end, whatever happens; the package is found where this process found it."""
    root = str(Path(__file__).parents[2])
    found = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")  # each takes address space
    env = {**os.environ, **threads, "PYTHONPATH": found, "RUST_BACKTRACE": "0"}
    program = [sys.executable, "-m", __name__]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, env=env) as child:
        try:
            yield child
        finally:
            child.kill()


def _refusal(code: int, name: str, lang: str, expired: bool, last: str) -> CatalogError:
    """Why a child ended without an answer, in words; Rust's allocator aborts, the system's last resort is a kill."""
    if expired or code == -signal.SIGXCPU:
        return CatalogError(message("too_slow", lang, file=name))
    if code in (_HEAVY, -signal.SIGABRT, -signal.SIGKILL):
        return CatalogError(message("too_heavy", lang, file=name))
    return CatalogError(message("damaged", lang, file=name, why=last or f"exit {code}"))


def _last(said: IO[bytes]) -> str:
    said.seek(0)
    lines = said.read()[-2000:].decode("utf-8", "replace").split("\n")
    return next((line.strip()[:120] for line in reversed(lines) if line.strip()), "")


def main() -> int:
    """The child: takes one request from standard input, gives (refusal, answer) to standard output."""
    memory_, seconds, action, path, asked = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our own parent
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a reader prints is no answer
    resource.setrlimit(resource.RLIMIT_AS, (memory_, memory_))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        pickle.dump(_answer(action, path, asked), out, protocol=pickle.HIGHEST_PROTOCOL)
        out.close()
    except MemoryError:
        return _HEAVY
    return 0


def _answer(action: Callable[..., Any], path: Path, asked: Mapping[str, Any]) -> tuple[str, Any]:
    try:
        return "", action(path, **asked)
    except CatalogError as error:
        return str(error), None


if __name__ == "__main__":
    sys.exit(main())
