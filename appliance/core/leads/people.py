"""The customer's name: announced by words, signed under a message, or known as a name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from appliance.core.leads import firms
from appliance.core.leads.words import first_names, pattern, table

WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*\.?")
FIELDS = r"(?:инн|кпп|тел|телефон|моб|почта|e-?mail|mail|имя|фамилия|фио|компания|фирма|адрес|phone|tel|name|company)"
CUT = re.compile(
    rf"[,;:!?()<>|\n，。；：]|(?<!\d)\d{{1,2}}[.)](?=\s)|\.(?=\s|$)|\s[-–—]\s|(?<!\w){FIELDS}(?!\w)\.?",
    re.IGNORECASE,
)
PICTURES = re.compile(r"[\U0001F000-\U0001FAFF\u2190-\u2BFF\uFE0F\u200D]+|[:;=]-?[)(]+|[)(]{2,}")
CORRECTED = re.compile(r"то есть|сам[аи]? я|на самом деле|ошиб|правильн|actually|sorry|correct|i mean", re.IGNORECASE)
SURNAMED = re.compile(r"(?<!\w)фамилия\s*[:—-]?\s*([^\W\d_]+)", re.IGNORECASE)
BETWEEN = re.compile(r"(?<!\w)(?:меня|мене)\s+([^\W\d_]+)\s+(?:зовут|звати|звуть)", re.IGNORECASE)
EXTENSION = re.compile(r"^[\s,]*(?:доб(?:авочный)?|вн|ext|extension)\.?\s*\d{1,6}", re.IGNORECASE)
NOT = re.compile(r"[\s,:—–-]*(?:не|not)\s+[^\W\d_]+\s*,?\s+(?:а|but|it['’]s)\s+", re.IGNORECASE)
UNDER = re.compile(
    r"(?<=[.!?\n])\s*(?:ваш|ваша|yours)\s+(?=[^\W\d_]+[.!]?\s*$)|(?<=[\w.!,)\n])\s*\n?\s*(?<!\w)[-–—~]\s?(?=[^\W\d_]+\.?\s*$)",
    re.IGNORECASE,
)
INITIALS = re.compile(r"(?<!\w)[А-ЯЁ][а-яё]{2,}\s+(?:[А-ЯЁ]\.\s?){1,2}|(?<!\w)(?:[А-ЯЁ]\.\s?){1,2}[А-ЯЁ][а-яё]{2,}")
LONGEST = 3  # words of a name
THIS = re.compile(r"(?:это|eto|it is|it['’]s|this is|це)", re.IGNORECASE)  # may be a company as well
BIDS = re.compile(r"(?:те|ть|ся|сь|но|о)\W*$", re.IGNORECASE)  # "Перезвоните." and "Срочно." are sentences
FROM = re.compile(r"((?:[^\W\d_]+\s+){1,2})(?:из|from|aus|з)\s", re.IGNORECASE)  # "Сурен из Бреста"
CHINESE = re.compile(r"(?:我叫|姓名|我姓(?!名)|联系人)[:：]?\s*([\u4e00-\u9fff]{2,4})")
ASKED = re.compile(r"(?:как|how|wie|як|qanday)\s+(?:\w+\s+)?$", re.IGNORECASE)  # tells no name
THANKED = re.compile(
    r"(?:thanks|thank you|cheers|thx|спасибо|дякую|danke|рахмет|rahmat)[,!]?\s+((?:[^\W\d_]+\s?){1,2})[.!]?\s*$",
    re.IGNORECASE,
)
OF = re.compile(r"\s(?:from|of|von|di|de|da|из|от|з|z|atynan|атынан|dan)$", re.IGNORECASE)
OFF = re.compile(r"^(?:dan|атынан|nomidan|adına|[,;:—–-])\s*", re.IGNORECASE)
PATRONYMIC = re.compile(r"(?:вич|вна|ична|ұлы|улы|қызы|кызы|оглы)$", re.IGNORECASE)
SURNAME = re.compile(
    r"(?:ов|ев|ёв|ин|ын|ова|ева|ёва|ина|ына|ский|ская|цкий|цкая|ской|ко|ук|юк|ян|янц|дзе|швили|иани|ич|их|ых|аев|заде|"
    r"ов[аы]|ков|son|sen|man|mann|er|ez|ov|ova|ev|eva|in|ina|sky|skaya|enko|yan|oğlu)$",
    re.IGNORECASE,
)  # fmt: skip


def name(messages: Sequence[str], *, contacts: Sequence[Sequence[tuple[int, int]]]) -> str | None:
    """The customer's name as they wrote it; `contacts` are the places of phones and addresses, message by message."""
    texts = [PICTURES.sub(" ", _without(text, places)) for text, places in zip(messages, contacts, strict=True)]
    announced = [(got, text) for text in texts if (got := _announced(text))]
    if announced:
        corrected = [got for got, text in announced[1:] if CORRECTED.search(text)]
        return _with_surname(corrected[-1] if corrected else announced[0][0], texts)
    if got := _unannounced(texts, contacts):
        return _with_surname(got, texts)
    return None


def _unannounced(texts: Sequence[str], contacts: Sequence[Sequence[tuple[int, int]]]) -> str | None:
    for text in texts:
        if got := _signed(text):
            return got
    for text, places in zip(texts, contacts, strict=True):
        if got := _hinted(text, beside=bool(places)):
            return got
    for text in texts:
        if got := _of_company(text) or _with_job(text) or _from_a_place(text):
            return got
    for text, places in zip(texts, contacts, strict=True):
        if (
            got := _bare(text, beside=bool(places))
            or (_set_apart(text) if places else None)
            or (_with_initials(text) if places else None)
        ):
            return got
    return None


def _of_company(text: str) -> str | None:
    """Words with capital letters right before or after the company: "Anke Lehmann von Krause KG"."""
    if (place := firms.place(text)) is None:
        return None
    before = OF.sub("", text[: place[0]].rstrip(" ,\n(—–-"))
    after = OFF.sub("", text[place[1] :].lstrip(' ,\n»"'))
    return _whole(CUT.split(before)[-1], least=2) or _whole(CUT.split(after)[0], least=2)


def _with_job(text: str) -> str | None:
    """Words with capital letters before what the writer is: "Чан Минь, энергетик"."""
    for match in pattern("names", "jobs").finditer(text):
        before = text[: match.start()].rstrip(" ")
        if before.endswith((",", "(", "\n")) and (got := _whole(CUT.split(before[:-1].rstrip())[-1], least=2)):
            return got
    return None


def _from_a_place(text: str) -> str | None:
    """A known name before where it comes from: "Сурен из Бреста"."""
    for match in FROM.finditer(text):
        words = [word for word in match[1].split() if word[0].isupper() and not _greets(word)]
        if words and words[0].lower() in first_names() and not any(word.lower() in _never() for word in words):
            return None if _of_somebody_else(text, match.start()) else " ".join(words)
    return None


def _set_apart(text: str) -> str | None:
    """Words with capital letters between signs that begin no sentence, beside a contact: "8 903 …, Чжан"."""
    pieces, signs = CUT.split(text), [match[0] for match in CUT.finditer(text)]
    for at, piece in enumerate(pieces):
        if at == 0 and len(piece.split()) > 1 and not piece.isascii() and ";" in signs[:2] and (got := _whole(piece)):
            return got  # "Ван Сяоли, +86 138 …"
        last = at and signs[at - 1] == "." and not any(pieces[at + 1 :]) and not BIDS.search(piece)
        if at and (last or signs[at - 1] in ",;:(\n") and not _is_spoken_to(pieces, signs, at, beside=True):
            near = ";" in (signs[at - 1], signs[at] if at < len(signs) else "") or not pieces[at - 1].strip()
            if near and (got := _whole(piece)):
                return got
    return None


def _whole(piece: str, *, least: int = 1) -> str | None:
    """A piece that is nothing but words with capital letters, in one script; titles aside."""
    words = [word for word in piece.strip(" .-–—\"'").split() if word.lower().strip(".") not in _titles_()]
    fits = least <= len(words) <= LONGEST and all(
        WORD.fullmatch(word) and word[0].isupper() and not (word.isupper() and len(word) > 1) for word in words
    )
    if not fits or any(word.lower().rstrip(".") in _never() for word in words) or _greets(piece):
        return None
    return (
        " ".join(word.rstrip(".") for word in words)
        if len({word.isascii() for word in words}) == 1 or not any(re.search("[А-Яа-яЁё]", word) for word in words)
        else None
    )


def _with_initials(text: str) -> str | None:
    """ "Козлов А.В." beside a contact; a street or a machine has no surname's ending."""
    for match in INITIALS.finditer(text):
        surname = next(word for word in re.findall(r"[А-ЯЁа-яё]+", match[0]) if len(word) > 1)
        if SURNAME.search(surname) and surname.lower() not in _never():
            return match[0].strip()
    return None


def _with_surname(name: str, texts: Sequence[str]) -> str:
    """A surname that was said apart: "зовут Катя, фамилия Ермакова"."""
    said = next((match[1] for text in texts if (match := SURNAMED.search(text))), "")
    return f"{name} {_cased([said])}" if said and " " not in name else name


def _without(text: str, places: Sequence[tuple[int, int]]) -> str:
    for start, end in sorted(places, reverse=True):
        text = f"{text[:start]} ; {EXTENSION.sub('', text[end:], count=1)}"
    return text


def _announced(text: str) -> str | None:
    """ "меня зовут Иван Петров": whatever follows, whether known as a name or not."""
    if (between := BETWEEN.search(text)) and between[1].lower() not in _never():
        return _cased([between[1]])
    if chinese := CHINESE.search(text):
        return chinese[1]
    for match in pattern("names", "strong").finditer(text):
        asked = ASKED.search(text[: match.start()]) and not match[0].endswith((":", "—", "-"))
        if not asked and not _of_somebody_else(text, match.start()) and (got := _after(text, match.end(), sure=True)):
            return got
    return _before(text)


def _before(text: str) -> str | None:
    """ "Tom speaking": known names, or words with capital letters, before words that say whose they are."""
    for match in pattern("names", "after").finditer(text):
        said = pattern("names", "weak").sub(" ", CUT.split(text[: match.start()])[-1])
        words = [word for word in said.split() if WORD.fullmatch(word)][-LONGEST:]
        while words and (words[0].lower() in _never() or not (_is_name(words, lower=True) or words[0].istitle())):
            words = words[1:]
        if words and _is_name(words, lower=True):
            return _cased(words)
    return None


def _signed(text: str) -> str | None:
    """The name under a letter, which may stand after what the writer is: "С уважением, инженер Иван Ким"."""
    for match in pattern("names", "regards").finditer(text):
        rest = text[match.end() :].lstrip(" ,.\n").split("\n")[0]
        small = rest.split()
        if rest.islower() and 2 <= len(small) <= LONGEST and all(WORD.fullmatch(word) for word in small):
            return _cased(small)  # a line of its own under a letter, all in small letters
        if got := _after(text, match.end(), sure=True) or _within(text[match.end() :]):
            return got
    if (under := UNDER.search(text)) and (got := _after(text, under.end(), sure=False)):
        return got
    thanked = THANKED.search(text) if ";" in text else None  # "…@mail.ru thanks Omar": who has said all says who it is
    return _whole(thanked[1]) if thanked else None


def _within(text: str) -> str | None:
    """The first known name with a capital letter, and what belongs to it."""
    for match in WORD.finditer(text):
        if match[0].istitle() and match[0].lower() in first_names():
            before = text[: match.start()].rpartition(" ")[0].split()[-1:] if text[: match.start()].strip() else []
            surname = [word for word in before if word.istitle() and WORD.fullmatch(word) and SURNAME.search(word)]
            rest = _after(text, match.start(), sure=True)
            return " ".join([*surname, rest]) if rest else None
    return None


def _hinted(text: str, *, beside: bool) -> str | None:
    """ "это Ольга", "I'm Brian": known names, since anything may follow these words; beside a contact any that fits."""
    for match in pattern("names", "weak").finditer(text):
        if not text[match.end() : match.end() + 1].isspace() or _of_somebody_else(text, match.start()):
            continue
        least = 2 if THIS.fullmatch(match[0]) else 1
        if got := _after(text, match.end(), sure=False) or (_lone(text[match.end() :], least) if beside else None):
            return got
    return None


def _lone(rest: str, least: int) -> str | None:
    """Words with capital letters up to the end of the clause: what "я" or "I'm" says there can be but a name."""
    words = CUT.split(rest)[0].split()
    unknown = least <= len(words) <= 2 and all(
        WORD.fullmatch(word) and word.istitle() and word.lower() not in _never() for word in words
    )
    return " ".join(words).rstrip(".") if unknown else None


def _bare(text: str, *, beside: bool) -> str | None:
    """A name that stands alone between signs beside a contact, or is the whole message."""
    signs = [match[0] for match in CUT.finditer(text)]
    pieces = [piece.strip(" .-–—") for piece in CUT.split(text)]
    filled = [piece for piece in pieces if piece]
    for at, piece in enumerate(pieces):
        if not piece or (not beside and len(filled) > 1) or _is_spoken_to(pieces, signs, at, beside=beside):
            continue
        words = [word for word in WORD.findall(piece) if word.lower() not in table("names")["titles"].split()]
        whole = len(words) == len(piece.split()) - _titles(piece)
        if not whole or len(words) > LONGEST or _greets(piece) or any(word.lower() in _never() for word in words):
            continue
        if _is_name(words, lower=beside or len(words) == 1) or (beside and _looks_full(words)):
            return _cased(words)
    return None


def _is_spoken_to(pieces: Sequence[str], signs: Sequence[str], at: int, *, beside: bool) -> bool:
    """ "Здравствуйте, Анна" and "Виктор, спасибо" name the other side; "…, thanks, Paul" ends one's own letter."""
    after = at + 1 < len(pieces) and signs[at] == "," and _greets(pieces[at + 1])
    before = at > 0 and signs[at - 1] == "," and _greets(pieces[at - 1])
    last = not any(pieces[at + 1 :])
    asked = at + 1 < len(pieces) and signs[at] == "," and pattern("names", "asks").search(pieces[at + 1])
    if asked and (at == 0 or not any(pieces[:at]) or signs[at - 1] in "!."):
        return True
    return after or (before and not (beside and last and at > 1))


def _looks_full(words: Sequence[str]) -> bool:
    """Unknown words with capital letters that are built as a first name and a surname are, or a patronymic."""
    titled = len(words) > 1 and all(word.istitle() and not word.isascii() for word in words)
    return titled and any(PATRONYMIC.search(word) or (SURNAME.search(word) and len(word) > 4) for word in words[-2:])


def _after(text: str, at: int, *, sure: bool) -> str | None:
    """The name that begins here: words with capital letters, or known ones where all is written small."""
    rest = NOT.match(text[at:]) or re.match(r"[\s,:—–-]*", text[at:])
    at += rest.end() if rest else 0
    while (title := re.match(r"([^\W\d_]+)\.?\s+", text[at:])) and title[1].lower() in table("names")["titles"].split():
        at += title.end()
    line = re.split(CUT, text[at : at + 80])[0]
    words: list[str] = []
    for word in re.split(r"\s+", line.strip()):
        if len(words) == LONGEST or not WORD.fullmatch(word) or not _fits(word, words, sure=sure):
            break
        words.append(word.rstrip("."))
    if not words or words[0].lower() in _never():
        return None
    return _cased(words) if sure or _is_name(words, lower=True) else None


def _fits(word: str, words: Sequence[str], *, sure: bool) -> bool:
    lower = word.lower().rstrip(".")
    if lower in _never() or word in table("companies")["forms"].split("|"):
        return False
    if lower in first_names() or word[0].isupper():
        return True
    small = not words or words[-1][0].islower()
    full = bool(words and (PATRONYMIC.search(lower) or SURNAME.search(lower) or PATRONYMIC.search(words[-1])))
    return small and ((sure and not words) or (full and len(lower) > 3))


def _is_name(words: Sequence[str], *, lower: bool) -> bool:
    """Whether one of the first two words is a known first name, and the others may stand beside it."""
    known = [word.lower().rstrip(".") in first_names() for word in words]
    if not any(known[:2]) or (not lower and not words[0][0].isupper()):
        return False
    return all(
        is_known or word[0].isupper() or PATRONYMIC.search(word) or SURNAME.search(word)
        for word, is_known in zip(words, known, strict=True)
    )


def _cased(words: Sequence[str]) -> str:
    return " ".join(
        word if (word[0].isupper() and not word.isupper()) or len(word) <= 2 else word.title() for word in words
    )


def _titles(piece: str) -> int:
    return sum(word.lower() in table("names")["titles"].split() for word in piece.split())


def _greets(piece: str) -> bool:
    return bool(pattern("names", "greeting").search(piece)) and len(piece.split()) <= 3


def _of_somebody_else(text: str, at: int) -> bool:
    """ "моего коллегу зовут Пётр" is not the customer."""
    before = re.split(r"[.!?;\n]", text[max(0, at - 40) : at])[-1].rpartition(",")[2]
    return bool(pattern("whose", "other").search(before + " "))


@cache
def _titles_() -> frozenset[str]:
    return frozenset(table("names")["titles"].split())


@cache
def _never() -> frozenset[str]:
    return frozenset(table("names")["never"].split())
