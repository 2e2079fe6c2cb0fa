"""The seam behind the engine: what a runtime does for it, and which runtimes there are."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from models.base import ModelError, Turn

RUNTIMES = ("xllamacpp", "llama-cpp-python")

# Prompt tokens computed at a time. A running chat gets its next token, and a cancelled one its end, once a batch:
# on a processor 32 are about a second of the 1.5B model, and cost 6 % against 512; a card wants larger ones.
BATCH_CPU, BATCH_GPU = 32, 512


class RuntimeMissing(ModelError):
    """The chosen runtime is not installed; install it, or choose another with APPLIANCE_ENGINE_RUNTIME."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A step of a generation: some text, or news of the prompt.

    `computed` tokens of the prompt have been decoded for this generation by now, `reused` were known before. Both are
    told as long as the prompt is read, and once more on the last piece.
    """

    text: str = ""
    tokens: tuple[int, ...] = ()
    computed: int = 0
    reused: int = 0
    finish: str = ""  # "stop" or "length" on the last piece


class Runtime(Protocol):
    """One loaded model with `slots` chats of `context` tokens each. Raises nothing but `ModelError`."""

    name: str  # of the runtime and its version: what it keeps on disk is for this one alone
    slots: int
    context: int
    shares: bool  # whether what one slot has computed serves every other slot without being computed again

    async def prompt(self, turns: Sequence[Turn]) -> list[int]:
        """The tokens of a chat that asks for an answer; no text in it can close a turn or open one."""
        ...

    async def shared(self, turns: Sequence[Turn]) -> list[int]:
        """The tokens with which every chat begins that continues `turns` by a user's turn."""
        ...

    def generate(
        self,
        tokens: Sequence[int],
        *,
        slot: int,
        limit: int,
        schema: Mapping[str, Any] | None = None,
        stop: Sequence[str] = (),
        options: Mapping[str, Any] | None = None,
    ) -> AsyncGenerator[Piece, None]:
        """Pieces as they are decoded; closing the generator frees the slot. With a `limit` of 0 it only reads."""
        ...

    async def idle(self, slot: int) -> None:
        """Returns when the slot has let go of a cancelled generation; `ModelUnavailable` if it never does."""
        ...

    async def save(self, slot: int, file: Path) -> None:
        """Writes what the slot has computed (its attention cache: 12 to 30 kB a token for small models)."""
        ...

    async def restore(self, slot: int, file: Path) -> None:
        """Reads it into any slot; `ModelError` where the file cannot be read."""
        ...

    async def close(self) -> None:
        """Ends every generation and frees the model."""
        ...


def load(
    name: str, path: Path, folder: Path, *, slots: int, context: int, threads: int, gpu_layers: int = -1
) -> Runtime:
    """Loads the model with the runtime of this name; blocks for a second a gigabyte or so.

    `RuntimeMissing` where its package is not installed, `ModelRejected` where it cannot use the file. `folder` belongs
    to this process alone. "auto" is xllamacpp: its wheel installs in seconds on every box, the other is compiled.
    """
    match name:
        case "auto" | "xllamacpp":
            from models.engine import served

            return served.load(path, folder, slots=slots, context=context, threads=threads, gpu_layers=gpu_layers)
        case "llama-cpp-python":
            from models.engine import batched

            return batched.load(path, slots=slots, context=context, threads=threads, gpu_layers=gpu_layers)
        case _:
            raise RuntimeMissing(f"There is no runtime {name!r}; choose one of {', '.join(('auto', *RUNTIMES))}.")
