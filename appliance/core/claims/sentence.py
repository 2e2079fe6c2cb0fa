"""Takes a sentence apart: which rows its parts speak of, its figures, its clauses, and what it only asks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from appliance.core.claims import clean
from appliance.core.claims.company import Company, clause_spans
from appliance.core.claims.goods import Good, Mention, find_mentions, tokens
from appliance.core.claims.lexicon import data, has
from appliance.core.claims.numbers import Number, find_numbers

Span = tuple[int, int]
Group = tuple[Mention, ...]
TOGETHER = re.compile(
    r"[\s»”\")]*(?:,|/|и|или|and|or|und|oder|а также|as well as|sowie|та|және|va|ve|和)*[\s«“„\"]*"
    r"(?:the |die |der |das )?",
    re.IGNORECASE,
)
AGAINST = re.compile(r"\s*(?:против|vs\.?|versus|against|gegen|gegenüber|compared (?:to|with)|проти)\s*", re.IGNORECASE)


class Blocked(Exception):
    """Ends the examination with its reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence under examination: plain text, the same with names blanked, and its parts."""

    text: str
    bare: str  # names, quoted attribute texts and the company's contacts blanked
    open: str  # only those names blanked that promise nothing
    lang: str
    goods: Sequence[Good]
    company: Company
    said: tuple[Number, ...]
    said_words: frozenset[str]
    mentions: tuple[Mention, ...]
    groups: tuple[Group, ...]  # the mentions that count, those that stand together as one: "A, B and C"
    quotes: tuple[Mention, ...]  # attribute texts repeated whole
    numbers: tuple[Number, ...]
    clauses: tuple[Span, ...]
    asking: tuple[Span, ...]  # clauses that ask rather than state

    @property
    def rows(self) -> frozenset[int]:
        return frozenset(range(len(self.goods)))

    def clause(self, at: int) -> Span:
        return next((span for span in self.clauses if span[0] <= at < span[1]), self.clauses[-1])

    def clause_text(self, at: int) -> str:
        start, end = self.clause(at)
        return self.bare[start:end]

    def asks(self, at: int) -> bool:
        return any(start <= at < end for start, end in self.asking)

    def hedged(self, at: int) -> bool:
        """Whether the clause says that something is not known or not to be had."""
        text = self.clause_text(at)
        return has("cues", "absent", text) or has("cues", "ignorant", text)

    def spoken_of(self, at: int, groups: Sequence[Group] | None = None) -> Group:
        """The mentions that a claim at `at` is about: before it in its clause, behind it there, else the nearest."""
        groups = self.groups if groups is None else groups
        start, end = self.clause(at)
        before = [group for group in groups if group[-1].end <= at + 1]
        behind = [group for group in groups if group[0].start >= at]
        within = [group for group in before if group[-1].end > start]
        after = [group for group in behind if group[0].start < end]
        for choice in (within[-1:], after[:1], before[-1:], behind[:1]):
            if choice:
                return choice[0]
        return ()


def rows_of(group: Group) -> frozenset[int]:
    return frozenset(row for each in group for row in each.rows)


def take_apart(text: str, lang: str, goods: Sequence[Good], company: Company, said: Sequence[str]) -> Sentence:
    """Raises `Blocked` where two products are mixed into one name, or a place in the list has no product."""
    mentions = _joined(text, find_mentions(text, goods, lang) + _by_place(text, len(goods)))
    quotes = _quotes(text, goods, mentions)
    names = [(each.start, each.end) for each in mentions]
    bare = clean.blank(text, [*names, *((each.start, each.end) for each in quotes)])
    numbers = find_numbers(bare, lang)
    clauses = clause_spans(
        text, [*((number.start, number.end) for number in numbers), *names, *((q.start, q.end) for q in quotes)]
    )
    modest = [(each.start, each.end) for each in mentions if all(goods[row].modest for row in each.rows)]
    messages = [clean.plain(message)[0] for message in said]
    return Sentence(
        text=text,
        bare=bare,
        open=clean.blank(text, modest),
        lang=lang,
        goods=goods,
        company=company,
        said=tuple(number for message in messages for number in find_numbers(message, lang)),
        said_words=frozenset(word for message in messages for word in tokens(message)),
        mentions=tuple(mentions),
        groups=_groups(text, mentions),
        quotes=tuple(quotes),
        numbers=tuple(numbers),
        clauses=tuple(clauses),
        asking=_asking(text, clauses),
    )


def against(sentence: Sentence) -> dict[int, Group]:
    """Whom figures set against each other belong to: "A is lighter than B: 60 kg against 90 kg"."""
    found: dict[int, Group] = {}
    for one, other in zip(sentence.numbers, sentence.numbers[1:], strict=False):
        if not sentence.groups or not AGAINST.fullmatch(sentence.bare[one.end : other.start]):
            continue
        others = sentence.rows - rows_of(sentence.groups[0])
        rival = sentence.groups[1] if sentence.groups[1:] else (Mention(start=one.end, end=one.end, rows=others),)
        owner = next((group for group in sentence.groups if 0 <= group[0].start - other.end <= 12), rival)
        rest = [group for group in (*sentence.groups, rival) if group != owner]
        found[one.start], found[other.start] = rest[0], owner
    return found


def _quotes(text: str, goods: Sequence[Good], mentions: Sequence[Mention]) -> list[Mention]:
    found: dict[Span, frozenset[int]] = {}
    for index, good in enumerate(goods):
        for quote in good.quotes:
            for match in re.finditer(rf"(?<![^\W_]){re.escape(quote)}(?![^\W_])", text, re.IGNORECASE):
                found[match.span()] = found.get(match.span(), frozenset()) | {index}
    free = {
        span: rows
        for span, rows in found.items()
        if not any(each.start < span[1] and span[0] < each.end for each in mentions)
    }
    return [Mention(start=start, end=end, rows=rows) for (start, end), rows in free.items()]


def _asking(text: str, clauses: Sequence[Span]) -> tuple[Span, ...]:
    """The clauses of a question that ask; a statement beside them stays a statement."""
    if not text.rstrip(' "»)').endswith("?") or has("cues", "told", text):
        return ()
    asking: list[Span] = []
    for start, end in clauses:
        goes_on = asking and re.match(r"\s*(?:или|либо|чтобы|or|oder|damit|to)\b", text[start:end], re.IGNORECASE)
        if goes_on or has("cues", "question", text[start:end]):
            asking.append((start, end))
    return tuple(asking or clauses[-1:])


def _by_place(text: str, many: int) -> list[Mention]:
    """ "The first one": a product by its place in the list."""
    found = []
    option = "|".join(data("lexicon")["cues"]["option"])
    for index, form in enumerate(data("lexicon")["ordinals"]["forms"]):
        behind = rf"\s+(?:из|of|one|von|{option})|\s*[—–-]\s|\s+(?:стоит|costs|kostet|с\b|ist|hat|is|has)"
        if match := re.search(rf"(?<!\w)(?:{form})(?={behind})", text, re.IGNORECASE):
            if index >= many:
                raise Blocked(f"there is no {match[0]}")
            found.append(Mention(start=match.start(), end=match.end(), rows=frozenset({index})))
    return found


def _joined(text: str, mentions: list[Mention]) -> list[Mention]:
    """Makes the parts of one noun phrase one mention: "circulation pump CP-40 (SKU NG-2201)"."""
    joined: list[Mention] = []
    for mention in sorted(mentions, key=lambda each: (each.start, -each.end)):
        last = joined[-1] if joined else None
        if last and mention.start < last.end:
            continue
        if last and _one_phrase(text[last.end : mention.start]):
            both = last.rows & mention.rows
            if not both:
                raise Blocked(f"mixes two products: {text[last.start : mention.end]}")
            joined[-1] = Mention(start=last.start, end=mention.end, rows=both)
        else:
            joined.append(mention)
    return joined


def _one_phrase(gap: str) -> bool:
    cue = "|".join(data("lexicon")["cues"]["sku"])
    return bool(
        re.fullmatch(
            rf"[\s«»\"“”„'()\[\]-]*(?:[,(:—–-]?\s*(?:\w+\s+){{0,2}}?(?:{cue})\w*[\s:№#.—–-]*(?:is |ist |lautet )?)?",
            gap,
            re.IGNORECASE,
        )
    )


def _groups(text: str, mentions: Sequence[Mention]) -> tuple[Group, ...]:
    """The mentions that count ("pump" does not where "CP-40" says which), in groups that share their claims."""
    special = [each for each in mentions if not any(other.rows < each.rows for other in mentions)]
    groups: list[list[Mention]] = []
    for mention in special:
        if groups and TOGETHER.fullmatch(text[groups[-1][-1].end : mention.start]):
            groups[-1].append(mention)
        else:
            groups.append([mention])
    return tuple(tuple(group) for group in groups)
