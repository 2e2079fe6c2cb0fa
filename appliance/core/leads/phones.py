"""Phones in what people write: in figures or words, told from tax numbers, orders and prices, as E.164."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, format_number, is_valid_number, parse

from appliance.core.leads import spoken
from appliance.core.leads.whose import Candidate, chosen
from appliance.core.leads.words import pattern, table

# "030/1234567" is German; the next line is never a part of a number.
FIGURES = re.compile(
    r"(?:(?<![\w/-])|(?<=тел)|(?<=моб)|(?<=tel)|(?<=wa\.me/))(?<!\d[.,])"
    r"(?:\+\s?|00)?\(?(?:0\d{1,4}/(?=\d{5})\d|\d)(?:[ \t\u00a0\u2009\u202f.()–—‑-]{0,3}\d){6,15}"
    r"(?!\s?[xх×*]\s?\d+\s?(?:[xх×*]|мм|mm|см|cm|м\b|m\b|шт|pcs))(?![\dA-WYZa-wyz_])",
    re.IGNORECASE,
)
HEAD = re.compile(r"(?:\+\s?|00)?\(?\d(?:[\s\u00a0.()–—‑-]{0,3}\d){3,10}\)?\s*[.…-]*\s*$")
TAIL = re.compile(r"(?:[^\d\n]{0,40}?[\s:]|)(\d(?:[\s-]?\d){1,6})")
NEAR = 40  # characters before a number in which the words that say what it is are looked for
# Where a phone ends at the latest: a sentence, a line, an item's number in a list.
LIMIT = re.compile(r"(\.\s+|\n\s*|\s\d{1,2}\.\s+(?=\d)|\s\d{1,2}$)")
CODE = re.compile(r"\d{1,2}\.\d{3,4}\.\d{3,4}|\d{4,}-\d{2}-\d{3,}")  # "58.4410.3021": no country groups a phone so
BREAK = re.compile(r"\n|(?<!\bno)(?<!\bnr)(?<!\bсч)(?<!\bарт)(?<!\bзав)(?<!\bдог)[.!?;]\s", re.IGNORECASE)
WITH_EIGHT = frozenset({"RU", "KZ"})  # regions of +7 whose trunk prefix people write instead of it
LANDLINE = 10  # digits: a bare number of this length needs more than being valid


def phone(messages: Sequence[str], *, region: str) -> str | None:
    """The customer's phone, E.164; None where there is none, or only other people's."""
    best = chosen(found(messages, region), messages)
    return best.value if best else None


def found(messages: Sequence[str], region: str) -> list[Candidate]:
    """Every phone of the messages, in order."""
    all_: list[Candidate] = []
    for at, text in enumerate(messages):
        here = sorted(_in_text(at, text, region), key=lambda candidate: candidate.start)
        if at and (joined := _joined(at, messages, region)):
            whole = [one for one in all_ if one.message < at - 2 or not joined.value.startswith(one.value)]
            all_, here = whole, [joined]  # the first half may look like a number, too
        elif all_ and not here and (mended := _mended(all_[-1], at, text, region)):
            all_[-1] = replace(all_[-1], value=mended.value)
            here = [mended]
        all_ += here
    return all_


def _joined(at: int, messages: Sequence[str], region: str) -> Candidate | None:
    """A phone whose end came in a message of its own, with at most one message between."""
    rest = TAIL.fullmatch(messages[at].strip())
    if rest is None:
        return None
    for back in range(1, min(at, 2) + 1):
        head = HEAD.search(messages[at - back])
        if head is None:
            continue
        written = head[0] + rest[1]
        number = e164(written, region)
        if number and not _is_other(messages[at - back], head.start(), head.end()):
            start = messages[at].index(rest[1][0])
            return Candidate(number, at, start, len(messages[at]))
    return None


def _mended(last: Candidate, at: int, text: str, region: str) -> Candidate | None:
    """The phone before with other last digits: "the last two are 09"."""
    tail = re.search(table("parts")["tail"], text.strip(), re.IGNORECASE)
    if tail is None:
        return None
    number = e164(last.value[: -len(tail[1])] + tail[1], region)
    return Candidate(number, at, text.index(tail[1]), len(text)) if number else None


def e164(written: str, region: str) -> str | None:
    """A number as somebody typed it into a field for phones; None where it is none."""
    digits = _digits(written)
    international = written.strip().startswith(("+", "00"))
    return _valid(digits.removeprefix("00") if international else digits, region, international=international)


def _in_text(at: int, text: str, region: str) -> Iterator[Candidate]:
    said = []
    for run in spoken.runs(text):
        number = _valid(run.digits.lstrip("+"), region, international=run.digits.startswith("+"))
        if number:  # "wrong one, 8 903 …" begins with a word for a figure, and is none
            said.append(run)
        if number and not _is_other(text, run.start, run.end):
            yield Candidate(number, at, run.start, run.end)
    for match in FIGURES.finditer(text):
        if any(run.start < match.end() and match.start() < run.end for run in said):
            continue
        for start, end in _pieces(match, region):
            number = _phone(text, start, end, region)
            if number:
                yield Candidate(number, at, start, end)


def _pieces(match: re.Match[str], region: str) -> Iterator[tuple[int, int]]:
    """The run itself; or, where it is too long for a phone, what stands between the ends of sentences and lines.

    So the next sentence's figures, an item's number in a list ("2. 8903 … 3. …") and a second phone are cut off.
    """
    if e164(match[0].lstrip("( "), region):
        yield match.start(), match.end()
        return
    at = match.start()
    for piece in LIMIT.split(match[0]):
        if not LIMIT.fullmatch(piece):
            yield from _halves(piece, at)
        at += len(piece)


def _halves(piece: str, at: int) -> Iterator[tuple[int, int]]:
    """The piece; or two numbers with nothing but a space between them, cut where the second begins."""
    halves = re.search(r"(?<=\d)\s+(?=(?:\+|8|7)[\s(-]*\d)", piece[8:]) if len(_digits(piece)) > 15 else None
    if halves is None:
        yield at, at + len(piece)
    else:
        yield at, at + 8 + halves.start()
        yield at + 8 + halves.end(), at + len(piece)


def _phone(text: str, start: int, end: int, region: str) -> str | None:
    written = text[start:end]
    digits = _digits(written)
    international = written.lstrip("( ").startswith(("+", "00"))
    if international and not written.lstrip("( ").startswith("+"):
        digits = digits[2:]
    number = _valid(digits, region, international=international)
    if number is None or _is_other(text, start, end):
        return None
    if international or _is_said(text, start):
        return number
    sought = pattern("numbers", "goods_after").search(text[end : end + NEAR]) or pattern("numbers", "sought").search(
        text[max(0, start - NEAR) : start]
    )
    if sought or CODE.fullmatch(written) or (written.isdigit() and not _looks_mobile(digits, region)):
        return None
    return number


def _digits(written: str) -> str:
    return "".join(sign for sign in written if sign.isdigit())


def _valid(digits: str, region: str, *, international: bool) -> str | None:
    """E.164 of the first reading that is a valid number: as dialled here, or from abroad without its plus."""
    readings = [("+" + digits, None)] if international else [(digits, region), ("+" + digits, None)]
    if len(digits) == 11 and digits.startswith("89"):
        readings.append(("+7" + digits[1:], None))  # a Russian mobile as its neighbours write it, too
    if not international and region in WITH_EIGHT and len(digits) == 11 and digits[0] in "78":
        readings.insert(0, ("+7" + digits[1:], None))
    for written, home in readings:
        try:
            number: PhoneNumber = parse(written, home)
        except NumberParseException:
            continue
        if is_valid_number(number):
            return format_number(number, PhoneNumberFormat.E164)
    return None


def _looks_mobile(digits: str, region: str) -> bool:
    """Whether bare digits may pass for a phone with no word that says so.

    Ten or twelve bare digits are as likely a tax number, unless they begin as mobiles here do.
    """
    if region in WITH_EIGHT:
        return len(digits) == 11 or (len(digits) == LANDLINE and digits[0] == "9") or (len(digits) > 11)
    return len(digits) >= LANDLINE - 1


def _is_other(text: str, start: int, end: int) -> bool:
    """Whether the nearest word says that the number is something else: a tax number, an order, a price."""
    if pattern("numbers", "unit_after").search(text[end : end + 8]):
        return True
    before = BREAK.split(text[max(0, start - NEAR) : start])[-1]
    named = [match.end() for match in pattern("numbers", "of_what").finditer(before)]  # however near "number" stands
    other = [*named, *(match.end() for match in pattern("numbers", "other").finditer(before))]
    said = [match.end() for match in pattern("numbers", "phone").finditer(before)]
    if not other or (not named and max(said, default=-1) > max(other) - 1):
        return False
    return not re.search(r"\d{6}", before[max(other) :])  # another number has taken the word


def _is_said(text: str, start: int) -> bool:
    return bool(pattern("numbers", "phone").search(text[max(0, start - NEAR) : start]))
