"""The console's parts for what is answered: the catalogue's desk, the words' desk, and the model to try words on."""

from __future__ import annotations

from datetime import timedelta

from appliance.app.parts import embedder, language_model, owner, shelf
from appliance.assistant import Assistant
from appliance.core.prompt import Prompt, default_prompt
from appliance.desk.catalogue import CatalogueDesk
from appliance.desk.words import Tried, WordsDesk
from appliance.play import TryOut
from appliance.prose import Writer
from appliance.settings import Settings
from appliance.shop import company_texts, embed_passages
from appliance.store.store import Store

PATIENT = timedelta(seconds=90)  # whoever tries a prompt wants to read what it says, however slow the box


def catalogue_desk(settings: Settings, store: Store) -> CatalogueDesk:
    return CatalogueDesk(store=store, shelf=shelf(settings), home=settings.home, limit=settings.upload_limit << 20)


def words_desk(settings: Settings, store: Store) -> WordsDesk:
    """The model and the catalogue to try prompts on are opened with the first try-out, not with the console."""
    said, trying = owner(settings, store), TryOut()

    def assistant() -> Assistant:
        return Assistant(
            shelf=shelf(settings),
            embedder=embedder(settings),
            writer=Writer(llm=language_model(settings), prompt=default_prompt(), patience=PATIENT),
            company=lambda: said.now.passages,
            vectors=settings.home / "cache" / "vectors",
            default_language=settings.default_language,
            region=settings.region,
            voice=trying.voice,
        )

    async def try_(prompt: Prompt, question: str) -> Tried:
        await said.look()
        await embed_passages(said.now.passages, embedder(settings), settings.home / "cache" / "vectors")
        trying.assistant = trying.assistant or assistant()
        return await trying(prompt, question)

    return WordsDesk(
        store=store,
        shipped=lambda: company_texts(settings.home),
        try_=try_,
        hours=settings.work_hours,
        zone=settings.timezone,
    )
