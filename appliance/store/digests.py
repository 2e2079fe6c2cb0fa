"""Takes each dialogue together once it has changed, so that figures are counted from one small row each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.core.demand import key
from appliance.core.filters import Trouble
from appliance.store.tables import WantRow

LATE = timedelta(minutes=10)  # a transaction that took longer to commit than this is found by the next sweep

DUE = """
    SELECT c.id, c.updated_at FROM conversations AS c LEFT JOIN digests AS d ON d.conversation_id = c.id
    WHERE c.last_seq > 0 AND d.seen_at IS DISTINCT FROM c.updated_at
      AND (c.updated_at, c.id) > (:after_at, CAST(:after_id AS uuid))
    ORDER BY c.updated_at, c.id LIMIT :limit
"""
DIGEST = """
    WITH due AS (SELECT id, channel, lang, updated_at FROM conversations WHERE id = ANY(:ids)),
    asked AS (SELECT conversation_id AS id, min(at) AS began_at, count(*) AS questions FROM messages
              WHERE conversation_id = ANY(:ids) AND role = 'user' GROUP BY 1),
    answered AS (SELECT m.conversation_id AS id, m.seq, a.route, a.prompt_version, a.model
                 FROM messages AS m JOIN answers AS a ON a.message_id = m.id WHERE m.conversation_id = ANY(:ids)),
    topics AS (SELECT DISTINCT ON (id) id, route FROM answered GROUP BY id, route
               ORDER BY id, route = 'smalltalk', count(*) DESC, min(seq)),
    written AS (SELECT DISTINCT ON (id) id, prompt_version, model FROM answered
                WHERE prompt_version <> '' OR model <> '' ORDER BY id, seq),
    cards AS (SELECT conversation_id AS id, COALESCE(payload -> 'items' -> 0 ->> 'category', '') AS category,
                     count(*) AS times, min(seq) AS seq
              FROM messages WHERE conversation_id = ANY(:ids) AND kind = 'cards' GROUP BY 1, 2),
    shown AS (SELECT DISTINCT ON (id) id, category FROM cards ORDER BY id, category = '', times DESC, seq)
    INSERT INTO digests (conversation_id, began_at, seen_at, channel, lang, topic, category, prompt_version, model,
                         questions, shown)
    SELECT due.id, began_at, updated_at, channel, lang, COALESCE(route, ''), COALESCE(category, ''),
           COALESCE(prompt_version, ''), COALESCE(model, ''), questions, shown.id IS NOT NULL
    FROM due JOIN asked USING (id) LEFT JOIN topics USING (id) LEFT JOIN written USING (id) LEFT JOIN shown USING (id)
    ON CONFLICT (conversation_id) DO UPDATE SET
        began_at = excluded.began_at, seen_at = excluded.seen_at, channel = excluded.channel, lang = excluded.lang,
        topic = excluded.topic, category = excluded.category, prompt_version = excluded.prompt_version,
        model = excluded.model, questions = excluded.questions, shown = excluded.shown
"""
# An answer fails to give what was asked for in one of three ways. What is out of stock counts where the first card,
# which fits best, is out: an unknown stock is null, and no reason to buy more.
FAILED = """
    SELECT m.id, m.conversation_id, m.at, a.lang, a.route, a.nothing_found,
           cards.item ->> 'sku' AS sku, cards.item ->> 'name' AS name,
           (SELECT string_agg(q.text, ' ' ORDER BY q.seq) FROM messages AS q
            WHERE q.conversation_id = m.conversation_id AND q.answered_by = m.id AND q.kind <> 'form') AS question
    FROM messages AS m JOIN answers AS a ON a.message_id = m.id
    LEFT JOIN LATERAL (SELECT c.payload -> 'items' -> 0 AS item FROM messages AS c
                       WHERE c.conversation_id = m.conversation_id AND c.kind = 'cards'
                         AND c.payload ->> 'mid' = m.id::text LIMIT 1) AS cards ON true
    WHERE m.conversation_id = ANY(:ids)
      AND NOT EXISTS (SELECT 1 FROM wants WHERE wants.message_id = m.id)
      AND (a.nothing_found OR (a.route = 'company' AND a.rung = 'form')
           OR (a.route = 'product_search' AND CAST(cards.item ->> 'stock' AS numeric) <= 0))
"""


class Place(NamedTuple):
    """A dialogue's place in the order of last changes."""

    at: datetime
    id: UUID


START = Place(datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0))


class Digests:
    """The part of a transaction that takes dialogues together. All of it is safe twice."""

    connection: AsyncConnection

    async def news_begin(self) -> Place:
        """The place behind which all lies that is newer than the newest digest."""
        last = await self.connection.scalar(text("SELECT max(seen_at) FROM digests"))
        return Place(last - LATE, START.id) if last else START

    async def digest_after(self, place: Place, *, limit: int) -> tuple[int, Place]:
        """Digests the changed dialogues next after a place; gives how many there were, and the place of the last.

        A dialogue without a word of its customer has no digest, and stays changed.
        """
        rows = (
            await self.connection.execute(text(DUE), {"after_at": place.at, "after_id": place.id, "limit": limit})
        ).all()
        if not rows:
            return 0, place
        ids = [row.id for row in rows]
        await self.connection.execute(text(DIGEST), {"ids": ids})
        await self._note_wants(ids)
        return len(rows), Place(rows[-1].updated_at, rows[-1].id)

    async def _note_wants(self, conversations: Sequence[UUID]) -> None:
        failed = (await self.connection.execute(text(FAILED), {"ids": list(conversations)})).all()
        if not failed:
            return
        wants = await asyncio.to_thread(lambda: [_want(row) for row in failed])
        await self.connection.execute(upsert(WantRow).on_conflict_do_nothing(), wants)


def _want(row: Any) -> dict[str, Any]:
    out = not row.nothing_found and row.route != "company"
    kind = Trouble.OUT if out else Trouble.ABSENT if row.nothing_found else Trouble.UNANSWERED
    return {
        "message_id": row.id,
        "conversation_id": row.conversation_id,
        "kind": kind,
        "key": row.sku or "" if out else key(row.question or ""),
        "name": row.name or "" if out else "",
        "lang": row.lang,
        "at": row.at,
    }
