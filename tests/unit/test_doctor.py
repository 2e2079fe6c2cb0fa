"""`appliance check`: each trouble is found, and said with what to do."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance import doctor
from appliance.__main__ import main
from appliance.doctor import Finding, Level, check
from appliance.settings import Settings, load
from appliance.words import catalogue


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


@pytest.fixture
def ports() -> dict[str, str]:
    """Three ports that are free: a box under test may use the usual ones."""
    free = {}
    for role in ("CHAT", "CONSOLE", "ENGINE"):
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            free[f"APPLIANCE_{role}_PORT"] = str(found.getsockname()[1])
    return free


def findings(home: Path, **env: str) -> dict[str, Finding]:
    return {finding.name: finding for finding in check(load({"APPLIANCE_HOME": str(home), **env}))}


def test_a_fresh_box_has_nothing_wrong_and_is_told_what_is_not_there_yet(tmp_path: Path, ports: dict[str, str]) -> None:
    found = findings(tmp_path / "new", **ports)
    assert [finding.name for finding in found.values() if finding.bad] == []
    assert "made at the first start" in found["database"].message
    assert found["catalogue"].level is found["model"].level is Level.NOTE
    assert not (tmp_path / "new").exists()  # the doctor changes nothing


def test_a_taken_port_is_found_with_its_holder_and_the_variable(tmp_path: Path, ports: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", int(ports["APPLIANCE_CHAT_PORT"]))):
        found = findings(tmp_path, **ports)
    assert found["chat_port"].bad
    assert f"process {os.getpid()}" in found["chat_port"].message
    assert "APPLIANCE_CHAT_PORT" in found["chat_port"].message
    assert not found["console_port"].bad


def test_an_address_of_another_machine_is_found(tmp_path: Path, ports: dict[str, str]) -> None:
    found = findings(tmp_path, **ports, APPLIANCE_CHAT_HOST="192.0.2.1")
    assert "has no address 192.0.2.1" in found["chat_port"].message


def test_a_database_that_does_not_answer_is_found_without_its_password(tmp_path: Path, ports: dict[str, str]) -> None:
    found = findings(tmp_path, **ports, DATABASE_URL="postgresql://me:hunter2@127.0.0.1:1/shop")
    assert found["database"].bad
    assert "DATABASE_URL" in found["database"].message
    assert "hunter2" not in found["database"].message


def test_a_database_folder_of_another_major_version_is_found(tmp_path: Path, ports: dict[str, str]) -> None:
    (tmp_path / "postgres" / "data").mkdir(parents=True)
    (tmp_path / "postgres" / "data" / "PG_VERSION").write_text("16\n")
    assert "written by PostgreSQL 16" in findings(tmp_path, **ports)["database"].message


def test_a_server_of_the_model_that_does_not_answer_is_found(tmp_path: Path, ports: dict[str, str]) -> None:
    found = findings(tmp_path, **ports, APPLIANCE_ENGINE_URL="http://127.0.0.1:1")
    assert found["engine"].bad
    assert "model" not in found  # somebody else's server has its own files


def test_a_chosen_model_that_is_not_here_is_found(tmp_path: Path, ports: dict[str, str]) -> None:
    found = findings(tmp_path, **ports, APPLIANCE_MODEL="no-such-model")
    assert found["model"].bad
    assert "no-such-model" in found["model"].message


def test_a_home_that_is_a_file_is_found(tmp_path: Path, ports: dict[str, str]) -> None:
    (tmp_path / "file").touch()
    assert findings(tmp_path / "file", **ports)["home"].bad


def test_a_slip_in_the_token_is_found_without_repeating_it(tmp_path: Path, ports: dict[str, str]) -> None:
    found = findings(tmp_path, **ports, TELEGRAM_TOKEN="123456:short")
    assert found["telegram_token"].bad
    assert "short" not in found["telegram_token"].message
    assert "telegram_token" not in findings(tmp_path, **ports, TELEGRAM_TOKEN="123456:" + "a" * 35)


def test_an_unencrypted_public_address_is_noted(tmp_path: Path, ports: dict[str, str]) -> None:
    assert findings(tmp_path, **ports, PUBLIC_URL="http://shop.example")["public_url"].level is Level.NOTE
    assert "public_url" not in findings(tmp_path, **ports, PUBLIC_URL="https://shop.example")


def test_a_low_disk_is_found(tmp_path: Path, ports: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LEAST_DISK", 1 << 60)
    monkeypatch.setattr(doctor, "ENOUGH_DISK", 1 << 61)
    assert findings(tmp_path, **ports)["disk"].bad


def test_the_command_marks_what_is_well_what_is_noted_and_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def three(_: Settings) -> Iterator[Finding]:
        for level in Level:
            yield Finding(name=level, message=f"this is {level}", level=level)

    monkeypatch.setenv("APPLIANCE_HOME", str(tmp_path))
    monkeypatch.setattr(doctor, "LOOKS", (three,))
    assert main(["check"]) == 1
    assert capsys.readouterr().out.splitlines() == ["ok  this is ok", "--  this is note", "!!  this is bad"]


def test_a_look_that_breaks_is_a_finding_and_the_others_go_on(
    tmp_path: Path, ports: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Settings) -> Iterator[Finding]:
        raise RuntimeError("the thermometer broke")

    monkeypatch.setattr(doctor, "LOOKS", (broken, doctor.python))
    found = findings(tmp_path, **ports)
    assert "the thermometer broke" in found["broken"].message
    assert not found["python"].bad


def test_it_speaks_the_language_of_the_terminal(
    tmp_path: Path, ports: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "ru_RU.UTF-8")
    assert "свободен" in findings(tmp_path, **ports)["chat_port"].message


def test_every_text_is_there_in_both_languages_with_the_same_values() -> None:
    import string

    for name, texts in catalogue().items():
        assert set(texts) == {"en", "ru"}, name
        fields = [{field for _, field, _, _ in string.Formatter().parse(text) if field} for text in texts.values()]
        assert fields[0] == fields[1], name
