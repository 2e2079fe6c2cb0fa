"""The house itself: locks, scripts, contracts, documents."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from appliance.settings import Settings, variable

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PINNED = re.compile(r"^([a-z0-9-]+)(?:\[[^\]]+\])?==(\S+)", re.MULTILINE)


def lock(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def plain(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9_.-]+", requirement)
    assert found
    return re.sub(r"[-_.]+", "-", found[0]).lower()


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_names_no_host_and_no_path_and_hashes_everything(name: str) -> None:
    text = lock(name)
    assert "://" not in text
    assert not re.search(r"(?m)^\s*(-|--[a-z-]+ (?!hash)|/|\.\.?/)", re.sub(r"--hash=sha256:[0-9a-f]{64}", "", text))
    blocks = re.split(r"(?m)^(?=[a-z0-9-]+(?:\[[^\]]+\])?==)", text)[1:]
    assert blocks
    assert all("--hash=sha256:" in block for block in blocks)


def test_the_locks_hold_all_that_the_project_asks_for() -> None:
    core = {name for name, _ in PINNED.findall(lock("requirements.lock"))}
    both = {name for name, _ in PINNED.findall(lock("requirements-dev.lock"))}
    assert {plain(each) for each in PROJECT["dependencies"]} <= core
    assert {plain(each) for each in PROJECT["optional-dependencies"]["dev"]} <= both
    assert core <= both


def test_what_is_tested_is_what_is_shipped() -> None:
    core, dev = (set(PINNED.findall(lock(name))) for name in ("requirements.lock", "requirements-dev.lock"))
    assert core <= dev


def test_the_quick_start_brings_no_torch() -> None:
    assert not re.search(r"(?m)^(torch|nvidia-|triton)", lock("requirements.lock"))


def test_every_script_is_whole_and_can_be_run() -> None:
    scripts = [
        path for path in (*(ROOT / "scripts").iterdir(), ROOT / ".ci" / "run") if path.suffix == "" and path.is_file()
    ]
    assert {"setup", "start", "test", "check", "bench", "prove"} <= {path.name for path in scripts}
    for path in scripts:
        assert os.access(path, os.X_OK), path
        if "/sh" in path.read_text(encoding="utf-8").partition("\n")[0]:
            subprocess.run(["sh", "-n", str(path)], check=True)


@pytest.mark.parametrize(
    ("python", "told"),
    [
        ("exit 1", "Python 3.11 or newer is needed"),
        ('case "$*" in *ensurepip*) exit 1;; esac; echo Python 3.12', "apt install python3-venv"),
    ],
)
def test_setup_says_which_part_of_python_is_missing(tmp_path: Path, python: str, told: str) -> None:
    (tmp_path / "scripts").mkdir()
    for name in ("scripts/setup", "requirements.lock", "requirements-dev.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    fake = tmp_path / "python"
    fake.write_text(f"#!/bin/sh\n{python}\n")
    fake.chmod(0o755)
    env = {**os.environ, "APPLIANCE_PYTHON": str(fake)}
    done = subprocess.run([tmp_path / "scripts" / "setup"], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert told in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_a_proof_that_does_not_exist_is_refused_with_those_that_do() -> None:
    pick = [sys.executable, str(ROOT / "scripts" / "_pick.py"), "prove", "main-99"]
    asked = subprocess.run(pick, capture_output=True, text=True, check=False)
    assert asked.returncode == 2
    assert "usage: scripts/prove NAME" in asked.stderr


def test_every_setting_is_documented_and_no_other() -> None:
    named = set(re.findall(r"(?m)^\| `([A-Z_]+)` \|", (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")))
    assert named == {variable(field) for field in Settings.model_fields}


VIOLATIONS = {
    "Imports point down only": ("catalog/product.py", "import appliance.core.types"),
    "The console goes through the desk and nothing below it": ("ui/status.py", "import catalog.product"),
    "Settings are read at the top; all below take plain values": ("appliance/dialogue.py", "import appliance.settings"),
    "The rules are pure: no database, no network, no framework": ("appliance/core/types.py", "import httpx"),
    "The goods and the models know no database and no web server": ("models/base.py", "import psycopg"),
    "The chat carries no console": ("appliance/channels/base.py", "import nicegui"),
    "Rows never leave the store": ("appliance/dialogue.py", "import appliance.store.tables"),
    "The tools of the house know nothing of the product": ("appliance/tasks.py", "import catalog.product"),
}


def test_every_contract_of_the_imports_breaks_when_it_is_broken(tmp_path: Path) -> None:
    for package in ("appliance", "catalog", "models", "ui"):
        ignored = shutil.ignore_patterns("node_modules", "__pycache__")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for file, line in VIOLATIONS.values():
        with (tmp_path / file).open("a", encoding="utf-8") as source:
            source.write(f"\n{line}\n")
    linter = Path(sys.executable).with_name("lint-imports")
    told = subprocess.run([linter, "--no-cache"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert told.returncode == 1
    results = dict(re.findall(r"(?m)^(.+?) (KEPT|BROKEN)$", told.stdout))
    contracts = tomllib.loads(lock("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    assert results.keys() == VIOLATIONS.keys() == {contract["name"] for contract in contracts}
    assert set(results.values()) == {"BROKEN"}
