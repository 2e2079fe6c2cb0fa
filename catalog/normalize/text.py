"""Brings words of any language and script to the forms in which they are compared: folded, stemmed, sounded out."""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import lru_cache

import Stemmer

WORD = re.compile(r"[^\W_]+(?:[.,]\d+|(?<!\d)'[^\W\d_]+)*")
NUMBER = re.compile(r"\d+(?:\.\d+)?")

_CYRILLIC = re.compile("[\u0400-\u04ff]")
_LATIN = re.compile("[a-z\u00c0-\u024f]", re.IGNORECASE)
# Letters that Russian lacks tell a Ukrainian or Kazakh word, which the Russian stemmer would mangle.
_NOT_RUSSIAN = re.compile("[іїєґўәғқңөұүһј]")

_MARKS = dict.fromkeys(range(768, 880))  # the combining accents
_SAME = str.maketrans(
    {
        "ё": "е",
        "’": "'",
        "ʼ": "'",
        "ʻ": "'",  # Uzbek oʻ and gʻ
        "‘": "'",
        "`": "'",
        "–": "-",
        "—": "-",
        "−": "-",
        "×": "x",
        "ß": "ss",
        "ø": "o",
        "đ": "d",
        "ł": "l",
        "ı": "i",
        "æ": "ae",
        "œ": "oe",
    }
)
_DIAMETER = re.compile("[⌀ø](?=\\s*\\d)", re.IGNORECASE)

# Cyrillic letters that look like Latin ones; what a hurried hand types in a code.
HOMOGLYPHS = str.maketrans("авекмнорстухіјѕԁ", "abekmhopctyxijsd")
_TIMES = re.compile(r"(?<=\d)(?:[хx]|kh)(?=\d)")
_ONLY_HOMOGLYPHS = re.compile(r"[a-z0-9.,авекмнорстухіј]*")


def fold(text: str) -> str:
    """Lower case, one spelling for each letter: `м³` is `м3`, `Țeavă` is `teava`, `ё` is `е`; `й` and `ї` stay."""
    if not text.isascii():
        text = _DIAMETER.sub("d", unicodedata.normalize("NFKC", text.replace("№", "#").replace("İ", "I")))
    text = text.lower()
    return text.translate(_FOLDED) if _TO_FOLD.search(text) else text


def _bare(letter: str) -> str:
    return unicodedata.normalize("NFKD", letter).translate(_MARKS)


_FOLDED = {code: bare for code in range(0xC0, 0x250) if (bare := _bare(chr(code))) != chr(code)} | _SAME
_TO_FOLD = re.compile(f"[{''.join(map(chr, _FOLDED))}]")


def words(text: str) -> list[str]:
    """The words of a folded text in order, numbers with a decimal point: `кабель 3х2,5` is `кабель`, `3x2.5`."""
    return [_word(match) for match in WORD.findall(text)]


@lru_cache(maxsize=65536)
def _word(word: str) -> str:
    word = word.replace(",", ".").replace("'", "")
    if any(letter.isdigit() for letter in word):
        word = _TIMES.sub("x", word)
        if _ONLY_HOMOGLYPHS.fullmatch(word):
            return word.translate(HOMOGLYPHS)
    return word


_local = threading.local()  # Snowball stemmers keep state between calls, so each thread has its own


def _stemmer(language: str) -> Stemmer.Stemmer:
    stemmers = _local.__dict__.setdefault("stemmers", {})
    if language not in stemmers:
        stemmers[language] = Stemmer.Stemmer(language, 0)
    return stemmers[language]


@lru_cache(maxsize=262144)
def stem(word: str) -> str:
    """The stem of one folded word: Snowball for Russian and for Latin script, a light one for their neighbours.

    Latin script takes the English stemmer whatever its language: rows and queries must only agree, and the
    grams lane catches what German or Romanian endings hide.
    """
    if len(word) < 4 or any(letter.isdigit() for letter in word):
        return word
    if not _CYRILLIC.search(word):
        return str(_stemmer("english").stemWord(word))
    if _NOT_RUSSIAN.search(word):
        return light(word)
    return str(_stemmer("russian").stemWord(word))


_ENDINGS = re.compile(
    "(?:ого|ому|ими|ами|ями|ові|еві|ання|ення|ість|ості|лар|лер|дар|дер|тар|тер|ның|нің|"
    "сы|сі|ий|ій|им|их|іх|ою|ею|ів|їв|ам|ям|ах|ях|ні|на|не|ну|а|я|о|е|є|і|ї|и|ы|у|ю|ь|й)$"
)


def light(word: str) -> str:
    """The word without up to two common Ukrainian or Kazakh endings, where enough is left: Snowball knows neither."""
    for _ in range(2):
        cut = _ENDINGS.sub("", word)
        word = cut if len(cut) >= 3 else word
    return word


_COUSINS = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        ("^е", "э"),  # a Russian е begins with є there
        ("(?<=[гкхжчшщ])и$", "и́"),  # no ы after these letters; the mark keeps the и from the rules below
        ("і[чш]ні$", "ические"),
        ("і[чш]н(?=[иіаоуе])", "ическ"),
        ("ичні$", "ические"),
        ("ичн(?=[иіаоу])", "ическ"),
        ("(?<=[а-яі][нвл])і$", "ые"),
        ("ськ", "ск"),
        ("цьк", "цк"),
        ("ння$", "ние"),
        ("ття$", "тие"),
        ("ість$", "ость"),
        ("ості$", "ости"),
        ("ці([яїюй])", r"ци\1"),
        ("ування", "ование"),
        ("ційн", "ционн"),
        ("^від", "от"),
        ("^роз", "раз"),
        ("^під", "под"),
        ("^між", "меж"),
        ("^без(?=[кпстфхцчшщ])", "бес"),
        ("ів$", "ов"),
        ("їв$", "ев"),
        ("ий$", "ый"),
        ("ій$", "ий"),
        ("ої$", "ой"),
        ("і$", "ы"),
        ("и$", "ы"),
        ("є", "е"),
        ("ї", "и"),
        ("ґ", "г"),
        ("жд", "ж"),
        ("'", ""),
        ("і", "и"),
        ("и́", "и"),
    )
)


def russian_cousin(word: str) -> str:
    """How a folded Ukrainian word would most likely be spelt in Russian: `технічні` is `техническы`; by sound
    correspondences (Shevelov, A Historical Phonology of the Ukrainian Language), not by meaning."""
    for pattern, replacement in _COUSINS:
        word = pattern.sub(replacement, word)
    return word


def script(text: str) -> str:
    """`cyrl`, `latn` or `othr`, by which letters are the more."""
    cyrillic, latin = len(_CYRILLIC.findall(text)), len(_LATIN.findall(text))
    if not cyrillic and not latin:
        return "othr"
    return "cyrl" if cyrillic >= latin else "latn"


_SOUNDS = str.maketrans(
    {
        "а": "a",
        "ә": "a",
        "б": "b",
        "в": "v",
        "г": "g",
        "ґ": "g",
        "ғ": "g",
        "д": "d",
        "е": "e",
        "є": "e",
        "э": "e",
        "ж": "zh",
        "з": "z",
        "и": "i",
        "і": "i",
        "ї": "i",
        "й": "i",
        "ы": "i",
        "к": "k",
        "қ": "k",
        "л": "l",
        "м": "m",
        "н": "n",
        "ң": "n",
        "о": "o",
        "ө": "o",
        "п": "p",
        "р": "r",
        "с": "s",
        "т": "t",
        "у": "u",
        "ұ": "u",
        "ү": "u",
        "ф": "f",
        "х": "h",
        "һ": "h",
        "ц": "c",
        "ч": "ch",
        "ш": "sh",
        "щ": "sh",
        "ъ": "",
        "ь": "",
        "ю": "u",
        "я": "a",
        "'": "",
        "y": "i",
        "j": "i",
        "w": "v",
        "q": "k",
    }
)
# Applied in order after the table. Every informal scheme of writing Russian in Latin letters meets here: щ comes as
# shch, sch, shh or w; х as kh, h or x; ю and я with y, j or i before them; ц as ts, tz or c.
_SAME_SOUND = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        ("x(?![0-9])", "h"),
        ("shch|s+ch|sh+|sc(?=[ei])", "sh"),
        ("ch|tch", "ch"),
        ("kh", "h"),
        ("ph", "f"),
        ("th", "t"),
        ("ck", "k"),
        ("t[sz]", "c"),
        ("zh|dzh", "zh"),
        ("c(?=[aoulrnkt]|$)", "k"),
        ("i+(?=[aeou])", ""),
        ("(?<=[aeou])u", "v"),
        ("i+", "i"),
        (r"([a-z])\1", r"\1"),
    )
)


@lru_cache(maxsize=262144)
def sound(word: str) -> str:
    """How a folded word sounds, in plain Latin letters: `щётка`, `shchetka` and `schyotka` come near, so do
    `автоматичні` and `автоматические`; `насос` and `nasos` are one. Digits stay as they are."""
    if word.isdigit():
        return word
    word = word.translate(_SOUNDS)
    for pattern, replacement in _SAME_SOUND:
        word = pattern.sub(replacement, word)
    return word
