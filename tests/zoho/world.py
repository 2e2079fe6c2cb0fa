"""What Zoho knows: clients and their tokens, fields, records with a lagging index, notes."""

from __future__ import annotations

import itertools
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

ALL_SCOPES = frozenset(
    {"ZohoCRM.modules.leads.ALL", "ZohoCRM.modules.notes.ALL", "ZohoSearch.securesearch.READ", "ZohoCRM.coql.READ",
     "ZohoCRM.settings.fields.ALL", "ZohoCRM.org.READ"}
)  # fmt: skip
STANDARD: tuple[tuple[str, str, int, bool], ...] = (  # api_name, data_type, length, mandatory
    ("Last_Name", "text", 80, True), ("First_Name", "text", 40, False), ("Company", "text", 100, False),
    ("Email", "email", 100, False), ("Phone", "phone", 30, False), ("Mobile", "phone", 30, False),
    ("Description", "textarea", 32000, False), ("Lead_Source", "picklist", 120, False),
    ("Lead_Status", "picklist", 120, False), ("Website", "website", 120, False),
    ("Created_Time", "datetime", 0, False), ("Modified_Time", "datetime", 0, False),
)  # fmt: skip
READ_ONLY = {"Created_Time", "Modified_Time"}


@dataclass(kw_only=True)
class Grant:
    """What a Zoho user has allowed one client."""

    client_id: str
    client_secret: str
    refresh: str = ""
    code: str = ""
    code_until: float = 0.0
    scopes: frozenset[str] = ALL_SCOPES
    asked: list[float] = field(default_factory=list)  # when tokens were given


@dataclass(kw_only=True)
class Access:
    grant: Grant
    until: float
    calls: int = 0


@dataclass(kw_only=True)
class Record:
    id: str
    data: dict[str, Any]
    indexed: list[tuple[float, dict[str, Any]]] = field(default_factory=list)  # (seen by searches from, as then)
    notes: list[dict[str, Any]] = field(default_factory=list)

    def seen(self, now: float) -> dict[str, Any] | None:
        return next((data for at, data in reversed(self.indexed) if at <= now), None)


class World:
    """`index_delay` in seconds, as is `token_life`; `token_calls` ends a token early, after so many requests;
    `allowance` are the day's credits."""

    def __init__(
        self, *, index_delay: float = 0.0, token_life: float = 3600.0, token_calls: int = 0,
        throttle: tuple[int, float] = (10, 600.0), allowance: int = 100_000, concurrency: int = 10,
    ) -> None:  # fmt: skip
        self.index_delay, self.token_life, self.token_calls = index_delay, token_life, token_calls
        self.throttle, self.credits, self.allowance = throttle, allowance, allowance
        self.concurrency = concurrency
        self.grants: list[Grant] = []
        self.tokens: dict[str, Access] = {}
        self.records: dict[str, Record] = {}
        self.fields = [_field(*one) for one in STANDARD]
        self.renewals = 0
        self._ids = itertools.count(554_023_000_000_001_001)

    def add_grant(self, *, code: str = "", **more: Any) -> Grant:
        grant = Grant(
            client_id=f"1000.{secrets.token_hex(8).upper()}", client_secret=secrets.token_hex(20),
            refresh="" if code else f"1000.{secrets.token_hex(16)}", code=code, code_until=time.time() + 180, **more,
        )  # fmt: skip
        self.grants.append(grant)
        return grant

    def access(self, grant: Grant) -> str:
        """A new access token; the sixteenth that lives ends the oldest."""
        token = f"1000.{secrets.token_hex(16)}.{secrets.token_hex(16)}"
        self.tokens[token] = Access(grant=grant, until=time.time() + self.token_life)
        mine = [name for name, one in self.tokens.items() if one.grant is grant]
        for name in mine[:-15]:
            del self.tokens[name]
        self.renewals += 1
        return token

    def add_unique(self, name: str, label: str = "", length: int = 64) -> None:
        self.fields.append(_field(name, "text", length, False, label=label, unique=True))

    def unique_fields(self) -> list[str]:
        return [one["api_name"] for one in self.fields if one["unique"]]

    def insert(self, data: dict[str, Any]) -> Record:
        id, now = str(next(self._ids)), stamp()
        record = Record(id=id, data={**data, "id": id, "Created_Time": now, "Modified_Time": now})
        self.records[id] = record
        self._index(record)
        return record

    def change(self, record: Record, data: dict[str, Any]) -> None:
        record.data.update(data, Modified_Time=stamp())
        self._index(record)

    def add_note(self, record: Record, title: str, content: str) -> str:
        id = str(next(self._ids))
        record.notes.append({"id": id, "Note_Title": title, "Note_Content": content, "Created_Time": stamp()})
        return id

    def _index(self, record: Record) -> None:
        record.indexed.append((time.time() + self.index_delay, dict(record.data)))


def stamp() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _field(
    name: str, kind: str, length: int, mandatory: bool, *, label: str = "", unique: bool = False
) -> dict[str, Any]:
    return {
        "id": str(5_540_230_000 + abs(hash(name)) % 10**9), "api_name": name, "data_type": kind, "length": length,
        "field_label": label or name.replace("_", " "), "display_label": label or name.replace("_", " "),
        "system_mandatory": mandatory, "read_only": name in READ_ONLY, "field_read_only": name in READ_ONLY,
        "custom_field": unique, "visible": True, "unique": {"case_sensitive": False} if unique else {},
        "json_type": "string", "view_type": {"view": True, "edit": True, "quick_create": False, "create": True},
    }  # fmt: skip
