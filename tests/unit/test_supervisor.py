"""What the supervisor decides before any process runs, the one log, and who holds a port."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from appliance import journal, ports
from appliance.household import house
from appliance.journal import Journal
from appliance.settings import load


def lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("program", ["appliance.supervisor", "appliance.__main__"])
def test_what_only_starts_others_loads_no_heavy_library(program: str) -> None:
    look = f"import {program}, sys; print(*{{'faiss', 'nicegui', 'numpy', 'psycopg', 'sqlalchemy'}} & {{*sys.modules}})"
    loaded = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout
    assert loaded.split() == []


def test_with_no_settings_it_runs_all_roles_and_its_own_database(tmp_path: Path) -> None:
    planned = house(load({"APPLIANCE_HOME": str(tmp_path)}))
    assert [role.name for role in planned.roles] == ["chat", "console", "worker", "engine"]
    assert planned.own_database
    assert [step.name for step in planned.steps] == ["catalogue", "model"]
    assert planned.roles[-1].after == "model"


def test_a_foreign_model_server_means_no_engine_and_no_download(tmp_path: Path) -> None:
    planned = house(load({"APPLIANCE_HOME": str(tmp_path), "APPLIANCE_ENGINE_URL": "http://gpu-box:8000"}))
    assert "engine" not in [role.name for role in planned.roles]
    assert [step.name for step in planned.steps] == ["catalogue"]


def test_a_box_told_not_to_fetch_waits_until_somebody_brings_a_model(tmp_path: Path) -> None:
    planned = house(load({"APPLIANCE_HOME": str(tmp_path), "APPLIANCE_PULL": "false", "APPLIANCE_SAMPLE": "no"}))
    assert [(step.name, step.programs) for step in planned.steps] == [("model", ())]
    assert planned.steps[0].needed()


def test_a_model_asked_for_by_name_is_the_one_that_is_fetched(tmp_path: Path) -> None:
    step = house(load({"APPLIANCE_HOME": str(tmp_path), "APPLIANCE_MODEL": "qwen3-4b"})).steps[-1]
    assert step.programs[0][-2:] == ("pull", "qwen3-4b")
    models = tmp_path / "models"
    models.mkdir()
    (models / "q.gguf").write_bytes(b"GGUF")
    about = {"name": "qwen3-4b", "file": "q.gguf", "size": 4, "sha256": "", "source": "file", "verified": False}
    (models / "q.gguf.json").write_text(json.dumps(about))
    assert not step.needed()


def test_a_foreign_database_means_no_own_one_and_its_password_is_not_passed_on_the_command_line(tmp_path: Path) -> None:
    planned = house(load({"APPLIANCE_HOME": str(tmp_path), "DATABASE_URL": "postgresql://u:hush@h/d"}))
    assert not planned.own_database
    assert "hush" not in repr(planned)


def test_a_shelf_with_a_live_version_gets_no_sample(tmp_path: Path) -> None:
    (tmp_path / "catalog").mkdir()
    step = house(load({"APPLIANCE_HOME": str(tmp_path)})).steps[0]
    assert step.needed()
    (tmp_path / "catalog" / "live.json").touch()
    assert not step.needed()


def test_the_roles_read_the_same_file_of_settings(tmp_path: Path) -> None:
    file = tmp_path / "other.toml"
    file.write_text(f'home = "{tmp_path}"\n')
    assert house(load({}, file)).env == {"APPLIANCE_HOME": str(tmp_path), "APPLIANCE_CONFIG": str(file)}


def test_every_line_is_an_object_in_the_file_whatever_a_process_writes(tmp_path: Path) -> None:
    log = Journal(tmp_path / "logs" / "box.log", screen=io.StringIO())
    log.line("chat", '{"at": "2026-01-01T00:00:00Z", "level": "info", "event": "up"}')
    log.line("engine", "llama: loading насос")
    log.line("worker", '{"half": ')
    log.line("worker", "[1, 2]")
    log.say("Ready")
    log.close()
    written = lines(tmp_path / "logs" / "box.log")
    assert [(line["role"], line.get("event") or line.get("text")) for line in written] == [
        ("chat", "up"), ("engine", "llama: loading насос"), ("worker", '{"half": '), ("worker", "[1, 2]"),
        ("appliance", "Ready"),
    ]  # fmt: skip
    assert all(line["at"] for line in written)
    assert written[0]["at"] == "2026-01-01T00:00:00Z"


def test_a_terminal_shows_what_is_loud_and_our_own_words_only(tmp_path: Path) -> None:
    screen = io.StringIO()
    log = Journal(tmp_path / "box.log", screen=screen, everything=False)
    assert log.line("chat", '{"level": "info", "event": "quiet"}') == ""
    assert log.line("chat", '{"level": "error", "event": "loud", "exception": "Traceback: here"}') != ""
    assert log.line("chat", "Traceback (most recent call last):") != ""
    log.say("Ready")
    log.close()
    assert "quiet" not in screen.getvalue()
    for shown in ("loud", "Traceback: here", "most recent call", "Ready"):
        assert shown in screen.getvalue()


def test_progress_takes_one_line_of_a_terminal_and_every_line_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: True)
    log = Journal(tmp_path / "box.log", screen=screen)
    for share in (1, 2, 3):
        log.progress("model", f"{share} %")
    log.say("Ready")
    log.close()
    assert screen.getvalue().splitlines()[-1] == "Ready"
    assert screen.getvalue().count("\n") == 2
    assert len(lines(tmp_path / "box.log")) == 4


def test_without_a_terminal_everything_is_shown_so_that_docker_keeps_it(tmp_path: Path) -> None:
    screen = io.StringIO()
    log = Journal(tmp_path / "box.log", screen=screen)
    log.line("chat", '{"level": "info", "event": "quiet", "sku": "A-1"}')
    log.close()
    assert screen.getvalue() == "chat      info quiet sku=A-1\n"


def test_the_file_is_rotated_and_the_oldest_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "LIMIT", 1000)
    log = Journal(tmp_path / "box.log", screen=io.StringIO())
    for number in range(100):
        log.line("chat", f"line {number} " + "x" * 50)
    log.close()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["box.log", *(f"box.log.{number}" for number in range(1, journal.KEPT + 1))]
    assert all((tmp_path / name).stat().st_size <= 1000 for name in names)
    assert "line 99" in lines(tmp_path / "box.log")[-1]["text"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_does_not_stop_the_log_on_the_screen() -> None:
    screen = io.StringIO()
    log = Journal(Path("/dev/full"), screen=screen)
    log.say("still here")
    log.close()
    assert "still here" in screen.getvalue()
    assert "No space left" in screen.getvalue()


def test_a_terminal_that_has_gone_does_not_stop_the_file(tmp_path: Path) -> None:
    screen = io.StringIO()
    log = Journal(tmp_path / "box.log", screen=screen)
    screen.close()
    log.say("one")
    log.say("two")
    log.close()
    assert [line["text"] for line in lines(tmp_path / "box.log")] == ["one", "two"]


def test_a_port_is_free_or_taken_and_its_holder_is_known() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert ports.why_not("127.0.0.1", port) == "port_taken"
        holder = ports.holder(port)
        assert holder is not None
        assert holder.pid == os.getpid()
    assert ports.why_not("127.0.0.1", port) == ""
    assert ports.holder(port) is None
    assert ports.why_not("no.such.host.invalid", port) == "host_unknown"
