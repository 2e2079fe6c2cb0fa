"""Makes up the rows of the sample catalogue: the same seed gives the same rows, and no two rows are one product."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from catalog.sample.formula import Value
from catalog.sample.goods import Brand, Family, Goods, Kind, goods

ON_REQUEST = 0.03  # share of rows without a price
ENGLISH_ONLY, RUSSIAN_ONLY = 0.03, 0.06  # shares of rows with one name alone
UNKNOWN_STOCK, SOLD_OUT = 0.03, 0.14
RATES = {"RUB": 1.0, "USD": 80.0, "EUR": 92.0}  # roubles; only to make prices of one scale
PATIENCE = 40  # failed draws in a row after which a kind is taken to be exhausted
BARE = 3  # letters: a value as short as "C" or "нет" needs the attribute's name beside it
FACTS = 4  # attributes in a description
LETTERS = "ABCDEFGHKLMNPRSTUVWXZ"  # no I, J, O, Q, Y: makers leave out what is misread


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the price list. `price` None is "on request", `stock` None is "not told"."""

    kind: Kind
    brand: Brand
    article: str
    model: str
    name_ru: str
    name_en: str
    description: str
    price: float | None
    currency: str
    stock: int | None
    values: Mapping[str, Value]  # by attribute key, in the language of the row; absent where there is nothing to tell


def generate(rows: int, seed: int) -> Iterator[tuple[Family, list[Row]]]:
    """Yield each family with its rows, `rows` in all; every kind draws from a stream of its own.

    Raises ValueError if the assortment is too small for so many different products.
    """
    shop = goods()
    articles: set[str] = set()
    makers = {kind.key: Maker(kind, shop, seed, articles) for family in shop.families for kind in family.kinds}
    total = sum(maker.kind.weight for maker in makers.values())
    for maker in makers.values():
        maker.make(int(rows * maker.kind.weight / total))
    _top_up(list(makers.values()), rows)
    for family in shop.families:
        yield family, [row for kind in family.kinds for row in makers[kind.key].rows]


def _top_up(makers: list[Maker], rows: int) -> None:
    """Share out what the quotas left over, one row each, until the count is right."""
    missing = rows - sum(len(maker.rows) for maker in makers)
    while missing > 0:
        made = 0
        for maker in makers[:missing]:
            made += maker.make(1)
        if not made:
            raise ValueError(f"the sample's assortment ends {missing} rows short of {rows}; ask for fewer")
        missing -= made
        makers = [maker for maker in makers if not maker.exhausted] or makers


class Maker:
    """Draws products of one kind, each different from those before it."""

    def __init__(self, kind: Kind, shop: Goods, seed: int, articles: set[str]) -> None:
        self.kind, self.rows, self.exhausted = kind, list[Row](), False
        self._shop, self._articles = shop, articles
        self._brands = [brand for brand in shop.brands if kind.family in brand.families]
        self._random = random.Random(f"{seed}/{kind.key}")  # noqa: S311  goods, not secrets
        self._seen: set[tuple[object, ...]] = set()
        self._names: set[tuple[object, ...]] = set()

    def make(self, count: int) -> int:
        """Add up to `count` rows; return how many could be made."""
        made = failed = 0
        while made < count and failed < PATIENCE:
            brand = self._random.choice(self._brands)
            series = self._random.choice(brand.series)
            values = self._values()
            identity = (brand.en, series, *values.values())
            if identity in self._seen:
                failed += 1
                continue
            self._seen.add(identity)
            self.rows.append(self._row(brand, series, values))
            made, failed = made + 1, 0
        self.exhausted = self.exhausted or made < count
        return made

    def _values(self) -> dict[str, Value]:
        values: dict[str, Value] = {}
        for draw in self.kind.draws:
            if draw.formula:
                values[draw.keys[0]] = draw.formula(values)
            elif draw.fits:
                values[draw.keys[0]] = self._partner(self._random.choice(draw.fits))
            else:
                values.update(zip(draw.keys, self._random.choice(draw.options), strict=True))
        return values

    def _partner(self, key: str) -> str:
        """The maker and series of a machine that a spare part fits."""
        kind = next(k for family in self._shop.families for k in family.kinds if k.key == key)
        brand = self._random.choice([b for b in self._shop.brands if kind.family in b.families])
        return f"{brand.en} {designation(brand, self._random.choice(brand.series), kind)}"

    def _row(self, brand: Brand, series: str, values: dict[str, Value]) -> Row:
        kind, chance = self.kind, self._random.random()
        model = f"{designation(brand, series, kind)} {kind.model.format_map(values)}"
        price = self._price(brand, series, values)
        values = {key: value for key, value in values.items() if value and key not in self._shop.hidden}
        english = {key: self._english(value) for key, value in values.items()}
        told = self._told(brand, model, values)
        name_ru = self._name(kind.ru, brand.ru, model, told, values, "ru") if chance >= ENGLISH_ONLY else ""
        alone = ENGLISH_ONLY <= chance < ENGLISH_ONLY + RUSSIAN_ONLY
        name_en = "" if alone else self._name(kind.en, brand.en, model, told, english, "en")
        lang = "ru" if name_ru else "en"
        shown = values if name_ru else english
        return Row(
            kind=kind,
            brand=brand,
            article=self._article(brand),
            model=model,
            name_ru=name_ru,
            name_en=name_en,
            description=self._description(brand, told, shown, lang),
            price=price,
            currency=brand.currency if price is not None else "",
            stock=self._stock(price, brand),
            values=shown,
        )

    def _english(self, value: Value) -> Value:
        return self._shop.words.get(value, value) if isinstance(value, str) else value

    def _told(self, brand: Brand, model: str, values: Mapping[str, Value]) -> list[str]:
        """The attributes that the name spells out: the usual ones, and more where the name would be another's."""
        told = [key for key in self.kind.show if key in values]
        rest = [key for key in values if key not in told]
        while (name := (brand.en, model, *(values[key] for key in told))) in self._names and rest:
            told.append(rest.pop(0))
        self._names.add(name)
        return told

    def _name(
        self, noun: str, maker: str, model: str, told: Sequence[str], values: Mapping[str, Value], lang: str
    ) -> str:
        return ", ".join([f"{noun} {maker} {model}", *(self._phrase(key, values[key], lang) for key in told)])

    def _phrase(self, key: str, value: Value, lang: str) -> str:
        """One attribute within a name: "3 кВт", "Ду50", "число ступеней 4"."""
        russian, title = lang == "ru", self._shop.titles[key]
        if phrases := self._shop.phrases.get(key):
            return phrases[not russian].format(written(value, lang))
        bare = not title.unit and (not isinstance(value, str) or len(value) <= BARE)
        return (
            f"{_lowered(title.ru if russian else title.en)} {written(value, lang)}"
            if bare
            else self._quantity(key, value, lang)
        )

    def _quantity(self, key: str, value: Value, lang: str) -> str:
        """A value with its unit as one writes it in that language."""
        title = self._shop.titles[key]
        return f"{written(value, lang)} {title.unit if lang == 'ru' else title.unit_en}".rstrip()

    def _description(self, brand: Brand, told: Sequence[str], values: Mapping[str, Value], lang: str) -> str:
        russian = lang == "ru"
        rest = [key for key in values if key not in told][:FACTS]
        facts = [
            f"{self._shop.titles[key].ru if russian else self._shop.titles[key].en}: "
            f"{self._quantity(key, values[key], lang)}"
            for key in rest
        ]
        guarantee = self._shop.texts[f"guarantee_{lang}"].format(brand.warranty)
        about = self.kind.about_ru if russian else self.kind.about_en
        return " ".join([about, *(["; ".join(facts) + "."] if facts else []), guarantee])

    def _price(self, brand: Brand, series: str, values: Mapping[str, Value]) -> float | None:
        base = self.kind.price(values)
        if isinstance(base, str) or base <= 0:
            raise ValueError(f"{self.kind.key}: the price formula gives {base!r} for {dict(values)}")
        rank = 1.0 + 0.18 * brand.series.index(series)  # the second and third series are dearer
        roubles = base * brand.factor * rank * self._random.uniform(0.95, 1.05)
        return None if self._random.random() < ON_REQUEST else _rounded(roubles / RATES[brand.currency])

    def _stock(self, price: float | None, brand: Brand) -> int | None:
        chance = self._random.random()
        if chance < UNKNOWN_STOCK:
            return None
        if chance < UNKNOWN_STOCK + SOLD_OUT:
            return 0
        roubles = (price or 50_000) * RATES[brand.currency]
        usual = max(2.0, min(900.0, 400_000 / roubles))  # about as much money on the shelf in each item
        return max(1, round(self._random.lognormvariate(0, 0.8) * usual))

    def _article(self, brand: Brand) -> str:
        """A code in the maker's style that no row has yet."""
        pattern = brand.article.replace("{code}", self.kind.code)
        while True:
            code = re.sub("[#@]", lambda m: self._random.choice("0123456789" if m[0] == "#" else LETTERS), pattern)
            if code not in self._articles:
                self._articles.add(code)
                return code


def designation(brand: Brand, series: str, kind: Kind) -> str:
    """The letters before the numbers of a model: the maker's first letter, the kind and the series."""
    return f"{brand.en[0]}{kind.code}{f'-{series}' if series else ''}"


def written(value: Value, lang: str) -> str:
    """A number as a Russian or an English reader writes it; text as it is."""
    if isinstance(value, str):
        return value
    return str(value).replace(".", ",") if lang == "ru" else str(value)


def _lowered(title: str) -> str:
    """A title within a sentence; "Wi-Fi" and "КПД" keep their capitals."""
    return title.lower() if title[1:].islower() else title


def _rounded(price: float) -> float:
    """A price as shops set it: kopecks below a hundred, tens and hundreds above."""
    if price < 100:
        return round(price, 2)
    step = 1 if price < 1_000 else 10 if price < 20_000 else 100
    return float(round(price / step) * step)
