"""Finds the quantities of a text in canonical units: 3 кВт, 3000 W and 4 л.с. become watts that can be compared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from catalog.normalize.text import HOMOGLYPHS, fold

# dimension: (canonical unit, {how a unit is written in folded text: its size in canonical units}).
# Customary technical equalities are kept where trade uses them: an atmosphere or 1 kgf/cm2 is sold as a bar.
UNITS: dict[str, tuple[str, dict[str, float]]] = {
    "power": (
        "w",
        {
            "вт|w|watts?|ватт?|wt|vatt?|瓦特?": 1,
            "квт|kw|kвт|кw|киловатт?|kvt|kilovatt?|千瓦": 1e3,
            "мвт|mw": 1e6,
            "л\\.? ?с\\.?|hp|к\\.с\\.|ps|cv|beygir(?: gucu)?|ot kuchi|马力|匹": 735.5,
        },
    ),
    "apparent power": ("va", {"ва|va": 1, "ква|kva|千伏安": 1e3, "мва|mva": 1e6}),
    "voltage": (
        "v",
        {
            "в|v|вольта?|volts?|vac|vdc|volta|伏特?|в ac|v ac|v dc|в dc|vольт": 1,
            "кв|kv|киловольта?|千伏": 1e3,
            "мв|mv": 1e-3,
        },
    ),
    "current": ("a", {"а|a|ампера?|amperes?|amps?|amper|安培?": 1, "ма|ma|mа": 1e-3, "ка|ka|kа": 1e3}),
    "pressure": (
        "bar",
        {
            "бара?|bars?|巴|атм\\.?|atm|ати|кгс/см2|kgf/cm2": 1,
            "мпа|mpa|兆帕": 10,
            "кпа|kpa": 0.01,
            "па|pa": 1e-5,
            "мбар|mbar": 1e-3,
            "psi": 0.0689476,
        },
    ),
    "length": (
        "mm",
        {
            "мм|mm|миллиметров|milimetre|millimetr|毫米": 1,
            "см|cm|сантиметров|santimetre?|厘米|公分": 10,
            "дм|dm": 100,
            "м|m|метр(?:а|ов)?|meters?|metres?|metre|metr|米|п\\.м\\.|м\\.п\\.": 1e3,
            "км|km": 1e6,
            "мкм|микрон|µm|μm": 1e-3,
            "\"|''|″|”|дюйм(?:а|ов|овый|овая|овые)?|inch(?:es)?|in|zoll|toll|inc|dyuym|英寸|寸": 25.4,
            "ft|feet|фут(?:а|ов)?": 304.8,
        },
    ),
    "area": (
        "mm2",
        {
            "мм2|mm2|мм\\.кв\\.?|кв\\. ?мм|sqmm|мм кв\\.?|平方毫米|平方": 1,
            "см2|cm2": 100,
            "м2|m2|metrekare|kvadrat metr|平方米|кв\\. ?м|м\\.кв\\.?|sqm": 1e6,
        },
    ),
    "volume": (
        "l",
        {
            "л|l|литр(?:а|ов|ів|и)?|lit(?:er|re)s?|ltr|litr|lt|公升|升": 1,
            "мл|ml|毫升": 1e-3,
            "м3|m3|куб\\.? ?м|кубов|metrekup|kub(?: ?metr)?|куб|立方米?|方": 1e3,
            "см3|cm3": 1e-3,
        },
    ),
    "mass": (
        "kg",
        {
            "кг|kg|килограмм(?:а|ов)?|kilo(?:gramm?)?|公斤|千克": 1,
            "г|g|гр\\.?|грамм(?:а|ов)?|克": 1e-3,
            "мг|mg": 1e-6,
            "т|t|тонн(?:а|ы)?|tons?|tonna|吨": 1e3,
            "lbs?": 0.453592,
            "oz": 0.0283495,
        },
    ),
    "flow": (
        "m3/h",
        {
            "м3/ч(?:ас)?|м3/год(?:ину)?|м3/сағ(?:ат)?|m3/h|м3 в час|куб\\.? ?м/ч(?:ас)?|кубов в час|"
            "metrekup/saat|m3/saat|m3/soat|м3/соат|立方米?/小?时|立方米?每小时|方/小?时": 1,
            "л/мин|l/min|lpm|л в минуту": 0.06,
            "л/с(?:ек)?|l/s": 3.6,
            "л/ч(?:ас)?|l/h": 1e-3,
        },
    ),
    "frequency": ("hz", {"гц|hz|герц|赫兹?": 1, "кгц|khz": 1e3, "мгц|mhz": 1e6, "ггц|ghz": 1e9}),
    "temperature": ("c", {"°c|°с|град\\.? ?[cс]|градус(?:а|ов)?(?: цельсия)?": 1}),
    "speed": ("rpm", {"об\\.?/мин\\.?|rpm|d/dk|devir/dk|ayl/min|转/分钟?|转|об/м|r/min": 1}),
    "linear speed": ("m/s", {"м/с(?:ек)?|m/s": 1}),
    "resistance": ("ohm", {"ом|ohms?|ω": 1, "ком|kohm|kω": 1e3, "мом|mohm": 1e6}),
    "capacitance": ("uf", {"мкф|uf|µf|μf": 1, "нф|nf": 1e-3, "пф|pf": 1e-6}),
    "charge": ("ah", {"а[·*\\-]?ч|ah|安时": 1, "ма[·*\\-]?ч|mah|毫安时": 1e-3}),
    "light": ("lm", {"лм|lm|люмен(?:ов)?|lumens?": 1}),
    "sound": ("db", {"дб|дба|db|dba": 1}),
    "memory": ("gb", {"гб|gb": 1, "тб|tb": 1e3, "мб|mb": 1e-3}),
    "torque": ("nm", {"н[·*]?м|nm|n[·*]m": 1}),
    "force": ("kn", {"кн|kn": 1}),
    "pages": ("page", {"стр(?:\\.|аниц[аы]?)?|pages?|стандартных страниц": 1}),
    "poles": ("pole", {"полюс(?:а|ов|ный|ная)?|-?полюсн[а-я]+|-?poles?|p|п|пол\\.": 1}),
    "phases": ("phase", {"фаз[аы]?|相|-?фазн[а-я]+|-?phases?|ф": 1}),
    "cores": ("core", {"жил[аы]?|-?жильн[а-я]+|-?cores?|-?х? ?волокн[а-я]+": 1}),
    "pieces": ("pc", {"шт\\.?|штук[иа]?|pcs\\.?|pieces?|stk": 1}),
    "percent": ("%", {"%|процент(?:а|ов)?": 1}),
}
UNIT_OF = {dimension: unit for dimension, (unit, _) in UNITS.items()}
DIMENSIONS = (*UNITS, "thread", "protection", "curve")

# A unit of one letter after a space may be a word ("насос 3 в наличии", "2 с доставкой"): before another word it
# counts only with values that equipment really has.
_USUAL = {
    "voltage": {5, 6, 9, 12, 24, 36, 42, 48, 60, 110, 115, 120, 127, 220, 230, 240, 380, 400, 415, 440, 500, 660, 690}
}
_LETTERS_THAT_ARE_WORDS = {"в", "а", "с", "a", "к", "in"}

_NUMBER = r"\d+(?:[.,]\d+)?"
_ALTERNATIVE = re.compile(r"\|(?![^(]*\))")  # a bar outside brackets
_KNOWN = sorted(
    (
        (form, dimension, size)
        for dimension, (_, forms) in UNITS.items()
        for written, size in forms.items()
        for form in _ALTERNATIVE.split(written)
    ),
    key=lambda entry: -len(entry[0]),  # "м3/ч" is tried before "м3", "м3" before "м"
)
_UNIT = "|".join(f"(?P<u{place}>{form})" for place, (form, _, _) in enumerate(_KNOWN))
_WHOLE = re.compile(_UNIT)
_AFTER = re.compile(rf" ?(?:{_UNIT})(?![a-zа-яіїєғ°])")
_VALUE = re.compile(rf"(?<![\d.,a-zа-яіїєғ]){_NUMBER}(?:(?:\s?[xх*]\s?){_NUMBER})*")
_FRACTION = re.compile(r"(?<![\d/.,])(?:(\d+)[ \-])?(\d)/(\d{1,2})(?=\s?(?:\"|''|″|”|дюйм|inch|zoll))")

_BORE = re.compile(
    rf"(?<![a-zа-я])(?:ду|dn|dу|диаметр(?:ом)?|diameter|diam|диам\.?|ф|d|ø)[ .=]?({_NUMBER})(?![\d/a-zа-я]|\.\d)"
)
_BORE_MM = re.compile(
    rf"(?<![a-zа-я])(?:ду|dn|ф|d)[ .=]?({_NUMBER})(?:(?:[xх*/])({_NUMBER}))?(?=\s?mm|\s?мм|[^\w]|[xх]|$)"
)
_NOMINAL_PRESSURE = re.compile(rf"(?<![a-zа-я])(?:ру|рn|pn|pу|рy)[ .=]?({_NUMBER})(?![\d a-zа-я]{{0,40}}мпа)")
_THREAD = re.compile(rf"(?<![a-zа-я0-9])(?<!\d\s)[mм]\s?({_NUMBER})(?:\s?[xх*]\s?({_NUMBER}))?(?![a-zа-я0-9/])")
_PROTECTION = re.compile(r"(?<![a-zа-я])i[pр][ -]?(\d\d)(?!\d)")
_POLES = re.compile(
    r"(?<![a-zа-я0-9.,/])([1-4з])\s?[-–]?(?:\+\s?n\s?)?(?:p|р|п)(?:\s?\+\s?n)?(?![a-zа-я0-9])|(?<![\d.,])([1-4])\+np?(?![a-z])"
)
_NUMERALS = {
    "одно": 1,
    "двух": 2,
    "трех": 3,
    "четырех": 4,
    "пяти": 5,
    "single": 1,
    "one": 1,
    "two": 2,
    "double": 2,
    "three": 3,
    "triple": 3,
    "four": 4,
}
_SPELT = re.compile(rf"(?<![а-яa-z])({'|'.join(_NUMERALS)})[ -]?(полюсн|фазн|жильн|pole|phase|core)")
_SPELT_DIMENSION = {
    "полюсн": "poles",
    "pole": "poles",
    "фазн": "phases",
    "phase": "phases",
    "жильн": "cores",
    "core": "cores",
}

_BREAKER = re.compile(
    r"автомат|выключател|авт\.? ?вык|breaker|mcb|rcbo|узо|ажырат|вимикач|leitungsschutz|полюс|[1-4]\s?[pрп](?![a-zа-я])"
)
_CURVE = re.compile(
    rf"(?:характеристик\w*|хар(?:-ка|\.)?|крив\w+|curve|тип|type|char\w*\.?|[1-4]\+?n?p\s?-)\s?[-–]?\s?([bcdkz])(?![a-z0-9])|(?<![a-z0-9])([bcdkz])(?:-char|\s?$|\s?-\s?{_NUMBER}\s?(?:a|а))"
)
_CURVE_AND_CURRENT = re.compile(rf"(?<![a-z0-9.])([bcdkz])\s?({_NUMBER})(?:a|а)?(?=[a-z]{{0,3}}(?:[^a-z0-9]|$))")
_THOUSAND = re.compile(rf"(?<![\w.,])({_NUMBER})\s?(?:k|к|тыс\.?)(?![a-zа-я0-9])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """One quantity of a text: `low` to `high` (equal unless a range) in the canonical unit of its dimension.

    `sure` is False where the text only suggests it (a bare `d50`); `start` and `end` say where it stood.
    """

    dimension: str
    low: float
    high: float
    sure: bool = True
    start: int = 0
    end: int = 0

    @property
    def unit(self) -> str:
        return UNIT_OF.get(self.dimension, "")

    @property
    def tokens(self) -> tuple[str, ...]:
        """Words for the lexical index: `#3000w`; both ends of a range."""
        name = self.unit or self.dimension
        ends = (self.low,) if self.low == self.high else (self.low, self.high)
        return tuple(f"#{end:.4g}{name}" if end < 1e4 else f"#{end:.6g}{name}" for end in ends)


def scan(text: str) -> list[Quantity]:
    """All quantities of a text, each once; linear in its length."""
    return list(_scan(fold(text)))


@lru_cache(maxsize=8192)
def _scan(text: str) -> tuple[Quantity, ...]:
    found: dict[tuple[str, float, float], Quantity] = {}
    for quantity in (*_measured(text), *_marked(text), *_breaker(text)):
        found.setdefault((quantity.dimension, quantity.low, quantity.high), quantity)
    return tuple(found.values())


def measure(number: str | Decimal | float, unit: str) -> tuple[Decimal, str, str] | None:
    """A number with a unit as written -> (canonical number, canonical unit, dimension); None for an unknown unit."""
    known = unit_of(unit)
    if known is None:
        return None
    dimension, size = known
    value = Decimal(str(number).replace(",", ".")) * Decimal(str(size))
    return value.normalize() if value == 0 or abs(value) < 1 else value, UNIT_OF[dimension], dimension


@lru_cache(maxsize=4096)
def unit_of(unit: str) -> tuple[str, float] | None:
    """The dimension and the size, in canonical units, of a unit as written; None when it is not known."""
    folded = fold(unit).strip().rstrip(".")
    match = _WHOLE.fullmatch(folded) or _WHOLE.fullmatch(folded + ".")
    return _meaning(match) if match else None


def _measured(text: str) -> Iterator[Quantity]:
    """Numbers that are followed by a unit, products (20х40 мм) and ranges (10-16 А) included."""
    for whole, top, bottom in ((m, m[2], m[3]) for m in _FRACTION.finditer(text)):
        if int(bottom):
            inches = int(whole[1] or 0) + int(top) / int(bottom)
            yield _exact("length", inches * 25.4, whole.start(), whole.end())
    text = _FRACTION.sub(lambda whole: " " * len(whole[0]), text)
    spans: list[tuple[int, list[float], re.Match[str] | None, int]] = []
    for match in _VALUE.finditer(text):
        values = [float(part.replace(",", ".")) for part in re.split(r"\s?[xх*]\s?", match[0])]
        after = _AFTER.match(text, match.end())
        spans.append((match.start(), values, after, match.end()))
    for place, (start, values, after, end) in enumerate(spans):
        if after is not None:
            dimension, size = _meaning(after)
            if _is_a_word(text, after, dimension, values[-1]):
                continue
            before = spans[place - 1] if place else None
            if (
                before
                and before[2] is None
                and len(before[1]) == len(values) == 1  # 60х3-38х2 мм are two products, not a range
                and re.fullmatch(r"\s?(?:-|\.{2,3}|…|до|to|bis)\s?\+?", text[before[3] : start])
                and before[1][-1] <= values[0]
            ):
                yield Quantity(
                    dimension=dimension,
                    low=before[1][-1] * size,
                    high=values[0] * size,
                    start=before[0],
                    end=after.end(),
                )
                continue
            if (
                before
                and before[2] is None
                and re.fullmatch(r"\s?/\s?", text[before[3] : start])
                and dimension in ("voltage", "length")
            ):
                yield _exact(dimension, before[1][-1] * size, before[0], after.end())
            if dimension == "area" and len(values) == 2:  # 3х2,5 мм2: three cores of 2.5
                yield _exact("cores", values[0], start, after.end())
                values = values[1:]
            for value in values:
                yield _exact(dimension, value * size, start, after.end())
        elif len(values) > 1:
            yield from (
                Quantity(dimension="length", low=value, high=value, sure=False, start=start, end=end)
                for value in values
            )


def _meaning(after: re.Match[str]) -> tuple[str, float]:
    _, dimension, size = _KNOWN[int((after.lastgroup or "u0")[1:])]
    return dimension, size


def _is_a_word(text: str, after: re.Match[str], dimension: str, value: float) -> bool:
    unit = after[0]
    if unit.strip() not in _LETTERS_THAT_ARE_WORDS or not unit[0].isspace():
        return False
    follows = re.match(r"\s+[a-zа-я]{2,}", text[after.end() : after.end() + 12])
    return follows is not None and value not in _USUAL.get(dimension, set())


def _marked(text: str) -> Iterator[Quantity]:
    """Sizes named by a mark before the number: Ду50, PN16, М8х60, IP54, 3-полюсный."""
    for match in _BORE_MM.finditer(text):
        for value in filter(None, match.groups()):
            yield _exact("length", float(value.replace(",", ".")), match.start(), match.end())
    for match in _BORE.finditer(text):
        yield Quantity(
            dimension="length",
            low=float(match[1].replace(",", ".")),
            high=float(match[1].replace(",", ".")),
            sure=False,
            start=match.start(),
            end=match.end(),
        )
    for match in _NOMINAL_PRESSURE.finditer(text):
        yield _exact("pressure", float(match[1].replace(",", ".")), match.start(), match.end())
    for match in _THREAD.finditer(text):
        yield _exact("thread", float(match[1].replace(",", ".")), match.start(), match.end())
        if match[2]:
            yield _exact("length", float(match[2].replace(",", ".")), match.start(), match.end())
    for match in _PROTECTION.finditer(text):
        yield _exact("protection", float(match[1]), match.start(), match.end())
    for match in _SPELT.finditer(text):
        yield _exact(_SPELT_DIMENSION[match[2]], _NUMERALS[match[1]], match.start(), match.end())
    for match in _THOUSAND.finditer(text):
        yield Quantity(
            dimension="pages",
            low=float(match[1].replace(",", ".")) * 1e3,
            high=float(match[1].replace(",", ".")) * 1e3,
            sure=False,
            start=match.start(),
            end=match.end(),
        )


def _breaker(text: str) -> Iterator[Quantity]:
    """Poles, tripping curve and current as breakers name them (3P C16), only where the text is about breakers."""
    if not _BREAKER.search(text):
        return
    latin = text.translate(HOMOGLYPHS)
    for match in _POLES.finditer(text):
        yield _exact("poles", float((match[1] or match[2]).replace("з", "3")), match.start(), match.end())
    for match in _CURVE.finditer(latin):
        yield _exact("curve", ord(match[1] or match[2]) - 96.0, match.start(), match.end())
    for match in _CURVE_AND_CURRENT.finditer(latin):
        yield _exact("curve", ord(match[1]) - 96.0, match.start(), match.end())
        yield _exact("current", float(match[2].replace(",", ".")), match.start(), match.end())


def _exact(dimension: str, value: float, start: int, end: int) -> Quantity:
    return Quantity(dimension=dimension, low=value, high=value, start=start, end=end)
