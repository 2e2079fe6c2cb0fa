"""Installs a lock file with pip: checksums verified, nothing compiled, one line of progress instead of hundreds."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

_NAMED = re.compile(r"(?:Collecting|Requirement already satisfied:) ([\w.-]+)==")
_REQUIRED = re.compile(r"^([\w.-]+)(?:\[[\w,-]+\])?==", re.MULTILINE)


WORDS = {
    "en": {
        "fetching": "Fetching {seen} of {all} packages: {name}",
        "unpacking": "Unpacking {all} packages …",
        "done": "{all} packages installed in {seconds:.0f} s.",
    },
    "ru": {
        "fetching": "Загружаю пакет {seen} из {all}: {name}",
        "unpacking": "Распаковываю {all} пакетов …",
        "done": "Пакеты установлены: {all} за {seconds:.0f} с.",
    },
}


def main(lock: Path, tongue: str = "en") -> int:
    words = WORDS[tongue]
    names = set(_REQUIRED.findall(lock.read_text(encoding="utf-8")))
    began = time.monotonic()
    pip = [sys.executable, "-m", "pip", "install", "--require-hashes", "--only-binary", ":all:", "-r", str(lock)]
    env = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore", "PIP_NO_INPUT": "1"}
    last: deque[str] = deque(maxlen=15)
    seen: set[str] = set()
    with subprocess.Popen(
        [*pip, "--progress-bar", "off"], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout
        for line in process.stdout:
            last.append(line)
            if named := _NAMED.match(line):
                seen.add(named[1])
                line = words["fetching"].format(seen=len(seen), all=len(names), name=named[1])
                show(line, passing=len(seen) % 10 > 0)
            elif line.startswith("Installing collected"):
                show(words["unpacking"].format(all=len(names)))
    if process.returncode:
        print("\n" + "".join(last), file=sys.stderr)
    else:
        show(words["done"].format(all=len(names), seconds=time.monotonic() - began) + "\n")
    return process.returncode


def show(text: str, *, passing: bool = False) -> None:
    """On a terminal the line is rewritten; in a log what only passes is left out."""
    if sys.stdout.isatty():
        print(f"\r\033[K{text}", end="", flush=True)
    elif not passing:
        print(text.rstrip(), flush=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
