"""Prompts in the database: every version kept, one live."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.core.prompt import Prompt
from appliance.store.tables import PromptRow


class Words:
    """The part of a transaction that knows prompts."""

    connection: AsyncConnection

    async def live_prompt(self, name: str) -> Prompt | None:
        row = (await self.connection.execute(select(PromptRow).where(PromptRow.name == name, PromptRow.live))).first()
        return Prompt(name=row.name, version=row.version, body=row.body) if row else None

    async def keep_prompt(self, prompt: Prompt) -> None:
        """Adds a version; a version that is there already stays as it is."""
        await self.connection.execute(
            upsert(PromptRow)
            .values(name=prompt.name, version=prompt.version, body=prompt.body)
            .on_conflict_do_nothing(index_elements=["name", "version"])
        )

    async def publish_prompt(self, name: str, version: str) -> None:
        await self.connection.execute(
            update(PromptRow).where(PromptRow.name == name, PromptRow.live).values(live=False)
        )
        await self.connection.execute(
            update(PromptRow).where(PromptRow.name == name, PromptRow.version == version).values(live=True)
        )
