"""Tells managers and administrators something of the house: by Telegram and by mail, each in their language."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from appliance.core.notices import Notice, written
from appliance.core.types import Staff
from appliance.leads import ASIDE, MAIL, TELEGRAM
from appliance.store.store import Transaction

Say = Callable[[str], Notice]  # the notice in a language


async def tell(tx: Transaction, say: Say, *, only: Sequence[Staff] | None = None) -> int:
    """Owes it to everybody, or to these alone, by each way that they have; gives to how many people."""
    heard = 0
    for person in await tx.crew() if only is None else only:
        body = written(say(person.lang))
        if person.telegram_id is not None:
            await tx.post(channel=TELEGRAM, address=str(person.telegram_id), kind=ASIDE, body=body)
        if person.email:
            await tx.post(channel=MAIL, address=person.email, kind=ASIDE, body=body)
        heard += person.telegram_id is not None or bool(person.email)
    return heard
