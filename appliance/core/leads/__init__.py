"""Contacts picked up from what a customer wrote: by rules, because a small model takes seconds and invents digits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from appliance.core.leads import firms, mails, needs, people, phones
from appliance.core.leads.whose import Candidate, chosen

LONGEST_NEED = needs.LONGEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Contacts:
    """Who wrote, and what they wanted; empty where they did not say. `phone` is E.164."""

    name: str = ""
    phone: str = ""
    email: str = ""
    company: str = ""
    need: str = ""

    @property
    def reachable(self) -> bool:
        return bool(self.phone or self.email)


def extract(messages: Sequence[str], *, region: str) -> Contacts:
    """The contacts in a customer's messages, oldest first; `region` (ISO 3166) is whose national numbers they dial."""
    found_phones = phones.found(messages, region)
    found_mails = list(mails.found(messages))
    contacts = [
        [(one.start, one.end) for one in (*found_phones, *found_mails) if one.message == at]
        for at in range(len(messages))
    ]
    name = people.name(messages, contacts=contacts) or ""
    return Contacts(
        name=name,
        phone=_value(chosen(found_phones, messages)),
        email=_value(chosen(found_mails, messages)),
        company=firms.company(messages) or "",
        need=needs.need(messages, contacts, name=name),
    )


def _value(best: Candidate | None) -> str:
    return best.value if best else ""


def extract_record(row: Mapping[str, Any]) -> dict[str, Any]:
    """A line of `leads extract`: id, region and messages in; id, name, phone, email, company and need out."""
    found = extract([str(message) for message in row.get("messages", ())], region=str(row.get("region") or "RU"))
    values = {name: getattr(found, name) or None for name in ("name", "phone", "email", "company", "need")}
    return {"id": row.get("id"), **values}
