"""A language model that says what it was told to say: for the demo without a model, and for tests of the dialogue."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from datetime import timedelta
from itertools import cycle
from typing import Any, TypeAlias

from models.base import ModelError, ModelUnavailable, Outlook, Turn
from models.documents import check, check_schema, example

Line: TypeAlias = str | ModelError  # said, or raised
Script: TypeAlias = Callable[[Sequence[Turn], Mapping[str, Any] | None], Line]

_PIECES = re.compile(r"\s*\S+|\s+$")  # a word with the space before it, as tokenizers cut them


def echo(turns: Sequence[Turn], schema: Mapping[str, Any] | None) -> str:
    """The customer's own words, or the smallest document that obeys the schema."""
    return turns[-1].text if schema is None else json.dumps(example(schema), ensure_ascii=False)


class ScriptedLLM:
    """The LLM port on a script: a function of the turns and the schema, or lines said one after another, over and over.

    `outlook` is what it predicts, `pause` the time before each piece. `asked` holds the turns of every request, and
    `running` the number of generations that are neither finished nor cancelled.
    """

    def __init__(
        self,
        script: Script | Sequence[Line] = echo,
        *,
        name: str = "scripted",
        outlook: Outlook | None = None,
        pause: timedelta = timedelta(0),
    ) -> None:
        self.name = name
        self.asked: list[tuple[Turn, ...]] = []
        self.running = 0
        self._script = script if callable(script) else _in_turn(script)
        self._outlook, self._pause = outlook or Outlook(), pause

    async def stream(
        self,
        turns: Sequence[Turn],
        *,
        schema: Mapping[str, Any] | None = None,
        limit: int = 256,
        stop: Sequence[str] = (),
        within: float | None = None,
    ) -> AsyncGenerator[str, None]:
        """See `models.base.LLM`; a token is a word."""
        self.asked.append(tuple(turns))
        line = self._script(turns, schema if schema is None else check_schema(schema))
        if isinstance(line, ModelError):
            raise line
        pieces = _PIECES.findall(_stopped(line, stop))
        self.running += 1
        try:
            for piece in pieces[:limit]:
                await asyncio.sleep(self._pause.total_seconds())
                yield piece
        finally:
            self.running -= 1
        if schema is not None:
            check("".join(pieces), schema, cut=len(pieces) > limit)

    async def outlook(self) -> Outlook:
        return self._outlook

    def tokens(self, text: str) -> float:
        return len(_PIECES.findall(text))

    async def close(self) -> None:
        pass


def _in_turn(lines: Sequence[Line]) -> Script:
    """One after another, over and over; a model without a line cannot be reached."""
    following = cycle(lines or [ModelUnavailable("The script has no lines.")])
    return lambda _turns, _schema: next(following)


def _stopped(text: str, stop: Sequence[str]) -> str:
    """The text up to the first stop sequence."""
    ends = [at for word in stop if (at := text.find(word)) >= 0]
    return text[: min(ends)] if ends else text
