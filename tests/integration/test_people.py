"""The house's people: invited, given roles, disabled; their sessions open, idle and end; the log keeps it all."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from appliance.core.types import Role, Staff
from appliance.desk import Desk, Forbidden, Gone
from appliance.desk.audit import Audit, Sought
from appliance.desk.logins import Logins, Refusal
from appliance.desk.people import LastOne
from appliance.desk.sessions import Sessions, Visitor
from appliance.store.store import Store

HERE = Visitor(address="10.0.0.7", browser="Firefox")


async def employed(store: Store, name: str, role: Role = Role.MANAGER) -> Staff:
    return await Desk(store=store).employ(None, name=name, role=role)


async def test_the_first_administrator_comes_by_a_link_that_works_once_and_the_newest_alone(store: Store) -> None:
    logins = Logins(store=store)
    first = await logins.first_invite()
    second = await logins.first_invite()
    assert first and second and await logins.invited(first) is None
    with pytest.raises(Refusal, match="short"):
        await logins.join(second, name="Анна", login="anna", password="short", lang="ru")
    with pytest.raises(Refusal, match="short"):
        await logins.join(second, name="Анна", login="annaannaanna", password="AnnaAnnaAnna", lang="ru")
    person = await logins.join(second, name="Анна", login="Anna", password="a good password", lang="ru")
    assert await logins.by_password(" ANNA ", "a good password", HERE) == person
    with pytest.raises(Refusal, match="link_used"):
        await logins.join(second, name="X", login="other", password="a good password", lang="ru")
    assert await logins.first_invite() is None, "there is an administrator now"


async def test_a_name_that_is_taken_uses_the_invitation_not_up(store: Store) -> None:
    boss, logins = await employed(store, "Boss", Role.ADMINISTRATOR), Logins(store=store)
    await logins.set_password(boss, "anna", "a good password")
    token = await logins.invite(boss)
    with pytest.raises(Refusal, match="login_taken"):
        await logins.join(token, name="N", login="Anna", password="a good password", lang="en")
    assert [one.name for one in await Desk(store=store).people(boss)] == ["Boss"], "nobody was made by halves"
    await logins.join(token, name="N", login="nina", password="a good password", lang="en")


async def test_a_new_password_by_link_ends_the_sessions_of_whoever_knew_the_old_one(store: Store) -> None:
    boss, logins, sessions = (
        await employed(store, "Boss", Role.ADMINISTRATOR),
        Logins(store=store),
        Sessions(store=store),
    )
    maria = await employed(store, "Maria")
    await logins.set_password(maria, "maria", "the old password")
    old = await sessions.admit(maria.id, HERE, how="password")
    token = await logins.invite(boss, person=maria.id)
    assert await logins.join(token, name="Maria", login="maria", password="the new password", lang="en") == maria.id
    assert await sessions.whose(old) is None
    with pytest.raises(Refusal, match="wrong"):
        await logins.by_password("maria", "the old password", HERE)


async def test_wrong_passwords_cost_time_that_doubles_and_a_right_one_forgives(store: Store) -> None:
    maria, logins = await employed(store, "Maria"), Logins(store=store)
    await logins.set_password(maria, "maria", "a good password")
    for _ in range(6):
        with pytest.raises(Refusal, match="wrong"):
            await logins.by_password("maria", "not this one", HERE)
    with pytest.raises(Refusal, match="too_early"):
        await logins.by_password("maria", "a good password", HERE)
    async with store.transaction() as tx:
        await tx.connection.execute(text("UPDATE login_tries SET free_at = now()"))
    assert await logins.by_password("maria", "a good password", HERE) == maria.id
    async with store.transaction() as tx:
        left = await tx.connection.scalar(text("SELECT count(*) FROM login_tries WHERE key = 'account:maria'"))
    assert left == 0


async def test_a_disabled_person_is_out_at_once_and_comes_back_only_by_an_administrator(store: Store) -> None:
    desk, sessions = Desk(store=store), Sessions(store=store)
    boss, maria = await employed(store, "Boss", Role.ADMINISTRATOR), await employed(store, "Maria")
    token = await sessions.admit(maria.id, HERE, how="bot")
    await desk.dismiss(boss, maria.id)
    assert await sessions.whose(token) is None
    with pytest.raises(Forbidden):
        await desk.readmit(maria, maria.id)
    await desk.readmit(boss, maria.id)
    assert await sessions.whose(token) is None, "her sessions do not come back with her"


async def test_the_last_administrator_stays(store: Store) -> None:
    desk, boss = Desk(store=store), await employed(store, "Boss", Role.ADMINISTRATOR)
    for deed in (desk.dismiss(boss, boss.id), desk.set_role(boss, boss.id, Role.MANAGER)):
        with pytest.raises(LastOne):
            await deed
    second = await employed(store, "Second", Role.ADMINISTRATOR)
    await desk.set_role(second, boss.id, Role.MANAGER)
    with pytest.raises(Gone):
        await desk.set_role(second, uuid4(), Role.MANAGER)


async def test_a_role_that_was_taken_holds_in_a_session_that_is_open(store: Store) -> None:
    desk, sessions = Desk(store=store), Sessions(store=store)
    boss, other = await employed(store, "Boss", Role.ADMINISTRATOR), await employed(store, "O", Role.ADMINISTRATOR)
    token = await sessions.admit(other.id, HERE, how="bot")
    await desk.set_role(boss, other.id, Role.MANAGER)
    found = await sessions.whose(token)
    assert found is not None and found.staff.role is Role.MANAGER
    with pytest.raises(Forbidden):
        await desk.people(found.staff)


async def test_sessions_idle_out_and_end_in_any_case(store: Store) -> None:
    sessions, maria = Sessions(store=store, idle=timedelta(hours=1)), await employed(store, "Maria")
    idle, old = [await sessions.admit(maria.id, HERE, how="bot") for _ in range(2)]
    async with store.transaction() as tx:
        unseen = text("UPDATE sessions SET seen_at = now() - interval '61 minutes'")
        await tx.connection.execute(unseen)
    assert await sessions.whose(idle) is None
    fresh = await sessions.admit(maria.id, HERE, how="bot", before=old)
    async with store.transaction() as tx:
        await tx.connection.execute(text("UPDATE sessions SET seen_at = now() - interval '59 minutes'"))
    assert await sessions.whose(fresh, active=False) is not None
    async with store.transaction() as tx:
        seen = await tx.connection.scalar(text("SELECT max(seen_at) < now() - interval '58 minutes' FROM sessions"))
    assert seen, "a page that only looks keeps no session awake"
    assert await sessions.whose(fresh) is not None
    async with store.transaction() as tx:
        await tx.connection.execute(text("UPDATE sessions SET expires_at = now()"))
    assert await sessions.whose(fresh) is None


async def test_everybody_ends_their_own_sessions_and_only_administrators_those_of_others(store: Store) -> None:
    sessions, boss = Sessions(store=store), await employed(store, "Boss", Role.ADMINISTRATOR)
    maria, peter = await employed(store, "Maria"), await employed(store, "Peter")
    here, there = [await sessions.admit(maria.id, HERE, how="bot") for _ in range(2)]
    mine = await sessions.whose(here)
    assert mine is not None and len(await sessions.mine(maria)) == 2
    with pytest.raises(Forbidden):
        await sessions.end(peter, mine.session)
    with pytest.raises(Forbidden):
        await sessions.everybody(peter)
    assert await sessions.end_others(maria, mine.session) == 1 and await sessions.whose(there) is None
    await sessions.end(boss, mine.session)
    with pytest.raises(Gone):
        await sessions.end(boss, mine.session)


async def test_the_log_says_who_did_what_from_what_to_what(store: Store) -> None:
    desk, boss, maria = (
        Desk(store=store),
        await employed(store, "Boss", Role.ADMINISTRATOR),
        await employed(store, "Maria"),
    )
    await desk.set_role(boss, maria.id, Role.ADMINISTRATOR)
    await desk.describe(maria, maria.id, name="Maria P.", lang="en")
    log = Audit(store=store)
    acts, total = await log.acts(boss, Sought(area="staff"))
    assert total == len(acts) == 4
    assert (acts[0].who, acts[0].action, acts[0].before, acts[0].after) == (
        "Maria P.", "staff.describe", {"name": "Maria", "lang": "ru"}, {"name": "Maria P.", "lang": "en"}
    )  # fmt: skip
    assert (acts[1].who, acts[1].about, acts[1].after) == ("Boss", "Maria P.", {"role": "administrator"})
    assert (await log.acts(boss, Sought(words="50%_")))[1] == 0
    assert (await log.acts(boss, Sought(who=boss.id)))[1] == 1
    assert (await log.acts(boss, Sought(words="maria"), offset=1, limit=1))[0][0].id == acts[1].id
    with pytest.raises(Forbidden):
        await log.acts(await employed(store, "M"), Sought())
