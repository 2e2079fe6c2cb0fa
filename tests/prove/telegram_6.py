"""telegram-6: bad input of every kind gets an honest answer, and the bot goes on."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.rig import ROOT, verdict

HERE = "tests/integration/test_telegram_bad_input.py"  # the house with a bot, case by case
WHOLE = "tests/acceptance/test_telegram.py"  # the whole appliance: forged buttons, a blocked bot, a revoked token
CASES = "forged or blocked or revoked or voice or site or contact"


def main(*, quick: bool) -> int:
    with verdict("telegram-6") as wrong:
        passed = _run(wrong, HERE) if quick else _run(wrong, HERE) + _run(wrong, WHOLE, "-k", CASES)
        print(f"{'QUICK: ' if quick else ''}{passed} cases of bad input: {len(wrong)} wrong")
    return 0


def _run(wrong: list[str], *arguments: str) -> int:
    """The number of cases that held; the others are named."""
    program = [sys.executable, "-m", "pytest", "-q", "-rA", "--no-header", *arguments]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        if line.startswith(("PASSED", "FAILED", "ERROR")):
            print(line[:150].replace(" " + HERE + "::", " ").replace(" " + WHOLE + "::", " "), flush=True)
        if line.startswith(("FAILED", "ERROR")):
            wrong.append(line[:300])
    found = re.search(r"(\d+) passed", done.stdout)
    if found is None:
        wrong.append(f"the cases did not run: {done.stdout[-1000:]}{done.stderr[-1000:]}")
    return int(found[1]) if found else 0


if __name__ == "__main__":
    sys.exit(main(quick="--quick" in sys.argv))
