"""One dialogue of the sample history as it grows: what the customer writes, and how the assistant answers."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from appliance.core import replies
from appliance.core.company import Passages
from appliance.core.followup import FollowUp
from appliance.core.money import money
from appliance.core.texts import say
from appliance.core.types import Card, Memory, Route, Rung
from appliance.history.goods import Stall, Want
from appliance.history.people import Person, words
from appliance.history.rows import Row, Rows
from appliance.store.plain import cards_plain, memory_plain
from catalog.snapshot import Found
from catalog.wish import Wish

RATED = 0.14  # share of answers that customers press a thumb under
PROSE = 0.62  # share of answers about goods and the company that the model had the time to write


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """By which model and prompt the assistant spoke at some time; `quality` raises thumbs and leads a little."""

    model: str
    prompt: str
    quality: float = 1.0


@dataclass(kw_only=True)
class Talk:
    """A dialogue under way. Every step adds its rows."""

    rows: Rows
    row: Row  # of the conversation
    person: Person
    spoken: Spoken
    stall: Stall
    passages: Passages
    version: str
    dice: random.Random
    at: datetime
    want: Want | None = None
    last_at: datetime = field(init=False)
    wants: list[str] = field(default_factory=list)
    turn: int = 0

    def __post_init__(self) -> None:
        self.last_at = self.at

    @property
    def lang(self) -> str:
        return self.person.lang

    @property
    def cards(self) -> tuple[Card, ...]:
        return self.want.cards if self.want else ()

    def hello(self) -> None:
        self._exchange(self._word("hello"), say("greeting", self.lang, turn=self.turn), route=Route.SMALLTALK)

    def thanks(self) -> None:
        self._exchange(self._word("thanks"), say("thanks", self.lang, turn=self.turn), route=Route.SMALLTALK)

    def stray(self) -> None:
        route = Route.ABUSE if self.dice.random() < 0.15 else Route.OFF_TOPIC
        self._exchange(self._word(route), say(route, self.lang, turn=self.turn), route=route)

    def ask(self) -> None:
        """A product is asked for and found."""
        self.want = self.stall.want(self.lang)
        asked = self._word("ask", what=self.want.what, model=self.want.model)
        self.wants.append(self.want.what)
        self._goods(asked, self.cards)

    def ask_absent(self) -> None:
        """Something that the shop does not sell; some things are wanted again and again."""
        lacked = words()[self.lang]["absent"]
        absent = self.dice.choices(lacked, [1 / (place + 1) for place in range(len(lacked))])[0]
        near = self.stall.want(self.lang).cards[:2] if self.dice.random() < 0.3 else ()
        text = replies.nothing(self._found(absent), near, lang=self.lang, follow=None, turn=self.turn)
        self.wants.append(absent)
        self._exchange(
            self._word("absent_ask", absent=absent), text, route=Route.PRODUCT_SEARCH, cards=near, none=True,
            quick=(say("quick_manager", self.lang),), catalog=self.version,
        )  # fmt: skip

    def follow_up(self) -> None:
        """Price, details, something cheaper or more of what was shown."""
        match self.dice.choice(("price", "price", "details", "cheaper", "more")):
            case "price" | "details" as kind:
                follow = FollowUp(kind=kind, cards=(0,), why=kind)
                text = replies.about_cards(follow, self.cards[:1], lang=self.lang)
                self._exchange(
                    self._word(kind), text, route=Route.PRODUCT_SEARCH, sources=[self.cards[0].sku],
                    catalog=self.version,
                )  # fmt: skip
            case kind:
                assert self.want is not None
                self.want = self.stall.more(self.want, self.lang)
                self._goods(self._word(kind), self.cards, follow=FollowUp(kind="more", why=kind))

    def company(self) -> None:
        question = self._word("company")
        found = self.passages.find(question, limit=1)
        text = replies.passages(found, lang=self.lang)
        prose = bool(found) and self.dice.random() < PROSE
        self._exchange(
            question, text, route=Route.COMPANY, prose=prose, sources=[one.source for one in found], none=not found
        )

    def call_a_person(self) -> None:
        self._exchange(self._word("human"), say("manager_called", self.lang), route=Route.CONTACT)

    def order(self) -> None:
        name = self.cards[0].name if self.cards else ""
        text = say("order_item", self.lang, name=name) if name else say("order", self.lang)
        self._exchange(self._word("order"), text, route=Route.CONTACT, form=True)

    def leave_contacts(self) -> None:
        """By the form in the widget, in words elsewhere."""
        person = self.person
        if self.row["channel"] == "widget" and self.dice.random() < 0.7:
            values = {"name": person.name, "phone": person.phone, "email": person.email}
            asked = self._event("user", "form", payload={"form_id": "contact", "values": values})
            self._answer([asked], say("form_sent", self.lang), route=Route.CONTACT)
        else:
            written = self._word("contact", name=person.name, phone=_spaced(person.phone), email=person.email)
            self._exchange(written, say("contact_noted", self.lang, contact=person.phone), route=Route.CONTACT)

    def agent(self, manager: Row, *, sentences: int, back: bool) -> None:
        """A manager takes over, says something, and hands back or stays."""
        self._wait(40, 500)
        name = manager["name"]
        self._event("system", "state", payload={"mode": "agent", "agent": {"name": name}})
        self._event("system", "text", text=say("manager_joined", self.lang, name=name))
        pool = words()[self.lang]["agent"]
        for text in [pool[0], *self.dice.sample(pool[1:], min(sentences - 1, len(pool) - 1))]:
            self._wait(15, 150)
            filled = text.format(customer=self.person.name, manager=name)
            self._event("agent", "text", text=filled, payload={"agent": name})
            if self.dice.random() < 0.6:
                self._wait(20, 200)
                self._event("user", "text", text=self._word("thanks"))
        if back:
            self._wait(60, 900)
            self._event("system", "state", payload={"mode": "bot", "agent": {}})
            self._event("system", "text", text=say("manager_left", self.lang))
        else:
            self.row |= {"owner": "agent", "agent_id": manager["id"], "agent_at": self.last_at}

    def quotation(self, number_of_lines: int) -> None:
        """The customer asks for the paper; the rows of the paper itself are the lead's."""
        text = f"{say('request_is', self.lang)} {', '.join(card.name for card in self.cards[:number_of_lines])}"
        self._exchange(say("quick_quote", self.lang), f"{text}\n\n{say('quote_next', self.lang)}", route=Route.CONTACT)

    def close(self) -> None:
        """The conversation's row as the last event left it."""
        memory = Memory(lang=self.lang, shown=self.cards, route=Route.PRODUCT_SEARCH if self.cards else "")
        self.row |= {"updated_at": self.last_at, "memory": memory_plain(memory), "read_seq": self.row["last_seq"]}

    def _goods(self, asked: str, cards: Sequence[Card], *, follow: FollowUp | None = None) -> None:
        prose = self.dice.random() < PROSE
        text = replies.goods(self._found(asked), cards, lang=self.lang, follow=follow, turn=self.turn)
        if prose:
            best = cards[0]
            price = say("price_on_request", self.lang)
            if best.price is not None:
                price = money(best.price, best.currency, self.lang)
            text = self._word("prose", name=best.name, price=price, stock=replies.stock(best, self.lang))
        self._exchange(
            asked, text, route=Route.PRODUCT_SEARCH, prose=prose, cards=cards, catalog=self.version,
            quick=replies.quick_for_goods(self.lang, cards=cards, follow=None), sources=[card.sku for card in cards],
        )  # fmt: skip

    def _exchange(self, asked: str, text: str, **about: Any) -> None:
        self._wait(8, 90)
        self._answer([self._event("user", "text", text=asked)], text, **about)

    def _answer(
        self, questions: Sequence[Row], text: str, *, route: Route, prose: bool = False, cards: Sequence[Card] = (),
        quick: Sequence[str] = (), sources: Sequence[str] = (), none: bool = False, catalog: str = "",
        form: bool = False,
    ) -> None:  # fmt: skip
        message, stages = self.rows.id(), self._stages(prose=prose, cards=bool(cards))
        rung = Rung.PROSE if prose else Rung.FORM if form else Rung.TEMPLATE
        about = {"mid": str(message)}
        self.last_at += timedelta(milliseconds=stages["all"])
        if cards:
            self._event("bot", "cards", payload={**about, "items": cards_plain(cards)})
        self._event("bot", "text", text=text, payload=about, id=message, rating=self._rating(none=none))
        if quick:
            self._event("bot", "quick", payload={**about, "items": list(quick)})
        if form:
            self._event("bot", "form", payload={**about, **replies.form(self.lang)})
        for question in questions:
            question["answered_by"] = message
        self.rows.add(
            "answers", message_id=message, route=route, rung=rung, lang=self.lang,
            nothing_found=none, sources=list(sources), catalog_version=catalog,
            prompt_version=self.spoken.prompt if sources else "", model=self.spoken.model if prose else "",
            blocked=int(prose and self.dice.random() < 0.04), stages=stages, at=self.last_at,
        )  # fmt: skip
        self.turn += 1

    def _event(
        self, role: str, kind: str, *, text: str = "", payload: dict[str, Any] | None = None, id: UUID | None = None,
        rating: int | None = None,
    ) -> Row:  # fmt: skip
        self.row["last_seq"] += 1
        return self.rows.add(
            "messages", id=id or self.rows.id(), conversation_id=self.row["id"], seq=self.row["last_seq"], role=role,
            kind=kind, text=text, payload=payload or {}, answered_by=None, rating=rating, at=self.last_at,
        )  # fmt: skip

    def _stages(self, *, prose: bool, cards: bool) -> dict[str, float]:
        """Milliseconds, as a box without a GPU takes them."""
        stages = {"route": round(self.dice.uniform(12, 60), 1)}
        if cards:
            stages["search"] = round(self.dice.lognormvariate(3.6, 0.5), 1)
            stages["cards"] = round(stages["route"] + stages["search"] + 4, 1)
        if prose:
            stages["first_token"] = round(self.dice.lognormvariate(7.2, 0.45), 1)
            stages["first_sentence"] = round(stages["first_token"] + self.dice.lognormvariate(6.8, 0.4), 1)
            stages["prose"] = round(stages["first_sentence"] + self.dice.lognormvariate(7.0, 0.5), 1)
        stages["all"] = round(sum(stages.get(name, 0.0) for name in ("route", "search", "prose")) + 6, 1)
        return stages

    def _rating(self, *, none: bool) -> int | None:
        if self.dice.random() > RATED:
            return None
        good = 0.25 if none else min(0.95, 0.8 * self.spoken.quality)
        return 1 if self.dice.random() < good else -1

    def _found(self, asked: str) -> Found:
        return Found(wish=Wish(text=asked), version=self.version)

    def _word(self, key: str, **values: str) -> str:
        return str(self.dice.choice(words()[self.lang][key])).format(**values)

    def _wait(self, least: float, most: float) -> None:
        self.last_at += timedelta(seconds=self.dice.uniform(least, most))


def _spaced(phone: str) -> str:
    """A number as people write it: "+7 000 555 12 34"."""
    digits = phone[1:]
    code = 1 if digits[0] in "17" else 2
    tail = digits[code + 3 :]
    return " ".join(["+" + digits[:code], digits[code : code + 3], tail[:3], tail[3:]]).strip()
