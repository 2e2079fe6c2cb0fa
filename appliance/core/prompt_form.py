"""A prompt as a person edits it: the instruction and the examples; the frame around them stays as it ships."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from appliance.core.prompt import Prompt, build, default_prompt
from appliance.core.types import Card

LONGEST = 6_000  # characters of instruction and examples together: some 2,000 tokens, what a small engine holds
SLOW = 3_000  # from which a small box needs seconds more to begin, until it has computed the beginning once
EXAMPLES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The words that the owner changes; `examples` are (what the model is shown, what it should answer)."""

    system: str
    examples: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with a form: `grave` keeps it from being published. `place` counts examples from 1, 0 is none."""

    id: str  # empty, too_long, slow, many_examples, no_json, no_words, digits, unreadable
    grave: bool
    place: int = 0


def form(body: str) -> Form:
    """The form of a prompt's body."""
    words = tomllib.loads(body)
    examples = tuple((one["user"].strip(), one["assistant"].strip()) for one in words.get("examples", ()))
    return Form(system=str(words["system"]).strip(), examples=examples)


def written(filled: Form, *, version: str, frame: str = "") -> Prompt:
    """A prompt of these words in the frame of another body; without one, of the prompt that ships."""
    words = tomllib.loads(frame or default_prompt().body)
    lines = [f"version = {_quoted(version)}", f"system = {_quoted(filled.system.strip())}", ""]
    if not filled.examples:
        lines += ["examples = []", ""]
    for user, assistant in filled.examples:
        lines += ["[[examples]]", f"user = {_quoted(user.strip())}", f"assistant = {_quoted(assistant.strip())}", ""]
    for table in ("user", "languages"):
        lines += [f"[{table}]", *(f"{name} = {_quoted(text)}" for name, text in words[table].items()), ""]
    return Prompt(name=default_prompt().name, version=version, body="\n".join(lines))


def faults(filled: Form) -> list[Fault]:
    """What would make the model fail or the gate hold everything back; grave ones first."""
    found = [*_size(filled), *(fault for place, one in enumerate(filled.examples, 1) for fault in _example(place, one))]
    if not any(fault.grave for fault in found) and not _builds(filled):
        found.append(Fault(id="unreadable", grave=True))
    return sorted(found, key=lambda fault: not fault.grave)


def _size(filled: Form) -> list[Fault]:
    length = len(filled.system) + sum(len(user) + len(assistant) for user, assistant in filled.examples)
    found = []
    if not filled.system.strip():
        found.append(Fault(id="empty", grave=True))
    if length > LONGEST:
        found.append(Fault(id="too_long", grave=True))
    elif length > SLOW:
        found.append(Fault(id="slow", grave=False))
    if len(filled.examples) > EXAMPLES:
        found.append(Fault(id="many_examples", grave=True))
    return found


def _example(place: int, example: tuple[str, str]) -> list[Fault]:
    """An answer of an example has the form that the model must give, and no figure that it would repeat."""
    if not example[0].strip():
        return [Fault(id="no_words", grave=True, place=place)]
    try:
        answer: Any = json.loads(example[1])
        said, skus = answer["answer"], answer["skus"]
        right = isinstance(said, str) and isinstance(skus, list)
    except (ValueError, KeyError, TypeError):
        right, said = False, ""
    if not right:
        return [Fault(id="no_json", grave=True, place=place)]
    return [Fault(id="digits", grave=False, place=place)] if any(sign.isdigit() for sign in said) else []


def _builds(filled: Form) -> bool:
    """Whether requests can be made of it, about goods and about the company."""
    body = written(filled, version="0").body
    row = Card(sku="A-1", name="A", price=Decimal(1), currency="RUB", stock=Decimal(1))
    try:
        build(body, question="?", lang="ru", rows=[row, replace(row, sku="A-2")])
        build(body, question="?", lang="en", passages=["9:00"])
    except (ValueError, KeyError, IndexError):
        return False
    return True


def next_version(day: str, taken: Sequence[str]) -> str:
    """One more than the highest number of that day: "2026-11-22.4"."""
    numbers = [int(rest) for version in taken if (rest := version.removeprefix(f"{day}.")).isdigit()]
    return f"{day}.{max(numbers, default=0) + 1}"


def _quoted(text: str) -> str:
    """A TOML basic string. JSON's are such, but for the one character that TOML wants escaped and JSON does not."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
