"""Blocks comparisons that the rows do not bear out."""

from __future__ import annotations

import re
from decimal import Decimal

from appliance.core.claims.goods import Good
from appliance.core.claims.lexicon import data, has, names, pattern
from appliance.core.claims.sentence import Blocked, Sentence, rows_of

THAN = re.compile(r".{0,30}?(?<!\w)(?:чем|than|als|ніж)(?!\w)", re.IGNORECASE)


def comparisons(sentence: Sentence) -> None:
    """Cheaper, dearer, stronger, lighter and their superlatives are looked up; any other comparison is blocked."""
    proven: list[tuple[int, int]] = []
    for name in names("compare"):
        dimension, direction, *_ = data("lexicon")["compare"][name]
        for match in pattern("compare", name).finditer(sentence.bare):
            if sentence.asks(match.start()) or has("cues", "absent", sentence.clause_text(match.start())):
                continue
            if any(start <= match.start() < end for start, end in proven):
                continue  # "the most" of "the most powerful"
            if not dimension or has("promises", "market", sentence.bare):
                raise Blocked(f"a comparison that nothing shows: {match[0]}")
            if not _true(sentence, match, dimension, direction):
                raise Blocked(f"the rows do not show it: {match[0]}")
            proven.append(match.span())


def _true(sentence: Sentence, match: re.Match[str], dimension: str, direction: str) -> bool:
    """Whether each product spoken of beats each one that it is compared with, or all others that are shown."""
    than = THAN.match(sentence.text[match.end() :])
    limit = match.end() + than.end() if than else len(sentence.text)
    objects = [group for group in sentence.groups if than and group[0].start >= limit]
    subject = rows_of(sentence.spoken_of(match.start(), [each for each in sentence.groups if each not in objects]))
    others = rows_of(objects[0]) if objects else sentence.rows - subject
    if not subject or not others or (than and not objects) or subject & others:
        return False
    if dimension == "price" and len({sentence.goods[row].shown.currency for row in subject | others}) > 1:
        return False
    ours = [_figure(sentence.goods[row], dimension) for row in subject]
    theirs = [_figure(sentence.goods[row], dimension) for row in others]
    return all(
        mine is not None and other is not None and (mine < other if direction == "min" else mine > other)
        for mine in ours
        for other in theirs
    )


def _figure(good: Good, dimension: str) -> Decimal | None:
    """The price, or the one figure that the row's attributes have in this dimension."""
    if dimension == "price":
        return good.shown.price
    facts = [fact.number for fact in good.facts if fact.attribute and fact.dimension == dimension]
    values = {value for number in facts for value in number.measures()[0]}
    return values.pop() if len(values) == 1 and not any(number.top for number in facts) else None
