"""What comes of a dialogue in the sample history: a lead in some state, a quotation, a manager at work."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from appliance.core.leads.talk import CONSENT
from appliance.core.quote import Line, lines_plain
from appliance.core.types import Card
from appliance.history.people import words
from appliance.history.rows import Row
from appliance.history.talk import Talk
from appliance.store.plain import cards_plain

QUOTED = 0.35  # share of leads with a quotation
OUTCOMES = ("won", "won", "won", "price", "price", "stock", "silent", "silent", "other")
FRESH = timedelta(days=2)
STATES = {  # status -> weight, of leads of the last two days and of older ones
    True: {"new": 34, "partial": 22, "taken": 26, "later": 10, "done": 5, "draft": 3},
    False: {"done": 82, "taken": 7, "later": 4, "partial": 4, "new": 2, "draft": 1},
}


def lead(talk: Talk, *, now: datetime, manager: Row) -> None:
    """The dialogue's lead, with how it went on."""
    dice, customer = talk.dice, talk.person
    states = STATES[now - talk.at < FRESH]
    status = dice.choices(list(states), list(states.values()))[0]
    quoted = dice.random() < QUOTED and status not in ("draft", "partial")
    if quoted:
        talk.quotation(2)
    elif dice.random() < 0.5:
        talk.order()
    source = "quote" if quoted else dice.choice(("idle", "quote")) if status == "partial" else _source(talk)
    reachable = status != "partial"
    if reachable:
        talk.leave_contacts()
    heard = talk.last_at
    acted = min(heard + timedelta(minutes=dice.lognormvariate(3.2, 0.9)), now)
    values: dict[str, Any] = {
        "id": talk.rows.id(), "conversation_id": talk.row["id"], "source": source, "status": status,
        "name": customer.name if reachable else "", "phone": customer.phone if reachable else "",
        "email": customer.email if reachable and dice.random() < 0.4 else "",
        "company": customer.company if reachable else "", "need": _need(talk),
        "products": cards_plain(talk.cards), "lang": talk.lang, "until_seq": talk.row["last_seq"],
        "consent_version": CONSENT if reachable else "", "consent_at": heard if reachable else None,
        "assigned_to": manager["id"] if status in ("taken", "later", "done") else None, "announced_at": heard,
        "escalated_at": heard + timedelta(minutes=15) if status in ("partial", "new") else None,
        "call_at": now + timedelta(hours=dice.randint(3, 72)) if status == "later" else None,
        "closed_at": acted + timedelta(hours=dice.randint(1, 90)) if status == "done" else None,
        "created_at": heard, "updated_at": acted,
        "outcome": dice.choice(OUTCOMES) if status == "done" else "",
    }  # fmt: skip
    if values["closed_at"] and values["closed_at"] > now:
        values["closed_at"] = now
    values["updated_at"] = values["closed_at"] or values["updated_at"]
    talk.rows.add("leads", **values)
    _papers(talk, values, quoted=quoted)
    _acts(talk, values, manager, acted)


def takeover(talk: Talk, manager: Row, *, back: bool) -> None:
    """What the audit log says of it."""
    begun = talk.last_at - timedelta(minutes=10)
    _act(talk, manager, "conversation.take_over", talk.row["id"], begun, before={"owner": "bot"})
    if back:
        _act(talk, manager, "conversation.hand_back", talk.row["id"], talk.last_at, before={"owner": "agent"})


def _papers(talk: Talk, lead: Row, *, quoted: bool) -> None:
    """Consent and quotation, where there are any."""
    if lead["consent_at"]:
        talk.rows.add(
            "consents", id=talk.rows.id(), conversation_id=lead["conversation_id"], version=CONSENT, lang=talk.lang,
            given=True, how="form" if lead["source"] == "form" else "talk", at=lead["consent_at"],
        )  # fmt: skip
    if quoted and talk.cards:
        lines = [_line(talk, card) for card in talk.cards[: talk.dice.randint(1, 3)]]
        talk.rows.add(
            "quotations", id=talk.rows.id(), conversation_id=lead["conversation_id"], lead_id=lead["id"],
            lang=talk.lang, catalog_version=talk.version, lines=lines_plain(lines),
            valid_until=lead["created_at"] + timedelta(days=7), at=lead["created_at"],
        )  # fmt: skip


def _line(talk: Talk, card: Card) -> Line:
    quantity = talk.dice.choice((1, 1, 2, 3, 5, 10))
    return Line(
        sku=card.sku, name=card.name, quantity=Decimal(quantity), unit=card.unit, price=card.price,
        currency=card.currency,
    )  # fmt: skip


def _acts(talk: Talk, lead: Row, manager: Row, acted: datetime) -> None:
    if not lead["assigned_to"]:
        return
    _act(talk, manager, "lead.taken", lead["id"], acted, before={"status": "new"}, after={"status": "taken"})
    if lead["status"] in ("later", "done"):
        at = lead["closed_at"] or acted + timedelta(minutes=5)
        after = {"status": lead["status"], **({"outcome": lead["outcome"]} if lead["outcome"] else {})}
        _act(talk, manager, f"lead.{lead['status']}", lead["id"], at, before={"status": "taken"}, after=after)


def _act(
    talk: Talk, manager: Row, action: str, subject: UUID, at: datetime, *, before: Row | None = None,
    after: Row | None = None,
) -> None:  # fmt: skip
    talk.rows.add(
        "audit", user_id=manager["id"], action=action, subject=str(subject), before=before or {}, after=after or {},
        at=at,
    )  # fmt: skip


def _source(talk: Talk) -> str:
    return "form" if talk.row["channel"] == "widget" and talk.dice.random() < 0.6 else "talk"


def _need(talk: Talk) -> str:
    return str(words()[talk.lang]["need"]).format(what=", ".join(dict.fromkeys(talk.wants)))
