"""The box's desk: for administrators alone, with every change in the audit log, and models worked on for real."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from appliance import watch
from appliance.availability import Availability
from appliance.core.types import Role, Staff
from appliance.desk.base import Forbidden, Gone
from appliance.desk.box import BoxDesk, Wanted
from appliance.store.store import Store
from models.base import ModelError
from models.files import ModelFiles


@pytest.fixture
def desk(store: Store, tmp_path: Path) -> BoxDesk:
    files = ModelFiles(tmp_path / "models")
    env = {**os.environ, "APPLIANCE_HOME": str(tmp_path)}
    return BoxDesk(store=store, home=tmp_path, ask="http://127.0.0.1:9", files=files, told=("7",), env=env)


@pytest.fixture
async def people(store: Store) -> dict[Role, Staff]:
    async with store.transaction() as tx:
        return {
            role: await tx.employ(name=role, role=role, telegram_id=number, email="", lang="en")
            for number, role in enumerate((Role.MANAGER, Role.ADMINISTRATOR), 1)
        }


async def acts(store: Store) -> list[tuple[str, Any]]:
    async with store.transaction() as tx:
        rows = await tx.connection.execute(text("SELECT action, after FROM audit ORDER BY id"))
        return [(row.action, row.after) for row in rows]


async def test_managers_may_do_none_of_it(desk: BoxDesk, people: dict[Role, Staff]) -> None:
    manager = people[Role.MANAGER]
    tried: list[Callable[[], Awaitable[object]]] = [
        lambda: desk.parts(manager), lambda: desk.processes(manager), lambda: desk.months(manager),
        lambda: desk.days(manager, "2026-11"), lambda: desk.alerts(manager), lambda: desk.hearers(manager),
        lambda: desk.test_alerts(manager), lambda: desk.quiet(manager), lambda: desk.set_quiet(manager, ""),
        lambda: desk.log(manager, Wanted()), lambda: desk.models(manager), lambda: desk.machine(manager),
        lambda: desk.changes(manager), lambda: desk.pull(manager, "m"), lambda: desk.import_(manager, "/"),
        lambda: desk.use(manager, "m"), lambda: desk.delete(manager, "m"),
    ]  # fmt: skip
    for each in tried:
        with pytest.raises(Forbidden):
            await each()
    for now in (desk.has_log, desk.doing, desk.named_elsewhere):
        with pytest.raises(Forbidden):
            now(manager)


async def test_a_chat_that_does_not_answer_is_what_is_said(desk: BoxDesk, people: dict[Role, Staff]) -> None:
    [part] = await desk.parts(people[Role.ADMINISTRATOR])
    assert (part.name, part.state) == ("chat", "fail")
    assert "Клиенты не обслуживаются" in part.why("ru") and "Customers are not served" in part.why("en")


async def test_quiet_hours_and_tests_are_asked_for_and_noted(
    desk: BoxDesk, people: dict[Role, Staff], store: Store, tmp_path: Path
) -> None:
    olga = people[Role.ADMINISTRATOR]
    await desk.set_quiet(olga, " 22:00-07:00 ")
    assert await desk.quiet(olga) == "22:00-07:00"
    with pytest.raises(ValueError, match="22:00"):
        await desk.set_quiet(olga, "always")
    await desk.test_alerts(olga)
    assert len(list((tmp_path / "watch" / "asked").glob("*.json"))) == 1
    assert await acts(store) == [("alerts.quiet", {"hours": "22:00-07:00"}), ("alerts.test", {})]


async def test_what_was_told_is_listed_with_whom_it_reached(
    desk: BoxDesk, people: dict[Role, Staff], tmp_path: Path
) -> None:
    told = {"id": "a", "kind": "over", "part": "disk", "cause": "disk_low", "at": time.time(),
            "since": time.time() - 90, "to": 2, "values": {"free": "5", "used": "99", "folder": "/srv"}}  # fmt: skip
    lines = [told, {"letter": "a-0", "why": ""}, {"letter": "a-1", "why": "Telegram refuses"}]
    folder = watch.Folder(home=tmp_path)
    folder.history.parent.mkdir(parents=True)
    folder.history.write_text("\n".join(map(json.dumps, lines)) + "\n")
    [alert], total = await desk.alerts(people[Role.ADMINISTRATOR])
    assert (total, alert.kind, alert.to, alert.reached, alert.failed) == (1, "over", 2, 1, "Telegram refuses")
    assert "5 МБ" in alert.why("ru") and round(alert.lasted) == 90
    [hearer] = await desk.hearers(people[Role.ADMINISTRATOR])
    assert (hearer.way, hearer.address, hearer.set_up) == ("telegram", "7", False)


async def test_months_and_days_are_read_from_what_the_watch_measured(
    desk: BoxDesk, people: dict[Role, Staff], tmp_path: Path
) -> None:
    measured = Availability(watch.Folder(home=tmp_path).availability)
    measured.sample(time.time(), "+")
    [month] = await desk.months(people[Role.ADMINISTRATOR])
    assert month.share == 1.0
    assert len(await desk.days(people[Role.ADMINISTRATOR], month.name)) == 1


async def test_models_are_listed_for_this_box_and_work_on_them_goes_on_beside(
    desk: BoxDesk, people: dict[Role, Staff], store: Store
) -> None:
    olga = people[Role.ADMINISTRATOR]
    models = await desk.models(olga)
    assert models and not any(model.here or model.answers for model in models)
    assert (await desk.machine(olga)).cores >= 1
    await desk.pull(olga, "no-such-model")
    with pytest.raises(Gone):
        await desk.pull(olga, models[0].name)
    async with asyncio.timeout(60):
        while (doing := desk.doing(olga)) is None or not doing.ended:
            await asyncio.sleep(0.1)
    assert "no known model" in doing.failed
    with pytest.raises(ModelError):
        await desk.delete(olga, "no-such-model")
    assert ("model.pull", {"model": "no-such-model"}) in await acts(store)
