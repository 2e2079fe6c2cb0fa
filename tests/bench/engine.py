"""Measures the runtimes: time to the first token and tokens a second, for several chats at once.

    python -m tests.bench.engine [MODEL.gguf] [--chats 1 4 8 16] [--rounds 3] [--answer 48] [--schema]

Our engine on each of its runtimes, beside llama-cpp-python's own `Llama` and server, in one run on one thread each;
medians of the rounds. Every chat has the same beginning and a last turn of its own. Cold is a beginning that nobody has
computed yet; warm is one that a chat before has brought. `all` is every token over the whole time, `writing` only the
time in which every chat writes: the decoder's own speed. On a box that others use, read `per cpu s`: the same, by the
processor seconds of the one-threaded program, which is what it would take on a core of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import httpx

from tests.models_kit import MODULES, cached, engine, free_port, wait_for

CONTEXT = 1024
SLOTS = 16
SETTLED = 300.0  # seconds in which an engine must have come to itself, on a busy box, too
_SENTENCE = "Pump number {} lifts water for gardens, workshops and building sites. "
_TOKENS = 16  # of that sentence
_FRESH = count(100)
_TICK = os.sysconf("SC_CLK_TCK")
SCHEMA = {"type": "object", "properties": {"answer": {"type": "string", "pattern": "^[A-Za-z ,.]*$"}},
          "required": ["answer"], "additionalProperties": False}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Token:
    """When it came, in seconds since the chats began, and the program's processor seconds until then."""

    chat: int
    at: float
    cpu: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One round; seconds, tokens a second, and for our engine the prompt tokens that it computed."""

    first: float
    slowest: float
    all: float
    writing: float
    per_cpu: float
    computed: int | None


class Subject(Protocol):
    """What is measured: a program of its own, by its process."""

    name: str
    pid: int

    def stream(self, messages: Sequence[dict[str, str]], limit: int, schema: bool) -> AsyncIterator[str]: ...

    async def computed(self) -> int | None: ...


class Http:
    """A server that speaks OpenAI's protocol."""

    def __init__(self, name: str, url: str, pid: int, *, ours: bool) -> None:
        self.name, self.pid = name, pid
        self._url, self._ours = url, ours

    async def stream(self, messages: Sequence[dict[str, str]], limit: int, schema: bool) -> AsyncIterator[str]:
        form = {"type": "json_schema", "json_schema": {"schema": SCHEMA}}
        if not self._ours:
            form = {"type": "json_object", "schema": SCHEMA}
        body = {"messages": messages, "max_tokens": limit, "temperature": 0.7, "stream": True, "model": "bench"}
        async with (
            httpx.AsyncClient(timeout=1200, trust_env=False) as http,
            http.stream(
                "POST", f"{self._url}/v1/chat/completions", json=body | ({"response_format": form} if schema else {})
            ) as response,
        ):
            response.raise_for_status()
            async for line in response.aiter_lines():
                if line.startswith("data: {"):
                    choices = json.loads(line[6:]).get("choices") or [{}]
                    if text := choices[0].get("delta", {}).get("content"):
                        yield text

    async def computed(self) -> int | None:
        if not self._ours:
            return None
        async with httpx.AsyncClient(trust_env=False) as http:
            return int((await http.get(f"{self._url}/status")).json()["counts"]["prompt_tokens"])


class OwnLlama:
    """llama-cpp-python's `Llama`, in this process: it answers one chat after another."""

    name = "its own Llama"

    def __init__(self, model: Path) -> None:
        llama: Any = importlib.import_module("llama_cpp").Llama
        self.pid = os.getpid()
        self._turn = asyncio.Lock()
        self._llama = llama(str(model), n_ctx=CONTEXT, n_threads=1, n_threads_batch=1, verbose=False)

    async def stream(self, messages: Sequence[dict[str, str]], limit: int, schema: bool) -> AsyncIterator[str]:
        form = {"response_format": {"type": "json_object", "schema": SCHEMA}} if schema else {}
        async with self._turn:
            pieces = self._llama.create_chat_completion(
                messages=list(messages), max_tokens=limit, temperature=0.7, stream=True, **form
            )
            while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
                if text := piece["choices"][0]["delta"].get("content"):
                    yield text

    async def computed(self) -> int | None:
        return None


async def measure(subject: Subject, chats: int, *, warm: bool, answer: int, shared: int, schema: bool) -> Result:
    """One round: so many chats at once."""
    beginning = {"role": "system", "content": "".join(_sentence() for _ in range(shared // _TOKENS))}
    tokens: list[Token] = []

    async def one(chat: int) -> None:
        turn = {"role": "user", "content": f"{_sentence()}Describe this pump for a garden in very many words."}
        async for _ in subject.stream([beginning, turn], answer, schema):
            tokens.append(Token(chat, time.monotonic() - started, _cpu(subject.pid)))  # noqa: PERF401  the time is the point

    started = time.monotonic()
    if warm:
        await one(-1)
        tokens.clear()
    before = await subject.computed()
    started = time.monotonic()
    await asyncio.gather(*map(one, range(chats)))
    after = await subject.computed()
    computed = after - before if before is not None and after is not None else None
    return _result(tokens, chats, computed)


def _result(tokens: Sequence[Token], chats: int, computed: int | None) -> Result:
    of = [[token for token in tokens if token.chat == chat] for chat in range(chats)]
    firsts = sorted(each[0].at for each in of if each)
    start = max((each[0] for each in of if each), key=lambda token: token.at)
    end = min((each[-1] for each in of if each), key=lambda token: token.at)
    inside = sum(start.at < token.at <= end.at for token in tokens)
    return Result(
        first=statistics.median(firsts),
        slowest=firsts[-1],
        all=len(tokens) / max(token.at for token in tokens),
        writing=inside / (end.at - start.at) if inside else 0.0,
        per_cpu=inside / max(end.cpu - start.cpu, 1 / _TICK) if inside else 0.0,
        computed=computed,
    )


def median(results: Sequence[Result]) -> Result:
    """Of each figure by itself."""
    computed = [result.computed for result in results if result.computed is not None]
    return Result(
        first=statistics.median(result.first for result in results),
        slowest=statistics.median(result.slowest for result in results),
        all=statistics.median(result.all for result in results),
        writing=statistics.median(result.writing for result in results),
        per_cpu=statistics.median(result.per_cpu for result in results),
        computed=int(statistics.median(computed)) if computed else None,
    )


@contextmanager
def subjects(model: Path, *, beside: bool = True) -> Iterator[list[Subject]]:
    """Our engine on each runtime that is installed here, and (`beside`) what llama-cpp-python has of its own."""
    with ExitStack() as stack:
        found: list[Subject] = []
        for runtime, module in MODULES.items():
            if importlib.util.find_spec(module) is None:
                print(f"{runtime} is not installed here and is left out", flush=True)
                continue
            url = stack.enter_context(engine(model, slots=SLOTS, queue=64, context=CONTEXT, threads=1, runtime=runtime))
            _settle(url)
            found.append(Http(f"ours on {runtime}", url, _listener(url), ours=True))
        if beside and importlib.util.find_spec("llama_cpp"):
            found.append(OwnLlama(model))
            if importlib.util.find_spec("sse_starlette") and importlib.util.find_spec("starlette_context"):
                url = stack.enter_context(_own_server(model))
                found.append(Http("its own server", url, _listener(url), ours=False))
            else:
                print("llama-cpp-python[server] is not installed here and is left out", flush=True)
        yield found


@contextmanager
def _own_server(model: Path) -> Iterator[str]:
    port = free_port()
    options = {"model": model, "host": "127.0.0.1", "port": port, "n_ctx": CONTEXT, "n_threads": 1,
               "n_threads_batch": 1, "verbose": False, "interrupt_requests": False}  # fmt: skip
    arguments = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "llama_cpp.server", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/v1/models")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _settle(url: str) -> None:
    """Waits for the generation with which our engine begins: its tokens are not the first chat's.

    Raises RuntimeError where it failed or does not end: then there is nothing to measure.
    """
    deadline = time.monotonic() + SETTLED
    while True:
        status = httpx.get(f"{url}/status", trust_env=False, timeout=60).json()
        counts = status["counts"]
        if counts["answered"] and not status["busy"]:
            return
        if counts["failed"] or time.monotonic() > deadline:
            raise RuntimeError(f"The engine's own first generation did not end: {status}")
        time.sleep(0.2)


def _sentence() -> str:
    return _SENTENCE.format(next(_FRESH))


def _cpu(pid: int) -> float:
    """Processor seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def _listener(url: str) -> int:
    """The child of this process that was started with the port of `url`, or else the newest one."""
    port = url.rsplit(":", 1)[1]
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    named = [pid for pid in children if port in Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")]
    return int((named or children)[-1])


HEAD = "                          chats kind  first p50      max   all tok/s  writing  per cpu s  prompt computed"


def line(subject: str, chats: int, kind: str, result: Result) -> str:
    computed = "" if result.computed is None else str(result.computed)
    return (
        f"{subject:25} {chats:5} {kind}  {result.first:9.2f} {result.slowest:8.2f} {result.all:11.1f} "
        f"{result.writing:8.1f} {result.per_cpu:10.1f} {computed:>16}"
    )


def load() -> str:
    return "load of the box " + ", ".join(f"{value:.1f}" for value in os.getloadavg())


async def run(found: Sequence[Subject], arguments: argparse.Namespace) -> None:
    print(HEAD)
    for chats in arguments.chats:
        for kind in ("cold", "warm"):
            rounds: dict[str, list[Result]] = {subject.name: [] for subject in found}
            for _ in range(arguments.rounds):  # one after another within a round: the box is the same for all
                for subject in found:
                    result = await measure(
                        subject, chats, warm=kind == "warm", answer=arguments.answer, shared=arguments.shared,
                        schema=arguments.schema,
                    )  # fmt: skip
                    rounds[subject.name].append(result)
            for name, results in rounds.items():
                print(line(name, chats, kind, median(results)), flush=True)
    print(load())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, nargs="?")
    parser.add_argument("--chats", type=int, nargs="+", default=[1, 4, 8, 16])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--shared", type=int, default=300)
    parser.add_argument("--answer", type=int, default=48)
    parser.add_argument("--schema", action="store_true")
    arguments = parser.parse_args()
    print(load())
    with subjects(arguments.model or cached("qwen2.5-coder-0.5b")) as found:
        asyncio.run(run(found, arguments))


if __name__ == "__main__":
    main()
