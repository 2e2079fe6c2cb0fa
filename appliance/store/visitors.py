"""Browsers with the widget: a session is opened once, and resumed only by who holds its token."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.core.types import Visit
from appliance.store.errors import WrongToken
from appliance.store.tables import ConversationRow, UserRow, VisitorRow

TOKEN_LIFE = timedelta(days=30)  # facts/ui.md, protocol v1


class Visitors:
    """The part of a transaction that knows the widget's sessions."""

    connection: AsyncConnection

    async def visit(self, *, sid: str, token: str, lang: str, page: Mapping[str, Any]) -> Visit:
        """Resumes a session or opens a new one; raises `WrongToken` for a token that does not fit its session."""
        if not sid:
            return await self._open(lang, page)
        row = (
            await self.connection.execute(
                select(VisitorRow.token_hash, VisitorRow.conversation_id, ConversationRow.last_seq)
                .join(ConversationRow, ConversationRow.id == VisitorRow.conversation_id)
                .where(VisitorRow.sid == sid, VisitorRow.seen_at > func.now() - TOKEN_LIFE)
            )
        ).first()
        if row is None or not hmac.compare_digest(row.token_hash, _hash(token)):
            raise WrongToken
        await self.connection.execute(update(VisitorRow).where(VisitorRow.sid == sid).values(seen_at=func.now()))
        return Visit(sid=sid, token=token, conversation=row.conversation_id, resumed=True, last_seq=row.last_seq)

    async def _open(self, lang: str, page: Mapping[str, Any]) -> Visit:
        sid, token = secrets.token_urlsafe(12), secrets.token_urlsafe(24)
        user = await self.connection.scalar(insert(UserRow).values(lang=lang).returning(UserRow.id))
        conversation = await self.connection.scalar(
            insert(ConversationRow)
            .values(channel="widget", address=sid, lang=lang, user_id=user)
            .returning(ConversationRow.id)
        )
        assert isinstance(conversation, UUID)
        await self.connection.execute(
            insert(VisitorRow).values(sid=sid, token_hash=_hash(token), conversation_id=conversation, page=dict(page))
        )
        return Visit(sid=sid, token=token, conversation=conversation, resumed=False, last_seq=0)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
