"""The OpenAI adapter against servers that are down, busy, rude, slow or not what they seem."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from models.base import ModelBusy, ModelError, ModelRejected, ModelUnavailable, Turn
from models.openai_api import OpenAIChat

ASK = (Turn(role="user", text="Привет"),)


def reply(status: str, body: str, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body.encode())}", "Connection: close", *headers, "", body]
    return "\r\n".join(lines).encode()


def streamed(*events: object, done: bool = True) -> bytes:
    body = "".join(f"data: {json.dumps(event, ensure_ascii=False)}\n\n" for event in events)
    body += "data: [DONE]\n\n" if done else ""
    return f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n{body}".encode()


def piece(text: str | None, finish: str | None = None) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]}


class Server:
    """Answers each request with the next of `replies`, whatever it asks; keeps what it was asked."""

    def __init__(self, *replies: bytes | float) -> None:
        self.url = ""
        self.asked: list[tuple[str, dict[str, object]]] = []
        self.gone = asyncio.Event()
        self._replies = list(replies)

    @asynccontextmanager
    async def run(self) -> AsyncIterator[Server]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next((int(line.split(":")[1]) for line in head.lower().split("\r\n") if "content-length" in line), 0)
        body = await reader.readexactly(length)
        self.asked.append((head.split("\r\n")[0], json.loads(body) if body else {}))
        answer = self._replies.pop(0)
        if isinstance(answer, float):  # silence for so long
            await reader.read()
            self.gone.set()
        else:
            writer.write(answer)
            await writer.drain()
        writer.close()


async def said(llm: OpenAIChat, **more: object) -> str:
    return "".join([part async for part in llm.stream(ASK, **more)])  # type: ignore[arg-type]


async def test_pieces_are_joined_whatever_else_the_server_sends() -> None:
    role = {"choices": [{"index": 0, "delta": {"role": "assistant", "content": None}}]}
    usage = {"choices": [], "usage": {"completion_tokens": 2}}
    async with Server(streamed(role, piece("При"), piece("вет\u2028"), piece(None, "stop"), usage)).run() as server:
        llm = OpenAIChat(server.url, "m", api_key="key", temperature=0.5)
        assert await said(llm, stop=["x"], limit=7) == "Привет\u2028"
        await llm.close()
    line, body = server.asked[0]
    assert line == "POST /v1/chat/completions HTTP/1.1"
    assert body == {
        "model": "m",
        "messages": [{"role": "user", "content": "Привет"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 7,
        "temperature": 0.5,
        "stop": ["x"],
    }


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        (reply("429 Too Many Requests", "{}", "Retry-After: 7"), ModelBusy, "429"),
        (reply("503 Service Unavailable", "{}", "Retry-After: 7"), ModelBusy, "503"),
        (reply("503 Service Unavailable", '{"error": {"message": "loading"}}'), ModelUnavailable, "loading"),
        (reply("500 Oops", "<html>"), ModelUnavailable, "500"),
        (reply("400 Bad Request", '{"error": {"message": "too long"}}'), ModelRejected, "too long"),
        (reply("401 Unauthorized", '{"error": "who are you"}'), ModelRejected, "who are you"),
        (reply("404 Not Found", "[]"), ModelRejected, "404"),
        (streamed({"error": {"message": "broken", "code": 500}}), ModelUnavailable, "broken"),
        (streamed({"error": {"message": "too long", "code": 400}}), ModelRejected, "too long"),
        (streamed(piece("half"), done=False), ModelUnavailable, "broke off"),
        (b"HTTP/1.1 200 OK\r\n\r\ndata: <html>\n\n", ModelUnavailable, "no event stream"),
        (b"SSH-2.0-OpenSSH\r\n", ModelUnavailable, "cannot be reached"),
        (b"", ModelUnavailable, "cannot be reached"),
    ],
)
async def test_each_failure_is_told_as_a_model_error(answer: bytes, kind: type[ModelError], told: str) -> None:
    async with Server(answer).run() as server:
        llm = OpenAIChat(server.url)
        with pytest.raises(ModelError, match=told) as failed:
            await said(llm)
        await llm.close()
    assert type(failed.value) is kind
    if isinstance(failed.value, ModelBusy):
        assert failed.value.retry_after == timedelta(seconds=7)


async def test_nobody_there_is_told_at_once() -> None:
    llm = OpenAIChat("http://127.0.0.1:9")
    with pytest.raises(ModelUnavailable, match="cannot be reached"):
        await said(llm)
    with pytest.raises(ModelUnavailable):
        await llm.outlook()
    await llm.close()


async def test_a_silent_server_is_left_after_the_patience_for_the_first_token() -> None:
    async with Server(60.0).run() as server:
        llm = OpenAIChat(server.url, first_token=0.2)
        with pytest.raises(ModelUnavailable, match="silent"):
            await said(llm)
        async with asyncio.timeout(10.0):
            await server.gone.wait()  # and it was hung up on, not only left
        await llm.close()


async def test_a_server_that_ignores_the_schema_is_found_out() -> None:
    async with Server(streamed(piece('{"a": 1}'), piece(None, "stop"))).run() as server:
        llm = OpenAIChat(server.url)
        with pytest.raises(ModelError, match="hold to the schema"):
            await said(llm, schema={"type": "object", "required": ["b"]})
        await llm.close()
    format_ = server.asked[0][1]["response_format"]
    assert isinstance(format_, dict) and format_["type"] == "json_schema"


@pytest.mark.parametrize("foreign", [reply("404 Not Found", "{}"), reply("200 OK", '{"status": "fine"}')])
async def test_a_server_without_a_queue_to_ask_is_predicted_from_what_was_measured(foreign: bytes) -> None:
    answer = streamed(piece("hi"), piece(None, "stop"))
    async with Server(foreign, answer).run() as server:
        llm = OpenAIChat(server.url)
        assert (await llm.outlook()).seconds(prompt=100) == 0
        await said(llm)
        assert 0 < (await llm.outlook()).seconds(prompt=100) < 60
        await llm.close()
    assert len(server.asked) == 2  # it was asked for its queue once and not again
