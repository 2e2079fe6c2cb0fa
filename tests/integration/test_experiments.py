"""A trial of prompts counts every dialogue for the version that chance dealt it, since the shares stand as they do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import insert, select, update

from appliance.analytics import Analytics
from appliance.core.prompt import Prompt
from appliance.core.sequential import Verdict
from appliance.core.trial import Trial
from appliance.store.store import Store
from appliance.store.tables import AuditRow, PromptRow
from tests.small_history import Talk, Turn, tell

BEGUN = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
OLD, NEW = (Prompt(name="answer", version=version, body="") for version in ("old", "new"))
LEAD = {"status": "new", "phone": "+79031112233"}


async def shared(store: Store, *, share: int = 50, at: datetime = BEGUN) -> None:
    async with store.transaction() as tx:
        for prompt, live in ((OLD, True), (NEW, False)):
            await tx.connection.execute(
                insert(PromptRow).values(
                    name="answer", version=prompt.version, body="", live=live, share=0 if live else share,
                    shared_at=None if live else at, created_at=BEGUN - timedelta(days=9),
                )
            )  # fmt: skip


def talks(count: int, *, at: datetime, prompt: str = "", lead: bool = False) -> list[Talk]:
    return [Talk(at=at, turns=[Turn(text="насос", prompt=prompt)], lead=LEAD if lead else {}) for _ in range(count)]


async def test_without_shares_there_is_nothing_to_compare(store: Store) -> None:
    assert await Analytics(store=store, zone="UTC").trials() == []
    await shared(store, share=0)
    assert await Analytics(store=store, zone="UTC").trials() == []


async def test_a_dialogue_counts_for_what_chance_gave_it_also_without_a_word_of_the_model(store: Store) -> None:
    await shared(store)
    silent = talks(20, at=BEGUN + timedelta(hours=1))
    kept = talks(3, at=BEGUN + timedelta(hours=2), prompt="new", lead=True)
    await tell(store, *silent, *kept)
    (trial,) = await Analytics(store=store, zone="UTC", clock=lambda: BEGUN + timedelta(days=1)).trials()
    dealt = Trial(live=OLD, others=((NEW, 50),))
    to_new = sum(dealt.prompt(talk.id) is NEW for talk in silent)
    assert (trial.after.dialogues, trial.before.dialogues) == (to_new + 3, 20 - to_new)
    assert (trial.after.leads, trial.before.leads) == (3, 0)
    assert (trial.old, trial.new, trial.share) == ("old", "new", 0.5)
    assert trial.finding.verdict is Verdict.UNDECIDED
    assert round(trial.a_day) == 23


async def test_what_began_under_other_shares_is_left_out(store: Store) -> None:
    await shared(store)
    await tell(store, *talks(4, at=BEGUN - timedelta(days=1)), *talks(5, at=BEGUN + timedelta(days=1)))
    (trial,) = await Analytics(store=store, zone="UTC").trials()
    assert trial.dialogues == 5
    async with store.transaction() as tx:
        moved = update(PromptRow).where(PromptRow.version == "new")
        await tx.connection.execute(moved.values(share=20, shared_at=BEGUN + timedelta(days=2)))
    await tell(store, *talks(2, at=BEGUN + timedelta(days=3)))
    (trial,) = await Analytics(store=store, zone="UTC").trials()
    assert (trial.dialogues, trial.share) == (2, 0.2)
    async with store.transaction() as tx:  # a third version lost its share: those that stay are dealt anew
        for before in ({"new": 20, "third": 20}, {"new": 20}):
            await tx.log_act(user=None, action="prompt.share", subject="answer", before=before, after={"new": 20})
        (lost,) = await tx.connection.scalars(select(AuditRow.id).where(AuditRow.before != AuditRow.after))
        await tx.connection.execute(
            update(AuditRow).where(AuditRow.id == lost).values(at=BEGUN + timedelta(days=2, hours=22))
        )
    (trial,) = await Analytics(store=store, zone="UTC").trials()
    assert trial.since > BEGUN + timedelta(days=2, hours=22)
    assert trial.dialogues == 2


async def test_each_version_on_trial_is_compared_with_the_live_one_alone(store: Store) -> None:
    await shared(store, share=20)
    async with store.transaction() as tx:
        await tx.connection.execute(
            insert(PromptRow).values(name="answer", version="third", body="", share=30, shared_at=BEGUN,
                                     created_at=BEGUN - timedelta(days=8))
        )  # fmt: skip
    await tell(store, *talks(40, at=BEGUN + timedelta(days=1)))
    new, third = await Analytics(store=store, zone="UTC").trials()
    assert (round(new.share, 4), round(third.share, 4)) == (round(20 / 70, 4), round(30 / 80, 4))
    assert new.before == third.before
    assert new.after.dialogues + third.after.dialogues + new.before.dialogues == 40
