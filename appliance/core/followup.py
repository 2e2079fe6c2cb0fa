"""Understands remarks on what was just shown ("cheaper?", "and for 380?", "the second one")."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from appliance.core.language import readable
from appliance.core.lexicon import LANGUAGES, LONGEST, PHONE, QUANTITY, Lexicon, lexicon, normal
from appliance.core.types import Card
from catalog.normalize import DIMENSIONS, UNIT_OF, fold, scan
from catalog.understand import understand
from catalog.wish import Limit, Wish

_CENT = Decimal("0.01")
_FIXED = {"voltage", "phases", "frequency"}  # what a site has; "bigger" never means these
_STEP = Decimal("1.001")  # past a bound that is inclusive: "more powerful than 3 kW" must not show 3 kW
_MAINS = {
    Decimal(value) for value in (12, 24, 36, 48, 110, 127, 220, 230, 240, 380, 400, 415, 660)
}  # volts people name bare
_ORDINALS = ("first", "second", "third", "fourth", "fifth")
_BEGINNINGS = {"first_two": 2, "first_three": 3}
_CODE = re.compile(r"(?<![\w-])(?=[\w./-]*\d)(?=[\w./-]*[a-zа-я])[\w][\w./-]{4,}(?![\w-])")
_NUMBER = re.compile(r"(?<![\w.,])\d+(?:[.,]\d+)?(?![\w.,]*[a-zа-яё\d])")
_WORD = re.compile(r"\w+")
_PLACE = re.compile(  # "variant 2", "№3"
    r"(?:№|#|(?<!\w)(?:номер|вариант\w*|позици\w*|модель|option|number|item|nummer|variante?|modell?|variant|нұсқа|raqam|numara)"
    r"\s)\s*(\d)(?!\w)"
)
_DIGIT = re.compile(r"(?<![\w.,])(\d)(?![\w.,]*\w)")
_NAME = re.compile(r"(?<![.!?]\s)(?<!^)\b[A-ZА-Я][\w-]+|(?<=[а-я?]\s)[A-Za-z][\w-]+")
_ADJECTIVE = re.compile(r"\w{3}(?:ый|ий|ой|ая|яя|ое|ее|ые|ие|ого|его|ую|юю|ых|их)$")  # Russian and Ukrainian
_PARTICIPLE = re.compile(r"[a-z]{3}(?:ed|less|able|proof)$")  # "wall mounted", "cordless"
_FEW = 3  # new words that may describe; more are a request
_MOST_WORDS = 9  # of a remark; a longer message is a request of its own

Kind = Literal["refine", "more", "details", "price", "stock", "compare", "order"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """What a remark asks: another search (`wish`), or something about shown cards (`cards`, positions from 0).

    `otherwise` is a milder wish to try where `wish` finds nothing; `loose` one without the quantities that both held.
    """

    kind: Kind
    why: str
    wish: Wish | None = None
    otherwise: Wish | None = None
    loose: Wish | None = None
    cards: tuple[int, ...] = ()


def resolve(
    text: str, *, wish: Wish | None, shown: Sequence[Card], lang: str, focus: str = ""
) -> FollowUp | None:  # fmt: skip
    """The remark as a changed wish or a reference to cards; None when the message stands on its own.

    `wish` is what was last searched for, `shown` the cards of the last answer in their order, `focus` the SKU of the
    one that was last spoken of by itself.
    """
    if (wish is None and not shown) or len(text) > LONGEST:
        return None
    remark = _Remark.read(text, lang=lang, wish=wish, shown=shown)
    if remark.stands_alone:
        return None
    return _about_cards(remark, shown, focus) or _changed(remark, wish, shown)


def perhaps(text: str, *, wish: Wish | None, shown: Sequence[Card], lang: str) -> FollowUp | None:
    """The last wish with a few words added that `resolve` cannot place: "warm light", "waterproof".

    Only the catalogue can tell whether they describe what was shown or name other goods: where the changed wish finds
    something that `covers` all its words, they describe.
    """
    if wish is None or not shown or len(text) > LONGEST:
        return None
    remark = _Remark.read(text, lang=lang, wish=wish, shown=shown)
    asks = any(lex.says(remark.text, "product", "demand") for lex in remark.lexicons)
    goods = any(lex.says(remark.text, "product", "goods", "generic") for lex in remark.lexicons)
    if remark.stands_alone or asks or goods or not 1 <= len(remark.new) <= _FEW:
        return None
    limits = _limits(remark, wish, understand(remark.text)) if _quantities(remark.text) else []
    return FollowUp(kind="refine", why="further words", wish=_with(wish, limits, " ".join(remark.new)))


def covers(text: str, words: str) -> bool:
    """Whether a product's text has all these words, in whatever form."""
    known = normal(text)
    wanted = [word for word in _WORD.findall(normal(words)) if not word.isdigit()]
    return all(_same_word_in(word[: max(4, len(word) * 4 // 5)], known) for word in wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Remark:
    """The message as the follow-up lists see it."""

    text: str
    said: frozenset[str]  # topics of the follow-up lists
    named: tuple[int, ...]  # positions of the cards it points at by ordinal, number or code
    new: tuple[str, ...]  # words that are neither follow-up phrases nor function words
    opens: bool  # begins as a continuation does
    stands_alone: bool
    lexicons: tuple[Lexicon, ...]
    names: frozenset[str]  # words written as names are: with a capital, or in Latin among Cyrillic

    @classmethod
    def read(cls, text: str, *, lang: str, wish: Wish | None, shown: Sequence[Card]) -> _Remark:
        plain = normal(readable(text, lang)).strip(" .,!?;:()…")
        codes = dict.fromkeys(
            (lang, *(("ru",) if re.search("[а-я]", plain) else ()), *(("en",) if re.search("[a-z]", plain) else ()))
        )
        lexicons = tuple(lexicon(code) for code in codes)
        said = frozenset(topic for lex in lexicons for topic in lex.topics_said(plain, "follow_up"))
        named = _named(plain, said, shown)
        new = _new_words(plain, lexicons)
        opens = any(match.start() == 0 for lex in lexicons for match in lex.found(plain, "follow_up", "opener", "keep"))
        return cls(
            text=plain,
            said=said,
            named=named,
            new=new,
            opens=opens,
            stands_alone=_stands_alone(plain, said, named, new, opens, lexicons, wish, shown),
            lexicons=lexicons,
            names=frozenset(normal(word) for word in _NAME.findall(text)),
        )


def _named(plain: str, said: frozenset[str], shown: Sequence[Card]) -> tuple[int, ...]:
    positions = [index for index, name in enumerate(_ORDINALS) if name in said and index < len(shown)]
    positions += [at for name, count in _BEGINNINGS.items() if name in said for at in range(min(count, len(shown)))]
    if "last" in said and shown:
        positions.append(len(shown) - 1)
    bare = re.fullmatch(r"(?:№|#|n)?\s*(\d)", plain)
    if bare and 1 <= int(bare.group(1)) <= len(shown):
        positions.append(int(bare.group(1)) - 1)
    counted = [*_PLACE.findall(plain), *(_DIGIT.findall(plain) if "compare" in said else [])]
    positions += [int(number) - 1 for number in counted if 1 <= int(number) <= len(shown)]
    positions += [
        index
        for index, card in enumerate(shown)
        if card.sku and re.search(rf"(?<!\w){re.escape(normal(card.sku))}(?!\w)", plain)
    ]
    return tuple(dict.fromkeys(positions))


def _new_words(plain: str, lexicons: Sequence[Lexicon]) -> tuple[str, ...]:
    rest = plain
    for lex in lexicons:
        for pattern in lex.topics.get("follow_up", {}).values():
            rest = pattern.sub(" ", rest)
        for match in lex.found(rest, "product", "generic"):
            rest = rest.replace(match.group(), " ")
    words = [word for word in _WORD.findall(rest) if not any(word in lex.function_words for lex in lexicons)]
    left = set(_WORD.findall(_bare(understand(plain).text)))  # without prices, bounds and quantities
    return tuple(word for word in words if fold(word) in left)


def _stands_alone(
    plain: str,
    said: frozenset[str],
    named: tuple[int, ...],
    new: tuple[str, ...],
    opens: bool,
    lexicons: Sequence[Lexicon],
    wish: Wish | None,
    shown: Sequence[Card],
) -> bool:
    """A complete request: other goods, a foreign code, a company question, or too much to be a remark."""
    if len(plain.split()) > _MOST_WORDS:
        return True
    if any(lex.says(plain, group) for lex in lexicons for group in ("off_topic", "abuse")):
        return True
    if named:
        return False
    about_stock = "stock" in said and not new  # "sofort lieferbar?" is no question about the delivery
    if not about_stock and any(lex.says(plain, group) for lex in lexicons for group in ("company", "contact")):
        return True
    if _is_courtesy(plain, lexicons) or PHONE.search(plain) or "@" in plain:
        return True
    if not opens and any(not QUANTITY.fullmatch(code.group()) for code in _CODE.finditer(plain)):
        return True
    known = " ".join((normal(wish.text) if wish else "", *(normal(f"{card.name} {card.category}") for card in shown)))
    goods = {match.group() for lex in lexicons for match in lex.found(plain, "product", "goods")}
    comparing = bool(said & {"cheaper", "dearer", "bigger", "smaller", "brand"})
    if comparing:  # "with a larger tank": of what was shown, not a tank
        known += " " + " ".join(normal(name) for card in shown for name, _ in card.attributes)
    foreign = [word for word in goods if not _same_word_in(word, known) and not _is_part(word, plain, lexicons)]
    return bool(foreign) or bool(goods and not comparing and not opens)


def _is_part(word: str, plain: str, lexicons: Sequence[Lexicon]) -> bool:
    """Whether a word ends a remark that says what the goods are to have or be for: "mit Schwimmerschalter"."""
    if not plain.endswith(word):
        return False
    before = plain.removesuffix(word).split()
    leads = any(lex.says(before[0], "follow_up", "keep") for lex in lexicons) if before else False
    return leads and (len(before) == 1 or (len(before) == 2 and bool(_ADJECTIVE.search(before[1]))))


def _is_courtesy(plain: str, lexicons: Sequence[Lexicon]) -> bool:
    """Nothing but greetings, thanks and the like."""
    for lex in lexicons:
        for pattern in lex.topics.get("smalltalk", {}).values():
            plain = pattern.sub(" ", plain)
    return not _WORD.search(plain)


def _same_word_in(word: str, text: str) -> bool:
    """Whether the text has a word with the same beginning: three letters in four, at least four; endings differ."""
    stem = word[: max(4, len(word) * 3 // 4)]
    return any(other.startswith(stem) for other in _WORD.findall(text)) or (
        not word.isascii() and len(word) < 3 and word in text
    )


def _about_cards(remark: _Remark, shown: Sequence[Card], focus: str) -> FollowUp | None:
    """A question about cards that were shown: the named ones, the one spoken of before, or all of them."""
    if not shown:
        return None
    said, every = remark.said, tuple(range(len(shown)))
    changing = said & {"cheaper", "dearer", "bigger", "smaller", "brand"}
    if {"only", "stock"} <= said and not remark.named:
        return None
    if changing and not ("compare" in said and len(remark.named) != 1):  # "which is better" is no wish for dearer ones
        return None
    if (remark.named and not remark.new) or (remark.named and len(remark.new) <= 2):
        kind = next((kind for kind in ("compare", "order", "stock", "price") if kind in said), "details")
        return FollowUp(kind=kind, cards=remark.named, why=f"names cards: {kind}")  # type: ignore[arg-type]
    if remark.new or _NUMBER.search(remark.text) or _quantities(remark.text):
        return None
    for kind in ("compare", "more", "stock", "price", "details", "order"):
        if kind in said and kind == "more":
            return None
        if kind in said:
            alone = () if kind == "compare" or "all" in said else tuple(at for at in every if shown[at].sku == focus)
            why = f"asks about the cards: {kind}"
            return FollowUp(kind=kind, cards=remark.named or alone or every, why=why)  # type: ignore[arg-type]
    return None


def _changed(remark: _Remark, wish: Wish | None, shown: Sequence[Card]) -> FollowUp | None:
    """The last wish with what the remark changes."""
    wish = wish or Wish(text=shown[0].category or shown[0].name)
    said = remark.said
    heard = understand(remark.text)
    if "brand" in said:
        brand = _brand_unwanted(remark, shown) or wish.brand or (shown[0].brand if shown else "")
        return FollowUp(kind="refine", why="another brand", wish=replace(wish, brand="", not_brand=brand))
    if "without" in said and len(remark.new) == 1:
        return FollowUp(kind="refine", why="not this brand", wish=replace(wish, brand="", not_brand=remark.new[0]))
    if "cheaper" in said or "dearer" in said:
        return _other_price(remark, wish, shown, heard, cheaper="cheaper" in said)
    fits = remark.opens or all(any(lex.says(word, "product", "spec") for lex in remark.lexicons) for word in remark.new)
    if fits and (limits := _limits(remark, wish, heard)):
        changed = _with(wish, limits, " ".join(remark.new))
        milder = replace(
            changed, limits=tuple(replace(limit, sure=limit.sure and limit not in limits) for limit in changed.limits)
        )
        return FollowUp(kind="refine", why="other limits", wish=changed, otherwise=milder)
    if "bigger" in said or "smaller" in said:
        return _other_size(remark, wish, shown, bigger="bigger" in said)
    if "more" in said and not remark.new:
        return FollowUp(kind="more", why="asks for more", wish=wish)
    if "stock" in said and not remark.new:
        return FollowUp(kind="refine", why="only what is in stock", wish=replace(wish, in_stock=True))
    words = _added_words(remark)
    if words and remark.new and fits and len(remark.new) <= 4 and _modifies(remark):
        return FollowUp(kind="refine", why="further words", wish=_with(wish, (), words))
    return None


def _brand_unwanted(remark: _Remark, shown: Sequence[Card]) -> str:
    """The brand that a remark does not want: of the goods shown, or by a name that nothing else explains."""
    named = [
        card.brand
        for card in shown
        if card.brand and re.search(rf"(?<!\w){re.escape(normal(card.brand))}(?!\w)", remark.text)
    ]
    unknown = remark.new[0] if "without" in remark.said and len(remark.new) == 1 else ""
    return named[0] if named else unknown


def _modifies(remark: _Remark) -> bool:
    """Whether the new words describe ("for hot water", "stainless", "Wilo") rather than name other goods."""
    if any(lex.says(remark.text, "follow_up", "keep") for lex in remark.lexicons):
        return True
    return all(
        any(lex.says(word, "product", "spec") for lex in remark.lexicons)
        or _ADJECTIVE.search(word)
        or _PARTICIPLE.search(word)
        or word in remark.names
        for word in remark.new
    )


def _other_price(remark: _Remark, wish: Wish, shown: Sequence[Card], heard: Wish, *, cheaper: bool) -> FollowUp:
    """Cheaper than all that was shown (or than the named one); failing that, than the first of them."""
    order: Literal["price", "-price"] = "price" if cheaper else "-price"
    named = [limit for limit in heard.limits if limit.what == "price"]
    asked = {limit.what for limit in wish.limits}
    own = tuple(limit for limit in wish.limits if limit.what != "price")
    held = tuple(limit for limit in _met(wish, shown) if limit.what not in asked)
    rest = (*own, *held)
    if named:
        return FollowUp(kind="refine", why="a price named", wish=replace(wish, limits=(*rest, *named), order=order))
    pointed = [shown[index] for index in remark.named] or list(shown)
    currencies = Counter(card.currency for card in pointed if card.price is not None)
    if not currencies:
        return FollowUp(kind="refine", why="another price", wish=replace(wish, limits=rest, order=order))
    unit = currencies.most_common(1)[0][0]  # of what is shown in several, most can be compared in this one
    prices = [card.price for card in pointed if card.price is not None and card.currency == unit]
    strict, mild = (min(prices), prices[0]) if cheaper else (max(prices), prices[0])

    def bounded(price: Decimal, held: tuple[Limit, ...] = rest) -> Wish:
        low, high = (None, price - _CENT) if cheaper else (price + _CENT, None)
        return replace(wish, limits=(*held, Limit(what="price", unit=unit, low=low, high=high)), order=order)

    return FollowUp(
        kind="refine",
        why="cheaper" if cheaper else "dearer",
        wish=bounded(strict),
        otherwise=bounded(mild) if mild != strict else None,
        loose=bounded(mild, own) if held else None,
    )


def _met(wish: Wish, shown: Sequence[Card]) -> list[Limit]:
    """The quantities that were asked for and that the first card has: another price is wanted, not another power."""
    first = shown[:1]
    has = {(limit.what, limit.low) for card in first for limit in _quantities(f"{_described(card)} {card.name}")}
    return [replace(limit, sure=True) for limit in _quantities(wish.text) if (limit.what, limit.low) in has]


def _described(card: Card) -> str:
    return " ".join(f"{name} {text};" for name, text in card.attributes)


def _other_size(remark: _Remark, wish: Wish, shown: Sequence[Card], *, bigger: bool) -> FollowUp:
    """Past the quantity that was asked for, or past the first card's."""
    asked = [*_quantities(wish.text), *(limit for limit in wish.limits if limit.what != "price")]
    described = _quantities(_described(shown[0]) + shown[0].name) if shown else []
    sizes = [limit for limit in (*asked, *described) if limit.what not in _FIXED]
    why = "bigger" if bigger else "smaller"
    if not sizes:
        return FollowUp(kind="refine", why=why, wish=replace(wish, text=f"{wish.text} {remark.text}"))
    limit = sizes[0]
    value = (limit.high if bigger else limit.low) or limit.low or limit.high or Decimal(0)
    low, high = (value * _STEP, None) if bigger else (None, value / _STEP)
    return FollowUp(kind="refine", why=why, wish=_with(wish, [replace(limit, low=low, high=high, sure=True)], ""))


def _limits(remark: _Remark, wish: Wish, heard: Wish) -> list[Limit]:
    """The limits in the remark; a bare number is a voltage where it looks like one, else the last quantity anew."""
    if limits := [*heard.limits, *_quantities(remark.text)]:
        return limits
    numbers = [Decimal(match.group().replace(",", ".")) for match in _NUMBER.finditer(remark.text)]
    if not numbers or remark.named:
        return []
    value = numbers[0]
    if value in _MAINS:
        return [Limit(what="voltage", unit="v", low=value, high=value)]
    asked = [*(limit for limit in wish.limits if limit.what != "price"), *_quantities(wish.text)]
    return [replace(asked[-1], low=value, high=value)] if asked else []


def _quantities(text: str) -> list[Limit]:
    """The quantities named in a text, in canonical units, as limits to those very values."""
    return [
        Limit(
            what=quantity.dimension,
            unit=UNIT_OF.get(quantity.dimension, ""),
            low=Decimal(str(quantity.low)),
            high=Decimal(str(quantity.high)),
        )
        for quantity in sorted(scan(fold(text)), key=lambda quantity: quantity.start)
        if quantity.dimension in DIMENSIONS
    ]


def _without_quantities(text: str, dimensions: set[str]) -> str:
    """The text without its quantities of these dimensions."""
    folded = fold(text)
    for quantity in sorted(scan(folded), key=lambda quantity: -quantity.start):
        if quantity.dimension in dimensions:
            rest = re.sub(r"^[^\W\d_]+", "", folded[quantity.end :])  # an ending: "380 вольтқа"
            folded = f"{folded[: quantity.start]} {rest}"
    return " ".join(folded.split())


def _bare(text: str) -> str:
    """The text without quantities and numbers."""
    return _NUMBER.sub(" ", _without_quantities(text, set(DIMENSIONS)))


def _added_words(remark: _Remark) -> str:
    """What the remark adds to the words to look for, without the openers ("а", "what about") before it."""
    rest = " ".join(remark.text.split())
    while lead := next(
        (m for lex in remark.lexicons for m in lex.found(rest, "follow_up", "opener", "lead") if not m.start()), None
    ):
        rest = rest[lead.end() :].strip(" ,")
    return rest


def _with(wish: Wish, limits: Sequence[Limit], words: str) -> Wish:
    """The wish with quantities of the same kinds replaced, and the words added in the place of a like phrase."""
    renewed = {limit.what for limit in limits}
    text = _without_quantities(wish.text, renewed) if renewed else wish.text
    kept = tuple(limit for limit in wish.limits if limit.what not in renewed)
    return replace(wish, text=f"{_without_phrase(text, words)} {words}".strip(), limits=(*kept, *limits))


def _without_phrase(text: str, words: str) -> str:
    """ "pump for hot water" loses "for hot water" when "for cold water" is added."""
    preposition = words.split(" ", 1)[0]
    if not any(lexicon(lang).says(preposition, "follow_up", "keep") for lang in LANGUAGES):
        return text
    return (
        re.sub(rf"(?<!\w){re.escape(preposition)}\s.*?(?=\s(?:для|на|с|из|for|with|from)\s|$)", "", text).strip()
        or text
    )
