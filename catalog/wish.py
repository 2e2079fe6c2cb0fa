"""What a customer asks of the catalogue: words, limits and order, as a value that a follow-up can change."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A bound on a price (`what` = "price", `unit` a currency code or "") or on a quantity in its canonical unit.

    Bounds are inclusive; None is open. low == high asks for that very value.
    """

    what: str  # "price", or the canonical dimension: "power", "pressure", "length", "voltage", ...
    unit: str = ""
    low: Decimal | None = None
    high: Decimal | None = None
    sure: bool = True  # a filter when True, a preference when not


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A search as understood. `text` holds the words to look for; the limits apply on top of them."""

    text: str
    limits: tuple[Limit, ...] = ()
    brand: str = ""
    brand_sure: bool = True  # False: merely named among the words, so a filter only where that brand has what is asked
    not_brand: str = ""
    category: str = ""
    in_stock: bool = False
    order: Literal["relevance", "price", "-price"] = "relevance"
