"""Finds every number of a sentence, in digits or in words, with the unit or the currency that it carries."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache, lru_cache

from appliance.core.claims.lexicon import data

Readings = frozenset[Decimal]

ALWAYS = ("ru", "en", "de")  # whose words are looked for in every sentence, whatever its language is said to be
OWN = ("uk", "kk", "uz", "tr", "zh")  # whose words collide with others and count only in their own texts
DIGITS = re.compile(
    r"(?<!\d)(?:(?<=\d[xхXХ])|(?<![^\W\d_\u2e80-\u9fff]))(?:"
    r"(?P<clock>\d{1,2}:\d\d)|(?P<code>\d+(?:\.\d+){2,}(?:-\d+)*)"
    r"|(?P<fraction>(?:\d+ )?\d+/\d+)"
    r"|(?P<grouped>\d{1,3}(?P<gap>[ .,'’])\d{3}(?:(?P=gap)\d{3})*(?:[.,]\d{1,2})?(?!\d))"
    r"|(?P<plain>\d+(?:[.,]\d+)?))"
)
CHINESE = re.compile(r"[零〇一二两三四五六七八九十百千万亿半]+")
CHINESE_ONES = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
CHINESE_SCALES = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "亿": 100_000_000}
BETWEEN = re.compile(r"\s*(?:-|–|\.\.\.?|…|до|to|bis|дейін)\s*", re.IGNORECASE)
BESIDE = re.compile(
    r"\s*(?:,|/|x|х|×|\*|,?\s*или|,?\s*либо|и|,?\s*or|and|oder|und|або|немесе|yoki|veya|或)\s*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """One figure of a sentence: where it stands, how it may be read, and what it counts.

    `values` holds every fair reading ("12.500" is 12500 or 12.5); `top` those of a range's upper end. `unit` is a
    (dimension, factor) pair of units.toml, `currency` an ISO code; `pieces` says "so many of them".
    """

    start: int
    end: int  # behind the unit
    raw: str
    values: Readings
    top: Readings = frozenset()
    unit: tuple[str, Decimal] | None = None
    currency: str = ""
    pieces: bool = False
    word: bool = False
    literal: bool = False  # a time of day or a date, compared as it is written

    @property
    def bare(self) -> bool:
        return not (self.unit or self.currency or self.pieces)

    @property
    def all_values(self) -> tuple[Readings, ...]:
        return (self.values, self.top) if self.top else (self.values,)

    def measures(self, factor: Decimal | None = None) -> tuple[Readings, ...]:
        """The readings in the base unit of their dimension."""
        times = self.unit[1] if self.unit else factor or Decimal(1)
        return tuple(frozenset(value * times for value in values) for values in self.all_values)


def find_numbers(text: str, lang: str) -> list[Number]:
    """All numbers of `text` in order; ranges are one number, and "220 or 380 V" gives both the unit."""
    found = [_in_digits(text, match) for match in DIGITS.finditer(text)]
    found += _in_words(text, lang) + _in_compounds(text)
    if lang == "zh":
        found += _in_chinese(text)
    found.sort(key=lambda number: number.start)
    return _joined(text, _with_cents(text, _scaled_once(found)))


def _in_digits(text: str, match: re.Match[str]) -> Number:
    raw = match[0]
    if match["clock"] or match["code"]:
        return Number(start=match.start(), end=match.end(), raw=raw, values=frozenset(), literal=True)
    values = _readings(match)
    end = match.end()
    if scale := _scale_behind(text, end):
        end, factor = scale
        values = frozenset(value * factor for value in values)
    return _with_unit(text, Number(start=match.start(), end=end, raw=raw, values=values))


def _readings(match: re.Match[str]) -> Readings:
    raw = match[0]
    if match["fraction"]:
        whole, _, parts = raw.rpartition(" ")
        over, under = parts.split("/")
        return frozenset({Decimal(whole or 0) + Decimal(over) / Decimal(under)}) if int(under) else frozenset()
    if match["plain"]:
        return frozenset({Decimal(raw.replace(",", "."))})
    gap = match["gap"]
    body, cents = raw, ""
    if len(tail := re.split(r"[.,]", raw)[-1]) < 3 and gap != raw[-len(tail) - 1]:
        body, cents = raw[: -len(tail) - 1], tail
    whole_reading = Decimal(body.replace(gap, "") + (f".{cents}" if cents else ""))
    if gap in ".," and body.count(gap) == 1 and not cents:
        return frozenset({whole_reading, Decimal(raw.replace(",", "."))})
    return frozenset({whole_reading})


def _in_words(text: str, lang: str) -> list[Number]:
    words, scales = vocabulary(lang)
    found: list[Number] = []
    run: list[tuple[int, int, tuple[Decimal, ...]]] = []
    for match in re.finditer(r"[^\W\d_]+(?:['’ʻ‘ʼ][^\W\d_]+)*", text):
        values = _word_values(match[0].casefold(), words, scales)
        if run and (not values or not re.fullmatch(r"[\s-]+(?:and |und |и )?", text[run[-1][1] : match.start()])):
            if not values and match[0].casefold() in ("and", "und"):
                continue
            found.append(_from_run(text, run, scales))
            run = []
        if values:
            run.append((match.start(), match.end(), values))
    if run:
        found.append(_from_run(text, run, scales))
    return found


def _from_run(text: str, run: list[tuple[int, int, tuple[Decimal, ...]]], scales: frozenset[Decimal]) -> Number:
    start, end = run[0][0], run[-1][1]
    value = _add_up([value for _, _, values in run for value in values], scales)
    number = Number(start=start, end=end, raw=text[start:end], values=frozenset({value}), word=True)
    return _with_unit(text, number)


def _add_up(values: list[Decimal], scales: frozenset[Decimal]) -> Decimal:
    total = current = Decimal(0)
    for value in values:
        if value in scales and value == 100:
            current = (current or Decimal(1)) * value
        elif value in scales:
            total += (current or Decimal(1)) * value
            current = Decimal(0)
        else:
            current += value
    return total + current


def _word_values(word: str, words: dict[str, tuple[Decimal, ...]], scales: frozenset[Decimal]) -> tuple[Decimal, ...]:
    """The numerals of one word: "двести" is (200,), "zweihundert" (2, 100), "house" none."""
    if word in words:
        return words[word]
    parts: list[Decimal] = []
    rest = word
    while rest:
        rest = rest.removeprefix("und") if parts else rest
        head = next((rest[:size] for size in range(len(rest), 2, -1) if rest[:size] in words), "")
        if not head:
            return ()
        parts += words[head]
        rest = rest[len(head) :]
    return tuple(parts) if len(parts) > 1 else ()


@cache
def vocabulary(lang: str) -> tuple[dict[str, tuple[Decimal, ...]], frozenset[Decimal]]:
    """The number words that count in a text of `lang`: those of the main languages and its own, or of all others."""
    tables = data("numerals")
    known = lang in ALWAYS or lang in OWN
    own = [lang] if lang in tables and lang not in ALWAYS else []
    languages = [*ALWAYS, *own] if known else [each for each in tables if each not in OWN and "words" in tables[each]]
    words: dict[str, tuple[Decimal, ...]] = {}
    scales: set[Decimal] = set()
    for each in reversed(languages):  # the main languages last: they win a collision
        for value, forms in tables[each]["words"] + tables[each]["scales"]:
            words |= dict.fromkeys(forms.split(), (Decimal(str(value)),))
        scales |= {Decimal(value) for value, _ in tables[each]["scales"]}
    if lang == "kk":
        words |= {"он": (Decimal(10),)}
    return words, frozenset(scales)


def _in_compounds(text: str) -> list[Number]:
    """Numbers inside adjectives: "трёхфазный", "двухлетняя", "dreistufig"; what they count may be a unit."""
    found = []
    prefixes, counted, pattern = _compounds()
    for match in pattern.finditer(text):
        value = next(value for value, forms in prefixes if match[1].casefold() in forms.split())
        unit = counted.get(match[2].casefold())
        found.append(
            Number(
                start=match.start(),
                end=match.end(1),
                raw=match[0],
                values=frozenset({Decimal(str(value))}),
                unit=(unit[0], Decimal(unit[1])) if unit else None,
                word=True,
            )
        )
    return found


@cache
def _compounds() -> tuple[list[tuple[float, str]], dict[str, list[str]], re.Pattern[str]]:
    table = data("numerals")["compounds"]
    words = "|".join(form for _, forms in table["prefixes"] for form in forms.split())
    stems = "|".join([*table["counted"].split(), *table["units"]])
    return table["prefixes"], table["units"], re.compile(rf"(?<![^\W_])({words})-?({stems})[^\W\d_]*", re.IGNORECASE)


@cache
def _scales() -> dict[str, Decimal]:
    """Scale words that may stand behind digits."""
    pairs = [pair for table in data("numerals").values() for pair in table.get("scales", ())]
    words = {form: Decimal(value) for value, forms in pairs for form in forms.split()}
    return {word: value for word, value in words.items() if word not in ("on", "bin", "лям", "yuz")}


def _in_chinese(text: str) -> list[Number]:
    found = []
    for match in CHINESE.finditer(text):
        run = match[0]
        if run[-1] == "千" and text[match.end() : match.end() + 1] in ("瓦", "克", "米"):
            run = run[:-1]
        number = Number(
            start=match.start(), end=match.start() + len(run), raw=run, values=frozenset({_chinese(run)}), word=True
        )
        number = _with_unit(text, number)
        if len(run) > 1 or not number.bare:
            found.append(number)
    return [number for number in found if number.raw]


def _chinese(run: str) -> Decimal:
    total = section = current = Decimal(0)
    for char in run:
        if char in CHINESE_ONES:
            current = Decimal(CHINESE_ONES[char])
        elif char == "半":
            current += Decimal("0.5")
        elif (scale := CHINESE_SCALES[char]) < 10_000:
            section += (current or Decimal(1)) * scale
            current = Decimal(0)
        else:
            total += (section + current or Decimal(1)) * scale
            section = current = Decimal(0)
    return total + section + current


def _scale_behind(text: str, at: int) -> tuple[int, Decimal] | None:
    """A scale behind digits: "12,5 тыс.", "20k", "2 million"."""
    if match := re.match(r"[kк](?![^\W_])|\s?т\.\s?(?=р)", text[at:], re.IGNORECASE):
        return at + match.end(), Decimal(1000)
    if (match := re.match(r"\s?-?([^\W\d_]+)\.?", text[at:])) and (value := _scales().get(match[1].casefold())):
        return at + match.end(), value
    return None


def _scaled_once(found: list[Number]) -> list[Number]:
    """Drops the scale word that was already taken with its digits."""
    kept: list[Number] = []
    for number in found:
        if not kept or number.start >= kept[-1].end:
            kept.append(number)
    return kept


def _with_unit(text: str, number: Number) -> Number:
    """The number with the currency or unit that stands behind it, or the currency sign before it."""
    before = currency_before(text, number.start)
    behind = unit_behind(text, number.end, fraction="/" in number.raw)
    if behind is not None and before is None:
        size, kind, value = behind
        end = number.end + size
        if kind == "currency":
            return replace(number, end=end, currency=str(value))
        if kind == "pieces":
            return replace(number, end=end, pieces=True)
        if kind == "unit" and isinstance(value, tuple):
            size, value = _a_time(text[end:], value)
            return replace(number, end=end + size, unit=value)
    if behind is None and before is None and (other := _other_currency(text, number.end)):
        return replace(number, end=number.end + other[0], currency=other[1])
    if before is not None:
        start, code = before
        if behind and behind[1] == "currency" and behind[2] != code:
            code = "two"  # "$ 100 ₽" is a price in no currency
        end = number.end + (behind[0] if behind and behind[1] == "currency" else 0)
        return replace(number, start=start, end=end, currency=code)
    return number


Unit = tuple[str, Decimal]
A_TIME = re.compile(
    r"(?:\s+[^\W\d_]+)?\s*(?:/|в|per|an|a|pro|je)\s*(?:(час\w*|ч|hour|h|stunde)|(мин\w*|minute|min))(?![^\W_])",
    re.IGNORECASE,
)


def _a_time(behind: str, unit: Unit) -> tuple[int, Unit]:
    """A volume an hour is a flow: "820 м³ воздуха в час"."""
    match = A_TIME.match(behind) if unit[0] == "volume" else None
    if match is None:
        return 0, unit
    return match.end(), ("flow", unit[1] / 1000 * (1 if match[1] else 60))


def _other_currency(text: str, at: int) -> tuple[int, str] | None:
    """(length, code) of a currency with its country: "белорусских рублей", "Canadian dollars"; XXX for most."""
    match = re.match(r"\s*([^\W\d_]+)\s+", text[at:])
    behind = unit_behind(text, at + match.end()) if match else None
    if match is None or behind is None or behind[1] != "currency":
        return None
    known = {"российск": "RUB", "russian": "RUB", "американск": "USD", "us": "USD", "american": "USD"}
    code = next((code for stem, code in known.items() if match[1].casefold().startswith(stem)), "XXX")
    return match.end() + behind[0], code if code == behind[2] else "XXX"


@cache
def _spellings() -> dict[str, tuple[re.Pattern[str], dict[str, tuple[str, str | Unit]]]]:
    """By first letter: one pattern for whatever may stand behind a number, and the meaning of each of its groups."""
    table = data("units")
    meanings: list[tuple[str, tuple[str, str | Unit]]] = []
    for dimension, factor, spellings in table["units"]:
        meanings += [(each, ("unit", (dimension, Decimal(factor)))) for each in spellings.split()]
    for section, kind in (("currencies", "currency"), ("cents", "cents")):
        for code, spellings in table[section].items():
            meanings += [(each, (kind, code)) for each in spellings.split()]
    meanings += [(each, ("pieces", "")) for each in table["pieces"].split()]
    meanings.sort(key=lambda pair: -len(pair[0].strip("=*")))
    by_letter: dict[str, list[tuple[str, tuple[str, str | Unit]]]] = {}
    for text, meaning in meanings:
        by_letter.setdefault(text.lstrip("=")[0].casefold(), []).append((text, meaning))
    return {letter: _one_pattern(each) for letter, each in by_letter.items()}


def _one_pattern(
    meanings: list[tuple[str, tuple[str, str | Unit]]],
) -> tuple[re.Pattern[str], dict[str, tuple[str, str | Unit]]]:
    groups = {f"u{at}": meaning for at, (_, meaning) in enumerate(meanings)}
    return re.compile("|".join(f"(?P<u{at}>{_spelling(text)})" for at, (text, _) in enumerate(meanings))), groups


def _measure_at(text: str) -> tuple[int, str, str | Unit] | None:
    """(length, kind, meaning) of the unit, currency or unit of count at the start of `text`."""
    known = _spellings().get(text[:1].casefold())
    if known is None or (match := known[0].match(text)) is None:
        return None
    kind, value = known[1][str(match.lastgroup)]
    return match.end(), kind, value


@lru_cache(maxsize=8192)
def is_unit(word: str) -> bool:
    """Whether a word is a unit, a currency or a unit of count."""
    return unit_behind(word, 0) is not None


def _spelling(text: str) -> str:
    exact, loose = text.startswith("="), text.endswith("*")
    body = re.escape(text.strip("=*") if len(text) > 1 else text).replace("\\~", " ").replace("~", " ")
    body = body if exact else f"(?i:{body})"
    if re.match(r"[\u4e00-\u9fff]", text):
        return body
    return body + (r"[^\W\d_]*" if loose else r"(?![^\W_])")


def unit_behind(text: str, at: int, *, fraction: bool = False) -> tuple[int, str, str | Unit] | None:
    """(length, kind, meaning) of the unit, currency or unit of count that starts at `at`, spaces included."""
    lead = re.match(r"[\s-]{0,2}(?:-?(?:го|ти|ми|х) )?", text[at:])
    skipped = lead.end() if lead else 0
    rest = text[at + skipped :]
    if found := _measure_at(rest):
        return skipped + found[0], found[1], found[2]
    # "220 в" at the end of a clause is volts, "4 в наличии" is not; so with "а" (amperes) and "in" (inches).
    if match := re.match(r"(?:([вv])|([аa])|(in))(?=\s*(?:[.,;:)!?]|$))", rest, re.IGNORECASE):
        dimension, factor = (("voltage", "1"), ("current", "1"), ("length", "25.4"))[(match.lastindex or 1) - 1]
        return skipped + match.end(), "unit", (dimension, Decimal(factor))
    if fraction and (match := re.match(r"in(?![^\W_])", rest)):
        return skipped + match.end(), "unit", ("length", Decimal("25.4"))
    return None


def currency_before(text: str, at: int) -> tuple[int, str] | None:
    """(start, ISO code) of a currency sign or code right before `at`."""
    if match := re.search(r"(?<![^\W_])([$€£₽₸₺₴¥₹₾]|(?:US|C|A)\$|[A-Z]{3})\s?$", text[:at]):
        sign = match[1][-1] if match[1][-1] == "$" else match[1]
        if (found := _measure_at(sign)) and found[:2] == (len(sign), "currency"):
            return match.start(), str(found[2])
    return None


def _with_cents(text: str, found: list[Number]) -> list[Number]:
    """Joins "41 300 рублей 50 копеек" into one price."""
    kept: list[Number] = []
    for number in found:
        behind = unit_behind(text, number.end)
        if behind and behind[1] == "cents":
            number = replace(number, end=number.end + behind[0], currency="cents")
        last = kept[-1] if kept else None
        near = last is not None and not text[last.end : number.start].strip(" иand")
        if number.currency == "cents" and last and last.currency and near:
            cents = frozenset(big + small / 100 for big in last.values for small in number.values)
            kept[-1] = replace(last, end=number.end, raw=text[last.start : number.end], values=cents)
            continue
        kept.append(number)
    return kept


def _joined(text: str, found: list[Number]) -> list[Number]:
    """Makes ranges one number and hands a unit back to the bare numbers before it."""
    kept: list[Number] = []
    for number in reversed(found):
        follower = kept[-1] if kept else None
        gap = text[number.end : follower.start] if follower else "x"
        if follower and not number.literal and not follower.literal:
            if number.bare and (BETWEEN.fullmatch(gap) or (BESIDE.fullmatch(gap) and not follower.currency)):
                number = replace(number, unit=follower.unit, currency=follower.currency, pieces=follower.pieces)
            same = (number.unit, number.currency, number.pieces) == (follower.unit, follower.currency, follower.pieces)
            if same and BETWEEN.fullmatch(gap) and not follower.top:
                kept[-1] = replace(number, end=follower.end, raw=text[number.start : follower.end], top=follower.values)
                continue
        kept.append(number)
    return kept[::-1]
