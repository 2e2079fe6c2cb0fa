"""Finds out what this box can promise: tries the models and runtimes that are here, and keeps what was measured.

The promise is the time to the first sentence that all but one customer in twenty see kept, while as many ask as the
engine serves at once. It is measured, not reckoned: by customers who each ask again as soon as they are answered.
"""

from __future__ import annotations

import asyncio
import importlib.util
import itertools
import json
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from models import trial
from models.base import ModelError, ModelUnavailable, Outlook, Turn
from models.engine import check_fit
from models.engine.runtime import RUNTIMES
from models.hardware import Hardware
from models.openai_api import OpenAIChat

FILE = "qualification.json"
MINUTES = 3.0
PROMPT, SENTENCE = 120, 34  # tokens: what a prompt adds to the shared beginning, and a first sentence with its frame
ROOM = 0.8  # of the patience that one customer may take where others are to be served at the same time
MEASURING = 0.5  # of the time, kept for measuring what may be chosen
MOST = 24  # answers, from which a promise is made
ANSWERS = (40, 120)  # tokens that an answer may have at most, whatever time there is
ONE_IN_TWENTY = 1.645  # standard deviations above the mean (normal distribution)
SLOWER, FASTER = 0.6, 1.7  # of the qualified speeds, beyond which the box is another than the one that was measured
_MODULES = {"xllamacpp": "xllamacpp", "llama-cpp-python": "llama_cpp"}
_FRESH = itertools.count(1)
SYSTEM = "You answer customers of a shop in one short sentence, from the list of goods alone. " * 4
_SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string", "pattern": "^[A-Za-z ,.]{160,240}$"}},
    "required": ["answer"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Qualification:
    """What was chosen for a box and measured on it; speeds in tokens a second, times in seconds."""

    at: float  # seconds since the epoch
    box: str
    model: str
    runtime: str
    threads: int
    slots: int
    context: int
    answer: int  # tokens of an answer for which there is time
    reading: float
    writing: float
    promised: float  # 95 of 100 first sentences come within, with `slots` customers at once
    patience: float
    samples: int

    @property
    def holds(self) -> bool:
        """Whether customers get prose within their patience; goods and ready sentences they get in any case."""
        return self.promised <= self.patience


@dataclass(frozen=True, slots=True)
class _Tried:
    model: str
    path: Path
    runtime: str
    outlook: Outlook

    @property
    def alone(self) -> float:
        """Seconds to the first sentence of one customer."""
        return self.outlook.seconds(prompt=PROMPT, answer=SENTENCE)


@dataclass(frozen=True, slots=True)
class _Shape:
    """How an engine is started while it is measured."""

    threads: int
    context: int  # tokens


@dataclass(frozen=True, slots=True)
class _Measured:
    tried: _Tried
    slots: int
    times: Sequence[float]  # seconds to first sentences with that many customers at once
    outlook: Outlook


async def qualify(
    models: Sequence[tuple[str, Path]],
    *,
    hardware: Hardware,
    patience: float,
    seconds: float = 60 * MINUTES,
    report: Callable[[str], None] = lambda _: None,
) -> Qualification:
    """Chooses among `models` (name and file, the best one first) and measures the choice, in `seconds` all in all.

    The best writer whose measured promise keeps the patience is taken, on its faster runtime: a customer who has the
    goods on the screen is served better by a good sentence in time than by a poor one at once. Where none keeps it,
    the fastest is taken. Raises `ModelUnavailable` where no model can be run.
    """
    if not models:
        raise ModelUnavailable(
            "There is no model here that suits this box. Fetch the default one with `appliance models pull --default`, "
            "or on a box without internet import its file with `appliance models import FILE`; then measure again."
        )
    deadline = time.monotonic() + seconds
    shape = _Shape(threads=max(1, hardware.cores - 1), context=4096 if hardware.gpus else 2048)
    tried = await _each_alone(models, shape, patience=patience, seconds=seconds, report=report)
    chosen = await _first_that_keeps(tried, shape, hardware, patience=patience, deadline=deadline, report=report)
    left = (patience - chosen.tried.outlook.seconds(prompt=PROMPT, answer=0)) * chosen.outlook.writing
    return Qualification(
        at=time.time(),
        box=fingerprint(hardware),
        model=chosen.tried.model,
        runtime=chosen.tried.runtime,
        threads=shape.threads,
        slots=chosen.slots,
        context=shape.context,
        answer=int(min(ANSWERS[1], max(ANSWERS[0], left))),
        reading=round(chosen.outlook.reading, 2),
        writing=round(chosen.outlook.writing, 2),
        promised=round(promise(chosen.times), 2),
        patience=patience,
        samples=len(chosen.times),
    )


async def _each_alone(
    models: Sequence[tuple[str, Path]], shape: _Shape, *, patience: float, seconds: float, report: Callable[[str], None]
) -> list[_Tried]:
    """The speeds of each model on each runtime for one customer, until one is quick enough or the time is over.

    Raises `ModelUnavailable` where none answers.
    """
    tried: list[_Tried] = []
    until = time.monotonic() + (1 - MEASURING) * seconds
    for (name, path), runtime in itertools.product(models, runtimes()):
        enough = [one for one in tried if one.model != name and one.alone <= ROOM * patience]
        left = until - time.monotonic()
        if enough or left <= 0:
            break
        try:
            check_fit(path, slots=1, context=shape.context)
            async with asyncio.timeout(left if tried else left + 0.5 * MEASURING * seconds):
                outlook = await _alone(path, runtime=runtime, threads=shape.threads, context=shape.context)
        except (ModelError, TimeoutError) as error:
            report(f"{name} on {runtime}: {str(error) or 'no answer in time'}")
        else:
            tried.append(_Tried(name, path, runtime, outlook))
            report(f"{name} on {runtime}: reads {outlook.reading:.0f} and writes {outlook.writing:.0f} tokens/s")
    if not tried:
        raise ModelUnavailable(
            "No model that is here answered in time. If `appliance models list` shows one that suits this box, it is "
            "busy with something else: measure again when it is quiet, or with more --minutes."
        )
    return tried


async def _first_that_keeps(
    tried: Sequence[_Tried],
    shape: _Shape,
    hardware: Hardware,
    *,
    patience: float,
    deadline: float,
    report: Callable[[str], None],
) -> _Measured:
    """The best writer whose promise under its crowd is within the patience; where none is, the last one measured."""
    candidates = _candidates(tried, patience)
    for number, one in enumerate(candidates, start=1):
        slots = _slots(one, hardware, patience)
        now, last = time.monotonic(), number == len(candidates)
        until = deadline if last else now + max(deadline - now, 0.0) / 2  # as much is left for the next one
        times, outlook = await _crowd(one, slots=slots, threads=shape.threads, context=shape.context, until=until)
        kept = promise(times) <= patience
        report(
            f"{one.model} on {one.runtime} with {slots} at once: 95 of 100 first sentences within "
            f"{promise(times):.1f} s ({len(times)} answers){'' if kept else ', longer than the patience'}"
        )
        if kept:
            break
    return _Measured(one, slots, times, outlook)


def runtimes() -> list[str]:
    """Those that are installed."""
    return [name for name in RUNTIMES if importlib.util.find_spec(_MODULES[name])]


def promise(times: Sequence[float]) -> float:
    """What all but one of twenty such times are below."""
    return statistics.fmean(times) + (ONE_IN_TWENTY * statistics.stdev(times) if len(times) > 1 else 0.0)


def fingerprint(hardware: Hardware) -> str:
    """What a qualification depends on; another box, or another share of this one, has to be measured anew."""
    cards = ", ".join(f"{card.name} {card.memory >> 30} GiB" for card in hardware.gpus)
    return f"{hardware.processor}; {hardware.cores} cores; {cards or 'no card'}"


def keep(folder: Path, qualification: Qualification) -> None:
    """Writes it into the models' folder, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{FILE}.{os.getpid()}"
    part.write_text(json.dumps(asdict(qualification), ensure_ascii=False, indent=1), encoding="utf-8")
    part.replace(folder / FILE)


def kept(folder: Path, hardware: Hardware | None = None) -> Qualification | None:
    """The last one, of this very box where `hardware` is given; None where there is none that can be read."""
    try:
        found = Qualification(**json.loads((folder / FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return found if hardware is None or found.box == fingerprint(hardware) else None


def drift(qualification: Qualification, status: Mapping[str, Any]) -> str:
    """How an engine's present speeds (its `/status`) differ from what the promise rests on; empty where they do not."""
    if status.get("model") != qualification.model or not status.get("counts", {}).get("answered"):
        return ""
    reads = float(status["prompt_tokens_per_second"]) / max(qualification.reading, 0.1)
    if reads < SLOWER:
        return (
            f"the model reads at {reads:.0%} of the speed that was measured on this box: a first sentence within "
            f"{qualification.promised:.1f} s is no longer sure; see what else runs, or `appliance models qualify` anew"
        )
    if reads > FASTER:
        return (
            "the box is much faster than when it was measured; `appliance models qualify` finds out what it can do now"
        )
    return ""


async def ask(llm: OpenAIChat) -> float:
    """Seconds until one customer's first sentence would be written: a prompt as long as most, read anew each time."""
    goods = "\n".join(f"[{letter}] <<<Pump {next(_FRESH)}>>> in stock, cheapest" for letter in "ABCDEFG")
    turns = [Turn(role="system", text=SYSTEM), Turn(role="user", text=f"{goods}\nWhich pump is for a garden?")]
    began, written = time.monotonic(), 0
    async with aclosing(llm.stream(turns, schema=_SCHEMA, limit=SENTENCE + 8)) as pieces:
        async for _ in pieces:
            written += 1
            if written == SENTENCE:
                break
    return time.monotonic() - began


async def crowd(llm: OpenAIChat, *, customers: int, until: float, most: int = MOST) -> list[float]:
    """The times of as many customers, each of whom asks again when answered, until a moment or enough answers."""
    times: list[float] = []

    async def one() -> None:
        while not times or (len(times) < most and time.monotonic() < until):
            times.append(await ask(llm))

    await asyncio.gather(*(one() for _ in range(customers)))
    return times


def _candidates(tried: Sequence[_Tried], patience: float) -> list[_Tried]:
    """What to measure, the best writer first, each on its faster runtime; the fastest alone where none can do."""
    best: dict[str, _Tried] = {}
    for one in tried:
        best[one.model] = min(one, best.get(one.model, one), key=lambda each: each.alone)
    return [one for one in best.values() if one.alone <= patience] or [min(tried, key=lambda one: one.alone)]


def _slots(chosen: _Tried, hardware: Hardware, patience: float) -> int:
    """How many at once: on a processor all share one speed, so twice as many take twice as long; a card batches."""
    if hardware.gpus:
        return 8
    return max(1, min(4, int(ROOM * patience / chosen.alone))) if chosen.alone else 1


async def _alone(path: Path, *, runtime: str, threads: int, context: int) -> Outlook:
    async with trial.engine(path, slots=1, context=context, runtime=runtime, threads=threads) as url:
        llm = OpenAIChat(url)
        try:
            await llm.share([Turn(role="system", text=SYSTEM)])
            await ask(llm)
            return replace(await llm.outlook(), queue=0.0)  # the last answer may still be letting go of its slot
        finally:
            await llm.close()


async def _crowd(
    chosen: _Tried, *, slots: int, threads: int, context: int, until: float
) -> tuple[list[float], Outlook]:
    async with trial.engine(chosen.path, slots=slots, context=context, runtime=chosen.runtime, threads=threads) as url:
        llm = OpenAIChat(url)
        try:
            await llm.share([Turn(role="system", text=SYSTEM)])
            return await crowd(llm, customers=slots, until=until), await llm.outlook()
        finally:
            await llm.close()
