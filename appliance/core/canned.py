"""Answers that managers have written once: inserted by a person, or given to the very question they are for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from appliance.core.company import terms

ALIKE = 0.8  # share of common words from which a longer question is the one that was meant
LONG = 4  # words that carry meaning, from which a question may differ in one


@dataclass(frozen=True, slots=True, kw_only=True)
class Canned:
    """One answer in one language; without `questions` it is for managers to insert only."""

    name: str
    lang: str
    text: str
    questions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CannedAnswers:
    """All that are live."""

    all: tuple[Canned, ...] = ()

    def answer(self, question: str, lang: str) -> Canned | None:
        """The one that was written for this question in this language; word order, endings and small words aside."""
        if not self.all:
            return None
        asked = frozenset(terms(question))
        for one in self.all:
            if one.lang in (lang, "") and any(_alike(asked, frozenset(terms(known))) for known in one.questions):
                return one
        return None


NONE_CANNED = CannedAnswers()


def _alike(asked: frozenset[str], known: frozenset[str]) -> bool:
    if asked == known:
        return bool(asked)
    least = min(len(asked), len(known))
    return least >= LONG and len(asked & known) / len(asked | known) >= ALIKE


def shown_to(answers: Sequence[Canned], lang: str) -> list[Canned]:
    """For a manager who answers in `lang`: those in it first, then those in others."""
    return sorted(answers, key=lambda one: (one.lang not in (lang, ""), one.name.casefold(), one.lang))
