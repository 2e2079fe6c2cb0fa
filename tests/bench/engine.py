"""Measures the engine: time to the first token and tokens a second, for several chats at once, cold and warm.

    python -m tests.bench.engine MODEL.gguf [--chats 1 4 8] [--slots 4] [--shared 600] [--own 300] [--answer 48]

Cold is a beginning that no slot has computed yet; warm is one that the engine keeps. Every chat has its own last
turn, so nothing but the shared beginning can be reused. `schema` adds the constraints that the dialogue uses. On a box
that others use, read the last column: the processor seconds of a one-threaded engine are what an idle box would take.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import httpx

from models.base import Turn
from models.openai_api import OpenAIChat
from tests.models_kit import engine

_SENTENCE = "Pump number {} lifts water for gardens, workshops and building sites. "
_TOKENS = 16  # of that sentence
_FRESH = count(100)
SCHEMA = {
    "type": "object",
    "properties": {
        "skus": {"type": "array", "items": {"enum": [f"P-{number}" for number in range(8)]}, "maxItems": 3},
        "answer": {"type": "string", "pattern": "^[^0-9]*$"},
    },
    "required": ["skus", "answer"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Run:
    """What one chat saw, in seconds, and the tokens it got."""

    first: float
    whole: float
    pieces: int


async def chat(url: str, turns: Sequence[Turn], answer: int, *, schema: bool) -> Run:
    body = {
        "messages": [{"role": turn.role, "content": turn.text} for turn in turns],
        "max_tokens": answer,
        "temperature": 0.7,
        "stream": True,
        **({"response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}}} if schema else {}),
        **({} if schema else {"ignore_eos": True}),
    }
    started, first, pieces = time.monotonic(), 0.0, 0
    async with (
        httpx.AsyncClient(timeout=600) as http,
        http.stream("POST", f"{url}/v1/chat/completions", json=body) as response,
    ):
        response.raise_for_status()
        async for line in response.aiter_lines():
            if '"content": "' in line and '"content": ""' not in line:
                pieces += 1
                first = first or time.monotonic() - started
    return Run(first, time.monotonic() - started, pieces)


async def measure(url: str, chats: int, arguments: argparse.Namespace, *, warm: bool, schema: bool) -> str:
    shared = _turns(arguments.shared)
    if warm:
        llm = OpenAIChat(url)
        await llm.share(shared[:1])
        await llm.close()
    predicted = (await _json(url, "/wait"))["seconds"]
    worked = (await _json(url, "/status"))["cpu_seconds"]
    started = time.monotonic()
    runs = await asyncio.gather(
        *(chat(url, [*shared, _own(arguments.own)], arguments.answer, schema=schema) for _ in range(chats))
    )
    seconds = time.monotonic() - started
    worked = (await _json(url, "/status"))["cpu_seconds"] - worked
    firsts = sorted(run.first for run in runs)
    per_chat = statistics.mean((run.pieces - 1) / (run.whole - run.first) for run in runs if run.pieces > 1)
    whole = statistics.median(run.whole for run in runs)
    kind = ("warm" if warm else "cold") + (" schema" if schema else "")
    return (
        f"{chats:5} {kind:12} {firsts[0]:8.2f} {statistics.median(firsts):8.2f} {firsts[-1]:8.2f} "
        f"{predicted:9.2f} {whole:9.2f} {per_chat:9.1f} {sum(run.pieces for run in runs) / seconds:9.1f} {worked:7.2f}"
    )


def _turns(tokens: int) -> list[Turn]:
    return [Turn(role="system", text="".join(_SENTENCE.format(next(_FRESH)) for _ in range(tokens // _TOKENS)))]


def _own(tokens: int) -> Turn:
    goods = "".join(_SENTENCE.format(next(_FRESH)) for _ in range(tokens // _TOKENS))
    return Turn(role="user", text=f"{goods} Describe the pump for a garden in many words.")


async def _json(url: str, path: str) -> dict[str, float]:
    async with httpx.AsyncClient() as http:
        return dict((await http.get(f"{url}{path}")).json())


async def run(url: str, arguments: argparse.Namespace) -> None:
    print("chats kind         first min      p50      max predicted whole p50 tok/s one tok/s all   cpu s")
    for chats in arguments.chats:
        for warm, schema in ((False, False), (True, False), (True, True)):
            print(await measure(url, chats, arguments, warm=warm, schema=schema), flush=True)
    print(await _json(url, "/status"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--chats", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--shared", type=int, default=600)
    parser.add_argument("--own", type=int, default=300)
    parser.add_argument("--answer", type=int, default=48)
    arguments = parser.parse_args()
    with engine(arguments.model, slots=arguments.slots, queue=64, context=2048) as url:
        asyncio.run(run(url, arguments))


if __name__ == "__main__":
    main()
