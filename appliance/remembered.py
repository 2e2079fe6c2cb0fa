"""Vectors of texts that seldom change, kept on disk: a chat that restarts must not embed them anew."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from models.base import Embedder, Vectors


async def remembered(embedder: Embedder, texts: Sequence[str], *, folder: Path | None) -> Vectors:
    """float32 [len(texts), dimensions] of passages, from `folder` where the same texts were embedded before.

    A file that is damaged or cannot be written costs time and nothing else.
    """
    digest = hashlib.sha256("\0".join([embedder.name, *texts]).encode()).hexdigest()[:24]
    file = folder / f"{digest}.npy" if folder else None
    if file is not None:
        with suppress(OSError, ValueError, EOFError):
            vectors: Vectors = np.load(file)
            if vectors.shape == (len(texts), embedder.dimensions):
                return vectors
    vectors = await embedder.embed(texts, kind="passage")
    if file is not None:
        with suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            aside = file.with_suffix(f".{os.getpid()}.npy")
            np.save(aside, vectors)
            aside.replace(file)
    return vectors
