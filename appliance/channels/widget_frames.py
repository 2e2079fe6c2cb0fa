"""The frames of the widget's protocol v1: what a browser may send, and how stored messages look on the wire."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from appliance.core.types import Card, Message
from appliance.store.plain import cards_from, cards_plain

VERSION = 1

Photos = Callable[[Card], str]  # where a browser finds a card's photo

# Close codes (RFC 6455 leaves 4000 to 4999 to applications).
BAD_FRAME, WRONG_TOKEN, ORIGIN, NO_HELLO, TOO_LARGE, ABUSE = 4400, 4401, 4403, 4408, 4413, 4429
SLOW_READER, RESTART, FAULT = 4008, 1012, 1011


class FrameError(Exception):
    """A frame is not what the protocol says; the message names the field."""


def _cut(length: int) -> BeforeValidator:
    """Texts that only inform are cut rather than refused."""
    return BeforeValidator(lambda value: clean(value)[:length] if isinstance(value, str) else value)


def clean(text: str) -> str:
    """Without NUL, which PostgreSQL refuses, and without lone surrogates, which no UTF-8 has."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


class _Frame(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)


Seq = Annotated[int, Field(ge=0, le=2**31 - 1)]
Mid = Annotated[UUID, Field(strict=False)]
Cid = Annotated[UUID, Field(strict=False)]


class Page(_Frame):
    url: Annotated[str, _cut(2000)] = ""
    title: Annotated[str, _cut(300)] = ""
    ref: Annotated[str, _cut(2000)] = ""


class Hello(_Frame):
    type: Literal["hello"]
    v: int
    key: Annotated[str, _cut(64)] = ""
    sid: Annotated[str, Field(max_length=64)] = ""
    token: Annotated[str, Field(max_length=256)] = ""
    last_seq: Seq = 0
    lang: Annotated[str, _cut(35)] = ""  # the longest useful BCP 47 tag
    page: Page = Page()


class Msg(_Frame):
    type: Literal["msg"]
    cid: Cid
    text: str


class Action(_Frame):
    type: Literal["action"]
    cid: Cid
    kind: Literal["quick", "card", "cta"]
    ref: Annotated[str, Field(min_length=1, max_length=500), BeforeValidator(lambda ref: clean(ref))]


class Form(_Frame):
    type: Literal["form"]
    cid: Cid
    form_id: Annotated[str, Field(max_length=64)]
    values: Annotated[dict[str, Annotated[str, _cut(2000)]], Field(max_length=20)]
    consent: bool | Annotated[str, Field(max_length=64)]  # the version of the text that was agreed to, or true


class Stop(_Frame):
    type: Literal["stop"]
    mid: Mid | None = None


class Feedback(_Frame):
    type: Literal["feedback"]
    mid: Mid
    value: Annotated[int, Field(ge=-1, le=1)]


class Read(_Frame):
    type: Literal["read"]
    seq: Seq


class Typing(_Frame):
    type: Literal["typing"]
    on: bool = True


class Ping(_Frame):
    type: Literal["ping"]


Said = Msg | Action | Form  # what is stored, by its cid
Frame = Hello | Msg | Action | Form | Stop | Feedback | Read | Typing | Ping
KNOWN = {"hello", "msg", "action", "form", "stop", "feedback", "read", "typing", "ping"}
_frames: TypeAdapter[Frame] = TypeAdapter(Annotated[Frame, Field(discriminator="type")])


def decode(raw: str) -> dict[str, Any]:
    """The JSON object in a frame; raises `FrameError` for anything else."""
    try:
        frame = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise FrameError("A frame must be one JSON object.") from error
    if not isinstance(frame, dict) or not isinstance(frame.get("type"), str):
        raise FrameError("A frame must be one JSON object with a `type`.")
    return frame


def parse(frame: dict[str, Any]) -> Frame | None:
    """The frame as a value; None for a type of a later protocol. Raises `FrameError` for a field that does not fit."""
    if frame["type"] not in KNOWN:
        return None
    try:
        return _frames.validate_python({key: value for key, value in frame.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"][1:])
        raise FrameError(f"{frame['type']}.{field}: {first['msg']}") from error


def encode(frame: Mapping[str, Any]) -> str:
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":"))


def items(cards: Iterable[Card], photos: Photos) -> list[dict[str, Any]]:
    """Cards as the wire has them, with their photos' addresses."""
    return cards_plain([replace(card, photo=photos(card)) for card in cards])


def event(message: Message, photos: Photos) -> dict[str, Any]:
    """A stored message as its durable event."""
    payload = message.payload
    base = {"seq": message.seq, "mid": str(payload.get("mid") or message.id), "at": message.at.isoformat()}
    match message.kind if message.role != "user" else "said":
        case "cards":
            return {"type": "cards", **base, "items": items(cards_from(payload.get("items", [])), photos)}
        case "quick":
            return {"type": "quick", **base, "items": payload.get("items", [])}
        case "form":
            about = {key: payload[key] for key in ("form_id", "title", "fields", "submit", "consent") if key in payload}
            return {"type": "form", **base, **about}
        case "state":
            return {"type": "state", **base, "mode": payload.get("mode", "bot"), "agent": payload.get("agent") or {}}
    frame = {"type": "msg", **base, "role": message.role, "text": message.text}
    if message.role == "user":
        frame |= {"kind": message.kind} | ({"cid": payload["cid"]} if "cid" in payload else {})
    return frame


def units(text: str) -> int:
    """Length in UTF-16 code units, which is what JavaScript counts and what `delta.off` means."""
    return len(text) + sum(char > "\uffff" for char in text)
