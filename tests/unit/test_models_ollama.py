"""Ollama as the language model, against a double of its server over real HTTP (the real one cannot run here)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest

from appliance import health, probes
from models.base import ModelBusy, ModelError, ModelMissing, ModelRejected, ModelUnavailable, Turn
from models.fetch import Step
from models.ollama import MOST, Loaded, OllamaChat, OllamaServer, troubles
from models.pace import Pace
from tests.models_kit import free_port
from tests.ollama_house import Ollama, ollama_house

QUESTION = [Turn(role="system", text="You sell pumps."), Turn(role="user", text="Which pump is the best of them all?")]


@pytest.fixture
def house() -> Iterator[Ollama]:
    with ollama_house() as house:
        yield house


@pytest.fixture
async def chat(house: Ollama) -> AsyncIterator[OllamaChat]:
    chat = OllamaChat(house.url, "qwen3:4b", first_token=1.0, between=0.5)
    yield chat
    await chat.close()


async def said(chat: OllamaChat, turns: list[Turn] = QUESTION) -> str:
    return "".join([piece async for piece in chat.stream(turns)])


async def test_it_answers_by_the_documented_call(house: Ollama, chat: OllamaChat) -> None:
    assert await said(chat) == QUESTION[-1].text
    asked = house.asked[-1]
    assert asked["messages"][0] == {"role": "system", "content": "You sell pumps."}
    assert asked["keep_alive"] == -1 and asked["think"] is False and asked["options"]["num_ctx"] == 4096


async def test_a_model_that_is_not_there_is_named_with_what_brings_it(house: Ollama) -> None:
    chat = OllamaChat(house.url, "absent:7b")

    with pytest.raises(ModelMissing, match="appliance models pull absent:7b"):
        await said(chat)
    assert "absent:7b" in await chat.trouble()
    await chat.close()


def test_without_a_model_it_says_which_setting_is_empty() -> None:
    with pytest.raises(ModelRejected, match="APPLIANCE_MODEL"):
        OllamaChat("http://127.0.0.1:1")


@pytest.mark.parametrize("fault", ["hangs", "stalls", "breaks"])
async def test_a_hang_or_a_break_ends_in_an_error_within_its_time(house: Ollama, chat: OllamaChat, fault: str) -> None:
    setattr(house, fault, True)
    began = time.monotonic()

    with pytest.raises(ModelUnavailable):
        await said(chat)

    assert time.monotonic() - began < 3.0


async def test_a_hanging_list_of_models_does_not_hang_the_prediction(house: Ollama, chat: OllamaChat) -> None:
    house.hangs = True

    async with asyncio.timeout(5.0):
        with pytest.raises(ModelUnavailable):
            await chat.outlook()


async def test_an_error_in_mid_stream_is_ours(house: Ollama, chat: OllamaChat) -> None:
    house.fails = "CUDA error: out of memory"

    with pytest.raises(ModelUnavailable, match="CUDA"):
        await said(chat)


async def test_a_full_queue_says_when_to_come_again(house: Ollama, chat: OllamaChat) -> None:
    house.status = 503

    with pytest.raises(ModelBusy) as told:
        await said(chat)
    assert told.value.retry_after > timedelta(0)


async def test_our_own_bound_holds_where_its_queue_has_none(house: Ollama, chat: OllamaChat) -> None:
    house.pause = 0.05

    outcomes = await asyncio.gather(*(said(chat) for _ in range(MOST + 5)), return_exceptions=True)

    assert sum(isinstance(outcome, ModelBusy) for outcome in outcomes) == 5


async def test_nothing_at_the_address_and_a_stranger_there_are_both_unavailable() -> None:
    chat = OllamaChat(f"http://127.0.0.1:{free_port()}", "qwen3:4b", connect=0.5)

    with pytest.raises(ModelUnavailable, match="started"):
        await said(chat)
    await chat.close()


async def test_a_prompt_that_would_be_cut_in_silence_is_refused(chat: OllamaChat) -> None:
    with pytest.raises(ModelRejected, match="shorten the prompt"):
        await said(chat, [Turn(role="user", text="pump " * 20_000)])


async def test_a_cold_model_is_predicted_as_such_and_loaded_meanwhile(house: Ollama, chat: OllamaChat) -> None:
    house.loading = 0.3

    assert (await chat.outlook()).queue > 30

    async with asyncio.timeout(5.0):
        while not house.loaded:
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.1)
    assert (await chat.outlook()).queue < 1


async def test_the_predicted_wait_grows_with_the_queue_and_shrinks_again(house: Ollama, chat: OllamaChat) -> None:
    house.pause, house.parallel = 0.03, 1
    await said(chat)
    await chat.outlook()
    idle = (await chat.outlook()).queue
    async with asyncio.TaskGroup() as tasks:
        for _ in range(4):
            tasks.create_task(said(chat))
        busy = idle
        async with asyncio.timeout(10):
            while busy <= idle + 0.5:  # until all four have reached the queue
                await asyncio.sleep(0.01)
                busy = max(busy, (await chat.outlook()).queue)

    assert (await chat.outlook()).queue < busy


async def test_a_silent_fall_back_to_the_processor_is_noticed(house: Ollama, chat: OllamaChat) -> None:
    house.on_cards = 1.0
    await said(chat)
    assert await chat.trouble() == ""

    house.on_cards = 0.0
    await asyncio.sleep(2.1)

    assert "on the processor" in await chat.trouble()
    part = await probes.model(chat.trouble)()
    assert part.state is health.State.DEGRADED and "on the processor" in part.why


async def test_a_box_that_never_had_a_card_is_no_trouble(house: Ollama, chat: OllamaChat) -> None:
    await said(chat)

    assert await chat.trouble() == ""


async def test_a_server_that_lists_but_does_not_generate_is_in_trouble(house: Ollama, chat: OllamaChat) -> None:
    house.stalls = True

    assert "silent" in await chat.trouble()


def test_what_the_figures_mean() -> None:
    pace = Pace()
    half = Loaded(name="m", size=100, on_cards=60)

    assert "Only 60%" in troubles(half, pace, card=True, context=4096)
    pace.speed, pace.best = 9.0, 60.0
    assert "9.0 tokens/s" in troubles(None, pace, card=False, context=4096)
    pace.speed = 55.0
    assert "APPLIANCE_ENGINE_CONTEXT" in troubles(None, pace, card=False, context=4096, longest=4096)


async def test_a_pull_tells_how_far_it_is_and_goes_on_where_it_was_cut(house: Ollama) -> None:
    server, steps = OllamaServer(house.url), list[Step]()
    house.cut = [200_000]
    with pytest.raises(ModelUnavailable, match="EOF"):
        await server.pull("qwen3:8b", steps.append)
    resumed = len(steps)

    await server.pull("qwen3:8b", steps.append)

    assert steps[resumed].done > 200_000 and steps[-1].done == steps[-1].total == 400_000
    assert (await server.models())["qwen3:8b"] == 400_000
    await server.delete("qwen3:8b")
    assert "qwen3:8b" not in await server.models()
    await server.close()


async def test_a_pull_of_what_nobody_has_is_an_error(house: Ollama) -> None:
    server = OllamaServer(house.url)

    with pytest.raises(ModelError, match="does not exist"):
        await server.pull("nobody:1b", lambda _: None)
    await server.close()
