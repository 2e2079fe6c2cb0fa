"""Puts one supplier's list among the goods of the others, and its prices by the house's rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from catalog.product import Problem, Product
from catalog.workbook.messages import message

How = Literal["whole", "source", "prices"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pricing:
    """What is done to each price of a list: `percent` is added (VAT, a margin), then it is rounded to a `step`.

    With `into` (ISO 4217) prices in any other money are multiplied by `rate`, the owner's own, and are in `into`.
    """

    percent: Decimal = Decimal(0)
    step: Decimal = Decimal(0)  # 0: to 0.01
    into: str = ""
    rate: Decimal = Decimal(0)

    @property
    def changes(self) -> bool:
        return bool(self.percent or self.step or (self.into and self.rate))

    def applied(self, product: Product) -> Product:
        """The product at its new price; half a step goes up."""
        if product.price is None or not self.changes:
            return product
        amount, currency = product.price * (1 + self.percent / 100), product.currency
        if self.into and self.rate and currency != self.into:
            amount, currency = amount * self.rate, self.into
        step = self.step or Decimal("0.01")
        amount = (amount / step).quantize(Decimal(1), ROUND_HALF_UP) * step
        return replace(product, price=amount, currency=currency)


def joined(
    live: Iterable[Product], new: Sequence[Product], how: How, source: str, *, lang: str = "en"
) -> tuple[list[Product], list[Problem]]:
    """The goods of the next version, and the rows of `new` that do not fit among those of the others.

    "whole": `new` alone. "source": `new` takes the place of what came from `source`; a code that another supplier
    has stays with that one. "prices": the goods of the live version, with the prices and stock of `new` where they
    have its codes; what the list does not name stays as it is.
    """
    match how:
        case "whole":
            return list(new), []
        case "source":
            return _among(live, new, source, lang)
        case "prices":
            return _repriced(live, new, source, lang)


def _among(live: Iterable[Product], new: Sequence[Product], source: str, lang: str) -> tuple[list[Product], list[Problem]]:
    others = [product for product in live if product.source != source]
    taken = {_code(product): product for product in others}
    fitting = [product for product in new if _code(product) not in taken]
    problems = [
        _problem("code_of_another", product, lang, source=taken[_code(product)].source)
        for product in new
        if _code(product) in taken
    ]
    return [*others, *fitting], problems


def _repriced(
    live: Iterable[Product], new: Sequence[Product], source: str, lang: str
) -> tuple[list[Product], list[Problem]]:
    """Prices of one supplier change only that supplier's goods; with no `source`, anybody's."""
    goods = list(live)
    mine = {_code(product) for product in goods if not source or product.source == source}
    fresh = {_code(product): product for product in new}
    problems = [_problem("code_unknown", product, lang) for product in new if _code(product) not in mine]
    return [_with_price(one, fresh[_code(one)]) if _code(one) in mine & fresh.keys() else one for one in goods], problems


def _with_price(product: Product, fresh: Product) -> Product:
    """A list that names no price or no stock says nothing of it."""
    if fresh.price is not None:
        product = replace(product, price=fresh.price, currency=fresh.currency)
    if fresh.stock is not None:
        product = replace(product, stock=fresh.stock, stock_about=fresh.stock_about)
    return product


def _code(product: Product) -> str:
    return "".join(product.sku.split()).casefold()


def _problem(id: str, product: Product, lang: str, **values: object) -> Problem:
    return Problem(row=product.row, message=message(id, lang, sku=product.sku, **values))
