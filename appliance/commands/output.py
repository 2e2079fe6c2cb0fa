"""What commands print: words for people, or one JSON object when `--json` asks for it; and files of JSON lines."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from appliance.errors import Refused


def json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")


def batch_options(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    parser.add_argument("--batch", type=Path, required=required, metavar="IN.jsonl", help="one JSON object a line")
    parser.add_argument("--out", type=Path, metavar="OUT.jsonl", help="where the answers go (default: standard output)")


def say(words: str) -> None:
    print(words, flush=True)


def say_json(value: Mapping[str, Any]) -> None:
    print(json.dumps(value, ensure_ascii=False), flush=True)


def progress(words: str) -> None:
    """A line about a step of long work; on standard error, so that `--json` stays pure."""
    print(words, file=sys.stderr, flush=True)


def read_lines(path: Path, *needs: str) -> Iterator[dict[str, Any]]:
    """The objects of a JSON-lines file; refuses a line that is none or lacks one of `needs`, by its number."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield _object(path, number, line, needs)
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}.") from error


@contextmanager
def writing_lines(path: Path | None) -> Iterator[IO[str]]:
    """Standard output, or a file that appears under its name only when all is written."""
    if path is None:
        yield sys.stdout
        return
    aside = path.with_name(path.name + ".part")
    with aside.open("w", encoding="utf-8") as file:
        yield file
    aside.replace(path)


def write_line(file: IO[str], value: Mapping[str, Any]) -> None:
    file.write(json.dumps(value, ensure_ascii=False) + "\n")


def _object(path: Path, number: int, line: str, needs: Sequence[str]) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise Refused(f"{path}, line {number} is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise Refused(f"{path}, line {number} is not a JSON object.")
    if lacking := [name for name in needs if name not in value]:
        raise Refused(f"{path}, line {number} lacks {', '.join(map(repr, lacking))}.")
    return value
