"""Zoho CRM's API, thinly: a request with a time limit and the token of all processes; refusals become `CrmError`s.

Whether it worked is told by `status` in the answer's body, not by HTTP's status alone: Zoho says 200, 201, 202, 207.
Facts: https://www.zoho.com/crm/developer/docs/api/v8/status-codes.html.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from datetime import timedelta
from functools import reduce
from typing import Any
from urllib.parse import urlencode

import httpx

from appliance.crm.base import CrmAway, CrmBusy, CrmClosed, CrmError, CrmRefused
from appliance.crm.zoho_auth import Token, Tokens

TIMEOUT = httpx.Timeout(20, connect=10)  # seconds; the whole push has to end within its lease
RESERVE = 20  # API credits that are left for people and other programs
CREDITS = timedelta(minutes=30)  # before looking again whether there are more
NOT_OURS = {"INVALID_TOKEN", "AUTHENTICATION_FAILURE", "INVALID_OAUTHTOKEN"}  # the token is refused
TOKENS = 2  # newer ones for one request: another process's may have ended as well when it gets here
BUSY = {"TOO_MANY_REQUESTS", "LIMIT_EXCEEDED"}

# Requests of the push that is under way: each push is a task of its own, so each counts its own.
requests: ContextVar[list[str] | None] = ContextVar("requests", default=None)


class NoRecord(Exception):
    """There is no such record in Zoho: it was deleted, or became something else."""


class Duplicate(Exception):
    """Zoho holds another record with the same value in a field that must be unique."""

    def __init__(self, field: str, record: str) -> None:
        super().__init__(field)
        self.field, self.record = field, record


class ZohoApi:
    """`version` v3 to v8; `module` the API name of what leads are there."""

    def __init__(self, *, tokens: Tokens, http: httpx.AsyncClient, version: str = "v8", module: str = "Leads") -> None:
        self._tokens, self._http, self._version = tokens, http, version
        self.module = module
        self._credits: int | None = None

    async def create(self, record: Mapping[str, Any]) -> str:
        """The new record's id. Not safe twice: use `upsert` where there is a unique field."""
        body = await self._ask("POST", self.module, json={"data": [record]})
        return _done(body)

    async def upsert(self, record: Mapping[str, Any], *, unique: str) -> str:
        """The id of the record with this value in `unique`, made or brought up to date."""
        body = await self._ask(
            "POST", f"{self.module}/upsert", json={"data": [record], "duplicate_check_fields": [unique]}
        )
        return _done(body)

    async def update(self, id: str, record: Mapping[str, Any]) -> None:
        """Raises `NoRecord`."""
        _done(await self._ask("PUT", f"{self.module}/{id}", json={"data": [record]}))

    async def record(self, id: str) -> Mapping[str, Any]:
        """Raises `NoRecord`."""
        body = await self._ask("GET", f"{self.module}/{id}")
        return _first(body)

    async def search(self, wanted: Mapping[str, str], fields: Sequence[str]) -> list[Mapping[str, Any]]:
        """Records that resemble any of `wanted` (field -> value). The index lags, and `equals` matches parts."""
        either = "or".join(f"({field}:equals:{_escaped(value)})" for field, value in wanted.items())
        criteria = f"({either})" if len(wanted) > 1 else either
        body = await self._ask(
            "GET", f"{self.module}/search", params={"criteria": criteria, "fields": ",".join(["id", *fields])}
        )
        return _rows(body)

    async def query(self, wanted: Mapping[str, str], fields: Sequence[str]) -> list[Mapping[str, Any]]:
        """Records with any of `wanted`, by COQL: it sees what was written a moment ago."""
        conditions = [f"{field} = '{_quoted(value)}'" for field, value in wanted.items()]
        where = reduce("({} or {})".format, conditions)  # COQL joins two at a time
        select = f"select {', '.join(['id', *fields])} from {self.module} where {where} limit 20"  # noqa: S608
        return _rows(await self._ask("POST", "coql", json={"select_query": select}))

    async def add_note(self, id: str, title: str, text: str) -> None:
        """Raises `NoRecord`. Not safe twice: look with `notes` first."""
        note = {"Note_Title": title[:120], "Note_Content": text[:65535]}
        _done(await self._ask("POST", f"{self.module}/{id}/Notes", json={"data": [note]}))

    async def notes(self, id: str) -> list[Mapping[str, Any]]:
        """The newest notes of a record."""
        params = {"fields": "id,Note_Title", "sort_by": "Created_Time", "sort_order": "desc"}
        return _rows(await self._ask("GET", f"{self.module}/{id}/Notes", params=params))

    async def delete(self, id: str) -> None:
        """Raises `NoRecord`."""
        _done(await self._ask("DELETE", f"{self.module}/{id}"))

    async def delete_note(self, id: str, note: str) -> None:
        """Raises `NoRecord`."""
        _done(await self._ask("DELETE", f"{self.module}/{id}/Notes/{note}"))

    async def fields(self) -> list[Mapping[str, Any]]:
        """The module's fields, as Zoho describes them."""
        params = {"module": self.module, "include": "allowed_permissions_to_update"}
        body = await self._ask("GET", "settings/fields", params=params)
        found = body.get("fields", [])
        return list(found)

    async def add_unique_field(self, label: str, length: int) -> None:
        """Makes a text field that holds no value twice. Zoho makes its API name of the label."""
        field = {"field_label": label, "data_type": "text", "length": length, "unique": {"case_sensitive": False}}
        params = {"module": self.module}
        body = await self._ask("POST", "settings/fields", params=params, json={"fields": [field]})
        _done({"data": body.get("fields", [])})

    async def organisation(self) -> str:
        body = await self._ask("GET", "org")
        known: list[dict[str, Any]] = body.get("org") or [{}]
        return str(known[0].get("company_name", ""))

    async def _ask(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, json: Any = None
    ) -> dict[str, Any]:
        """One request; another with a new token where it was refused for the token."""
        if self._credits is not None and self._credits <= RESERVE:
            left, self._credits = self._credits, None  # the next one after the pause asks anew
            raise CrmBusy("credits", left=left, retry_after=CREDITS)
        token = await self._tokens.current()
        answer = await self._send(token, method, path, params, json)
        for _ in range(TOKENS):
            if answer.status_code != 401 or _code(_body(answer)) not in NOT_OURS:
                break
            token = await self._tokens.renewed(token.number)
            answer = await self._send(token, method, path, params, json)
        left = answer.headers.get("X-API-CREDITS-REMAINING", "")
        if left.isdigit():
            self._credits = int(left)
        body = _body(answer)
        if answer.status_code < 400 or _rows(body) or body.get("fields"):  # refusals of single records among them
            return body
        raise _refusal(answer, body, f"{method} {path}", token)

    async def _send(
        self, token: Token, method: str, path: str, params: Mapping[str, str] | None, json: Any
    ) -> httpx.Response:
        if (count := requests.get()) is not None:
            count.append(f"{method} {path}")
        query = f"?{urlencode(params)}" if params else ""
        try:
            return await self._http.request(
                method, f"{token.api_url}/crm/{self._version}/{path}{query}", json=json, timeout=TIMEOUT,
                headers={"Authorization": f"Zoho-oauthtoken {token.value}"},
            )  # fmt: skip
        except httpx.HTTPError as error:
            raise CrmAway("away", crm="Zoho", what=str(error) or type(error).__name__) from error


def _body(answer: httpx.Response) -> dict[str, Any]:
    """Of 204, and of whatever is no JSON object, an empty one."""
    try:
        body = answer.json() if answer.content else {}
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _rows(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    data = body.get("data")
    return [row for row in data if isinstance(row, dict)] if isinstance(data, list) else []


def _first(body: Mapping[str, Any]) -> Mapping[str, Any]:
    rows = _rows(body)
    if not rows:
        raise NoRecord
    return rows[0]


def _code(body: Mapping[str, Any]) -> str:
    return str(body.get("code", ""))


def _done(body: Mapping[str, Any]) -> str:
    """The id in the answer about one record. Raises what the record was refused for."""
    row = next(iter(_rows(body)), None)
    if row is None:
        raise CrmAway("odd", crm="Zoho", status=200, what="no data in the answer")
    details = row.get("details") if isinstance(row.get("details"), dict) else {}
    assert isinstance(details, dict)
    if row.get("status") == "success":
        return str(details.get("id", ""))
    raise _refused(str(row.get("code", "")), str(row.get("message", "")), details)


def _refused(code: str, message: str, details: Mapping[str, Any]) -> Exception:
    """Why Zoho does not take one record."""
    field = str(details.get("api_name") or details.get("json_path") or "")
    match code:
        case "DUPLICATE_DATA":
            other = details.get("duplicate_record") or details
            return Duplicate(field, str(other.get("id", "")))
        case "MANDATORY_NOT_FOUND" | "REQUIRED_PARAM_MISSING" | "EXPECTED_FIELD_MISSING":
            return CrmRefused("required", field=field)
        case "INVALID_DATA" if details.get("maximum_length"):
            return CrmRefused("long", field=field, most=details["maximum_length"])
        case "INVALID_DATA" if field in ("id", "Parent_Id") or "id given" in message:
            return NoRecord()
        case "INVALID_DATA" if field:
            return CrmRefused("invalid", field=field)
        case "RECORD_LOCKED":
            return CrmAway("locked")
        case _:
            return _denied(code, message) or CrmRefused("refused", crm="Zoho", what=f"{code} {message}".strip())


def _denied(code: str, what: str) -> CrmError | None:
    """What is refused whatever the lead is."""
    match code:
        case "OAUTH_SCOPE_MISMATCH":
            return CrmClosed("scope", what=what)
        case "NO_PERMISSION" | "AUTHORIZATION_FAILED" | "PERMISSION_DENIED":
            return CrmClosed("forbidden", what=what)
        case "INVALID_URL_PATTERN" | "INVALID_MODULE" | "API_NOT_SUPPORTED" | "INVALID_REQUEST_METHOD":
            return CrmClosed("api", what=what)
        case code if code in BUSY:
            return CrmBusy("busy", crm="Zoho")
        case code if code in NOT_OURS:
            return CrmClosed("revoked")
        case _:
            return None


def _refusal(answer: httpx.Response, body: Mapping[str, Any], what: str, token: Token) -> Exception:
    """Why Zoho does not answer at all."""
    code, message, status = _code(body), str(body.get("message", "")), answer.status_code
    if code == "INVALID_HOST":
        return CrmClosed("host", url=token.api_url)
    if denied := _denied(code, what):
        return denied
    match status:
        case 429:
            return CrmBusy("busy", crm="Zoho", retry_after=_seconds(answer))
        case 401:
            return CrmClosed("revoked")
        case 403:
            return CrmClosed("forbidden", what=what)
        case 404:
            return NoRecord() if re.search(r"/\d{10,}", what) else CrmClosed("api", what=what)
        case status if status >= 500:
            return CrmAway("broken", crm="Zoho", status=status, retry_after=_seconds(answer))
        case _:
            details = body.get("details")
            return _refused(code, message, details if isinstance(details, dict) else {})


def _seconds(answer: httpx.Response) -> timedelta | None:
    after = answer.headers.get("Retry-After", "")
    return timedelta(seconds=min(int(after), 3600)) if after.isdigit() else None


def _escaped(value: str) -> str:
    """As a criteria string wants it."""
    return re.sub(r"([\\(),])", r"\\\1", value)


def _quoted(value: str) -> str:
    """As a COQL string wants it."""
    return value.replace("\\", "\\\\").replace("'", "\\'")
