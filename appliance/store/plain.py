"""Values of the house as plain JSON and back, for payloads and for the conversation's memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from appliance.core.leads import talk
from appliance.core.types import Card, Memory
from catalog.wish import Limit, Wish


def cards_plain(cards: Sequence[Card]) -> list[dict[str, Any]]:
    """Cards as the widget's protocol has them: decimals are strings, unknown is null."""
    return [
        {
            "sku": card.sku,
            "name": card.name,
            "price": _text(card.price),
            "currency": card.currency,
            "stock": _text(card.stock),
            "unit": card.unit,
            "brand": card.brand,
            "category": card.category,
            "photo": card.photo,
            "attributes": [list(pair) for pair in card.attributes],
            "version": card.catalog_version,
        }
        for card in cards
    ]


def cards_from(items: Sequence[Mapping[str, Any]]) -> tuple[Card, ...]:
    return tuple(
        Card(
            sku=item["sku"],
            name=item["name"],
            price=_number(item.get("price")),
            currency=item.get("currency", ""),
            stock=_number(item.get("stock")),
            unit=item.get("unit", ""),
            brand=item.get("brand", ""),
            category=item.get("category", ""),
            photo=item.get("photo", ""),
            attributes=tuple((name, value) for name, value in item.get("attributes", ())),
            catalog_version=item.get("version", ""),
        )
        for item in items
    )


def memory_plain(memory: Memory) -> dict[str, Any]:
    return {
        "lang": memory.lang,
        "route": memory.route,
        "shown": cards_plain(memory.shown),
        "wish": wish_plain(memory.wish) if memory.wish else None,
        "lead": talk.plain(memory.lead),
        **({"prompt": memory.prompt} if memory.prompt else {}),
        **({"focus": memory.focus} if memory.focus else {}),
    }


def memory_from(plain: Mapping[str, Any]) -> Memory:
    wish = plain.get("wish")
    return Memory(
        lang=plain.get("lang", ""),
        route=plain.get("route", ""),
        shown=cards_from(plain.get("shown", ())),
        wish=wish_from(wish) if wish else None,
        lead=talk.from_plain(plain.get("lead", {})),
        prompt=plain.get("prompt", ""),
        focus=plain.get("focus", ""),
    )


def wish_plain(wish: Wish) -> dict[str, Any]:
    return {
        "text": wish.text,
        "limits": [
            {"what": limit.what, "unit": limit.unit, "low": _text(limit.low), "high": _text(limit.high),
             "sure": limit.sure}
            for limit in wish.limits
        ],
        "brand": wish.brand,
        "brand_sure": wish.brand_sure,
        "not_brand": wish.not_brand,
        "category": wish.category,
        "in_stock": wish.in_stock,
        "order": wish.order,
    }  # fmt: skip


def wish_from(plain: Mapping[str, Any]) -> Wish:
    limits = tuple(
        Limit(
            what=limit["what"],
            unit=limit["unit"],
            low=_number(limit["low"]),
            high=_number(limit["high"]),
            sure=limit["sure"],
        )
        for limit in plain["limits"]
    )
    return Wish(**{**plain, "limits": limits})


def _text(number: Decimal | None) -> str | None:
    return None if number is None else format(number, "f")


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
