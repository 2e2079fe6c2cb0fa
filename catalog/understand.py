"""Reads a customer's sentence into a wish: the words to look for, limits on price and quantities, stock and order."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from catalog.normalize import DIMENSIONS, UNIT_OF, Quantity, fold, scan
from catalog.wish import Limit, Wish

LONGEST = 1000  # characters that are read; customers' wishes are shorter, and pasted letters say theirs early
MOST_LIMITS = 20
PASTED = 6  # words left from which a text may be a product's name ("кабель ... до 1000 В") and not a wish
_WEAK = {"от", "до", "from", "ab", "bis", "від", "в пределах"}  # these also stand in names, unlike "не менее"
TOLERANCE = Decimal("0.15")  # what "about" allows to either side

_NUMBER = (
    r"\d{1,3}(?:[ \u00a0']\d{3})+(?:[.,]\d{1,2})?|\d{1,3}(?:[.,]\d{3})+(?![\d.,])|\d+(?:[.,]\d+)?"  # money's, in groups
)
_SCALE = {
    "тыс": 1000,
    "т": 1000,
    "к": 1000,
    "k": 1000,
    "млн": 10**6,
    "m": 10**6,
    "тис": 1000,
    "миллион": 10**6,
    "thousand": 1000,
    "tausend": 1000,
    "мың": 1000,
    "mii": 1000,
}
_SCALES = (
    r"тыс(?:\.|яч[иа]?)?|тис(?:\.|яч[іаи]?)?|млн\.?|миллион(?:а|ов)?|мільйон\w*|к|k|т\.?(?= ?(?:р|₽))"
    "|thousand|tausend|мың|mii"
)
# A number with what may be its unit, and the Kazakh case ending that a comparison after it asks for.
_AMOUNT = (
    r"(?<![\w.,])(?:(?:от|до|from|ab|від)\s+)?"
    rf"(?P<amount>\d[\d .,']{{0,15}}?\s?(?:(?:{_SCALES})\s)?(?:[^\W\d]|[$€₽₸₴/°\"]){{1,10}}?[23]?(?:/[^\W\d]{{1,4}})?)"
)
_CASE = r"(?:\s?-?(?:[тдн][ае]н|[ғгқк][ае]))?"


def understand(text: str) -> Wish:
    """The wish in a sentence, without knowing the catalogue (brands and categories are found by the search).

    "насос не менее 10 бар до 50 тыс в наличии" looks for "насос" with pressure >= 10 bar, price <= 50,000, in stock.
    A bare quantity ("3 кВт") stays among the words: it is ranked by, not filtered by. Linear in the text's length.
    """
    folded = _turned(fold(text[:LONGEST]))
    in_stock, folded = _cut("in_stock", folded)
    limits, folded = _prices(folded)
    compared, folded = _quantities(folded)
    order, folded = _order(folded)
    _, folded = _cut("courtesy", folded)
    words = re.sub(r"\s+", " ", folded).strip(" ,;!?:—-")
    if len(words.split()) >= PASTED:
        bounds = [replace(limit, sure=limit.sure and not weak) for limit, weak in compared]
    else:
        bounds = [limit for limit, _ in compared]
    bounds = _joined(bounds)
    return Wish(text=words, limits=tuple([*limits, *bounds][:MOST_LIMITS]), in_stock=in_stock, order=order)


@cache
def function_words() -> frozenset[str]:
    """Words that tell nothing of the goods ("for", "with", "мне"), folded, in the languages of the customers."""
    return frozenset(_phrases()["function_words"])


def refine(wish: Wish, change: Wish) -> Wish:
    """A wish changed by a follow-up: words when it names any, limits of the same kind replaced, the rest kept."""
    told = {limit.what for limit in change.limits}
    return replace(
        wish,
        text=change.text or wish.text,
        limits=(*(limit for limit in wish.limits if limit.what not in told), *change.limits),
        brand=change.brand or wish.brand,
        not_brand=change.not_brand or wish.not_brand,
        category=change.category or wish.category,
        in_stock=change.in_stock or wish.in_stock,
        order=change.order if change.order != "relevance" else wish.order,
    )


@cache
def _phrases() -> dict[str, Any]:
    return tomllib.loads(files("catalog").joinpath("phrases.toml").read_text("utf-8"))


@cache
def _any_of(key: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in _phrases()[key]))


@cache
def _currency() -> tuple[str, re.Pattern[str]]:
    signs = "|".join(f"(?P<{code}>{signs})" for code, signs in _phrases()["currencies"].items())
    return signs, re.compile(rf"(?:{signs})(?![a-zа-я])")


@cache
def _bound(key: str) -> str:
    return "|".join(sorted(_phrases()[key], key=len, reverse=True))


@cache
def _turns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """What brings a comparison before its number, and a range to the form "from A to B"."""
    after = tuple(
        (
            re.compile(rf"{_AMOUNT}{_CASE}\s(?:{'|'.join(_phrases()['after'][key])})(?![^\W\d_])"),
            rf" {word} \g<amount> ",
        )
        for key, word in (("at_least", "не менее"), ("at_most", "не более"))
    )
    number, unit = r"\d+(?:[.,]\d+)?", r"(?:\s?[^\W\d]{1,4}[23]?(?:/[^\W\d]{1,4})?)?"
    return (
        (
            re.compile(rf"(?<!\w)(?:{_bound('between')})\s+({number}{unit})\s+(?:и|and|und|і|та|si)\s+(?={number})"),
            r"от \1 до ",
        ),
        (re.compile(rf"(?<!\w)(?:von|de la)\s+({number}{unit})\s+(?:bis|pana la)\s+(?={number})"), r"от \1 до "),
        (
            re.compile(rf"(?<![\w.,])({number})\s?-?[тдн][ае]н\s+({number}{unit}){_CASE}\s(?:дейін)(?:гі)?(?!\w)"),
            r"от \1 до \2",
        ),
        *reversed(after),
    )


def _turned(text: str) -> str:
    for pattern, form in _turns():
        text = pattern.sub(form, text)
    return text


def _cut(key: str, text: str) -> tuple[bool, str]:
    cut = _any_of(key).sub(" ", text)
    return cut != text, cut


def _order(text: str) -> tuple[Literal["relevance", "price", "-price"], str]:
    cheap, text = _cut("cheapest", text)
    dear, text = _cut("dearest", text)
    return ("price" if cheap else "-price" if dear else "relevance"), text


@cache
def _price_pattern() -> re.Pattern[str]:
    low, high, about = _bound("at_least"), _bound("at_most"), _bound("about")
    signs, _ = _currency()
    money = re.sub(r"\(\?P<[A-Z]{3}>", "(?:", signs)
    lead = r"(?:(?:по )?цен(?:а|ы|е|у|ой)|стоимост\w+|бюджет\w*|price|budget|cost(?:ing)?|preis|ціна|pret)"
    return re.compile(
        rf"(?P<lead>(?<![^\W\d_]){lead}[ :]*)?"
        rf"(?:(?<![^\W\d_])(?:(?P<low>{low})|(?P<high>{high})|(?P<about>{about}|за))\s*)?"
        rf"(?:(?<![^\W\d])(?P<before>{money})\s?)?(?P<number>{_NUMBER})\s?(?P<scale>{_SCALES})?(?![^\W_])"
        rf"(?:\s?(?:{money})?\s?(?:до|-|–|to|bis|and|und|и|by)\s?(?:{money})?(?P<top>{_NUMBER})\s?(?P<topscale>{_SCALES})?(?![^\W_]))?"
        rf"\s?(?P<after>{money})?(?![^\W_])"
    )


def _prices(text: str) -> tuple[list[Limit], str]:
    """Limits that name a currency, a thousand or the price itself; a bare "до 5000" is one when no unit follows."""
    found: list[Limit] = []

    def read(match: re.Match[str]) -> str:
        bound = match["low"] or match["high"] or match["about"] or match["top"]
        money = match["before"] or match["after"]
        scaled = (match["scale"] or match["topscale"]) and bound
        # A pressure or a length may also follow "до"; without any sign of money a limit must be a round large sum.
        bare = (
            (match["low"] or match["high"])
            and not money
            and _value(match["number"], None) >= 500
            and not _unit_follows(text, match.end())
        )
        if not (bound or match["lead"]) or not (money or scaled or match["lead"] or bare):
            return match[0]
        unit = _code(match["before"] or match["after"] or "")
        scale = match["scale"] or match["topscale"]
        number = _value(match["number"], scale)
        top = _value(match["top"], match["topscale"] or match["scale"]) if match["top"] else None
        low, high = _ends(match, number, top)
        found.append(Limit(what="price", unit=unit, low=low, high=high, sure=not match["about"]))
        return " "

    return found, _price_pattern().sub(read, text)


def _ends(match: re.Match[str], number: Decimal, top: Decimal | None) -> tuple[Decimal | None, Decimal | None]:
    if top is not None:
        return min(number, top), max(number, top)
    if match["low"]:
        return number, None
    if match["about"]:
        return number * (1 - TOLERANCE), number * (1 + TOLERANCE)
    return None, number


def _unit_follows(text: str, at: int) -> bool:
    rest = text[at : at + 24]
    return bool(scan("1 " + rest.lstrip())) if rest.strip() else False


def _value(number: str, scale: str | None) -> Decimal:
    grouped = re.sub(r"[ \u00a0']", "", number)
    if re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", grouped):  # $1,000 and 1.500 Euro: money has no third decimal
        grouped = re.sub("[.,]", "", grouped)
    value = Decimal(grouped.replace(",", "."))
    for name, factor in _SCALE.items():
        if scale and scale.rstrip(".").startswith(name):
            return value * factor
    return value


def _code(sign: str) -> str:
    match = _currency()[1].fullmatch(sign.strip())
    return (match.lastgroup or "") if match else ""


@cache
def _bounds_pattern() -> re.Pattern[str]:
    return re.compile(
        rf"(?<![^\W\d_])(?:(?P<low>{_bound('at_least')})|(?P<high>{_bound('at_most')})|(?P<about>{_bound('about')}))\s*$"
    )


def _quantities(text: str) -> tuple[list[tuple[Limit, bool]], str]:
    """Quantities with a comparison before them ("не менее 10 бар") or a range ("от 2 до 4 мм") become limits.

    Beside each limit: whether its comparison is one that names of products use too.
    """
    found: list[tuple[Limit, bool]] = []
    cuts: list[tuple[int, int]] = []
    for quantity in sorted(scan(text), key=lambda one: one.start):
        if quantity.dimension not in DIMENSIONS or any(start <= quantity.start < end for start, end in cuts):
            continue
        match = _bounds_pattern().search(text[max(0, quantity.start - 30) : quantity.start])
        start = quantity.start - len(match[0]) if match else quantity.start
        limit = _limit(quantity, match)
        if limit is not None and match is not None:
            found.append((limit, match[0].strip() in _WEAK))
            cuts.append((start, quantity.end))
    for start, end in reversed(cuts):
        text = f"{text[:start]} {text[end:]}"
    return found, text


def _joined(limits: Sequence[Limit]) -> list[Limit]:
    """A bound below and one above of the same kind, side by side, are one range: "from 1.5 kW to 3 kW"."""
    found: list[Limit] = []
    for limit in limits:
        last = found[-1] if found else None
        if (
            last
            and (last.what, last.sure, last.high, limit.low) == (limit.what, limit.sure, None, None)
            and last.low is not None
            and limit.high is not None
            and last.low <= limit.high
        ):
            found[-1] = replace(last, high=limit.high)
        else:
            found.append(limit)
    return found


def _limit(quantity: Quantity, match: re.Match[str] | None) -> Limit | None:
    low, high = Decimal(str(quantity.low)), Decimal(str(quantity.high))
    unit = UNIT_OF.get(quantity.dimension, "")
    if match is None:
        return None
    if quantity.low < quantity.high:
        return Limit(what=quantity.dimension, unit=unit, low=low, high=high, sure=quantity.sure)
    if match["low"]:
        return Limit(what=quantity.dimension, unit=unit, low=low, sure=quantity.sure)
    if match["high"]:
        return Limit(what=quantity.dimension, unit=unit, high=high, sure=quantity.sure)
    return Limit(what=quantity.dimension, unit=unit, low=low * (1 - TOLERANCE), high=high * (1 + TOLERANCE), sure=False)
