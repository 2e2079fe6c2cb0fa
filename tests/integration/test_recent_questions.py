"""What customers asked lately, as a rehearsal takes it from the database."""

from __future__ import annotations

from sqlalchemy import insert

from appliance.store.questions import recent_questions
from appliance.store.store import Store
from appliance.store.tables import AnswerRow, ConversationRow, MessageRow


async def ask(store: Store, address: str, *exchanges: tuple[str, str]) -> None:
    """A conversation of (question, route of its answer)."""
    async with store.transaction() as tx:
        add = tx.connection.execute
        chat = await tx.connection.scalar(
            insert(ConversationRow).values(channel="widget", address=address).returning(ConversationRow.id)
        )
        for seq, (text, route) in enumerate(exchanges):
            reply = await tx.connection.scalar(
                insert(MessageRow)
                .values(conversation_id=chat, seq=2 * seq + 1, role="assistant", text="…")
                .returning(MessageRow.id)
            )
            await add(insert(AnswerRow).values(message_id=reply, route=route, rung="prose", lang="ru"))
            await add(
                insert(MessageRow).values(conversation_id=chat, seq=2 * seq, role="user", text=text, answered_by=reply)
            )


async def test_recent_questions_are_those_about_goods_newest_first_and_once(store: Store) -> None:
    await ask(store, "a", ("насос 3 кВт", "product_search"), ("где вы находитесь?", "company"))
    await ask(store, "b", ("Подшипник 6205", "product_search"), ("  Насос 3 кВт ", "product_search"))
    await ask(store, "c", ("x" * 400, "product_search"))
    async with store.transaction() as tx:
        found = await recent_questions(tx)
        newest = await recent_questions(tx, limit=1)
    assert [text.lower() for text in found] == ["насос 3 квт", "подшипник 6205"]
    assert newest == found[:1]
