"""Writes the sample history into a database, in place of the one that is there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from appliance.history.rows import Row
from appliance.history.story import Setting, Story
from appliance.store.sample import FIRST, LAST
from appliance.store.store import plain_url

# In the order in which they refer to each other.
TABLES = ("users", "conversations", "messages", "answers", "visitors", "leads", "consents", "quotations", "audit")
FORGET = (
    "DELETE FROM audit WHERE user_id BETWEEN %(first)s AND %(last)s",
    "DELETE FROM quotations WHERE conversation_id BETWEEN %(first)s AND %(last)s",
    "DELETE FROM leads WHERE conversation_id BETWEEN %(first)s AND %(last)s",
    "DELETE FROM consents WHERE conversation_id BETWEEN %(first)s AND %(last)s",
    "DELETE FROM conversations WHERE id BETWEEN %(first)s AND %(last)s",
    "DELETE FROM users WHERE id BETWEEN %(first)s AND %(last)s",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """How many rows of each table the history has."""

    rows: Mapping[str, int]

    @property
    def dialogues(self) -> int:
        return self.rows["conversations"]


def write_history(url: str, setting: Setting) -> Written:
    """Writes a history, in one transaction, in place of the last one; whatever else is there stays as it is.

    `url` is of a migrated PostgreSQL. Raises psycopg.Error.
    """
    told = Story(setting).tell()
    with psycopg.connect(plain_url(url)) as connection:
        forget(connection)
        for table in TABLES:
            _copy(connection, table, told.tables[table])
    with psycopg.connect(plain_url(url), autocommit=True) as connection:
        for table in TABLES:
            connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))
    return Written(rows={table: len(told.tables[table]) for table in TABLES})


def forget(connection: psycopg.Connection) -> None:
    """Takes the sample history away."""
    for statement in FORGET:
        connection.execute(statement, {"first": FIRST, "last": LAST})


def _copy(connection: psycopg.Connection, table: str, rows: list[Row]) -> None:
    if not rows:
        return
    columns = list(rows[0])
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    command = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
    with connection.cursor().copy(command) as copy:
        for row in rows:
            copy.write_row(_plain(row[name] for name in columns))


def _plain(values: Iterable[Any]) -> list[Any]:
    return [json.dumps(one, ensure_ascii=False) if isinstance(one, (dict, list)) else one for one in values]
