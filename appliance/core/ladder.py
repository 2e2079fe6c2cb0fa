"""Chooses how an answer is made, by the time that is predicted for it: prose, a template sentence, the contact form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from appliance.core.types import Rung
from models.base import Outlook

PATIENCE = timedelta(seconds=8)  # how long a customer waits for prose whose goods are already on the screen


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A rung; of prose also which prompt, how many tokens there is time for, and the seconds to its first sentence."""

    rung: Rung
    prompt: int = 0
    limit: int = 0
    seconds: float = 0.0


def choose(
    outlook: Outlook | None,
    *,
    prompts: Sequence[float],
    sentence: float,
    longest: int,
    patience: float,
    grace: float = 1.0,
    had: int = 0,
    content: bool = True,
) -> Choice:
    """The highest rung that keeps its promise: at least the first sentence is written within `patience` seconds.

    `outlook` is None when no model can be asked. `prompts` are the sizes in tokens of the prompts that would do, the
    best one first: a shorter one is taken where that makes prose possible. `sentence` is what a first sentence takes
    in tokens, `longest` the most that an answer may have, `grace` the factor by which it may outlast the patience.
    Whoever `had` prose of late queues as if behind himself as often: without a queue that costs nobody anything, and
    where there is one it lets others through.
    `content`: there are cards or a passage to show; without them a template says nothing, and the form helps more.
    """
    if outlook is not None:
        for number, prompt in enumerate(prompts):
            first = outlook.queue * had + outlook.seconds(prompt=prompt, answer=0)
            if (seconds := first + sentence / outlook.writing) <= patience:
                limit = min(float(longest), (grace * patience - first) * outlook.writing)
                return Choice(rung=Rung.PROSE, prompt=number, limit=int(limit), seconds=seconds)
    return Choice(rung=Rung.TEMPLATE if content else Rung.FORM)
