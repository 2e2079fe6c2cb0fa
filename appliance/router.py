"""Finds out what a message is about: embeds it beside the examples that ship and those that managers taught."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from appliance.core import language, routing
from appliance.core.routing import Decision, Evidence, Example, Phrases, Prototypes
from appliance.core.types import Message
from appliance.remembered import remembered
from models.base import Embedder, Vectors

Know = Callable[[], Awaitable[Evidence | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """Where a message goes, with its vector (float32 [dimensions]); `embedding` are the milliseconds that it took."""

    decision: Decision
    embedding: float = 0.0
    vector: Vectors | None = None


class Router:
    """Routes messages. What managers teach counts from the next message on; the head is fitted aside meanwhile."""

    def __init__(
        self, *, embedder: Embedder | None, taught: Callable[[], tuple[Example, ...]] = tuple,
        vectors: Path | None = None,
    ) -> None:  # fmt: skip
        """`taught` gives the managers' phrases as they are now; `vectors` is a folder for what was embedded once."""
        self._embedder, self._taught, self._vectors = embedder, taught, vectors
        self._prototypes: Prototypes | None = None
        self._made_of: tuple[Example, ...] = ()
        self._known: dict[str, Vectors] = {}  # vectors of managers' phrases, so that one more costs one more
        self._loading = asyncio.Lock()
        self._phrases, self._phrases_of = Phrases(()), tuple[Example, ...]()

    def said(self, text: str) -> Example | None:
        """The managers' phrase that this message is, word for word."""
        taught = self._taught()
        if taught is not self._phrases_of:
            self._phrases, self._phrases_of = Phrases(taught), taught
        return self._phrases.said(text)

    async def route(self, text: str, *, lang: str, history: Sequence[Message] = (), know: Know | None = None) -> Routed:
        """Raises `ModelError` where the embedder does. `know` tells what the catalogue makes of the message."""
        prototypes, vector = await self.prototypes(), None
        began = time.perf_counter()
        if self._embedder is not None:
            vector = (await self._embedder.embed([language.readable(text, lang)], kind="query"))[0]
        took = round(1000 * (time.perf_counter() - began), 1)
        decision = routing.route(
            text, lang=lang, history=history, vector=vector, prototypes=prototypes,
            evidence=await know() if know else None,
        )  # fmt: skip
        return Routed(decision=decision, embedding=took, vector=vector)

    async def nearest(self, routed: Routed) -> Sequence[tuple[Example, float]]:
        """The examples nearest to a message, by their cosine: what a person is shown as the reason."""
        prototypes = await self.prototypes()
        return prototypes.nearest(routed.vector) if prototypes is not None and routed.vector is not None else ()

    async def prototypes(self) -> Prototypes | None:
        """Made of the examples at the first question, and anew when managers have taught something."""
        if self._embedder is None:
            return None
        async with self._loading:
            taught = self._taught()
            if self._prototypes is None or taught != self._made_of:
                self._prototypes = await self._made(self._embedder, taught)
                self._made_of = taught
            return self._prototypes

    async def _made(self, embedder: Embedder, taught: tuple[Example, ...]) -> Prototypes:
        shipped = routing.examples()
        vectors = await remembered(embedder, [example.text for example in shipped], folder=self._vectors)
        if new := [example.text for example in taught if example.text not in self._known]:
            readable = [language.readable(text, language.detect(text)) for text in new]
            self._known |= dict(zip(new, await embedder.embed(readable, kind="passage"), strict=True))
        self._known = {example.text: self._known[example.text] for example in taught}
        every = np.vstack([vectors, *self._known.values()]) if taught else vectors
        return await asyncio.to_thread(Prototypes.build, (*shipped, *taught), every)
