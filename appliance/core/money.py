"""Money as people of a language write it."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency

SIGNS = {"RUB": "₽", "KZT": "₸", "UAH": "₴", "USD": "$", "EUR": "€", "GBP": "£", "TRY": "₺"}  # known to everybody


def money(amount: Decimal, currency: str, lang: str) -> str:
    """`currency` by ISO 4217; cents only where there are any: "12 500 ₽", "€679", "96,03 €". By Unicode CLDR."""
    locale, whole, exact = _patterns(lang)
    pattern = whole if amount == amount.to_integral_value() else exact
    if sign := SIGNS.get(currency):
        pattern = pattern.replace("\xa4", sign)
    text = str(format_currency(amount, currency, format=pattern, locale=locale, currency_digits=False)).strip()
    return re.sub(r"(?<=[^\W\d_])(?=\d)", "\xa0", text)  # a code is no sign: "CHF 12,500"


@lru_cache(maxsize=64)
def _patterns(lang: str) -> tuple[Locale, str, str]:
    try:
        locale = Locale.parse(lang)
    except (UnknownLocaleError, ValueError):
        locale = Locale("en")
    exact = str(locale.currency_formats["standard"].pattern)
    return locale, exact.replace(".00", ""), exact
