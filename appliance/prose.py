"""Lets the model write about goods or passages, in time or not at all, and only what the claim gate passes."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from math import inf
from typing import Self

import structlog

from appliance.core import ladder
from appliance.core.company import Passage
from appliance.core.money import money
from appliance.core.prompt import SIZES, Prompt, Request, again, build
from appliance.core.render import Sentences
from appliance.core.types import Card, Message, Rung
from models.base import LLM, ModelBusy, ModelError, Outlook

log = structlog.get_logger("prose")

LIMIT = 90  # tokens of an answer: one or two sentences; a longer one nobody reads on a phone, or waits for
GRACE = 1.2  # the patience promised may be overrun by this factor before an answer in writing is cut
PROBE = 20.0  # seconds without an attempt after which one is made against the prediction
SENTENCE = 34.0  # tokens from an answer's beginning to the end of its first sentence, until some were seen
UP, DOWN = 0.3, 0.1  # weights of an observation above and below an estimate that three of four are to be below
WRONG = (0.5, 2.0)  # how far measured times are let to correct the predicted ones
SLACK = 1.1  # by which the engine, which counts the prompt's tokens, may find a promise too bold
LATELY = 60.0  # seconds for which a customer's prose counts when others wait
REMEMBERED = 4096  # customers whose prose is counted


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
class Asking:
    """What a customer wants to know, in which language, and what was said before; `who` is theirs alone."""

    question: str
    lang: str
    history: Sequence[Message] = ()
    said: Sequence[str] = ()
    who: str = ""
    since: float = field(default_factory=time.monotonic)  # when the question was taken up
    prompt: Prompt | None = None  # the version that this dialogue was dealt; None: the writer's own


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What came of it; `text` is empty when there was no model, no time, or nothing that passed.

    `stages` are milliseconds: `predicted` and `first_sentence` are the promise and what came of it.
    """

    text: str = ""
    blocked: int = 0
    model: str = ""
    prompt: str = ""
    stages: dict[str, float] = field(default_factory=dict)


class Writer:
    """Writes prose when at least its first sentence can be finished within the customer's patience."""

    def __init__(
        self, *, llm: LLM, prompt: Prompt, patience: timedelta, longest: int = LIMIT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        """`longest` in tokens: the most that an answer may have, whatever time there is."""
        self._longest = longest
        self._llm = llm
        self._prompt = prompt
        self._patience = patience.total_seconds()
        self._sentence = SENTENCE
        self._wrong = 1.0  # measured times by predicted ones
        self._clock = clock
        self._tried = clock()
        self._had: OrderedDict[str, deque[float]] = OrderedDict()  # when each customer had prose

    async def write(
        self,
        brief: Brief,
        asking: Asking,
        *,
        stopped: asyncio.Event,
        show: Callable[[str], Awaitable[None]],
        patience: float = inf,
    ) -> Written:
        """Sentence by sentence: `show` gets the text so far each time one has passed the gate.

        `patience` in seconds until the first sentence, where it is less than the usual one.
        """
        try:
            outlook = await self._llm.outlook()
        except ModelError:
            return Written()
        spent = self._clock() - asking.since
        left = min(self._patience, patience) - spent
        if left < outlook.queue + 1 / outlook.writing and not self._is_due():
            return Written()  # no prompt is short enough
        built = time.perf_counter()
        requests = [self._request(brief, asking, number) for number in range(len(SIZES))]
        built = time.perf_counter() - built
        choice = ladder.choose(
            outlook,
            prompts=[self._llm.tokens(request.turns[-1].text) for request in requests],
            sentence=self._sentence,
            longest=self._longest,
            patience=left / self._wrong,
            grace=GRACE * self._wrong,
            had=self._lately(asking.who),
        )
        probing = choice.rung is not Rung.PROSE
        if probing and not (patience >= self._patience and self._is_due()):
            return Written()
        self._tried = self._clock()
        attempt = _Attempt(asking, brief, requests[-1 if probing else choice.prompt], outlook, left)
        attempt.built = built
        attempt.limit = self._longest if probing else choice.limit
        attempt.within = None if probing else SLACK * left / self._wrong - self._sentence / outlook.writing
        await self._attempt(attempt, stopped=stopped, show=show)
        written = self._outcome(attempt, asking, predicted=choice.seconds)
        if attempt.strayed and not probing and (second := await self._second(attempt, asking, brief, patience)):
            await self._attempt(second, stopped=stopped, show=show)
            once_more = self._outcome(second, asking, predicted=second.predicted)
            stages = {**once_more.stages, "prose": once_more.stages["prose"] + written.stages["prose"]}
            return replace(once_more, blocked=once_more.blocked + written.blocked, stages=stages)
        return written

    async def _second(self, first: _Attempt, asking: Asking, brief: Brief, patience: float) -> _Attempt | None:
        """Another try after an answer in another language, where what is left of the patience holds one."""
        body = (asking.prompt or self._prompt).body
        request = again(first.request, body, lang=asking.lang, wrong=first.sentences.template)
        left = min(self._patience, patience) - (self._clock() - asking.since)
        try:
            outlook = await self._llm.outlook()
        except ModelError:
            return None
        added = sum(self._llm.tokens(turn.text) for turn in request.turns[-2:])  # the rest has just been read
        choice = ladder.choose(
            outlook, prompts=[added], sentence=self._sentence, longest=self._longest, patience=left / self._wrong,
            grace=GRACE * self._wrong,
        )  # fmt: skip
        if choice.rung is not Rung.PROSE:
            return None
        second = _Attempt(asking, brief, request, outlook, left)
        second.limit, second.predicted = choice.limit, choice.seconds
        second.within = SLACK * left / self._wrong - self._sentence / outlook.writing
        log.info("prose.again", lang=asking.lang, was=first.sentences.strayed)
        return second

    def _request(self, brief: Brief, asking: Asking, number: int) -> Request:
        return build(
            (asking.prompt or self._prompt).body,
            question=asking.question,
            lang=asking.lang,
            rows=brief.cards,
            passages=[passage.text for passage in brief.passages],
            history=[(message.role, message.text) for message in asking.history],
            size=SIZES[number],
        )

    async def _attempt(
        self, attempt: _Attempt, *, stopped: asyncio.Event, show: Callable[[str], Awaitable[None]]
    ) -> None:
        """Reads the model's stream until it ends, or there is no time for another sentence."""
        sentences, loop = attempt.sentences, asyncio.get_running_loop()
        try:
            async with asyncio.timeout(attempt.left * GRACE) as deadline:
                stream = self._llm.stream(
                    attempt.request.turns, schema=attempt.request.schema, limit=attempt.limit, within=attempt.within
                )
                async with aclosing(stream) as pieces:
                    async for piece in pieces:
                        attempt.piece()
                        if attempt.passes(piece):
                            attempt.sentence()
                            await show(sentences.text)
                            if attempt.seconds + 0.5 * self._sentence / attempt.outlook.writing > attempt.left:
                                break  # what is left of the patience holds no further sentence
                            deadline.reschedule(loop.time() + attempt.left - attempt.seconds)
                        if stopped.is_set() or attempt.strayed:
                            break
            sentences.finish()
        except TimeoutError:
            attempt.cut = not sentences.passed
            log.info("prose.cut" if attempt.cut else "prose.shortened", seconds=round(attempt.seconds, 1))
        except ModelBusy as error:
            attempt.refused = True
            log.info("prose.refused", why=str(error))
        except ModelError as error:
            log.info("prose.failed", why=str(error))

    def _outcome(self, attempt: _Attempt, asking: Asking, *, predicted: float) -> Written:
        for sentence, why in attempt.sentences.blocked:
            log.info("prose.blocked", why=why, sentence=sentence)
        if attempt.first_sentence:
            self._sentence = _upper(self._sentence, float(attempt.pieces_to_sentence))
            if predicted:
                self._correct(attempt.first_sentence / predicted)
            self._count(asking.who)
        elif attempt.cut and predicted:
            self._correct(attempt.seconds / predicted)
        stages = attempt.stages | ({"predicted": round(1000 * predicted, 1)} if predicted else {})
        return Written(
            text=attempt.sentences.text, blocked=len(attempt.sentences.blocked), model=self._llm.name,
            prompt=(asking.prompt or self._prompt).version, stages=stages,
        )  # fmt: skip

    def _correct(self, ratio: float) -> None:
        self._wrong = min(WRONG[1], max(WRONG[0], _upper(self._wrong, ratio)))

    def _is_due(self) -> bool:
        """Whether to try against the prediction: a server of others tells its speed by its answers alone.

        The customer has the goods already and waits no longer than was promised.
        """
        return self._clock() - self._tried > PROBE

    def _lately(self, who: str) -> int:
        """How often this customer had prose within the last minute."""
        times = self._had.get(who, deque())
        while times and self._clock() - times[0] > LATELY:
            times.popleft()
        return len(times)

    def _count(self, who: str) -> None:
        self._had.setdefault(who, deque(maxlen=16)).append(self._clock())
        self._had.move_to_end(who)
        while len(self._had) > REMEMBERED:
            self._had.popitem(last=False)


class _Attempt:
    """One request to the model and what came of it; `left` are the seconds of patience at its beginning."""

    def __init__(self, asking: Asking, brief: Brief, request: Request, outlook: Outlook, left: float) -> None:
        self.request, self.outlook, self.left = request, outlook, left
        self.limit, self.within = LIMIT, None  # type: tuple[int, float | None]
        self.sentences = Sentences(
            rows=request.rows, values=request.values, lang=asking.lang, money=money, company=brief.facts,
            said=asking.said,
        )  # fmt: skip
        self.cut = self.refused = False
        self.predicted = 0.0  # seconds to the first sentence
        self.built = self.gate = 0.0  # seconds that the prompt took, and the gate
        self.pieces = self.pieces_to_sentence = 0
        self.first_token = self.first_sentence = 0.0
        self._began = time.perf_counter()

    @property
    def strayed(self) -> bool:
        """Whether nothing could be shown because it was in another language than the customer's."""
        return bool(self.sentences.strayed) and not self.sentences.passed

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._began

    @property
    def stages(self) -> dict[str, float]:
        named = {
            "prompt": self.built, "first_token": self.first_token, "first_sentence": self.first_sentence,
            "generation": self.seconds - self.first_token if self.first_token else 0.0, "gate": self.gate,
            "prose": self.seconds,
        }  # fmt: skip
        return {name: round(1000 * seconds, 1) for name, seconds in named.items() if seconds}

    def passes(self, piece: str) -> bool:
        """Gives a piece to the gate; whether another sentence has passed it."""
        began = time.perf_counter()
        try:
            return bool(self.sentences.feed(piece))
        finally:
            self.gate += time.perf_counter() - began

    def piece(self) -> None:
        self.pieces += 1
        self.first_token = self.first_token or self.seconds

    def sentence(self) -> None:
        if not self.first_sentence:
            self.first_sentence, self.pieces_to_sentence = self.seconds, self.pieces


def _upper(estimate: float, observed: float) -> float:
    """An estimate that follows the upper quarter of what is observed."""
    return estimate + (UP if observed > estimate else DOWN) * (observed - estimate)
