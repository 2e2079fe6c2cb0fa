"""Blocks prices, stock, measures and properties that are not those of the row that the sentence speaks of."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal

from appliance.core.claims.company import akin, content, quotes_number, same_number
from appliance.core.claims.goods import Fact, Good, Mention, same_word, tokens
from appliance.core.claims.lexicon import data, has, names, pattern
from appliance.core.claims.numbers import Number, find_numbers
from appliance.core.claims.sentence import Blocked, Group, Sentence, against, rows_of


@dataclass(slots=True)
class _About:
    """The claims of one group of mentions, in the order of the sentence."""

    group: Group
    claims: list[tuple[Number, str]] = field(default_factory=list)
    stock: list[tuple[int, bool]] = field(default_factory=list)  # where, and whether "in stock"
    concepts: list[tuple[int, str]] = field(default_factory=list)
    quotes: list[Mention] = field(default_factory=list)


def figures(sentence: Sentence) -> None:
    """Every figure, word of stock and property is proven of the row that it stands for."""
    covered = [(number.start, number.end) for number in sentence.numbers]
    for match in re.finditer(r"[$€£₽₸₴₺¥]", sentence.bare):
        if not any(start <= match.start() < end for start, end in covered):
            raise Blocked("a sign of money without a sum")
    abouts: dict[Group, _About] = {}
    owners = against(sentence)

    def about(at: int) -> _About:
        group = owners.get(at) or _both(sentence, at) or sentence.spoken_of(at)
        return abouts.setdefault(group, _About(group=group))

    for number in sentence.numbers:
        kind = _kind(sentence, number)
        if kind in ("count", "total"):
            _count(sentence, number, all_of_them=kind == "total")
        elif kind and not _licensed(sentence, number, kind):
            about(number.start).claims.append((number, kind))
    for quote in sentence.quotes:
        about(quote.start).quotes.append(quote)
    for at, yes in _stock_words(sentence):
        about(at).stock.append((at, yes))
    for at, concept in _concepts(sentence):
        about(at).concepts.append((at, concept))
    for each in abouts.values():
        _prove(sentence, each)


def _both(sentence: Sentence, at: int) -> Group:
    """The two products of a clause that says "both"."""
    text = sentence.clause_text(at)
    said = pattern("cues", "both").search(text)
    if said is None or re.search(r"(?<!\w)(?:der|of|of the|из|von)\s*$", text[: said.start()], re.IGNORECASE):
        return ()
    named = tuple(each for group in sentence.groups for each in group)
    for pair in (sentence.spoken_of(at), named):
        if len(pair) == 2:
            return pair
    if len(sentence.rows) != 2:
        raise Blocked("there are not two of them")
    return tuple(Mention(start=at, end=at, rows=frozenset({row})) for row in sorted(sentence.rows))


def _kind(sentence: Sentence, number: Number) -> str:
    """What a number says: "price", "stock", "measure", "count", "total", or "" for nothing."""
    if number.currency:
        return "price"
    if number.literal:
        return "literal"
    before = sentence.bare[: number.start]
    if number.pieces:
        one = number.values == frozenset({Decimal(1)}) and PER.search(before)
        return "" if one else "stock"
    if number.unit:
        return "measure"
    if OUT_OF.search(before):
        return "total"
    return _kind_of_bare(sentence, number)


PER = re.compile(r"(?:за|по|per|pro|je|/|each)\s*$", re.IGNORECASE)
OUT_OF = re.compile(r"(?<!\w)(?:из|of|of the|of these|von|von den|aus)\s*$", re.IGNORECASE)
PAID = re.compile(r"(?<!\w)(?:за|for|für)\s*$", re.IGNORECASE)
COUNTED = re.compile(
    r"\s+(?:(?:подходящ|разн|таки|эти|these|of|matching|different|passende|the|x|×)\w*\s+)*", re.IGNORECASE
)


def _kind_of_bare(sentence: Sentence, number: Number) -> str:
    """By what stands around a number without a unit."""
    text = sentence.clause_text(number.start)
    if number.word and number.values == frozenset({Decimal(1)}):
        return "stock" if has("cues", "scarce", text) else ""
    stocked = has("cues", "stock", text)
    if _option_follows(sentence, number) and not stocked:
        return "count"
    follower = next((each for each in sentence.mentions if 0 <= each.start - number.end <= 25), None)
    if follower and COUNTED.fullmatch(sentence.text[number.end : follower.start]):
        return "stock" if stocked else "count"
    if _hint(sentence, number):
        return "bare measure"
    if has("cues", "price", text) or PAID.search(sentence.bare[: number.start]):
        return "price"
    return "stock" if stocked else "bare measure"


def _option_follows(sentence: Sentence, number: Number) -> bool:
    """ "Three suitable options": a word for any product right behind the number."""
    option = "|".join(data("lexicon")["cues"]["option"])
    behind = sentence.text[number.end : number.end + 40]
    return bool(re.match(rf"\s+(?:[^\W\d_]+\s+){{0,2}}?(?:{option})", behind, re.IGNORECASE))


def _licensed(sentence: Sentence, number: Number, kind: str) -> bool:
    """Numbers that the company's text or the customer's own wish carries."""
    start, end = sentence.clause(number.start)
    if quotes_number(sentence.company, number, sentence.text, sentence.text[start:end], sentence.lang) and not (
        kind == "price" and sentence.mentions
    ):
        return True
    if kind in ("price", "stock", "literal", "count"):
        return kind == "stock" and bool(sentence.asking) and any(_echoes(number, each) for each in sentence.said)
    wish = (
        sentence.asks(number.start)
        or has("cues", "asked", sentence.bare[start:end])
        or has("cues", "absent", sentence.bare[start:end])
    )
    if wish and any(_echoes(number, each) for each in sentence.said):
        return True
    rows = sentence.rows
    return sentence.asks(number.start) and any(_measured(sentence, number, row, "") for row in rows)


def _echoes(number: Number, said: Number) -> bool:
    bare = said.bare or number.bare
    same = same_number(number, said) or (bare and not said.currency and number.values & said.values)
    return bool(same)


def _stock_words(sentence: Sentence) -> list[tuple[int, bool]]:
    """Where the sentence says that something is in stock (True) or is not."""
    gone = list(pattern("stock", "no").finditer(sentence.bare))
    there = [
        match
        for match in pattern("stock", "yes").finditer(sentence.bare)
        if not any(other.start() <= match.start() < other.end() for other in gone)
    ]
    said = [(match, False) for match in gone] + [(match, not _negated(sentence, match.start())) for match in there]
    return [(match.start(), yes) for match, yes in said if not _only_asked(sentence, match)]


def _only_asked(sentence: Sentence, match: re.Match[str]) -> bool:
    text = sentence.clause_text(match.start())
    unknown = has("cues", "neutral", text) or has("cues", "ignorant", text)
    return sentence.asks(match.start()) or (unknown and has("cues", "whether", text))


def _negated(sentence: Sentence, at: int) -> bool:
    start, _ = sentence.clause(at)
    return has("cues", "negation", sentence.bare[start:at])


def _concepts(sentence: Sentence) -> list[tuple[int, str]]:
    """Where the sentence states a material, a colour, an origin, a feature."""
    return [
        (match.start(), name)
        for name in names("concepts")
        if not _company_has(sentence, name)
        for match in pattern("concepts", name).finditer(sentence.bare)
        if not sentence.asks(match.start()) and not sentence.hedged(match.start())
    ]


def _company_has(sentence: Sentence, concept: str) -> bool:
    return not sentence.mentions and has("concepts", concept, sentence.company.text)


def _prove(sentence: Sentence, about: _About) -> None:
    """Finds the rows of which all the claims are true, or blocks with the first claim that is not."""
    if len(about.group) > 1 and _in_order(sentence, about):
        return
    if len(about.group) > 1:
        for row in rows_of(about.group):
            _prove_row(sentence, about, frozenset({row}))
        return
    rows = rows_of(about.group) or sentence.rows
    if not _one_each(sentence, about, rows):
        _prove_row(sentence, about, rows)


def _one_each(sentence: Sentence, about: _About, rows: frozenset[int]) -> bool:
    """ "There are bowls of 20 l and of 40 l": figures of one kind, each shown by a row of its own."""
    kinds = {(kind, number.unit and number.unit[0], number.currency) for number, kind in about.claims}
    if len(about.claims) < 2 or len(kinds) > 1 or about.stock or about.concepts or about.quotes:
        return False
    left = set(rows)
    for number, kind in about.claims:
        fitting = [row for row in left if _true_of(sentence, number, kind, row, frozenset({row}))]
        if not fitting:
            return False
        left.remove(fitting[0])
    return True


def _in_order(sentence: Sentence, about: _About) -> bool:
    """ "A and B cost 100 and 200": as many figures of one kind as products, in their order."""
    if len(about.claims) != len(about.group) or about.stock or about.concepts:
        return False
    for (number, kind), mention in zip(about.claims, about.group, strict=True):
        if not any(_true_of(sentence, number, kind, row, mention.rows) for row in mention.rows):
            return False
    return True


def _prove_row(sentence: Sentence, about: _About, rows: frozenset[int]) -> None:
    left = rows
    for quote in about.quotes:
        left = left & quote.rows
        if not left:
            raise Blocked(f"another row says {sentence.text[quote.start : quote.end]}")
    for number, kind in about.claims:
        fitting = frozenset(row for row in left if _true_of(sentence, number, kind, row, rows))
        if not fitting:
            raise Blocked(f"no row shows {kind} {sentence.text[number.start : number.end].strip()}")
        left = fitting
    for at, yes in about.stock:
        if not left or not all(_stock_is(sentence.goods[row], yes=yes) for row in left):
            raise Blocked(f"the rows do not show stock: {sentence.text[at : at + 20]}")
    for _, concept in about.concepts:
        left = frozenset(row for row in left if _shows(sentence.goods[row], concept))
        if not left:
            raise Blocked(f"no row shows {concept}")


def _stock_is(good: Good, *, yes: bool) -> bool:
    stock = good.shown.stock
    return stock is not None and (stock > 0) is yes


def _shows(good: Good, concept: str) -> bool:
    if concept == "material.steel" and has("concepts", "material.stainless", good.text):
        return True
    return has("concepts", concept, good.text)


def _true_of(sentence: Sentence, number: Number, kind: str, row: int, rows: frozenset[int]) -> bool:
    good = sentence.goods[row]
    match kind:
        case "price":
            return _priced(sentence, number, row, rows)
        case "stock":
            return _stocked(sentence, number, row) or (
                bool(number.pieces) and _hint(sentence, number) != "" and _measured(sentence, number, row, "")
            )
        case "measure" | "bare measure":
            return _measured(sentence, number, row, _hint(sentence, number))
        case _:
            return number.raw in good.text


def _count(sentence: Sentence, number: Number, *, all_of_them: bool) -> None:
    """ "Three options": as many as are shown, or as are in stock where the clause speaks of stock."""
    follower = next((each for each in sentence.mentions if 0 <= each.start - number.end <= 25), None)
    if _option_follows(sentence, number):
        follower = None
    rows = follower.rows if follower else sentence.rows
    fair = {len(rows), len(sentence.rows)} if all_of_them else {len(rows)}
    if not all_of_them and has("cues", "stock", sentence.clause_text(number.start)):
        fair = {sum(_stock_is(sentence.goods[row], yes=True) for row in rows)}
    if number.top or not any(Decimal(each) in number.values for each in fair):
        raise Blocked(f"there are not {number.raw} of them")


def _priced(sentence: Sentence, number: Number, row: int, rows: frozenset[int]) -> bool:
    shown = sentence.goods[row].shown
    if shown.price is None or (number.currency and number.currency != _iso(shown.currency)):
        return False
    before = sentence.bare[max(0, number.start - 25) : number.start]
    behind = sentence.bare[number.end : number.end + 24]
    if _cue_at_end("inexact_over", before) or _cue_at_end("inexact_under", before):
        return False
    if not number.currency and re.match(
        r"\s*-?(?!(?:за|и|а|но|с|or|and|for|each|per|und|je|pro|at|in|но|при|только|на)(?!\w))[^\W\d_]", behind
    ):
        return False  # of what? "23 100 крон"
    if NOT_THE_PRICE.match(behind):
        return False
    if not _per_piece(behind, sentence.goods[row]):
        return False
    if number.top:
        prices = [sentence.goods[each].shown.price for each in rows]
        known = [price for price in prices if price is not None]
        return len(known) == len(prices) and min(known) in number.values and max(known) in number.top
    return shown.price in number.values


# A difference, a rate or a bound: "500 ₽ cheaper", "500 ₽ a month", "500 ₽ or less".
NOT_THE_PRICE = re.compile(
    r"[\s.…]*(?:(?:more|less|cheaper|dearer|extra|off|down|mehr|weniger|günstiger|billiger|teurer|дешевле|дороже|больше|меньше|сверху)"
    r"|(?:or|или|oder)\s+(?:more|less|mehr|weniger|больше|меньше|дешевле|дороже|ниже)"
    r"|(?:/|в|за|per|a|an|pro|je|im)\s*(?:месяц|мес|день|сутки|час|год|неделю|month|day|hour|year|week|monat|tag|stunde|jahr|woche)"
    r"|monatlich|monthly|ежемесячно)(?!\w)",
    re.IGNORECASE,
)


AT_LEAST = re.compile(r"(?<!\w)(?:от|с|from|ab|per)\s*$", re.IGNORECASE)


def _cue_at_end(name: str, before: str) -> bool:
    return any(match.end() >= len(before.rstrip()) for match in pattern("cues", name).finditer(before))


def _per_piece(behind: str, good: Good) -> bool:
    """ "12 ₽ per metre" needs a row sold by the metre; "each" and "per piece" are what a price is."""
    match = re.match(r"\s*(?:за|/|per|pro|je)\s*(?:один |одну |1 )?([^\W\d_]+)", behind, re.IGNORECASE)
    if not match:
        return True
    word = match[1].casefold()
    if word in ("штуку", "шт", "единицу", "piece", "pc", "unit", "item", "stück", "each", "экземпляр"):
        return True
    return any(same_word(word, other) for other in tokens(good.text))


def _iso(currency: str) -> str:
    code = currency.strip()
    number = find_numbers(f"1 {code}", "en")
    return number[0].currency or code.upper() if number else code.upper()


def _stocked(sentence: Sentence, number: Number, row: int) -> bool:
    stock = sentence.goods[row].shown.stock
    if stock is None or number.top or stock not in number.values:
        return False
    before = sentence.bare[max(0, number.start - 18) : number.start]
    if AT_LEAST.search(before):
        return False  # "from 3 pieces" is a condition
    return not (_cue_at_end("inexact_over", before) or _cue_at_end("inexact_under", before))


def _hint(sentence: Sentence, number: Number) -> str:
    """The attribute that the clause names beside the number: a quantity's name, or "=word" of a row's attribute."""
    start, end = sentence.clause(number.start)
    others = [each for each in sentence.numbers if each is not number]
    left = max([start, *(each.end for each in others if each.end <= number.start)])
    right = min([end, *(each.start for each in others if each.start >= number.end), number.end + 30])
    behind = re.split(
        r"(?<!\w)(?:с|со|with|mit|при|на|and|и|und|at|bei)(?!\w)|[,;:(]", sentence.bare[number.end : right]
    )[0]
    for text in (sentence.bare[left : number.start], behind):
        if quantity := _last_quantity(text):
            return quantity
        for word in reversed(content(text)):
            for good in sentence.goods:
                if any(akin(word, each, sentence.lang) for name, _ in good.shown.attributes for each in tokens(name)):
                    return f"={word}"
    return ""


def _last_quantity(text: str) -> str:
    found = [
        (match.end(), name) for name in names("quantities") for match in pattern("quantities", name).finditer(text)
    ]
    return max(found)[1] if found else ""


def _measured(sentence: Sentence, number: Number, row: int, hint: str) -> bool:
    """Whether the row has this figure in this dimension, under the attribute that the sentence names."""
    good = sentence.goods[row]
    facts = [fact for fact in good.facts if _same_measure(number, fact)]
    if number.bare and not hint:
        return _beside_same_word(sentence, number, good) or (
            _listed(sentence, number) and any(fact.number.bare for fact in facts)
        )
    if not hint:
        return bool(facts)
    if hint.startswith("="):
        named = [
            fact for fact in good.facts if any(akin(hint[1:], each, sentence.lang) for each in tokens(fact.attribute))
        ]
    else:
        named = [fact for fact in good.facts if fact.quantity == hint]
    if named:
        return any(fact in named for fact in facts)
    if number.bare:
        return _beside_same_word(sentence, number, good)
    return any(not fact.quantity or _loosely(fact.quantity, hint) for fact in facts)


def _loosely(quantity: str, hint: str) -> bool:
    """Names that people use for one another."""
    return {quantity, hint} <= {"length", "depth"} or ({quantity, hint} <= {"power", "flow"} and False)


def _same_measure(number: Number, fact: Fact) -> bool:
    known = fact.number
    if number.currency or known.currency:
        return False
    if number.bare or number.pieces:
        return bool(number.values & known.values) and bool(number.top) == bool(known.top)
    if number.unit is None or fact.dimension != number.unit[0]:
        return False
    if not number.top and known.top:
        return bool(number.measures()[0] & known.measures()[0] or number.measures()[0] & known.measures()[1])
    return all(a & b for a, b in zip(number.measures(), known.measures(), strict=False)) and bool(number.top) == bool(
        known.top
    )


def _listed(sentence: Sentence, number: Number) -> bool:
    """Stands alone between commas, as an attribute's value in a list does."""
    before, behind = sentence.text[: number.start].rstrip()[-1:], sentence.text[number.end :].lstrip()[:1]
    return before in ",;:(" and behind in ",;.)"


def _beside_same_word(sentence: Sentence, number: Number, good: Good) -> bool:
    """A bare figure is shown when the row has it beside the same word: "3 жилы"."""
    behind = tokens(sentence.text[number.end : number.end + 30])[:1]
    before = tokens(sentence.text[max(0, number.start - 30) : number.start])[-1:]
    words = tokens(good.text)
    digits = tokens(number.raw)
    for at in range(len(words) - len(digits) + 1):
        if words[at : at + len(digits)] == digits:
            after, prior = words[at + len(digits) : at + len(digits) + 1], words[max(0, at - 1) : at]
            if any(akin(a, b, sentence.lang) and len(a) > 2 for a in behind for b in after) or any(
                akin(a, b, sentence.lang) and len(a) > 2 for a in before for b in prior
            ):
                return True
    return False
