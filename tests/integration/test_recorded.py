"""With every answer stand the model and the prompt that wrote it, also after the model has changed."""

from __future__ import annotations

import asyncio
from uuid import UUID

import psycopg

from appliance.core.types import Claim, Inbound, Reply, Route, Rung
from appliance.dialogue import Dialogue, Show
from appliance.hours import Hours
from appliance.leads import Leads
from appliance.store.store import Store
from appliance.tasks import Tasks
from models.base import Turn
from models.openai_api import OpenAIChat
from tests.unit.test_models_openai import Server, piece, streamed


class Writing:
    """An answerer whose words come from a model."""

    def __init__(self, llm: OpenAIChat) -> None:
        self._llm = llm

    async def answer(self, claim: Claim, *, message: UUID, show: Show, stopped: asyncio.Event) -> Reply:
        turns = [Turn(role="user", text=question.text) for question in claim.questions]
        said = "".join([each async for each in self._llm.stream(turns)])
        return Reply(
            text=said, lang="en", route=Route.SMALLTALK, rung=Rung.PROSE, model=self._llm.name, prompt_version="v7"
        )

    def give_up(self, claim: Claim) -> Reply:
        return Reply(text="later", lang="en", route=Route.SMALLTALK, rung=Rung.TEMPLATE)


def by(model: str) -> bytes:
    return streamed({**piece("Hello"), "model": model}, {**piece(None, "stop"), "model": model})


async def test_the_model_is_the_one_that_the_server_names_and_it_changes_with_a_switch(
    store: Store, database_url: str
) -> None:
    async with Server(by("qwen-small"), by("qwen-large")).run() as server, Tasks() as tasks:
        llm = OpenAIChat(server.url)
        leads = Leads(region="RU", hours=Hours.read("", "UTC"))
        dialogue = Dialogue(store=store, answerer=Writing(llm), channels={}, tasks=tasks, leads=leads)
        tasks.start(store.stay_alive(), name="alive")
        tasks.start(dialogue.resume(), name="resume")
        for number in (1, 2):
            inbound = Inbound(channel="test", address="anna", external_id=str(number), text="hi")
            await dialogue.receive(inbound)
            rows = await _answers(database_url, number)
        await llm.close()

    assert rows == [("qwen-small", "v7"), ("qwen-large", "v7")]
    assert all("model" not in body for _, body in server.asked)  # none was named in the settings


async def _answers(url: str, count: int) -> list[tuple[str, str]]:
    """As they are stored, once there are so many."""
    async with asyncio.timeout(10), await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        while True:
            found = await connection.execute("SELECT model, prompt_version FROM answers ORDER BY at")
            if len(rows := await found.fetchall()) >= count:
                return rows
            await asyncio.sleep(0.05)
