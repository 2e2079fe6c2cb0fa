"""Tells managers and administrators how the CRM takes leads: what is held, that it went through, and how it goes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from appliance.core.figures import Period
from appliance.core.notices import Notice, word
from appliance.core.report import Write
from appliance.crew import tell
from appliance.crm.words import reason
from appliance.store.crm_report import Held, Tally
from appliance.store.store import Transaction

AGAIN = timedelta(hours=1)  # between two notices of the same trouble: a fault of an hour is one message, not hundreds
SMOOTH = timedelta(minutes=2)  # a push that is no older than this is on its way
REASONS = 5  # that a report names
MANY = 200  # held leads that are looked through for a reason's words


async def tell_held(tx: Transaction, *, now: datetime) -> bool:
    """One notice when leads are held that nobody has heard of; True when one was owed."""
    account = await tx.crm_account()
    if account is None or (account.told_at and account.told_at > now - AGAIN):
        return False
    held = await tx.crm_held(since=account.told_at)
    if not held:
        return False
    total = (await tx.crm_tally(since=now)).held
    await tell(tx, lambda lang: _short("crm_held", lang, n=total, why=reason(held[0].why, lang)))
    await tx.crm_mark(account.kind, "told_at", now)
    return True


async def tell_well(tx: Transaction, *, now: datetime) -> bool:
    """One notice when nothing is held any more, to those who have heard that something was."""
    account = await tx.crm_account()
    if account is None or account.told_at is None or (account.well_at and account.well_at >= account.told_at):
        return False
    oldest = await tx.crm_oldest()  # what was resumed may be held again
    if account.trouble or (oldest and oldest < now - SMOOTH):
        return False
    sent = (await tx.crm_tally(since=account.told_at)).sent
    await tell(tx, lambda lang: _short("crm_well", lang, n=sent))
    await tx.crm_mark(account.kind, "well_at", now)
    return True


async def report(tx: Transaction, period: Period, *, console: str = "") -> Callable[[str], Notice] | None:
    """How the pushes of a period went, in any language; None where there is no CRM."""
    if await tx.crm_account() is None:
        return None
    tally = await tx.crm_tally(since=period.since, until=period.until)
    held = await tx.crm_held(limit=MANY)
    return lambda lang: _report(tally, held, period, lang, console)


def _report(tally: Tally, held: list[Held], period: Period, lang: str, console: str) -> Notice:
    write = Write(lang)
    usual = "–" if tally.median is None else _lasting(tally.median, lang)
    lines = [
        (word("crm_sent", lang), write.number(tally.sent)),
        (word("crm_queued", lang), write.number(tally.queued)),
        (word("crm_lag", lang), _lasting(tally.lag, lang) if tally.queued else word("crm_no_lag", lang)),
        (word("crm_usual", lang), usual),
        (word("crm_failed", lang), word("crm_of", lang, failed=tally.failed, attempts=tally.attempts)),
        (word("crm_kept", lang), write.number(tally.held)),
    ]
    for id, count in tally.reasons[:REASONS]:
        if why := next((one.why for one in held if one.why.get("id") == id), None):
            lines.append((word("crm_why", lang, n=count), reason(why, lang)))
    return Notice(
        heading=word("crm_report_heading", lang, sent=tally.sent, held=tally.held, period=write.period(period)),
        lines=tuple(lines),
        link=f"{console}/crm" if console else "",
        link_text=word("open", lang),
        footer=word("footer", lang),
    )


def _short(id: str, lang: str, **values: object) -> Notice:
    """A sentence, with its heading."""
    return Notice(
        heading=word(f"{id}_heading", lang, **values),
        lines=(("", word(id, lang, **values)),),
        footer=word("footer", lang),
    )


def _lasting(span: timedelta, lang: str) -> str:
    """In seconds, minutes or hours, whichever says it best."""
    seconds = max(round(span.total_seconds()), 0)
    unit, size = next((one for one in (("hours", 3600), ("minutes", 60)) if seconds >= 2 * one[1]), ("seconds", 1))
    return word(f"lasting_{unit}", lang, n=seconds // size)
