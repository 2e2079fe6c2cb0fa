"""The engine as a process with a real model: how it starts, refuses, queues, forgets nobody and ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from models.base import ModelBusy, ModelError, ModelRejected, ModelUnavailable, Turn
from models.engine import EXIT_BROKEN, EXIT_MEMORY, EXIT_MISSING, EXIT_PORT
from models.openai_api import OpenAIChat
from tests.models_kit import MODULES, cached, engine, free_port, installed, start_engine, tiny_gguf, wait_for

LONG = [Turn(role="user", text="Write a very long story about pumps, valves, filters and hoses.")]
SYSTEM = Turn(role="system", text="You sell pumps, valves, filters and hoses to workshops and gardens. " * 30)


@pytest.fixture(scope="module")
def model() -> Path:
    return cached("smollm2-135m")


@pytest.fixture(scope="module", params=MODULES)
def runtime(request: pytest.FixtureRequest) -> str:
    return installed(request.param)


@pytest.fixture(scope="module")
def url(model: Path, runtime: str) -> Iterator[str]:
    with engine(model, slots=2, queue=2, context=1024, name="smol", runtime=runtime) as url:
        yield url


async def status(url: str) -> dict[str, Any]:
    async with httpx.AsyncClient() as http:
        return dict((await http.get(f"{url}/status")).json())


async def until(url: str, **wanted: int) -> None:
    """Waits until the engine's status shows these values."""
    async with asyncio.timeout(20):
        while True:
            now = await status(url)
            if all(now[key] == value for key, value in wanted.items()):
                return
            await asyncio.sleep(0.02)


async def first(llm: OpenAIChat, turns: list[Turn]) -> float:
    """Seconds to the first token."""
    started = time.monotonic()
    stream = llm.stream(turns, limit=8)
    async for _ in stream:
        break
    seconds = time.monotonic() - started
    await stream.aclose()
    return seconds


def outcome(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, told = process.communicate(timeout=30)
    return process.returncode, told


class TestStart:
    def test_a_missing_model_is_told_with_a_code_of_its_own(self, tmp_path: Path) -> None:
        code, told = outcome(start_engine(tmp_path / "none.gguf", port=free_port()))
        assert code == EXIT_MISSING
        assert "appliance models pull" in told and "Traceback" not in told

    def test_a_model_too_large_for_the_box_is_refused_before_it_is_loaded(self, model: Path) -> None:
        started = time.monotonic()
        code, told = outcome(start_engine(model, port=free_port(), slots=4000, context=2048))
        assert code == EXIT_MEMORY
        assert "GiB" in told and "appliance models use" in told
        assert time.monotonic() - started < 10

    def test_a_taken_port_is_told_before_the_model_is_loaded(self, model: Path) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            code, told = outcome(start_engine(model, port=port))
        assert code == EXIT_PORT
        assert str(port) in told

    def test_a_runtime_that_is_not_there_is_told_with_what_to_do(self, model: Path) -> None:
        code, told = outcome(start_engine(model, port=free_port(), runtime="steam"))
        assert code == EXIT_MISSING
        assert "xllamacpp" in told and "Traceback" not in told

    @pytest.mark.parametrize("content", [b"\x89PNG not a model", tiny_gguf(), tiny_gguf(chat=False)])
    def test_a_file_that_is_no_model_is_refused(self, tmp_path: Path, content: bytes, runtime: str) -> None:
        (tmp_path / "odd.gguf").write_bytes(content)
        code, told = outcome(start_engine(tmp_path / "odd.gguf", port=free_port(), runtime=runtime))
        assert code == EXIT_BROKEN
        assert "odd.gguf" in told and "Traceback" not in told

    def test_it_ends_when_told_to_even_in_the_middle_of_an_answer(self, model: Path, runtime: str) -> None:
        port = free_port()
        process = start_engine(model, port=port, nice=0, runtime=runtime)
        try:
            wait_for(f"http://127.0.0.1:{port}/health")
            with httpx.stream(
                "POST",
                f"http://127.0.0.1:{port}/v1/chat/completions",
                json={"messages": [{"role": "user", "content": "Count."}], "stream": True, "max_tokens": 900},
                timeout=60,  # a busy box may take long to the first byte
            ) as answer:
                next(answer.iter_bytes())
                process.send_signal(signal.SIGTERM)
                code, _ = outcome(process)
            assert code == 0
        finally:
            process.kill()

    def test_it_takes_the_background_and_listens_to_this_box_alone(self, model: Path) -> None:
        port = free_port()
        process = start_engine(model, port=port)
        try:
            wait_for(f"http://127.0.0.1:{port}/health")
            assert os.getpriority(os.PRIO_PROCESS, process.pid) >= 10
            assert _listening(process.pid) == {f"127.0.0.1:{port}"}
        finally:
            process.terminate()
            outcome(process)


def _listening(pid: int) -> set[str]:
    """The TCP addresses on which a process listens, IPv4 and IPv6, from the kernel's own tables."""
    inodes = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                address, port = fields[1].split(":")
                found.add(f"{socket.inet_ntoa(bytes.fromhex(address)[::-1])}:{int(port, 16)}")
    return found


class TestFace:
    async def test_a_plain_answer_has_the_shape_that_openais_clients_expect(self, url: str) -> None:
        body = {"model": "any", "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]}
        async with httpx.AsyncClient(timeout=60) as http:
            answer = (await http.post(f"{url}/v1/chat/completions", json={**body, "max_tokens": 5})).json()
            models = (await http.get(f"{url}/v1/models")).json()
        assert answer["object"] == "chat.completion"
        assert answer["choices"][0]["message"]["role"] == "assistant"
        assert answer["choices"][0]["finish_reason"] in ("stop", "length")
        assert 1 <= answer["usage"]["completion_tokens"] <= 5
        assert [model["id"] for model in models["data"]] == ["smol"]

    @pytest.mark.parametrize(
        "body",
        [
            b"no json",
            b"[]",
            b"{}",
            b'{"messages": []}',
            b'{"messages": [{"role": "boss", "content": "x"}]}',
            b'{"messages": [{"role": "user", "content": 5}]}',
            b'{"messages": [{"role": "user", "content": "x"}], "max_tokens": "many"}',
            b'{"messages": [{"role": "user", "content": "x"}], "stop": [1]}',
            b'{"messages": [{"role": "user", "content": "x"}], "response_format": "json"}',
            b'{"messages": [{"role": "user", "content": "x"}], "response_format": {"type": "xml"}}',
            b'{"messages": [{"role": "user", "content": "x"}], "response_format": {"type": "json_schema"}}',
            b'{"messages": [{"role": "user", "content": "x"}], "temperature": "hot"}',
            b'{"messages": [{"role": "user", "content": "' + b"x" * (5 << 20) + b'"}]}',
        ],
    )
    async def test_a_senseless_request_is_refused_with_a_reason(self, url: str, body: bytes) -> None:
        async with httpx.AsyncClient(timeout=60) as http:
            answer = await http.post(f"{url}/v1/chat/completions", content=body)
        assert answer.status_code == 400
        assert answer.json()["error"]["message"]

    async def test_a_client_that_hangs_up_on_a_plain_request_frees_the_slot(self, url: str) -> None:
        async with httpx.AsyncClient() as http:
            with pytest.raises(httpx.ReadTimeout):
                await http.post(
                    f"{url}/v1/chat/completions",
                    json={"messages": [{"role": "user", "content": "Tell a story."}], "max_tokens": 900},
                    timeout=0.7,
                )
        started = time.monotonic()
        await until(url, busy=0)
        assert time.monotonic() - started < 3.0


class TestQueue:
    async def test_a_full_queue_answers_busy_at_once_and_works_on(self, url: str) -> None:
        llm = OpenAIChat(url)

        async def ask() -> str:
            return "".join([piece async for piece in llm.stream(LONG, limit=60)])

        async with asyncio.TaskGroup() as tasks:
            served = [tasks.create_task(ask()) for _ in range(4)]
            await until(url, busy=2, queued=2)
            started = time.monotonic()
            with pytest.raises(ModelBusy) as refused:
                await ask()
            assert time.monotonic() - started < 1.5
            assert 1 <= refused.value.retry_after.total_seconds() < 60
            assert (await llm.outlook()).queue > refused.value.retry_after.total_seconds() / 2
        assert all(task.result() for task in served)
        await llm.close()

    async def test_who_gives_up_waiting_makes_room(self, url: str) -> None:
        llm = OpenAIChat(url)
        running = [llm.stream(LONG, limit=900) for _ in range(2)]
        for stream in running:
            await anext(stream)
        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(first(llm, LONG))
            await until(url, queued=1)
            waiting.cancel()
        await until(url, queued=0, busy=2)
        for stream in running:
            await stream.aclose()
        await until(url, busy=0)
        await llm.close()

    async def test_the_predicted_wait_is_near_the_real_one(self, url: str) -> None:
        """Within a factor of three either way on a box that others use as well; the bench shows it closer."""
        llm = OpenAIChat(url)
        for _ in range(4):  # what the engine predicts from
            [piece async for piece in llm.stream(LONG, limit=60)]
        async with asyncio.TaskGroup() as tasks:
            for _ in range(2):
                tasks.create_task(_drain(llm, 60))
            await until(url, busy=2)
            predicted = (await llm.outlook()).seconds(prompt=llm.tokens(LONG[-1].text))
            real = await first(llm, LONG)
        assert real / 3 < predicted + 0.2 and predicted < real * 3 + 0.5
        await llm.close()

    async def test_a_busy_engine_is_a_healthy_one(self, url: str) -> None:
        llm = OpenAIChat(url)
        streams = [llm.stream(LONG, limit=900) for _ in range(2)]
        for stream in streams:
            await anext(stream)
        async with httpx.AsyncClient() as http:
            answer = await http.get(f"{url}/health", timeout=5.0)
        assert answer.status_code == 200
        for stream in streams:
            await stream.aclose()
        await llm.close()


async def _drain(llm: OpenAIChat, limit: int) -> None:
    async for _ in llm.stream(LONG, limit=limit):
        pass


class TestSharedBeginning:
    async def test_it_is_computed_once_and_kept_over_a_restart(self, model: Path, tmp_path: Path, runtime: str) -> None:
        with engine(model, slots=2, folder=str(tmp_path), runtime=runtime) as url:
            llm = OpenAIChat(url)
            cold = await first(llm, [SYSTEM, Turn(role="user", text="A pump?")])
            await llm.share([SYSTEM])
            warm = await first(llm, [SYSTEM, Turn(role="user", text="A hose?")])
            again = [await first(llm, [SYSTEM, Turn(role="user", text=text)]) for text in ("A valve?", "A filter?")]
            await llm.close()
        with engine(model, slots=2, folder=str(tmp_path), runtime=runtime) as url:
            llm = OpenAIChat(url)
            restarted = await first(llm, [SYSTEM, Turn(role="user", text="A belt?")])
            counts = (await status(url))["counts"]
            await llm.close()
        assert max(warm, *again, restarted) < cold / 2
        assert counts["prompt_tokens"] < 200  # the beginning has some 400

    async def test_it_is_noticed_without_being_told(self, model: Path, runtime: str) -> None:
        with engine(model, slots=2, runtime=runtime) as url:
            llm = OpenAIChat(url)
            for text in ("A pump?", "A hose?", "A valve?"):
                async for _ in llm.stream([SYSTEM, Turn(role="user", text=text)], limit=2):
                    pass
            # Both slots are spoilt, so that only what was kept can help.
            for text in ("One. ", "Two. "):
                async for _ in llm.stream([Turn(role="user", text=text * 20)], limit=2):
                    pass
            before = (await status(url))["counts"]["prompt_tokens"]
            async for _ in llm.stream([SYSTEM, Turn(role="user", text="A belt?")], limit=2):
                pass
            computed = (await status(url))["counts"]["prompt_tokens"] - before
            await llm.close()
        assert computed < 40

    async def test_a_beginning_too_long_for_the_context_hinders_nobody_else(self, model: Path, runtime: str) -> None:
        with engine(model, slots=1, context=256, runtime=runtime) as url:
            llm = OpenAIChat(url)
            with pytest.raises(ModelRejected, match="shorten"):
                await llm.share([SYSTEM])
            assert await first(llm, [Turn(role="user", text="A belt?")]) > 0
            await llm.close()

    async def test_a_spoilt_file_costs_time_but_no_answer(self, model: Path, tmp_path: Path, runtime: str) -> None:
        with engine(model, slots=1, folder=str(tmp_path), runtime=runtime) as url:
            llm = OpenAIChat(url)
            await llm.share([SYSTEM])
            await llm.close()
        _spoil(tmp_path)
        with engine(model, slots=1, folder=str(tmp_path), runtime=runtime) as url:
            llm = OpenAIChat(url)
            pieces = [piece async for piece in llm.stream([SYSTEM, Turn(role="user", text="A belt?")], limit=3)]
            await llm.close()
        assert pieces

    async def test_chats_that_begin_alike_at_once_compute_it_once(self, model: Path) -> None:
        with engine(model, slots=4, queue=8, context=768, runtime=installed("llama-cpp-python")) as url:
            before = (await status(url))["counts"]["prompt_tokens"]
            llm = OpenAIChat(url)

            async def ask(goods: str) -> str:
                return "".join([piece async for piece in llm.stream([SYSTEM, Turn(role="user", text=goods)], limit=4)])

            assert all(await asyncio.gather(*map(ask, ("A pump?", "A hose?", "A valve?", "A filter?", "A belt?"))))
            counts = (await status(url))["counts"]
            await llm.close()
        beginning = 390  # tokens of `SYSTEM`, at least
        assert beginning < counts["prompt_tokens"] - before < beginning * 1.5
        assert counts["cached_tokens"] > 4 * beginning


def _spoil(folder: Path) -> None:
    (state,) = folder.rglob("*.state")
    state.write_bytes(state.read_bytes()[:1000])


async def test_an_engine_killed_in_mid_answer_is_a_model_error_and_the_next_one_serves(model: Path) -> None:
    port = free_port()
    process = start_engine(model, port=port, nice=0)
    wait_for(f"http://127.0.0.1:{port}/health")
    llm = OpenAIChat(f"http://127.0.0.1:{port}")
    stream = llm.stream(LONG, limit=900)
    await anext(stream)

    process.kill()
    with pytest.raises(ModelUnavailable):
        async for _ in stream:
            pass
    outcome(process)
    with pytest.raises(ModelError):
        await first(llm, LONG)

    process = start_engine(model, port=port, nice=0)
    try:
        wait_for(f"http://127.0.0.1:{port}/health")
        assert await first(llm, LONG) > 0
    finally:
        process.terminate()
        outcome(process)
        await llm.close()


async def test_digits_never_come_through_a_pattern_that_forbids_them(url: str) -> None:
    schema = {
        "type": "object",
        "properties": {"label": {"enum": ["насос", "pump"]}, "answer": {"type": "string", "pattern": "^[^0-9]*$"}},
        "required": ["label", "answer"],
        "additionalProperties": False,
    }
    llm = OpenAIChat(url, temperature=1.0)
    for _ in range(3):
        text = ""
        with contextlib.suppress(ModelError):  # whether or not the document was finished within the limit
            async for piece in llm.stream([Turn(role="user", text="Count: 1, 2, 3,")], schema=schema, limit=60):
                text += piece
        assert not any(character in "0123456789" for character in text)
        assert text.startswith(('{"label": "насос"', '{"label": "pump"'))
    await llm.close()
