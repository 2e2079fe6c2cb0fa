"""Runs any sentence-transformers model from a folder or a hub: the extra that brings torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from models.base import ModelMissing, Vectors
from models.encoders import Kind, in_chunks, plain, prefixes, slug

CHUNK = 32  # texts; a query waits for the chunk before it, a second on an idle core


class SentenceEmbedder:
    """The Embedder port on `model`: a folder in sentence-transformers' layout, or a name that the library can find.

    What is put before queries and passages comes from the model's own configuration, else from what is known of its
    family (`models.encoders.prefixes`). `threads` are torch's, for the whole process. A folder's name in catalogues
    holds a digest of its configuration and its files' sizes, so that two models never pass for one.
    """

    def __init__(self, model: str, *, device: str = "cpu", threads: int = 1) -> None:
        if not model:
            raise ModelMissing(
                "Say which sentence-transformers model embeds: set APPLIANCE_EMBEDDER_MODEL to its folder."
            )
        self._path, self._device, self._threads = model, device, threads
        self.name = f"sentence-{slug(Path(model).name)}{_digest(Path(model))}"
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sentence")
        self._model: Any = None
        self._prompts: dict[str, str] = {}

    @property
    def dimensions(self) -> int:
        """Told by the folder's configuration where it does, else by the loaded model."""
        told = _dimensions(Path(self._path))
        return told or int(self._loaded().get_embedding_dimension())

    async def embed(self, texts: Sequence[str], *, kind: Kind) -> Vectors:
        """float32 [len(texts), dimensions], each row L2-normalised."""
        return await in_chunks(self._worker, self.encode, texts, kind=kind, size=CHUNK, dimensions=self.dimensions)

    def encode(self, texts: Sequence[str], *, kind: Kind) -> Vectors:
        """The same without a loop, for builds and benchmarks; not to be called from two threads at once."""
        model = self._loaded()
        given = [self._prompts[kind] + plain(text) for text in texts]
        vectors = model.encode(given, batch_size=CHUNK, normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(vectors, dtype=np.float32).reshape(len(texts), -1)

    def _loaded(self) -> Any:
        if self._model is None:
            self._model = _load(self._path, self._device, self._threads)
            self._prompts = _prompts(self._model, self._path)
        return self._model


def _load(path: str, device: str, threads: int) -> Any:
    try:
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging
    except ImportError as error:
        raise ModelMissing(
            "sentence-transformers is not installed; install torch for this box first, then "
            "`pip install 'counterman[sentence-transformers]'` (docs/models.md)."
        ) from error
    torch.set_num_threads(threads)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        model = SentenceTransformer(path, device=device, local_files_only=Path(path).is_dir())
        return model.float() if device == "cpu" else model  # weights kept in half precision are slow on a processor
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelMissing(
            f"{path} is no sentence-transformers model that can be loaded ({type(error).__name__}: "
            f"{str(error)[:200]}); name a folder with its modules.json, config.json and weights."
        ) from error


def _prompts(model: Any, path: str) -> dict[str, str]:
    """Before a query, before a passage: as the model's folder says, or its family wants it."""
    own = {key: text for key, text in (model.prompts or {}).items() if text}
    query, passage = prefixes(Path(path).name)
    return {"query": own.get("query", query), "passage": own.get("passage", own.get("document", passage))}


def _dimensions(folder: Path) -> int:
    """Of the last module that says; 0 where the folder keeps it to itself."""
    for module in reversed(_json(folder / "modules.json") or []):
        about = _json(folder / module.get("path", "") / "config.json") or {}
        for key in ("out_features", "word_embedding_dimension", "hidden_size"):
            if isinstance(about.get(key), int):
                return int(about[key])
    return 0


def _digest(folder: Path) -> str:
    """`-` and eight digits for a folder; nothing for a name."""
    if not folder.is_dir():
        return ""
    digest = hashlib.sha256()
    for file in sorted(file for file in folder.rglob("*") if file.is_file()):
        digest.update(f"{file.relative_to(folder)} {file.stat().st_size}".encode())
        if file.suffix == ".json" and file.stat().st_size < 1 << 20:
            digest.update(file.read_bytes())
    return f"-{digest.hexdigest()[:8]}"


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
