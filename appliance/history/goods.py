"""What the customers of the sample history ask about: real products of the live catalogue, a few of them often."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate

from appliance.core.measures import READS_RUSSIAN
from appliance.core.replies import CARDS, card
from appliance.core.types import Card
from catalog.product import Product

WANTED = 600  # products that anybody asks for
SHELF = 40  # products of a category that answers are put together from
STEEP = 0.8  # exponent of Zipf's law: how far the most wanted are ahead of the rest
FIGURE = re.compile(r"\d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """A product somebody is after, as they would call it, and what they are shown."""

    product: Product
    what: str
    model: str
    cards: tuple[Card, ...]


class Stall:
    """A choice of the catalogue, from which wants are drawn."""

    def __init__(self, products: Iterable[Product], *, version: str, dice: random.Random) -> None:
        self._dice, self._version = dice, version
        self._shelves = defaultdict[str, list[Product]](list)
        everything = list(products)
        for product in everything:
            if len(self._shelves[product.category]) < SHELF:
                self._shelves[product.category].append(product)
        self._wanted = dice.sample(everything, min(WANTED, len(everything)))

    def want(self, lang: str) -> Want:
        product = self._dice.choices(self._wanted, cum_weights=self._weights)[0]
        name = _name(product, lang)
        return Want(
            product=product,
            what=self._called(name, product.brand),
            model=self._model(name, product.brand) or name,
            cards=self._cards([product, *self._beside(product, CARDS - 1)], lang),
        )

    def more(self, want: Want, lang: str) -> Want:
        """Others like it; what is asked for stays the same."""
        return replace(want, cards=self._cards(self._beside(want.product, CARDS), lang) or want.cards)

    def _beside(self, product: Product, count: int) -> list[Product]:
        beside = [other for other in self._shelves[product.category] if other.sku != product.sku]
        return self._dice.sample(beside, min(count, len(beside)))

    def _cards(self, products: Iterable[Product], lang: str) -> tuple[Card, ...]:
        return tuple(slim(card(one, lang=lang, version=self._version)) for one in products)

    @cached_property
    def _weights(self) -> list[float]:
        return list(accumulate((place + 1) ** -STEEP for place in range(len(self._wanted))))

    def _called(self, name: str, brand: str) -> str:
        """ "Насос скважинный Pelgrunt PBH 146, 1,5 кВт" is "насос скважинный 1,5 кВт" to its customers."""
        head, _, rest = name.partition(", ")
        noun = head.split(f" {brand} ")[0] if brand and f" {brand} " in head else _noun(head)
        figures = [part for part in rest.split(", ") if FIGURE.search(part)]
        told = self._dice.sample(figures, min(len(figures), self._dice.choice((0, 1, 1, 2))))
        return " ".join([noun[:1].lower() + noun[1:], *told])

    def _model(self, name: str, brand: str) -> str:
        head = name.partition(", ")[0]
        return brand + head.partition(brand)[2] if brand and brand in head else ""


def _noun(head: str) -> str:
    """What stands before maker, letters and figures: "Gas boiler" of "Gas boiler Kovandia KGB 24"."""
    words = head.split()
    figure = next((place for place, word in enumerate(words) if FIGURE.search(word)), len(words))
    return " ".join(words[: max(figure - 2, 1)])


def slim(shown: Card) -> Card:
    """A card with the properties that a phone shows; the rest would only make the sample history large."""
    return replace(shown, attributes=shown.attributes[:4])


def _name(product: Product, lang: str) -> str:
    return product.name if lang in READS_RUSSIAN else dict(product.names).get("en", product.name)
