"""Tells the language of a customer's message: short, mixed, mistyped or transliterated as it may be."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache
from typing import TypeAlias

from lingua import IsoCode639_1, LanguageDetector, LanguageDetectorBuilder

from appliance.core.lexicon import LANGUAGES, QUANTITY, begins, lexicon, neighbours, normal, opening, phrases_of

Scores: TypeAlias = "defaultdict[str, float]"

DEFAULT = "ru"  # of a first message without any letters and without a hint

# Languages that the statistics may name. Lingua's low-accuracy models of these take 24 MB and 0.2 s to load and
# 0.05 ms a message; the high-accuracy ones take 390 MB and err on short messages just as often.
_STATISTICAL = ("RU", "EN", "UK", "KK", "TR", "DE", "PL", "RO", "IT", "ES", "FR", "BE", "BG", "AZ", "PT", "NL", "CS")
_LIKELIER = 0.9  # for Russian in Cyrillic and English in Latin letters: more than one ambiguous word is worth
_RARE = {"be", "bg", "az"}  # so near to our languages, and so much rarer here, that they do not dispute a word
_SURE = 3.0  # evidence from which a sentence of ours is in another language, where it is also twice as much
_ALONE = 1.3  # a word that one language alone has counts more
_TRUST = {"ru": 1.3, "en": 1.6, "de": 1.6, "tr": 1.6, "uk": 1.2, "kk": 0.5}  # typos in Russian pass for Kazakh
_CYRILLIC = ("ru", "uk", "kk", "uz", "be", "bg")
_LATIN_LANGUAGES = ("en", "de", "tr", "uz", "kk", "uk", "pl", "ro", "it", "es", "fr", "pt", "nl", "cs", "az")
_SCRIPTS = (  # a script that settles the language by itself
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("zh", re.compile(r"[\u3400-\u9fff]")),
    ("ko", re.compile(r"[\uac00-\ud7af\u1100-\u11ff]")),
    ("ar", re.compile(r"[\u0600-\u06ff]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
    ("el", re.compile(r"[\u0370-\u03ff]{2}")),
    ("ka", re.compile(r"[\u10a0-\u10ff]")),
    ("hy", re.compile(r"[\u0530-\u058f]")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
)
_LETTERS = {  # letters that only these languages of ours use
    "kk": re.compile(r"[әңөұүһ]"),
    "uz": re.compile(r"[ў]|[og][‘’ʻʼ'`][a-z]"),
    "uk": re.compile(r"[їєґ]"),
    "tr": re.compile(r"[ışğ]"),
    "de": re.compile(r"[äß]"),
    "pl": re.compile(r"[ąęłśźż]"),
    "ro": re.compile(r"[ășțţ]"),
    "es": re.compile(r"[ñ¿¡]"),
    "az": re.compile(r"ə"),
    "cs": re.compile(r"[ěřů]"),
    "fr": re.compile(r"[èêœ]"),
    "pt": re.compile(r"[ãõ]"),
}
_SHARED = {  # letters of a few languages
    re.compile(r"[қғ]"): ("kk", "uz"),
    re.compile(r"[і]"): ("uk", "kk", "be"),
    re.compile(r"[öüç]"): ("tr", "de", "az"),
    re.compile(r"[ыэъё]"): ("ru", "kk"),
}
_COMPOUND = 10  # letters from which a German word is one that no list needs to know
_WORD = re.compile(r"[^\W\d_]+")
_CODE = re.compile(r"\S*\d\S*|https?://\S+|\S+@\S+")

_KEYS = str.maketrans("qwertyuiop[]asdfghjkl;'zxcvbnm,.`", "йцукенгшщзхъфывапролджэячсмитьбюё")
_LATIN = [  # longer spellings first
    pair.split("=")
    for pair in (
        *("shch=щ", "sch=щ", "zh=ж", "kh=х", "ch=ч", "sh=ш", "ts=ц", "yu=ю", "ju=ю", "ya=я", "ja=я", "yo=е", "jo=е"),
        *("ye=е", "iy=ий", "ij=ий", "yj=ый", "ay=ай", "ey=ей", "oy=ой", "uy=уй", "a=а", "b=б", "c=ц", "d=д", "e=е"),
        *("f=ф", "g=г", "h=х", "i=и", "j=й", "k=к", "l=л", "m=м", "n=н", "o=о", "p=п", "q=к", "r=р", "s=с", "t=т"),
        *("u=у", "v=в", "w=в", "x=х", "y=ы", "z=з"),
    )
]
_ENDING = re.compile(r"[а-яё]{3}(?:ая|яя|ый|ое|ые|ться|ешь|ишь)\b")  # of Russian words alone
_RUSSIAN_ENDING = re.compile(r"\w{3}(?:[iy][jy]|a[jy]a|ogo|[yi]kh|[yi]h|oj|uyu|yye|nye|ovka|ost)$")
_RUSSIAN_ADJECTIVE = re.compile(r"\w{3}(?:aya|aja|[^aeiouy]y[ijy]|[^aeiou]o(?:j|ye)|yye|ogo|[^aeiouy]uyu)$")
_ALIKE = str.maketrans({"ь": "", "ъ": "", "ы": "и", "й": "и", "э": "е", "щ": "ш", "ё": "е"})


def detect(text: str, *, before: str = "", hint: str = "") -> str:
    """ISO 639-1 code of the message's language.

    `before` is the language of the conversation so far, `hint` the page's or the app's; both decide only where the
    message itself does not, as with a bare SKU.
    """
    known = before or hint[:2].lower()
    scores = weigh(opening(text), known=known)
    if not scores:
        return known or DEFAULT
    scores[known] += 1.2 if before else 0.6
    scores.pop("", None)
    best, weight = max(scores.items(), key=lambda item: item[1])
    return best if weight > 1 or not known else known


def weigh(text: str, *, known: str = "") -> Scores:
    """Evidence for each language; empty when the message has no words. Above 2 is as good as sure.

    Where languages share a script and a word, Russian and English are the likelier unless the one `known` so far is
    of that script, too.
    """
    scores: Scores = defaultdict(float)
    if lang := _by_script(text):
        scores[lang] = 5.0
        return scores
    bare = _CODE.sub(" ", QUANTITY.sub(" ", text))
    words = _WORD.findall(normal(bare))
    if not any(len(word) > 1 for word in words):
        return scores
    cyrillic = [word for word in words if "\u0400" <= word[0] <= "\u052f"]
    latin = [word for word in words if word[0] < "\u0250"]
    alone = _add_words(scores, cyrillic, _CYRILLIC)
    alone |= _add_words(scores, latin, _LATIN_LANGUAGES)
    _add_letters(scores, bare.lower())
    _add_statistics(scores, cyrillic or latin, alone=alone)
    if latin and not cyrillic:
        scores["ru"] += _russian_in_disguise(bare, latin)
    if cyrillic and known not in _CYRILLIC:
        scores["ru"] += _LIKELIER if "ru" in alone or not alone else _LIKELIER / 2
    if latin and not cyrillic and (known in _CYRILLIC or not known):
        scores["en"] += _LIKELIER if "en" in alone or (scores["en"] and not alone) else _LIKELIER / 2
    return scores


def other_than(lang: str, text: str) -> str:
    """The language that a written sentence is surely in where that is not `lang`; else empty.

    Of 765 good sentences of the claim sets none is taken for another language's; of those judged against a wrong one,
    94 of 100 are told.
    """
    scores = weigh(text, known=lang)
    best = max(scores, key=lambda each: scores[each], default=lang)
    return best if best != lang and scores[best] >= _SURE and scores[best] > 2 * scores[lang] else ""


def readable(text: str, lang: str) -> str:
    """The message as it was meant: Russian typed in Latin letters, by sound or on the wrong layout, in Cyrillic."""
    if lang != "ru" or any("\u0400" <= char <= "\u052f" for char in text):
        return text
    by_keys, by_sound = relaid(text), transliterated(text)
    return max((by_keys, by_sound), key=lambda form: sum(map(_russian_word, _WORD.findall(normal(form)))))


def relaid(text: str) -> str:
    """Latin keys as the Russian keyboard layout reads them; words with digits stay."""
    return " ".join(word if re.search(r"\d", word) else word.lower().translate(_KEYS) for word in text.split())


def transliterated(text: str) -> str:
    """Latin letters as Russian sounds; words with digits stay. A word that is known is spelt as it should be."""
    sounds = (word if re.search(r"\d", word) else _sounds(word.lower()) for word in text.split())
    return " ".join(_spelling().get(word.translate(_ALIKE), word) for word in sounds)


def _sounds(word: str) -> str:
    for latin, letter in _LATIN:
        word = word.replace(latin, letter)
    return word


def _by_script(text: str) -> str:
    return next((lang for lang, pattern in _SCRIPTS if pattern.search(text)), "")


def _add_words(scores: Scores, words: list[str], langs: tuple[str, ...]) -> set[str]:
    """A word counts for each language that has it, the less the more have it; languages that had one alone."""
    alone: set[str] = set()
    for word in words:
        claims = {lang: weight for lang in langs if (weight := _claim(lang, word))}
        rivals = claims.keys() - _RARE or claims.keys()
        for lang, weight in claims.items():
            scores[lang] += weight * _ALONE if {lang} == rivals else weight / len({lang} | rivals)
        alone |= rivals if len(rivals) == 1 else set()
    return alone


def _claim(lang: str, word: str) -> float:
    if lang in neighbours():
        return 1.2 if word in neighbours()[lang] else 0.0
    lex = lexicon(lang)
    if word in lex.function_words:
        return 0.8 if len(word) < 3 else 1.6
    if word in lex.words:
        return 1.4
    if lang in ("uz", "kk") and _RUSSIAN_ADJECTIVE.search(word):  # they borrowed the stem, but not the ending
        return 0.0
    return 1.2 if begins(word, lex.function_stems) or lex.knows(word) else 0.0


def _add_letters(scores: Scores, text: str) -> None:
    for lang, pattern in _LETTERS.items():
        scores[lang] += min(2 * len(pattern.findall(text)), 4)
    for pattern, langs in _SHARED.items():
        hits = min(len(pattern.findall(text)), 3)
        for lang in langs:
            scores[lang] += 0.8 * hits
    scores["ru"] += 0.6 * min(len(_ENDING.findall(text)), 2)
    if not re.search("[іїєґ]", text) and re.search("[а-я]", text):
        scores["uk"] -= (
            3.0 if re.search("[ыэъё]", text) else min(0.05 * max(len(text) - 10, 0), 1.0)
        )  # every second word has such a letter
    for lang in [lang for lang, weight in scores.items() if weight <= 0]:
        del scores[lang]


def _add_statistics(scores: Scores, words: list[str], *, alone: set[str]) -> None:
    """What the statistics say, less where they are known to err: `alone` are the languages that have words here."""
    text = " ".join(words)
    uzbek = sum(1 for word in words if _claim("uz", word) >= 1.6)  # the statistics do not know Uzbek
    sure = min(len(text) / 20, 1.0) * max(0.0, 1 - 2 * uzbek / len(words)) if words else 0.0
    for value in _statistics().compute_language_confidence_values(text)[:4]:
        lang = value.language.iso_code_639_1.name.lower()
        trust = _TRUST.get(lang, 1.2)
        alike = lang == "uk" or (lang == "de" and max(map(len, words)) < _COMPOUND)  # as Russian, as a maker's name
        if alike and lang not in alone and not _LETTERS[lang].search(text):
            trust /= 2
        scores[lang] += trust * sure * value.value


@cache
def _statistics() -> LanguageDetector:
    codes = [getattr(IsoCode639_1, code) for code in _STATISTICAL]
    return LanguageDetectorBuilder.from_iso_codes_639_1(*codes).with_low_accuracy_mode().build()


def _russian_in_disguise(text: str, latin: list[str]) -> float:
    """Evidence that Latin letters hide Russian: by sound ("skolko stoit"), or by the keys pressed ("yfcjc")."""
    by_sound = sum(_russian_sound(word) * (0.5 if _known_in_latin(word) else 1.0) for word in latin)
    mistyped = [word for word in text.split() if _no_latin_word(word)]
    relaid_words = _WORD.findall(normal(relaid(" ".join(mistyped))))
    by_keys = sum(1.5 * _russian_word(word) + 0.8 * _sounds_russian(word) for word in relaid_words if len(word) > 2)
    return max(by_sound + any(map(_RUSSIAN_ADJECTIVE.search, latin)), by_keys)


def _russian_sound(word: str) -> float:
    return _russian_word(_sounds(word)) or 1.2 * bool(_RUSSIAN_ENDING.search(word))


def _known_in_latin(word: str) -> bool:
    return any(_claim(lang, word) for lang in LANGUAGES if lang not in ("ru", "uk", "kk", "zh"))


def _no_latin_word(word: str) -> bool:
    """Typed on the wrong layout: lower case, and hardly a vowel or a punctuation key inside."""
    bare = word.strip(".,!?").lower()
    if len(bare) < 3 or word.isupper():
        return False
    vowels = sum(char in "aeiou" for char in bare)
    return vowels / len(bare) < 0.2 or bool(re.search(r"\w[\[\];',]\w|^[;\[\]']\w", bare))


def _sounds_russian(word: str) -> bool:
    """Long enough, and with vowels where Russian has them."""
    return len(word) > 3 and 0.25 <= sum(char in "аеиоуыэюя" for char in word) / len(word) <= 0.6


def _russian_word(word: str) -> float:
    alike = word.translate(_ALIKE)
    words, stems = _russian_alike()
    if alike in words:
        return 0.5 if len(alike) < 3 else 1.5
    return 1.3 if begins(alike, stems) else 0.0


@cache
def _spelling() -> dict[str, str]:
    """Russian words of remarks by their form with merged letters: "поболше" is "побольше"."""
    known = sorted(phrases_of("ru", "follow_up"), key=lambda word: (len(word), word))  # typos leave letters out
    spelt = {word.translate(_ALIKE): word for word in known if len(word) > 3}
    return {form: word for form, word in spelt.items() if form not in known}


@cache
def _russian_alike() -> tuple[frozenset[str], frozenset[str]]:
    """Russian vocabulary with the letters merged that transliteration cannot tell apart."""
    ru = lexicon("ru")
    words = {word.translate(_ALIKE) for word in ru.words | ru.function_words}
    stems = {stem.translate(_ALIKE) for stem in ru.stems | ru.function_stems}
    return frozenset(words), frozenset(stem for stem in stems if len(stem) > 3)
