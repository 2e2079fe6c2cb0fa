"""Decides whether a finished sentence may reach a customer: it may when rows or the company's text show all it says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from appliance.core.claims import clean
from appliance.core.claims.company import (
    Company,
    clause_spans,
    company_of,
    content,
    keeps_promise,
    promises_in,
    quotes_number,
    same_number,
)
from appliance.core.claims.goods import (
    Fact,
    Good,
    Mention,
    Row,
    Shown,
    find_mentions,
    goods_of,
    quantity_of,
    same_word,
    tokens,
)
from appliance.core.claims.lexicon import data, has, names, pattern, plain_words
from appliance.core.claims.numbers import Number, find_numbers, unit_behind


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a sentence passes; `why` names the claim that nothing shows, for the log."""

    passes: bool
    why: str = ""


class _Blocked(Exception):
    """Ends the examination with its reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence under examination: plain text, the same with names blanked, and its parts."""

    text: str
    bare: str  # mentions and the company's contacts blanked
    lang: str
    goods: Sequence[Good]
    company: Company
    said: tuple[Number, ...]
    said_words: frozenset[str]
    mentions: tuple[Mention, ...]
    numbers: tuple[Number, ...]
    clauses: tuple[tuple[int, int], ...]
    asking: tuple[tuple[int, int], ...]  # clauses that ask rather than state

    def clause(self, at: int) -> tuple[int, int]:
        return next((span for span in self.clauses if span[0] <= at < span[1]), self.clauses[-1])

    def asks(self, at: int) -> bool:
        return any(start <= at < end for start, end in self.asking)


def check(
    sentence: str,
    *,
    lang: str,
    rows: Sequence[Shown],
    company: str = "",
    said: Sequence[str] = (),
) -> Verdict:
    """Judges `sentence` as a finished one about `rows`.

    `company` is the company's own text (addresses, terms), `said` the customer's messages, whose measures may be
    repeated as wishes but never as prices or stock. Pure; raises nothing for any text.
    """
    try:
        _examine(sentence, lang, rows, company, said)
    except _Blocked as reason:
        return Verdict(False, str(reason))
    return Verdict(True)


def check_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """The judging door: `{"id", "lang", "rows", "company", "text"}` in, `{"id", "passes", "why"}` out."""
    said = record.get("said") or ()
    verdict = check(
        str(record.get("text") or ""),
        lang=str(record.get("lang") or ""),
        rows=[Row.of(row) for row in record.get("rows") or ()],
        company=str(record.get("company") or ""),
        said=[said] if isinstance(said, str) else list(said),
    )
    return {"id": record.get("id"), "passes": verdict.passes, "why": verdict.why}


def _examine(raw: str, lang: str, rows: Sequence[Shown], company_text: str, said: Sequence[str]) -> None:
    lang = lang.split("-")[0].lower()
    text, why = clean.plain(raw)
    _refuse(why or clean.forbidden(text))
    goods = goods_of(rows)
    company = company_of(clean.plain(company_text)[0], lang)
    _refuse(clean.strange_script(text, list(goods), company))
    open_text, why = clean.without_contacts(text, company)
    _refuse(why)
    sentence = _take_apart(open_text, lang, goods, company, said)
    for examine in (_codes, _strangers, _promises, _vague, _comparisons, _claims):
        examine(sentence)


def _refuse(why: str) -> None:
    if why:
        raise _Blocked(why)


def _take_apart(text: str, lang: str, goods: Sequence[Good], company: Company, said: Sequence[str]) -> Sentence:
    mentions = _resolved(text, find_mentions(text, goods, lang) + _ordinals(text, len(goods)), goods)
    bare = clean.blank(text, [(each.start, each.end) for each in mentions])
    numbers = find_numbers(bare, lang)
    spans = clause_spans(text, [*numbers, *_as_numbers(mentions)])
    messages = [clean.plain(message)[0] for message in said]
    return Sentence(
        text=text,
        bare=bare,
        lang=lang,
        goods=goods,
        company=company,
        said=tuple(number for message in messages for number in find_numbers(message, lang)),
        said_words=frozenset(word for message in messages for word in tokens(message)),
        mentions=tuple(mentions),
        numbers=tuple(numbers),
        clauses=tuple(spans),
        asking=_asking(text, spans),
    )


def _as_numbers(mentions: Sequence[Mention]) -> list[Number]:
    return [Number(start=each.start, end=each.end, raw="", values=frozenset()) for each in mentions]


def _asking(text: str, clauses: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The clauses of a question that ask; a statement before them stays a statement."""
    if not text.rstrip(' "»)').endswith("?"):
        return ()
    for at, (start, end) in enumerate(clauses):
        if pattern("cues", "question").search(text[start:end]):
            return tuple(clauses[at:])
    return tuple(clauses[-1:])


# Names: which row a stretch of the sentence speaks of.


def _ordinals(text: str, many: int) -> list[Mention]:
    found = []
    for index, form in enumerate(data("lexicon")["ordinals"]["forms"]):
        option = "|".join(data("lexicon")["cues"]["option"])
        match = re.search(
            rf"(?<!\w)(?:{form})(?=\s+(?:из|of|one|von|{option})|\s*[—–-]\s|\s+(?:стоит|costs|kostet|с\b|ist|hat|is|has))",
            text,
            re.I,
        )
        if match:
            if index >= many:
                raise _Blocked(f"there is no {match[0]}")
            found.append(Mention(start=match.start(), end=match.end(), rows=frozenset({index})))
    return found


def _resolved(text: str, mentions: list[Mention], goods: Sequence[Good]) -> list[Mention]:
    """Joins the parts of one noun phrase, and drops general words where a special one says which row is meant."""
    mentions.sort(key=lambda each: each.start)
    joined: list[Mention] = []
    for mention in mentions:
        last = joined[-1] if joined else None
        gap = text[last.end : mention.start] if last else ""
        if last and _one_phrase(gap):
            both = last.rows & mention.rows
            if not both:
                raise _Blocked(f"mixes two products: {text[last.start : mention.end]}")
            joined[-1] = Mention(start=last.start, end=mention.end, rows=both)
        elif not last or mention.start >= last.end:
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


def _special(sentence: Sentence) -> list[Mention]:
    """The mentions that count: general ones ("pump" among pumps) only when no special one narrows them."""
    mentions = list(sentence.mentions)
    return [each for each in mentions if not any(other.rows < each.rows for other in mentions)]


def _groups(sentence: Sentence) -> list[list[Mention]]:
    """Mentions that stand together: "A, B and C"."""
    groups: list[list[Mention]] = []
    for mention in _special(sentence):
        gap = sentence.text[groups[-1][-1].end : mention.start] if groups else "x"
        joined = re.fullmatch(
            r"[\s»”\")]*(?:,|/|и|или|and|or|und|oder|а также|as well as|sowie)*[\s«“„\"]*(?:the |die |der |das )?",
            gap,
            re.IGNORECASE,
        )
        if groups and joined:
            groups[-1].append(mention)
        else:
            groups.append([mention])
    return groups


def _group_for(sentence: Sentence, at: int, groups: list[list[Mention]]) -> list[Mention]:
    """The mentions that a claim at `at` speaks of: before it in its clause, behind it there, else the nearest."""
    start, end = sentence.clause(at)
    before = [group for group in groups if group[-1].end <= at + 1]
    behind = [group for group in groups if group[0].start >= at]
    within = [group for group in before if group[-1].end > start]
    after = [group for group in behind if group[0].start < end]
    for choice in (within[-1:], after[:1], before[-1:], behind[:1]):
        if choice:
            return choice[0]
    return []


# Codes and names that no row has.


def _codes(sentence: Sentence) -> None:
    """Every token of letters with digits, or of capitals, stands in a row, in the company's text or is a unit."""
    covered = [(each.start, each.end) for each in sentence.mentions] + [
        (each.start, each.end) for each in sentence.numbers
    ]
    known = set(_compact(" ".join([sentence.company.text, *(good.text for good in sentence.goods)])))
    for match in re.finditer(r"[^\s,;:!?()«»\"“”„…\x00]+", sentence.text):
        chunk = match[0].strip(".'’")
        if not (re.search(r"\d", chunk) and re.search(r"[^\W\d_]", chunk)):
            continue
        inside = [(start, end) for start, end in covered if start < match.end() and match.start() < end]
        left = "".join(
            char
            for at, char in enumerate(match[0], match.start())
            if not any(start <= at < end for start, end in inside)
        )
        if _is_code_rest(left) and _compact(chunk)[0] not in known:
            raise _Blocked(f"no row has {chunk}")
        if len({(s, e) for s, e in inside if s > match.start() or e < match.end()}) and _glued(match, inside, left):
            raise _Blocked(f"no row has {chunk}")


def _compact(text: str) -> list[str]:
    return [re.sub(r"[\W_]", "", word).casefold() for word in re.split(r"[\s,;:!?()«»\"“”„…]+", text)] or [""]


def _is_code_rest(left: str) -> bool:
    """What is left of a chunk after names and numbers with their units still looks like part of a code."""
    rest = re.sub(r"[\W_]", "", left).casefold()
    return bool(rest) and not re.fullmatch(
        r"(?:фазн|вольтов|ядерн|ступенчат|й|я|е|х|го|м|ти|ми|st|nd|rd|th|er|fach|phas|phase)\w*", rest
    )


def _glued(match: re.Match[str], inside: list[tuple[int, int]], left: str) -> bool:
    return False


def _strangers(sentence: Sentence) -> None:
    """Brands, foreign or capitalised words and kinds of goods that neither the rows nor the company's text have."""
    known = {word for text in [sentence.company.text, *(good.text for good in sentence.goods)] for word in tokens(text)}
    excused = known | (sentence.said_words if _modest(sentence) else frozenset())
    for match in re.finditer(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", sentence.bare):
        word = match[0].casefold().replace("ё", "е")
        parts = tokens(word)
        if word in plain_words("words") or all(
            any(same_word(part, other, sentence.lang) for other in excused) for part in parts
        ):
            continue
        if _stands_out(sentence, match) or (pattern("things", "brands").match(match[0])):
            raise _Blocked(f"nothing shows {match[0]}")
    _kinds(sentence, " ; ".join([sentence.company.text, *(good.text for good in sentence.goods)]))


def _modest(sentence: Sentence) -> bool:
    """A question, a refusal or a wish repeated: the customer's own words may stand in it."""
    text = sentence.text
    return (
        bool(sentence.asking)
        or has("cues", "absent", text)
        or has("cues", "asked", text)
        or has("cues", "ignorant", text)
    )


def _stands_out(sentence: Sentence, match: re.Match[str]) -> bool:
    word, text = match[0], sentence.text
    if unit_behind(word, 0) and re.search(r"\d[\s-]?$", text[: match.start()]):
        return False
    letters = re.sub(
        r"[^\W\d_]", lambda found: "к" if "а" <= found[0].casefold() <= "ӿ" else "l", re.sub(r"[\W\d_]", "", text)
    )
    cyrillic = letters.count("к") * 2 > len(letters)
    foreign = cyrillic != bool(re.match(r"[а-яёіїєґқңғүұәөһўҳ]", word, re.IGNORECASE)) and not re.match(
        r"[\u4e00-\u9fff]", word
    )
    if foreign and not re.search(r"[\u4e00-\u9fff]", text) and len(word) > 1:
        return True
    if len(word) > 1 and word.isupper() and not text.isupper() and unit_behind(word, 0) is None:
        return True
    starts = not re.search(r"[^\s\"«“„(—–-]", re.split(r"[.!?:…]\s", text[: match.start()])[-1])
    return word[0].isupper() and not starts and sentence.lang in ("ru", "en", "uk", "kk", "uz", "tr")


def _kinds(sentence: Sentence, known: str) -> None:
    if sentence.asking or has("cues", "absent", sentence.text):
        return
    kinds = pattern("things", "kinds")
    shown = {match[0].casefold() for match in kinds.finditer(known)}
    for match in kinds.finditer(sentence.bare):
        word = match[0].casefold()
        if (
            word not in shown
            and not any(word in other or other in word for other in shown)
            and word not in known.casefold()
        ):
            raise _Blocked(f"no row is a {match[0]}")


# What only the company may promise.


def _promises(sentence: Sentence) -> None:
    for start, end in _statements(sentence):
        text = sentence.text[start:end]
        found = promises_in(text)
        if sentence.asks(start):
            found &= {"discount", "free", "bonus", "vow"}
        elif has("cues", "neutral", text) or has("cues", "ignorant", text):
            found &= {"free", "bonus", "vow", "done", "market", "discount", "soon"} - _excused(text)
        found -= _shown_by_rows(sentence, found, start)
        if found == {"contact"} and "\x00" in text:
            found = frozenset()
        if (
            found
            and not keeps_promise(sentence.company, found, text, list(sentence.numbers), sentence.lang)
            and not keeps_promise(sentence.company, found, sentence.text, list(sentence.numbers), sentence.lang)
        ):
            raise _Blocked(f"the company's text does not say it: {', '.join(sorted(found))}")


def _statements(sentence: Sentence) -> list[tuple[int, int]]:
    return list(sentence.clauses)


def _excused(text: str) -> set[str]:
    about = re.search(
        r"(?<!\w)(?:о|об|по|насч[её]т|про|about|regarding|on|zu|zum|zur|über|возможность|possible|possibility)\s+(?:\w+\s+)?(?:скид|акци|discount|promo|rabatt|sonder)",
        text,
        re.I,
    )
    return {"discount", "soon"} if has("cues", "ignorant", text) or about else set()


def _shown_by_rows(sentence: Sentence, promises: frozenset[str], at: int) -> frozenset[str]:
    """Warranty, certificates and the like that the row itself names; never discounts or gifts."""
    allowed = promises & {"warranty", "legal", "vat", "install"}
    group = _group_for(sentence, at, _groups(sentence))
    rows = frozenset(row for each in group for row in each.rows) or frozenset(range(len(sentence.goods)))
    return frozenset(
        name for name in allowed if rows and all(has("promises", name, sentence.goods[row].text) for row in rows)
    )


def _vague(sentence: Sentence) -> None:
    known = " ".join([sentence.company.text, *(good.text for good in sentence.goods)]).casefold()
    for match in pattern("vague", "words").finditer(sentence.bare):
        if match[0].casefold() not in known:
            raise _Blocked(f"a quantity that no row shows: {match[0]}")
    for start, end in sentence.clauses:
        text = sentence.bare[start:end]
        if sentence.asks(start) or has("cues", "absent", text):
            continue
        counted = re.search(r"(?<!\w)(?:пар\w|couple|paar)(?!\w)", text, re.I)
        if has("stock", "vague", text) and (
            has("cues", "stock", text)
            or (counted and has("cues", "stock", sentence.bare))
            or re.search(r"штук|шт\b|pieces|units|pcs|stück", text, re.I)
        ):
            raise _Blocked("a vague word about stock")


# Comparisons that the rows bear out.


def _comparisons(sentence: Sentence) -> None:
    groups = _groups(sentence)
    shown = [
        match.span()
        for name in names("compare")
        if data("lexicon")["compare"][name][0]
        for match in pattern("compare", name).finditer(sentence.bare)
    ]
    for name in names("compare"):
        dimension, direction, *_ = data("lexicon")["compare"][name]
        for match in pattern("compare", name).finditer(sentence.bare):
            if sentence.asks(match.start()) or _neutral_at(sentence, match.start()):
                continue
            if not dimension and any(start <= match.start() < end for start, end in shown):
                continue
            if not dimension or has("promises", "market", sentence.text):
                raise _Blocked(f"a comparison that nothing shows: {match[0]}")
            if not _compares(sentence, match, groups, dimension, direction):
                raise _Blocked(f"the rows do not show it: {match[0]}")


def _neutral_at(sentence: Sentence, at: int) -> bool:
    start, end = sentence.clause(at)
    text = sentence.text[start:end]
    return has("cues", "absent", text) or has("cues", "ignorant", text)


def _compares(
    sentence: Sentence, match: re.Match[str], groups: list[list[Mention]], dimension: str, direction: str
) -> bool:
    than = re.match(r".{0,30}?(?<!\w)(?:чем|than|als|ніж)(?!\w)", sentence.text[match.end() :], re.IGNORECASE)
    limit = match.end() + than.end() if than else len(sentence.text)
    later = [group for group in groups if group[0].start >= limit] if than else []
    earlier = [group for group in groups if group not in later]
    subject = _rows_of(_group_for(sentence, match.start(), earlier))
    others = _rows_of(later[0]) if later else frozenset(range(len(sentence.goods))) - subject
    if not subject or not others or (than and not later):
        return False
    worst = (
        {"min": max, "max": min}[direction](values)
        if all((values := [_figure(sentence.goods[row], dimension) for row in subject])) and None not in values
        else None
    )  # type: ignore[type-var]
    rivals = [_figure(sentence.goods[row], dimension) for row in others]
    if worst is None or None in rivals or len({sentence.goods[row].shown.currency for row in subject | others}) > 1:
        return False
    return all(worst < rival if direction == "min" else worst > rival for rival in rivals if rival is not None)


def _rows_of(group: Sequence[Mention]) -> frozenset[int]:
    return frozenset(row for each in group for row in each.rows)


def _figure(good: Good, dimension: str) -> Decimal | None:
    if dimension == "price":
        return good.shown.price
    found = [
        fact.number for fact in good.facts if fact.attribute and fact.dimension == dimension and not fact.number.top
    ]
    return next((value for number in found[:1] for value in number.measures()[0]), None)


# Prices, stock and measures.


@dataclass(slots=True)
class _About:
    """The claims of one group of mentions, in the order of the sentence."""

    group: list[Mention]
    claims: list[tuple[Number, str]] = field(default_factory=list)
    stock: list[tuple[int, bool]] = field(default_factory=list)  # where, and whether "in stock"
    concepts: list[tuple[int, str]] = field(default_factory=list)


def _claims(sentence: Sentence) -> None:
    groups = _groups(sentence)
    abouts: dict[int, _About] = {}

    def about(at: int) -> _About:
        group = _group_for(sentence, at, groups)
        return abouts.setdefault(id(group) if group else 0, _About(group=group))

    for number in sentence.numbers:
        kind = _kind(sentence, number)
        if kind == "count":
            _count(sentence, number)
        elif kind and not _licensed(sentence, number, kind):
            about(number.start).claims.append((number, kind))
    for at, yes in _stock_words(sentence):
        about(at).stock.append((at, yes))
    for at, concept in _concepts(sentence):
        about(at).concepts.append((at, concept))
    for each in abouts.values():
        _prove(sentence, each)


def _kind(sentence: Sentence, number: Number) -> str:
    """What a number says: "price", "stock", "measure", "count", or "" for nothing."""
    start, end = sentence.clause(number.start)
    text = sentence.bare[start:end]
    one = number.word and number.values == frozenset({Decimal(1)})
    if number.currency:
        return "price"
    if number.literal:
        return "literal"
    if number.pieces:
        if number.values == frozenset({Decimal(1)}) and re.search(
            r"(?:за|по|per|pro|je|/|each)\s*$", sentence.bare[: number.start], re.I
        ):
            return ""
        return "stock"
    if number.unit:
        return "measure"
    behind = sentence.text[number.end : number.end + 40]
    if one:
        return "stock" if has("cues", "scarce", text) else ""
    option = "|".join(data("lexicon")["cues"]["option"])
    if re.match(rf"\s+(?:[^\W\d_]+\s+){{0,2}}?(?:{option})", behind, re.IGNORECASE) and not has("cues", "stock", text):
        return "count"
    follower = next((each for each in sentence.mentions if 0 <= each.start - number.end <= 25), None)
    if follower and re.fullmatch(
        r"\s+(?:(?:подходящ|разн|таки|эти|these|of|matching|different|passende|the|x|×)\w*\s+)*",
        sentence.text[number.end : follower.start],
        re.I,
    ):
        return "stock" if has("cues", "stock", text) else "count"
    if _hint(sentence, number):
        return "bare measure"
    if has("cues", "price", text) or re.search(r"(?<!\w)(?:за|for|für)\s*$", sentence.bare[: number.start], re.I):
        return "price"
    if has("cues", "stock", text):
        return "stock"
    return "bare measure"


def _licensed(sentence: Sentence, number: Number, kind: str) -> bool:
    """Numbers that the company's text or the customer's own wish carries."""
    start, end = sentence.clause(number.start)
    if quotes_number(sentence.company, number, sentence.text, sentence.text[start:end], sentence.lang) and not (
        kind == "price" and sentence.mentions
    ):
        return True
    if kind in ("price", "stock", "literal", "count"):
        return kind == "stock" and bool(sentence.asking) and any(_echoes(number, each) for each in sentence.said)
    wish = sentence.asks(number.start) or has("cues", "asked", sentence.text[start:end])
    if wish and any(_echoes(number, each) for each in sentence.said):
        return True
    rows = frozenset(range(len(sentence.goods)))
    return sentence.asks(number.start) and any(_measured(sentence, number, row, "") for row in rows)


def _echoes(number: Number, said: Number) -> bool:
    bare = said.bare or number.bare
    same = same_number(number, said) or (bare and not said.currency and number.values & said.values)
    return bool(same)


def _stock_words(sentence: Sentence) -> list[tuple[int, bool]]:
    found: list[tuple[int, bool]] = []
    gone = [match for match in pattern("stock", "no").finditer(sentence.bare)]
    for match in gone:
        if not _about_stock_only(sentence, match):
            found.append((match.start(), False))
    for match in pattern("stock", "yes").finditer(sentence.bare):
        overlaps = any(other.start() <= match.start() < other.end() for other in gone)
        if not overlaps and not _about_stock_only(sentence, match):
            found.append((match.start(), not _negated(sentence, match.start())))
    return found


def _about_stock_only(sentence: Sentence, match: re.Match[str]) -> bool:
    start, end = sentence.clause(match.start())
    text = sentence.text[start:end]
    return sentence.asks(match.start()) or has("cues", "neutral", text) or has("cues", "ignorant", text)


def _negated(sentence: Sentence, at: int) -> bool:
    start, _ = sentence.clause(at)
    return has("cues", "negation", sentence.text[start:at])


def _concepts(sentence: Sentence) -> list[tuple[int, str]]:
    found = []
    for name in names("concepts"):
        for match in pattern("concepts", name).finditer(sentence.bare):
            if (
                not sentence.asks(match.start())
                and not _neutral_at(sentence, match.start())
                and not _company_has(sentence, name)
            ):
                found.append((match.start(), name))
    return found


def _company_has(sentence: Sentence, concept: str) -> bool:
    return not sentence.mentions and has("concepts", concept, sentence.company.text)


def _prove(sentence: Sentence, about: _About) -> None:
    """Finds the rows of which all the claims are true, or blocks with the first claim that is not."""
    if len(about.group) > 1 and _in_order(sentence, about):
        return
    everyone = frozenset(range(len(sentence.goods)))
    if len(about.group) > 1 or has("cues", "both", sentence.text):
        together = _rows_of(about.group) or everyone
        if has("cues", "both", sentence.text) and len(together) != 2:
            raise _Blocked("there are not two of them")
        for row in together:
            _prove_row(sentence, about, frozenset({row}))
        return
    _prove_row(sentence, about, _rows_of(about.group) or everyone)


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
    for number, kind in about.claims:
        fitting = frozenset(row for row in left if _true_of(sentence, number, kind, row, rows))
        if not fitting:
            raise _Blocked(f"no row shows {kind} {sentence.text[number.start : number.end].strip()}")
        left = fitting
    for at, yes in about.stock:
        if not left or not all(_stock_is(sentence.goods[row], yes=yes) for row in left):
            raise _Blocked(f"the rows do not show stock: {sentence.text[at : at + 20]}")
    for _, concept in about.concepts:
        left = frozenset(row for row in left if _shows(sentence.goods[row], concept))
        if not left:
            raise _Blocked(f"no row shows {concept}")


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


def _count(sentence: Sentence, number: Number) -> None:
    """ "Three options": as many as are shown, or as are in stock where the clause speaks of stock."""
    follower = next((each for each in sentence.mentions if 0 <= each.start - number.end <= 25), None)
    rows = follower.rows if follower else frozenset(range(len(sentence.goods)))
    start, end = sentence.clause(number.start)
    fair = {len(rows)}
    if has("cues", "stock", sentence.text[start:end]):
        fair = {sum(_stock_is(sentence.goods[row], yes=True) for row in rows)}
    if number.top or not any(Decimal(each) in number.values for each in fair):
        raise _Blocked(f"there are not {number.raw} of them")


def _priced(sentence: Sentence, number: Number, row: int, rows: frozenset[int]) -> bool:
    shown = sentence.goods[row].shown
    if shown.price is None or (number.currency and number.currency != _iso(shown.currency)):
        return False
    before = sentence.bare[max(0, number.start - 25) : number.start]
    behind = sentence.bare[number.end : number.end + 14]
    if _cue_at_end("inexact_over", before) or _cue_at_end("inexact_under", before):
        return False
    if not _per_piece(behind, sentence.goods[row]):
        return False
    if number.top:
        prices = [sentence.goods[each].shown.price for each in rows]
        known = [price for price in prices if price is not None]
        return len(known) == len(prices) and min(known) in number.values and max(known) in number.top
    return shown.price in number.values


def _cue_at_end(name: str, before: str) -> bool:
    return any(match.end() >= len(before.rstrip()) - 3 for match in pattern("cues", name).finditer(before))


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
                if any(
                    same_word(word, each, sentence.lang) for name, _ in good.shown.attributes for each in tokens(name)
                ):
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
            fact
            for fact in good.facts
            if any(same_word(hint[1:], each, sentence.lang) for each in tokens(fact.attribute))
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
    return {quantity, hint} <= {"length", "depth"} or {quantity, hint} <= {"power", "flow"} and False


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
            if any(same_word(a, b, sentence.lang) and len(a) > 2 for a in behind for b in after) or any(
                same_word(a, b, sentence.lang) and len(a) > 2 for a in before for b in prior
            ):
                return True
    return False
