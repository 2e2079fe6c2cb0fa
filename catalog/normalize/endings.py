"""Cuts the endings of Turkish, Uzbek and Kazakh words, which pile up: `kompresörlerimizin` is `kompresör`."""

from __future__ import annotations

import re
from functools import lru_cache

SHORTEST = 3  # letters that are left of a word
MOST = 4  # endings of one word that are cut: plural, owner, case, and what likens

# Of folded text. Endings that make another word of a noun (Turkish -siz, "without") stay.
_ENDINGS = {
    "tr": re.compile(
        "(?:l[ae]r|[iu]m[iu]z|[iu]n[iu]z|n[iu]n|[iu]n|[iu]m|s[iu]|y[iu]|n[iu]|y[ae]|n[ae]|"
        "[dt][ae]n|[dt][ae]|n[dt][ae]n?|yl[ae]|l[ae]|l[iu]|k[iu]|[aeiu])$"
    ),
    "uz": re.compile(
        "(?:lar|imiz|ingiz|ning|ni|ga|ka|qa|dan|da|cha|gacha|dagi|li|lik|mi|si|im|ing|[ai])$",
    ),
    "kk": re.compile(
        "(?:[лдт][ае]р|[ыі]м[ыі]з|[ыі]ң[ыі]з|[ндт][ыі]ң|[ндт][ыі]|[ғқгк][ае]|[ндт][ае]н|[дт][ае]|[дт]ағы|[дт]егі|"
        "с[ыі]н|с[ыі]|[лдт][ыі]|[мбп]ен|[ыі]м|[ыі]ң|[ыі])$"
    ),
}
_LAST = str.maketrans("bdgqvғгқб", "ptkkfкккп")  # softened before an ending: matkap, matkabı; chiroq, chirogʻi
_CYRILLIC_UZBEK = str.maketrans(
    dict(zip("абвгғдежзийкқлмнопрстуўфхҳэыьъ", "abvggdejziykqlmnoprstuofhhei  ", strict=True))
    | {"ч": "ch", "ш": "sh", "щ": "sh", "ц": "ts", "ю": "yu", "я": "ya", "ь": "", "ъ": ""}
)


@lru_cache(maxsize=16384)
def root(word: str, language: str) -> str:
    """What is left of one folded word of `tr`, `uz` or `kk`, its last letter hardened; Uzbek in either alphabet."""
    if language == "uz":
        word = latinised(word)
    for _ in range(MOST):
        cut = _ENDINGS[language].sub("", word)
        if len(cut) < SHORTEST or cut == word:
            break
        word = cut
    return word[:-1] + word[-1:].translate(_LAST)


def latinised(word: str) -> str:
    """An Uzbek word in the Latin alphabet of 1995, without apostrophes, х and ҳ both h: `совутгич` is `sovutgich`."""
    return word.translate(_CYRILLIC_UZBEK).replace("x", "h")
