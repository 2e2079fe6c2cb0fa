"""Decides which managers hear of a customer: those on duty whose languages and goods these are, else all on duty."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from appliance.core.types import Staff


def hearers(crew: Sequence[Staff], *, lang: str = "", goods: Collection[str] = ()) -> list[Staff]:
    """Never nobody while there is anybody: where none fits, all on duty hear; where none is on duty, the whole crew.

    `lang` is the customer's language and `goods` the groups they looked at; what is not known asks for nothing.
    """
    there = [one for one in crew if one.on_duty] or list(crew)
    return [one for one in there if _fits(one, lang, goods)] or there


def group(category: str) -> str:
    """The group of goods at the head of a category: of `Насосы / Мембранные насосы` it is `Насосы`."""
    return category.partition("/")[0].strip()


def _fits(person: Staff, lang: str, goods: Collection[str]) -> bool:
    speaks = not lang or not person.languages or lang in person.languages
    return speaks and (not goods or not person.goods or bool(set(person.goods) & set(goods)))
