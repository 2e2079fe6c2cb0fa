"""What the owner lets the assistant say, as it is at one moment: prompts, consent, written answers, topics."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.core.canned import NONE_CANNED, CannedAnswers
from appliance.core.consent import ALL_SHIPPED, Consents
from appliance.core.routing import Example
from appliance.core.trial import Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """The prompts that are live, what customers agree to, the answers that managers wrote, the phrases they taught."""

    trial: Trial | None = None  # None: the writer's own prompt
    consents: Consents = ALL_SHIPPED
    canned: CannedAnswers = NONE_CANNED
    taught: tuple[Example, ...] = ()


SHIPPED = Voice()
