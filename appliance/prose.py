"""Lets the model write about goods or passages, in time or not at all, and only what the claim gate passes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Self

import structlog

from appliance.core import ladder
from appliance.core.company import Passage
from appliance.core.money import money
from appliance.core.prompt import Prompt, build
from appliance.core.render import Sentences
from appliance.core.types import Card, Message, Rung
from models.base import LLM, ModelError

log = structlog.get_logger("prose")

LIMIT = 90  # tokens of an answer: one or two sentences; a longer one nobody reads on a phone, or waits for
GRACE = 1.2  # the patience promised may be overrun by this factor before an answer in writing is cut
FIRST_GUESS = 4.0  # seconds from the first token to the last, until answers of this box have been timed
PROBE = 20.0  # seconds without an attempt after which one is made against the prediction
LEARNING = 0.2  # weight of the latest answer in that estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What the model may speak about."""

    cards: tuple[Card, ...] = ()
    passages: tuple[Passage, ...] = ()

    @classmethod
    def goods(cls, cards: Sequence[Card]) -> Self:
        return cls(cards=tuple(cards))

    @classmethod
    def company(cls, passages: Sequence[Passage]) -> Self:
        return cls(passages=tuple(passages))

    @property
    def facts(self) -> str:
        return "\n".join(passage.text for passage in self.passages)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What came of it; `text` is empty when there was no model, no time, or nothing that passed."""

    text: str = ""
    blocked: int = 0
    model: str = ""
    prompt: str = ""
    stages: dict[str, float] = field(default_factory=dict)


class Writer:
    """Writes prose when it can be finished within the customer's patience."""

    def __init__(
        self, *, llm: LLM, prompt: Prompt, patience: timedelta, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._llm = llm
        self._prompt = prompt
        self._patience = patience
        self._expected = FIRST_GUESS
        self._clock = clock
        self._tried = clock()

    async def write(
        self,
        brief: Brief,
        *,
        question: str,
        lang: str,
        history: Sequence[Message],
        said: Sequence[str],
        stopped: asyncio.Event,
        show: Callable[[str], Awaitable[None]],
    ) -> Written:
        """Sentence by sentence: `show` gets the text so far each time one has passed the gate."""
        try:
            wait = await self._llm.wait()
        except ModelError:
            return Written()
        expected = timedelta(seconds=self._expected)
        in_time = ladder.choose(wait, expected=expected, patience=self._patience) is Rung.PROSE
        if not in_time and not self._probe():
            return Written()
        self._tried = self._clock()
        request = build(
            self._prompt.body,
            question=question,
            lang=lang,
            rows=brief.cards,
            passages=[passage.text for passage in brief.passages],
            history=[(message.role, message.text) for message in history],
        )
        sentences = Sentences(
            rows=request.rows, values=request.values, lang=lang, money=money, company=brief.facts, said=said
        )
        began = time.perf_counter()
        stages: dict[str, float] = {}
        try:
            async with asyncio.timeout(self._patience.total_seconds() * GRACE):
                async with aclosing(self._llm.stream(request.turns, schema=request.schema, limit=LIMIT)) as pieces:
                    async for piece in pieces:
                        stages.setdefault("first_token", _since(began))
                        if sentences.feed(piece):
                            stages.setdefault("first_sentence", _since(began))
                            await show(sentences.text)
                        if stopped.is_set():
                            break
            sentences.finish()
            self._learn(_since(began) - stages.get("first_token", 0.0))
        except TimeoutError:
            log.info("prose.cut", seconds=_since(began) / 1000)
        except ModelError as error:
            log.info("prose.failed", why=str(error))
        for sentence, why in sentences.blocked:
            log.info("prose.blocked", why=why, sentence=sentence)
        stages["prose"] = _since(began)
        return Written(
            text=sentences.text, blocked=len(sentences.blocked), model=self._llm.name, prompt=self._prompt.version,
            stages=stages,
        )  # fmt: skip

    def _probe(self) -> bool:
        """Whether to try all the same: speeds are learnt from answers, so a box that was busy once would stay silent.

        The customer has the goods already and waits no longer than was promised.
        """
        return self._clock() - self._tried > PROBE

    def _learn(self, milliseconds: float) -> None:
        self._expected += LEARNING * (milliseconds / 1000 - self._expected)


def _since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 1)
