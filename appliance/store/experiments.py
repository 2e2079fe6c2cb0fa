"""Which dialogues were dealt to which version of a prompt while several were on trial, and how far they came."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.core.figures import Slice
from appliance.core.trial import Trial
from appliance.store.figures import reached
from appliance.store.tables import AuditRow, DigestRow, PromptRow

SHARED = "prompt.share"  # the act by which shares are moved
SETTLED = timedelta(minutes=2)  # after which every process deals by new shares


@dataclass(frozen=True, slots=True, kw_only=True)
class Dealt:
    """Dialogues by version, begun `since` the shares stand as they do; `shares` (0 to 1) leave the live one out."""

    live: str = ""
    shares: Mapping[str, float]
    since: datetime
    counts: Mapping[str, Slice]


class Experiments:
    """The part of a transaction that counts trials."""

    connection: AsyncConnection

    async def dealt(self, trial: Trial | None, name: str) -> Dealt | None:
        """The dialogues of a running trial; None where nothing is compared.

        A dialogue belongs to the version that chance dealt it, also where no model came to answer it: left out, a
        version whose answers seldom pass the gate would be judged by its good days alone.
        """
        if trial is None or not trial.others:
            return None
        since = await self._since(name) + SETTLED
        leads = reached()
        rows = (
            await self.connection.execute(
                select(
                    DigestRow.conversation_id,
                    DigestRow.prompt_version,
                    DigestRow.shown,
                    func.coalesce(leads.c.contact, False),
                    func.coalesce(leads.c.lead, False),
                )
                .outerjoin(leads, leads.c.conversation_id == DigestRow.conversation_id)
                .where(DigestRow.began_at >= since)
            )
        ).all()
        return Dealt(
            live=trial.live.version,
            shares={prompt.version: share / 100 for prompt, share in trial.others},
            since=since,
            counts=await asyncio.to_thread(_counts, trial, rows),
        )

    async def _since(self, name: str) -> datetime:
        """Since when the shares stand: one was set or taken away, or another version became the live one."""
        moment = await self.connection.scalar(
            select(func.max(func.greatest(PromptRow.shared_at, PromptRow.published_at, PromptRow.created_at))).where(
                PromptRow.name == name, or_(PromptRow.live, PromptRow.share > 0)
            )
        )
        moved = await self.connection.scalar(
            select(func.max(AuditRow.at)).where(AuditRow.action == SHARED, AuditRow.before != AuditRow.after)
        )
        assert isinstance(moment, datetime)
        return max(moment, moved) if moved else moment


def _counts(trial: Trial, rows: Sequence[Any]) -> dict[str, Slice]:
    counts: dict[str, Slice] = {}
    for id, before, shown, contact, lead in rows:
        version = trial.prompt(id, before).version
        one = Slice(dialogues=1, shown=int(shown), contacts=int(contact), leads=int(lead))
        counts[version] = counts.get(version, Slice()) + one
    return {version: replace(one, value=version) for version, one in counts.items()}
