"""Reads what the sample shop could sell: families, kinds of product with their formulas, brands and words."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from catalog.sample.formula import Formula, Value, formula


@dataclass(frozen=True, slots=True, kw_only=True)
class Title:
    """One attribute: its names and its unit in both languages."""

    ru: str
    en: str
    unit: str = ""
    unit_en: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """How attributes get their values: one of `options` (joint for several keys), a formula, or a partner's model."""

    keys: tuple[str, ...]
    options: tuple[tuple[Value, ...], ...] = ()
    formula: Formula | None = None
    fits: tuple[str, ...] = ()  # kinds that a spare part may belong to


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One type of product, such as an end-suction pump."""

    key: str
    family: str
    ru: str
    en: str
    group: str
    code: str
    about_ru: str
    about_en: str
    model: str  # template of the designation after the series letters
    show: tuple[str, ...]  # attributes that the name spells out
    draws: tuple[Draw, ...]
    price: Formula  # in RUB, before the brand's factor
    unit: str = "шт"
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """An invented maker: how it writes article codes and how dear it is."""

    ru: str
    en: str
    article: str  # '#' a digit, '@' a letter, '{code}' the kind's letters
    families: frozenset[str]
    factor: float = 1.0
    currency: str = "RUB"
    series: tuple[str, ...] = ("",)
    warranty: int = 12  # months


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    key: str
    ru: str
    en: str
    kinds: tuple[Kind, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """Everything the generator draws from.

    `words` leads from a Russian value or unit to the English one; `hidden` keys only build designations;
    `phrases` are for names, Russian and English, where a bare value would puzzle.
    """

    families: tuple[Family, ...]
    brands: tuple[Brand, ...]
    titles: Mapping[str, Title]
    words: Mapping[str, str]
    phrases: Mapping[str, tuple[str, str]]
    hidden: frozenset[str]
    columns: Mapping[str, str]  # headers of the sheets
    texts: Mapping[str, str]


@cache
def goods() -> Goods:
    """The whole assortment, read once from the data files beside this module."""
    lexicon = _read("words")
    units: Mapping[str, str] = lexicon["units"]
    titles = {
        key: Title(ru=ru, en=en, unit=unit, unit_en=units.get(unit, unit))
        for key, (ru, en, unit) in lexicon["attributes"].items()
    }
    families = tuple(_family(name, lexicon["rows"]) for name in lexicon["families"])
    return Goods(
        families=families,
        brands=_brands(),
        titles=titles,
        words=lexicon["values"] | units,
        phrases={key: (ru, en) for key, (ru, en) in lexicon["phrases"].items()},
        hidden=frozenset(lexicon["hidden"]),
        columns=lexicon["columns"],
        texts=lexicon["texts"],
    )


def _family(name: str, rows: Mapping[str, Sequence[float]]) -> Family:
    data = _read(name)
    kinds = tuple(_kind(key, name, entry, rows) for key, entry in data.items() if isinstance(entry, dict))
    return Family(key=name, ru=data["ru"], en=data["en"], kinds=kinds)


def _kind(key: str, family: str, entry: dict[str, Any], rows: Mapping[str, Sequence[float]]) -> Kind:
    about_ru, about_en = entry["about"]
    return Kind(
        key=key,
        family=family,
        ru=entry["ru"],
        en=entry["en"],
        group=entry["group"],
        code=entry["code"],
        about_ru=about_ru,
        about_en=about_en,
        model=entry["model"],
        show=tuple(entry["show"].split()),
        draws=tuple(_draw(keys, how, rows) for keys, how in entry["set"].items()),
        price=formula(entry["price"], rows),
        unit=entry.get("unit", "шт"),
        weight=entry.get("weight", 1.0),
    )


def _draw(keys: str, how: str | list[Any], rows: Mapping[str, Sequence[float]]) -> Draw:
    names = tuple(keys.split(","))
    match how:
        case str() if how.startswith("@"):
            return Draw(keys=names, fits=tuple(how[1:].split()))
        case str():
            return Draw(keys=names, formula=formula(how, rows))
        case _:
            return Draw(keys=names, options=tuple(tuple(o) if isinstance(o, list) else (o,) for o in how))


def _brands() -> tuple[Brand, ...]:
    return tuple(
        Brand(**{**entry, "families": frozenset(entry["families"].split()), "series": tuple(entry["series"])})
        for entry in _read("brands")["brand"]
    )


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((files("catalog.sample") / "data" / f"{name}.toml").read_text(encoding="utf-8"))
