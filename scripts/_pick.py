"""Finds the program behind `scripts/prove NAME` and `scripts/bench NAME`: tests/<kind>/<name>.py."""

from __future__ import annotations

import difflib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main(kind: str, arguments: list[str]) -> int:
    folder = ROOT / "tests" / kind
    programs = {path.stem.replace("_", "-"): path for path in sorted(folder.glob("[a-z]*.py"))}
    name = arguments[0].replace("_", "-") if arguments else ""
    if name not in programs:
        near = difflib.get_close_matches(name, programs, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        print(f"usage: scripts/{kind} NAME [--quick]{hint}", file=sys.stderr)
        print("\n".join(["names:", *(f"  {known}" for known in programs)]), file=sys.stderr)
        return 2
    if "--quick" in arguments:
        print("QUICK: a small sample, a smoke test and not the proof.", flush=True)
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    program = [sys.executable, str(programs[name]), *arguments[1:]]
    return subprocess.run(program, env={**os.environ, "PYTHONPATH": path}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
