"""What messages are about, at the desk: the phrases that managers teach, and why a sentence goes where it goes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from appliance.core.routing import alike
from appliance.core.types import Role, Route, Staff
from appliance.desk.base import Gone, Part, must_be
from appliance.desk.words import Unfit
from appliance.store.owner_texts import TOPIC
from appliance.store.store import Store

__all__ = ["LONGEST", "MOST", "Likeness", "Phrase", "Route", "Sorted", "TopicsDesk", "Unfit"]

LONGEST = 200  # characters of a phrase: a longer one is a story, and stories are like nothing else
MOST = 1000  # phrases: each is compared with every message, and fitted anew with every change (0.1 s for so many)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """What a customer may say, and what it is about: taught by a manager."""

    id: UUID
    text: str
    route: Route
    author: str
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """An example that a sentence is like; `nearness` is 1 for the same words. `own` where a manager taught it."""

    text: str
    route: Route
    own: bool
    nearness: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """Where a sentence goes as the first one of a dialogue, and why.

    `why` is `taught` (by the phrase `taught`), `words` (it needs no weighing), `weighed` (by `shares`, which add up
    to 1), `person` (it asks for one), `answer` (a written one fits) or `request` (it fills the request for a quote).
    """

    text: str
    lang: str
    route: Route
    why: str
    taught: str = ""
    shares: Sequence[tuple[Route, float]] = ()
    nearest: Sequence[Likeness] = ()


Sort = Callable[[str], Awaitable[Sorted]]


class TopicsDesk(Part):
    """The part of the desk that teaches the assistant what customers mean. What is taught counts within seconds."""

    def __init__(self, *, store: Store, sort: Sort | None = None) -> None:
        """`sort` asks the assistant that answers customers, without answering."""
        super().__init__(store=store)
        self._sort = sort

    async def phrases(self, actor: Staff, *, offset: int = 0, limit: int = 50) -> tuple[list[Phrase], int]:
        """Those that count now, the newest first, and how many there are."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            texts, total = await tx.live_page(TOPIC, offset=offset, limit=limit)
        return [
            Phrase(id=one.id, text=one.name, route=Route(one.body), author=one.author, at=one.published_at)
            for one in texts
            if one.body in set(Route)
        ], total

    async def teach(self, actor: Staff, text: str, route: Route) -> None:
        """From now on this phrase, and what is like it, is about `route`. Raises `Unfit`."""
        must_be(actor, Role.MANAGER)
        text = " ".join(text.split())
        if not any(letter.isalpha() for letter in text):
            raise Unfit("no_phrase")
        if len(text) > LONGEST:
            raise Unfit("long_phrase", most=LONGEST)
        async with self._store.transaction() as tx:
            await tx.alone(f"texts {TOPIC}")
            known, total = await tx.live_page(TOPIC, offset=0, limit=MOST)
            before = next((one for one in known if alike(one.name, text)), None)
            if before is None and total >= MOST:
                raise Unfit("too_many_phrases", most=MOST)
            name = before.name if before else text
            if before and before.body == route:
                return
            id = await tx.draft_text(kind=TOPIC, name=name, lang="", body=str(route), about={}, author=actor.id)
            draft = await tx.text(id)
            assert draft is not None  # it was written in this transaction
            await tx.publish_text(draft)
            earlier = {"route": before.body} if before else None
            await self._note(tx, actor, "topic.teach", id, before=earlier, after={"phrase": name, "route": str(route)})

    async def forget(self, actor: Staff, id: UUID) -> None:
        """The phrase counts no more. Raises `Gone`."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            found = await tx.text(id)
            if found is None or found.kind != TOPIC or not await tx.retire_text(TOPIC, found.name, found.lang):
                raise Gone("This phrase does not count any more; somebody took it back.")
            await self._note(tx, actor, "topic.forget", id, before={"phrase": found.name, "route": found.body})

    async def sort(self, actor: Staff, text: str) -> Sorted:
        """Where this sentence goes as the first one of a dialogue. Raises `Unfit` where there is nothing to sort."""
        must_be(actor, Role.MANAGER)
        if self._sort is None or not text.strip():
            raise Unfit("no_phrase")
        return await self._sort(" ".join(text.split())[:LONGEST])
