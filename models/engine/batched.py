"""The runtime on llama-cpp-python: our scheduler over its low-level functions, several chats in one batch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from models.base import ModelError, ModelRejected, Turn
from models.engine import grammar
from models.engine.llama import Decoder, library
from models.engine.prompts import Prompts
from models.engine.runtime import BATCH_CPU, BATCH_GPU, Piece
from models.engine.sampling import Manner, Sampler
from models.engine.scheduler import Chat, Scheduler
from models.engine.writing import Writing


class Batched:
    """A `Runtime`. Made by `load`."""

    def __init__(self, decoder: Decoder, *, slots: int, context: int, chunk: int) -> None:
        self.name = f"llama-cpp-python {version('llama-cpp-python')}"
        self.slots = slots
        self.context = context
        self.shares = decoder.divisible
        self._decoder = decoder
        self._format = _formatter(decoder)
        self._prompts = Prompts(template=self._template, tokenize=self._tokenize)
        self._scheduler = Scheduler(decoder, slots=slots, chunk=chunk)

    async def prompt(self, turns: Sequence[Turn]) -> list[int]:
        return await self._prompts.prompt(turns)

    async def shared(self, turns: Sequence[Turn]) -> list[int]:
        return await self._prompts.shared(turns)

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
        """Pieces as they are decoded; a generator that is closed computes nothing after the present batch."""
        manner = Manner.of(options or {})
        rule = None if schema is None else self._decoder.grammar(grammar.rules(schema))
        loop = asyncio.get_running_loop()
        told: asyncio.Queue[Piece | ModelError] = asyncio.Queue()
        chat = Chat(
            slot=slot,
            prompt=list(tokens),
            limit=limit,
            sampler=Sampler(manner, rule=rule, endings=self._decoder.endings),
            writing=Writing(stop),
            say=lambda piece: _tell(loop, told, piece),
            grammar=rule,
        )
        self._scheduler.add(chat)
        try:
            while True:
                piece = await told.get()
                if isinstance(piece, ModelError):
                    raise piece
                yield piece
                if piece.finish:
                    return
        finally:
            self._scheduler.drop(chat)

    async def idle(self, slot: int) -> None:
        """At once: what is asked of the slot next comes after the batch that is being decoded."""

    async def save(self, slot: int, file: Path) -> None:
        def work(held: list[list[int]]) -> None:
            self._decoder.save(slot, held[slot], file)

        await asyncio.wrap_future(self._scheduler.call(work))

    async def restore(self, slot: int, file: Path) -> None:
        def work(held: list[list[int]]) -> None:
            held[slot].clear()
            self._decoder.cut(slot, 0)
            try:
                held[slot] += self._decoder.restore(slot, file)
            except ModelError:
                self._decoder.cut(slot, 0)
                raise

        await asyncio.wrap_future(self._scheduler.call(work))

    async def close(self) -> None:
        await asyncio.to_thread(self._scheduler.close)
        self._decoder.close()

    async def _template(self, messages: Sequence[Mapping[str, str]]) -> str:
        try:
            # Models that can think aloud are told not to: a customer waits, and two cores are slow.
            return str(self._format(messages=list(messages), enable_thinking=False).prompt)
        except Exception as error:
            raise ModelRejected(f"The model's chat template cannot take this chat: {error}") from error

    async def _tokenize(self, text: str, *, control: bool, first: bool) -> list[int]:
        return self._decoder.tokenize(text, control=control, first=first)


def load(path: Path, *, slots: int, context: int, threads: int, gpu_layers: int = -1) -> Batched:
    """See `runtime.load`."""
    chunk = BATCH_GPU if library().llama_supports_gpu_offload() and gpu_layers else BATCH_CPU
    decoder = Decoder(
        path, sequences=slots, context=context, batch=chunk + slots, threads=threads, gpu_layers=gpu_layers
    )
    try:
        return Batched(decoder, slots=slots, context=context, chunk=chunk)
    except BaseException:
        decoder.close()
        raise


def _formatter(decoder: Decoder) -> Any:
    formats = import_module("llama_cpp.llama_chat_format")
    try:
        return formats.Jinja2ChatFormatter(decoder.template, eos_token=decoder.closing, bos_token=decoder.opening)
    except Exception as error:
        raise ModelRejected(f"The model's chat template cannot be read: {error}") from error


def _tell(loop: asyncio.AbstractEventLoop, told: asyncio.Queue[Piece | ModelError], piece: Piece | ModelError) -> None:
    if not loop.is_closed():  # the engine may be ending
        loop.call_soon_threadsafe(told.put_nowait, piece)
