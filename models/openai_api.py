"""Any server that speaks OpenAI's chat API: our engine, vLLM, llama-server, LM Studio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import httpx

from models.base import ModelBusy, ModelError, ModelRejected, ModelUnavailable, Outlook, Turn
from models.documents import check
from models.pace import Pace, Running
from models.sse import events

_RETRY = timedelta(seconds=5)  # where a busy server does not say when to come again


class OpenAIChat:
    """The LLM port on `base_url` (with or without its `/v1`). Never retries: the caller decides what to do instead.

    `connect`, `first_token` and `between` are the longest waits in seconds for the connection, for the first piece
    (with the queue before it) and from one piece to the next.
    """

    def __init__(
        self,
        base_url: str,
        model: str = "",
        *,
        api_key: str = "",
        temperature: float = 0.0,
        connect: float = 2.0,
        first_token: float = 60.0,
        between: float = 30.0,
    ) -> None:
        self.name = self._model = model  # the name becomes the one that the server gives its model
        self._temperature = temperature
        self._first_token, self._between = first_token, between
        self._pace = Pace()
        self._asks_wait = True  # until the server turns out not to be our engine
        self._root = base_url.rstrip("/").removesuffix("/v1")
        self._http = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            timeout=httpx.Timeout(max(first_token, between), connect=connect),
            limits=httpx.Limits(max_connections=256, max_keepalive_connections=16),
            trust_env=False,  # a model server is on this box or in its network, never behind the proxy for downloads
        )

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
        text, finish, usage = "", "", dict[str, Any]()
        with self._pace.request(turns) as request:
            async with aclosing(self._events(self._body(turns, schema, limit, stop, within))) as found:
                while (event := await self._next(found, first=not text)) is not None:
                    self.name = event.get("model") or self.name
                    usage = event.get("usage") or usage
                    choice = (event.get("choices") or [{}])[0]
                    finish = choice.get("finish_reason") or finish
                    piece = (choice.get("delta") or {}).get("content") or ""
                    if piece:
                        request.spoke()
                        text += piece
                        yield piece
            if not finish:
                raise ModelUnavailable("The model's server broke off in the middle of an answer.")
            self._learn(turns, text, request, usage)
        if schema is not None:
            check(text, schema, cut=finish == "length")

    async def outlook(self) -> Outlook:
        """From our engine's queue and speeds; of any other server, what this client has measured lately."""
        if self._asks_wait:
            try:
                response = await self._http.get(f"{self._root}/wait", timeout=2.0)
            except httpx.HTTPError as error:
                raise self._unreachable(error) from error
            if (told := _outlook(response)) is not None:
                return told
            self._asks_wait = response.status_code >= 500  # an engine in trouble is still ours
        return self._pace.outlook()

    def tokens(self, text: str) -> float:
        return self._pace.tokens(text)

    async def share(self, turns: Sequence[Turn]) -> None:
        """Tells our engine a beginning that chats will share, so that the first of them is fast already.

        Not needed: the engine notices shared beginnings by itself. Does nothing on other servers.
        """
        body = {"messages": _messages(turns)}
        try:
            response = await self._http.post(f"{self._root}/prefix", json=body, timeout=300.0)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        if response.status_code not in (200, 404, 405):
            raise _error(response)

    async def close(self) -> None:
        await self._http.aclose()

    def _body(
        self,
        turns: Sequence[Turn],
        schema: Mapping[str, Any] | None,
        limit: int,
        stop: Sequence[str],
        within: float | None,
    ) -> dict[str, Any]:
        body: dict[str, Any] = {
            "messages": _messages(turns),
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_tokens": limit,
            "temperature": self._temperature,
        }
        if self._model:
            body["model"] = self._model
        if stop:
            body["stop"] = list(stop)
        if within is not None and self._asks_wait:  # our engine's own word: others may refuse it
            body["within"] = within
        if schema is not None:
            named = {"name": "answer", "strict": True, "schema": dict(schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": named}
        return body

    async def _events(self, body: Mapping[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        try:
            async with self._http.stream("POST", f"{self._root}/v1/chat/completions", json=body) as response:
                if response.status_code != 200:
                    await response.aread()
                    raise _error(response)
                async with aclosing(events(response.aiter_bytes())) as found:
                    async for event in found:
                        if "error" in event:
                            raise _told(event["error"])
                        yield event
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        except ValueError as error:
            raise ModelUnavailable("The model's server answered with something that is no event stream.") from error

    async def _next(self, found: AsyncGenerator[dict[str, Any], None], *, first: bool) -> dict[str, Any] | None:
        patience = self._first_token if first else self._between
        try:
            async with asyncio.timeout(patience):
                return await anext(found, None)
        except TimeoutError as error:
            raise ModelUnavailable(f"The model's server has been silent for {patience:.0f} seconds.") from error

    def _learn(self, turns: Sequence[Turn], text: str, request: Running, usage: Mapping[str, Any]) -> None:
        if prompt := usage.get("prompt_tokens"):
            self._pace.counted(turns, int(prompt))
        tokens = int(usage.get("completion_tokens") or self._pace.tokens(text))
        self._pace.wrote(tokens - 1, request.writing)
        request.ended()

    def _unreachable(self, error: httpx.HTTPError) -> ModelUnavailable:
        return ModelUnavailable(f"The model's server at {self._root} cannot be reached: {type(error).__name__}.")


def _messages(turns: Sequence[Turn]) -> list[dict[str, str]]:
    return [{"role": turn.role, "content": turn.text} for turn in turns]


def _outlook(response: httpx.Response) -> Outlook | None:
    """What our engine predicts; None from any other server, which may answer this address with anything."""
    try:
        told = response.json() if response.status_code == 200 else {}
        return Outlook(**{name: float(told[name]) for name in ("queue", "reading", "writing")})
    except (ValueError, KeyError, TypeError):
        return None


def _error(response: httpx.Response) -> ModelError:
    try:
        told = response.json().get("error", {})
    except (ValueError, AttributeError):
        told = {}
    message = told.get("message") if isinstance(told, dict) else str(told)
    message = message or f"The model's server answered with status {response.status_code}."
    wait = response.headers.get("Retry-After", "")
    match response.status_code:
        case 429 | 503 if wait or response.status_code == 429:
            return ModelBusy(message, retry_after=timedelta(seconds=float(wait)) if wait.isdigit() else _RETRY)
        case status if 400 <= status < 500:
            return ModelRejected(message)
        case _:
            return ModelUnavailable(message)


def _told(error: Any) -> ModelError:
    """An error that a server sends in mid-stream."""
    code, message = (error.get("code"), str(error.get("message"))) if isinstance(error, dict) else (500, str(error))
    rejected = isinstance(code, int) and 400 <= code < 500
    return ModelRejected(message) if rejected else ModelUnavailable(message)
