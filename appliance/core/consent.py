"""The text that a customer agrees to before their contacts are kept: the owner's own, or the one that ships."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from appliance.core.texts import say

SHIPPED = "2026-11"  # version of the text that ships, in all its languages


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentText:
    """What is agreed to, word for word, and the version by which it is recorded."""

    version: str
    text: str
    own: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Consents:
    """The owner's texts by language; a language without one has the text that ships."""

    own: Mapping[str, ConsentText] = field(default_factory=dict)

    def text(self, lang: str) -> ConsentText:
        return self.own.get(lang) or ConsentText(version=SHIPPED, text=say("form_consent", lang, version=SHIPPED))

    def asked(self, lang: str) -> str:
        """The question by which a customer is asked in the dialogue."""
        shipped = say("lead_consent", lang, version=SHIPPED)
        if lang not in self.own:
            return shipped
        place = next((at for at, sign in enumerate(shipped, 1) if sign in "?？؟"), len(shipped))
        return f"{shipped[:place]}\n\n{self.own[lang].text}"  # "May I pass your contacts to a manager?", then the text


ALL_SHIPPED = Consents()
