"""A quotation as a value: what was asked for, at which prices of which catalogue version, and how long it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

CENT = Decimal("0.01")
MOST = Decimal(100_000)  # of one product in a request; more is a slip of the finger, or a talk with a manager
LONGEST = 50  # products in a request


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One product with its quantity. Without a price it is quoted by a manager."""

    sku: str
    name: str
    quantity: Decimal
    unit: str = ""
    price: Decimal | None = None
    currency: str = ""

    @property
    def amount(self) -> Decimal | None:
        """The price of the whole quantity, to the cent; halves go up, as on invoices."""
        return None if self.price is None else (self.price * self.quantity).quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What an answer wants done with the customer's request, when it is stored.

    `items` are (SKU, quantity); `spoken` is the one product spoken of, if it is one; `said` is the sentence of the
    answer in whose place comes what the request holds then.
    """

    deed: str  # add, remove, show, clear, quote, which
    said: str
    items: tuple[tuple[str, Decimal], ...] = ()
    spoken: str = ""
    quantity: Decimal | None = None  # of the one product that the request holds, where only a number was said


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A numbered quotation. `customer` is who gets it, as far as we know."""

    id: UUID
    number: int
    lang: str
    lines: tuple[Line, ...]
    catalog_version: str
    made: datetime
    valid_until: datetime
    conversation: UUID | None = None
    customer: str = ""

    @property
    def totals(self) -> tuple[tuple[str, Decimal], ...]:
        return totals(self.lines)

    @property
    def complete(self) -> bool:
        """Whether every line has its price."""
        return all(line.price is not None for line in self.lines)


def totals(lines: Sequence[Line]) -> tuple[tuple[str, Decimal], ...]:
    """(currency, sum) for each currency, in the order of the lines; currencies are never mixed."""
    sums: dict[str, Decimal] = {}
    for line in lines:
        if line.amount is not None:
            sums[line.currency] = sums.get(line.currency, Decimal(0)) + line.amount
    return tuple(sums.items())


def lines_plain(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Lines as JSON; decimals are strings."""
    return [
        {
            "sku": line.sku,
            "name": line.name,
            "quantity": format(line.quantity, "f"),
            "unit": line.unit,
            "price": None if line.price is None else format(line.price, "f"),
            "currency": line.currency,
        }
        for line in lines
    ]


def lines_from(items: Sequence[Mapping[str, Any]]) -> tuple[Line, ...]:
    return tuple(
        Line(
            sku=item["sku"],
            name=item["name"],
            quantity=Decimal(item["quantity"]),
            unit=item["unit"],
            price=None if item["price"] is None else Decimal(item["price"]),
            currency=item["currency"],
        )
        for item in items
    )
