"""Reads the quantity of a cell, and the unit in a column's name, into the catalogue's canonical units."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from catalog.normalize.quantities import UNIT_OF, UNITS
from catalog.normalize.quantities import unit_of as known_unit
from catalog.normalize.text import fold

Unit = tuple[str, Decimal]  # the canonical unit, and how many of it one written unit is

_QUANTITY = re.compile(r"\s*([-+−±]?\d+(?:[ \u00a0]\d{3})*(?:[.,]\d+)?)\s*([^\d\s(),;:].{0,15}?)\s*")
_HEADER_UNIT = re.compile(r"(?:,|\(|\[|/)\s*([^,()\[\]]{1,12}?)\s*[)\]]?\s*[,:]?\s*$")
_ANY_UNIT = re.compile("|".join(f"(?:{form})" for _, forms in UNITS.values() for form in forms))
_TERM = re.compile(r"\s*(?:гар|срок|термін|warranty|lead)", re.IGNORECASE)  # "Гар., м." counts months, not metres
DIGITS = 20  # of a quantity written out; none in a price list has more
_COUNTS = frozenset({"%", "page"})  # units that tell nothing when they stand in a column's name


@lru_cache(maxsize=65_536)
def quantity(text: str) -> tuple[Decimal, str] | None:
    """A text that is one quantity as (number, canonical unit): "3 кВт" is (3000, "w"); None for anything else."""
    if len(text) > 40:
        return None
    found = _QUANTITY.fullmatch(text)
    unit = _unit(found[2]) if found else None
    if found is None or unit is None:
        return None
    try:
        amount = Decimal(re.sub("[ \u00a0+±]", "", found[1]).replace("−", "-").replace(",", "."))
    except InvalidOperation:
        return None
    return converted(amount, unit)


@lru_cache(maxsize=4_096)
def unit_of(label: str) -> Unit | None:
    """The unit at the end of a column's name: "Мощность, кВт" is in ("w", 1000); None where there is none."""
    found = None if _TERM.match(label) else _HEADER_UNIT.search(label)
    unit = _unit(found[1]) if found else None
    return None if unit is None or unit[0] in _COUNTS else unit


def is_unit(text: str) -> bool:
    """Whether a text is nothing but a unit."""
    return len(text) <= 12 and _unit(text) is not None


def converted(amount: Decimal, unit: Unit) -> tuple[Decimal, str]:
    """`amount` of a unit that `unit_of` gave, as (number, canonical unit)."""
    value = (amount * unit[1]).normalize()
    whole = value.adjusted() < DIGITS and value == value.to_integral_value()  # 1E+3 is written 1000
    return (value.quantize(Decimal(1)) if whole else value), unit[0]


@lru_cache(maxsize=65_536)
def _unit(written: str) -> Unit | None:
    folded = fold(written).strip().rstrip(".")
    if not (_ANY_UNIT.fullmatch(folded) or _ANY_UNIT.fullmatch(folded + ".")):  # a quick look before a long search
        return None
    known = known_unit(written)
    return (UNIT_OF[known[0]], Decimal(str(known[1]))) if known else None
