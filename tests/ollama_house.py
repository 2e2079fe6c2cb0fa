"""A double of Ollama's server over real HTTP, written from its documented API; it misbehaves on request.

It holds no model: it says the last message again word by word, or the smallest document that obeys the schema.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from models.documents import example

WORDS = 3  # characters of a piece, at least


@dataclass
class Ollama:
    """The server's state, and its faults."""

    url: str = ""
    models: dict[str, int] = field(default_factory=lambda: {"qwen3:4b": 2_500_000_000, "nomic-embed-text:latest": 274})
    library: dict[str, int] = field(default_factory=lambda: {"qwen3:8b": 400_000})
    loaded: set[str] = field(default_factory=set)
    on_cards: float = 0.0  # share of a loaded model that lies on graphics cards
    parallel: int = 4
    pause: float = 0.001  # seconds a piece
    loading: float = 0.0  # seconds to load a model
    running: int = 0
    asked: list[dict[str, Any]] = field(default_factory=list)
    # faults
    hangs: bool = False  # takes the request and never answers
    stalls: bool = False  # says one piece and no more
    breaks: bool = False  # ends the connection after one piece
    fails: str = ""  # an error sent in mid-stream
    status: int = 0  # answered instead of everything
    cut: list[int] = field(default_factory=list)  # bytes after which each next pull fails
    kept: dict[str, int] = field(default_factory=dict)  # bytes that a cut pull left


class _Api:
    """The documented calls, one method each."""

    def __init__(self, house: Ollama) -> None:
        self.house, self.seats = house, asyncio.Semaphore(house.parallel)

    async def version(self, _: Request) -> Response:
        return JSONResponse({"version": "0.40.12"})

    async def tags(self, _: Request) -> Response:
        models = [
            {"name": name, "model": name, "size": size, "digest": _digest(name)}
            for name, size in self.house.models.items()
        ]
        return JSONResponse({"models": models})

    async def ps(self, _: Request) -> Response:
        if self.house.hangs:
            await asyncio.sleep(3600)
        models = [
            {"name": name, "model": name, "size": self.house.models[name], "digest": _digest(name),
             "size_vram": int(self.house.models[name] * self.house.on_cards), "context_length": 4096}
            for name in self.house.loaded
        ]  # fmt: skip
        return JSONResponse({"models": models})

    async def chat(self, request: Request) -> Response:
        asked = await request.json()
        self.house.asked.append(asked)
        if self.house.status:
            return JSONResponse(
                {"error": "server busy, please try again.  maximum pending requests exceeded"}, self.house.status
            )
        name = _full(asked["model"])
        if name not in self.house.models:
            return JSONResponse({"error": f"model '{asked['model']}' not found"}, 404)
        if self.house.hangs:
            await asyncio.sleep(3600)
        if not asked.get("messages"):
            await self.load(name)
            return JSONResponse({"model": name, "message": {"role": "assistant", "content": ""},
                                 "done_reason": "load", "done": True})  # fmt: skip
        return StreamingResponse(self._lines(name, asked), media_type="application/x-ndjson")

    async def load(self, name: str) -> float:
        if name in self.house.loaded:
            return 0.0
        await asyncio.sleep(self.house.loading)
        self.house.loaded.add(name)
        return self.house.loading

    async def _lines(self, name: str, asked: dict[str, Any]) -> AsyncIterator[bytes]:
        options = asked.get("options", {})
        text = _answer(asked)
        ends = [at for word in options.get("stop", ()) if (at := text.find(word)) >= 0]
        pieces = _pieces(text[: min(ends)] if ends else text)
        limit = options.get("num_predict", 128)
        self.house.running += 1
        try:
            async with self.seats:
                loading = await self.load(name)
                for number, piece in enumerate(pieces[:limit]):
                    await asyncio.sleep(self.house.pause)
                    yield _line(model=name, message={"role": "assistant", "content": piece}, done=False)
                    if number == 0 and self.house.stalls:
                        await asyncio.sleep(3600)
                    if number == 0 and self.house.fails:
                        yield _line(error=self.house.fails)
                        return
                    if number == 0 and self.house.breaks:
                        return
            count = min(len(pieces), limit)
            yield _line(
                model=name, message={"role": "assistant", "content": ""}, done=True,
                done_reason="length" if len(pieces) > limit else "stop",
                total_duration=int((loading + count * self.house.pause) * 1e9), load_duration=int(loading * 1e9),
                prompt_eval_count=sum(len(turn["content"]) for turn in asked["messages"]) // 4,
                prompt_eval_duration=10_000_000, eval_count=count,
                eval_duration=int(count * self.house.pause * 1e9) or 1,
            )  # fmt: skip
        finally:
            self.house.running -= 1

    async def embed(self, request: Request) -> Response:
        asked = await request.json()
        self.house.asked.append(asked)
        if self.house.status:
            return JSONResponse({"error": "server busy"}, self.house.status)
        name = _full(asked["model"])
        if name not in self.house.models:
            return JSONResponse({"error": f"model '{asked['model']}' not found"}, 404)
        texts = [asked["input"]] if isinstance(asked["input"], str) else asked["input"]
        return JSONResponse({"model": name, "embeddings": [vector(text).tolist() for text in texts]})

    async def pull(self, request: Request) -> Response:
        name = _full((await request.json())["model"])
        if name not in self.house.library:
            return StreamingResponse(iter([_line(status="pulling manifest"),
                                           _line(error="pull model manifest: file does not exist")]))  # fmt: skip
        return StreamingResponse(self._pulled(name), media_type="application/x-ndjson")

    async def _pulled(self, name: str) -> AsyncIterator[bytes]:
        size, digest = self.house.library[name], f"sha256:{_digest(name)}"
        done = self.house.kept.get(name, 0)
        stop = self.house.cut.pop(0) if self.house.cut else size
        yield _line(status="pulling manifest")
        while done < size:
            done = min(size, done + 100_000)
            yield _line(status=f"pulling {digest[7:19]}", digest=digest, total=size, completed=done)
            if done >= stop and done < size:
                self.house.kept = {name: done}
                yield _line(error="max retries exceeded: unexpected EOF")
                return
            await asyncio.sleep(self.house.pause)
        for status in ("verifying sha256 digest", "writing manifest", "success"):
            yield _line(status=status)
        self.house.models[name] = size

    async def delete(self, request: Request) -> Response:
        name = _full((await request.json())["model"])
        if self.house.models.pop(name, None) is None:
            return JSONResponse({"error": f"model '{name}' not found"}, 404)
        self.house.loaded.discard(name)
        return Response(status_code=200)

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/api/version", self.version),
                Route("/api/tags", self.tags),
                Route("/api/ps", self.ps),
                Route("/api/chat", self.chat, methods=["POST"]),
                Route("/api/embed", self.embed, methods=["POST"]),
                Route("/api/pull", self.pull, methods=["POST"]),
                Route("/api/delete", self.delete, methods=["DELETE"]),
            ]
        )


def vector(text: str, dimensions: int = 256) -> Any:
    """Words hashed into a space: texts with words in common are near. Not normalised, as some models' are not."""
    found = np.full(dimensions, 1e-3)
    for word in text.lower().split():
        found[int.from_bytes(hashlib.sha256(word[:5].encode(errors="replace")).digest()[:4], "big") % dimensions] += 1.0
    return 3.0 * found


@contextmanager
def ollama_house(**state: Any) -> Iterator[Ollama]:
    house = Ollama(**state)
    config = uvicorn.Config(_Api(house).app(), host="127.0.0.1", port=0, log_level="error", lifespan="off", ws="none",
                            timeout_graceful_shutdown=1)  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError("the double of Ollama did not start")
        threading.Event().wait(0.01)
    house.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield house
    finally:
        server.should_exit = True
        thread.join(10)


def _answer(asked: dict[str, Any]) -> str:
    if isinstance(asked.get("format"), dict):
        return json.dumps(example(asked["format"]), ensure_ascii=False)
    return str(asked["messages"][-1]["content"])


def _pieces(text: str) -> list[str]:
    """A word with the space after it; a long one in parts, as tokenizers cut them."""
    pieces: list[str] = []
    for character in text:
        if pieces and len(pieces[-1]) < WORDS + 2 and not pieces[-1].endswith(" "):
            pieces[-1] += character
        else:
            pieces.append(character)
    return pieces


def _line(**values: Any) -> bytes:
    return json.dumps(values, ensure_ascii=False).encode() + b"\n"


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _full(name: str) -> str:
    return name if ":" in name else f"{name}:latest"
