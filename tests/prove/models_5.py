"""models-5: what the box promises of its model holds under load, on four settings of one box, within a quarter.

Each setting is a share of this box by affinity, with or without a neighbour who uses all of it: the qualification runs
there as an operator runs it, then an engine is started as it says, as many customers as it serves ask again and again,
and 95 of 100 of their first sentences are timed.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from models import trial
from models.base import Turn
from models.openai_api import OpenAIChat
from models.qualify import SYSTEM, Qualification, crowd
from tests.models_kit import cached
from tests.rig import ROOT, percentile, verdict

MODELS = ("qwen2.5-coder-1.5b", "qwen2.5-coder-0.5b")  # the packaged ones that speak Russian
WITHIN = 0.25
NICE = 10  # of the neighbour, as of the engine: they share alike
ANSWERS = 40  # of which the percentile is taken
SPIN = "import os; os.nice({nice})\nwhile True: pass"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A share of this box."""

    cores: int
    neighbour: bool

    def __str__(self) -> str:
        return f"{self.cores} core{'s' * (self.cores > 1)}, {'a busy neighbour' if self.neighbour else 'alone'}"


def main(*, quick: bool) -> None:
    settings = [Setting(cores=cores, neighbour=busy) for cores in (1, 2) for busy in (False, True)]
    if quick:
        print("QUICK: one setting, the smaller model, half a minute; a smoke test, not the proof")
        settings = settings[2:3]
    with verdict("models-5") as wrong:
        print(f"the box's load is {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; the promise is for a quiet one")
        for setting in settings:
            with tempfile.TemporaryDirectory(prefix="counterman-") as folder, _share(setting):
                home = _home(Path(folder), MODELS[1:] if quick else MODELS)
                promised = _qualified(home, minutes=0.7 if quick else 3.0)
                times = asyncio.run(_measured(home, promised, seconds=25 if quick else 150))
            real = percentile(times, 0.95)
            off = promised.promised / real - 1
            print(
                f"{setting}: {promised.model} on {promised.runtime}, {promised.slots} at once: promised "
                f"{promised.promised:.2f} s, measured {real:.2f} s of {len(times)} answers ({off:+.0%})",
                flush=True,
            )
            if abs(off) > WITHIN and not quick:
                wrong.append(f"{setting}: the promise is {off:+.0%} off")


def _home(home: Path, models: tuple[str, ...]) -> Path:
    (home / "models").mkdir(parents=True)
    for name in models:
        file = cached(name)
        for each in file.parent.glob(f"{file.name}*"):
            (home / "models" / each.name).symlink_to(each)
    return home


def _qualified(home: Path, *, minutes: float) -> Qualification:
    """By the command, in a process that inherits the share."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("APPLIANCE_")}
    program = [sys.executable, "-m", "appliance", "models", "qualify", "--json", "--minutes", str(minutes)]
    began = time.monotonic()
    done = subprocess.run(
        program, cwd=ROOT, env={**env, "APPLIANCE_HOME": str(home)}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-1000:])
    if (took := time.monotonic() - began) > 60 * minutes + 30:  # the last answers and the engine's end come after it
        raise RuntimeError(f"the qualification took {took:.0f} s")
    return Qualification(**json.loads(done.stdout))


async def _measured(home: Path, found: Qualification, *, seconds: float) -> list[float]:
    """Seconds to the first sentences of as many customers as the engine serves at once."""
    path = next(path for path in (home / "models").glob("*.gguf") if cached(found.model).name == path.name)
    async with trial.engine(
        path, slots=found.slots, threads=found.threads, context=found.context, runtime=found.runtime
    ) as url:
        llm = OpenAIChat(url)
        try:
            await llm.share([Turn(role="system", text=SYSTEM)])
            return await crowd(llm, customers=found.slots, until=time.monotonic() + seconds, most=ANSWERS)
        finally:
            await llm.close()


@contextmanager
def _share(setting: Setting) -> Iterator[None]:
    """This process and its children on so many cores, beside the neighbour."""
    whole = os.sched_getaffinity(0)
    if len(whole) < setting.cores:
        raise RuntimeError(f"this box has {len(whole)} core and cannot show {setting}")
    os.sched_setaffinity(0, sorted(whole)[: setting.cores])
    neighbours = [
        subprocess.Popen([sys.executable, "-c", SPIN.format(nice=NICE)])
        for _ in range(setting.cores if setting.neighbour else 0)
    ]
    try:
        yield
    finally:
        for neighbour in neighbours:
            neighbour.kill()
            neighbour.wait()
        os.sched_setaffinity(0, whole)


if __name__ == "__main__":
    main(quick="--quick" in sys.argv)
