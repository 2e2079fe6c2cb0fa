"""How contacts that a customer mentioned become a lead: read back to them, consent asked apart, then passed on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from typing import Any

from phonenumbers import NumberParseException, PhoneNumberFormat, format_number, parse

from appliance.core import consent
from appliance.core.consent import ALL_SHIPPED, Consents
from appliance.core.leads import Contacts, extract
from appliance.core.leads.words import table
from appliance.core.lexicon import normal
from appliance.core.texts import ids, languages, say

CONSENT = consent.SHIPPED
NOBODY = Contacts()
LONGEST_ANSWER = 6  # words: whoever writes more than this has moved on


class Asked(StrEnum):
    """What the customer was last asked about their contacts."""

    NOTHING = ""
    RIGHT = "right"  # whether the contacts were read rightly
    CONSENT = "consent"  # whether they may be kept and passed on


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What is known of the customer between two answers; part of the conversation's memory."""

    contacts: Contacts = NOBODY
    asked: Asked = Asked.NOTHING
    consent: str = ""  # the version of the text that they were last asked to agree to


NOBODY_KNOWN = State()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One turn of it. `said` and `quick` are for the customer; `handled` when that is the whole answer."""

    state: State
    said: str = ""
    quick: tuple[str, ...] = ()
    handled: bool = False
    noted: bool = False  # the contacts changed: a draft is kept
    passed: bool = False  # confirmed and agreed to: a lead
    erased: bool = False  # consent refused: the draft goes
    consent: str = CONSENT  # the version of the text that the customer has answered to


def step(state: State, messages: Sequence[str], *, lang: str, region: str, consents: Consents = ALL_SHIPPED) -> Step:
    """What the customer's new messages mean for their contacts."""
    text = "\n".join(messages)
    if state.asked in (Asked.RIGHT, Asked.CONSENT) and (answer := _answer(text)) is not None:
        return _answered(state, answer, lang, consents)
    if normal(text).strip(" .!") in table("answers")["cancel"]:
        return Step(state=State(contacts=state.contacts), said=say("ack", lang), handled=True)
    found = extract(messages, region=region)
    merged = merge(state.contacts, found)
    if not found.reachable and not (state.asked is Asked.RIGHT and merged != state.contacts):
        # A name alone is kept in mind; it is read back with the phone.
        # A question that the customer passed over is not asked again by itself.
        return Step(state=State(contacts=merged))
    new = State(contacts=merged, asked=Asked.RIGHT)
    if _reach(merged) == _reach(state.contacts) and state.asked is not Asked.RIGHT:
        return Step(state=replace(state, contacts=merged))  # said again what was passed on before
    said = say("lead_confirm", lang, contact=written(merged))
    quick = (say("quick_right", lang), say("quick_wrong", lang))
    alone = not found.need and not any("?" in text for text in messages)  # then there is nothing else to answer
    return Step(state=new, said=said, quick=quick, noted=True, handled=alone)


def _answered(state: State, yes: bool, lang: str, consents: Consents) -> Step:
    if state.asked is Asked.RIGHT and yes:
        quick = (say("quick_agree", lang), say("quick_disagree", lang))
        asked = replace(state, asked=Asked.CONSENT, consent=consents.text(lang).version)
        return Step(state=asked, said=consents.asked(lang), quick=quick, handled=True)
    if state.asked is Asked.RIGHT:
        cleared = State(contacts=replace(state.contacts, phone="", email=""))
        return Step(state=cleared, said=say("lead_again", lang), handled=True, noted=True)
    if yes:
        said = say("lead_passed", lang, contact=written(state.contacts))
        agreed = state.consent or CONSENT
        return Step(state=State(contacts=state.contacts), said=said, handled=True, passed=True, consent=agreed)
    refused = state.consent or CONSENT
    return Step(state=State(), said=say("lead_dropped", lang), handled=True, erased=True, consent=refused)


def merge(known: Contacts, new: Contacts) -> Contacts:
    """What was said later holds; what was not said again stays. The need is kept by the conversation itself."""
    return Contacts(
        name=new.name or known.name,
        phone=new.phone or known.phone,
        email=new.email or known.email,
        company=new.company or known.company,
    )


def written(contacts: Contacts) -> str:
    """The contacts as they are read back: "Иван, +7 903 111-22-33, ivan@firm.ru"."""
    parts = (contacts.name, contacts.company, international(contacts.phone), contacts.email)
    return ", ".join(part for part in parts if part)


def international(phone: str) -> str:
    """E.164 as people read it."""
    try:
        return format_number(parse(phone), PhoneNumberFormat.INTERNATIONAL) if phone else ""
    except NumberParseException:
        return phone


def plain(state: State) -> dict[str, Any]:
    """The state as JSON."""
    contacts = state.contacts
    known = {name: getattr(contacts, name) for name in ("name", "phone", "email", "company")}
    asked = {"asked": state.asked.value, **({"consent": state.consent} if state.consent else {})}
    return {**{name: value for name, value in known.items() if value}, **asked}


def from_plain(values: Mapping[str, Any]) -> State:
    known = {name: str(values.get(name, "")) for name in ("name", "phone", "email", "company")}
    consent = str(values.get("consent", ""))
    return State(contacts=Contacts(**known), asked=Asked(values.get("asked", "")), consent=consent)


def _reach(contacts: Contacts) -> tuple[str, str]:
    return contacts.phone, contacts.email


def _answer(text: str) -> bool | None:
    """Yes, no, or something else, in any of the languages; the quick replies count as said in words."""
    words = normal(text).strip(" .!,)").replace(",", "")
    if len(words.split()) > LONGEST_ANSWER:
        return None
    yes, no = _answers()
    return True if words in yes else False if words in no else None


@cache
def _answers() -> tuple[frozenset[str], frozenset[str]]:
    said: tuple[list[str], list[str]] = (list(table("answers")["yes"]), list(table("answers")["no"]))
    for words, keys in zip(said, (("quick_right", "quick_agree"), ("quick_wrong", "quick_disagree")), strict=True):
        words += [say(key, lang) for lang in languages() for key in keys if key in ids(lang)]
    yes, no = (frozenset(normal(word).strip(" .!").replace(",", "") for word in words) for words in said)
    return yes, no
