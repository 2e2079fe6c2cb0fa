"""Takes a whole database out and puts it back, by PostgreSQL's own programs: one snapshot, with the rows it holds.

The own server's wheel brings pg_dump, pg_restore and psql of its version, which read and write older servers as well.
A server of a newer major version needs programs of that version on the PATH (Debian: postgresql-client-N).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from appliance.causes import Caused
from appliance.store.embedded import MAJOR, EmbeddedError, binaries
from appliance.store.store import plain_url

TABLES = """SELECT c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
            WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') ORDER BY c.relname"""
LOCK_WAIT = 60_000  # milliseconds that a dump waits for a table which somebody alters
CHUNK = 1 << 20
_NEWER = re.compile(rb"^SET transaction_timeout = 0;\n", re.MULTILINE)  # pg_dump 17 and later write it; 16 stops at it
_UNKNOWN_BEFORE = 17


class DumpError(Caused):
    """The database could not be written out or read back; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dumped:
    """What a dump holds: rows by table, the schema's revision, the server's major version."""

    rows: dict[str, int]
    revision: str
    server: int
    newest: datetime | None  # of the last message in it: what came later is lost with a restore


def dump(url: str, to: Path) -> Dumped:
    """Writes a compressed dump; its counts are of the same snapshot. Raises `DumpError`."""
    try:
        with psycopg.connect(plain_url(url), connect_timeout=10) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            server = connection.info.server_version // 10_000
            snapshot = _one(connection, "SELECT pg_export_snapshot()")
            held = Dumped(
                rows=counts(connection), revision=_revision(connection), server=server, newest=_newest(connection)
            )
            _run(
                [tool("pg_dump", server), "--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}",
                 f"--lock-wait-timeout={LOCK_WAIT}", f"--file={to}"],
                url,
            )  # fmt: skip
    except psycopg.Error as error:
        raise DumpError("dump_unwritten", why=str(error).strip()) from error
    return held


def load(url: str, dump_: Path) -> None:
    """Puts a dump in place of all tables of a database: all of it or nothing. Raises `DumpError`."""
    with psycopg.connect(plain_url(url), connect_timeout=10) as connection:
        server = connection.info.server_version // 10_000
        here = [row[0] for row in connection.execute(TABLES)]
        drop = sql.SQL("DROP TABLE {} CASCADE;\n").format(sql.SQL(", ").join(map(sql.Identifier, here)))
        before = drop.as_string(connection) if here else ""
    reading = subprocess.Popen(
        [tool("pg_restore", server), "--no-owner", "--no-privileges", "--file=-", dump_],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    options = ["--no-psqlrc", "--quiet", "--output=/dev/null", "--set=ON_ERROR_STOP=1"]
    dbname, env = _target(url)
    writing = subprocess.Popen(
        [tool("psql", server), *options, f"--dbname={dbname}"], env=env, stdin=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert reading.stdout and writing.stdin
    try:
        writing.stdin.write(b"BEGIN;\n" + before.encode())
        for chunk in _suited(iter(lambda: reading.stdout.read(CHUNK), b""), server):  # type: ignore[union-attr]
            writing.stdin.write(chunk)
        if reading.wait() == 0:  # whoever dies before this has changed nothing
            writing.stdin.write(b"\nCOMMIT;\n")
    except BrokenPipeError:
        reading.kill()
    _, trouble = writing.communicate()
    _, unread = reading.communicate()
    if writing.returncode or reading.returncode:
        raise DumpError("dump_unread", why=_why(unread + trouble))


def counts(connection: psycopg.Connection) -> dict[str, int]:
    """Rows by table, within the connection's transaction."""
    names = [row[0] for row in connection.execute(TABLES)]
    return {
        name: int(_one(connection, sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name)))) for name in names
    }


def rows_of(url: str) -> dict[str, int]:
    """Rows by table of a database as it is now."""
    with psycopg.connect(plain_url(url)) as connection:
        return counts(connection)


def tool(name: str, server: int) -> Path:
    """One of PostgreSQL's programs that understands a server of this major version."""
    if server <= MAJOR:
        try:
            return binaries() / name
        except EmbeddedError:
            pass
    found = shutil.which(name)
    if found is None or _version(found) < server:
        raise DumpError("dump_client", server=server, name=name)
    return Path(found)


def _suited(chunks: Iterator[bytes], server: int) -> Iterator[bytes]:
    """The script as the server understands it: what a newer pg_dump writes at the top, an older server refuses."""
    for number, chunk in enumerate(chunks):
        yield _NEWER.sub(b"", chunk, count=1) if number == 0 and server < _UNKNOWN_BEFORE else chunk


def _run(program: list[str | Path], url: str) -> None:
    dbname, env = _target(url)
    done = subprocess.run(
        [*program, f"--dbname={dbname}"], env=env, capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode:
        raise DumpError("dump_unwritten", why=_why(done.stderr.encode()))


def _why(said: bytes) -> str:
    """The line of a program's last words that tells."""
    lines = said.decode(errors="replace").strip().splitlines() or ["no reason was given"]
    return next((line for line in lines if "error" in line.lower()), lines[-1])


def _target(url: str) -> tuple[str, dict[str, str]]:
    """Where to, and the environment with the password: a command line is everybody's to read."""
    known = conninfo_to_dict(plain_url(url))
    password = known.pop("password", None)
    env = {**os.environ, "PGCONNECT_TIMEOUT": "10", "PGAPPNAME": "backup"}
    return make_conninfo("", **known), env | ({"PGPASSWORD": str(password)} if password else {})


def _version(program: str) -> int:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\d+", said)
    return int(found[0]) if found else 0


def _revision(connection: psycopg.Connection) -> str:
    known = _one(connection, "SELECT to_regclass('alembic_version')::text")
    return str(_one(connection, "SELECT version_num FROM alembic_version")) if known else ""


def _newest(connection: psycopg.Connection) -> datetime | None:
    known = _one(connection, "SELECT to_regclass('messages')::text")
    newest = _one(connection, "SELECT max(at) FROM messages") if known else None
    return newest if isinstance(newest, datetime) else None


def _one(connection: psycopg.Connection, query: str | sql.Composable) -> Any:
    row = connection.execute(query).fetchone()  # type: ignore[arg-type]
    return row[0] if row else None
