"""Decodes text of an unknown encoding: byte order marks, UTF-8, UTF-16, then the code pages of our customers."""

from __future__ import annotations

import re

_PAGES = ("cp1251", "cp866", "koi8-r", "cp1250", "cp1252")
_DECLARED = re.compile(rb"""charset=["']?([\w-]+)|encoding=["']([\w-]+)""", re.IGNORECASE)


def decoded(data: bytes) -> str:
    """`data` as text; what no encoding explains becomes U+FFFD rather than an error."""
    for mark, name in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return data.decode(name, "replace")
    if b"\x00" in data[:2000]:
        big = data[0:2000:2].count(0) > data[1:2000:2].count(0)
        return data.decode("utf-16-be" if big else "utf-16-le", "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        if (
            error.start > len(data) - 4 or error.start > 1_000_000
        ):  # cut in the middle of a letter, or one bad byte far inside
            return data.decode("utf-8", "replace")
    return data.decode(_declared(data) or code_page(data), "replace")


def code_page(data: bytes) -> str:
    """The single-byte code page under which `data` reads most like Russian, Ukrainian, German or Romanian."""
    sample = data[:200_000]
    return max(_PAGES, key=lambda page: _plausibility(sample.decode(page, "replace")))


def _plausibility(text: str) -> float:
    """Letters in places where languages have them: lower case far more than upper, capitals at the start of words."""
    good = len(re.findall(r"[а-яіїєґ]{2,}|[a-z][äöüßăâîșțéèç]|[äöüßăâîșțéèç][a-z]|№", text))
    good += len(re.findall(r"\b[А-ЯІЇЄҐ][а-яіїєґ]+\b|\b[А-ЯІЇЄҐ]{3,}\b", text))
    bad = len(
        re.findall(
            r"[а-яіїєґ][А-ЯІЇЄҐ]|[─-╬▀-▓]|[А-Яа-я][¤¦§¬±µ¶·]|[ÀÁÃÅÆÇÈÊËÌÍÎÏÐÑÒÓÔÕ×ØÙÚÛÝÞãåæìíïðñòóôõøùúûýþ¸]{2,}|�",
            text,
        )
    )
    return good - 2.0 * bad


def _declared(data: bytes) -> str:
    found = _DECLARED.search(data[:2048])
    name = (found[1] or found[2]).decode("ascii") if found else ""
    try:
        data[:1000].decode(name, "replace")
    except LookupError:
        return ""
    return "" if name.lower() in {"utf-8", "utf8"} else name
