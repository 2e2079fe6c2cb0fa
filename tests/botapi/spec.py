"""Checks requests, results and updates against the specification of the Bot API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

LATER = {"sendMessageDraft": {"can_stop", "keep_on_stop"}}  # parameters newer than the specification's 10.1
ARRAY = "Array of "


class BadRequest(Exception):
    """What Telegram refuses with 400 (or the given code); the message is its description."""

    def __init__(self, description: str, *, code: int = 400, **parameters: Any) -> None:
        super().__init__(description)
        self.code, self.parameters = code, parameters


@cache
def specification() -> Mapping[str, Any]:
    return json.loads(Path(__file__).with_name("spec.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def method_named(name: str) -> str | None:
    """The method's proper spelling: Telegram takes any."""
    return _methods().get(name.lower())


def read_parameters(method: str, given: Mapping[str, Any], files: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a call as typed values; raises `BadRequest` as Telegram would, and for unknown names."""
    fields = {field["name"]: field for field in specification()["methods"][method]["fields"]}
    unknown = set(given) - set(fields) - LATER.get(method, set()) - set(files)
    if unknown:
        raise BadRequest(f"Bad Request: unknown parameter {min(unknown)} of {method}")
    values = {}
    for name, field in fields.items():
        if name not in given or given[name] in ("", None):
            if field.get("required") and name not in files:
                raise BadRequest(f"Bad Request: {_missing(name)}")
            continue
        value = _loosely(given[name], field["types"])
        problem = fault(value, field["types"], where=name)
        if problem:
            raise BadRequest(f"Bad Request: {problem}")
        _check_bounds(value, field)
        values[name] = value
    return values


def fault(value: Any, types: list[str], *, where: str) -> str:
    """Why a value is of none of the types; empty if it is of one."""
    problems = [_fault(value, kind, where) for kind in types]
    return "" if "" in problems else min(problems, key=len, default="")


def check_result(method: str, value: Any) -> None:
    """A promise of this server to its clients: results are what the specification says."""
    problem = fault(value, specification()["methods"][method]["returns"], where=method)
    assert not problem, problem


def check_update(update: Any) -> None:
    problem = fault(update, ["Update"], where="update")
    assert not problem, problem


def _fault(value: Any, kind: str, where: str) -> str:
    if kind.startswith(ARRAY):
        if not isinstance(value, list):
            return f"{where} must be an array"
        return next(
            (why for at, item in enumerate(value) if (why := _fault(item, kind[len(ARRAY) :], f"{where}[{at}]"))), ""
        )
    match kind:
        case "String" | "InputFile":
            return "" if isinstance(value, str) else f"{where} must be a string"
        case "Integer":
            return "" if isinstance(value, int) and not isinstance(value, bool) else f"{where} must be an integer"
        case "Float":
            return "" if isinstance(value, int | float) and not isinstance(value, bool) else f"{where} must be a number"
        case "Boolean":
            return "" if isinstance(value, bool) else f"{where} must be true or false"
    about = specification()["types"].get(kind)
    if about is None:
        return f"{where} is of an unknown type {kind}"
    if "subtypes" in about:
        return fault(value, about["subtypes"], where=where)
    return _object_fault(value, kind, about["fields"], where)


def _object_fault(value: Any, kind: str, fields: list[dict[str, Any]], where: str) -> str:
    if not isinstance(value, dict):
        return f"{where} must be a {kind}"
    known = {field["name"]: field for field in fields}
    for name, given in value.items():
        if name not in known:
            return f"{where}.{name} is no field of {kind}"
        if given is None:
            continue
        if why := fault(given, known[name]["types"], where=f"{where}.{name}"):
            return why
        if known[name].get("is") and given != known[name]["is"]:
            return f"{where}.{name} must be {known[name]['is']}"
        if "bounds" in known[name] and known[name]["bounds"][2] == "bytes" and isinstance(given, str):
            low, high, _ = known[name]["bounds"]
            if not low <= len(given.encode()) <= high:
                return "BUTTON_DATA_INVALID" if name == "callback_data" else f"{where}.{name}: {low}-{high} bytes"
    missing = [name for name, field in known.items() if field.get("required") and name not in value]
    return f"{where}.{missing[0]} is missing" if missing else ""


def _check_bounds(value: Any, field: Mapping[str, Any]) -> None:
    """Bytes and items here; characters are counted after entities are parsed, in `markup`."""
    if "bounds" not in field:
        return
    low, high, unit = field["bounds"]
    size = (
        len(value.encode())
        if unit == "bytes" and isinstance(value, str)
        else len(value)
        if isinstance(value, list)
        else low
    )
    if not low <= size <= high:
        raise BadRequest(f"Bad Request: {field['name']} must have {low}-{high} {unit}")


def _loosely(value: Any, types: list[str]) -> Any:
    """Forms carry everything as text: numbers, flags and objects are read from it, as Telegram does."""
    if not isinstance(value, str):
        return str(value) if types == ["String"] and isinstance(value, int) else value
    if "Integer" in types and value.lstrip("-").isdigit():
        return int(value)
    if types == ["Float"]:
        try:
            return float(value)
        except ValueError:
            return value
    if types == ["Boolean"]:
        return {"true": True, "1": True, "false": False, "0": False}.get(value.lower(), value)
    if "String" in types:
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise BadRequest("Bad Request: can't parse JSON object") from None


def _missing(name: str) -> str:
    return {"text": "message text is empty", "chat_id": "chat_id is empty"}.get(name, f"parameter {name} is required")


@cache
def _methods() -> Mapping[str, str]:
    return {name.lower(): name for name in specification()["methods"]}
