"""Embeddings from Ollama, through its official client."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import httpx
import ollama

from models.base import ModelRejected, ModelUnavailable, Vectors
from models.encoders import BATCH, Kind, normalised, plain, prefixes, slug
from models.ollama import DEFAULT_URL, translated


class OllamaEmbedder:
    """The Embedder port on an Ollama server. Never retries: the caller decides what to do.

    The model stays in memory, as with `OllamaChat`. `dimensions` are asked of the server once, where they are not
    given. `patience` is in seconds for one batch; the first may have to load the model.
    """

    def __init__(
        self, model: str, base_url: str = "", *, api_key: str = "", dimensions: int = 0, patience: float = 60.0
    ) -> None:
        if not model:
            raise ModelRejected("Say which of Ollama's models embeds: set APPLIANCE_EMBEDDER_MODEL.")
        self.name = f"ollama-{slug(model.removesuffix(':latest'))}"
        self._model, self._dimensions, self._patience = model, dimensions, patience
        self._query, self._passage = prefixes(model)
        self._url = base_url.rstrip("/") or DEFAULT_URL
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}

    @property
    def dimensions(self) -> int:
        if not self._dimensions:
            client = ollama.Client(self._url, headers=self._headers, timeout=self._timeout(), trust_env=False)
            with client, translated(self._model):
                found = client.embed(self._model, ["a"], keep_alive=-1).embeddings
            self._dimensions = len(found[0])
        return self._dimensions

    async def embed(self, texts: Sequence[str], *, kind: Kind) -> Vectors:
        """float32 [len(texts), dimensions], each row L2-normalised."""
        if not texts:
            return normalised([], self.dimensions)
        prefix = self._query if kind == "query" else self._passage
        rows: list[Sequence[float]] = []
        client = ollama.AsyncClient(self._url, headers=self._headers, timeout=self._timeout(), trust_env=False)
        async with client:
            for at in range(0, len(texts), BATCH):
                given = [prefix + plain(text) for text in texts[at : at + BATCH]]
                rows.extend(await self._ask(client, given))
        vectors = normalised(rows, self._dimensions)
        self._dimensions = vectors.shape[1]
        return vectors

    async def _ask(self, client: ollama.AsyncClient, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        try:
            with translated(self._model):
                async with asyncio.timeout(self._patience):
                    found = (await client.embed(self._model, texts, keep_alive=-1)).embeddings
        except TimeoutError as error:
            raise ModelUnavailable(f"Ollama has been silent for {self._patience:.0f} seconds.") from error
        if len(found) != len(texts):
            raise ModelUnavailable(f"Ollama gave {len(found)} embeddings for {len(texts)} texts.")
        return found

    def _timeout(self) -> httpx.Timeout:
        return httpx.Timeout(self._patience, connect=2.0)
