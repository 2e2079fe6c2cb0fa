"""Prompts in the database: every version kept, drafts beside them, one live, others with a share of the dialogues."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, case, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.core.prompt import Prompt
from appliance.core.trial import Trial
from appliance.store.tables import PromptRow, UserRow


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptVersion:
    """A version of a prompt with its history; `share` is per cent of the dialogues, beside the live one."""

    name: str
    version: str
    body: str
    live: bool
    draft: bool
    share: int
    shared_at: datetime | None
    note: str
    author: str  # the person's name; empty for what shipped, or where they are gone
    published_at: datetime | None
    created_at: datetime


class Words:
    """The part of a transaction that knows prompts."""

    connection: AsyncConnection

    async def live_prompt(self, name: str) -> Prompt | None:
        row = (await self.connection.execute(select(PromptRow).where(PromptRow.name == name, PromptRow.live))).first()
        return Prompt(name=row.name, version=row.version, body=row.body) if row else None

    async def trial(self, name: str) -> Trial | None:
        """The live prompt and those that have a share beside it; None before the first was published."""
        rows = await self.connection.execute(
            select(PromptRow)
            .where(PromptRow.name == name, PromptRow.live | (PromptRow.share > 0))
            .order_by(PromptRow.created_at, PromptRow.version)
        )
        live, others = None, []
        for row in rows:
            prompt = Prompt(name=row.name, version=row.version, body=row.body)
            if row.live:
                live = prompt
            else:
                others.append((prompt, row.share))
        return Trial(live=live, others=tuple(others)) if live else None

    async def keep_prompt(self, prompt: Prompt, *, author: UUID | None = None, note: str = "") -> None:
        """Adds a version; a version that is there already stays as it is."""
        await self.connection.execute(
            upsert(PromptRow)
            .values(name=prompt.name, version=prompt.version, body=prompt.body, author=author, note=note)
            .on_conflict_do_nothing(index_elements=["name", "version"])
        )

    async def keep_draft(self, prompt: Prompt, *, author: UUID, note: str) -> bool:
        """Adds a draft or changes it; False where the version is published and must not change."""
        kept = upsert(PromptRow).values(
            name=prompt.name, version=prompt.version, body=prompt.body, draft=True, author=author, note=note
        )
        done = await self.connection.execute(
            kept.on_conflict_do_update(
                index_elements=["name", "version"],
                set_={"body": prompt.body, "author": author, "note": note, "created_at": func.clock_timestamp()},
                where=PromptRow.draft.is_(True),
            ).returning(PromptRow.id)
        )
        return done.scalar() is not None

    async def drop_draft_prompt(self, name: str, version: str) -> bool:
        done = await self.connection.execute(
            delete(PromptRow).where(PromptRow.name == name, PromptRow.version == version, PromptRow.draft)
        )
        return bool(done.rowcount)

    async def publish_prompt(self, name: str, version: str) -> None:
        """Makes a version the live one; it has no share of its own then, and is no draft any more."""
        await self.connection.execute(
            update(PromptRow).where(PromptRow.name == name, PromptRow.live).values(live=False)
        )
        await self.connection.execute(
            update(PromptRow)
            .where(PromptRow.name == name, PromptRow.version == version)
            .values(live=True, draft=False, share=0, shared_at=None, published_at=func.clock_timestamp())
        )

    async def share_prompts(self, name: str, shares: Mapping[str, int]) -> None:
        """Gives versions their shares, all others none; a share that stays keeps the moment since when it is."""
        wanted = case(*((PromptRow.version == version, share) for version, share in shares.items()), else_=0)
        moment = case((wanted == 0, None), (wanted == PromptRow.share, PromptRow.shared_at), else_=func.now())
        await self.connection.execute(
            update(PromptRow)
            .where(PromptRow.name == name, PromptRow.version.in_(list(shares)) | (PromptRow.share > 0))
            .values(share=wanted, shared_at=moment, draft=case((wanted > 0, False), else_=PromptRow.draft))
        )

    async def prompt(self, name: str, version: str) -> PromptVersion | None:
        row = (await self.connection.execute(_select(name).where(PromptRow.version == version))).first()
        return _version(row) if row else None

    async def prompts(self, name: str, *, limit: int = 100) -> list[PromptVersion]:
        """Drafts first, then the live one, then the newest."""
        order = (PromptRow.draft.desc(), PromptRow.live.desc(), PromptRow.created_at.desc(), PromptRow.version)
        return [_version(row) for row in await self.connection.execute(_select(name).order_by(*order).limit(limit))]

    async def prompt_before(self, name: str) -> str | None:
        """The version that was live before the one that is."""
        row = await self.connection.execute(
            select(PromptRow.version)
            .where(PromptRow.name == name, ~PromptRow.live, PromptRow.published_at.is_not(None))
            .order_by(PromptRow.published_at.desc())
            .limit(1)
        )
        return row.scalar()


def _select(name: str) -> Any:
    who = func.coalesce(UserRow.name, "").label("person")
    return select(PromptRow, who).outerjoin(UserRow, UserRow.id == PromptRow.author).where(PromptRow.name == name)


def _version(row: Row[Any]) -> PromptVersion:
    values = {name: getattr(row, name) for name in PromptVersion.__slots__ if name != "author"}
    return PromptVersion(**values, author=row.person)
