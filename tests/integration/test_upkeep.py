"""The worker's upkeep: what is due is done by itself, what somebody asks for soon, and why it was not is said."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from appliance.backup import Backups
from appliance.core.types import Role, Staff
from appliance.desk import Desk, Forbidden, Gone
from appliance.desk.backups import BACKUP, VERIFY, BackupDesk, Plan, why_not
from appliance.space import Space
from appliance.store.store import Store
from appliance.upkeep import AGE, ROOM, Keeper
from catalog.shelf import Shelf

DAYS = {"dialogues": 365, "leads": 365}


class House:
    """A data folder over the tests' database, its keeper, and an administrator with a manager at the desk."""

    def __init__(self, store: Store, home: Path) -> None:
        self.store, self.home = store, home
        self.backups = Backups(home)
        self.space = Space(home, shelf=Shelf(home / "catalog"), backups=self.backups)
        self.now = datetime.now(UTC)
        plan = Plan(
            folder=self.backups.folder, copies=None, every=timedelta(days=1), at="03:00", keep=self.backups.keep,
            verify_every=timedelta(days=30), kept_days=DAYS,
        )  # fmt: skip
        self.desk = BackupDesk(store=store, backups=self.backups, space=self.space, plan=plan)

    def keeper(self) -> Keeper:
        return Keeper(store=self.store, backups=self.backups, space=self.space, keep=DAYS, clock=lambda: self.now)

    async def somebody(self, role: Role) -> Staff:
        return await Desk(store=self.store).employ(None, name="Анна", role=role)


@pytest.fixture
async def house(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """Its programs run with this house's settings."""
    for name in [name for name in os.environ if name.startswith("APPLIANCE_")]:
        monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("APPLIANCE_HOME", str(home))
    monkeypatch.setenv("DATABASE_URL", store.url)
    return House(store, home)


async def test_what_is_due_is_done_by_itself_and_once(house: House) -> None:
    assert set(await house.keeper().due()) == {ROOM, AGE, BACKUP}
    await house.keeper().run()
    assert len(house.backups.all()) == 1 and house.backups.all()[0].kind == "schedule"
    assert await house.keeper().due() == [VERIFY], "a backup that was never restored proves nothing"
    house.now += timedelta(days=1, minutes=10)
    assert set(await house.keeper().due()) == {ROOM, AGE, BACKUP, VERIFY}
    async with house.store.transaction() as tx:
        [room] = await tx.rooms(30)
    assert 0 < room.free <= room.total and "backups" in room.kinds


async def test_what_an_administrator_asks_for_is_done_once_and_followed(house: House) -> None:
    boss = await house.somebody(Role.ADMINISTRATOR)
    chore = await house.desk.make(boss)
    assert await house.desk.make(boss) == chore, "two presses are one backup"
    keeper = house.keeper()
    keeper._look_again = float("inf")  # nothing but what was asked for
    await keeper.run()
    [done] = await house.desk.chores(boss, BACKUP)
    assert done.ended_at and not done.fault and done.said["rows"] > 0
    shelved = await house.desk.all(boss)
    assert [one.id for one in shelved.backups] == [done.said["id"]] and shelved.trouble is None
    assert b'"database.dump"' in await house.desk.manifest(boss, str(done.said["id"]))
    with pytest.raises(Gone):
        await house.desk.manifest(boss, "20200101-000000")


async def test_why_it_was_not_done_is_said_and_it_rests(house: House) -> None:
    (house.home / "backups").write_text("a file where a folder should be")
    await house.keeper().run()
    boss = await house.somebody(Role.ADMINISTRATOR)
    [failed] = await house.desk.chores(boss, BACKUP)
    assert "backups" in failed.fault and failed.ended_at
    assert BACKUP not in await house.keeper().due()
    house.now += timedelta(hours=2)
    assert BACKUP in await house.keeper().due()


async def test_a_chore_that_a_killed_worker_left_is_done_by_the_next(house: House) -> None:
    async with house.store.transaction() as tx:
        await tx.ask_chore(ROOM)
    async with house.store.transaction() as tx:
        left = await tx.next_chore()
    async with house.store.transaction() as tx:
        again = await tx.next_chore()
    assert left and again and left.id == again.id


async def test_only_administrators_keep_house(house: House) -> None:
    manager = await house.somebody(Role.MANAGER)
    with pytest.raises(Forbidden):
        await house.desk.make(manager)
    with pytest.raises(Forbidden):
        await house.desk.all(manager)


async def test_room_is_made_of_what_is_past_its_time_alone(house: House) -> None:
    old, new = house.home / "cache" / "old", house.home / "cache" / "new"
    part, log = house.home / "models" / ".x.gguf.part", house.home / "logs" / "appliance.log.1"
    live, aside = house.home / "logs" / "appliance.log", house.home / "replaced-20260101-000000"
    aside.mkdir()
    for file in (old, new, part, log, live, aside / "PG_VERSION"):
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"x" * 50_000)
    for path in (old, part, log, live, aside):
        os.utime(path, (0, 0))
    uses = {use.kind: use.free for use in house.space.look().uses}
    assert all(uses[kind] >= 50_000 for kind in ("cache", "models", "logs", "replaced"))
    freed = house.space.make_room()
    assert set(freed) == {"cache", "models", "logs", "replaced"}
    assert new.exists() and live.exists() and not (old.exists() or part.exists() or log.exists() or aside.exists())
    assert house.space.make_room() == {}


async def test_old_dialogues_go_with_the_days_work(house: House) -> None:
    async with house.store.transaction() as tx:
        await tx.connection.execute(
            text(
                """INSERT INTO conversations (id, channel, address, updated_at)
                   SELECT gen_random_uuid(), 't', n::text, now() - interval '2 years'
                   FROM generate_series(1, 1200) AS n"""
            )
        )
        await tx.ask_chore(AGE)
    keeper = house.keeper()
    keeper._look_again = float("inf")
    await keeper.run()
    async with house.store.transaction() as tx:
        [done] = await tx.chores(AGE)
        left = await tx.connection.scalar(text("SELECT count(*) FROM conversations"))
    assert done.said["dropped"]["dialogues"] == 1200 and left == 0


async def test_a_chore_that_failed_is_told_in_the_readers_language(house: House) -> None:
    boss = await house.somebody(Role.ADMINISTRATOR)
    await house.desk.verify(boss, "gone")
    keeper = house.keeper()
    keeper._look_again = float("inf")  # nothing but what was asked for
    await keeper.run()
    [chore] = await house.desk.chores(boss, VERIFY)
    assert chore.fault == "There is no backup gone; `appliance backup list` names them."
    assert why_not(chore, "ru") == "Копии gone нет; все копии перечислит `appliance backup list`."
