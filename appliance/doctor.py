"""`appliance check`: what this box lacks and what to do about it, in plain words, changing nothing."""

from __future__ import annotations

import ctypes
import os
import platform
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from appliance import ports
from appliance.settings import Settings, variable
from appliance.store.embedded import MAJOR, Embedded
from appliance.words import grouped, words

GB = 1 << 30
ENOUGH_DISK, LEAST_DISK = 6 * GB, 1 * GB
PATIENCE = 5  # seconds for whoever is asked over the network
_TOKEN = re.compile(r"\d{6,12}:[\w-]{30,}")


class Level(StrEnum):
    OK = "ok"
    NOTE = "note"  # works, but somebody should know
    BAD = "bad"  # something will not work


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at, and what to do where it is not well."""

    name: str
    message: str
    level: Level = Level.OK

    @property
    def bad(self) -> bool:
        return self.level is Level.BAD


def check(settings: Settings) -> list[Finding]:
    """Looks at everything; a look that fails unexpectedly is a finding too. `bad` findings mean exit code 1."""
    findings: list[Finding] = []
    for look in LOOKS:
        try:
            findings.extend(look(settings))
        except Exception as error:  # noqa: BLE001  (the doctor never falls ill himself)
            message = f"{look.__name__}: {type(error).__name__}: {error}"
            findings.append(Finding(name=look.__name__, message=message, level=Level.BAD))
    return findings


def python(_: Settings) -> Iterator[Finding]:
    version = platform.python_version()
    yield _judge("python", sys.version_info >= (3, 11), "check_python_ok", "check_python_bad", version=version)


def libgomp(_: Settings) -> Iterator[Finding]:
    """LightGBM and the model's runtime need GCC's OpenMP library, which slim images leave out."""
    try:
        ctypes.CDLL("libgomp.so.1")
        found = True
    except OSError:
        found = False
    yield _judge("libgomp", found or sys.platform != "linux", "check_libgomp_ok", "check_libgomp_bad")


def home(settings: Settings) -> Iterator[Finding]:
    folder = _nearest(settings.home)
    fine = os.access(folder, os.W_OK | os.X_OK)
    values = {
        "home": settings.home,
        "why": f"{folder} belongs to another user" if folder.is_dir() else f"{folder} is a file",
    }
    yield _judge("home", fine and folder.is_dir(), "check_home_ok", "home_not_writable", **values)


def disk(settings: Settings) -> Iterator[Finding]:
    from models.hardware import free_disk

    free = free_disk(settings.home)
    text, level = "check_disk_ok", Level.OK
    if free < ENOUGH_DISK:
        text, level = "check_disk_low", Level.NOTE
    if free < LEAST_DISK:
        text, level = "check_disk_bad", Level.BAD
    yield Finding(name="disk", message=words(text, free=_gb(free), wanted=_gb(ENOUGH_DISK)), level=level)


def listening(settings: Settings) -> Iterator[Finding]:
    """Ports are looked at only while we do not run: then they are rightly taken."""
    if pid := _supervisor(settings.home):
        yield Finding(name="running", message=words("check_running", pid=pid))
        return
    roles = [
        ("chat", settings.chat_host, settings.chat_port),
        ("console", settings.console_host, settings.console_port),
    ]
    if _own_engine(settings):
        roles.append(("engine", settings.engine_host, settings.engine_port))
    for role, host, port in roles:
        reason = ports.why_not(host, port)
        if not reason:
            yield Finding(name=f"{role}_port", message=words("check_port_ok", port=port, role=role))
            continue
        holder = ports.holder(port)
        by = words("port_taken_by", name=holder.name, pid=holder.pid) if holder else ""
        message = words(reason, host=host, port=port, by=by, variable=variable(f"{role}_port"))
        yield Finding(name=f"{role}_port", message=message, level=Level.BAD)


def database(settings: Settings) -> Iterator[Finding]:
    if settings.database_url is not None:
        yield _ask_database(settings.database_url.get_secret_value())
        return
    server = Embedded(settings.home / "postgres")
    version = server.version()
    if server.running():
        yield _ask_database(server.url)
    elif not version:
        yield Finding(name="database", message=words("check_database_later"))
    elif version != str(MAJOR):
        message = words("check_database_version", found=version, needed=MAJOR)
        yield Finding(name="database", message=message, level=Level.BAD)
    else:
        yield Finding(name="database", message=words("check_database_stopped"))


def model(settings: Settings) -> Iterator[Finding]:
    if not _own_engine(settings):
        return
    from models.base import ModelError
    from models.files import ModelFiles

    files = ModelFiles(settings.home / "models")
    name = settings.model or files.chosen()
    if not name:
        yield Finding(name="model", message=words("check_model_none"), level=Level.NOTE)
        return
    try:
        size = files.path(name).stat().st_size
    except (ModelError, OSError) as error:
        yield Finding(name="model", message=words("check_model_bad", model=name, why=error), level=Level.BAD)
        return
    verified = any(entry.verified for entry in files.list() if entry.name == name)
    text = "check_model_ok" if verified else "check_model_unverified"
    level = Level.OK if verified else Level.NOTE
    yield Finding(name="model", message=words(text, model=name, size=_gb(size)), level=level)


def memory(settings: Settings) -> Iterator[Finding]:
    """Whether the chosen model fits. While we run it is loaded already, and free memory says nothing."""
    if not _own_engine(settings) or _supervisor(settings.home):
        return
    from models.files import ModelFiles
    from models.hardware import detect
    from models.known import known

    hardware = detect(settings.home)
    files = ModelFiles(settings.home / "models")
    name = settings.model or files.chosen() or files.default(hardware)
    entry = next((each for each in known() if each.name == name), None)
    if entry is None:
        return
    values = {"model": name, "need": _gb(entry.memory), "free": _gb(hardware.available), "total": _gb(hardware.memory)}
    yield _judge("memory", entry.fit(hardware) != "too large", "check_memory_ok", "check_memory_bad", **values)


def catalogue(settings: Settings) -> Iterator[Finding]:
    from catalog.product import CatalogError
    from catalog.shelf import Shelf

    shelf = Shelf(settings.home / "catalog")
    try:
        live = next((version for version in shelf.versions() if version.live), None)
    except (CatalogError, OSError) as error:
        yield Finding(name="catalogue", message=words("check_catalogue_bad", why=error), level=Level.BAD)
        return
    finally:
        shelf.close()
    if live is None:
        yield Finding(name="catalogue", message=words("check_catalogue_none"), level=Level.NOTE)
        return
    values = {"version": live.name, "products": grouped(live.products), "source": live.source}
    yield Finding(name="catalogue", message=words("check_catalogue_ok", **values))


def engine(settings: Settings) -> Iterator[Finding]:
    if _own_engine(settings):
        return
    import httpx

    url = settings.engine_address
    try:
        page = "/api/version" if settings.llm_provider == "ollama" else "/v1/models"
        httpx.get(f"{url}{page}", timeout=PATIENCE, trust_env=False)
        yield Finding(name="engine", message=words("check_engine_ok", url=url))
    except httpx.HTTPError as error:
        message = words("check_engine_bad", url=url, why=type(error).__name__)
        yield Finding(name="engine", message=message, level=Level.BAD)


def doors(settings: Settings) -> Iterator[Finding]:
    """Settings that can be seen to be wrong without asking anybody."""
    token = settings.telegram_token.get_secret_value()
    if token and not _TOKEN.fullmatch(token):
        yield Finding(name="telegram_token", message=words("check_token_bad"), level=Level.BAD)
    public = urlsplit(settings.public_url)
    if public.scheme == "http" and public.hostname not in {"localhost", "127.0.0.1", "::1"}:
        yield Finding(name="public_url", message=words("check_public_bad"), level=Level.NOTE)


LOOKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    python,
    libgomp,
    home,
    disk,
    memory,
    listening,
    database,
    catalogue,
    model,
    engine,
    doors,
)


def _ask_database(url: str) -> Finding:
    import psycopg

    from appliance.store.revisions import newest

    try:
        with psycopg.connect(url, connect_timeout=PATIENCE) as connection:
            version = connection.info.parameter_status("server_version") or ""
            made = connection.execute("SELECT to_regclass('alembic_version') IS NOT NULL").fetchone()
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if made and made[0] else None
    except psycopg.Error as error:
        why = " ".join(str(error).split())[:200]
        return Finding(name="database", message=words("check_database_bad", why=why), level=Level.BAD)
    revision, needed = str(row[0]) if row else "-", newest()
    values = {"version": version.split()[0], "revision": revision, "needed": needed}
    return _judge("database", revision == needed, "check_database_ok", "check_revision_bad", **values)


def _judge(name: str, fine: bool, ok: str, bad: str, **values: object) -> Finding:
    return Finding(name=name, message=words(ok if fine else bad, **values), level=Level.OK if fine else Level.BAD)


def _own_engine(settings: Settings) -> bool:
    return settings.llm_provider == "engine" and not settings.engine_url


def _supervisor(home: Path) -> int:
    """The pid of the supervisor that runs this home; 0 for none. Its lock is tried, for a pid alone proves nothing."""
    import fcntl

    try:
        with (home / "run" / "supervisor.lock").open() as file:
            pid = file.read().strip()
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return int(pid) if pid.isdigit() else 0
    except OSError:
        return 0
    return 0


def _nearest(folder: Path) -> Path:
    """The folder itself, or what would have to hold it."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _gb(size: int) -> str:
    return f"{size / GB:.1f}"
