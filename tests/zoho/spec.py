"""Holds requests against Zoho's OpenAPI files, which lie outside the project: they carry no licence."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "facts" / "zoho_oas"
FILES = ("record", "module-search", "related-notes", "coql", "fields")
NOT_REQUIRED = {"include"}  # though the files say so: Zoho's own SDK does not send it


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path in one of the files."""

    file: str
    template: str
    method: str
    pattern: re.Pattern[str]
    literal: int  # characters of the path that are no parameters: the most literal path is meant


class Spec:
    """`wrong` gives what is wrong with a request; empty where nothing is."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Raises `FileNotFoundError` where the files are not."""
        self._files: dict[str, dict[str, Any]] = {
            name: json.loads((folder / f"{name}.json").read_text("utf-8")) for name in FILES
        }
        resources = [(f"urn:{name}", DRAFT202012.create_resource(contents)) for name, contents in self._files.items()]
        self._registry: Registry[Any] = Registry().with_resources(resources)

    def wrong(self, method: str, path: str, query: Mapping[str, str], body: Any) -> str:
        operation = self._operation(method, path)
        if operation is None:
            return f"no such operation: {method} {path}"
        item = self._files[operation.file]["paths"][operation.template]
        found = item[method.lower()]
        given = operation.pattern.fullmatch(path)
        assert given is not None
        said = self._parameters(operation.file, found, given.groupdict(), query)
        return said or self._body(operation.file, found, body)

    def _operation(self, method: str, path: str) -> Operation | None:
        fits = [one for one in self._operations if one.method == method and one.pattern.fullmatch(path)]
        return max(fits, key=lambda one: one.literal, default=None)

    @cached_property
    def _operations(self) -> list[Operation]:
        return [
            Operation(
                file=file, template=template, method=method.upper(),
                pattern=re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template))),
                literal=len(re.sub(r"\{\w+\}", "", template)),
            )
            for file in FILES
            for template, methods in self._files[file]["paths"].items()
            for method in methods
            if method in ("get", "post", "put", "patch", "delete")
        ]  # fmt: skip

    def _parameters(
        self, file: str, operation: Mapping[str, Any], path: Mapping[str, str], query: Mapping[str, str]
    ) -> str:
        known = [self._resolved(file, raw) for raw in operation.get("parameters", [])]
        names = {one["name"]: one for one in known if one["in"] == "query"}
        if strangers := sorted(set(query) - set(names)):
            return f"unknown parameters: {', '.join(strangers)}"
        for one in known:
            given = (path if one["in"] == "path" else query).get(one["name"])
            if given is None:
                if one.get("required") and one["in"] == "query" and one["name"] not in NOT_REQUIRED:
                    return f"{one['name']} is missing"
                continue
            value: Any = int(given) if one["schema"].get("type") == "integer" and given.isdigit() else given
            if said := self._invalid(file, one["schema"], value):
                return f"{one['name']}: {said}"
        return ""

    def _body(self, file: str, operation: Mapping[str, Any], body: Any) -> str:
        wanted = operation.get("requestBody")
        if wanted is None:
            return "a body where none belongs" if body is not None else ""
        if body is None:
            return "the body is missing"
        return self._invalid(file, wanted["content"]["application/json"]["schema"], body)

    def _invalid(self, file: str, schema: Mapping[str, Any], value: Any) -> str:
        """The file is the schema's base, so that its references lead into it."""
        anchored = _anchored(schema, f"urn:{file}")
        error = next(iter(Draft202012Validator(anchored, registry=self._registry).iter_errors(value)), None)
        return f"{'.'.join(map(str, error.absolute_path))} {error.message[:300]}".strip() if error else ""

    def _resolved(self, file: str, raw: Mapping[str, Any]) -> Mapping[str, Any]:
        if "$ref" not in raw:
            return raw
        found: Any = self._files[file]
        for step in str(raw["$ref"]).removeprefix("#/").split("/"):
            found = found[step]
        return dict(found)


def _anchored(schema: Any, base: str) -> Any:
    """References within a file, as seen from outside of it."""
    match schema:
        case {"$ref": str(ref)} if ref.startswith("#"):
            return {**schema, "$ref": f"{base}{ref}"}
        case dict():
            return {name: _anchored(value, base) for name, value in schema.items()}
        case list():
            return [_anchored(value, base) for value in schema]
        case _:
            return schema
