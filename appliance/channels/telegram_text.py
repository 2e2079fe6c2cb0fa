"""Texts as Telegram wants them: plain words with entities, measured and cut in UTF-16 units, never through a mark."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

TEXT, CAPTION = 4096, 1024  # UTF-16 units (core.telegram.org/bots/api: sendMessage, sendPhoto)
BUTTON = 40  # characters that a phone shows of a button that has the row for itself
NOTICE = 200  # characters of what pops up over a pressed button
MARKS = re.compile(r"\*\*(.+?)\*\*|`([^`\n]+)`|\[([^\]\n]+)\]\((https?://[^\s)]+)\)")
BREAKS = ("\n\n", "\n", ". ", " ")  # where a long text is best divided
ELLIPSIS = "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A piece of a text that looks different; `offset` and `length` in UTF-16 units."""

    type: str  # bold, code, text_link, blockquote, expandable_blockquote, italic
    offset: int
    length: int
    url: str = ""


@dataclass(frozen=True, slots=True)
class Styled:
    """A text and its marks."""

    text: str = ""
    marks: tuple[Mark, ...] = ()

    def __add__(self, other: Styled | str) -> Styled:
        more = other if isinstance(other, Styled) else Styled(other)
        shift = units(self.text)
        moved = tuple(replace(mark, offset=mark.offset + shift) for mark in more.marks)
        return Styled(self.text + more.text, self.marks + moved)

    def __bool__(self) -> bool:
        return bool(self.text.strip())

    def cut(self, limit: int) -> Styled:
        """At most `limit` units, with an ellipsis where something had to go."""
        return self if units(self.text) <= limit else self._first(limit - 1).stripped() + ELLIPSIS

    def split(self, limit: int) -> list[Styled]:
        """The whole text in pieces of at most `limit` units, divided between paragraphs, sentences or words."""
        pieces, rest = [], self
        while units(rest.text) > limit:
            head = rest._first(limit).text
            at = next((found + len(gap) for gap in BREAKS if (found := head.rfind(gap)) > len(head) // 2), len(head))
            pieces.append(rest._first(units(head[:at])).stripped())
            rest = rest._after(units(head[:at]))
        return [*pieces, rest.stripped()]

    def stripped(self) -> Styled:
        """Without white space at the ends, which Telegram drops without moving the marks."""
        lead = len(self.text) - len(self.text.lstrip())
        rest = self._after(units(self.text[:lead]))
        return rest._first(units(rest.text.rstrip()))

    def _first(self, limit: int) -> Styled:
        raw = self.text.encode("utf-16-le")[: limit * 2]
        text = raw.decode("utf-16-le", "ignore")  # half a surrogate pair goes
        return Styled(text, tuple(_within(self.marks, 0, units(text))))

    def _after(self, start: int) -> Styled:
        text = self.text.encode("utf-16-le")[start * 2 :].decode("utf-16-le", "ignore")
        return Styled(text, tuple(_within(self.marks, start, start + units(text))))


def bold(text: str) -> Styled:
    return marked(text, "bold")


def marked(text: str, kind: str, url: str = "") -> Styled:
    return Styled(text, (Mark(type=kind, offset=0, length=units(text), url=url),)) if text else Styled()


def joined(parts: Iterable[Styled | str], between: str = "\n") -> Styled:
    """The parts that say something, one after another."""
    whole = Styled()
    for part in parts:
        if part:
            whole = (whole + between if whole else whole) + part
    return whole


def from_markdown(text: str) -> Styled:
    """The small part of Markdown that answers use: bold, code, links; everything else is plain text."""
    whole, at = Styled(), 0
    for found in MARKS.finditer(text):
        strong, code, label, url = found.groups()
        whole = whole + text[at : found.start()]
        whole = whole + (bold(strong) if strong else marked(code, "code") if code else marked(label, "text_link", url))
        at = found.end()
    return whole + text[at:]


def units(text: str) -> int:
    """Length in UTF-16 code units: what Telegram counts and what entities mean."""
    return len(text) + sum(char > "\uffff" for char in text)


def label(text: str, limit: int = BUTTON) -> str:
    """A button's text: one line, never empty."""
    line = " ".join(text.split()) or ELLIPSIS
    return line if len(line) <= limit else line[: limit - 1].rstrip() + ELLIPSIS


def _within(marks: Iterable[Mark], start: int, end: int) -> Iterable[Mark]:
    for mark in marks:
        first, last = max(mark.offset, start), min(mark.offset + mark.length, end)
        if last > first:
            yield replace(mark, offset=first - start, length=last - first)
