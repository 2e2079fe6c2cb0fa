"""The engine's OpenAI-compatible face, and beside it what only our engine tells: health, wait, status, prefix."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from models.base import ModelBusy, ModelError, ModelRejected, Turn
from models.documents import check_schema
from models.engine.engine import Engine, Request
from models.engine.runtime import Piece

log = logging.getLogger(__name__)
T = TypeVar("T")

_MOST = 4 << 20  # bytes of a request: a hundred times the longest context, and no way to fill the memory
_PASSED = ("temperature", "seed", "top_p", "top_k", "min_p", "presence_penalty", "frequency_penalty", "ignore_eos")
_STATUS = {ModelRejected: 400, ModelBusy: 429}


def face(engine: Engine, *, prefix: Sequence[Turn] = ()) -> Starlette:
    """The application; it measures the model and computes the shared `prefix` as soon as it is served."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async def prepare() -> None:
            try:
                await engine.measure()
                if prefix:
                    await engine.share(prefix)
            except ModelError:  # the engine serves all the same, or its health says that it does not
                log.exception("the engine could not be prepared")

        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(prepare()), tasks.create_task(engine.stay_measured())]
            yield
            for task in running:
                task.cancel()
        await engine.close()

    return Starlette(
        lifespan=lifespan,
        routes=[
            Route("/v1/chat/completions", _told(engine, _complete), methods=["POST"]),
            Route("/v1/models", _told(engine, _models)),
            Route("/health", _told(engine, _health)),
            Route("/wait", _told(engine, _wait)),
            Route("/status", _told(engine, _status)),
            Route("/prefix", _told(engine, _prefix), methods=["POST"]),
        ],
    )


async def _complete(engine: Engine, http: HttpRequest) -> Response:
    body = await _body(http)
    request = _request(body)
    pieces = engine.answer(request)
    if body.get("stream"):
        first = await _unless_gone(http.receive, anext(pieces))
        told = bool((body.get("stream_options") or {}).get("include_usage"))
        return _Stream(engine.name, first, pieces, usage=told) if first else Response(status_code=499)
    async with aclosing(pieces):
        whole = await _unless_gone(http.receive, _whole(pieces))
    if whole is None:  # the client has gone and the generation with it; nobody reads this
        return Response(status_code=499)
    text, last, tokens = whole
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": last.finish or "stop"}
    answer = {**_envelope(engine.name, "chat.completion"), "choices": [choice], "usage": _usage(last, tokens)}
    return JSONResponse(answer)


async def _models(engine: Engine, _: HttpRequest) -> Response:
    return JSONResponse({"object": "list", "data": [{"id": engine.name, "object": "model", "owned_by": "counterman"}]})


async def _health(engine: Engine, _: HttpRequest) -> Response:
    healthy = await engine.healthy()
    return JSONResponse({"status": "ok" if healthy else "stuck"}, status_code=200 if healthy else 503)


async def _wait(engine: Engine, http: HttpRequest) -> Response:
    """What a request sent now has before it; `seconds` is when the first token comes, of a prompt as long as most.

    With `?prompt=` and `?answer=` (tokens) it is when so long an answer to so long a prompt would be written.
    """
    seats = engine.seats
    outlook = seats.outlook()
    prompt = _number(http.query_params.get("prompt"), seats.pace.prompt)
    answer = _number(http.query_params.get("answer"), 1.0)
    return JSONResponse(
        {
            "seconds": round(outlook.seconds(prompt=prompt, answer=answer), 3),
            "queue": round(outlook.queue, 3),
            "reading": round(outlook.reading, 3),
            "writing": round(outlook.writing, 3),
            "busy": seats.busy,
            "queued": seats.waiting,
        }
    )


async def _status(engine: Engine, _: HttpRequest) -> Response:
    return JSONResponse(engine.status())


async def _prefix(engine: Engine, http: HttpRequest) -> Response:
    return JSONResponse({"tokens": await engine.share(_turns(await _body(http)))})


def _told(
    engine: Engine, answer: Callable[[Engine, HttpRequest], Coroutine[Any, Any, Response]]
) -> Callable[[HttpRequest], Coroutine[Any, Any, Response]]:
    """`answer`, with model errors told the way OpenAI's clients expect."""

    async def tell(http: HttpRequest) -> Response:
        try:
            return await answer(engine, http)
        except ModelError as error:
            status = _STATUS.get(type(error), 503)
            headers = {}
            if isinstance(error, ModelBusy):
                headers["Retry-After"] = str(math.ceil(error.retry_after.total_seconds()))
            return JSONResponse(_problem(error), status_code=status, headers=headers)

    return tell


class _Stream(Response):
    """Sends pieces as they come and stops the generation in the moment when the client goes."""

    media_type = "text/event-stream"

    def __init__(self, name: str, first: Piece, rest: AsyncGenerator[Piece, None], *, usage: bool) -> None:
        super().__init__()
        self._usage, self._tokens = usage, 0
        del self.headers["content-length"]
        self.headers["cache-control"] = "no-store"
        self._envelope = _envelope(name, "chat.completion.chunk")
        self._first, self._rest = first, rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async with aclosing(self._rest):
            await _unless_gone(receive, self._write(send))

    async def _write(self, send: Send) -> bool:
        async def say(data: str) -> None:
            await send({"type": "http.response.body", "body": f"data: {data}\n\n".encode(), "more_body": True})

        await say(self._chunk({"role": "assistant", "content": ""}, None))
        try:
            await self._say(self._first, say)
            async for piece in self._rest:
                await self._say(piece, say)
        except ModelError as error:
            await say(json.dumps(_problem(error)))
        await say("[DONE]")
        await send({"type": "http.response.body", "body": b""})
        return True

    async def _say(self, piece: Piece, say: Callable[[str], Coroutine[Any, Any, None]]) -> None:
        self._tokens += len(piece.tokens)
        if piece.text:
            await say(self._chunk({"content": piece.text}, None))
        if piece.finish:
            await say(self._chunk({}, piece.finish))
            if self._usage:
                usage = {**self._envelope, "choices": [], "usage": _usage(piece, self._tokens)}
                await say(json.dumps(usage))

    def _chunk(self, delta: Mapping[str, str], finish: str | None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return json.dumps({**self._envelope, "choices": [choice]}, ensure_ascii=False)


async def _whole(pieces: AsyncIterator[Piece]) -> tuple[str, Piece, int]:
    """The text, the last piece, and how many tokens were written."""
    text, last, tokens = "", Piece(), 0
    async for last in pieces:
        text += last.text
        tokens += len(last.tokens)
    return text, last, tokens


def _usage(last: Piece, written: int) -> dict[str, Any]:
    """The counts as OpenAI's clients read them, from the last piece of an answer."""
    return {
        "prompt_tokens": last.computed + last.reused,
        "completion_tokens": written,
        "total_tokens": last.computed + last.reused + written,
        "prompt_tokens_details": {"cached_tokens": last.reused},
    }


async def _unless_gone(receive: Receive, work: Awaitable[T]) -> T | None:
    """The result of `work`, which is cancelled (and None returned) if the client hangs up before it is done."""

    async def outcome() -> T | ModelError:
        try:
            return await work
        except ModelError as error:  # carried out by hand: a task group would wrap it
            return error

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        working.cancel()

    async with asyncio.TaskGroup() as tasks:
        working = tasks.create_task(outcome())
        watching = tasks.create_task(watch())
        working.add_done_callback(lambda _: watching.cancel())
    if working.cancelled():
        return None
    if isinstance(result := working.result(), ModelError):
        raise result
    return result


async def _body(http: HttpRequest) -> dict[str, Any]:
    raw = b""
    async for chunk in http.stream():
        raw += chunk
        if len(raw) > _MOST:
            raise ModelRejected("The request is larger than any context; shorten it.")
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise ModelRejected("The request is not JSON.") from error
    if not isinstance(body, dict):
        raise ModelRejected("The request is not a JSON object.")
    return body


def _request(body: Mapping[str, Any]) -> Request:
    limit = body.get("max_completion_tokens") or body.get("max_tokens") or 256
    stop = body.get("stop") or ()
    stops = [stop] if isinstance(stop, str) else list(stop)
    if not isinstance(limit, int) or not all(isinstance(word, str) for word in stops):
        raise ModelRejected("`max_tokens` must be a whole number and `stop` a text or a list of texts.")
    options = {key: body[key] for key in _PASSED if body.get(key) is not None}
    within = body.get("within")  # ours: seconds in which the first token must be expected
    if within is not None and not isinstance(within, int | float):
        raise ModelRejected("`within` must be a number of seconds.")
    return Request(turns=_turns(body), limit=limit, schema=_schema(body), stop=stops, options=options, within=within)


def _turns(body: Mapping[str, Any]) -> list[Turn]:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise ModelRejected("`messages` must be a list of at least one message.")
    return [_turn(message) for message in messages]


def _turn(message: Any) -> Turn:
    role = message.get("role") if isinstance(message, dict) else None
    if role not in ("system", "user", "assistant"):
        raise ModelRejected("Each message needs a role: system, user or assistant.")
    content = message.get("content")
    if isinstance(content, list):  # OpenAI's other way to say the same
        content = "".join(part.get("text", "") for part in content if isinstance(part, dict))
    if not isinstance(content, str):
        raise ModelRejected("Each message needs a text as its content.")
    return Turn(role=role, text=content)


def _schema(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    match body.get("response_format"):
        case None | {"type": "text"}:
            return None
        case {"type": "json_schema", "json_schema": {"schema": dict(schema)}}:
            pass
        case {"type": "json_object", "schema": dict(schema)}:
            pass
        case {"type": "json_object"}:
            schema = {"type": "object"}
        case other:
            raise ModelRejected(f"`response_format` knows text, json_object and json_schema, not {other!r}.")
    return check_schema(schema)  # the runtime only logs a schema that it cannot compile, and then writes anything


def _number(text: str | None, otherwise: float) -> float:
    try:
        return max(0.0, float(text)) if text else otherwise
    except ValueError:
        raise ModelRejected("`prompt` and `answer` must be numbers of tokens.") from None


def _envelope(name: str, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{uuid.uuid4().hex}", "object": kind, "created": int(time.time()), "model": name}


def _problem(error: ModelError) -> dict[str, Any]:
    kinds = {ModelRejected: "invalid_request_error", ModelBusy: "rate_limit_error"}
    kind = kinds.get(type(error), "server_error")
    return {"error": {"message": str(error), "type": kind, "code": _STATUS.get(type(error), 503)}}
