"""E-mail addresses in what people write, with the slips mended that have one reading only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rapidfuzz.distance import OSA

from appliance.core.leads.whose import Candidate, chosen
from appliance.core.leads.words import table

AT = r"\s?[@＠]\s?"
SPELT_AT = r"(?:\s?[(\[](?:at|собака|эт)[)\]]\s?|\s+(?:собака|собачка|at|эт)\s+)"
DOT = r"(?:[.,]+|\s?[(\[](?:dot|точка)[)\]]\s?|\s+(?:dot|точка)\s+)"


def _around(at: str) -> re.Pattern[str]:
    name, domain = (
        r"(?<![\w.+-])([A-Za-z0-9][\w.+%-]*)",
        rf"([A-Za-zА-Яа-яёЁ0-9-]+(?:{DOT}[A-Za-zА-Яа-яёЁ0-9-]+)*)(?![\w@-])",
    )
    return re.compile(name + at + domain, re.IGNORECASE)


ADDRESS, SPELT = _around(AT), _around(SPELT_AT)
UNDERSCORE = re.compile(r"\s+(?:underscore|нижнее подч[её]ркивание|подч[её]ркивание|unterstrich)\s+", re.IGNORECASE)
HYPHEN = re.compile(r"\s+(?:dash|hyphen|minus|дефис|тире|минус|bindestrich)\s+", re.IGNORECASE)
SAID_DOT = re.compile(r"\s+(?:dot|точка|punkt|nokta|nuqta)\s+", re.IGNORECASE)
LIKE = 7  # letters of a well-known domain below which one changed letter may well be another domain
LETTERS = str.maketrans("асеорхукАСЕОРХУК", "aceopxykACEOPXYK")  # typed in the wrong alphabet by a hurried hand


def mail(messages: Sequence[str]) -> str | None:
    """The customer's address; None where there is none, or only other people's."""
    best = chosen(list(found(messages)), messages)
    return best.value if best else None


def found(messages: Sequence[str]) -> Iterator[Candidate]:
    """Every address of the messages, in order."""
    for at, text in enumerate(messages):
        if "@" not in text and (dictated := _dictated(at, text)):
            yield dictated
            continue
        signs = [(match, _address(match[1], match[2])) for match in ADDRESS.finditer(text)]
        spelt = [(match, _address(match[1], match[2], spelt=True)) for match in SPELT.finditer(text) if not signs]
        for match, address in (*signs, *spelt):
            if address:
                yield Candidate(address, at, match.start(), match.end())


def _dictated(at: int, text: str) -> Candidate | None:
    """An address said in words: "j dot perez at gmail dot com"."""
    short = text
    for sign, said in (("_", UNDERSCORE), ("-", HYPHEN), (".", SAID_DOT)):
        short = said.sub(sign, short)
    match = SPELT.search(short)
    if match is None or (short == text and "." not in match[2]):
        return None
    found = _address(match[1], match[2], spelt=True)
    start = text.find(re.split(r"[._-]", match[1])[0])
    stop = re.search(r"[,;\n]", text[max(start, 0) :])
    end = max(start, 0) + stop.start() if stop else len(text)
    return Candidate(found, at, max(start, 0), end) if found else None


def address(written: str) -> str | None:
    """An address as somebody typed it into a field for it; None where it is none."""
    match = ADDRESS.fullmatch(written.strip()) or SPELT.fullmatch(written.strip())
    return _address(match[1], match[2]) if match else None


def _address(name: str, rest: str, *, spelt: bool = False) -> str | None:
    spoken: dict[str, str] = table("mail")["spoken"]
    parts = [part.strip().lower() for part in re.split(DOT, rest.strip(". "), flags=re.IGNORECASE)]
    domain = ".".join(spoken.get(part, part) for part in parts if part).translate(LETTERS)
    name = re.sub(DOT, ".", name).translate(LETTERS)
    if "." not in domain:
        domain = _glued(domain)
    domain = _mended(domain)
    *_, last = domain.split(".")
    known = domain in table("mail")["domains"]
    if (
        "." not in domain
        or not last.isalpha()
        or len(last) < 2
        or not f"{name}{domain}".isascii()
        or (spelt and not known and len(last) > 4)
    ):
        return None
    return f"{name}@{domain}".lower()  # whoever types capitals means the same mailbox


def _glued(domain: str) -> str:
    """ "gmailcom" is gmail.com."""
    return next((known for known in table("mail")["domains"] if known.replace(".", "") == domain), domain)


def _mended(domain: str) -> str:
    domains: list[str] = table("mail")["domains"]
    if domain in domains:
        return domain
    near = [known for known in domains if len(known) >= LIKE and OSA.distance(known, domain, score_cutoff=1) == 1]
    if near:
        return near[0]
    head, _, last = domain.rpartition(".")
    slips: dict[str, str] = table("mail")["known_slips"]
    return f"{head}.{slips[last]}" if last in slips and head else domain
