"""Decides what to say: understands, searches, shows the goods at once, lets the model write what the gate passes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from math import inf
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from appliance.core import calling, language, ordering, replies, routing
from appliance.core.company import Passages
from appliance.core.followup import FollowUp, covers, perhaps, resolve
from appliance.core.leads import talk
from appliance.core.prompt import Prompt
from appliance.core.quote import Request
from appliance.core.texts import say
from appliance.core.types import Card, Claim, Memory, Message, Progress, Reply, Route, Rung
from appliance.core.voice import SHIPPED, Voice
from appliance.dialogue import Show
from appliance.prose import Asking, Brief, Writer
from appliance.remembered import remembered
from appliance.router import Router
from catalog.product import CatalogError
from catalog.shelf import Shelf
from catalog.snapshot import Found, Hit
from catalog.wish import Wish
from models.base import Embedder, ModelError

RELATED = frozenset({"words", "code", "code_beginning"})  # why a near miss is worth showing; likeness alone is not
WRITTEN = frozenset({"text", "quick"})  # kinds of messages that are a customer's words
RECENT = 20  # messages of history that an answer takes into account (MISSION 4.5)
FITS = 0.5  # how much a product that shares words with the message speaks for a search, against 1 for a sure word
AT_ONCE = 1.0  # seconds in which something must be on the screen: prose may take longer only where goods are there
DEEP = 24  # hits searched for, so that "more" has what to show
DEEPER = 240  # where another price is wanted: the cheapest of all that fits are often spare parts, of another kind


@dataclass(kw_only=True)
class Asked:
    """One turn as it is being answered: what was asked, what is known of it, and how long each step took."""

    claim: Claim
    message: UUID
    show: Show
    stopped: asyncio.Event
    text: str
    lang: str = ""
    turn: int = 0
    vector: NDArray[np.float32] | None = None
    follow: FollowUp | None = None
    stages: dict[str, float] = field(default_factory=dict)
    began: float = field(default_factory=time.perf_counter)
    since: float = field(default_factory=time.monotonic)
    voice: Voice = SHIPPED
    prompt: Prompt | None = None  # the one that this dialogue was dealt; None: the writer's own

    @property
    def memory(self) -> Memory:
        return self.claim.memory

    @property
    def history(self) -> Sequence[Message]:
        return [message for message in self.claim.history if message.kind == "text"][-RECENT:]

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self.stages[name] = round((time.perf_counter() - began) * 1000, 1)


class Assistant:
    """Answers claims. Knows no channel and no database."""

    def __init__(
        self,
        *,
        shelf: Shelf,
        embedder: Embedder | None,
        writer: Writer,
        company: Callable[[], Passages],
        default_language: str = "ru",
        region: str = "RU",
        vectors: Path | None = None,
        manned: Callable[[], Awaitable[bool | None]] | None = None,
        voice: Callable[[], Voice] = lambda: SHIPPED,
    ) -> None:
        """`vectors` is a folder for what was embedded once; `region` is whose phone numbers customers dial.

        `manned` tells whether managers are at work now, or None where there are none to call.
        `voice` is what the owner lets it say, as it is now.
        """
        self.shelf = shelf
        self._embedder = embedder
        self._writer = writer
        self._company = company
        self._default_language = default_language
        self._region = region
        self._router = Router(embedder=embedder, taught=lambda: voice().taught, vectors=vectors)
        self._vectors = vectors
        self._manned = manned
        self._voice = voice

    async def answer(self, claim: Claim, *, message: UUID, show: Show, stopped: asyncio.Event) -> Reply:
        """The reply to all questions of a claim; cards and sentences are shown as soon as they are known."""
        text = "\n".join(question.text for question in claim.questions if question.kind != "form").strip()
        asked = Asked(claim=claim, message=message, show=show, stopped=stopped, text=text)
        asked.turn = sum(message.role == "bot" for message in asked.history)
        with asked.stage("language"):
            asked.lang = self._language(claim)
        asked.voice = self._voice()
        if asked.voice.trial:
            asked.prompt = asked.voice.trial.prompt(claim.conversation, claim.memory.prompt)
        told = self._contacts(asked)
        if told.handled and self._ordered(asked, None):  # "send the quote to anna@shop.example" is both
            told = replace(told, handled=False)
        if told.handled:
            reply = self._said(asked, told.said, route=Route.CONTACT)
        else:
            reply = await self._reply(asked)
        if told.said:
            reply = replace(
                reply, text=told.said if told.handled else f"{reply.text}\n\n{told.said}", quick=told.quick, form={}
            )
        if any(question.kind == "form" for question in claim.questions):
            thanks = say("form_sent", asked.lang)
            reply = replace(reply, text=f"{thanks}\n\n{reply.text}" if text else thanks)
        asked.stages["all"] = round((time.perf_counter() - asked.began) * 1000, 1)
        dealt = asked.prompt.version if asked.prompt else ""
        memory = replace(reply.memory, lang=asked.lang, route=reply.route, lead=told.state, prompt=dealt)
        return replace(reply, memory=memory, contacts=told, stages=asked.stages)

    def _contacts(self, asked: Asked) -> talk.Step:
        """What the customer's words mean for the contacts that we have of them."""
        said, consents = _written(asked.claim), asked.voice.consents
        return talk.step(asked.memory.lead, said, lang=asked.lang, region=self._region, consents=consents)

    async def warm(self) -> None:
        """Loads what the first customer would otherwise wait for; a catalogue that is not there yet is no error."""
        if self._embedder is not None:
            await self._router.prototypes()
            passages = self._company()
            if passages.all and passages.vectors is None:
                texts = [f"{passage.heading}\n{passage.text}" for passage in passages.all]
                passages.vectors = await remembered(self._embedder, texts, folder=self._vectors)
        with suppress(CatalogError):
            await self.shelf.search("warm", limit=1)

    def _language(self, claim: Claim) -> str:
        before, hint = claim.memory.lang, claim.hint
        written = "\n".join(_written(claim))
        known = before or hint or self._default_language
        return language.detect(written, before=before, hint=hint) if language.weigh(written) else known

    def give_up(self, claim: Claim) -> Reply:
        """An honest sentence, the form, and a manager."""
        lang = self._language(claim)
        return Reply(
            text=say("error", lang), lang=lang, route=Route.CONTACT, rung=Rung.FORM, form=self._form(lang),
            memory=claim.memory,
        )  # fmt: skip

    def _form(self, lang: str) -> Mapping[str, Any]:
        return replies.form(lang, self._voice().consents)

    async def play(self, turns: Sequence[str]) -> list[dict[str, object]]:
        """A scratch dialogue, for judging: each turn's route, language, SKUs shown, text, rung and milliseconds."""
        from appliance.play import play

        return await play(self, turns)

    async def sort(self, text: str) -> tuple[str, routing.Decision, Sequence[tuple[routing.Example, float]]]:
        """The language and the route of a sentence that begins a dialogue, and the examples that it is like, by their
        cosine; nothing is answered.
        """
        lang = language.detect(text) if language.weigh(text) else self._default_language
        routed = await self._router.route(text, lang=lang, know=lambda: self._evidence(text))
        return lang, self._unweighed(text, lang) or routed.decision, await self._router.nearest(routed)

    def _unweighed(self, text: str, lang: str) -> routing.Decision | None:
        """What is known of a first sentence before anything is weighed."""
        if self._router.said(text):
            return None
        if calling.calls(text, lang=lang):
            return _without_weighing(Route.CONTACT, "person")
        if ordering.ordered(text, lang=lang, shown=()):
            return _without_weighing(Route.CONTACT, "request")
        if self._voice().canned.answer(text, lang):
            return _without_weighing(Route.COMPANY, "answer")
        return None

    async def _reply(self, asked: Asked) -> Reply:
        kinds = {question.kind for question in asked.claim.questions}
        if kinds == {"form"}:
            return self._said(asked, "", route=Route.CONTACT)  # the thanks are all that is said
        if "cta" in kinds:  # managers were called when it was stored
            return self._contact(asked, await self._called(asked))
        taught = self._router.said(asked.text) if kinds <= WRITTEN else None
        if taught and taught.route is not Route.PRODUCT_SEARCH:  # goods may still be a remark on those shown
            return await self._routed(asked)
        if kinds <= WRITTEN and not taught and calling.calls(asked.text, lang=asked.lang):
            return replace(self._contact(asked, await self._called(asked)), calls=True)
        pointed = self._pointed_card(asked)
        if ordered := self._ordered(asked, pointed):
            return ordered
        if pointed:
            return await self._about_pointed(asked, pointed)
        if written := self._written_once(asked):
            return written
        asked.follow = await self._followed(asked)
        if asked.follow and asked.follow.cards:
            cards = [asked.memory.shown[at] for at in asked.follow.cards if at < len(asked.memory.shown)]
            return await self._about(asked, asked.follow, cards)
        if asked.follow and asked.follow.wish:
            return await self._goods(asked, asked.follow.wish)
        return await self._routed(asked)

    async def _followed(self, asked: Asked) -> FollowUp | None:
        """The message as a remark on what was shown; where only the catalogue can tell, it is asked."""
        wish, shown = asked.memory.wish, asked.memory.shown
        if follow := resolve(asked.text, wish=wish, shown=shown, lang=asked.lang, focus=asked.memory.focus):
            return follow
        maybe = perhaps(asked.text, wish=wish, shown=shown, lang=asked.lang)
        if maybe is None or maybe.wish is None:
            return None
        try:
            found = await self.shelf.search(maybe.wish, limit=DEEP)
        except (CatalogError, ModelError):
            return None
        if found.none or found.dropped or not found.hits:
            return None
        best = replies.card(found.hits[0].product, lang=asked.lang, version=found.version)
        text = " ".join((best.name, best.category, *(part for pair in best.attributes for part in pair)))
        return maybe if covers(text, maybe.wish.text) else None

    async def _routed(self, asked: Asked) -> Reply:
        """A message that stands for itself."""
        decision = await self._route(asked)
        match decision.route:
            case Route.PRODUCT_SEARCH:
                return await self._goods(asked, asked.text)
            case Route.COMPANY:
                return await self._company_answer(asked)
            case Route.CONTACT:
                return self._contact(asked, say("contact", asked.lang, turn=asked.turn))
            case Route.SMALLTALK:
                return self._said(
                    asked, replies.smalltalk(asked.text, lang=asked.lang, turn=asked.turn), route=decision.route
                )
            case Route.OFF_TOPIC | Route.ABUSE:
                return self._said(asked, say(decision.route, asked.lang, turn=asked.turn), route=decision.route)

    def _written_once(self, asked: Asked) -> Reply | None:
        """The answer that a manager wrote for this very question, word for word."""
        canned = asked.voice.canned.answer(asked.text, asked.lang)
        if canned is None:
            return None
        reply = self._said(asked, canned.text, route=Route.COMPANY)
        return replace(reply, sources=(canned.name,), quick=(say("quick_manager", asked.lang),))

    async def _route(self, asked: Asked) -> routing.Decision:
        with asked.stage("route"):
            routed = await self._router.route(
                asked.text, lang=asked.lang, history=asked.history, know=lambda: self._evidence(asked.text)
            )
        asked.vector = routed.vector
        if routed.vector is not None:
            asked.stages["embedding"] = routed.embedding
        return routed.decision

    async def _evidence(self, text: str) -> routing.Evidence | None:
        """What the catalogue makes of the message; a later search for the same words is answered from memory."""
        try:
            found = await self.shelf.search(text, limit=DEEP)
        except (CatalogError, ModelError):
            return None
        if found.none or not found.hits:
            return routing.Evidence()
        best = found.hits[0]
        return routing.Evidence(exact=best.exact, score=FITS if RELATED & set(best.reasons) else 0.0)

    async def _goods(self, asked: Asked, wish: Wish | str, *, without: str = "") -> Reply:
        """Products that fit a wish; `without` is the SKU of the one that others are wanted for."""
        try:
            with asked.stage("search"):
                found = await self._search(asked, wish)
                if without:
                    found = replace(found, hits=tuple(hit for hit in found.hits if hit.product.sku != without))
        except CatalogError:
            return self._contact(asked, say("catalog_empty", asked.lang), route=Route.PRODUCT_SEARCH)
        if asked.follow and asked.follow.why in ("cheaper", "dearer") and "price" in found.dropped:
            found = replace(found, none=True, hits=(), dropped=())  # what is left is not cheaper, so it is no answer
        hits = _related(found.near) if found.none else _related(found.hits) or found.hits
        cards = self._cards(asked, found.version, hits)
        memory = Memory(wish=found.wish, shown=cards or asked.memory.shown)
        nothing = found.none or not cards
        if cards:
            await asked.show(Progress(conversation=asked.claim.conversation, message=asked.message, cards=cards))
            asked.stages["cards"] = round((time.perf_counter() - asked.began) * 1000, 1)
        if nothing:
            text = replies.nothing(found, cards, lang=asked.lang, follow=asked.follow, turn=asked.turn)
            reply = self._said(asked, text, route=Route.PRODUCT_SEARCH)
            reply = replace(reply, quick=(say("quick_manager", asked.lang),))
        else:
            text = replies.goods(found, cards, lang=asked.lang, follow=asked.follow, turn=asked.turn)
            reply = await self._told(asked, Brief.goods(cards), text)
            reply = replace(reply, quick=replies.quick_for_goods(asked.lang, cards=cards, follow=asked.follow))
        return replace(
            reply, cards=cards, none=nothing, memory=memory, catalog_version=found.version,
            sources=tuple(card.sku for card in cards),
        )  # fmt: skip

    async def _search(self, asked: Asked, wish: Wish | str) -> Found:
        follow = asked.follow
        limit = DEEPER if _by_price(follow) else DEEP
        found = self._alike(asked, await self.shelf.search(wish, limit=limit))
        for milder in (follow.otherwise, follow.loose) if follow else ():
            if milder is not None and (found.none or found.dropped):
                found = self._alike(asked, await self.shelf.search(milder, limit=limit))
        if follow and follow.loose and not found.none and found.wish.limits == follow.loose.limits:
            found = replace(found, dropped=(*found.dropped, "quantity"))  # it was held as long as it could be
        return found

    def _alike(self, asked: Asked, found: Found) -> Found:
        """Cheaper or dearer is another of the kind that was shown: a cheap spare part for it is no answer."""
        snapshot = self.shelf.current()
        if snapshot is None or not _by_price(asked.follow):
            return found
        shown = (snapshot.product(card.sku) for card in asked.memory.shown)
        kinds = {product.category for product in shown if product and product.category}
        hits = tuple(hit for hit in found.hits if not kinds or hit.product.category in kinds)
        return replace(found, hits=hits, none=found.none or not hits, near=() if not hits else found.near)

    def _cards(self, asked: Asked, version: str, hits: Iterable[Hit]) -> tuple[Card, ...]:
        """The first that fit on the screen and, where more are wanted, are not on it; a hit's product is read here."""
        more = asked.follow is not None and asked.follow.kind == "more"
        seen = {card.sku for card in asked.memory.shown} if more else set()
        cards = (replies.card(hit.product, lang=asked.lang, version=version) for hit in hits)
        return tuple(islice((card for card in cards if card.sku not in seen), replies.CARDS))

    def _pointed_card(self, asked: Asked) -> Card | None:
        """The product behind a card's button, in the version that is live now."""
        question = asked.claim.questions[-1]
        if question.kind not in ("card", "text") or not question.payload.get("ref"):
            return None
        snapshot = self.shelf.current()
        product = snapshot.product(str(question.payload.get("ref", ""))) if snapshot else None
        return replies.card(product, lang=asked.lang, version=snapshot.version) if product and snapshot else None

    async def _about_pointed(self, asked: Asked, card: Card) -> Reply:
        """What was wanted of the product behind a button: others like it, an answer about it, or its facts."""
        question = asked.claim.questions[-1]
        details = FollowUp(kind="details", cards=(0,), why="a card's button")
        if question.payload.get("similar"):
            return await self._goods(asked, card.name, without=card.sku)
        if question.kind == "card":
            return await self._about(asked, details, [card])
        follow = resolve(asked.text, wish=None, shown=(card,), lang=asked.lang)
        if follow and follow.cards and follow.kind != "details":
            reply = await self._about(asked, follow, [card])
        else:
            facts = replies.about_cards(details, [card], lang=asked.lang)
            reply = await self._told(asked, Brief.goods([card]), facts)
        memory = replace(asked.memory, shown=(card,), focus=card.sku)  # the card itself is on the screen already
        return replace(reply, cards=(), memory=memory, sources=(card.sku,), catalog_version=card.catalog_version)

    def _ordered(self, asked: Asked, pointed: Card | None) -> Reply | None:
        """What the customer wants of their request for a quotation; it is done when the reply is stored."""
        if not {question.kind for question in asked.claim.questions} <= WRITTEN:
            return None
        shown = (pointed,) if pointed else asked.memory.shown
        order = ordering.ordered(asked.text, lang=asked.lang, shown=shown)
        if order is None:
            return None
        cards = [shown[at] for at, _ in order.items]
        said = replies.request(order.deed, cards, lang=asked.lang)
        request = Request(
            deed=order.deed,
            said=said,
            items=tuple((shown[at].sku, quantity) for at, quantity in order.items),
            spoken=shown[0].sku if len(shown) == 1 else "",
            quantity=order.quantity,
        )
        reply = replace(self._said(asked, said, route=Route.CONTACT), request=request)
        if order.deed == "quote":
            known = asked.memory.lead.contacts.reachable
            return reply if known else replace(reply, form=self._form(asked.lang), rung=Rung.FORM)
        memory = replace(asked.memory, shown=shown)
        return replace(
            reply, memory=memory, sources=tuple(card.sku for card in cards),
            quick=(say("quick_quote", asked.lang), say("quick_manager", asked.lang)),
        )  # fmt: skip

    async def _about(self, asked: Asked, follow: FollowUp, cards: Sequence[Card]) -> Reply:
        """Something about cards that were shown: straight from their rows, no model needed."""
        text = replies.about_cards(follow, cards, lang=asked.lang)
        route = Route.CONTACT if follow.kind == "order" else Route.PRODUCT_SEARCH
        reply = self._said(asked, text, route=route)
        if follow.kind == "order":
            reply = replace(reply, form=self._form(asked.lang))
        shown = tuple(cards) if len(cards) < len(asked.memory.shown) else ()
        focus = cards[0].sku if len(cards) == 1 else ""
        memory = replace(asked.memory, shown=asked.memory.shown or tuple(cards), focus=focus)
        return replace(reply, cards=shown, memory=memory, sources=tuple(card.sku for card in cards))

    async def _company_answer(self, asked: Asked) -> Reply:
        found = self._company().find(asked.text, asked.vector)
        text = replies.passages(found, lang=asked.lang)
        if not found:
            return self._contact(asked, text, route=Route.COMPANY)
        reply = await self._written(asked, Brief.company(found), text, route=Route.COMPANY, patience=AT_ONCE)
        if reply.rung is Rung.PROSE:
            reply = replace(reply, text=f"{reply.text}\n\n{replies.source(found[0], asked.lang)}")
        return replace(
            reply, sources=tuple(passage.source for passage in found), quick=(say("quick_manager", asked.lang),)
        )

    def _said(self, asked: Asked, text: str, *, route: Route) -> Reply:
        return Reply(text=text, lang=asked.lang, route=route, rung=Rung.TEMPLATE, memory=asked.memory)

    async def _called(self, asked: Asked) -> str:
        """To a customer who asks for a manager: somebody comes, somebody will come, or how to be reached."""
        there = await self._manned() if self._manned else None
        if there is None:
            return say("contact", asked.lang, turn=asked.turn)
        return say("manager_called" if there else "manager_away", asked.lang)

    def _contact(self, asked: Asked, text: str, *, route: Route = Route.CONTACT) -> Reply:
        return Reply(
            text=text, lang=asked.lang, route=route, rung=Rung.FORM, form=self._form(asked.lang), memory=asked.memory
        )

    async def _told(self, asked: Asked, brief: Brief, lead: str) -> Reply:
        """Our own sentence about goods at once, and under it what the model has to say of them."""
        await asked.show(Progress(conversation=asked.claim.conversation, message=asked.message, text=lead))
        asked.stages["lead"] = round((time.perf_counter() - asked.began) * 1000, 1)
        return await self._written(asked, brief, lead, route=Route.PRODUCT_SEARCH, lead=f"{lead}\n\n")

    async def _written(
        self, asked: Asked, brief: Brief, template: str, *, route: Route, lead: str = "", patience: float = inf
    ) -> Reply:
        """Prose, behind `lead`, where the model can write it in time and the gate passes some; else the template."""
        asking = Asking(
            question=asked.text,
            lang=asked.lang,
            history=asked.history,
            said=[question.text for question in asked.claim.questions],
            who=asked.claim.address,
            prompt=asked.prompt,
            since=asked.since,
        )

        async def show(text: str) -> None:
            shown = Progress(conversation=asked.claim.conversation, message=asked.message, text=f"{lead}{text}")
            await asked.show(shown)
            asked.stages.setdefault("text", round((time.perf_counter() - asked.began) * 1000, 1))

        written = await self._writer.write(brief, asking, stopped=asked.stopped, show=show, patience=patience)
        asked.stages.update(written.stages)
        reply = self._said(asked, f"{lead}{written.text}" if written.text else template, route=route)
        if not written.text:  # who was dealt a version counts for it, also where nothing came of it
            return replace(reply, blocked=written.blocked, prompt_version=asked.prompt.version if asked.prompt else "")
        return replace(
            reply, rung=Rung.PROSE, blocked=written.blocked, model=written.model, prompt_version=written.prompt
        )


def _without_weighing(route: Route, why: str) -> routing.Decision:
    return routing.Decision(route=route, confidence=1.0, why=why)


def _by_price(follow: FollowUp | None) -> bool:
    """Whether a remark wants other prices of what was shown, or more of what it got by one."""
    if follow is None:
        return False
    return follow.why in ("cheaper", "dearer") or (
        follow.kind == "more" and follow.wish is not None and follow.wish.order != "relevance"
    )


def _written(claim: Claim) -> list[str]:
    """What the customer wrote in words; forms and buttons hold none."""
    return [question.text for question in claim.questions if question.kind in WRITTEN]


def _related(hits: Sequence[Hit]) -> tuple[Hit, ...]:
    """Those that share a word or a code with the question: a fridge is no answer to a pizza, nor a welder to a pump.

    Across languages a question may share no word with any of its hits; then likeness has to do.
    """
    return tuple(hit for hit in hits if RELATED & set(hit.reasons))
