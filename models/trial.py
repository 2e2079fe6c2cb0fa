"""Tries a model before customers meet it: it loads, answers from rows by a schema, and is fast enough."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
import tomllib
import unicodedata
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from models.base import LLM, ModelBusy, ModelError, ModelUnavailable, Turn

FLOOR = 2.0  # tokens a second: below, a sentence of fifteen tokens outlasts the customer's patience by itself
ENOUGH = 0.75  # of the questions answered with the right product and in the right script
LIMIT = 80  # tokens of an answer
LOADS = 300.0  # seconds that a model may take to load: 30 GB from a slow disk
PATIENCE = 90.0  # seconds for one answer: the first of a cold large model on a busy box


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a model did; `why` is empty when it passed. Speeds in tokens a second, times in seconds."""

    right: int
    asked: int
    speed: float = 0.0
    first_token: float = 0.0
    why: str = ""

    @property
    def passed(self) -> bool:
        return not self.why


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    right: bool
    pieces: int
    first: float
    writing: float


async def examine(llm: LLM, *, floor: float = FLOOR) -> Verdict:
    """Asks the questions of `trial.toml` one after another."""
    system, questions = _questions()
    answers: list[_Answer] = []
    for question in questions:
        try:
            answers.append(await _ask(llm, system, question))
        except ModelError as error:
            return Verdict(right=0, asked=len(answers) + 1, why=f"It failed at a question: {error}")
    right = sum(answer.right for answer in answers)
    writing = sum(answer.writing for answer in answers)
    speed = sum(answer.pieces for answer in answers) / max(writing, 1e-6)
    why = ""
    if right < ENOUGH * len(answers):
        why = f"It answered {right} of {len(answers)} questions about a list of goods rightly."
    elif speed < floor:
        why = f"It writes {speed:.1f} tokens/s; below {floor:.0f}, no sentence is ready within a customer's patience."
    first = max(answer.first for answer in answers)
    return Verdict(right=right, asked=len(answers), speed=speed, first_token=first, why=why)


async def try_file(path: Path, *, context: int = 1024, floor: float = FLOOR) -> Verdict:
    """Examines a model's file in an engine of its own, which is ended afterwards; what runs goes on meanwhile."""
    from models.openai_api import OpenAIChat

    try:
        async with engine(path, slots=1, context=context) as url:
            llm = OpenAIChat(url)
            try:
                return await examine(llm, floor=floor)
            finally:
                await llm.close()
    except ModelError as error:
        return Verdict(right=0, asked=0, why=str(error))


async def _ask(llm: LLM, system: str, question: Mapping[str, Any]) -> _Answer:
    goods = "\n".join(question["goods"])
    turns = [Turn(role="system", text=system), Turn(role="user", text=f"Goods:\n{goods}\n\n{question['asks']}")]
    schema = _schema([row.partition(":")[0] for row in question["goods"]])
    began, first, text, pieces = time.monotonic(), 0.0, "", 0
    try:
        async with asyncio.timeout(PATIENCE):
            async for piece in _patiently(llm, turns, schema):
                first = first or time.monotonic() - began
                text, pieces = text + piece, pieces + 1
    except TimeoutError as error:
        raise ModelUnavailable(f"no answer within {PATIENCE:.0f} seconds") from error
    said = json.loads(text)
    right = said["skus"] == [question["wants"]] and _script(said["answer"]) == question["script"]
    return _Answer(right=right, pieces=pieces, first=first, writing=time.monotonic() - began - first)


async def _patiently(llm: LLM, turns: list[Turn], schema: Mapping[str, Any]) -> AsyncIterator[str]:
    """The running engine may be full of customers; they go first."""
    while True:
        try:
            async for piece in llm.stream(turns, schema=schema, limit=LIMIT):
                yield piece
            return
        except ModelBusy as error:
            await asyncio.sleep(min(error.retry_after.total_seconds(), 2.0))


def _schema(skus: list[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "skus": {"type": "array", "items": {"enum": skus}, "minItems": 1, "maxItems": 1},
            "answer": {"type": "string", "pattern": "^[^0-9]*$", "minLength": 1, "maxLength": 120},
        },
        "required": ["skus", "answer"],
        "additionalProperties": False,
    }


def _script(text: str) -> str:
    """The script of most letters, in small letters; empty without any."""
    scripts = [unicodedata.name(letter, "").split(" ")[0].lower() for letter in text if letter.isalpha()]
    return max(set(scripts), key=scripts.count) if scripts else ""


@cache
def _questions() -> tuple[str, list[dict[str, Any]]]:
    found = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    return found["system"].strip(), found["question"]


@asynccontextmanager
async def engine(path: Path, **options: Any) -> AsyncIterator[str]:
    """The address of an engine of its own on a free port, ended afterwards; its own words where it does not come up.

    `options` are those of `models.engine.serve`.
    """
    command = [sys.executable, "-m", "models.trial", str(path), json.dumps(options)]
    with subprocess.Popen(  # noqa: ASYNC220  it starts in milliseconds
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield await asyncio.wait_for(asyncio.to_thread(_address, process), LOADS)
        except TimeoutError as error:
            raise ModelUnavailable(f"It did not load within {LOADS:.0f} seconds.") from error
        finally:
            process.terminate()
            try:
                await asyncio.to_thread(process.wait, 10)
            except subprocess.TimeoutExpired:
                process.kill()


def _address(process: subprocess.Popen[str]) -> str:
    import httpx

    assert process.stdout is not None and process.stderr is not None
    url = process.stdout.readline().strip()
    while url and process.poll() is None:
        try:
            if httpx.get(f"{url}/health", timeout=LOADS, trust_env=False).status_code == 200:
                return url
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    last = [line for line in process.stderr.read().splitlines() if line.strip()][-1:]
    raise ModelUnavailable(f"It does not load: {''.join(last)[:300] or 'the engine ended without a word'}")


def _main() -> int:
    """The engine under trial: tells its address, and ends when whoever started it does."""
    import os
    import socket

    from models.engine import serve

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    print(f"http://127.0.0.1:{port}", flush=True)  # noqa: T201  to the parent

    def watch() -> None:
        sys.stdin.read()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    return serve(Path(sys.argv[1]), port=port, name="trial", **json.loads(sys.argv[2]))


if __name__ == "__main__":
    sys.exit(_main())
