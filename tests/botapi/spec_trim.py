"""Makes `spec.json` from the full api.json of PaulSonOfLars/telegram-bot-api-spec: names, types and lengths only."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

BOUNDS = re.compile(r"(\d+)-(\d+) (characters|bytes|items|identifiers)")
ALLOWED = re.compile(r"1-256 characters. Only characters A-Z, a-z, 0-9, _ and -")


def trimmed(full: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": full["version"],
        "methods": {
            name: {"returns": method["returns"], "fields": [_field(field) for field in method.get("fields", [])]}
            for name, method in full["methods"].items()
        },
        "types": {
            name: {"subtypes": kind["subtypes"]} if kind.get("subtypes") else
            {"fields": [_field(field) for field in kind.get("fields", [])]}
            for name, kind in full["types"].items()
        },
    }  # fmt: skip


def _field(field: dict[str, Any]) -> dict[str, Any]:
    short = {"name": field["name"], "types": field["types"]} | ({"required": True} if field["required"] else {})
    if bounds := BOUNDS.search(field["description"]):
        low, high, unit = bounds.groups()
        short["bounds"] = [int(low), int(high), unit]
    if fixed := re.search(r"(?:must be|always) “(\w+)”|must be (\w+)$", field["description"]):
        short["is"] = fixed[1] or fixed[2]
    return short


if __name__ == "__main__":
    full = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    parts = trimmed(full)
    lines = [f'"version": {json.dumps(parts["version"])}']
    for group in ("methods", "types"):
        rows = (
            f"{json.dumps(name)}: {json.dumps(about, separators=(',', ':'))}" for name, about in parts[group].items()
        )
        lines.append(f'"{group}": {{\n' + ",\n".join(rows) + "\n}")
    Path(__file__).with_name("spec.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
