"""What the status page concludes from its two witnesses."""

from __future__ import annotations

from typing import Any

from ui.i18n import catalogue
from ui.status import COLOURS, ORDER, picture

WELL = {"status": "OK", "parts": [{"name": name, "state": "OK", "why": ""} for name in ("database", "engine", "disk")]}


def state(steps: dict[str, Any] | None = None, **phases: str) -> dict[str, Any]:
    processes = {name: {"phase": phase, "restarts": 0, "reason": "", "pid": 1} for name, phase in phases.items()}
    return {"processes": processes, "steps": steps or {}}


def test_a_box_that_feels_well_is_told_in_the_order_that_matters() -> None:
    seen = picture(WELL, state(chat="up", worker="up", database="up", engine="up", console="up"))
    assert seen.overall == "ok"
    assert [part.name for part in seen.parts] == ["chat", "engine", "database", "worker", "disk"]
    assert {part.state for part in seen.parts} == {"ok"}


def test_without_a_supervisor_the_word_of_the_chat_is_enough() -> None:
    assert picture(WELL, None).overall == "ok"


def test_a_silent_chat_means_that_customers_are_not_served_whatever_else_works() -> None:
    seen = picture(None, state(chat="up", database="up"))
    assert seen.overall == "fail"
    assert seen.parts[0].state == "fail"


def test_a_chat_that_is_starting_is_no_alarm() -> None:
    assert picture(None, state(chat="starting")).overall == "starting"


def test_a_model_on_its_way_is_no_illness() -> None:
    told = {"status": "DEGRADED", "parts": [{"name": "engine", "state": "DEGRADED", "why": "does not answer"}]}
    steps = {"model": {"state": "running", "line": "qwen.gguf 41 % 12 MB/s"}}
    seen = picture(told, state(steps, chat="up", engine="waiting"))
    assert seen.overall == "preparing"
    assert seen.going[0].share == 0.41
    assert {part.name: part.state for part in seen.parts}["engine"] == "waiting"


def test_a_worker_that_cannot_start_needs_a_look_even_while_the_model_is_on_its_way() -> None:
    steps = {"model": {"state": "running", "line": ""}}
    seen = picture(WELL, state(steps, chat="up", worker="restarting"))
    assert seen.overall == "degraded"
    assert seen.going[0].share is None


def test_a_finished_step_is_shown_no_more() -> None:
    assert picture(WELL, state({"model": {"state": "done", "line": ""}}, chat="up")).going == ()


def test_a_database_that_fails_is_the_end_of_service() -> None:
    told = {"status": "FAIL", "parts": [{"name": "database", "state": "FAIL", "why": "refused"}]}
    seen = picture(told, state(chat="up", database="up"))
    assert seen.overall == "fail"
    assert [part.why for part in seen.parts if part.name == "database"] == ["refused"]


def test_every_part_and_state_that_can_be_shown_has_its_text() -> None:
    assert {f"status.part_{name}" for name in ORDER} <= catalogue().keys()
    assert {f"status.state_{name}" for name in COLOURS} <= catalogue().keys()
