"""Links: a token leaves the house once, is good for one thing, and only its hash stays."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.store.tables import LinkRow

TOKEN_BYTES = 16  # 128 bits; 22 characters, so that a prefix of up to 42 fits into Telegram's 64


class Links:
    """The part of a transaction that knows links."""

    connection: AsyncConnection

    async def make_link(self, kind: str, payload: Mapping[str, Any], *, life: timedelta) -> str:
        """A new token for `use_link`; drops the ones that nobody can use any more."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        await self.connection.execute(delete(LinkRow).where(LinkRow.expires_at < func.now() - timedelta(days=1)))
        await self.connection.execute(
            insert(LinkRow).values(
                token_hash=_hash(token), kind=kind, payload=dict(payload), expires_at=func.now() + life
            )
        )
        return token

    async def seen_link(self, kind: str, token: str) -> Mapping[str, Any] | None:
        """What a link of many uses was made for; None when it is unknown, too old, or of another kind."""
        payload = await self.connection.scalar(
            select(LinkRow.payload).where(
                LinkRow.token_hash == _hash(token), LinkRow.kind == kind, LinkRow.expires_at > func.now()
            )
        )
        return payload if isinstance(payload, dict) else None

    async def use_link(self, kind: str, token: str) -> Mapping[str, Any] | None:
        """What the link was made for; None when it is unknown, too old, used before, or of another kind."""
        payload = await self.connection.scalar(
            update(LinkRow)
            .where(
                LinkRow.token_hash == _hash(token),
                LinkRow.kind == kind,
                LinkRow.used_at.is_(None),
                LinkRow.expires_at > func.now(),
            )
            .values(used_at=func.now())
            .returning(LinkRow.payload)
        )
        return payload if isinstance(payload, dict) else None


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
