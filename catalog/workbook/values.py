"""Reads single cells: numbers, prices, stock and quantities, however people wrote them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Literal

from catalog.workbook.grid import Cell, written
from catalog.workbook.units import quantity as quantity
from catalog.workbook.units import unit_of as unit_of
from catalog.workbook.vocabulary import currency_of, is_about_price, means

Mark = Literal[".", ","]

_SPACES = "\u00a0\u202f\u2007\u2009'’` "
_NUMBER = re.compile(r"[-+−]?\d[\d.," + _SPACES + r"]*")
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,300}(?:>|$)|&nbsp;")
_COUNTED = re.compile(r"\b(?:за|per|je|for)\s*$", re.IGNORECASE)  # "for 4 pieces" counts pieces, not money
_COINS = re.compile(r"[-=](\d\d)(?![\d.,]|\s?\d)")  # "1250-00" and "1250=00" are roubles and kopecks
_DASHES = frozenset({"-", "–", "—", "--", "---", "x", "х", "?", "0"})
_DECIMAL_HINT = re.compile(r"\d([.,])(?:\d{1,2}|\d{4,})\D*$")


@dataclass(frozen=True, slots=True)
class Price:
    """A price cell as understood. `amount` None means "on request"; `exact` is False for "from 1200" and "400-450"."""

    amount: Decimal | None
    currency: str = ""
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Stock:
    """A stock cell as understood: how many at least, and whether that is the exact count."""

    amount: Decimal
    exact: bool


def number(cell: Cell, *, mark: Mark | None = None) -> Decimal | None:
    """The number a cell holds, as a number or as text that is nothing but one number; None otherwise.

    `mark` is the column's decimal mark where it is known: it decides how "1,250" and "1.250" are read.
    """
    match cell:
        case bool() | None:
            return None
        case int():
            return Decimal(cell)
        case float():
            return _decimal(cell)
        case str():
            found = _NUMBER.fullmatch(cell.strip())
            return _parsed(found[0], mark) if found else None
        case _:
            return None


def price(cell: Cell, *, mark: Mark | None = None) -> Price | None:
    """The price in a cell ("1 250,00 руб.", "$1,250.00", "по запросу"), None where the text is no price at all."""
    if isinstance(cell, str):
        return _price(_TAG.sub(" ", cell).strip() if "<" in cell or "&" in cell else cell.strip(), mark)
    amount = number(cell)
    return None if amount is None else Price(_money(amount))


@lru_cache(maxsize=65_536)
def _price(text: str, mark: Mark | None) -> Price | None:
    if len(text) > 120:
        return None
    found = _NUMBER.search(text)
    if not found:
        return Price(None) if text in _DASHES or means("on_request", text) else None
    amount = _parsed(found[0].strip(), mark)
    before, after = text[: found.start()], text[found.end() :]
    currency = currency_of(before + " " + after)
    if amount is None:
        return None
    if coins := _COINS.match(after):
        after = after[coins.end() :]
        if amount == int(amount) and (coins[1] == "00" or amount >= 100):  # "1250-00" and "400-50" are no ranges
            return Price(amount + Decimal(coins[1]) / 100, currency) if is_about_price(before + " " + after) else None
        after = coins[0] + after
    if means("from", before) or re.match(r"\s*[-–—/]\s*\d", after):
        return Price(amount, currency, exact=False)
    if re.search(r"\d", after) or _COUNTED.search(before) or not is_about_price(before + " " + after):
        return None
    return Price(_money(amount), currency)


def stock(cell: Cell) -> Stock | None:
    """How much is in stock: 5, "2 шт.", ">10", "+", "есть", "нет"; None where the cell does not tell."""
    if isinstance(cell, bool):
        return Stock(Decimal(int(cell)), exact=not cell)
    if not isinstance(cell, str):
        amount = number(cell)
        return None if amount is None else Stock(max(amount, Decimal(0)), exact=True)
    return _stock(cell.strip())


@lru_cache(maxsize=16_384)
def _stock(text: str) -> Stock | None:
    if not text or len(text) > 60:
        return None
    if text in {"-", "–", "—"} or means("out_of_stock", text):
        return Stock(Decimal(0), exact=True)
    if re.fullmatch(r"[+*✓✔●]{1,5}", text) or means("in_stock", text):
        return Stock(Decimal(1), exact=False)
    found = _NUMBER.search(text)
    amount = _parsed(found[0].strip(), None) if found else None
    if found is None or amount is None or not re.fullmatch(r"[^\d]{0,12}", text[found.end() :]):
        return None
    before = text[: found.start()].strip()
    if before in {"<", "≤"} or (
        before
        and not re.fullmatch(
            r"[>≥~≈]|более|больше|свыше|понад|більше|over|more than|mehr als|peste", before, re.IGNORECASE
        )
    ):
        return Stock(Decimal(1), exact=False) if before in {"<", "≤"} and amount > 0 else None
    return Stock(max(amount, Decimal(0)), exact=not before and "+" not in text[found.end() :])


def decimal_mark(cells: list[Cell]) -> Mark | None:
    """The decimal mark that a column's texts show ("52,99" and "1.250,00" use the comma), None where they do not."""
    votes = {".": 0, ",": 0}
    for cell in cells:
        if isinstance(cell, str) and (found := _DECIMAL_HINT.search(cell)):
            votes[found[1]] += 1
    if votes["."] == votes[","]:
        return None
    return "," if votes[","] > votes["."] else "."


def _parsed(text: str, mark: Mark | None) -> Decimal | None:
    sign = -1 if text[:1] in "-−" else 1
    digits = text.lstrip("+-−").translate(_NO_SPACES).rstrip(".,")
    if not _groups_are_sound(text):
        return None
    commas, dots = digits.count(","), digits.count(".")
    if commas and dots:
        decimal = "," if digits.rfind(",") > digits.rfind(".") else "."
        if digits.count(decimal) > 1:
            return None
        digits = digits.replace("." if decimal == "," else ",", "").replace(",", ".")
    elif commas > 1 or dots > 1:
        if not re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", digits):
            return None
        digits = digits.replace(",", "").replace(".", "")
    elif commas or dots:
        decimal = "," if commas else "."
        whole, _, fraction = digits.partition(decimal)
        grouped = len(fraction) == 3 and 1 <= len(whole) <= 3 and not whole.startswith("0")
        if grouped and (mark != decimal if mark else decimal == ","):
            digits = whole + fraction  # "1,250" is a thousand and a quarter unless the column uses the comma otherwise
        else:
            digits = digits.replace(",", ".")
    try:
        return sign * Decimal(digits)
    except InvalidOperation:
        return None


_NO_SPACES = str.maketrans("", "", _SPACES)


def _groups_are_sound(text: str) -> bool:
    """Blanks inside a number separate groups of three: "1 250" is a number, "12 5" and "380 220" need not be one."""
    parts = re.split(f"[{_SPACES}]+", text.strip().lstrip("+-−"))
    return len(parts) == 1 or (
        all(re.fullmatch(r"\d{3}(?:[.,]\d*)?", part) for part in parts[1:]) and len(parts[0]) <= 3
    )


def _decimal(value: float) -> Decimal | None:
    if value != value or value in (float("inf"), float("-inf")) or abs(value) > 1e15:
        return None
    return Decimal(int(value)) if value.is_integer() else Decimal(format(value, ".12g"))


def _money(amount: Decimal) -> Decimal:
    """Formulas leave 35.714285714; what is finer than four decimals was never meant as a price."""
    exponent = amount.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -4:
        return amount.quantize(Decimal("0.01") if abs(amount) >= 1 else Decimal("0.0001"))
    return amount


def text(cell: Cell) -> str:
    """A cell's text without HTML tags and doubled blanks."""
    plain = written(cell)
    return " ".join(_TAG.sub(" ", plain).split()) if "<" in plain and ">" in plain else plain
