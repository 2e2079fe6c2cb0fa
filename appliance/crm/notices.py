"""Tells managers and administrators of leads that the CRM does not take, and how the pushes go: by the outbox."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from appliance.core.notices import word
from appliance.core.types import Staff
from appliance.crm.words import reason
from appliance.leads import ASIDE, MAIL, TELEGRAM
from appliance.store.crm_report import Tally
from appliance.store.store import Transaction

AGAIN = timedelta(hours=1)  # between two notices of the same trouble: a fault of an hour is one message, not hundreds

REPORT = time(9)  # of the house's day


async def tell_held(tx: Transaction, *, now: datetime) -> bool:
    """One notice when leads are held that nobody has heard of; True when one was owed."""
    account = await tx.crm_account()
    if account is None or (account.told_at and account.told_at > now - AGAIN):
        return False
    held = await tx.crm_held(since=account.told_at)
    if not held:
        return False
    total = (await tx.crm_tally(since=now)).held
    for person in await tx.crew():
        await _tell(tx, person, "crm_held", {"n": total, "why": reason(held[0].why, person.lang)})
    await tx.crm_mark(account.kind, "told_at", now)
    return True


async def tell_report(tx: Transaction, *, now: datetime, since: timedelta) -> bool:
    """How the pushes of the time since the last report went."""
    account = await tx.crm_account()
    if account is None:
        return False
    tally = await tx.crm_tally(since=now - since)
    for person in await tx.crew():
        await _tell(tx, person, "crm_report", plain(tally))
    await tx.crm_mark(account.kind, "reported_at", now)
    return True


def report_due(now: datetime, last: datetime, every: str, zone: str) -> bool:
    """Whether a report's hour has passed since the last: nine in the morning, on Mondays where `every` is weekly."""
    local = now.astimezone(ZoneInfo(zone))
    due = datetime.combine(local.date(), REPORT, local.tzinfo)
    if every == "weekly":
        due -= timedelta(days=due.weekday())
    if due > now:
        due -= timedelta(days=7 if every == "weekly" else 1)
    return last < due


def plain(tally: Tally) -> dict[str, int]:
    """The figures of a report as a sentence takes them; the lag in minutes."""
    return {
        "sent": tally.sent, "queued": tally.queued, "held": tally.held,
        "lag": int(tally.lag.total_seconds() // 60),
    }  # fmt: skip


async def _tell(tx: Transaction, person: Staff, id: str, values: dict[str, object] | dict[str, int]) -> None:
    if person.telegram_id is not None:
        body = {"word": id, "values": dict(values)}
        await tx.post(channel=TELEGRAM, address=str(person.telegram_id), kind=ASIDE, body=body)
    if person.email:
        text = word(id, person.lang, **values)
        heading = word(f"{id}_heading", person.lang, **values)
        await tx.post(channel=MAIL, address=person.email, kind=ASIDE, body={"heading": heading, "text": text})
