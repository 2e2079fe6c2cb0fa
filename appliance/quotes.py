"""Gathers what a customer wants quoted, and makes the quotation: in the transaction that stores the answer to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date

from appliance.core.money import money
from appliance.core.quote import LONGEST, Line, Quote, Request, totals
from appliance.core.texts import say
from appliance.core.types import Card, Claim, Parcel, Reply
from appliance.leads import Leads
from appliance.paper.sheet import Letterhead, file_name
from appliance.store.store import Store, Transaction

DOCUMENT = "document"  # the kind of parcel that brings a paper to a chat
FORMS: dict[str, str] = {
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
LINK = "quote"  # kind of the links that open a paper
KEPT = timedelta(days=30)  # that a link opens a paper whose prices no longer hold
AT_ONCE = 2  # papers drawn at the same time; a long one takes a second of one core

Goods = Callable[[Sequence[str], str], tuple[str, dict[str, Card]]]  # SKUs, language -> live version, cards by SKU
Form = Literal["pdf", "xlsx"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file as it is handed over."""

    name: str
    kind: str
    contents: bytes


class Quotes:
    """The house's rules for requests and quotations. Prices are those that the live catalogue shows to customers."""

    def __init__(
        self, *, goods: Goods, leads: Leads, days: int = 7, head: Letterhead | None = None, address: str = ""
    ) -> None:
        """A quotation holds for `days`; `address` is where browsers reach the chat, for links to the papers."""
        self._goods, self._leads, self._life = goods, leads, timedelta(days=days)
        self._head = head or Letterhead()
        self._address = address
        self._room = asyncio.Semaphore(AT_ONCE)

    async def add(self, tx: Transaction, conversation: UUID, card: Card) -> str:
        """Puts one piece in; gives a short sentence about it in the customer's language."""
        here = await tx.conversation(conversation)
        lang = here.lang if here else ""
        items = await tx.basket(conversation)
        items = await tx.put(conversation, card.sku, items.get(card.sku, Decimal(0)) + 1)
        if card.sku not in items:
            return say("request_full", lang, n=LONGEST)
        quantity = format(items[card.sku].normalize(), "f")
        return say(
            "request_pressed", lang, name=card.name, quantity=quantity, n=len(items), quote=say("quick_quote", lang)
        )

    async def apply(self, tx: Transaction, claim: Claim, reply: Reply) -> tuple[Reply, Quote | None]:
        """Does what the reply's request asks, and has the reply say what came of it; gives a quotation if one is made.

        Call it in the transaction that stores the reply, so that both happen once.
        """
        request = reply.request
        if request is None:
            return reply, None
        before = await tx.basket(claim.conversation)
        for sku, quantity in request.items:
            match request.deed:
                case "remove":
                    have = Decimal(0)
                case "quote":  # "a quotation for two of them" is two, also where one was gathered before
                    have = quantity
                case _:
                    have = before.get(sku, Decimal(0)) + quantity
            before = await tx.put(claim.conversation, sku, have)
        if request.quantity and len(before) == 1:
            await tx.put(claim.conversation, next(iter(before)), request.quantity)
        quote = await self._made(tx, claim, request, reply.lang) if request.deed == "quote" else None
        if request.deed == "clear":
            await tx.clear(claim.conversation)
        said = await self._said(tx, claim, request, quote, reply.lang)
        return replace(reply, text=reply.text.replace(request.said, said, 1) if said else reply.text), quote

    async def owe(self, tx: Transaction, claim: Claim, message: UUID, quote: Quote) -> None:
        """The papers as parcels, after the answer `message`, wherever the dialogue goes on."""
        here = await tx.conversation(claim.conversation)
        for form in FORMS:
            if here:
                body = {"quote": str(quote.id), "form": form, "message": str(message)}
                await tx.post(channel=here.channel, address=here.address, kind=DOCUMENT, body=body)

    async def document(self, quote: Quote, form: Form) -> Document:
        """The paper itself; it is drawn beside the event loop."""
        async with self._room:
            contents = await asyncio.to_thread(_draw, quote, form, self._head)
        return Document(name=file_name(quote, form), kind=FORMS[form], contents=contents)

    async def opened(self, store: Store, id: UUID, form: str, key: str) -> Document | None:
        """The paper behind a link; None for a wrong or old key, whichever of it is wrong."""
        async with store.transaction() as tx:
            about = await tx.seen_link(LINK, key)
            quote = await tx.quote(id) if about and about.get("quote") == str(id) else None
        return await self.document(quote, _form(form)) if quote and form in FORMS else None

    async def file(self, store: Store, parcel: Parcel) -> Document | None:
        """What a parcel of the kind `DOCUMENT` brings; None when the quotation was erased meanwhile."""
        async with store.transaction() as tx:
            quote = await tx.quote(UUID(parcel.body["quote"]))
        return await self.document(quote, _form(parcel.body["form"])) if quote else None

    async def _made(self, tx: Transaction, claim: Claim, request: Request, lang: str) -> Quote | None:
        """A quotation of the basket, or of the card spoken of; the last one where nothing was added since."""
        items = await tx.basket(claim.conversation)
        if not items:
            last = await tx.last_quote(claim.conversation)
            known = {line.sku: line.quantity for line in last.lines} if last else {}
            if last and (request.spoken in known or not request.spoken):
                if request.quantity is None or len(known) > 1 or request.quantity in known.values():
                    return last
                items = dict.fromkeys(known, request.quantity)
            elif request.spoken:
                items = {request.spoken: request.quantity or Decimal(1)}
        if not items:
            return None
        version, lines = self._lines(items, lang)
        lead = await self._leads.from_quote(tx, claim.conversation)
        quote = await tx.keep_quote(
            claim.conversation, lines, lang=lang, catalog_version=version, life=self._life, lead=lead.id
        )
        await self._leads.quoted(tx, lead)
        await tx.clear(claim.conversation)
        return quote

    def _lines(self, items: dict[str, Decimal], lang: str) -> tuple[str, list[Line]]:
        """The basket at the prices of the live catalogue; what has left it is quoted by a manager."""
        version, cards = self._goods(list(items), lang)
        lines = []
        for sku, quantity in items.items():
            card = cards.get(sku, Card(sku=sku, name=sku))
            lines.append(
                Line(
                    sku=sku, name=card.name, quantity=quantity, unit=card.unit, price=card.price, currency=card.currency
                )
            )
        return version, lines

    async def _said(self, tx: Transaction, claim: Claim, request: Request, quote: Quote | None, lang: str) -> str:
        """What takes the place of the sentence that the request came with; empty: it stays."""
        if quote:
            return await self._handed(tx, claim, quote, lang)
        if request.deed == "clear":
            return say("request_cleared", lang)
        if request.deed in ("which", "quote"):
            return ""
        items = await tx.basket(claim.conversation)
        if not items:
            return say("request_empty", lang)
        _, lines = self._lines(items, lang)
        full = [say("request_full", lang, n=LONGEST)] if any(sku not in items for sku, _ in request.items) else []
        heads = full if request.deed == "add" and full else [say("request_is", lang)]
        return "\n".join([*heads, *listed(lines, lang), say("request_hint", lang, quote=say("quick_quote", lang))])

    async def _handed(self, tx: Transaction, claim: Claim, quote: Quote, lang: str) -> str:
        """Tells of the quotation, with links where the channel does not bring files."""
        until = _date(quote, self._head.zone, lang)
        lines = [say("quote_made", lang, number=quote.number, date=until), *listed(quote.lines, lang)]
        here = await tx.conversation(claim.conversation)
        if here is None or here.channel == "widget":
            key = await tx.make_link(LINK, {"quote": str(quote.id)}, life=self._life + KEPT)
            urls = {form: f"{self._address}/quotes/{quote.id}.{form}?key={key}" for form in FORMS}
            lines.append(f"[PDF]({urls['pdf']}) · [Excel]({urls['xlsx']})")
        return "\n".join([*lines, "", say("quote_next", lang)])


def listed(lines: Sequence[Line], lang: str) -> list[str]:
    """The lines of a request as a list, and a total for each currency."""
    said = []
    for line in lines:
        much = f"{format(line.quantity.normalize(), 'f')} {line.unit}".strip()
        if line.price is None or line.amount is None:
            said.append(f"- {line.name}: {much}, {say('price_on_request', lang)}")
        else:
            price, amount = (money(value, line.currency, lang) for value in (line.price, line.amount))
            said.append(f"- {line.name}: {much} × {price} = {amount}")
    sums = "; ".join(money(amount, currency, lang) for currency, amount in totals(lines))
    return [*said, say("request_total", lang, total=sums)] if sums else said


def _date(quote: Quote, zone: str, lang: str) -> str:
    try:
        locale = Locale.parse(lang)
    except (UnknownLocaleError, ValueError):
        locale = Locale("en")
    return str(format_date(quote.valid_until.astimezone(ZoneInfo(zone)).date(), format="long", locale=locale))


def _draw(quote: Quote, form: Form, head: Letterhead) -> bytes:
    """Loads what draws with the first paper: fonts and tables would double the chat's time to start."""
    if form == "pdf":
        from appliance.paper.pdf import pdf

        return pdf(quote, head)
    from appliance.paper.workbook import xlsx

    return xlsx(quote, head)


def _form(form: str) -> Form:
    return "pdf" if form == "pdf" else "xlsx"
