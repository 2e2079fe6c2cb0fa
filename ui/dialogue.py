"""The shapes of dialogues on a page: the list, the transcript and the place to write, and what each of them is told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from babel import Locale
from nicegui import ui

from appliance.desk.inbox import Answer, Dialogue, Owner, Turn
from appliance.desk.topics import LONGEST
from ui import parts
from ui.goods import photo_path
from ui.i18n import known
from ui.site import Here

STATIC = Path(__file__).with_name("static")
HEAD = '<link rel="stylesheet" href="/static/inbox.css"><script src="/static/notify.js"></script>'
LANGUAGES = ("ru", "en", "kk", "uz", "uk", "tr", "de", "zh", "be", "ky", "tg", "pl", "es", "fr", "it", "ro")
ROUTES = ("product_search", "company", "contact", "smalltalk", "off_topic", "abuse")
CHANNELS = ("widget", "telegram")
STAGES = ("route", "search", "cards", "first_token", "first_sentence", "prose", "all")
TONES = {"new": "warn", "partial": "warn", "taken": "brand", "later": "", "done": "ok", "draft": ""}

Plain = dict[str, Any]


class Dialogues(ui.element, component=STATIC / "dialogues.js"):
    """The list in the browser."""


class Transcript(ui.element, component=STATIC / "transcript.js"):
    """The transcript in the browser."""


class Composer(ui.element, component=STATIC / "composer.js"):
    """Where a manager writes, with the draft that the browser keeps."""


def give(element: ui.element, **props: Any) -> None:
    """Sends what has changed, and nothing where nothing has."""
    changed = {name: value for name, value in props.items() if element.props.get(name) != value}
    if changed:
        element.props.update(changed)
        element.update()


def line(here: Here, dialogue: Dialogue) -> Plain:
    """A dialogue as the list shows it."""
    say = here.say
    owner = parts.owner_chip(here, dialogue.owner, dialogue.agent_name, mine=dialogue.agent == here.actor.id)
    tags = []
    if dialogue.lead:
        tags.append({"text": say(f"leads.status_{dialogue.lead}"), "tone": TONES.get(dialogue.lead, "")})
    if dialogue.rating is not None and dialogue.rating < 0:
        tags.append({"text": say("conversations.disliked"), "tone": "bad"})
    if dialogue.bad:
        tags.append({"text": say("conversations.marked"), "tone": "bad"})
    return {
        "id": str(dialogue.id), "who": customer(here, dialogue),
        "when": here.write.lately(dialogue.at), "text": _last(here, dialogue), "found": dialogue.found,
        "owner": owner, "tags": tags, "unread": dialogue.unread,
        "by": f"{channel(here, dialogue.channel)} · {dialogue.lang.upper()}",
    }  # fmt: skip


def bubbles(here: Here, turns: Sequence[Turn]) -> list[Plain]:
    """Messages as the transcript shows them: an answer with its goods and buttons is one."""
    shown: list[Plain] = []
    day = asked = ""
    for turn in turns:
        said = turn.message
        if said.kind == "state" or (said.role == "bot" and said.kind == "form"):
            continue
        about = str(said.payload.get("mid", "")) if said.role == "bot" else ""
        if about and shown and shown[-1]["id"] == about:
            _join(here, shown[-1], turn)
            continue
        bubble = _bubble(here, turn, about or str(said.id))
        asked = said.text if said.role == "user" else asked
        if bubble["answer"] and asked:
            bubble["answer"]["teach"] = f"/topics?{urlencode({'say': asked[:LONGEST]})}"
        today = here.write.day(said.at)
        bubble["day"], day = (today, today) if today != day else ("", day)
        shown.append(bubble)
    return shown


def customer(here: Here, dialogue: Dialogue) -> str:
    """By name, else by the last signs of the dialogue's id, so that two strangers can be told apart."""
    return dialogue.customer or here.say("conversations.somebody", n=dialogue.id.hex[-4:].upper())


def channel(here: Here, name: str) -> str:
    id = f"conversations.channel_{name}"
    return here.say(id) if known(id) else name


def language(here: Here, code: str) -> str:
    """A language by its name: "Kazakh"."""
    return str(Locale(here.lang).languages.get(code, code))


def options(here: Here, names: Iterable[str], prefix: str, anything: str) -> dict[str, str]:
    """A choice of these, or of anything."""
    return {"": here.say(anything)} | {name: here.say(f"{prefix}{name}") for name in names}


def place(here: Here, conversation: UUID | str) -> str:
    """Under which name the browser keeps the draft of this person for this dialogue."""
    return f"{here.actor.id}-{conversation}"


def _last(here: Here, dialogue: Dialogue) -> str:
    words = " ".join(dialogue.text.split()) or here.say("conversations.sent_form")
    return words if dialogue.role == "user" else f"{here.say(f'conversations.role_{dialogue.role}')}: {words}"


def _bubble(here: Here, turn: Turn, id: str) -> Plain:
    said = turn.message
    side = said.role if said.role in ("user", "bot", "agent", "system") else "system"
    who = str(said.payload.get("agent") or "") if side == "agent" else ""
    bubble: Plain = {
        "id": id, "side": side, "who": who or here.say(f"conversations.role_{side}"), "when": here.write.time(said.at),
        "text": "", "cards": [], "values": [], "options": [], "answer": None, "rating": 0, "mark": "", "comment": "",
    }  # fmt: skip
    _join(here, bubble, turn)
    return bubble


def _join(here: Here, bubble: Plain, turn: Turn) -> None:
    """Adds a message to the bubble that it belongs to."""
    said = turn.message
    match said.kind:
        case "cards":
            bubble["cards"] = [_card(here, item) for item in said.payload.get("items", ())]
        case "quick" if said.role == "bot":
            bubble["options"] = [str(item) for item in said.payload.get("items", ())]
        case "form":
            values = said.payload.get("values") or {}
            bubble["values"] = [[_field(here, name), str(value)] for name, value in values.items() if value]
            bubble["text"] = said.text if not bubble["values"] else ""
        case _:
            words = said.text.replace("**", "") if said.role == "bot" else said.text
            bubble["text"] = words or here.say("conversations.sent_other", kind=said.kind)
    if turn.answer:
        bubble["answer"] = _answer(here, turn.answer)
        bubble["rating"] = turn.rating or 0
        bubble["mark"] = here.say(f"conversations.reason_{turn.mark}") if turn.mark else ""
        bubble["comment"] = turn.comment


def _field(here: Here, name: str) -> str:
    id = f"conversations.field_{name}"
    return here.say(id) if known(id) else name


def _card(here: Here, item: Mapping[str, Any]) -> Plain:
    price, stock = _number(item.get("price")), _number(item.get("stock"))
    currency = str(item.get("currency", ""))
    shown = here.say("conversations.on_request")
    if price is not None:
        shown = money(here, price, currency)
    left = here.say("conversations.stock_unknown")
    if stock is not None:
        left = here.say("conversations.stock", n=here.write.number(stock), unit=item.get("unit", ""))
    return {
        "sku": str(item.get("sku", "")),
        "name": str(item.get("name", "")),
        "price": shown,
        "stock": left,
        "photo": photo_path(str(item.get("photo") or ""), str(item.get("version") or "")),
    }


def money(here: Here, amount: Decimal, currency: str) -> str:
    """An amount as price lists have it: cents only where there are any."""
    shown = here.write.money(amount, currency) if currency else here.write.number(amount)
    if amount == amount.to_integral_value():
        shown = shown.replace(",00", "").replace(".00", "")
    return re.sub(r"(?<=[A-Z])(?=\d)", "\u202f", shown)  # a code is no sign: "RUB 12,500"


def _number(text: object) -> Decimal | None:
    try:
        return None if text is None else Decimal(str(text))
    except InvalidOperation:
        return None


def _answer(here: Here, answer: Answer) -> Plain:
    say, write = here.say, here.write
    took = answer.stages.get("all", 0.0)
    seconds = say("conversations.seconds", n=write.number(round(took / 1000, 1 if took >= 100 else 2)))
    route = _named(here, "route", answer.route)
    by = answer.model or _named(here, "rung", answer.rung)
    stages = ", ".join(f"{_named(here, 'stage', name)} {write.number(round(answer.stages[name]))}" for name in STAGES
                       if name in answer.stages)  # fmt: skip
    facts = [
        (say("conversations.route"), route + (f", {say('conversations.nothing_found')}" if answer.nothing else "")),
        (say("conversations.rung"), _named(here, "rung", answer.rung)), (say("conversations.model"), answer.model),
        (say("conversations.prompt"), answer.prompt_version), (say("conversations.catalogue"), answer.catalog_version),
        (say("conversations.sources"), ", ".join(answer.sources)),
        (say("conversations.blocked"), write.number(answer.blocked) if answer.blocked else ""),
        (say("conversations.stages"), stages),
    ]  # fmt: skip
    return {"line": f"{route} · {by} · {seconds}", "facts": [list(fact) for fact in facts if fact[1]]}


def _named(here: Here, kind: str, name: str) -> str:
    id = f"conversations.{kind}_{name}"
    return here.say(id) if known(id) else name


__all__ = [
    "CHANNELS", "HEAD", "LANGUAGES", "ROUTES", "TONES", "Composer", "Dialogues", "Owner", "Transcript", "bubbles",
    "channel", "customer", "give", "language", "line", "money", "options", "place",
]  # fmt: skip
