"""Chooses how an answer is made, by the wait that is predicted for it: prose, a template sentence, the contact form."""

from __future__ import annotations

from datetime import timedelta

from appliance.core.types import Rung

PATIENCE = timedelta(seconds=8)  # how long a customer waits for prose whose goods are already on the screen


def choose(
    predicted_wait: timedelta | None,
    *,
    expected: timedelta,
    patience: timedelta = PATIENCE,
    content: bool = True,
) -> Rung:
    """The highest rung that keeps its promise.

    `predicted_wait` is the time to the model's first token (None when no model can be asked), `expected` the time it
    needs to write the answer; prose must be finished within `patience`. `content` says whether there are cards or a
    passage to show: without them a template sentence would say nothing, and the form helps more.
    """
    if predicted_wait is not None and predicted_wait + expected <= patience:
        return Rung.PROSE
    return Rung.TEMPLATE if content else Rung.FORM
