"""A language model served by Ollama, through its official client: guarded against its hangs, cold starts and lapses."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx
import ollama

from models.base import ModelBusy, ModelError, ModelMissing, ModelRejected, ModelUnavailable, Outlook, Turn
from models.documents import check, check_schema
from models.fetch import Report, Step
from models.pace import Pace, Running

DEFAULT_URL = "http://127.0.0.1:11434"
CONTEXT = 4096  # tokens; told with every request, because what Ollama takes by itself differs from box to box
MOST = 16  # requests in flight from this process: Ollama's own limit does not hold for a loaded model (ollama#7758)
COLD = 50.0  # seconds until the first token when the model must be loaded, before it was measured (ollama#10281)
SLOWEST = 3.0  # tokens a second below which an answer takes longer than anybody waits
SLOWED = 0.25  # of the best speed seen: a model that slipped from the card to the processor is below it
FRESH = 60.0  # seconds for which a generation proves that the model lives
_LOOK = 2.0  # seconds for which the list of loaded models is believed
_SURELY = 8  # characters a token at the very most: a text longer than that many times the context cannot fit
_SILENCE = 120.0  # seconds without a word in the middle of a download


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A model in Ollama's memory: bytes in all, and how many of them on graphics cards."""

    name: str
    size: int
    on_cards: int

    @property
    def share(self) -> float:
        """Of the model that lies on graphics cards, 0 to 1."""
        return self.on_cards / self.size if self.size else 0.0


class OllamaServer:
    """What the server has and does, apart from answering. Raises only `ModelError`; hangs end in `ModelUnavailable`."""

    def __init__(self, base_url: str = DEFAULT_URL, *, api_key: str = "", connect: float = 2.0) -> None:
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        timeout = httpx.Timeout(10.0, connect=connect, read=_SILENCE)
        self.url = base_url.rstrip("/")
        self.client = ollama.AsyncClient(self.url, headers=headers, timeout=timeout, trust_env=False)

    async def models(self) -> dict[str, int]:
        """Models on its disk and their sizes in bytes."""
        async with _patient(10.0):
            with translated(""):
                found = (await self.client.list()).models
        return {model.model: int(model.size or 0) for model in found if model.model}

    async def loaded(self) -> list[Loaded]:
        """Models in its memory (`/api/ps`)."""
        async with _patient(3.0):
            with translated(""):
                found = (await self.client.ps()).models
        return [
            Loaded(name=model.model or model.name or "", size=int(model.size or 0), on_cards=int(model.size_vram or 0))
            for model in found
        ]

    async def pull(self, name: str, report: Report) -> None:
        """Brings a model to the server, which continues by itself what was cut; safe to call again."""
        totals: dict[str, int] = {}
        done: dict[str, int] = {}
        with translated(name):
            async with _patient(_SILENCE):
                progress = await self.client.pull(name, stream=True)
            async for step in _each(progress, _SILENCE):
                if step.digest and step.total:
                    totals[step.digest] = step.total
                    done[step.digest] = step.completed or 0
                    report(Step(what="ollama", done=sum(done.values()), total=sum(totals.values())))

    async def delete(self, name: str) -> None:
        async with _patient(30.0):
            with translated(name):
                await self.client.delete(name)

    async def close(self) -> None:
        await self.client.close()  # type: ignore[no-untyped-call]


class OllamaChat:
    """The LLM port on an Ollama server. Never retries: the caller decides what to do instead.

    `connect`, `first_token` and `between` are the longest waits in seconds, as with `OpenAIChat`. The model stays in
    memory (`keep_alive`, -1 for ever), because a cold start takes the better part of a minute; while it is away, `wait`
    says so and has it loaded. `expects_card`: a model on the processor is a reason for alarm; None: it is one once the
    model has been seen on a card.
    """

    def __init__(
        self,
        base_url: str = DEFAULT_URL,
        model: str = "",
        *,
        api_key: str = "",
        temperature: float = 0.0,
        context: int = CONTEXT,
        keep_alive: float | str = -1,
        connect: float = 2.0,
        first_token: float = 60.0,
        between: float = 30.0,
        expects_card: bool | None = None,
    ) -> None:
        if not model:
            raise ModelRejected("Say which of Ollama's models answers: set APPLIANCE_MODEL, for example to qwen3:4b.")
        self.name = model
        self.server = OllamaServer(base_url, api_key=api_key, connect=connect)
        self._options = {"temperature": temperature, "num_ctx": context}
        self._context, self._keep_alive = context, keep_alive
        self._first_token, self._between = first_token, between
        self._pace = Pace()
        self._cold = COLD
        self._longest = 0  # tokens of the longest prompt that was read
        self._expects_card = bool(expects_card)
        self._notices_card = expects_card is None
        self._looked, self._found = -_LOOK, None  # type: tuple[float, Loaded | None]
        self._loading: asyncio.Task[None] | None = None

    async def stream(
        self,
        turns: Sequence[Turn],
        *,
        schema: Mapping[str, Any] | None = None,
        limit: int = 256,
        stop: Sequence[str] = (),
        within: float | None = None,
    ) -> AsyncGenerator[str, None]:
        """See `models.base.LLM`. With `schema` a document that was cut or disobeys ends in `ModelError`."""
        self._check_length(turns)
        if self._pace.running >= MOST:
            retry = timedelta(seconds=max(1.0, self._pace.outlook().queue))
            raise ModelBusy("Ollama has as many questions as it can take.", retry_after=retry)
        asked = schema if schema is None else check_schema(schema)
        text, end = "", None
        with self._pace.request(turns, cold=self._found is None) as request:
            async with aclosing(self._parts(turns, asked, limit, stop)) as parts:
                async for part in parts:
                    if piece := part.message.content:
                        request.spoke()
                        text += piece
                        yield piece
                    if part.done:
                        end = part
            if end is None:
                raise ModelUnavailable("Ollama broke off in the middle of an answer.")
            self._learn(turns, request, end)
        if schema is not None:
            check(text, schema, cut=end.done_reason == "length")

    async def outlook(self) -> Outlook:
        """From the requests in flight and the measured speeds; of a model that is not in memory, what loading takes."""
        if await self._loaded() is None:
            if self._loading is None or self._loading.done():
                # ours, and cancelled by `close`: nobody would ask a model whose predicted wait is that of a cold one
                self._loading = asyncio.get_running_loop().create_task(self._load(), name="ollama.load")
            told = self._pace.outlook()
            return replace(told, queue=told.queue + self._cold)
        return self._pace.outlook()

    def tokens(self, text: str) -> float:
        return self._pace.tokens(text)

    async def trouble(self) -> str:
        """Why customers are served worse than they could be, and what to do; empty when all is well.

        The model lives only if it generates: where none of its answers is fresh, it is asked for one token.
        """
        try:
            if time.monotonic() - self._pace.lived > FRESH and not self._pace.running:
                await self._prove()
            loaded = await self._loaded()
            return troubles(loaded, self._pace, card=self._expects_card, context=self._context, longest=self._longest)
        except ModelError as error:
            return str(error)

    async def close(self) -> None:
        if self._loading is not None:
            self._loading.cancel()
            with suppress(asyncio.CancelledError):
                await self._loading
        await self.server.close()

    async def _parts(
        self, turns: Sequence[Turn], schema: Mapping[str, Any] | None, limit: int, stop: Sequence[str]
    ) -> AsyncGenerator[ollama.ChatResponse, None]:
        options = {**self._options, "num_predict": limit, **({"stop": list(stop)} if stop else {})}
        with translated(self.name):
            async with _patient(self._first_token):
                answer = await self.server.client.chat(
                    self.name,
                    [{"role": turn.role, "content": turn.text} for turn in turns],
                    stream=True,
                    think=False,  # a model that thinks first says nothing for longer than a customer waits
                    format=dict(schema) if schema is not None else None,
                    options=options,
                    keep_alive=self._keep_alive,
                )
            async with aclosing(_each(answer, self._between, first=self._first_token)) as parts:
                async for part in parts:
                    yield part

    def _learn(self, turns: Sequence[Turn], request: Running, end: ollama.ChatResponse) -> None:
        if end.eval_count and end.eval_duration:
            self._pace.wrote(end.eval_count, end.eval_duration / 1e9)
        if end.prompt_eval_count:  # of a prompt that the server had in memory it tells only the new tokens
            self._longest = max(self._longest, end.prompt_eval_count)
        request.ended(loading=(end.load_duration or 0) / 1e9)

    async def _loaded(self) -> Loaded | None:
        """The model as `/api/ps` shows it, asked at most every two seconds; None while it is not in memory."""
        if time.monotonic() - self._looked >= _LOOK:
            found = await self.server.loaded()
            self._found = next((one for one in found if _same(one.name, self.name)), None)
            self._looked = time.monotonic()
            if self._notices_card and self._found and self._found.on_cards:
                self._expects_card = True
        return self._found

    async def _load(self) -> None:
        """A chat without messages loads the model, as documented. What goes wrong, the next customer's call tells."""
        began = time.monotonic()
        with suppress(ModelError), translated(self.name):
            async with _patient(2 * self._first_token):
                await self.server.client.chat(self.name, [], options=self._options, keep_alive=self._keep_alive)
            self._cold = time.monotonic() - began
            self._looked = -_LOOK

    async def _prove(self) -> None:
        patience = self._first_token if await self._loaded() is None else 3.0
        async with _patient(patience), aclosing(self.stream([Turn(role="user", text="1")], limit=1)) as pieces:
            async for _ in pieces:
                pass

    def _check_length(self, turns: Sequence[Turn]) -> None:
        """Ollama cuts a prompt that is too long from its beginning, without a word: the rules would be lost."""
        if sum(len(turn.text) for turn in turns) > _SURELY * self._context:
            raise ModelRejected(f"The prompt does not fit into {self._context} tokens; shorten the prompt.")


def troubles(loaded: Loaded | None, pace: Pace, *, card: bool, context: int, longest: int = 0) -> str:
    """What the operator should know of a model that answers; `card` says that it should run on one."""
    if loaded is not None and card and not loaded.on_cards:
        return (
            f"Ollama runs {loaded.name} on the processor, not on the graphics card ({pace.speed:.0f} tokens/s); look "
            "at `ollama ps` and the card's driver, then restart Ollama."
        )
    if loaded is not None and card and loaded.share < 0.99:
        return (
            f"Only {loaded.share:.0%} of {loaded.name} fits on the graphics card, which makes it slow; choose a "
            "smaller model or a shorter context."
        )
    if pace.speed and (pace.speed < SLOWEST or pace.speed < SLOWED * pace.best):
        return (
            f"Ollama writes {pace.speed:.1f} tokens/s, at its best it wrote {pace.best:.1f}; see in `ollama ps` "
            "whether it fell back to the processor, and what else runs on that box."
        )
    if longest >= context:
        return (
            f"Prompts reach the context of {context} tokens and are cut by Ollama; set APPLIANCE_ENGINE_CONTEXT higher."
        )
    return ""


@contextmanager
def translated(name: str) -> Iterator[None]:
    """The client's and the network's errors as ours; `name` is the model that was asked for."""
    try:
        yield
    except ollama.ResponseError as error:
        raise _error(error, name) from error
    except (ConnectionError, httpx.HTTPError, httpx.InvalidURL) as error:
        raise ModelUnavailable(f"Ollama cannot be reached ({type(error).__name__}); is it started?") from error
    except ValueError as error:  # no JSON, or not the documented shape
        raise ModelUnavailable("Ollama's address answers with something that Ollama does not say.") from error


def _error(error: ollama.ResponseError, name: str) -> ModelError:
    match error.status_code:
        case 404:
            return ModelMissing(f"Ollama has no model {name}; `appliance models pull {name}` brings it.")
        case 429 | 503:
            return ModelBusy(f"Ollama is busy: {error.error}", retry_after=timedelta(seconds=5))
        case status if 400 <= status < 500:
            return ModelRejected(f"Ollama refused the request: {error.error}")
        case _:
            return ModelUnavailable(f"Ollama failed: {error.error}")


async def _each(parts: AsyncIterator[Any], patience: float, *, first: float | None = None) -> AsyncGenerator[Any, None]:
    """The parts of an answer, each within its time; closes the connection when left."""
    seconds = first or patience
    try:
        while True:
            try:
                async with _patient(seconds):
                    part = await anext(parts)
            except StopAsyncIteration:
                return
            yield part
            seconds = patience
    finally:
        await parts.aclose()  # type: ignore[attr-defined]  # the client gives generators, and types them as iterators


class _patient:  # noqa: N801  (reads as a phrase: async with _patient(3.0))
    """Ends a wait for Ollama, which may hang without a word (ollama#2176)."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._timeout = seconds, asyncio.timeout(seconds)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(self, *error: Any) -> None:
        try:
            await self._timeout.__aexit__(*error)
        except TimeoutError as late:
            raise ModelUnavailable(f"Ollama has been silent for {self._seconds:.0f} seconds.") from late


def _same(one: str, other: str) -> bool:
    """Whether two names mean one model: the tag is `latest` where none is given."""
    return one.removesuffix(":latest") == other.removesuffix(":latest")
