"""The words that are the owner's, as they are now: texts, prompts, hours, consent. Changed without a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import structlog

from appliance.core.canned import Canned, CannedAnswers
from appliance.core.company import Passages
from appliance.core.prompt import default_prompt, shared_prefix
from appliance.core.routing import Example
from appliance.core.texts import say
from appliance.core.trial import Trial
from appliance.core.types import Route
from appliance.core.voice import Voice
from appliance.hours import Hours
from appliance.remembered import remembered
from appliance.store.errors import StoreUnavailable
from appliance.store.owner_texts import CANNED, COMPANY, CONSENT, HOURS, SERVICES, TOPIC, OwnerText, consents_of
from appliance.store.store import Store
from models.base import Embedder, ModelError, Turn

KINDS = {".md", ".txt"}
PROMPT = "answer"
LOOK = 2.0  # seconds between looks whether the owner has changed anything; a look costs the database a millisecond

Share = Callable[[Sequence[Turn]], Awaitable[None]]

log = structlog.get_logger("shop")


@dataclass(slots=True, kw_only=True)
class Now:
    """All of it at one moment."""

    passages: Passages
    voice: Voice = field(default_factory=Voice)
    hours: Hours


class Owner:
    """What the owner says, kept up to date by `run`; before the first look, what ships."""

    def __init__(
        self, *, store: Store | None, home: Path, hours: Hours, embedder: Embedder | None = None,
        vectors: Path | None = None, share: Share | None = None,
    ) -> None:  # fmt: skip
        """`hours` hold until the owner writes others. `share` tells an engine the beginning of a new prompt."""
        self._store, self._home, self._hours = store, home, hours
        self._embedder, self._vectors, self._share = embedder, vectors, share
        self._stamp = ""
        self._told: set[str] = set()
        self.now = Now(passages=Passages(company_texts(home)), hours=hours)

    async def run(self) -> None:
        """Looks until cancelled; a database that is away leaves all as it was."""
        while True:
            with suppress(StoreUnavailable):
                await self.look()
            await asyncio.sleep(LOOK)

    async def look(self) -> bool:
        """Takes up what has changed; whether anything had. Without a store nothing ever has."""
        if self._store is None:
            return False
        await self._shipped_once(self._store)
        async with self._store.transaction() as tx:
            stamp = await tx.words_stamp()
            if stamp == self._stamp:
                return False
            texts = await tx.live_texts(COMPANY, SERVICES, CANNED, HOURS, CONSENT, TOPIC)
            trial = await tx.trial(PROMPT)
        self.now = await self._made(texts, trial)
        self._stamp = stamp
        log.info("words.taken_up", prompt=trial.live.version if trial else "", texts=len(texts))
        await self._tell(trial)
        return True

    async def _shipped_once(self, store: Store) -> None:
        """The prompt that ships is kept, and published where there is none yet."""
        if self._stamp:
            return
        shipped = default_prompt()
        async with store.transaction() as tx:
            await tx.keep_prompt(shipped)
            if await tx.live_prompt(PROMPT) is None:
                await tx.publish_prompt(shipped.name, shipped.version)

    async def _made(self, texts: Sequence[OwnerText], trial: Trial | None) -> Now:
        own = {one.name: one.body for one in texts if one.kind in (COMPANY, SERVICES)}
        said: Mapping[str, str] = own or await asyncio.to_thread(company_texts, self._home)
        if said != self.now.passages.texts:
            passages = await asyncio.to_thread(Passages, said)
            if self._stamp:  # at the start customers do not wait for it: the assistant's warming does it
                await embed_passages(passages, self._embedder, self._vectors)
        else:
            passages = self.now.passages
        canned = tuple(canned_of(one) for one in texts if one.kind == CANNED)
        consents = consents_of([one for one in texts if one.kind == CONSENT])
        hours = next((hours_of(one, self._hours) for one in texts if one.kind == HOURS), self._hours)
        taught = tuple(example_of(one) for one in texts if one.kind == TOPIC and one.body in set(Route))
        voice = Voice(trial=trial, consents=consents, canned=CannedAnswers(canned), taught=taught)
        return Now(passages=passages, voice=voice, hours=hours)

    async def _tell(self, trial: Trial | None) -> None:
        """The engine computes a new prompt's beginning before a customer waits for it, where it can be told."""
        if trial is None or self._share is None:
            return
        for prompt in (trial.live, *(prompt for prompt, _ in trial.others)):
            if prompt.version not in self._told:
                self._told.add(prompt.version)
                with suppress(ModelError):
                    await self._share(shared_prefix(prompt.body))


async def embed_passages(passages: Passages, embedder: Embedder | None, folder: Path | None) -> None:
    """Lets passages be found by their meaning, too; without it they are found by their words."""
    if embedder is None or not passages.all or passages.vectors is not None:
        return
    texts = [f"{passage.heading}\n{passage.text}" for passage in passages.all]
    with suppress(ModelError):
        passages.vectors = await remembered(embedder, texts, folder=folder)


def canned_of(text: OwnerText) -> Canned:
    questions = tuple(str(question) for question in text.about.get("questions", ()))
    return Canned(name=text.name, lang=text.lang, text=text.body, questions=questions)


def example_of(text: OwnerText) -> Example:
    return Example(route=Route(text.body), text=text.name, own=True)


def hours_of(text: OwnerText, otherwise: Hours) -> Hours:
    """The owner's hours; the given ones where what was written can no longer be read."""
    try:
        return Hours.read(text.body, str(text.about.get("zone") or otherwise.zone.key))
    except (ValueError, KeyError):
        log.warning("words.bad_hours", hours=text.body)
        return otherwise


def company_texts(home: Path) -> Mapping[str, str]:
    """Name -> text of what lies in `company/` of the data folder; the sample shop's where nothing does."""
    own = {
        path.stem: path.read_text("utf-8-sig") for path in sorted((home / "company").glob("*")) if path.suffix in KINDS
    }
    if own:
        return own
    sample = resources.files("appliance").joinpath("sample", "company")
    return {
        file.name.removesuffix(".md"): file.read_text("utf-8") for file in sample.iterdir() if file.name.endswith(".md")
    }


def shop(lang: str) -> Mapping[str, Any]:
    """What the widget says of the shop before anything was asked."""
    return {
        "greeting": say("greeting", lang),
        "quick": [say(id, lang) for id in ("quick_delivery", "quick_payment", "quick_manager")],
    }
