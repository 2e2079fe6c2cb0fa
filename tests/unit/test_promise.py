"""When the box measures its model again by itself, and what it says until then."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from appliance.promise import LOOKS, Promise
from models import qualify
from models.hardware import detect
from models.qualify import Qualification

STATUS = {"model": "m", "prompt_tokens_per_second": 10.0, "counts": {"answered": 9}, "busy": 0}


@pytest.fixture
def measured(tmp_path: Path) -> Qualification:
    found = Qualification(
        at=1.0, box=qualify.fingerprint(detect(tmp_path)), model="m", runtime="xllamacpp", threads=1, slots=1,
        context=2048, answer=80, reading=40.0, writing=18.0, promised=6.0, patience=8.0, samples=12,
    )  # fmt: skip
    qualify.keep(tmp_path, found)
    return found


class Box:
    """A promise whose engine says what it is told to say, and whose measurement leaves a mark."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.status: Mapping[str, Any] | None = STATUS
        self.load = 0.0
        self._mark = folder / "measured"
        monkeypatch.setattr(os, "getloadavg", lambda: (self.load, 0.0, 0.0))
        mark = f"open({str(self._mark)!r}, 'a').write('x')"
        self.promise = Promise(folder=folder, address="http://127.0.0.1:9", program=(sys.executable, "-c", mark))

        async def status() -> Mapping[str, Any] | None:
            return self.status

        monkeypatch.setattr(self.promise, "_status", status)

    async def look(self, times: int) -> int:
        """How often it was measured after so many looks."""
        for _ in range(times):
            await self.promise.run()
        return len(self._mark.read_text()) if self._mark.exists() else 0


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Box:
    return Box(tmp_path, monkeypatch)


async def test_a_box_grown_slow_is_told_and_measured_once_when_idle(box: Box, measured: Qualification) -> None:
    assert "25%" in await box.promise.trouble()
    assert await box.look(LOOKS - 1) == 0
    assert await box.look(1) == 1
    assert await box.look(3 * LOOKS) == 1  # not again and again


async def test_a_busy_box_is_not_measured(box: Box, measured: Qualification) -> None:
    box.load = 64.0
    assert await box.look(2 * LOOKS) == 0
    box.load, box.status = 0.0, {**STATUS, "busy": 1}
    assert await box.look(2 * LOOKS) == 0


async def test_a_box_as_it_was_measured_is_left_alone(box: Box, measured: Qualification) -> None:
    box.status = {**STATUS, "prompt_tokens_per_second": 38.0}
    assert await box.promise.trouble() == ""
    assert await box.look(2 * LOOKS) == 0


async def test_a_box_that_was_never_measured_measures_itself(box: Box) -> None:
    assert await box.promise.trouble() == ""
    assert await box.look(LOOKS) == 1


async def test_an_engine_that_is_away_is_no_matter_of_speed(box: Box, measured: Qualification) -> None:
    box.status = None
    assert await box.promise.trouble() == ""
    assert await box.look(2 * LOOKS) == 0


async def test_a_model_that_was_not_measured_is(box: Box, tmp_path: Path, measured: Qualification) -> None:
    qualify.keep(tmp_path, replace(measured, model="another"))
    assert await box.look(LOOKS) == 1
