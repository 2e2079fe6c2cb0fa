"""Blocks codes, brands and kinds of goods that neither the rows nor the company's text have."""

from __future__ import annotations

import re

from appliance.core.claims.goods import same_word, tokens
from appliance.core.claims.lexicon import has, pattern, plain_words
from appliance.core.claims.numbers import is_unit
from appliance.core.claims.sentence import Blocked, Sentence


def codes(sentence: Sentence) -> None:
    """Every token of letters with digits, or of capitals, stands in a row, in the company's text or is a unit."""
    covered = [(each.start, each.end) for each in [*sentence.mentions, *sentence.quotes]] + [
        (each.start, each.end) for each in sentence.numbers
    ]
    known = set(_compact(" ".join([sentence.company.text, *(good.text for good in sentence.goods)])))
    words = frozenset(word for good in sentence.goods for word in tokens(good.text))
    for match in re.finditer(r"[^\s,;:!?()«»\"“”„…\x00\u2e80-\u9fff\uff00-\uffef]+", sentence.text):
        chunk = match[0].strip(".'’")
        if not (re.search(r"\d", chunk) and re.search(r"[^\W\d_]", chunk)):
            continue
        left = "".join(
            " " if any(start <= at < end for start, end in covered) else char
            for at, char in enumerate(match[0], match.start())
        )
        torn = any(each.start < match.end() and match.start() < each.end for each in sentence.mentions) and any(
            number.start < match.end() and match.start() < number.end for number in sentence.numbers
        )
        if (torn or _is_code_rest(left, words)) and _compact(chunk)[0] not in known:
            raise Blocked(f"no row has {chunk}")


def _compact(text: str) -> list[str]:
    return [re.sub(r"[\W_]", "", word).casefold() for word in re.split(r"[\s,;:!?()«»\"“”„…]+", text)] or [""]


SUFFIX = re.compile(
    r"(?:фазн|вольт|ядерн|ступенчат|скорост|жильн|кратн|местн|тонн|литр|метр|дюйм|процент|летн|дневн|слойн|камерн|phas|volt|"
    r"jährig|stufig|stage|speed|inch|year|month|litre|liter)\w*|й|я|е|ая|ый|ое|х|го|м|ти|ми|s|st|nd|rd|th|er|fach|way|day|pole|core",
    re.IGNORECASE,
)


def _is_code_rest(left: str, words: frozenset[str]) -> bool:
    """What is left of a chunk, after names and numbers with their units, still looks like part of a code."""
    return any(
        not SUFFIX.fullmatch(part)
        and not has("things", "kinds", part)
        and not has("cues", "option", part)
        and not (len(part) > 3 and part.casefold() in words)
        for part in re.findall(r"[^\W_]+", left)
    )


def strangers(sentence: Sentence) -> None:
    """Brands, foreign or capitalised words and kinds of goods that neither the rows nor the company's text have."""
    known = {word for text in [sentence.company.text, *(good.text for good in sentence.goods)] for word in tokens(text)}
    excused = known | (sentence.said_words if _modest(sentence) else frozenset())
    for match in re.finditer(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", sentence.bare):
        word = match[0].casefold().replace("ё", "е")
        parts = tokens(word)
        if word in plain_words("words") or all(
            any(same_word(part, other, sentence.lang) for other in excused) for part in parts
        ):
            continue
        if _stands_out(sentence, match) or (pattern("things", "brands").match(match[0])):
            raise Blocked(f"nothing shows {match[0]}")
    _kinds(sentence, " ; ".join([sentence.company.text, *(good.text for good in sentence.goods)]))


def _modest(sentence: Sentence) -> bool:
    """A question, a refusal or a wish repeated: the customer's own words may stand in it."""
    text = sentence.bare
    return (
        bool(sentence.asking)
        or has("cues", "absent", text)
        or has("cues", "asked", text)
        or has("cues", "ignorant", text)
    )


def _stands_out(sentence: Sentence, match: re.Match[str]) -> bool:
    word, text = match[0], sentence.text
    if is_unit(word) and re.search(r"\d[\s-]?$", text[: match.start()]):
        return False
    if CHINESE.match(word):
        return sentence.lang not in ("zh", "ja", "ko")
    foreign = _is_cyrillic(sentence) != ("\u0400" <= word[0] <= "\u04ff")
    if foreign and not CHINESE.search(text) and len(word) > 1:
        return True
    if len(word) > 1 and word.isupper() and not text.isupper() and not is_unit(word):
        return True
    starts = not re.search(r"[^\s\"«“„(—–-]", re.split(r"[.!?:…]\s", text[: match.start()])[-1])
    return word[0].isupper() and not starts and sentence.lang != "de"


CHINESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
CYRILLIC = ("ru", "uk", "kk", "be", "bg", "sr", "mk", "ky", "tg", "mn")
LATIN = ("en", "de", "tr", "fr", "es", "it", "pl", "pt", "cs", "nl", "ro")


def _is_cyrillic(sentence: Sentence) -> bool:
    """Whether the sentence is written in Cyrillic: by its language, else by most of its letters outside of names."""
    if sentence.lang in CYRILLIC or sentence.lang in LATIN:
        return sentence.lang in CYRILLIC
    letters: list[str] = re.findall(r"[^\W\d_]", sentence.bare)
    return sum("\u0400" <= letter <= "\u04ff" for letter in letters) * 2 > len(letters)


def _kinds(sentence: Sentence, known: str) -> None:
    if sentence.asking or has("cues", "absent", sentence.bare):
        return
    kinds = pattern("things", "kinds")
    shown = {match[0].casefold() for match in kinds.finditer(known)}
    for match in kinds.finditer(sentence.bare):
        word = match[0].casefold()
        if (
            word not in shown
            and not any(word in other or other in word for other in shown)
            and word not in known.casefold()
        ):
            raise Blocked(f"no row is a {match[0]}")
