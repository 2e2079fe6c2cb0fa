"""Our own judged set: questions of all kinds over the sample catalogue, the same for the same seed."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence

from catalog.normalize import switched
from catalog.product import Product
from catalog.sample.rows import Row, generate
from tests.eval._judged import Judged

ROWS, SEED, MANY = 3000, 1, 340
WANTED, RELATED = 3, 1

# A plain scheme of writing Russian in Latin letters, unlike the one by which the search compares sounds.
_LATIN = dict(zip("абвгдезийклмнопрстуфыэ", "abvgdeziyklmnoprstufye", strict=True))
_LATIN |= {"х": "h", "ц": "ts", "ч": "ch", "ш": "sh", "ь": "'", "я": "ya"}
_LATIN |= {"ж": "zh", "щ": "shch", "ю": "yu", "ъ": "", "ё": "yo"}


def own_goods() -> tuple[list[Product], list[Row]]:
    """The sample's goods with their Russian names alone, so that an English question has to cross the languages."""
    rows = [row for _, part in generate(ROWS, SEED) for row in part if row.name_ru and row.name_en]
    products = [
        Product(
            sku=row.article, name=row.name_ru, description=row.description, category=row.kind.group, brand=row.brand.ru
        )
        for row in rows
    ]
    return products, rows


def own_queries(rows: Sequence[Row]) -> list[Judged]:
    """Questions with graded rows: the same kind of goods is related, with the value or the code asked it is wanted."""
    dice = random.Random(SEED)
    kinds: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        kinds[row.kind.key].append(row)
    judged = []
    for number in range(MANY):
        row = rows[dice.randrange(len(rows))]
        mates = kinds[row.kind.key]
        kind, query, wanted = dice.choice(list(_asked(row, mates, dice)))
        grades = (
            {mate.article: RELATED for mate in mates} if kind not in ("own_code", "own_nosep", "own_sentence") else {}
        )
        judged.append(
            Judged(qid=f"own{number}", kind=kind, query=query, grades=grades | {one.article: WANTED for one in wanted})
        )
    return judged


def _asked(row: Row, mates: Sequence[Row], dice: random.Random) -> Iterator[tuple[str, str, list[Row]]]:
    shown = [part for part in row.name_ru.split(", ")[1:] if part]
    part = dice.choice(shown) if shown else ""
    same = [mate for mate in mates if part in mate.name_ru.split(", ")] if part else list(mates)
    words = f"{row.kind.ru} {part}".strip().lower()
    abroad = row.name_en.split(", ")[1:]
    yield "own_words", words, same
    yield (
        "own_english",
        f"{row.kind.en} {abroad[shown.index(part)] if part and len(abroad) == len(shown) else ''}".strip(),
        same,
    )
    yield "own_typo", _slip(words, dice), same
    yield "own_layout", " ".join(map(switched, words.split())), same
    yield "own_translit", "".join(_LATIN.get(letter, letter) for letter in words), same
    branded = [mate for mate in mates if mate.brand == row.brand]
    yield "own_brand", f"{row.kind.ru} {row.brand.ru}".lower(), branded
    yield "own_code", row.article, [row]
    yield "own_nosep", "".join(letter for letter in row.article if letter.isalnum()).lower(), [row]
    yield "own_sentence", f"добрый день, сколько стоит {row.article}?", [row]


def _slip(text: str, dice: random.Random) -> str:
    """One letter of a longer word dropped or two swapped, never the first."""
    words = text.split()
    long = [at for at, word in enumerate(words) if len(word) >= 6 and word.isalpha()]
    if not long:
        return text
    at = dice.choice(long)
    word, place = words[at], dice.randrange(1, len(words[at]) - 2)
    slips = (word[:place] + word[place + 1 :], word[:place] + word[place + 1] + word[place] + word[place + 2 :])
    words[at] = dice.choice(slips)
    return " ".join(words)
