"""Turns a JSON Schema into a grammar in GBNF, with the converter of llama.cpp that llama-cpp-python carries.

That converter is made to be lenient: it passes over keywords that it does not know, writes what is not ASCII as
escapes, lets blanks stand anywhere, and takes a pattern's character classes for JSON's own. Here a keyword that cannot
be held is refused, and the grammar writes what `json.dumps(..., ensure_ascii=False)` writes, as the other runtime does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from importlib import import_module
from typing import Any

from models.base import ModelRejected
from models.engine.llama import library

_HELD = {
    *("type", "properties", "required", "additionalProperties", "items", "prefixItems", "minItems", "maxItems"),
    *("enum", "const", "anyOf", "oneOf", "pattern", "minLength", "maxLength", "format"),
    *("$ref", "$defs", "definitions", "$schema", "$id", "$comment", "$anchor"),
    *("title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"),
}
_FORMATS = ("date", "time", "date-time", "uuid")
_CHAR = r'[^"\\\x00-\x1F\x7F] | "\\" ["\\/bfnrt]'  # of a JSON string; no \u: every character is written as itself
_BARRED = ((0x00, 0x1F), (0x22, 0x22), (0x5C, 0x5C), (0x7F, 0x7F))  # what may not stand in it as itself
_LAST = 0x10FFFF
_PARTS = re.compile(r'("(?:\\.|[^"\\])*"|\[(?:\\.|[^\]\\])*\])')  # literals and character classes of a GBNF rule
_UNITS = re.compile(r"\\(.)|\[(\^?)((?:\\.|[^\]\\])*)\]|(\.)|(\")", re.DOTALL)  # of a pattern, but for plain characters
_INSIDE = re.compile(r"(\\?.)(?:-(\\?[^\]]))?", re.DOTALL)  # of a class: a character, or a range
_CLASSES = {"d": [(0x30, 0x39)], "w": [(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)], "s": [(0x20, 0x20)]}
_REPEATED = re.compile(r"\^(\[(?:\\.|[^\]\\])*\]|\.)[*+]\$", re.DOTALL)


def rules(schema: Mapping[str, Any]) -> str:
    """The grammar of one document that obeys `schema`; `ModelRejected` where it cannot be held to."""
    return _rules(json.dumps(schema, ensure_ascii=False))


@lru_cache(maxsize=64)  # a dialogue says the same few schemas again
def _rules(text: str) -> str:
    schema = _held(json.loads(text))
    converter = _converter()(prop_order={}, allow_fetch=False, dotall=False, raw_pattern=False)
    try:
        converter.visit(converter.resolve_refs(schema, "schema"), "")
    except (AssertionError, KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ModelRejected(f"The schema cannot be made into a grammar: {error}") from error
    return str(converter.format_grammar())


def _held(node: Any, *, names: bool = False) -> Any:
    """The schema with its patterns as the converter takes them; `names`: the keys are property names, not keywords."""
    if isinstance(node, list):
        return [_held(each) for each in node]
    if not isinstance(node, dict):
        return node
    if names:
        return {name: _held(each) for name, each in node.items()}
    if unknown := sorted(set(node) - _HELD):
        raise ModelRejected(f"The model's runtime cannot hold to {unknown[0]!r} of the schema; say it otherwise.")
    if "format" in node and node["format"] not in _FORMATS:
        raise ModelRejected(f"The model's runtime knows no format {node['format']!r}; say it as a pattern.")
    literal = ("enum", "const", "default", "examples", "required")
    held = {
        key: each if key in literal else _held(each, names=key in ("properties", "$defs", "definitions"))
        for key, each in node.items()
    }
    return {**held, "pattern": _pattern(held)} if isinstance(held.get("pattern"), str) else held


def _pattern(schema: Mapping[str, Any]) -> str:
    """The pattern of a string with the string's lengths in it, and closed against what JSON would have to escape."""
    pattern, least, most = str(schema["pattern"]), schema.get("minLength"), schema.get("maxLength")
    if least is not None or most is not None:
        if not (repeated := _REPEATED.fullmatch(pattern)):
            raise ModelRejected("A schema's pattern can be joined with a length only where it is ^[...]*$ or ^[...]+$.")
        least = max(least or 0, int(pattern.endswith("+$")))
        pattern = f"^{repeated[1]}{{{least},{'' if most is None else most}}}$"
    return _UNITS.sub(_unit, pattern)


def _unit(found: re.Match[str]) -> str:
    """A class, an escape or a dot of a pattern, in the words of GBNF."""
    escaped, negated, inside, dot, quote = found.groups()
    if inside is not None:
        return _class([_range(*each.groups()) for each in _INSIDE.finditer(inside)], negated=bool(negated))
    if dot:
        return _class([], negated=True)
    if escaped in _CLASSES:
        return _class([_CLASSES[escaped]], negated=False)
    if quote or escaped.isalnum() or escaped in '"\\':
        raise ModelRejected(f"The model's runtime cannot hold to {found[0]!r} in a schema's pattern; say it otherwise.")
    return f"\\{escaped}" if escaped in "[]()|{}*+?" else _class([[(ord(escaped), ord(escaped))]], negated=False)


def _range(first: str, last: str | None) -> list[tuple[int, int]]:
    if first[0] == "\\" and first[1:] in _CLASSES and last is None:
        return _CLASSES[first[1:]]
    ends = [each.removeprefix("\\") or "\\" for each in (first, last or first)]
    if any(each[0] == "\\" and end.isalnum() for each, end in zip((first, last or first), ends, strict=True)):
        raise ModelRejected(f"The model's runtime cannot hold to {first!r} in a class of a schema's pattern.")
    return [(ord(ends[0]), ord(ends[1]))]


def _class(parts: Sequence[Sequence[tuple[int, int]]], *, negated: bool) -> str:
    """A class of GBNF without the characters that JSON bars from its strings."""
    ranges = sorted(each for part in parts for each in part)
    kept, start = [], 0
    for low, high in sorted([*(ranges if negated else _complement(ranges)), *_BARRED]):
        if low > start:
            kept.append((start, low - 1))
        start = max(start, high + 1)
    kept += [(start, _LAST)] if start <= _LAST else []
    if not kept:
        raise ModelRejected("A class of a schema's pattern allows no character at all.")
    return f"[{''.join(_code(low) if low == high else f'{_code(low)}-{_code(high)}' for low, high in kept)}]"


def _complement(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    found, start = [], 0
    for low, high in ranges:
        if low > start:
            found.append((start, low - 1))
        start = max(start, high + 1)
    return [*found, (start, _LAST)] if start <= _LAST else found


def _code(point: int) -> str:
    return chr(point) if chr(point).isalnum() else f"\\U{point:08X}"


@cache
def _converter() -> Any:
    library()
    base: Any = import_module("llama_cpp.llama_grammar").SchemaConverter

    class Converter(base):  # type: ignore[misc]
        """The same, but strict; the names are those of its methods."""

        def _generate_constant_rule(self, value: Any) -> Any:
            return self._format_literal(json.dumps(value, ensure_ascii=False))

        def _format_literal(self, literal: str) -> str:
            escaped = literal.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
            return f'"{escaped}"'

        def _add_rule(self, name: str, rule: str) -> Any:
            return super()._add_rule(name, _CHAR if name == "char" else _spaced(rule))

    return Converter


def _spaced(rule: str) -> str:
    """The rule with one blank behind a colon and a comma, and none elsewhere."""
    parts = _PARTS.split(rule)
    for at in range(0, len(parts), 2):  # what lies between literals and classes
        before = parts[at - 1] if at else ""
        if re.match(r"\s*space\b", parts[at]) and before in ('":"', '","'):
            parts[at - 1] = before[:-1] + ' "'
        parts[at] = re.sub(r"(?<![\w-])space(?![\w-])", "", parts[at])
    return "".join(parts).strip() or '""'
