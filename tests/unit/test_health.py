"""How the box feels: what each look says, and that a part that hangs is told of without holding up the others."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from appliance import causes, probes
from appliance import health as health_
from appliance.health import VITAL, Health, Part, Probe, State, bad, overall
from appliance.sealed import Sealed
from catalog.product import Product
from catalog.shelf import Shelf
from models.packaged import PackagedEmbedder
from tests.models_kit import free_port


async def well() -> Part:
    return Part(name="x")


async def hang() -> Part:
    await asyncio.sleep(60)
    raise AssertionError


async def test_a_part_that_hangs_degrades_the_box_but_never_fails_it() -> None:
    health = Health({"engine": Probe(look=hang, patience=0.05, silent="engine_silent"), "x": Probe(look=well)})
    engine, x = await health.parts()
    assert (engine.state, x.state) == (State.DEGRADED, State.OK)
    assert "cards and template sentences" in engine.why
    assert overall((engine, x)) is State.DEGRADED


async def test_only_what_customers_cannot_do_without_fails_the_box() -> None:
    health = Health({"database": Probe(look=hang, patience=0.05, silent="database_away")})
    assert overall(await health.parts()) is State.FAIL
    assert {"database"} == VITAL


async def test_a_seldom_part_that_was_found_ill_is_looked_at_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_, "AGAIN", 0.05)
    slow = [False, True]  # the box begins: our own look is quick, that of the first monitor beside it is not

    async def look() -> Part:
        await asyncio.sleep(5.0 if slow and slow.pop(0) else 0.01)
        return Part(name="x")

    health = Health({"x": Probe(look=look, every=300.0, patience=0.3)})
    asker = asyncio.get_running_loop().create_task(health.run())
    await asyncio.sleep(0)
    assert (await health.parts())[0].state is State.DEGRADED
    await asyncio.sleep(0.3)
    assert (await health.parts())[0].state is State.OK, "it does not stay ill for the five minutes of its pace"
    asker.cancel()


async def test_monitors_that_ask_often_get_the_last_look_and_cost_nothing() -> None:
    looks = 0

    async def count() -> Part:
        nonlocal looks
        looks += 1
        return Part(name="x")

    health = Health({"x": Probe(look=count, every=0.05)})
    asker = asyncio.get_running_loop().create_task(health.run())
    await asyncio.gather(*(health.parts() for _ in range(50)))
    assert looks <= 2
    await asyncio.sleep(0.3)
    assert looks >= 4, "it is asked again though nobody asks us"
    asker.cancel()
    await asyncio.gather(asker, return_exceptions=True)


async def test_a_look_that_breaks_is_a_finding_and_the_others_go_on() -> None:
    async def breaks() -> Part:
        raise KeyError("gone")

    broken, x = await Health({"broken": Probe(look=breaks), "x": Probe(look=well)}).parts()
    assert broken.state is State.DEGRADED and "gone" in broken.why and x.state is State.OK


def test_every_cause_is_told_in_both_languages_with_the_same_values() -> None:
    def names(text: str) -> set[str]:
        return {part.partition("}")[0] for part in text.split("{")[1:]}

    for cause, texts in causes.catalogue().items():
        assert texts["en"] and texts["ru"], cause
        assert names(texts["en"]) == names(texts["ru"]), cause


@pytest.mark.parametrize(("total", "free", "low"), [
    (20 << 30, 3 << 30, False), (20 << 30, 900 << 20, True), (4000 << 30, 11 << 30, False), (4000 << 30, 9 << 30, True),
    (600 << 20, 100 << 20, False), (600 << 20, 30 << 20, True),
])  # fmt: skip
async def test_a_disk_is_low_by_its_own_measure(
    total: int, free: int, low: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("usage", (tuple,), {})((total, total - free, free))
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    part = await probes.disk(tmp_path)()
    assert (part.state is State.DEGRADED) == low
    assert not low or f"{free >> 20} MB" in part.why


@pytest.fixture
async def shelf(tmp_path: Path) -> Any:
    shelf = Shelf(tmp_path / "catalog", embedders=[PackagedEmbedder()])
    goods = [Product(sku=f"P-{number}", name=f"Pump {number} kW for clean water") for number in range(30)]
    shelf.publish((await shelf.add(goods, source="test")).name)
    yield shelf
    shelf.close()


async def test_a_damaged_index_is_found_on_the_disk_and_its_return_too(shelf: Shelf) -> None:
    look = probes.catalogue(shelf)
    assert (await look()).state is State.OK
    snapshot = shelf.current()
    assert snapshot is not None
    [index] = snapshot.folder.glob("meaning-*/latn.faiss")
    whole = index.read_bytes()
    index.write_bytes(whole[:-64] + bytes(64))
    part = await look()
    assert part.state is State.DEGRADED and "latn.faiss" in part.why and "rollback" in part.why
    index.write_bytes(whole)
    assert (await look()).state is State.OK


async def test_a_search_is_really_made_in_every_lane(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = shelf.current()
    assert snapshot is not None
    assert Sealed().searched(snapshot)
    [lane] = snapshot.meanings.values()
    with monkeypatch.context() as patch:
        patch.setattr(lane, "search", lambda vector, count: [])
        assert not Sealed().searched(snapshot)


async def test_what_the_supervisor_says_of_its_processes_is_shown(tmp_path: Path) -> None:
    look, folder = probes.processes(tmp_path), tmp_path / "run"
    assert (await look()).state is State.OK, "where nobody supervises there is nothing to say"
    folder.mkdir()

    def say(supervisor: int, **process: Any) -> None:
        state = {"supervisor": supervisor, "processes": {"worker": process}, "logs": "Read-only file system"}
        (folder / "state.json").write_text(json.dumps(state))

    say(os.getpid(), phase="restarting", ends=[time.time()], last_reason="SIGKILL")
    part = await look()
    assert part.state is State.DEGRADED and "worker" in part.why and "SIGKILL" in part.why
    assert "Read-only file system" in (await probes.logs(tmp_path)()).why
    say(os.getpid(), phase="up", ends=[time.time() - 3], last_reason="SIGKILL")
    assert (await look()).state is State.DEGRADED, "a restart too quick for monitors is still seen"
    say(os.getpid(), phase="up", ends=[time.time() - 300], last_reason="SIGKILL")
    assert (await look()).state is State.OK
    say(2**22 + 1, phase="restarting", ends=[time.time()])
    assert (await look()).state is State.OK, "a supervisor that has gone says nothing"


def test_what_hangs_on_the_database_says_so() -> None:
    part = bad("outbox", "not_known", because="database", part="database")
    assert part.because == "database" and part.state is State.DEGRADED


@pytest.mark.parametrize(("there", "cause"), [(True, "engine_silent"), (False, "engine_none")])
async def test_a_model_that_is_still_on_its_way_is_no_alarm(there: bool, cause: str) -> None:
    part = await probes.engine(f"http://127.0.0.1:{free_port()}", there=lambda: there)()
    assert (part.state, part.cause) == (State.DEGRADED, cause)
    assert causes.tells(cause) is there
