"""Names and descriptions: whether they can still be read, and whether they are in the language they were in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from rapidfuzz import fuzz

from catalog.product import Product
from catalog.rehearsal.goods import Goods, Pairs, skus, spelt
from catalog.rehearsal.statistics import distance, surely
from catalog.rehearsal.verdict import Finding

BROKEN_WARN, BROKEN_REFUSE = 3, 0.01  # goods, share of goods, beyond what the live version has
BROKEN_ALONE = 0.02  # share, with nothing to compare
LETTERS_LEAST = 20  # goods whose letters are compared
LETTERS = 0.15  # distance of the letters' distributions: re-worded names stay near 0, Russian and Kazakh are 0.25
# apart, two scripts 1; Russian and Ukrainian (0.10), English and German (0.13) are told by their words
WORDS_AMONG, WORDS_LOST = 0.3, 0.3  # of the names changed; of their words gone: the trade glossary's Russian and
# Ukrainian words differ by 0.49, its English and German ones by 0.80
BEGINNING = 4  # letters by which words are compared
SWITCHED = 0.05  # of the names that changed from Cyrillic to Latin or back
STRANGE = 0.3  # of the names that are about something else: their words are less than STRANGE_LIKE alike
STRANGE_LIKE = 40  # of 100, by rapidfuzz's token_set_ratio
LONGEST = 300  # characters of a text that are looked at
SAMPLE = 1000  # texts whose letters are counted: tens of thousands of letters

# What text looks like when its bytes were taken for another encoding's: UTF-8 as Windows-1251 and as Latin-1,
# Windows-1251 as Latin-1 or code page 866, code page 866 or KOI8-R as Windows-1251, and what no encoding could show.
_BROKEN = re.compile(
    "\ufffd|\\?{3,}(?!\\w*\\?*$)|(?:\\?{2,}[ ,.]+){2,}"
    "|(?:[РС][\u0080-\u00bfЂѓЃЉЊЌЋЏђљњќћџЎўЈҐЁЄЇІіґёєјЅѕї‚„…†‡€‰‹‘’“”•–—™›№»«]){2,}"
    "|(?:[ÐÑ][\u0080-\u00bfŒœŠšŽžŸƒˆ˜‚„…†‡€‰‹‘’“”•–—™›]){2,}"
    "|[À-ÿ¸¨]{4,}|[─-╬▀-▓]{2,}|[─-╬▀-▓√][а-яё]|[а-яё][─-╬▀-▓√]|[а-яё][®¬©¤¦§][а-яё]|\\b[а-яё][А-ЯЁ]{3,}"
)
_WORD = re.compile(r"[^\W\d_]{3,}")
_CYRILLIC, _LATIN = re.compile("[а-яёіїєґәғқңөұүһ]", re.IGNORECASE), re.compile("[a-zäöüßăâîșț]", re.IGNORECASE)


def changes(pairs: Pairs) -> Iterator[Finding]:
    """What two versions show together."""
    if len(pairs.both) < LETTERS_LEAST:
        return
    switched = [new for old, new in pairs.both if _script(old.name) * _script(new.name) < 0]
    if surely(len(switched), len(pairs.both)) >= SWITCHED:
        yield Finding(
            id="language_switched",
            severity="refuse",
            figures={"count": len(switched), "share": len(switched) / len(pairs.both)},
            examples=skus(switched),
        )
        return
    yield from _letters(pairs)
    yield from _words(pairs)
    strange = [new for old, new in pairs.both if old.name != new.name and _unlike(old.name, new.name)]
    if surely(len(strange), len(pairs.both)) >= STRANGE:
        yield Finding(
            id="names_replaced",
            severity="refuse",
            figures={"count": len(strange), "share": len(strange) / len(pairs.both)},
            examples=skus(strange),
        )


def alone(goods: Goods, live: Goods | None) -> Iterator[Finding]:
    """What a version shows by itself; what the live one had as well is no news."""
    broken = [product for product in goods.products if is_broken(product)]
    usual = sum(map(is_broken, live.products)) / len(live) if live else 0.0
    share = surely(len(broken), len(goods))
    refuse = usual + (BROKEN_REFUSE if live else BROKEN_ALONE)
    if share >= refuse or len(broken) >= BROKEN_WARN + 2 * usual * len(goods):
        yield Finding(
            id="encoding_broken",
            severity="refuse" if share >= refuse else "warn",
            figures={"count": len(broken), "share": len(broken) / len(goods)},
            examples=skus(broken),
        )


def is_broken(product: Product) -> bool:
    """Whether a text of the product looks like bytes read in a wrong encoding."""
    return any(_BROKEN.search(text[:LONGEST]) for text in (product.name, product.description, product.category))


def _words(pairs: Pairs) -> Iterator[Finding]:
    """The words that names no longer have anywhere: another order or more of them is no loss, another language is."""
    named = [(old, new) for old, new in pairs.both if old.name != new.name]
    before, now = _worded(old for old, _ in named), _worded(new for _, new in named)
    lost = (before - now).total() / max(before.total(), 1)
    if len(named) >= WORDS_AMONG * len(pairs.both) and lost >= WORDS_LOST:
        yield Finding(
            id="words_lost",
            severity="refuse",
            figures={"count": len(named), "share": lost},
            examples=skus([new for _, new in named]),
        )


def _worded(products: Iterable[Product]) -> Counter[str]:
    """The beginnings of the names' words, those of the brand left out: a shortened or inflected word stays itself."""
    counts: Counter[str] = Counter()
    for product in products:
        own = {word[:BEGINNING] for word in _WORD.findall(product.brand.casefold())}
        begun = (word[:BEGINNING] for word in _WORD.findall(product.name.casefold()))
        counts.update(word for word in begun if word not in own)
    return counts


def _letters(pairs: Pairs) -> Iterator[Finding]:
    """The letters of the changed texts, by sheet too: another language has others, however the words are chosen."""
    sheets = {"", *pairs.live.sheets}
    for where, places in pairs.parts:
        if where not in sheets:
            continue
        for field in ("name", "description"):
            texts = [(getattr(pairs.both[p][0], field), getattr(pairs.both[p][1], field)) for p in places]
            changed = [(old, new) for old, new in texts if old and new and old != new]
            if len(changed) < max(LETTERS_LEAST, 0.05 * len(texts)):
                continue
            looked = changed[:: max(1, len(changed) // SAMPLE)]
            apart = distance(_counted(old for old, _ in looked), _counted(_beginning(new, old) for old, new in looked))
            if apart >= LETTERS:
                yield Finding(
                    id=f"letters_{field}",
                    severity="refuse",
                    where=where,
                    figures={"count": len(changed), "distance": apart},
                    examples=skus([pairs.both[p][1] for p in places]),
                )
                return


def _beginning(new: str, old: str) -> str:
    """As much of the new text as the old one has, so that a longer text is not another one."""
    return new[: len(old)]


def _counted(texts: Iterable[str]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(letter for letter in text[:LONGEST].casefold() if letter.isalpha())
    return counts


def _script(text: str) -> int:
    """1 for a text that is mostly Cyrillic, -1 for one that is mostly Latin, 0 for one that is neither."""
    cyrillic, latin = len(_CYRILLIC.findall(text)), len(_LATIN.findall(text))
    total = cyrillic + latin
    if total < 4:
        return 0
    return 1 if cyrillic >= 0.5 * total else -1 if latin >= 0.8 * total else 0


def _unlike(old: str, new: str) -> bool:
    return fuzz.token_set_ratio(spelt(old), spelt(new), score_cutoff=STRANGE_LIKE) == 0
