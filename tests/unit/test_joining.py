"""The worker has heavier lanes joined by another process, one at a time and with patience after a failure."""

import asyncio
import sys
from pathlib import Path

import pytest

from appliance.joining import NICE, Joining
from appliance.tasks import Tasks


def writes(file: Path, *, code: int = 0) -> tuple[str, ...]:
    """A program that notes how nice it is, and ends with the code."""
    note = f"open({str(file)!r}, 'a').write(f'{{os.nice(0)}};')"
    return (sys.executable, "-c", f"import os, sys; {note}; sys.exit({code})")


async def test_nothing_is_started_while_no_lane_lacks(tmp_path: Path) -> None:
    await Joining(lacking=list, program=writes(tmp_path / "ran")).run()
    assert not (tmp_path / "ran").exists()


async def test_a_missing_lane_is_joined_by_a_lowered_process(tmp_path: Path) -> None:
    await Joining(lacking=lambda: ["heavy"], program=writes(tmp_path / "ran")).run()
    assert (tmp_path / "ran").read_text() == f"{NICE};"


async def test_two_looks_at_once_start_one_process(tmp_path: Path) -> None:
    joining = Joining(lacking=lambda: ["heavy"], program=writes(tmp_path / "ran"))
    await asyncio.gather(joining.run(), joining.run())
    assert (tmp_path / "ran").read_text().count(";") == 1


async def test_after_a_failure_it_waits_before_it_tries_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    joining = Joining(lacking=lambda: ["heavy"], program=writes(tmp_path / "ran", code=1))
    await joining.run()
    await joining.run()
    assert (tmp_path / "ran").read_text().count(";") == 1
    monkeypatch.setattr("appliance.joining.PATIENCE", 0.0)
    joining._not_before = 0.0
    await joining.run()
    assert (tmp_path / "ran").read_text().count(";") == 2


async def test_the_process_ends_with_its_worker(tmp_path: Path) -> None:
    code = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    program = (sys.executable, "-c", code)
    async with Tasks() as tasks:
        tasks.start(Joining(lacking=lambda: ["heavy"], program=program).run(), name="joining")
        async with asyncio.timeout(20):
            while not lives(tmp_path / "pid"):
                await asyncio.sleep(0.05)
    assert not lives(tmp_path / "pid")


def lives(noted: Path) -> bool:
    """Whether the process lives that has noted its number."""
    number = noted.read_text() if noted.exists() else ""
    return bool(number) and Path(f"/proc/{number}").exists()
