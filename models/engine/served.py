"""The runtime on xllamacpp: one GGUF model inside this process, on the llama.cpp server that its wheel carries.

That server decodes all its slots in one batch. It is reached through a socket in a private folder, so nobody else on
the box can speak to it; always by streams, because it notices a lost listener only while it writes: a stream that is
closed frees its slot within one batch, a plain request is generated to its end (measured: 0.1 s against 28 s).
"""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx

from models.base import ModelRejected, ModelUnavailable
from models.engine.prompts import Prompts
from models.engine.runtime import BATCH_CPU, BATCH_GPU, Piece
from models.sse import events

_SOCKET = "runtime.sock"
_SEPARATORS = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
_LETTING_GO = 60.0  # seconds in which a cancelled generation must end: it takes one batch
_SILENCE = 300.0  # seconds without a byte from the runtime before it counts as hung


class Served:
    """A `Runtime`. Made by `load`."""

    shares = False  # each slot of that server has a cache of its own

    def __init__(self, server: Any, folder: Path, *, slots: int, context: int) -> None:
        self.name = f"xllamacpp {version('xllamacpp')}"
        self.slots = slots
        self.context = context
        self._server = server
        self._folder = folder
        # A connection for each request: the runtime closes kept ones at a moment of its own, under a request's feet.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        transport = httpx.AsyncHTTPTransport(uds=str(folder / _SOCKET), limits=limits)
        self._http = httpx.AsyncClient(transport=transport, base_url="http://engine", timeout=_SILENCE)
        prompts = Prompts(template=self._template, tokenize=self._tokenize)
        self.prompt, self.shared = prompts.prompt, prompts.shared

    async def generate(
        self,
        tokens: Sequence[int],
        *,
        slot: int,
        limit: int,
        schema: Mapping[str, Any] | None = None,
        stop: Sequence[str] = (),
        options: Mapping[str, Any] | None = None,
    ) -> AsyncGenerator[Piece, None]:
        """Pieces as they are decoded; closing the generator frees the slot within one batch."""
        body: dict[str, Any] = {
            **(options or {}),
            "prompt": list(tokens),
            "id_slot": slot,
            "n_predict": limit,
            "stop": list(stop),
            "stream": True,
            "cache_prompt": True,
            "return_progress": True,
            "return_tokens": True,
        }
        if schema is not None:
            # Without this the model may fill its limit with blanks between two values.
            body["json_schema"] = {**schema, "x-guidance": _SEPARATORS}
        try:
            async with self._http.stream("POST", "/completion", json=body) as response:
                if response.status_code != 200:
                    raise _refusal(response.status_code, await response.aread())
                async with aclosing(events(response.aiter_bytes())) as found:
                    async for event in found:
                        yield _piece(event)
        except httpx.TransportError as error:
            raise ModelUnavailable("The model's runtime broke off; the engine has to be started again.") from error

    async def idle(self, slot: int) -> None:
        """Returns when the slot has let go of a cancelled generation; `ModelUnavailable` if it never does."""
        deadline = time.monotonic() + _LETTING_GO
        while time.monotonic() < deadline:
            state = await self._call("GET", "/slots")
            if not state[slot]["is_processing"]:
                return
            await asyncio.sleep(0.01)
        raise ModelUnavailable("The model's runtime hangs; the engine has to be started again.")

    async def save(self, slot: int, file: Path) -> None:
        await self._call("POST", f"/slots/{slot}?action=save", {"filename": self._linked(file)})

    async def restore(self, slot: int, file: Path) -> None:
        """See `Runtime`: 3 ms for 600 tokens, where computing them takes seconds."""
        await self._call("POST", f"/slots/{slot}?action=restore", {"filename": self._linked(file)})

    async def close(self) -> None:
        await self._http.aclose()
        self._server = None  # its destructor ends the decoding threads

    def _linked(self, file: Path) -> str:
        """The runtime takes bare names inside one folder only, so the file is linked there."""
        link = self._folder / file.name
        if not link.is_symlink():
            link.symlink_to(file.absolute())
        return file.name

    async def _template(self, messages: Sequence[Mapping[str, str]]) -> str:
        # Models that can think aloud are told not to: a customer waits, and two cores are slow.
        body = {"messages": list(messages), "chat_template_kwargs": {"enable_thinking": False}}
        return str((await self._call("POST", "/apply-template", body))["prompt"])

    async def _tokenize(self, text: str, *, control: bool, first: bool) -> list[int]:
        body = {"content": text, "add_special": first, "parse_special": control}
        return list((await self._call("POST", "/tokenize", body))["tokens"])

    async def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        try:
            response = await self._http.request(method, path, json=body)
        except httpx.TransportError as error:
            raise ModelUnavailable(
                "The model's runtime does not answer; the engine has to be started again."
            ) from error
        if response.status_code != 200:
            raise _refusal(response.status_code, response.content)
        return response.json()


def load(path: Path, folder: Path, *, slots: int, context: int, threads: int, gpu_layers: int = -1) -> Served:
    """See `runtime.load`; the socket stands in `folder`."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_parallel, params.n_ctx = slots, slots * context
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.n_batch = params.n_ubatch = BATCH_GPU if _has_gpu(xllamacpp) and gpu_layers else BATCH_CPU
    params.n_gpu_layers = gpu_layers
    params.swa_full = True  # else a model with a sliding window (Gemma 3) cannot continue a restored prefix
    params.cache_ram_mib = 0  # slots are saved and restored by us
    params.hostnames = [str(folder / _SOCKET)]
    params.slot_save_path = f"{folder}/"
    params.endpoint_slots = True
    params.n_threads_http = slots + 8
    params.ui = False
    params.verbosity = 1  # errors
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        server = xllamacpp.Server(params)
    except RuntimeError as error:
        raise ModelRejected(
            f"{path.name} cannot be loaded: it is broken, or of a kind that this runtime does not know. "
            "`appliance models check NAME` tells which."
        ) from error
    finally:
        for number, handler in kept.items():  # the runtime takes the signals for itself
            signal.signal(number, handler)
    return Served(server, folder, slots=slots, context=context)


def _piece(event: Mapping[str, Any]) -> Piece:
    if "error" in event:
        raise _refusal(int(event["error"].get("code", 500)), json.dumps(event).encode())
    if (progress := event.get("prompt_progress")) is not None:
        return Piece(computed=progress["processed"] - progress["cache"], reused=progress["cache"])
    if not event.get("stop"):
        return Piece(text=event["content"], tokens=tuple(event.get("tokens", ())))
    timings = event["timings"]
    return Piece(
        text=event["content"],
        tokens=tuple(event.get("tokens", ())),
        computed=timings["prompt_n"],
        reused=timings["cache_n"],
        finish="length" if event["stop_type"] == "limit" else "stop",
    )


def _refusal(status: int, body: bytes) -> ModelRejected | ModelUnavailable:
    try:
        message = str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        message = body[:200].decode(errors="replace")
    if 400 <= status < 500:
        return ModelRejected(f"The model's runtime refused the request: {message}")
    if "template" in message.lower() or "schema" in message.lower() or "grammar" in message.lower():
        return ModelRejected(f"The model cannot take this request: {message}")
    return ModelUnavailable(f"The model's runtime failed: {message}")


def _has_gpu(xllamacpp: Any) -> bool:
    kinds = xllamacpp.ggml_backend_dev_type
    return any(device["type"] == kinds.GGML_BACKEND_DEVICE_TYPE_GPU for device in xllamacpp.get_device_info())
