"""A history of a few dialogues, told in the test that counts them: each row is written as the product writes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert, update

from appliance.store.store import Store
from appliance.store.tables import AnswerRow, ConversationRow, LeadRow, MessageRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A customer's words and the answer to them; `cards` are (sku, category, stock)."""

    text: str
    route: str = "product_search"
    rung: str = "template"
    cards: Sequence[tuple[str, str, str | None]] = ()
    none: bool = False
    prompt: str = ""
    model: str = ""
    rating: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """One dialogue; its turns are a minute apart. `lead` are the columns of its lead."""

    at: datetime
    turns: Sequence[Turn]
    channel: str = "widget"
    lang: str = "ru"
    owner: str = "bot"
    lead: Mapping[str, Any] = field(default_factory=dict)
    id: UUID = field(default_factory=uuid4)


async def tell(store: Store, *talks: Talk) -> None:
    async with store.transaction() as tx:
        for talk in talks:
            await _tell(tx.connection, talk)


async def _tell(connection: Any, talk: Talk) -> None:
    seq, last = 0, talk.at
    await connection.execute(
        insert(ConversationRow).values(
            id=talk.id, channel=talk.channel, address=str(talk.id), lang=talk.lang, owner=talk.owner,
            created_at=talk.at, updated_at=talk.at,
        )
    )  # fmt: skip
    for minute, turn in enumerate(talk.turns):
        answer, last = uuid4(), talk.at + timedelta(minutes=minute)
        said = {"conversation_id": talk.id, "at": last}
        items = [
            {"sku": sku, "name": f"Name of {sku}", "category": category, "stock": stock}
            for sku, category, stock in turn.cards
        ]
        rows = [{**said, "id": uuid4(), "role": "user", "kind": "text", "text": turn.text, "answered_by": answer}]
        if items:
            cards = {"mid": str(answer), "items": items}
            rows.append({**said, "id": uuid4(), "role": "bot", "kind": "cards", "payload": cards})
        rows.append({**said, "id": answer, "role": "bot", "kind": "text", "text": "…", "rating": turn.rating})
        for row in rows:
            seq += 1
            await connection.execute(insert(MessageRow).values(seq=seq, **row))
        await connection.execute(
            insert(AnswerRow).values(
                message_id=answer, route=turn.route, rung=turn.rung, lang=talk.lang, nothing_found=turn.none,
                prompt_version=turn.prompt, model=turn.model, at=last,
            )
        )  # fmt: skip
    await connection.execute(
        update(ConversationRow).where(ConversationRow.id == talk.id).values(last_seq=seq, updated_at=last)
    )
    if talk.lead:
        await connection.execute(insert(LeadRow).values(conversation_id=talk.id, created_at=last, **talk.lead))
