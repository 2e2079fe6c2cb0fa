"""What customers asked for lately, for those who try a new catalogue on it."""

from __future__ import annotations

from sqlalchemy import func, select

from appliance.core.types import Route
from appliance.store.store import Transaction
from appliance.store.tables import AnswerRow, MessageRow

LONGEST = 300  # characters; longer messages are letters rather than questions


async def recent_questions(tx: Transaction, limit: int = 200) -> list[str]:
    """The newest questions that were answered from the catalogue, each once (case and outer spaces apart)."""
    said = func.lower(func.btrim(MessageRow.text))
    rows = await tx.connection.execute(
        select(func.max(func.btrim(MessageRow.text)))
        .join(AnswerRow, AnswerRow.message_id == MessageRow.answered_by)
        .where(
            MessageRow.role == "user",
            MessageRow.kind == "text",
            AnswerRow.route == Route.PRODUCT_SEARCH,
            func.length(MessageRow.text).between(2, LONGEST),
        )
        .group_by(said)
        .order_by(func.max(MessageRow.at).desc(), said)
        .limit(limit)
    )
    return [str(text) for (text,) in rows]
