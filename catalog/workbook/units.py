"""Reads quantities with units into canonical units, so that "3 кВт" and "3000 W" are one number."""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal, InvalidOperation
from functools import cache, lru_cache
from importlib.resources import files

_QUANTITY = re.compile(r"\s*([-+−±]?\d+(?:[  ]\d{3})*(?:[.,]\d+)?)\s*([^\d\s(),;:].{0,15}?)\s*\.?\s*")
_HEADER_UNIT = re.compile(r"(?:,|\(|\[|/)\s*([^,()\[\]]{1,12}?)\.?\s*[)\]]?\s*[,:.]?\s*$")


_TERM = re.compile(r"\s*(?:гар|срок|термін|warranty|lead)", re.IGNORECASE)  # "Гар., м." counts months, not metres


@lru_cache(maxsize=65_536)
def quantity(text: str) -> tuple[Decimal, str] | None:
    """A text that is one quantity as (number, canonical unit): "3 кВт" is (3000, "w"); None for anything else."""
    if len(text) > 40:
        return None
    found = _QUANTITY.fullmatch(text)
    unit = found and _units().get(_key(found[2]))
    if not found or not unit:
        return None
    try:
        amount = Decimal(re.sub(r"[  +±]", "", found[1]).replace("−", "-").replace(",", "."))
    except InvalidOperation:
        return None
    return _plain(amount * unit[1] + unit[2]), unit[0]


@lru_cache(maxsize=4_096)
def unit_of(label: str) -> tuple[str, Decimal, Decimal] | None:
    """The unit at the end of a column label, as (canonical unit, factor, offset): "Мощность, кВт" is ("w", 1000, 0)."""
    found = None if _TERM.match(label) else _HEADER_UNIT.search(label)
    return _units().get(_key(found[1])) if found else None


def is_unit(text: str) -> bool:
    """Whether a text is nothing but a unit."""
    return len(text) <= 12 and _key(text) in _units()


def converted(amount: Decimal, unit: tuple[str, Decimal, Decimal]) -> tuple[Decimal, str]:
    """`amount` of a unit that `unit_of` gave, as (number, canonical unit)."""
    return _plain(amount * unit[1] + unit[2]), unit[0]


def _plain(amount: Decimal) -> Decimal:
    amount = amount.normalize()
    exponent = amount.as_tuple().exponent
    return amount.quantize(Decimal(1)) if isinstance(exponent, int) and 0 < exponent < 20 else amount


def _key(unit: str) -> str:
    unit = unit.strip(" .").lower().replace(" ", "").replace("ё", "е").replace("^", "")
    return unit.replace("²", "2").replace("³", "3").replace("º", "°").replace(".", "").replace("·", "")


@cache
def _units() -> dict[str, tuple[str, Decimal, Decimal]]:
    table = tomllib.loads((files(__package__) / "units.toml").read_text("utf-8"), parse_float=Decimal)
    return {
        _key(spelling): (canonical, Decimal(factor), Decimal(entry.get("offset", 0)))
        for canonical, entries in table.items()
        for entry in entries
        for factor in [entry["factor"]]
        for spelling in entry["words"]
    }
