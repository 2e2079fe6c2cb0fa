"""What the rows show, and where a sentence speaks of which row."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Protocol

from appliance.core.claims.lexicon import has, names, pattern
from appliance.core.claims.numbers import Number, find_numbers, is_unit, unit_behind

TOKEN = re.compile(r"[^\W\d_]+(?:['’ʻ‘ʼ](?=[^\W\d_]))?|\d+")
JOINT = re.compile(r"[\s\-–/.,«»\"“”„'’()№×*+]{0,3}")
ENDINGS = re.compile(
    "(?:|[аяоеыиуюьй]|[аяоеыию][йяюмхев]|о[гм][оу]|е[гм][оу]|[аяыи]ми|ов|ев|ей|ами|ями|ого|его|ому|ему|ыми|ими|ую|юю|і|ї|ів|ою|ею)"
)
LATIN_ENDINGS = re.compile(r"(?:|s|es|e|n|en|er|ern|em|ns)")
STOP = frozenset(
    (
        "и",
        "в",
        "на",
        "с",
        "со",
        "от",
        "до",
        "из",
        "за",
        "для",
        "по",
        "без",
        "не",
        "к",
        "the",
        "a",
        "an",
        "of",
        "for",
        "with",
        "and",
        "or",
        "und",
        "mit",
        "für",
        "der",
        "die",
        "das",
        "von",
        "zum",
        "zur",
    )
)


class Shown(Protocol):
    """A product as the gate needs it; `core.types.Card` is one."""

    @property
    def sku(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def price(self) -> Decimal | None: ...
    @property
    def currency(self) -> str: ...
    @property
    def stock(self) -> Decimal | None: ...
    @property
    def attributes(self) -> tuple[tuple[str, str], ...]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row as the judging door gives it."""

    sku: str
    name: str
    price: Decimal | None = None
    currency: str = ""
    stock: Decimal | None = None
    attributes: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Row:
        attributes = record.get("attributes") or {}
        pairs = attributes.items() if isinstance(attributes, Mapping) else attributes
        return cls(
            sku=str(record.get("sku") or ""),
            name=str(record.get("name") or ""),
            price=_decimal(record.get("price")),
            currency=str(record.get("currency") or ""),
            stock=_decimal(record.get("stock")),
            attributes=tuple((str(key), _text(value)) for key, value in pairs),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A number that a row shows: under which attribute ("" for the name), and what that measures."""

    attribute: str
    quantity: str  # an entry of the lexicon's [quantities], "" when it is none of them
    number: Number

    @property
    def dimension(self) -> str:
        return self.number.unit[0] if self.number.unit else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Good:
    """A row with its facts taken apart, once for each sentence."""

    shown: Shown
    text: str  # all that the row says, to look words up
    facts: tuple[Fact, ...]
    names: tuple[tuple[str, ...], ...]  # token runs that name it
    skus: tuple[tuple[str, ...], ...]
    quotes: tuple[str, ...]  # attribute texts that are more than one figure with its unit, to be quoted whole
    modest: bool  # whether its name promises and orders nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A stretch of the sentence that names one row or several."""

    start: int
    end: int
    rows: frozenset[int]
    sku: bool = False
    whole: bool = False  # the name letter by letter


def goods_of(rows: Sequence[Shown]) -> list[Good]:
    return [_good(row) for row in rows]  # type: ignore[arg-type]  # rows are frozen values


@lru_cache(maxsize=512)
def _good(row: Shown) -> Good:
    brand, category, unit = (str(getattr(row, field, "") or "") for field in ("brand", "category", "unit"))
    facts = [
        Fact(attribute=name, quantity=quantity_of(name), number=number)
        for name, text in row.attributes
        for number in _numbers_of(name, text)
    ]
    facts += [Fact(attribute="", quantity="", number=number) for number in find_numbers(row.name, "en")]
    others = [brand, category, *(text for name, text in row.attributes if pattern("cues", "maker").match(name))]
    return Good(
        shown=row,
        text=" ; ".join(
            [row.name, row.sku, brand, category, unit, *(f"{name} {text}" for name, text in row.attributes)]
        ),
        facts=tuple(facts),
        names=tuple(tokens(text) for text in [row.name, *others] if text),
        skus=(tokens(row.sku),) if row.sku else (),
        quotes=tuple(text.strip() for _, text in row.attributes if _is_quote(text.strip())),
        modest=is_modest(row.name),
    )


def _numbers_of(name: str, text: str) -> Iterable[Number]:
    """The numbers of an attribute; a unit that stands in its name ("Power, kW") holds for bare ones."""
    named = next(
        (found for match in re.finditer(r"[,(\[_\s]\s*", name) if (found := unit_behind(name, match.end()))), None
    )
    for number in find_numbers(text, "en"):
        if number.bare and named and isinstance(named[2], tuple):
            yield Number(
                start=number.start, end=number.end, raw=number.raw, values=number.values, top=number.top, unit=named[2]
            )
        else:
            yield number


def _is_quote(text: str) -> bool:
    if len(text) < 4 or not re.search(r"\d", text) or not is_modest(text):
        return False
    numbers = find_numbers(text, "en")
    return len(numbers) != 1 or len(text) > numbers[0].end - numbers[0].start


IMMODEST = ("discount", "bonus", "contact", "vow", "soon", "payment", "returns", "credit")


def is_modest(text: str) -> bool:
    """Whether a cell may be repeated as it is: it promises nothing, names no sum of money and gives no orders."""
    if any(has("promises", name, text) for name in IMMODEST) or has("never", "injection", text):
        return False
    if has("promises", "free", text) and has("promises", "delivery", text):
        return False
    return not any(
        number.currency or (number.unit and number.unit[0] == "percent" and number.raw.startswith("-"))
        for number in find_numbers(text, "ru")
    )


def quantity_of(text: str) -> str:
    """Which of the lexicon's quantities a text names first, "" for none."""
    found = [
        (match.start(), name) for name in names("quantities") if (match := pattern("quantities", name).search(text))
    ]
    return min(found)[1] if found else ""


def tokens(text: str) -> tuple[str, ...]:
    return tuple(match[0].casefold().replace("ё", "е").strip("'’ʻ‘ʼ") for match in TOKEN.finditer(text))


def same_word(said: str, written: str, lang: str = "") -> bool:
    """Whether two lower-case words are one word in two forms."""
    if said == written:
        return True
    if said.isdigit() or written.isdigit() or min(len(said), len(written)) < 3:
        return False
    common = next(
        (at for at, (a, b) in enumerate(zip(said, written, strict=False)) if a != b), min(len(said), len(written))
    )
    tails = said[common:], written[common:]
    if re.match(r"[а-яіїєґ]", said):
        return common >= max(3, min(len(said), len(written)) - 2) and all(ENDINGS.fullmatch(tail) for tail in tails)
    if lang in ("tr", "uz", "kk"):
        return common == len(written) >= 3 and len(said) - common <= 6
    if lang == "de" and len(said) >= 5 and written.endswith((said, said.rstrip("n"))):
        return True
    return common >= 4 and all(LATIN_ENDINGS.fullmatch(tail) for tail in tails) and "" in tails


def find_mentions(text: str, goods: Sequence[Good], lang: str) -> list[Mention]:
    """Where the sentence names rows: the longest runs of words that stand so in a name, and whole SKUs."""
    spans = [(match.start(), match.end()) for match in TOKEN.finditer(text)]
    words = tokens(text)
    found = _whole_names(text, goods)
    taken = [(each.start, each.end) for each in found]
    at = 0
    while at < len(words):
        if any(start <= spans[at][0] < end for start, end in taken):
            at += 1
            continue
        size, rows, sku = _longest(text, spans, words, at, goods, lang)
        while size and words[at + size - 1].isdigit() and _is_claim(text, spans[at + size - 1]):
            size -= 1
        if size and (sku or _names_something(words[at : at + size])):
            found.append(Mention(start=spans[at][0], end=spans[at + size - 1][1], rows=rows, sku=sku))
            at += size
        else:
            at += 1
    return found


def _whole_names(text: str, goods: Sequence[Good]) -> list[Mention]:
    """Names that the sentence repeats letter by letter, the longest first: they may hold anything."""
    low = text.casefold()
    found: list[Mention] = []
    for index, good in sorted(enumerate(goods), key=lambda pair: -len(pair[1].shown.name)):
        name = re.sub(r"\s+", " ", good.shown.name).strip().casefold()
        if len(name) < 4 or len(low) != len(text):
            continue
        for match in re.finditer(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", low):
            same = next(
                (at for at, each in enumerate(found) if each.start <= match.start() and match.end() <= each.end), None
            )
            if same is None:
                found.append(Mention(start=match.start(), end=match.end(), rows=frozenset({index}), whole=True))
            elif (found[same].start, found[same].end) == match.span():
                found[same] = replace(found[same], rows=found[same].rows | {index})
    return found


def _longest(
    text: str, spans: list[tuple[int, int]], words: tuple[str, ...], at: int, goods: Sequence[Good], lang: str
) -> tuple[int, frozenset[int], bool]:
    best, rows, sku = 0, set[int](), False
    for index, good in enumerate(goods):
        for run in good.skus:
            size = _run(text, spans, words, at, run, 0, lang)
            long_enough = any(not token.isdigit() for token in run) or len("".join(run)) >= 5
            if size == len(run) and long_enough and size >= best:
                rows, sku, best = (rows if sku and size == best else set()) | {index}, True, size
        for run in good.names:
            for start in range(len(run)):
                size = _run(text, spans, words, at, run, start, lang)
                if size > best:
                    best, rows, sku = size, {index}, False
                elif size == best and size and not sku:
                    rows = rows | {index}
    return best, frozenset(rows), sku


def _run(
    text: str,
    spans: list[tuple[int, int]],
    words: tuple[str, ...],
    at: int,
    run: tuple[str, ...],
    start: int,
    lang: str,
) -> int:
    size = 0
    while at + size < len(words) and start + size < len(run) and same_word(words[at + size], run[start + size], lang):
        if size and not JOINT.fullmatch(text[spans[at + size - 1][1] : spans[at + size][0]]):
            break
        size += 1
    return size


def _is_claim(text: str, span: tuple[int, int]) -> bool:
    """Whether the last figure of a name is rather a price or a stock: "pump 500 roubles", but not "BDF18 units"."""
    behind = unit_behind(text, span[1])
    apart = text[span[0] - 1 : span[0]].isspace()
    return apart and bool(behind and behind[1] in ("currency", "pieces"))


def _names_something(words: tuple[str, ...]) -> bool:
    """Not only numbers, units and little words: "220 V" or "for" name no product."""
    strong = [word for word in words if not word.isdigit() and word not in STOP and not is_unit(word)]
    if len(words) > 1 and words[0].isdigit() and not words[1].isdigit() and words[1] not in STOP:
        return not is_unit(words[1])  # "42U"
    coded = len(words) > 1 and not words[0].isdigit() and words[0] not in STOP and words[1].isdigit()
    return coded or any(len(word) >= 2 for word in strong)


def _decimal(value: Any) -> Decimal | None:
    if value is None or value == "":
        return None
    try:
        return Decimal(str(value).replace(" ", "").replace("\u00a0", "").replace(",", "."))
    except InvalidOperation:
        return None


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
