"""models-1: one contract on every runtime and server; chats decoded together; a shared beginning computed once."""

from __future__ import annotations

import asyncio
import importlib.util
import re
import subprocess
import sys
import time

from tests.bench.engine import HEAD, Result, Subject, line, load, measure, median, subjects
from tests.models_kit import cached
from tests.rig import ROOT, verdict

GAIN = 1.8  # times one chat's tokens a second, at sixteen: issue 4, point 1
MOST = 16  # chats at once
OURS = "ours on llama-cpp-python"
_ADDED = 4  # tokens by which a prompt may be longer than another: a number of more digits


def main(*, quick: bool) -> int:
    with verdict("models-1") as wrong:
        if importlib.util.find_spec("llama_cpp") is None:
            wrong.append("llama-cpp-python is not installed here: pip install 'counterman[llama-cpp-python]'")
            return 1
        wrong += _contract(quick=quick)
        model = cached("smollm2-135m" if quick else "qwen2.5-coder-0.5b")
        print(f"{model.name}, one thread each, {load()}")
        with subjects(model, beside=not quick) as found:
            table = asyncio.run(_table(found, chats=(1, MOST) if quick else (1, 4, 8, MOST), rounds=1 if quick else 3))
        print(load())
        wrong += _judge(table)
    return 0


def _contract(*, quick: bool) -> list[str]:
    """What of the contract does not hold; a skipped implementation is not proven either."""
    chosen = ["-k", "pieces or limit or frees"] if quick else []
    program = [sys.executable, "-m", "pytest", "-q", "-rs", "tests/contract/test_llm_contract.py", *chosen]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    told = done.stdout.strip().splitlines()
    print(f"the contract: {told[-1] if told else done.stderr[-500:]}", flush=True)
    if done.returncode or re.search(r"\d skipped", done.stdout):
        print("\n".join(told[-20:]))
        return ["the contract does not hold on every implementation"]
    return []


async def _table(found: list[Subject], *, chats: tuple[int, ...], rounds: int) -> dict[tuple[str, int, str], Result]:
    """Ours in so many rounds, what stands beside it in one: it answers one chat after another, which takes minutes."""
    table: dict[tuple[str, int, str], list[Result]] = {}
    print(HEAD)
    for count in chats:
        for kind in ("cold", "warm"):
            for number in range(rounds):  # one after another within a round: the box is the same for all
                for subject in found if number == 0 else [one for one in found if one.name.startswith("ours")]:
                    began = time.monotonic()
                    result = await measure(
                        subject, count, warm=kind == "warm", answer=48, shared=96 if rounds == 1 else 300, schema=False
                    )
                    table.setdefault((subject.name, count, kind), []).append(result)
                    took = time.monotonic() - began
                    print(f"  {subject.name}, {count} {kind}: {took:.0f} s", file=sys.stderr, flush=True)
            for subject in found:
                print(line(subject.name, count, kind, median(table[subject.name, count, kind])), flush=True)
    return {key: median(results) for key, results in table.items()}


def _judge(table: dict[tuple[str, int, str], Result]) -> list[str]:
    """The gain by processor seconds: a clock on the wall measures whoever else uses the box, too."""
    wrong = []
    one, many = table[OURS, 1, "warm"], table[OURS, MOST, "warm"]
    gain, wall = many.per_cpu / one.per_cpu, many.writing / one.writing
    whole, own = table[OURS, 1, "cold"].computed or 0, one.computed or 0
    computed, once = table[OURS, MOST, "cold"].computed or 0, whole + (MOST - 1) * (own + _ADDED)
    print(
        f"{MOST} cold chats computed {computed} prompt tokens; once is at most {once}, each for itself {MOST * whole}"
    )
    print(f"{MOST} chats write {gain:.2f} times the tokens of one in a processor second ({wall:.2f} times on the wall)")
    if not 0 < computed <= once:
        wrong.append(f"{computed} prompt tokens computed, not {once}: the shared beginning was computed again")
    if gain < GAIN:
        wrong.append(f"{gain:.2f} times, not {GAIN}")
    return wrong


if __name__ == "__main__":
    sys.exit(main(quick="--quick" in sys.argv))
