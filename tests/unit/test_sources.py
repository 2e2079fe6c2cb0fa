"""Several suppliers in one catalogue: each list changes its own goods, and prices follow the house's rules."""

from __future__ import annotations

from decimal import Decimal

import pytest

from catalog.product import Product
from catalog.sources import Pricing, joined


def product(sku: str, price: int | None = 100, *, source: str = "", stock: int | None = None) -> Product:
    return Product(
        sku=sku, name=f"Насос {sku}", price=None if price is None else Decimal(price), currency="RUB",
        stock=None if stock is None else Decimal(stock), source=source, row=7,
    )  # fmt: skip


LIVE = [product("A-1", source="Alpha"), product("A-2", source="Alpha"), product("B-1", source="Beta", stock=3)]


def test_a_whole_list_takes_the_place_of_everything() -> None:
    assert joined(LIVE, [product("C-1")], "whole", "") == ([product("C-1")], [])


def test_a_suppliers_list_leaves_the_others_as_they_are_and_codes_with_their_owner() -> None:
    goods, problems = joined(
        LIVE, [product("A-3"), product("b 1".replace(" ", "-"), 5)], "source", "Alpha", places={"b-1": ("Лист", 9)}
    )
    assert [one.sku for one in goods] == ["B-1", "A-3"]
    assert [(one.sheet, one.row, "Beta" in one.message, one.lost) for one in problems] == [("Лист", 9, True, True)]


def test_a_list_of_prices_changes_prices_and_stock_alone() -> None:
    new = [product("b-1", 70, stock=0), product("A-1", None, stock=5), product("X-1")]
    goods, problems = joined(LIVE, new, "prices", "", lang="ru")
    assert [f"{one.sku}, {one.name}: {one.price}, {one.stock}" for one in goods] == [
        "A-1, Насос A-1: 100, 5", "A-2, Насос A-2: 100, None", "B-1, Насос B-1: 70, 0",
    ]  # fmt: skip
    assert [one.row for one in problems] == [7] and "X-1" in problems[0].message


def test_prices_of_one_supplier_do_not_touch_anothers() -> None:
    goods, problems = joined(LIVE, [product("B-1", 70)], "prices", "Alpha")
    assert goods == LIVE and len(problems) == 1


@pytest.mark.parametrize(
    ("pricing", "price", "expected"),
    [
        (Pricing(), "100.004", "100.004"),
        (Pricing(percent=Decimal(20)), "100.01", "120.01"),
        (Pricing(percent=Decimal(20), step=Decimal(10)), "104.2", "130"),
        (Pricing(step=Decimal(5)), "102.5", "105"),
        (Pricing(into="RUB", rate=Decimal("90.5"), step=Decimal(1)), "10", "10"),
        (Pricing(into="KZT", rate=Decimal("5.5")), "10", "55.00"),
    ],
)
def test_a_price_follows_the_rules_of_the_house(pricing: Pricing, price: str, expected: str) -> None:
    one = pricing.applied(Product(sku="A", name="A", price=Decimal(price), currency="RUB"))
    assert one.price == Decimal(expected)
    assert one.currency == (pricing.into or "RUB")


def test_what_is_on_request_stays_on_request() -> None:
    assert Pricing(percent=Decimal(20)).applied(product("A", None)).price is None
