"""A model's prose comes within the customer's patience or not at all, and nobody waits longer than was promised."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

from appliance.core.prompt import default_prompt
from appliance.core.types import Card
from appliance.prose import GRACE, Asking, Brief, Writer, Written
from models.base import ModelBusy, Outlook
from models.scripted import ScriptedLLM

CARD = Card(sku="A-1", name="Насос дренажный")
TWO = json.dumps({"skus": ["A"], "answer": "Вот [A]. Вам подойдёт [A], если нужен насос."}, ensure_ascii=False)
QUICK = Outlook(queue=0.0, reading=1000.0, writing=100.0)


async def write(llm: ScriptedLLM, *, patience: float = 30.0, **more: Any) -> Written:
    writer = more.pop("writer", None) or Writer(
        llm=llm, prompt=default_prompt(), patience=timedelta(seconds=patience), **more
    )
    shown: list[str] = []

    async def show(text: str) -> None:
        shown.append(text)

    asking = Asking(question="насос", lang="ru", who="somebody")
    written = await writer.write(Brief.goods([CARD]), asking, stopped=asyncio.Event(), show=show)
    assert not shown or written.text.startswith(shown[0])
    return written


async def test_an_answer_that_has_time_is_given_whole_with_its_promise() -> None:
    written = await write(ScriptedLLM([TWO], outlook=QUICK))
    assert written.text == "Вот Насос дренажный. Вам подойдёт Насос дренажный, если нужен насос."
    assert written.stages["predicted"] > 0
    assert written.stages["first_sentence"] <= written.stages["prose"]


async def test_what_would_come_late_is_not_begun() -> None:
    llm = ScriptedLLM([TWO], outlook=Outlook(queue=0.0, reading=5.0, writing=5.0))
    began = time.monotonic()
    assert (await write(llm, patience=8.0)).text == ""
    assert time.monotonic() - began < 2.0
    assert llm.asked == []


async def test_a_promise_that_fails_ends_when_it_was_promised_to() -> None:
    llm = ScriptedLLM([TWO], outlook=QUICK, pause=timedelta(seconds=30))
    began = time.monotonic()
    assert (await write(llm, patience=1.0)).text == ""
    assert time.monotonic() - began < 1.0 * GRACE + 1.0
    assert llm.running == 0


async def test_where_time_runs_out_the_sentences_that_are_finished_stay() -> None:
    llm = ScriptedLLM([TWO], outlook=QUICK, pause=timedelta(seconds=0.2))
    assert (await write(llm, patience=1.3)).text == "Вот Насос дренажный."
    assert llm.running == 0


class Full(ScriptedLLM):
    """An engine that has filled up between the prediction and the question."""

    async def stream(self, *arguments: Any, **more: Any) -> AsyncGenerator[str, None]:
        self.within = more["within"]
        for piece in ("",):
            if not piece:
                raise ModelBusy("full", retry_after=timedelta(seconds=5))
            yield piece


async def test_an_engine_that_has_filled_up_refuses_at_once_and_costs_nothing() -> None:
    llm = Full([TWO], outlook=QUICK)
    assert (await write(llm)).text == ""
    assert 0 < llm.within <= 33.0


def _answers(*texts: str) -> list[str]:
    return [json.dumps({"skus": ["A"], "answer": text}, ensure_ascii=False) for text in texts]


ENGLISH = "You should take [A], it would suit you best."


async def test_an_answer_in_another_language_is_written_once_more() -> None:
    llm = ScriptedLLM(_answers(ENGLISH, "Вам подойдёт [A]."), outlook=QUICK)
    written = await write(llm)
    assert (written.text, written.blocked) == ("Вам подойдёт Насос дренажный.", 1)
    first, second = llm.asked
    assert second[: len(first)] == first  # what was read need not be read again
    assert ENGLISH in second[-2].text and second[-1].text == "Ответь по-русски."


async def test_a_second_answer_in_another_language_is_the_last() -> None:
    llm = ScriptedLLM(_answers(ENGLISH, ENGLISH, "Вам подойдёт [A]."), outlook=QUICK)
    written = await write(llm)
    assert (written.text, len(llm.asked)) == ("", 2)


async def test_there_is_no_second_answer_where_it_would_come_late() -> None:
    slow = Outlook(queue=0.0, reading=1000.0, writing=8.0)  # a first sentence takes half of the patience
    llm = ScriptedLLM(_answers(ENGLISH, "Вам подойдёт [A]."), outlook=slow, pause=timedelta(seconds=0.25))
    assert (await write(llm, patience=6.0)).text == ""
    assert len(llm.asked) == 1


async def test_who_had_prose_lets_others_through_where_there_is_a_queue() -> None:
    now = 0.0
    llm = ScriptedLLM([TWO], outlook=Outlook(queue=6.5, reading=1000.0, writing=100.0))
    writer = Writer(llm=llm, prompt=default_prompt(), patience=timedelta(seconds=8), clock=lambda: now)

    async def ask(who: str) -> str:
        async def unseen(text: str) -> None: ...

        asking = Asking(question="насос", lang="ru", who=who, since=now)
        return (await writer.write(Brief.goods([CARD]), asking, stopped=asyncio.Event(), show=unseen)).text

    assert await ask("first")
    assert not await ask("first")
    assert await ask("second")
    now = 61.0
    assert await ask("first")
