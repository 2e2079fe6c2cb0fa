"""Plays scratch dialogues through the assistant that serves customers: no channel, no database, no outbox."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from math import exp
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from appliance.core.prompt import Prompt
from appliance.core.trial import Trial
from appliance.core.types import Claim, Memory, Message, Progress, Reply, Rung
from appliance.core.voice import SHIPPED, Voice
from appliance.desk.topics import Likeness, Sorted
from appliance.desk.words import Tried

if TYPE_CHECKING:
    from appliance.assistant import Assistant


async def play(assistant: Assistant, turns: Sequence[str]) -> list[dict[str, Any]]:
    """Each turn's route, lang, SKUs shown in order, none, text, rung and milliseconds."""
    scratch = Scratch()
    played = []
    for turn in turns:
        began = time.perf_counter()
        reply = await scratch.ask(assistant, turn)
        played.append(
            {
                "route": reply.route.value,
                "lang": reply.lang,
                "skus": [card.sku for card in reply.cards],
                "none": reply.none,
                "text": reply.text,
                "rung": reply.rung.value,
                "ms": round((time.perf_counter() - began) * 1000, 1),
            }
        )
    return played


class Scratch:
    """A conversation that lives in this process only."""

    def __init__(self) -> None:
        self.id = uuid4()
        self.memory = Memory()
        self.history: list[Message] = []

    async def ask(self, assistant: Assistant, text: str) -> Reply:
        """One turn: what the assistant answers, with all that was said before in mind."""
        claim = self.claim(text)
        reply = await assistant.answer(claim, message=uuid4(), show=_unseen, stopped=asyncio.Event())
        self.memory = reply.memory
        self.history += [*claim.questions, self._message("bot", reply.text)]
        if reply.form:
            self.history.append(self._message("bot", "", kind="form"))
        return reply

    def claim(self, text: str) -> Claim:
        """The claim that a stored question would give."""
        return Claim(
            conversation=self.id,
            channel="scratch",
            address="",
            token=0,
            memory=self.memory,
            questions=(self._message("user", text),),
            history=tuple(self.history),
        )

    def _message(self, role: str, text: str, kind: str = "text") -> Message:
        id: UUID = uuid4()
        return Message(
            id=id, conversation=self.id, seq=len(self.history) + 1, role=role, kind=kind, text=text, payload={},
            at=datetime.now(UTC),
        )  # fmt: skip


class TryOut:
    """Answers a question with a prompt that no customer hears yet, as customers would be answered otherwise.

    One at a time: the model is the customers' own, who come first. Cancelling it stops the model.
    """

    def __init__(self) -> None:
        self.assistant: Assistant | None = None  # given once it is made: it is made with this one's `voice`
        self._voice = SHIPPED
        self._turn = asyncio.Lock()

    def voice(self) -> Voice:
        return self._voice

    async def __call__(self, prompt: Prompt, question: str) -> Tried:
        assert self.assistant is not None
        async with self._turn:
            self._voice = Voice(trial=Trial(live=prompt))
            began = time.perf_counter()
            reply = await Scratch().ask(self.assistant, question)
            return Tried(
                question=question, version=prompt.version, text=reply.text, prose=reply.rung is Rung.PROSE,
                blocked=reply.blocked, cards=tuple((card.sku, card.name) for card in reply.cards),
                seconds=round(time.perf_counter() - began, 1),
            )  # fmt: skip


async def sort(assistant: Assistant, text: str) -> Sorted:
    """Where a sentence would go, and why: as the first one of a customer's."""
    lang, decision, nearest = await assistant.sort(text)
    if decision.taught:
        why = "taught"
    elif decision.scores:
        why = "weighed"
    else:
        why = decision.why if decision.why in ("person", "request", "answer") else "words"
    most = sum(exp(score) for _, score in decision.scores)
    return Sorted(
        text=text, lang=lang, route=decision.route, why=why, taught=decision.taught,
        shares=[(route, exp(score) / most) for route, score in decision.scores],
        nearest=[Likeness(text=one.text, route=one.route, own=one.own, nearness=near) for one, near in nearest],
    )  # fmt: skip


async def _unseen(progress: Progress) -> None:
    """Nobody watches."""
