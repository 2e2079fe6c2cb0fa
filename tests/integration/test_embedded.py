"""The own PostgreSQL on real processes: started, killed, found again, refused where it must be."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from appliance import launch
from appliance.store.embedded import Embedded, EmbeddedError, opened

ROOT = Path(__file__).parents[2]
HOLD = """
import sys, time
from pathlib import Path
from appliance.store.embedded import Embedded
server = Embedded(Path(sys.argv[1]))
print(server.start(), server.pid, flush=True)
time.sleep(300)
"""


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A folder with a cluster in it, so that not every test has to make one."""
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as name:
        folder = Path(name) / "postgres"
        with Embedded(folder):
            pass
        yield folder


def ask(url: str, query: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(query)
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def alive(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_until_gone(pid: int, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while alive(pid):
        assert time.monotonic() < deadline, f"process {pid} is still there"
        time.sleep(0.02)


def other_process(folder: Path, *prefix: str) -> tuple[subprocess.Popen[str], int]:
    """A process that runs the server, and the server's pid."""
    program = [*prefix, sys.executable, "-c", HOLD, str(folder)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(program, env=env, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    line = process.stdout.readline().split()
    if not line:
        kill(process)
        pytest.fail("the server did not start")
    return process, int(line[1])


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    if process.stdout:
        process.stdout.close()


def test_a_new_folder_becomes_a_database_that_knows_russian(tmp_path: Path) -> None:
    with Embedded(tmp_path / "pg") as server:
        assert str(ask(server.url, "show server_version")).startswith("18")
        assert ask(server.url, "select 'НАСОС' ilike 'насос'") is True
        assert ask(server.url, "select to_tsvector('russian', 'насосы') @@ to_tsquery('russian', 'насосов')") is True
        ask(server.url, "create extension pg_trgm")
        assert float(str(ask(server.url, "select similarity('насос', 'насосы')"))) > 0.5
        for setting, value in {"data_checksums": "on", "fsync": "on", "synchronous_commit": "on"}.items():
            assert ask(server.url, f"show {setting}") == value
        pid = server.pid
    assert pid is not None
    assert not alive(pid)


def test_what_was_written_is_there_after_the_next_start_which_takes_a_moment(made: Path) -> None:
    with Embedded(made) as server:
        ask(server.url, "create table kept as select 'yes' as answer")
    began = time.monotonic()
    with Embedded(made) as server:
        assert time.monotonic() - began < 15  # seconds; half a one where nobody else works
        assert ask(server.url, "select answer from kept") == "yes"
        ask(server.url, "drop table kept")


def test_nobody_else_can_reach_it(made: Path) -> None:
    with Embedded(made) as server:
        assert ask(server.url, "show listen_addresses") == ""
        for private in (made, made / "run", made / "data"):
            assert private.stat().st_mode & 0o077 == 0
        assert (made / "password").stat().st_mode & 0o077 == 0
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(f"postgresql://appliance:wrong@/appliance?host={made / 'run'}")


def test_the_server_ends_by_itself_when_its_parent_is_killed(made: Path) -> None:
    process, server = other_process(made)
    kill(process)
    wait_until_gone(server)


def test_a_start_right_after_the_parent_was_killed_works_and_loses_nothing(made: Path) -> None:
    for round_ in range(3):
        process, _ = other_process(made)
        url = Embedded(made).url
        ask(url, f"create table round_{round_} as select {round_} as n")
        kill(process)
        with Embedded(made) as server:
            assert ask(server.url, f"select n from round_{round_}") == round_
            ask(server.url, f"drop table round_{round_}")


def test_a_server_killed_in_mid_work_recovers_with_all_that_was_committed(made: Path) -> None:
    with Embedded(made) as server:
        ask(server.url, "create table counted (n int)")
        with psycopg.connect(server.url, autocommit=True) as busy:
            for number in range(100):
                busy.execute("insert into counted values (%s)", (number,))
            assert server.pid is not None
            os.kill(server.pid, signal.SIGKILL)
            wait_until_gone(server.pid)
            began = time.monotonic()
            server.start()
            assert time.monotonic() - began < 15
        assert ask(server.url, "select count(*) from counted") == 100
        ask(server.url, "drop table counted")


def test_an_orphan_that_does_not_end_by_itself_is_ended(made: Path) -> None:
    with Embedded(made) as server:
        orphan = server.pid
        assert orphan is not None
        server._release()  # as if our process had gone and the kernel had not told the server
        with Embedded(made) as successor:
            assert successor.pid != orphan
            assert not alive(orphan)


def test_a_pid_file_that_names_a_process_of_somebody_else_does_not_stop_the_start(made: Path) -> None:
    (made / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n{made / 'data'}\n0\n5432\n\n\n0 0\nready\n")
    server = Embedded(made)
    assert not server.running()
    with server:
        assert ask(server.url, "select 1") == 1


def test_a_database_in_use_is_refused_with_the_process_that_uses_it(made: Path) -> None:
    with Embedded(made), pytest.raises(EmbeddedError, match=f"in use by process {os.getpid()}"):
        Embedded(made).start()


def test_a_command_uses_the_server_that_runs_or_its_own_for_a_moment(made: Path) -> None:
    with opened(made) as url:
        assert ask(url, "select 1") == 1
    assert not Embedded(made).running()
    with Embedded(made) as server:
        with opened(made) as url:
            assert ask(url, "select 2") == 2
        assert server.running()


def test_a_folder_of_another_major_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    data = tmp_path / "pg" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedError, match=r"written by PostgreSQL 17.*needs 18.*appliance backup"):
        Embedded(tmp_path / "pg").start()
    assert [path.name for path in data.iterdir()] == ["PG_VERSION"]


def test_a_first_start_that_was_interrupted_begins_anew(tmp_path: Path) -> None:
    half = tmp_path / "pg" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with Embedded(tmp_path / "pg") as server:
        assert ask(server.url, "select 1") == 1


def test_a_home_whose_path_is_too_long_for_a_socket_works(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30) / "postgres"
    with Embedded(folder) as server:
        assert ask(server.url, "select 1") == 1
        assert server._socket_folder.stat().st_mode & 0o077 == 0


def test_a_socket_folder_that_somebody_else_has_put_there_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ("long" * 30) / "postgres"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "elsewhere").mkdir()
    Embedded(folder)._socket_folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EmbeddedError, match="belongs to another user"):
        Embedded(folder).start()


def test_a_server_that_cannot_start_says_why(made: Path) -> None:
    own = made / "data" / "postgresql.auto.conf"
    before = own.read_text()
    own.write_text("no_such_setting = 1\n")
    try:
        with pytest.raises(EmbeddedError, match="no_such_setting"):
            Embedded(made).start()
    finally:
        own.write_text(before)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may try the ways of root")
def test_root_where_user_namespaces_are_forbidden_becomes_an_ordinary_user(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)  # pytest's own folders are closed too: the server has to reach through them
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    # The kernel refuses a user namespace to a process whose root folder is not its mount namespace's.
    enter = 'mount --rbind / "$0" && exec chroot "$0" "$@"'
    process, server = other_process(tmp_path / "pg", "unshare", "--mount", "sh", "-c", enter, str(mirror))
    try:
        assert Path(f"/proc/{server}").stat().st_uid != 0
        assert ask(Embedded(tmp_path / "pg").url, "select 1") == 1
    finally:
        kill(process)
    wait_until_gone(server)
    with Embedded(tmp_path / "pg") as later:
        assert ask(later.url, "select 1") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_who_root_becomes_is_told_the_truth_about_programs_in_closed_folders(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    program = Path(shutil.copy("/bin/true", tmp_path / "program"))
    uid, gid = launch.ordinary_user()
    account = launch.Account(uid=uid, gid=gid, way="drop", reach=True)
    # initdb looks for its programs with access(2), which forgets capabilities unless told otherwise
    asked = launch.command(["/usr/bin/test", "-x", program], account=account)
    assert subprocess.run(asked, cwd="/", check=False).returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_and_then_root_use_the_same_folder() -> None:
    system_python = "/usr/bin/python3"
    ready = subprocess.run(
        [system_python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"], check=False
    ).returncode
    if ready:
        pytest.skip("SKIPPED: an ordinary user finds no Python 3.11 in /usr/bin")
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as name:
        os.chown(name, 65534, 65534)
        folder = Path(name) / "pg"
        program = "\n".join(HOLD.splitlines()[:-1])
        became = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", system_python, "-B", "-c", program]
        packages = str(Path(psycopg.__file__).parents[1])
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}{os.pathsep}{packages}"}
        made = subprocess.run([*became, str(folder)], cwd="/", env=env, capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stderr
        wait_until_gone(int(made.stdout.split()[1]))
        with Embedded(folder) as server:
            assert ask(server.url, "select 1") == 1
            assert (folder / "data").stat().st_uid == 65534
