"""What a box promises, what it is chosen from, and when the promise no longer rests on anything."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from models import nvidia, qualify
from models.base import ModelUnavailable, Outlook
from models.hardware import GIB, Gpu, Hardware
from models.qualify import Qualification

BOX = Hardware(
    processor="A processor", cores=2, memory=24 * GIB, available=20 * GIB, disk_free=50 * GIB, features=frozenset(),
    gpus=(),
)  # fmt: skip
CARD = replace(BOX, gpus=(Gpu(name="A card", memory=16 * GIB, free=15 * GIB),))
FOUND = Qualification(
    at=1.0, box=qualify.fingerprint(BOX), model="m", runtime="xllamacpp", threads=1, slots=1, context=2048, answer=80,
    reading=40.0, writing=18.0, promised=6.0, patience=8.0, samples=12,
)  # fmt: skip
SPEEDS = {
    "large": Outlook(reading=20, writing=8),
    "middle": Outlook(reading=40, writing=18),
    "small": Outlook(reading=110, writing=36),
}


def tried(name: str, runtime: str = "xllamacpp", faster: float = 1.0) -> qualify._Tried:
    outlook = SPEEDS[name]
    quick = Outlook(reading=outlook.reading * faster, writing=outlook.writing * faster)
    return qualify._Tried(name, Path(name), runtime, quick)


class TestChoice:
    def test_the_best_model_that_is_fast_enough_is_taken_on_its_faster_runtime(self) -> None:
        found = [tried("large"), tried("middle"), tried("middle", "llama-cpp-python", 1.3), tried("small")]
        best, second = qualify._candidates(found, 6.0)
        assert (best.model, best.runtime, second.model) == ("middle", "llama-cpp-python", "small")

    def test_where_none_is_fast_enough_the_fastest_is_taken(self) -> None:
        [chosen] = qualify._candidates([tried("large"), tried("middle"), tried("small")], 1.0)
        assert chosen.model == "small"

    async def test_a_better_writer_that_keeps_the_patience_wins_and_one_that_does_not_gives_way(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        measured: dict[str, list[float]] = {}
        good, poor = Outlook(reading=28, writing=14), Outlook(reading=80, writing=35)  # as a box of two cores has them

        async def alone(path: Path, **_: Any) -> Outlook:
            return {"good": good, "poor": poor}[path.name]

        async def crowd(chosen: qualify._Tried, **_: Any) -> tuple[list[float], Outlook]:
            return measured[chosen.model], chosen.outlook

        monkeypatch.setattr(qualify, "_alone", alone)
        monkeypatch.setattr(qualify, "_crowd", crowd)
        monkeypatch.setattr(qualify, "check_fit", lambda *_, **__: None)
        models = [(name, Path(name)) for name in ("good", "poor")]
        measured |= {"good": [6.8, 7.0, 7.2], "poor": [2.5, 2.6, 2.7]}
        assert (await qualify.qualify(models, hardware=BOX, patience=8.0)).model == "good"
        measured["good"] = [6.8, 8.5, 10.0]
        said: list[str] = []
        assert (await qualify.qualify(models, hardware=BOX, patience=8.0, report=said.append)).model == "poor"
        assert any("good" in line and "longer than the patience" in line for line in said)

    def test_as_many_are_served_at_once_as_the_patience_holds(self) -> None:
        assert qualify._slots(tried("middle"), BOX, 8.0) == 1
        assert qualify._slots(tried("small"), BOX, 8.0) == 3
        assert qualify._slots(tried("large"), CARD, 8.0) == 8

    async def test_the_patience_decides_between_the_models_that_are_here(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def alone(path: Path, **_: Any) -> Outlook:
            return SPEEDS[path.name]

        async def crowd(chosen: qualify._Tried, **_: Any) -> tuple[list[float], Outlook]:
            return [chosen.alone - 1, chosen.alone, chosen.alone + 1], chosen.outlook

        monkeypatch.setattr(qualify, "_alone", alone)
        monkeypatch.setattr(qualify, "_crowd", crowd)
        monkeypatch.setattr(qualify, "check_fit", lambda *_, **__: None)
        models = [(name, Path(name)) for name in SPEEDS]
        hurried = await qualify.qualify(models, hardware=BOX, patience=3.0)
        patient = await qualify.qualify(models, hardware=BOX, patience=8.0)
        assert (hurried.model, patient.model) == ("small", "middle")
        assert patient.promised == pytest.approx(tried("middle").alone + 1.645, abs=0.01)
        assert patient.holds and not hurried.holds
        assert patient.box == qualify.fingerprint(BOX)

    async def test_no_model_that_runs_is_said_with_what_to_do(self) -> None:
        with pytest.raises(ModelUnavailable, match="appliance models list"):
            await qualify.qualify([("absent", Path("absent.gguf"))], hardware=BOX, patience=8.0, seconds=1)

    async def test_a_home_without_models_is_told_how_to_get_one(self) -> None:
        with pytest.raises(ModelUnavailable, match="appliance models pull --default"):
            await qualify.qualify([], hardware=BOX, patience=8.0, seconds=1)


class TestKeeping:
    def test_it_is_kept_for_this_box_alone(self, tmp_path: Path) -> None:
        assert qualify.kept(tmp_path) is None
        qualify.keep(tmp_path, FOUND)
        assert qualify.kept(tmp_path, BOX) == qualify.kept(tmp_path) == FOUND
        assert qualify.kept(tmp_path, replace(BOX, cores=8)) is None
        (tmp_path / qualify.FILE).write_text("{")
        assert qualify.kept(tmp_path) is None


class TestDrift:
    def status(self, **more: Any) -> dict[str, Any]:
        return {"model": "m", "prompt_tokens_per_second": 40.0, "counts": {"answered": 3}, **more}

    def test_a_box_as_it_was_measured_is_no_trouble(self) -> None:
        assert qualify.drift(FOUND, self.status()) == ""
        assert qualify.drift(FOUND, self.status(model="another", prompt_tokens_per_second=1.0)) == ""
        assert qualify.drift(FOUND, self.status(prompt_tokens_per_second=1.0, counts={"answered": 0})) == ""

    def test_a_slower_box_and_a_faster_one_are_told_with_what_to_do(self) -> None:
        assert "25%" in qualify.drift(FOUND, self.status(prompt_tokens_per_second=10.0))
        assert "faster" in qualify.drift(FOUND, self.status(prompt_tokens_per_second=90.0))


NVML = """
#include <string.h>
typedef struct { unsigned long long total, free, used; } memory;
typedef struct { unsigned gpu, memory; } rates;
int nvmlInit_v2(void) { return 0; }
int nvmlShutdown(void) { return 0; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 2; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned number, void **device) { *device = (void *)(long)(number + 1); return 0; }
int nvmlDeviceGetName(void *device, char *name, unsigned length) { strncpy(name, "NVIDIA Test", length); return 0; }
int nvmlDeviceGetMemoryInfo(void *device, memory *found) {
    if ((long)device == 2) return 3; /* NVML_ERROR_NOT_SUPPORTED */
    found->total = 16ULL << 30; found->free = 12ULL << 30; found->used = 4ULL << 30; return 0;
}
int nvmlDeviceGetUtilizationRates(void *device, rates *found) { found->gpu = 37; found->memory = 5; return 0; }
"""


class TestCards:
    @pytest.mark.skipif(which("cc") is None, reason="NO C COMPILER HERE, SO THE CALLS OF NVML ARE NOT PROVEN")
    def test_they_are_asked_of_the_drivers_library(self, tmp_path: Path) -> None:
        source, library = tmp_path / "nvml.c", tmp_path / "libnvidia-ml.so.1"
        source.write_text(NVML)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
        assert nvidia.cards(str(library)) == [("NVIDIA Test", 16 << 30, 12 << 30, 37)]

    def test_without_a_driver_there_is_no_answer(self) -> None:
        assert nvidia.cards("libno-such-driver.so.1") is None
