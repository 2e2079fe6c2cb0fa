"""Holds a model to the JSON Schema that it was given."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import jsonschema

from models.base import ModelError, ModelRejected


def check_schema(schema: Any) -> dict[str, Any]:
    """The schema itself; `ModelRejected` if it is none."""
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise ModelRejected(f"The schema is no valid JSON Schema: {error.message}") from error
    return dict(schema)


def check(text: str, schema: Mapping[str, Any], *, cut: bool) -> None:
    """`ModelError` unless `text` is one whole document that obeys; `cut` says that a token limit ended it.

    Needed although servers promise it: some ignore schemas, or parts of them, and a limit cuts any document.
    """
    if cut:
        raise ModelError("The answer reached its token limit before its document was complete; allow it more tokens.")
    try:
        jsonschema.validate(json.loads(text), dict(schema))
    except (ValueError, jsonschema.ValidationError) as error:
        raise ModelError("The model did not hold to the schema that it was given.") from error
    except jsonschema.SchemaError as error:
        raise ModelRejected(f"The schema is no valid JSON Schema: {error.message}") from error


def example(schema: Mapping[str, Any]) -> Any:
    """A smallest value that obeys, as far as types, enums, lengths and required properties say; see `check`."""
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for choice in ("anyOf", "oneOf"):
        if schema.get(choice):
            return example(schema[choice][0])
    kind = schema.get("type", "object" if "properties" in schema else "null")
    match kind[0] if isinstance(kind, list) else kind:
        case "object":
            known = schema.get("properties", {})
            return {key: example(known.get(key, {})) for key in schema.get("required", ())}
        case "array":
            return [example(schema.get("items", {})) for _ in range(schema.get("minItems", 0))]
        case "string":
            return "a" * schema.get("minLength", 0)
        case "integer" | "number":
            return schema.get("minimum", 0)
        case "boolean":
            return False
        case _:
            return None
