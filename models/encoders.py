"""What the embedders that run in this process share: one thread of their own, fed chunk by chunk with safe text."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Literal, TypeAlias

import numpy as np

from models.base import Vectors

LONGEST = 600  # characters; the cost grows with the length, and a product's gist stands at its beginning
Kind: TypeAlias = Literal["query", "passage"]


async def in_chunks(
    worker: Executor, encode: Callable[..., Vectors], texts: Sequence[str], *, kind: Kind, size: int, dimensions: int
) -> Vectors:
    """`encode(texts, kind=kind)` of all texts, float32 [len(texts), dimensions].

    Chunks of `size` go to the worker one after another, so a customer's query waits for one of them and not for a
    whole catalogue.
    """
    loop = asyncio.get_running_loop()
    chunks = [partial(encode, texts[at : at + size], kind=kind) for at in range(0, len(texts), size)]
    parts = [await loop.run_in_executor(worker, chunk) for chunk in chunks]
    return np.concatenate([np.empty((0, dimensions), dtype=np.float32), *parts])


def plain(text: str) -> str:
    """The beginning of a text, as UTF-8 can hold it: no NUL, no lone surrogate, and never empty."""
    return text[:LONGEST].replace("\0", " ").encode(errors="replace").decode() or " "
