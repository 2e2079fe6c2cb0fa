"""What the API does with records, notes, searches, queries and fields, with Zoho's own words for what it refuses."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.zoho.world import Record, World

EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
PHONE = re.compile(r"\+?[0-9\s\-.]{3,30}")  # parentheses are refused
BY = {"name": "Counterman", "id": "554023000000235011"}


@dataclass(frozen=True)
class Answer:
    status: int
    body: dict[str, Any] | None = None


@dataclass(frozen=True)
class Call:
    world: World
    method: str
    path: str
    query: dict[str, str]
    body: Any


class Refused(Exception):
    """Zoho's refusal of one record."""

    def __init__(self, code: str, message: str, **details: Any) -> None:
        super().__init__(code)
        self.row = {"code": code, "details": details, "message": message, "status": "error"}


def routed(call: Call) -> Answer:
    for method, pattern, run in ROUTES:
        if call.method == method and (match := re.fullmatch(pattern, call.path)):
            return run(call, *match.groups())
    said = {"code": "INVALID_URL_PATTERN", "details": {}, "message": "Please check if the URL is correct",
            "status": "error"}  # fmt: skip
    return Answer(404, said)


def _create(call: Call) -> Answer:
    return _rows([_tried(_made, call.world, row) for row in call.body["data"]], good=201)


def _upsert(call: Call) -> Answer:
    keys = call.body.get("duplicate_check_fields") or ["Email"]
    return _rows([_tried(_upserted, call.world, row, keys) for row in call.body["data"]], good=200)


def _update(call: Call, id: str) -> Answer:
    return _rows([_tried(_changed, call.world, id, row) for row in call.body["data"]], good=200)


def _get(call: Call, id: str) -> Answer:
    record = call.world.records.get(id)
    return Answer(200, {"data": [_shown(record.data, call.query.get("fields"))]}) if record else Answer(204)


def _delete(call: Call, id: str) -> Answer:
    return _rows([_tried(_dropped, call.world, id)], good=200)


def _search(call: Call) -> Answer:
    """Sees what its index knows; `equals` finds parts."""
    wanted = _criteria(call.query)
    now = time.time()
    seen = [(record, data) for record in call.world.records.values() if (data := record.seen(now))]
    found = [data for _, data in seen if any(_resembles(data.get(name), value) for name, value in wanted)]
    return _listed(found, call.query.get("fields"))


def _coql(call: Call) -> Answer:
    query = call.body["select_query"]
    match = re.fullmatch(r"select (.+?) from (\w+) where (.+?)(?: limit (\d+))?", query, re.IGNORECASE | re.DOTALL)
    if match is None:
        return _plainly(400, "SYNTAX_ERROR", "error occured while parsing the query")
    fields, _, where, limit = match.groups()
    try:
        test, rest = _condition(where.strip())
    except ValueError:
        return _plainly(400, "SYNTAX_ERROR", "error occured while parsing the query")
    if rest.strip():
        return _plainly(400, "SYNTAX_ERROR", "more than two conditions have to be joined with parentheses")
    found = [record.data for record in call.world.records.values() if test(record.data)]
    return _listed(found[: int(limit or 200)], fields.replace(" ", ""))


def _add_notes(call: Call, id: str) -> Answer:
    record = call.world.records.get(id)
    if record is None:
        raise_ = Refused("INVALID_DATA", "the id given seems to be invalid", api_name="Parent_Id")
        return Answer(400, {"data": [raise_.row]})
    ids = [call.world.add_note(record, row.get("Note_Title", ""), row["Note_Content"]) for row in call.body["data"]]
    return Answer(201, {"data": [_good(one, "record added") for one in ids]})


def _add_notes_anywhere(call: Call) -> Answer:
    """The other way: the note says whose it is."""
    return _add_notes(call, str(call.body["data"][0]["Parent_Id"]["id"]))


def _notes(call: Call, id: str) -> Answer:
    record = call.world.records.get(id)
    return _listed(record.notes[::-1] if record else [], call.query.get("fields"))


def _delete_note(call: Call, id: str, note: str) -> Answer:
    record = call.world.records.get(id)
    if record is None or not any(one["id"] == note for one in record.notes):
        return Answer(400, {"data": [Refused("INVALID_DATA", "the id given seems to be invalid", id=note).row]})
    record.notes = [one for one in record.notes if one["id"] != note]
    return Answer(200, {"data": [_good(note, "record deleted")]})


def _fields(call: Call) -> Answer:
    return Answer(200, {"fields": call.world.fields})


def _add_field(call: Call) -> Answer:
    rows = []
    for asked in call.body["fields"]:
        name = asked["field_label"].replace(" ", "_")
        if any(one["api_name"] == name for one in call.world.fields):
            rows.append(Refused("DUPLICATE_DATA", "duplicate data", api_name="field_label").row)
            continue
        call.world.add_unique(name, asked["field_label"], asked.get("length", 255))
        rows.append(_good("5540230001", "field created"))
    return Answer(201 if all(row["status"] == "success" for row in rows) else 400, {"fields": rows})


def _users(call: Call) -> Answer:
    """Whose permission it is; Zoho's SDK asks."""
    return Answer(200, {"users": [{**BY, "email": "owner@romashka.example", "status": "active"}]})


def _org(call: Call) -> Answer:
    return Answer(200, {"org": [{"company_name": "Romashka LLC", "id": "55402", "country_code": "RU"}]})


ROUTES: tuple[tuple[str, str, Callable[..., Answer]], ...] = (
    ("POST", r"/coql", _coql), ("GET", r"/org", _org), ("GET", r"/users", _users),
    ("GET", r"/settings/fields", _fields), ("POST", r"/settings/fields", _add_field),
    ("POST", r"/Leads", _create), ("POST", r"/Leads/upsert", _upsert), ("GET", r"/Leads/search", _search),
    ("PUT", r"/Leads/(\d+)", _update), ("GET", r"/Leads/(\d+)", _get), ("DELETE", r"/Leads/(\d+)", _delete),
    ("POST", r"/Leads/(\d+)/Notes", _add_notes), ("POST", r"/Notes", _add_notes_anywhere),
    ("GET", r"/Leads/(\d+)/Notes", _notes), ("DELETE", r"/Leads/(\d+)/Notes/(\d+)", _delete_note),
)  # fmt: skip


def _tried(run: Callable[..., dict[str, Any]], *given: Any) -> dict[str, Any]:
    try:
        return run(*given)
    except Refused as refused:
        return refused.row


def _made(world: World, row: dict[str, Any]) -> dict[str, Any]:
    _check(world, row, new=True)
    return _good(world.insert(row).id, "record added")


def _upserted(world: World, row: dict[str, Any], keys: list[str]) -> dict[str, Any]:
    allowed = {"Email", *world.unique_fields()}
    if strangers := [key for key in keys if key not in allowed]:
        raise Refused("INVALID_DATA", "the field is not a unique field", api_name=strangers[0])
    for key in keys:
        found = [one for one in world.records.values() if row.get(key) and _same(one.data.get(key), row[key])]
        if found:
            _check(world, row, new=False, own=found[0])
            world.change(found[0], row)
            return {**_good(found[0].id, "record updated"), "action": "update", "duplicate_field": key}
    return {**_made(world, row), "action": "insert", "duplicate_field": None}


def _changed(world: World, id: str, row: dict[str, Any]) -> dict[str, Any]:
    record = world.records.get(id)
    if record is None:
        raise Refused("INVALID_DATA", "the id given seems to be invalid", api_name="id", json_path="$.data[0].id")
    _check(world, row, new=False, own=record)
    world.change(record, row)
    return _good(id, "record updated")


def _dropped(world: World, id: str) -> dict[str, Any]:
    if world.records.pop(id, None) is None:
        raise Refused("INVALID_DATA", "the id given seems to be invalid", id=id)
    return _good(id, "record deleted")


def _check(world: World, row: dict[str, Any], *, new: bool, own: Record | None = None) -> None:
    """Zoho's rules for a record's values."""
    for one in world.fields:
        name, value = one["api_name"], row.get(one["api_name"])
        path = f"$.data[0].{name}"
        if one["system_mandatory"] and ((new and not value) or (name in row and not value)):
            raise Refused("MANDATORY_NOT_FOUND", "required field not found", api_name=name, json_path=path)
        if value in (None, ""):
            continue
        if not isinstance(value, str):
            raise Refused("INVALID_DATA", "invalid data", api_name=name, json_path=path, expected_data_type="string")
        if one["length"] and len(value) > one["length"]:
            raise Refused("INVALID_DATA", "invalid data", api_name=name, json_path=path, maximum_length=one["length"])
        if one["data_type"] == "email" and not EMAIL.fullmatch(value):
            raise Refused("INVALID_DATA", "invalid data", api_name=name, json_path=path, expected_data_type="email")
        if one["data_type"] == "phone" and not PHONE.fullmatch(value):
            raise Refused("INVALID_DATA", "invalid data", api_name=name, json_path=path, expected_data_type="phone")
        if one["unique"]:
            _unique(world, name, value, own)


def _unique(world: World, name: str, value: str, own: Record | None) -> None:
    for other in world.records.values():
        if other is not own and _same(other.data.get(name), value):
            other_ = {"id": other.id, "Owner": BY, "module": {"api_name": "Leads", "id": "554023"}}
            raise Refused(
                "DUPLICATE_DATA", "duplicate data", api_name=name, json_path=f"$.data[0].{name}", id=other.id,
                duplicate_record=other_,
            )  # fmt: skip


def _same(one: Any, other: Any) -> bool:
    return bool(one) and str(one).casefold() == str(other).casefold()


def _rows(rows: list[dict[str, Any]], *, good: int) -> Answer:
    """All well: `good`; none: 400; some: 207, as Zoho's partial success is."""
    well = sum(row["status"] == "success" for row in rows)
    return Answer(good if well == len(rows) else 207 if well else 400, {"data": rows})


def _good(id: str, message: str) -> dict[str, Any]:
    now = "2026-11-22T12:00:00+03:00"
    details = {"id": id, "Created_Time": now, "Modified_Time": now, "Created_By": BY, "Modified_By": BY}
    return {"code": "SUCCESS", "details": details, "message": message, "status": "success"}


def _listed(found: list[dict[str, Any]], fields: str | None) -> Answer:
    if not found:
        return Answer(204)
    rows = [_shown(data, fields) for data in found]
    return Answer(200, {"data": rows, "info": {"count": len(rows), "page": 1, "per_page": 200, "more_records": False}})


def _shown(data: dict[str, Any], fields: str | None) -> dict[str, Any]:
    return {name: data.get(name) for name in fields.split(",")} | {"id": data["id"]} if fields else data


def _plainly(status: int, code: str, message: str) -> Answer:
    return Answer(status, {"code": code, "details": {}, "message": message, "status": "error"})


def _resembles(value: Any, wanted: str) -> bool:
    return bool(value) and wanted.casefold() in str(value).casefold()


def _criteria(query: dict[str, str]) -> list[tuple[str, str]]:
    for name in ("email", "phone"):
        if query.get(name):
            return [(name.capitalize(), query[name])]
    parts = re.findall(r"\((\w+):equals:((?:\\.|[^\\()])*)\)", query.get("criteria", ""))
    return [(name, re.sub(r"\\(.)", r"\1", value)) for name, value in parts]


def _condition(text: str) -> tuple[Callable[[dict[str, Any]], bool], str]:
    """One condition, or two joined within parentheses; gives the rest of the text. Raises `ValueError`."""
    text = text.lstrip()
    if not text.startswith("("):
        match = re.match(r"(\w+)\s*=\s*'((?:\\.|[^'\\])*)'", text)
        if match is None:
            raise ValueError(text)
        name, value = match[1], re.sub(r"\\(.)", r"\1", match[2])
        return (lambda data: _same(data.get(name), value)), text[match.end() :]
    left, rest = _condition(text[1:])
    joined = re.match(r"\s*(and|or)\s+", rest)
    if joined is None:
        raise ValueError(rest)
    right, rest = _condition(rest[joined.end() :])
    rest = rest.lstrip()
    if not rest.startswith(")"):
        raise ValueError(rest)
    if joined[1] == "or":
        return (lambda data: left(data) or right(data)), rest[1:]
    return (lambda data: left(data) and right(data)), rest[1:]
