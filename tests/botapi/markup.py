"""Texts as Telegram takes them: entities, the HTML mode, and lengths in UTF-16 code units."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from typing import Any

from tests.botapi.spec import BadRequest

TEXT, CAPTION = 4096, 1024  # UTF-16 units after entities were parsed
TAGS = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
    "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "code": "code", "pre": "pre",
    "a": "text_link", "tg-spoiler": "spoiler", "blockquote": "blockquote",
}  # fmt: skip
KINDS = {*TAGS.values(), "mention", "hashtag", "url", "email", "phone_number", "bot_command", "text_mention",
         "expandable_blockquote", "custom_emoji", "cashtag"}  # fmt: skip
COMMAND = re.compile(r"(?<!\S)/[A-Za-z0-9_]{1,32}(?:@\w+)?")


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def read_text(
    text: str, mode: str | None, entities: list[dict[str, Any]] | None, *, limit: int, what: str
) -> dict[str, Any]:
    """`text` and `entities` as they are stored; raises `BadRequest` for what is too long, empty or badly marked up."""
    if "\0" in text:
        raise BadRequest("Bad Request: strings must be encoded in UTF-8")
    if mode:
        if mode.lower() != "html":
            raise BadRequest(f"Bad Request: this server reads no {mode}")
        text, entities = _from_html(text)
    entities = list(entities or ())
    _check_entities(text, entities)
    text, entities = _stripped(text, entities)
    if units(text) > limit:
        raise BadRequest(f"Bad Request: {'MESSAGE_TOO_LONG' if what == 'text' else 'message caption is too long'}")
    if what == "text" and not text:
        raise BadRequest("Bad Request: message text is empty")
    if not text:
        return {}
    suffix = {"text": "entities", "caption": "caption_entities"}[what]
    return {what: text} | ({suffix: entities} if entities else {})


def as_html(text: str, entities: list[dict[str, Any]]) -> str:
    """The text as a page shows it."""
    raw = text.encode("utf-16-le")
    opens: dict[int, list[str]] = {}
    closes: dict[int, list[str]] = {}
    for entity in sorted(entities, key=lambda entity: -entity["length"]):
        tag = next((tag for tag, kind in TAGS.items() if kind == entity["type"]), None)
        if entity["type"] == "expandable_blockquote":
            tag = "blockquote"
        if tag:
            extra = f' href="{html.escape(entity.get("url", ""))}"' if tag == "a" else ""
            opens.setdefault(entity["offset"], []).append(f"<{tag}{extra}>")
            closes.setdefault(entity["offset"] + entity["length"], []).insert(0, f"</{tag}>")
    marks = sorted({0, len(raw) // 2, *opens, *closes})
    out = []
    for at, following in zip(marks, [*marks[1:], marks[-1]], strict=True):
        out += [*closes.get(at, ()), *opens.get(at, ())]
        out.append(html.escape(raw[at * 2 : following * 2].decode("utf-16-le"), quote=False))
    return "".join(out)


def commands_in(text: str) -> list[dict[str, Any]]:
    """The `bot_command` entities of what a person wrote."""
    return [
        {"type": "bot_command", "offset": units(text[: found.start()]), "length": units(found[0])}
        for found in COMMAND.finditer(text)
    ]


def _check_entities(text: str, entities: list[dict[str, Any]]) -> None:
    raw = text.encode("utf-16-le")
    for entity in entities:
        start, end = entity["offset"] * 2, (entity["offset"] + entity["length"]) * 2
        if entity["type"] not in KINDS:
            raise BadRequest(f"Bad Request: entity of an unknown type {entity['type']}")
        if start < 0 or end > len(raw) or entity["length"] <= 0:
            raise BadRequest("Bad Request: entity is outside of the text")
        try:
            raw[start:end].decode("utf-16-le")
        except UnicodeDecodeError:
            raise BadRequest("Bad Request: entity begins in the middle of a UTF-16 symbol") from None
        if entity["type"] == "text_link" and not str(entity.get("url", "")).startswith(
            ("http://", "https://", "tg://")
        ):
            raise BadRequest("Bad Request: ENTITY_URL_INVALID")


def _stripped(text: str, entities: list[dict[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """Telegram trims white space at both ends."""
    lead = units(text) - units(text.lstrip())
    text = text.strip()
    whole, kept = units(text), []
    for entity in entities:
        start, end = max(0, entity["offset"] - lead), min(whole, entity["offset"] - lead + entity["length"])
        if end > start:
            kept.append({**entity, "offset": start, "length": end - start})
    return text, kept


def _from_html(text: str) -> tuple[str, list[dict[str, Any]]]:
    reader = _Reader()
    reader.feed(text)
    reader.close()
    if reader.open:
        raise BadRequest(
            f"Bad Request: can't parse entities: can't find end tag corresponding to start tag {reader.open[-1][0]}"
        )
    return reader.text, sorted(reader.entities, key=lambda entity: (entity["offset"], -entity["length"]))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.entities: list[dict[str, Any]] = []
        self.open: list[tuple[str, int, dict[str, Any]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            raise BadRequest(f'Bad Request: can\'t parse entities: unsupported start tag "{tag}"')
        given = dict(attrs)
        kind = "expandable_blockquote" if tag == "blockquote" and "expandable" in given else TAGS[tag]
        self.open.append((tag, units(self.text), {"type": kind} | ({"url": given["href"]} if tag == "a" else {})))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1][0] != tag:
            raise BadRequest(f'Bad Request: can\'t parse entities: unexpected end tag "{tag}"')
        _, at, about = self.open.pop()
        if length := units(self.text) - at:
            self.entities.append({**about, "offset": at, "length": length})

    def handle_data(self, data: str) -> None:
        self.text += data
