"""Turns a chat into tokens so that what a customer types can close no turn and open none.

The template's own words may hold control tokens, the turns' texts never: so the template is applied to marks, and its
words and the texts are made into tokens apart.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from models.base import Turn
from models.engine.seats import common

_MARK = "\ue000{}\ue001"  # stands for a turn's text while the template is applied; private-use characters
_MARKS = re.compile("\ue000(\\d+)\ue001")
_KNOWN = 256  # pieces of the template remembered: it has few distinct ones, said again in every prompt


class Tokenize(Protocol):
    """`control`: whether control tokens are read as such; `first`: whether the model's own first token belongs here."""

    def __call__(self, text: str, *, control: bool, first: bool) -> Awaitable[list[int]]: ...


class Prompts:
    """For one model; `template` applies its chat template to messages and asks for an answer."""

    def __init__(
        self, *, template: Callable[[Sequence[Mapping[str, str]]], Awaitable[str]], tokenize: Tokenize
    ) -> None:
        self._template = template
        self._tokenize = tokenize
        self._known: dict[tuple[str, bool], list[int]] = {}

    async def prompt(self, turns: Sequence[Turn]) -> list[int]:
        """The tokens of a chat that asks for an answer."""
        messages = [{"role": turn.role, "content": _MARK.format(at)} for at, turn in enumerate(turns)]
        tokens: list[int] = []
        for at, piece in enumerate(_MARKS.split(await self._template(messages))):
            if at % 2:
                tokens += await self._tokenize(turns[int(piece)].text, control=False, first=False)
            elif piece:
                tokens += await self._fixed(piece, first=at == 0)
        return tokens

    async def shared(self, turns: Sequence[Turn]) -> list[int]:
        """The tokens with which every chat begins that continues `turns` by a user's turn."""
        following: list[Turn] = [*turns, Turn(role="user", text="a")]
        other = await self.prompt([*turns, Turn(role="user", text="1")])
        return common(await self.prompt(following), other)

    async def _fixed(self, text: str, *, first: bool) -> list[int]:
        key = text, first
        if key not in self._known:
            if len(self._known) > _KNOWN:
                self._known.clear()
            self._known[key] = await self._tokenize(text, control=True, first=first)
        return self._known[key]
