"""telegram-3: contacts planted in dialogues of many kinds are found, and what only looks like one is left alone."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.rig import ROOT

SETS = ("leads", "leads_second", "leads_third", "leads_fourth", "leads_fifth")  # each made before the rules knew it
QUICK = 60  # dialogues of each set
FIELDS = ("phone", "email", "name", "company", "need")
LEAST_PRECISION = {"phone": 0.98, "email": 0.98, "name": 0.90, "company": 0.90, "need": 0.0}
# A name may be asked for again, and a wrong one offends; a need is shown beside the whole talk.
LEAST_RECALL = {"phone": 0.95, "email": 0.95, "name": 0.0, "company": 0.80, "need": 0.90}
BARE = re.compile(r"[«»\"“”„'’.]")
SHOWN = 40  # errors printed in full; --all prints every one

Dialogue = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How one field of one set was read."""

    field: str
    right: int
    given: int
    planted: int

    @property
    def precision(self) -> float:
        return self.right / self.given if self.given else 0.0

    @property
    def recall(self) -> float:
        return self.right / self.planted if self.planted else 0.0

    @property
    def holds(self) -> bool:
        return self.precision >= LEAST_PRECISION[self.field] and self.recall >= LEAST_RECALL[self.field]


def main() -> int:
    results = []
    for name in [one for one in SETS if one in sys.argv] or SETS:
        dialogues = _read(ROOT / "tests" / "sets" / f"{name}.jsonl")
        if "--quick" in sys.argv:
            dialogues = dialogues[:QUICK]
        results += judge(name, dialogues, extracted(dialogues))
    held = all(score.holds for score in results)
    least = min(score.precision for score in results if score.field in ("phone", "email"))
    found = min(score.recall for score in results if score.field in ("phone", "email"))
    named = min(score.precision for score in results if score.field == "name")
    print(
        f"telegram-3: {'holds' if held else 'does not hold'}: on the worse set precision of phones and e-mails "
        f"{least:.3f} (>= 0.98), recall {found:.3f} (>= 0.95), precision of names {named:.3f} (>= 0.90)"
    )
    return 0 if held else 1


def extracted(dialogues: list[Dialogue]) -> dict[str, Dialogue]:
    """What `appliance leads extract` says of each dialogue, by id; it is shown the messages and the region alone."""
    with tempfile.TemporaryDirectory() as folder:
        batch, out = Path(folder) / "in.jsonl", Path(folder) / "out.jsonl"
        asked = [{key: one[key] for key in ("id", "region", "messages")} for one in dialogues]
        batch.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in asked), encoding="utf-8")
        env = {name: value for name, value in os.environ.items() if not name.startswith("APPLIANCE_")}
        program = [sys.executable, "-m", "appliance", "leads", "extract", "--batch", str(batch), "--out", str(out)]
        subprocess.run(program, cwd=ROOT, env=env | {"APPLIANCE_HOME": folder}, check=True)
        answers = {one["id"]: one for one in _read(out)}
    unanswered = [one["id"] for one in dialogues if one["id"] not in answers]
    if unanswered:
        raise SystemExit(f"{len(unanswered)} dialogues got no answer, the first is {unanswered[0]}.")
    return answers


def judge(name: str, dialogues: list[Dialogue], answers: dict[str, Dialogue]) -> list[Score]:
    """Prints the scores of a set, its kinds with errors and the errors themselves."""
    planted = [field for field in FIELDS if field in dialogues[-1]["expected"]]  # the elder sets plant neither of two
    scores = [_score(field, dialogues, answers) for field in planted]
    print(f"{name}: {len(dialogues)} dialogues")
    for score in scores:
        mark = "" if score.holds else "  <- too low"
        print(f"  {score.field:7} precision {score.precision:.3f} recall {score.recall:.3f}{mark}", end="")
        print(f"  (right {score.right}, given {score.given}, planted {score.planted})")
    wrong = [
        (one, field)
        for one in dialogues
        for field in planted
        if not same(field, one["expected"].get(field), answers[one["id"]][field])
    ]
    of_kind = Counter(one["kind"] for one in dialogues)
    for (kind, field), count in Counter((one["kind"], field) for one, field in wrong).most_common():
        print(f"  {count:3} of {of_kind[kind]} err: {kind}, {field}")
    for one, field in wrong if "--all" in sys.argv else wrong[:SHOWN]:
        said = " | ".join(one["messages"]).replace("\n", " ⏎ ")
        print(f"    {one['id']} {field}: {one['expected'][field]!r}, got {answers[one['id']][field]!r}: {said}")
    return scores


def same(field: str, expected: str | None, got: str | None) -> bool:
    """Equal; a name and a company whatever their case, signs and order of parts. A need has what was planted in it."""
    if not expected or not got:
        return (expected or None) == (got or None) or (field == "need" and not expected)
    match field:
        case "name" | "company":
            return _words(expected) == _words(got)
        case "need":
            return expected.casefold() in " ".join(got.casefold().split()) and "@" not in got
        case _:
            return expected == got


def _words(text: str) -> list[str]:
    return sorted(BARE.sub("", text).casefold().split())


def _score(field: str, dialogues: list[Dialogue], answers: dict[str, Dialogue]) -> Score:
    pairs = [(one["expected"].get(field), answers[one["id"]][field]) for one in dialogues]
    return Score(
        field=field,
        right=sum(bool(expected) and same(field, expected, got) for expected, got in pairs),
        given=sum(bool(got) for _, got in pairs),
        planted=sum(bool(expected) for expected, _ in pairs),
    )


def _read(path: Path) -> list[Dialogue]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    sys.exit(main())
