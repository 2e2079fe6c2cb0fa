"""E-mail addresses in what people write, with the slips mended that have one reading only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from phonenumbers import SUPPORTED_REGIONS
from rapidfuzz.distance import OSA

from appliance.core.leads.whose import Candidate, chosen
from appliance.core.leads.words import pattern, table

SAID = {  # signs, as they are dictated
    ".": r"[\s,]+(?:dot|точка|крапка|punkt|nokta|nuqta)[\s,]+",
    "_": r"[\s,]+(?:underscore|нижнее подч[её]ркивание|подч[её]ркивание|unterstrich)[\s,]+",
    "-": r"[\s,]+(?:dash|hyphen|minus|дефис|тире|минус|bindestrich)[\s,]+",
}
DOT = rf"(?:[.,]+|\s?[(\[](?:dot|точка)[)\]]\s?|{SAID['.']})"
AT = r"\s?[@＠]+\s?"
SPELT_AT = r"(?:[\s,]*[(\[](?:at|собака|эт)[)\]][\s,]*|[\s,]+(?:собака|собачка|собачку|at|эт|кучукча|kuchukcha)[\s,]+)"
LOCAL = r"(?<![\w.+@-])(?P<local>[A-Za-z0-9][\w.+%-]*)"
SPELT_LOCAL = (
    rf"(?<![\w.+@-])(?P<local>[A-Za-z0-9][\w.+%-]*(?:(?:{'|'.join(SAID.values())})[A-Za-z0-9][\w.+%-]*){{0,4}})"
)
LABELS = rf"[A-Za-zА-Яа-яёЁ0-9-]+(?:{DOT}[A-Za-zА-Яа-яёЁ0-9-]+){{0,5}}"
DOMAIN = rf"(?P<domain>{LABELS})(?![\w@-])"
# Who dictates often leaves the last dot out.
DICTATED = rf"(?P<domain>{LABELS})(?:\s(?P<last>ру|ru|ком|com|кз|kz|юа|ua|бай|by|уз|uz))?(?![\w@-])"
ADDRESS = re.compile(LOCAL + AT + DOMAIN, re.IGNORECASE)
SPELT = re.compile(SPELT_LOCAL + SPELT_AT + DICTATED, re.IGNORECASE)
LIKE = 7  # letters of a well-known domain below which one changed letter may well be another domain
LETTERS = str.maketrans("асеорхукАСЕОРХУК", "aceopxykACEOPXYK")  # typed in the wrong alphabet by a hurried hand


def mail(messages: Sequence[str]) -> str | None:
    """The customer's address; None where there is none, or only other people's."""
    best = chosen(list(found(messages)), messages)
    return best.value if best else None


def found(messages: Sequence[str]) -> Iterator[Candidate]:
    """Every address of the messages, in order."""
    for at, text in enumerate(messages):
        for match in list(ADDRESS.finditer(text)) or SPELT.finditer(text):
            if (found := _address(match)) and not _is_place(match):
                yield Candidate(found, at, match.start(), match.end())


def _is_place(match: re.Match[str]) -> bool:
    """ "Saw it at rozetka.com": a plain word before "at" and a site after it, and nothing speaks of mail."""
    plain = (
        bool(re.search(r"[\s,]at[\s,]", match[0])) and match["local"].isalpha() and "." in match["domain"].strip(".")
    )
    said = re.search(SAID["."], match["domain"], re.IGNORECASE) or pattern("mail", "said").search(match.string)
    return bool(plain) and not said and match["domain"].lower() not in table("mail")["domains"]


def address(written: str) -> str | None:
    """An address as somebody typed it into a field for it; None where it is none."""
    match = ADDRESS.fullmatch(written.strip()) or SPELT.fullmatch(written.strip())
    return _address(match) if match else None


def _address(match: re.Match[str]) -> str | None:
    spelt = match.re is SPELT
    spoken: dict[str, str] = table("mail")["spoken"]
    parts = [part.strip().lower() for part in re.split(DOT, match["domain"].strip(". "), flags=re.IGNORECASE)]
    if spelt and match["last"] and len(parts) == 1:
        parts.append(match["last"].lower())
    domain = ".".join(spoken.get(part, part) for part in parts if part).translate(LETTERS)
    name = match["local"]
    for sign, said in SAID.items():
        name = re.sub(said, sign, name, flags=re.IGNORECASE)
    name = re.sub(r"[.]{2,}", ".", name.translate(LETTERS))
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
    head, _, last = domain.rpartition(".")
    if head == "gmail":  # there is but one
        return "gmail.com"
    near = [known for known in domains if len(known) >= LIKE and OSA.distance(known, domain, score_cutoff=1) == 1]
    abroad = last.upper() in SUPPORTED_REGIONS  # yandex.uz is no slip for yandex.kz
    if near := [known for known in near if not abroad or known.endswith(f".{last}")]:
        return near[0]
    slips: dict[str, str] = table("mail")["known_slips"]
    return f"{head}.{slips[last]}" if last in slips and head else domain
