"""Reads what a GGUF model file says of itself, and from that what memory it will need."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from models.base import ModelRejected

# Scalar types of the format by their numbers (ggml/docs/gguf.md); 8 is a string, 9 an array.
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_LONGEST = 1 << 24  # bytes of one string; anything longer is no model but a broken or hostile file
# Program, activations and logits of a small batch: 120 to 200 MiB measured with 0.1B to 1.5B models.
_RUNTIME = 256 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Gguf:
    """The header of a model file: sizes in bytes, lengths in tokens."""

    name: str
    architecture: str
    size: int
    trained_context: int
    cache_per_token: int  # bytes of attention cache for one token, at 16 bits
    has_chat: bool  # a chat template: without one it is a base model and cannot hold a dialogue

    def memory(self, *, slots: int, context: int) -> int:
        """Bytes needed to serve `slots` chats of `context` tokens each."""
        return self.size + slots * context * self.cache_per_token + _RUNTIME


def read(path: Path) -> Gguf:
    """The header of the file at `path`; `ModelRejected` where it is no whole GGUF header."""
    try:
        with path.open("rb") as file:
            facts = _metadata(file)
    except (struct.error, UnicodeDecodeError, ValueError, MemoryError) as error:
        raise ModelRejected(
            f"{path.name} is not a model in GGUF format, or it is cut short; fetch it again."
        ) from error
    return _gguf(facts, path)


def _gguf(facts: dict[str, Any], path: Path) -> Gguf:
    architecture = str(facts.get("general.architecture", ""))

    def number(key: str, default: int = 0) -> int:
        value = facts.get(f"{architecture}.{key}", default)
        return int(max(value) if isinstance(value, list) else value)

    heads = number("attention.head_count", 1) or 1
    width = number("embedding_length") // heads
    key, value = number("attention.key_length", width), number("attention.value_length", width)
    cached_heads = number("attention.head_count_kv", heads)
    return Gguf(
        name=str(facts.get("general.name", path.stem)),
        architecture=architecture,
        size=path.stat().st_size,
        trained_context=number("context_length"),
        cache_per_token=2 * number("block_count") * cached_heads * (key + value),
        has_chat="tokenizer.chat_template" in facts,
    )


def _metadata(file: BinaryIO) -> dict[str, Any]:
    magic, version, _tensors, count = struct.unpack("<4sIQQ", _exactly(file, 24))
    if magic != b"GGUF" or version not in (2, 3) or count > 100_000:
        raise ValueError("not GGUF")
    facts: dict[str, Any] = {}
    for _ in range(count):
        key = _string(file)
        (kind,) = struct.unpack("<I", _exactly(file, 4))
        facts[key] = _value(file, kind)
    return facts


def _value(file: BinaryIO, kind: int) -> Any:
    if kind == _STRING:
        return _string(file)
    if kind != _ARRAY:
        code = _scalar(kind)
        return struct.unpack(f"<{code}", _exactly(file, struct.calcsize(code)))[0]
    item, length = struct.unpack("<IQ", _exactly(file, 12))
    if length > _LONGEST:
        raise ValueError("array too long")
    if item == _STRING:  # the vocabulary: walked over, not kept
        for _ in range(length):
            _exactly(file, _length(file))
        return []
    code = f"<{length}{_scalar(item)}"
    return list(struct.unpack(code, _exactly(file, struct.calcsize(code))))


def _scalar(kind: int) -> str:
    if kind not in _SCALARS:
        raise ValueError(f"unknown type {kind}")
    return _SCALARS[kind]


def _string(file: BinaryIO) -> str:
    return _exactly(file, _length(file)).decode()


def _exactly(file: BinaryIO, length: int) -> bytes:
    found = file.read(length)
    if len(found) != length:
        raise ValueError("cut short")
    return found


def _length(file: BinaryIO) -> int:
    (length,) = struct.unpack("<Q", _exactly(file, 8))
    if length > _LONGEST:
        raise ValueError("string too long")
    return int(length)
