"""models-2: the judged dialogues are routed, answered in their language, followed up and refused as they should be.

All sets through the whole assistant on the sample catalogue: the one that was tuned on, and the one that was kept. No
model writes here: what is judged is decided before one is asked, and must be right on a box without one.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.prove_kit import prepared_home
from tests.rig import ROOT, Appliance, verdict

SETS = {
    "dialogue": "the set that was tuned on", "dialogue_held_out": "the set that was kept",
    "dialogue_third": "the set written last",  # says nothing of what is sold, so nothing of what is found
}  # fmt: skip
FLOORS = {"route": 0.95, "lang_ru_en": 0.99, "lang_rest": 0.95, "follow_up": 0.90, "none": 0.95}  # issue 4, point 2
SAID = {
    "route": "routed rightly", "lang_ru_en": "answered in Russian or English as asked",
    "lang_rest": "answered in the other languages as asked", "follow_up": "follow-ups understood",
    "none": "found or refused rightly",
}  # fmt: skip
FEW = 60  # dialogues of the smoke test


def main(*, quick: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="counterman-") as folder, verdict("models-2") as wrong:
        if quick:
            print(f"QUICK: {FEW} dialogues of each set, a small catalogue: floors 10 points lower, no 'nothing found'")
        home = prepared_home(Path(folder) / "home", rows=2_000 if quick else 40_000, model=False)
        for name, words in SETS.items():
            figures = _judged(home, Path(folder), name, every=quick)
            wanted = {key: floor - 0.1 * quick for key, floor in FLOORS.items() if not (quick and key == "none")}
            for key, floor in wanted.items():
                if key not in figures:
                    continue
                print(f"{words}: {figures[key]:.1%} {SAID[key]} (at least {floor:.0%})", flush=True)
                if figures[key] < floor:
                    wrong.append(f"{words}: {figures[key]:.1%} {SAID[key]}, not {floor:.0%}")


def _judged(home: Path, folder: Path, name: str, *, every: bool) -> Mapping[str, float]:
    """The figures of one set, played by the program's own door and judged by the evaluation."""
    lines = (ROOT / "tests" / "sets" / f"{name}.jsonl").read_text("utf-8").splitlines()
    chosen = folder / f"{name}.jsonl"
    chosen.write_text("\n".join(lines[:: len(lines) // FEW] if every else lines) + "\n", encoding="utf-8")
    out = folder / f"{name}.played"
    played = Appliance(home).command("dialogue", "play", "--batch", str(chosen), "--out", str(out))
    if played.returncode:
        raise RuntimeError(played.stderr[-2000:])
    program = [sys.executable, "-m", "tests.eval.dialogue", str(chosen), "--played", str(out), "--json"]
    told = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    return dict(json.loads(told.stdout))


if __name__ == "__main__":
    main(quick="--quick" in sys.argv)
