"""Makes search_sample.csv.gz and search_sample_absent.csv: 300 judged questions about the sample catalogue.

The sets stand for `scripts/sample --rows 5000 --seed 1` and must be made anew when the sample's goods change:

    python tests/sets/make_search_sample.py

Columns: qid, kind, lang, query, sku, relevance (3 is wanted). Gold follows rules: a row that holds all the words, has
the code, or is of the kind and has all the values that were asked. Nothing in the second file is sold by the shop.
"""

from __future__ import annotations

import csv
import gzip
import io
import random
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from catalog.sample.goods import goods  # noqa: E402
from catalog.sample.rows import Row, generate, written  # noqa: E402

ROWS, SEED = 5_000, 1
FEW = 10  # wanted rows at most: more would make any answer right

SHARES = {
    "sku_exact": 12, "sku_nosep": 10, "sku_homoglyph": 8, "sku_in_sentence": 10, "sku_prefix": 8,
    "partial": 26, "typo": 28, "layout_ru_as_en": 18, "layout_en_as_ru": 12, "translit": 24,
    "attr_plain": 32, "attr_unitconv": 32, "xling_ru2en": 20, "xling_en2ru": 20, "price_limit": 16,
}  # fmt: skip

ABSENT = (
    ("ru", "горный велосипед 29 дюймов"), ("ru", "шины зимние 205/55 R16"), ("ru", "ноутбук 16 гб"),
    ("ru", "диван угловой"), ("ru", "цемент м500 50 кг"), ("ru", "экскаватор гусеничный"), ("ru", "кофе в зёрнах"),
    ("ru", "солнечная панель 400 вт"), ("ru", "детская коляска"), ("ru", "мотоблок дизельный"),
    ("ru", "3d принтер"), ("ru", "токарный станок по металлу"), ("ru", "обои флизелиновые"),
    ("ru", "рыболовная катушка"),
    ("en", "mountain bike"), ("en", "office chair with armrests"), ("en", "solar panel 400 W"),
    ("en", "crawler excavator"),
    ("en", "garden hedge plants"), ("en", "running shoes size 42"), ("en", "cnc lathe"), ("en", "wallpaper"),
    ("en", "electric guitar"), ("en", "baby stroller"),
)  # fmt: skip

RU_KEYS = "йцукенгшщзхъфывапролджэячсмитьбюё"
EN_KEYS = "qwertyuiop[]asdfghjkl;'zxcvbnm,.`"
LATIN = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
        "a b v g d e yo zh z i y k l m n o p r s t u f h c ch sh sch _ y _ e yu ya".replace("_", "").split(" "),
        strict=True,
    )
)
LOOKALIKES = dict(zip("ABEKMHOPCTXАВЕКМНОРСТХ", "АВЕКМНОРСТХABEKMHOPCTX", strict=True))
SENTENCES = (
    "здравствуйте, есть {} в наличии?",
    "сколько стоит {} и когда отгрузите",
    "do you have {} in stock?",
    "нужен артикул {}, 2 шт",
)
DULL = {"для", "число", "упаковке", "м³/ч", "л/мин", "диаметр"}  # words of a name that nobody searches by
ASKING = ("{}", "{}", "нужен {}", "подскажите {}", "{} в наличии")


class Question(NamedTuple):
    lang: str
    query: str
    skus: tuple[str, ...]


def main() -> None:
    maker = Questions([row for _, rows in generate(ROWS, SEED) for row in rows])
    lines: list[tuple[str, ...]] = []
    seen: set[str] = set()
    for kind, count in SHARES.items():
        fresh = (question for question in getattr(maker, kind)() if question.query not in seen)
        for _ in range(count):
            question = next(fresh)
            seen.add(question.query)
            number = str(len(seen))
            lines += [(number, kind, question.lang, question.query, sku, "3") for sku in question.skus]
    _write_gz(HERE / "search_sample.csv.gz", ("qid", "kind", "lang", "query", "sku", "relevance"), lines)
    absent = [(str(len(seen) + n), "absent", lang, query) for n, (lang, query) in enumerate(ABSENT, start=1)]
    with (HERE / "search_sample_absent.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([("qid", "kind", "lang", "query"), *absent])
    print(f"{len(seen)} questions with {len(lines)} wanted rows, {len(absent)} about goods that are not there")


class Questions:
    """An endless stream of questions for each kind, drawn from the rows."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows
        self.random = random.Random(f"search/{SEED}")
        self.words = [(row, frozenset(_words(f"{row.name_ru} {row.name_en}"))) for row in rows]

    def sku_exact(self) -> Iterator[Question]:
        yield from self._sku(lambda code: code)

    def sku_nosep(self) -> Iterator[Question]:
        yield from self._sku(lambda code: re.sub(r"[ .\-]", "", code).lower())

    def sku_homoglyph(self) -> Iterator[Question]:
        spoilt = self._sku(lambda code: "".join(LOOKALIKES.get(sign, sign) for sign in code))
        yield from (question for question in spoilt if question.query != question.skus[0])

    def sku_in_sentence(self) -> Iterator[Question]:
        yield from self._sku(lambda code: self.random.choice(SENTENCES).format(code))

    def sku_prefix(self) -> Iterator[Question]:
        for row in self._any_row():
            start = row.article[:-2]
            if found := self._few(other for other in self.rows if other.article.startswith(start)):
                yield Question("", start, found)

    def partial(self) -> Iterator[Question]:
        yield from self._partial("ru")

    def typo(self) -> Iterator[Question]:
        yield from self._spoilt("ru", self._mistyped)

    def translit(self) -> Iterator[Question]:
        yield from self._spoilt("ru", lambda text: "".join(LATIN.get(sign, sign) for sign in text))

    def layout_ru_as_en(self) -> Iterator[Question]:
        yield from self._spoilt("ru", lambda text: text.translate(str.maketrans(RU_KEYS, EN_KEYS)))

    def layout_en_as_ru(self) -> Iterator[Question]:
        yield from self._spoilt("en", lambda text: text.translate(str.maketrans(EN_KEYS, RU_KEYS)))

    def attr_plain(self) -> Iterator[Question]:
        yield from self._attributes("ru", _plain)

    def attr_unitconv(self) -> Iterator[Question]:
        yield from self._attributes("ru", self._converted)

    def xling_ru2en(self) -> Iterator[Question]:
        yield from self._attributes("ru", _plain, only=lambda row: not row.name_ru)

    def xling_en2ru(self) -> Iterator[Question]:
        yield from self._attributes("en", _plain, only=lambda row: not row.name_en)

    def price_limit(self) -> Iterator[Question]:
        for row in self._any_row():
            if row.currency != "RUB" or row.price is None or not row.name_ru:
                continue
            limit = _round_limit(row.price)
            alike = (other for other in self.rows if other.kind is row.kind and other.currency == "RUB")
            if found := self._few(other for other in alike if other.price is not None and other.price <= limit):
                money = self.random.choice(
                    (f"{limit:,} руб".replace(",", " "), f"{limit} ₽", f"{limit // 1000} тысяч рублей")
                )
                yield Question("ru", f"{row.kind.ru.lower()} до {money}", found)

    def _sku(self, spoil: Callable[[str], str]) -> Iterator[Question]:
        for row in self._any_row():
            query = spoil(row.article)
            if re.search("[^\\W\\d_]", query):
                yield Question("", query, (row.article,))

    def _partial(self, lang: str) -> Iterator[Question]:
        """Two to four words of a name; wanted is every row that has them all."""
        for row in self._any_row():
            name = row.name_ru if lang == "ru" else row.name_en
            words = [word for word in _words(name) if len(word) > 2 and word not in DULL]
            if len(words) < 4:
                continue
            kept = [words[0], *self.random.sample(words[1:], self.random.choice((1, 2, 2, 3)))]
            if found := self._few(other for other, held in self.words if held.issuperset(kept)):
                yield Question(lang, " ".join(kept), found)

    def _spoilt(self, lang: str, spoil: Callable[[str], str]) -> Iterator[Question]:
        """Partial names with their letters spoilt; at least one longer word of letters, or nothing could be spoilt."""
        for question in self._partial(lang):
            letters = "[а-яё]{5}" if lang == "ru" else "[a-z]{5}"
            query = spoil(question.query)
            if re.search(letters, question.query) and query != question.query:
                yield question._replace(query=query)

    def _mistyped(self, text: str) -> str:
        """One slip in the longest word: a letter doubled, dropped, swapped, or its neighbour on the keyboard."""
        word = max(re.findall(r"[а-яё]{4,}", text), key=len, default="")
        if not word:
            return text
        at = self.random.randrange(1, len(word) - 1)
        near = RU_KEYS[(RU_KEYS.index(word[at]) + 1) % len(RU_KEYS)]
        slips = (
            word[:at] + word[at] + word[at:],
            word[:at] + word[at + 1 :],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            word[:at] + near + word[at + 1 :],
        )
        return text.replace(word, self.random.choice(slips), 1)

    def _attributes(
        self, lang: str, tell: Callable[[str, float, str], str], only: Callable[[Row], bool] = lambda row: True
    ) -> Iterator[Question]:
        """The kind's noun and one or two of its figures; wanted is every row of the kind that has them."""
        for row in filter(only, self._any_row()):
            figures = [
                (key, value)
                for key in row.kind.show
                if goods().titles[key].unit and not isinstance(value := row.values.get(key, ""), str)
            ]
            if not figures:
                continue
            chosen = self.random.sample(figures, min(len(figures), self.random.choice((1, 2, 2))))
            alike = [r for r in self.rows if r.kind is row.kind and all(r.values.get(k) == v for k, v in chosen)]
            found = self._few(alike)
            if found and all(map(only, alike)):
                noun = (row.kind.ru if lang == "ru" else row.kind.en).lower()
                told = " ".join(tell(key, value, lang) for key, value in chosen)
                yield Question(lang, self._asked(f"{noun} {told}", lang), found)

    def _converted(self, key: str, value: float, lang: str) -> str:
        """The figure in another unit or another habit of writing it; plain where there is none."""
        ways = _conversions(key, value)
        return self.random.choice(ways) if ways else _plain(key, value, lang)

    def _asked(self, text: str, lang: str) -> str:
        return self.random.choice(ASKING).format(text) if lang == "ru" else text

    def _any_row(self) -> Iterator[Row]:
        while True:
            yield self.random.choice(self.rows)

    @staticmethod
    def _few(rows: Iterable[Row]) -> tuple[str, ...]:
        found = tuple(row.article for row in rows)
        return found if len(found) <= FEW else ()


def _plain(key: str, value: float, lang: str) -> str:
    title = goods().titles[key]
    return f"{written(value, lang)} {title.unit if lang == 'ru' else title.unit_en}".lower()


def _conversions(key: str, value: float) -> list[str]:
    """Other ways to say a figure of this unit, all of them exact."""
    if key == "dn":
        return [f"ду{value}", f"dn {value}", f"ф{value}"]
    match goods().titles[key].unit:
        case "кВт":
            return [f"{value * 1000:g} вт", f"{value:g} kw", f"{value:g}квт"]
        case "Вт":
            return [f"{value / 1000:g} квт".replace(".", ","), f"{value:g}вт", f"{value:g} w"]
        case "бар":
            return [f"{value / 10:g} мпа".replace(".", ","), f"{value:g}бар", f"{value:g} bar"]
        case "мм" if value >= 100 and value % 10 == 0:
            return [f"{value / 10:g} см", f"{value:g}мм", f"{value / 1000:g} м".replace(".", ",")]
        case "А":
            return [f"{value:g} ампер", f"{value:g}а", f"{value:g} a"]
        case "В":
            return [f"{value:g} вольт", f"{value:g}в", f"{value:g} v"]
        case "кг" if value >= 1000:
            return [f"{value / 1000:g} т".replace(".", ","), f"{value / 1000:g} тонн".replace(".", ",")]
        case "л":
            return [f"{value:g} литров", f"{value:g}л"]
        case "м³/ч":
            return [f"{value:g} м3/ч", f"{value:g} m3/h", f"{value:g} кубов в час"]
        case _:
            return []


def _round_limit(price: float) -> int:
    """The price, a little up, as a person would name a limit."""
    step = 1_000 if price < 20_000 else 5_000 if price < 100_000 else 50_000
    return int(price // step + 1) * step


def _words(text: str) -> list[str]:
    return [word.strip(".,-") for word in re.findall(r"[\w.,/×°µ²³·-]+", text.lower()) if word.strip(".,-")]


def _write_gz(path: Path, header: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """Without a time stamp, so that the same set is the same file."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *lines])
    path.write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))


if __name__ == "__main__":
    main()
