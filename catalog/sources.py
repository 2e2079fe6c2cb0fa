"""Puts one supplier's list among the goods of the others, and its prices by the house's rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
    live: Iterable[Product], new: Sequence[Product], how: How, source: str, *,
    places: Mapping[str, tuple[str, int]] | None = None, lang: str = "en",
) -> tuple[list[Product], list[Problem]]:  # fmt: skip
    """The goods of the next version, and the rows of `new` that do not fit among those of the others.

    "whole": `new` alone. "source": `new` takes the place of what came from `source`; a code that another supplier
    has stays with that one. "prices": the goods of the live version, with the prices and stock of `new` where they
    have its codes (those of `source`, where one is given); what the list does not name stays as it is. `places` are
    the sheet and row of each product of `new` by SKU, and `lang` is the language of the problems.
    """

    def problem(id: str, product: Product, **values: object) -> Problem:
        sheet, row = (places or {}).get(product.sku, ("", product.row))
        return Problem(sheet=sheet, row=row, message=message(id, lang, sku=product.sku, **values))

    match how:
        case "whole":
            return list(new), []
        case "source":
            others = [product for product in live if product.source != source]
            taken = {_code(product): product.source for product in others}
            fitting = [product for product in new if _code(product) not in taken]
            doubles = [product for product in new if _code(product) in taken]
            return [*others, *fitting], [problem("code_of_another", one, source=taken[_code(one)]) for one in doubles]
        case "prices":
            goods = list(live)
            mine = {_code(product) for product in goods if not source or product.source == source}
            fresh = {code: product for product in new if (code := _code(product)) in mine}
            strangers = [product for product in new if _code(product) not in mine]
            joined = [_with_price(one, fresh[code]) if (code := _code(one)) in fresh else one for one in goods]
            return joined, [problem("code_unknown", one) for one in strangers]


def _with_price(product: Product, fresh: Product) -> Product:
    """A list that names no price or no stock says nothing of it."""
    if fresh.price is not None:
        product = replace(product, price=fresh.price, currency=fresh.currency)
    if fresh.stock is not None:
        product = replace(product, stock=fresh.stock, stock_about=fresh.stock_about)
    return product


def _code(product: Product) -> str:
    return "".join(product.sku.split()).casefold()
