"""The customer's company: known by its legal form, by a word for what it is, or by the field of a form."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from appliance.core.leads.words import table

QUOTED = r"(?:«[^»\n]{2,60}»|[\"“„][^\"”“\n]{2,60}[\"”“])"
# With a capital letter, in any alphabet; a full stop ends an initial alone.
WORD = r"[^\W\d_a-zа-яёіїєґäöüßçğışəқғңәөұүһ](?:[\w+'’-]|\.(?=\w))*(?:(?<=\b\w)\.)?"
NAMED = rf"{WORD}(?:[ -](?:(?:&|and|и|und|et) )?{WORD}){{0,3}}"
WESTERN = NAMED.replace(
    WORD, r"[A-ZÀ-ÞŁŚŻİŞĞÖÜÇ](?:[\w+'’-]|\.(?=\w))*(?:(?<=\b\w)\.)?"
)  # "насос Grundfos AB 25" is no company's name
ENDED = re.compile(r"(?<!\b(?:Inc|Ltd|Şti))(?<!Co)(?<!\.\w)(?<!o\.o)(?<!z o\. o)\.$")
OPENED = re.compile(r"^(?:we['’]re|we are|i['’]m from|from|at|мы|я|из|от|von|de|di|dan|ben)\s+", re.IGNORECASE)


def company(messages: Sequence[str]) -> str | None:
    """The company as it was written first, with its legal form."""
    for text in messages:
        if found := place(text):
            return text[found[0] : found[1]]
    return None


def place(text: str) -> tuple[int, int] | None:
    """Where the company stands in a text."""
    for find in _patterns():
        for match in find.finditer(text):
            said = match["name"]
            start, end = match.span("name")
            start += len(said) - len(OPENED.sub("", said))
            end = start + len(ENDED.sub("", text[start:end].rstrip(" ,;")))
            if end - start > 2:
                return start, end
    return None


@cache
def _patterns() -> list[re.Pattern[str]]:
    words = table("companies")
    forms, endings = words["forms"], words["endings"]
    return [
        re.compile(rf"(?<!\w)(?P<name>{QUOTED} (?:{endings}|{forms}))(?!\w)"),
        re.compile(rf"(?<!\w)(?P<name>(?:(?:{forms}) ){{1,3}}(?:{QUOTED}|(?!(?:{forms})\b){NAMED}))"),
        re.compile(rf"(?<!\w)(?P<name>{WESTERN},? (?:{endings}))(?!\w| ?\d)"),
        re.compile(rf"(?<!\w)(?P<name>{words['far_eastern']})"),
        re.compile(rf"(?:^|[\n;,/|])\s*(?i:(?:{words['field']})(?: name)?)\s*[:=—–-]\s*(?P<name>[^\n;,|/]{{2,60}})"),
        re.compile(rf"(?<!\w)(?P<name>(?i:{words['nouns']}) (?:{QUOTED}|{NAMED}))"),
    ]
