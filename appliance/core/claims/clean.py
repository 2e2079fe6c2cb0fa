"""Brings a sentence to plain characters, and refuses what hides or carries addresses, markup or orders."""

from __future__ import annotations

import re
import unicodedata

from appliance.core.claims.company import ADDRESS, PHONE, Company, only_digits
from appliance.core.claims.goods import Good
from appliance.core.claims.lexicon import has

KEPT = "²³№™®…½¼¾⅓⅔℃µ"  # whose compatibility form would lose the meaning
FRACTIONS = {"½": "1/2", "¼": "1/4", "¾": "3/4", "⅓": "1/3", "⅔": "2/3"}
MARKUP = re.compile(
    r"<<|>>|<[a-z/!|]|\|>|!\[|\]\(|```|\[/?(?:inst|system|user|assistant)|[{}]|#{2,}|&#|&\w+;|\\u|%[0-9a-f]{2}%|javascript",
    re.IGNORECASE,
)
ENDINGS = (
    "com|net|org|ru|рф|su|info|biz|shop|store|online|site|io|me|ly|to|cc|co|uk|de|at|ch|eu|kz|uz|tr|ua|by|cn|us|app|dev|pro|"
    "xyz|top|club|link|click|gg|tv|ai|example|test|local|ком|ру|москва|укр|қаз|бел|онлайн|сайт|магазин|gl|be|fr|it|es|pl"
)
LINK = re.compile(
    rf"://|\bwww\b|h\W?[tx]{{2}}\W?ps?\b|\bhxxp|[\w.+-]+\s?(?:@|\(at\)|\[at\]|＠)\s?[\w-]+|(?<!\w)@\w{{2,}}"
    rf"|[\w-]{{2,}}\s?(?:\[\.\]|\(\.\)|\(dot\)|\[dot\])\s?\w+"
    rf"|(?<![\w.])(?:[a-zа-яё0-9][\w-]+|[tx])\.(?:{ENDINGS})(?![\w])(?!\.[a-zа-я]\.)"
    rf"|\w+\s+(?:dot|точка|punkt|дот|nokta|nuqta)\s+(?:{ENDINGS})\b|\w+\s+(?:собака|at)\s+\w+\s+(?:dot|точка|punkt)",
    re.IGNORECASE,
)
SPELLED = re.compile(r"(?<!\w)(?:[^\W\d_][ .\-_*]{1,3}){4,}[^\W\d_](?!\w)")


def plain(text: str) -> tuple[str, str]:
    """(the text in plain characters, "") or ("", why it cannot be shown)."""
    out: list[str] = []
    for char in text:
        category = unicodedata.category(char)
        if category in ("Cf", "Co", "Cn", "Cs") or (category == "Cc" and char not in "\n\t\r") or char == "\u20e3":
            return "", "hidden characters"
        if char in FRACTIONS:
            char = (" " if out and out[-1].isdigit() else "") + FRACTIONS[char]
        elif category == "Zs":
            char = " "
        elif char not in KEPT:
            if (category == "No" and not unicodedata.normalize("NFKC", char).isascii()) or (
                category == "No" and char in "⁰¹⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉"
            ):
                return "", "numbers in unusual characters"
            digit = unicodedata.decimal(char, None)
            char = str(digit) if digit is not None else unicodedata.normalize("NFKC", char)
        out.append(char)
    clean = re.sub(r"[ \t\r\n]+", " ", "".join(out).replace("‐", "-").replace("‑", "-").replace("−", "-")).strip()
    if re.search(r"\d[²³]|[\u0300-\u036f]", unicodedata.normalize("NFC", clean)):
        return "", "numbers in unusual characters"
    return clean, ""


def blank(text: str, spans: list[tuple[int, int]]) -> str:
    """The text with the spans made of dots that no pattern reads, at the same length."""
    for start, end in spans:
        text = text[:start] + "\x00" * (end - start) + text[end:]
    return text


def without_contacts(text: str, company: Company) -> tuple[str, str]:
    """Blanks the addresses and phones that stand in the company's text; (text, "") or ("", why)."""
    known = [
        match.span()
        for match in ADDRESS.finditer(text)
        if match[0].casefold().rstrip(".,;)!?") in company.addresses
        and ("@" in match[0] or "/" in match[0] or LINK.search(match[0]))
    ]
    text = blank(text, known)
    phones = [match for match in PHONE.finditer(text) if only_digits(match[0]) in company.phones]
    text = blank(text, [match.span() for match in phones])
    if LINK.search(text):
        return "", "an address that the company's text does not have"
    return text, ""


def unknown_phone(text: str) -> str:
    """Why a text holds a telephone number that is not the company's (those are blanked before), "" when it does not."""
    for match in PHONE.finditer(text):
        if len(only_digits(match[0])) >= 7 and re.search(r"[+(]|\d-\d\d-|\d-\d{3,}-\d|\d{10}", match[0]):
            return "a phone number that the company's text does not have"
    return ""


def forbidden(text: str) -> str:
    """Why a sentence may not be shown whatever the rows say, "" when it may."""
    if MARKUP.search(text):
        return "markup"
    if SPELLED.search(text):
        return "letters written apart"
    return "speaks of its own instructions" if has("never", "injection", text) else ""


def strange_script(text: str, goods: list[Good], company: Company) -> str:
    """A word of two alphabets that no row and no text of the company has: "НX-25" with a Latin X."""
    known = " ".join([good.text for good in goods] + [company.text]).casefold()
    for match in re.finditer(r"[^\W_]+", text):
        letters = {_script(char) for char in match[0] if char.isalpha()} - {""}
        if (
            len(letters) > 1
            and match[0].casefold() not in known
            and not re.fullmatch(r"\d+[a-zа-я³²]+", match[0], re.IGNORECASE)
        ):
            return f"two alphabets in {match[0]}"
    return ""


def _script(char: str) -> str:
    name = unicodedata.name(char, "")
    return next(
        (script for script in ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE") if name.startswith(script)), ""
    )
