"""What a CRM is told of a lead: our fields as texts, and what has happened since it was last told."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from appliance.core.leads.words import first_names
from appliance.core.types import Known, Lead
from appliance.crm.base import Case, Note
from appliance.crm.words import word, words
from appliance.logs import masked
from appliance.quotes import KEPT, LINK
from appliance.store.crm_queue import Said
from appliance.store.leads import Status
from appliance.store.store import Transaction

LINE = 300  # characters of an utterance in a summary
TALK = 12000  # characters of all of them: a Zoho text area takes 32,000, a note 65,535
LATELY = timedelta(minutes=10)  # for which Zoho's search may not know of a record; seconds as a rule, minutes seen
CHANGES = ("name", "phone", "email", "company", "need")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the CRM knows after a push."""

    noted: int
    quotes: tuple[int, ...]


class Stories:
    """Reads a lead with its dialogue. `chat` and `console` are the addresses of the two for links."""

    def __init__(self, *, lang: str, chat: str = "", console: str = "") -> None:
        self._lang, self._chat, self._console = lang, chat, console

    async def case(self, tx: Transaction, lead: Lead, kind: str, *, again: bool) -> tuple[Case, Told]:
        """The lead as it is now, and what has to be told of it that the CRM has not been told.

        Who has not agreed leaves the house as nobody: no contacts, and none in what they wrote.
        """
        known = await tx.crm_known(lead.id, kind)
        here = await tx.conversation(lead.conversation) if lead.conversation else None
        said = await tx.crm_said(lead.conversation, after=known.noted) if lead.conversation else []
        address = here.address if here else ""
        if not lead.consent_version:
            lead = replace(lead, name="", phone="", email="", company="", need=masked(lead.need))
            address = ""
            said = [replace(one, text=masked(one.text)) for one in said]
        quotes = await tx.crm_quotes(lead.id)
        new = {number: id for number, id in quotes.items() if number not in known.quotes}
        values = self._values(lead, quotes=tuple(quotes), channel=here.channel if here else "", address=address)
        links = {n: await self._link(tx, n, str(id)) for n, id in new.items()} if known.remote else {}
        note = self._note(lead, known, values, said, links) if known.remote else None
        if not known.remote:
            values["summary"] = self._summary(values, said)
        lately = await tx.crm_lately(lead.id, phone=lead.phone, email=lead.email, within=LATELY)
        told = Told(noted=max([known.noted, *(one.seq for one in said)]), quotes=tuple(quotes))
        return Case(lead=lead, values=values, known=known, note=note, again=again, lately=lately), told

    def _values(self, lead: Lead, *, quotes: Sequence[int], channel: str, address: str) -> dict[str, str]:
        first, last = split(lead.name)
        nobody = lead.company or word("nobody", self._lang, mark=lead.id.hex[:8])
        where = words(self._lang).get(f"channel_{channel}", channel)
        return {
            "request_id": lead.id.hex, "name": lead.name, "first_name": first, "last_name": last or nobody,
            "company": lead.company or word("no_company", self._lang), "phone": lead.phone, "email": lead.email,
            "need": lead.need, "products": ", ".join(lead.products),
            "quotes": ", ".join(f"№ {number}" for number in quotes), "channel": where,
            "telegram": address.partition("/")[0] if channel == "telegram" else "", "lang": lead.lang,
            "source": lead.source, "status": lead.status, "consent": lead.consent_version,
            "link": f"{self._console}/leads/{lead.id}" if self._console else "",
            "created": lead.created.isoformat() if lead.created else "",
        }  # fmt: skip

    def _summary(self, values: Mapping[str, str], said: Sequence[Said]) -> str:
        """The first thing that people in the CRM read of a lead."""
        consent = values["consent"] or word("no_consent", self._lang)
        heads = [
            *(word("summary", self._lang, need=values["need"]) for _ in [0] if values["need"]),
            *(word("products", self._lang, products=values["products"]) for _ in [0] if values["products"]),
            *(word("quotes", self._lang, quotes=values["quotes"]) for _ in [0] if values["quotes"]),
            word("consent", self._lang, consent=consent),
            word("source", self._lang, channel=values["channel"] or "-"),
            *([values["link"]] if values["link"] else []),
        ]
        return "\n".join([*heads, *self._talk(said)])

    def _note(
        self, lead: Lead, known: Known, values: Mapping[str, str], said: Sequence[Said], links: Mapping[int, str]
    ) -> Note | None:
        """What is new: contacts, quotations, words; None where nothing is."""
        told = known.sent
        changes = [
            word(f"note_{name}", self._lang, value=getattr(lead, name))
            for name in CHANGES
            if getattr(lead, name) and getattr(lead, name) != told.get(name, "")
            and not (name == "company" and values["company"] == told.get("company"))
        ]  # fmt: skip
        spoke = any(one.role in ("user", "agent") for one in said)
        if not (changes or links or spoke):
            return None
        about = [*changes, *map(str, links), *(str(one.seq) for one in said)]
        mark = f"[{lead.id.hex[:8]}-{hashlib.sha256(repr(about).encode()).hexdigest()[:6]}]"  # alike for each attempt
        text = "\n".join([*changes, *links.values(), *(self._talk(said) if spoke else [])])
        return Note(title=f"{word('note_title', self._lang)} {mark}", text=text, mark=mark)

    def _talk(self, said: Sequence[Said]) -> list[str]:
        """The dialogue in lines, the newest that have room."""
        lines: list[str] = []
        room = TALK
        for one in reversed(said):
            text = " ".join(one.text.split())
            who = word({"user": "customer"}.get(one.role, one.role), self._lang)
            line = f"{one.at:%d.%m %H:%M} {who}: {text if len(text) <= LINE else text[:LINE] + '…'}"
            if (room := room - len(line)) < 0:
                lines.append(word("earlier", self._lang))
                break
            lines.append(line)
        return ["", word("talk", self._lang), *lines[::-1]] if lines else []

    async def _link(self, tx: Transaction, number: int, id: str) -> str:
        """Opens the quotation's paper for whoever reads the note."""
        key = await tx.make_link(LINK, {"quote": id}, life=KEPT)
        return word("note_quote", self._lang, number=number, link=f"{self._chat}/quotes/{id}.pdf?key={key}")


def owed(lead: Lead) -> bool:
    """Whether a CRM gets this lead: the same that managers are told of. Contacts not agreed to are a draft."""
    return lead.status != Status.DRAFT


def split(name: str) -> tuple[str, str]:
    """(given name, surname). One word is a surname to a CRM, which requires one; names in doubt go first name first."""
    parts = name.split()
    if len(parts) < 2:
        return "", name.strip()
    known = first_names()
    if parts[0].casefold() not in known and parts[1].casefold() in known:  # surname first, as forms have it
        return " ".join(parts[1:]), parts[0]
    return parts[0], " ".join(parts[1:])
