"""The console's parts for what is answered: the catalogue's desk, the words' desk, and the model to try words on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cached_property

from appliance.app.parts import embedder, language_model, owner, shelf
from appliance.assistant import Assistant
from appliance.core.prompt import Prompt, default_prompt
from appliance.core.voice import Voice
from appliance.desk.catalogue import CatalogueDesk
from appliance.desk.topics import Sorted
from appliance.desk.words import Tried, WordsDesk
from appliance.play import TryOut, sort
from appliance.prose import Writer
from appliance.settings import Settings
from appliance.shop import company_texts, embed_passages
from appliance.store.store import Store
from catalog.shelf import Shelf

PATIENT = timedelta(seconds=90)  # whoever tries a prompt wants to read what it says, however slow the box


def catalogue_desk(settings: Settings, store: Store) -> CatalogueDesk:
    return CatalogueDesk(store=store, shelf=shelf(settings), home=settings.home, limit=settings.upload_limit << 20)


class Answering:
    """The assistant as customers have it, for the desk to try words and sentences on.

    Model and catalogue are opened with the first try-out, not with the console.
    """

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self.said = owner(settings, store)
        self._prompts = TryOut()

    async def prompt(self, prompt: Prompt, question: str) -> Tried:
        """What a prompt makes of a question."""
        await self._look()
        self._prompts.assistant = self._prompts.assistant or self._assistant(self._prompts.voice)
        return await self._prompts(prompt, question)

    async def sentence(self, text: str) -> Sorted:
        """What a sentence is taken to be about."""
        await self._look()
        return await sort(self._live, text)

    @cached_property
    def _live(self) -> Assistant:
        return self._assistant(lambda: self.said.now.voice)

    @cached_property
    def _shelf(self) -> Shelf:
        return shelf(self._settings)

    async def _look(self) -> None:
        """What the owner has written since."""
        await self.said.look()
        folder = self._settings.home / "cache" / "vectors"
        await embed_passages(self.said.now.passages, embedder(self._settings), folder)

    def _assistant(self, voice: Callable[[], Voice]) -> Assistant:
        settings = self._settings
        return Assistant(
            shelf=self._shelf,
            embedder=embedder(settings),
            writer=Writer(llm=language_model(settings), prompt=default_prompt(), patience=PATIENT),
            company=lambda: self.said.now.passages,
            vectors=settings.home / "cache" / "vectors",
            default_language=settings.default_language,
            region=settings.region,
            voice=voice,
        )


def words_desk(settings: Settings, store: Store, answering: Answering) -> WordsDesk:
    return WordsDesk(
        store=store,
        shipped=lambda: company_texts(settings.home),
        try_=answering.prompt,
        hours=settings.work_hours,
        zone=settings.timezone,
    )
