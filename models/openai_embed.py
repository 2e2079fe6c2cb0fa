"""Embeddings from any server that speaks OpenAI's API: vLLM, llama-server, LM Studio, text-embeddings-inference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx
import numpy as np

from models.base import ModelError, ModelRejected, ModelUnavailable, Vectors
from models.encoders import BATCH, Kind, normalised, plain, prefixes, slug


class OpenAIEmbedder:
    """The Embedder port on `base_url` (with or without its `/v1`). Never retries: the caller decides what to do.

    `dimensions` are asked of the server once, where they are not given. `patience` is in seconds for one batch.
    """

    def __init__(
        self, model: str, base_url: str, *, api_key: str = "", dimensions: int = 0, patience: float = 60.0
    ) -> None:
        if not model or not base_url:
            raise ModelRejected("Say who embeds: set APPLIANCE_EMBEDDER_URL and APPLIANCE_EMBEDDER_MODEL.")
        self.name = f"openai-{slug(model)}"
        self._model, self._dimensions = model, dimensions
        self._query, self._passage = prefixes(model)
        self._url = f"{base_url.rstrip('/').removesuffix('/v1')}/v1/embeddings"
        self._options: dict[str, Any] = {
            "headers": {"Authorization": f"Bearer {api_key}"} if api_key else {},
            "timeout": httpx.Timeout(patience, connect=2.0),
            "trust_env": False,  # on this box or in its network, never behind the proxy for downloads
        }

    @property
    def dimensions(self) -> int:
        if not self._dimensions:
            with httpx.Client(**self._options) as http:
                try:
                    response = http.post(self._url, json=self._body(["a"]))
                except httpx.HTTPError as error:
                    raise self._unreachable(error) from error
            self._read(response, 1)
        return self._dimensions

    async def embed(self, texts: Sequence[str], *, kind: Kind) -> Vectors:
        """float32 [len(texts), dimensions], each row L2-normalised."""
        if not texts:
            return normalised([], self.dimensions)
        prefix = self._query if kind == "query" else self._passage
        parts: list[Vectors] = []
        async with httpx.AsyncClient(**self._options) as http:
            for at in range(0, len(texts), BATCH):
                given = [prefix + plain(text) for text in texts[at : at + BATCH]]
                try:
                    response = await http.post(self._url, json=self._body(given))
                except httpx.HTTPError as error:
                    raise self._unreachable(error) from error
                parts.append(self._read(response, len(given)))
        return np.concatenate(parts)

    def _body(self, texts: Sequence[str]) -> dict[str, Any]:
        return {"model": self._model, "input": list(texts), "encoding_format": "float"}

    def _read(self, response: httpx.Response, count: int) -> Vectors:
        """The rows in the order of the texts, which servers may answer in another."""
        if response.status_code != 200:
            raise _error(response)
        try:
            data = sorted(response.json()["data"], key=lambda row: row["index"])
            rows = [row["embedding"] for row in data]
        except (ValueError, KeyError, TypeError) as error:
            raise ModelUnavailable(f"{self._url} answers with something that are no embeddings.") from error
        if len(rows) != count:
            raise ModelUnavailable(f"{self._url} gave {len(rows)} embeddings for {count} texts.")
        vectors = normalised(rows, self._dimensions)
        self._dimensions = vectors.shape[1]
        return vectors

    def _unreachable(self, error: httpx.HTTPError) -> ModelUnavailable:
        return ModelUnavailable(f"The embedding server at {self._url} cannot be reached: {type(error).__name__}.")


def _error(response: httpx.Response) -> ModelError:
    message = f"The embedding server answered with status {response.status_code}: {response.text[:200]}"
    refused = 400 <= response.status_code < 500 and response.status_code != 429
    return ModelRejected(message) if refused else ModelUnavailable(message)
