"""console-5: who looks after every lead is fooled by an A/A test at most once in twenty, and finds a real difference.

Simulated dialogues come with a rate of leads that changes through the week, and leads come late; the manager looks
after each one and stops at the first verdict. Then the same through the product: dialogues in PostgreSQL, dealt to two
prompts as the chat deals them, looked at each day through the desk's figures.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.analytics import Analytics
from appliance.core.figures import Trial
from appliance.core.prompt import Prompt
from appliance.core.sequential import ALPHA, METHOD, Count, Verdict, compare, dialogues_needed, paths
from appliance.core.trial import Trial as Shares
from appliance.store.embedded import Embedded
from appliance.store.schema import migrate
from appliance.store.store import Store
from appliance.store.tables import ConversationRow, LeadRow, MessageRow, PromptRow
from tests.rig import verdict

RUNS, QUICK = 1000, 150  # experiments
DIALOGUES = 20_000  # of each: a year of a busy shop
RATE, UPLIFT = 0.15, 1.2
POWER = 0.9  # of the experiments with the uplift must find it within twice what was told to be needed
SHARES = (0.5, 0.1)
A_DAY, DAYS, QUICK_DAYS = 400, 45, 10  # of the dialogues in PostgreSQL


@dataclass(frozen=True, slots=True)
class Stream:
    """Leads of many experiments in the order in which they came: True for the trial; `at` is the dialogue's number."""

    leads: NDArray[np.bool_]
    at: NDArray[np.int64]


def simulate(runs: int, *, share: float, ratio: float, seed: int) -> Stream:
    """Dialogues one after another, dealt by chance; customers of a working day leave contacts more often."""
    luck = np.random.default_rng(seed)
    number = np.arange(DIALOGUES)
    week = RATE * (1 + 0.4 * np.sin(number / DIALOGUES * 2 * np.pi * 52))
    found: list[tuple[NDArray[np.bool_], NDArray[np.int64]]] = []
    for _ in range(runs):
        trial = luck.random(DIALOGUES) < share
        won = luck.random(DIALOGUES) < np.where(trial, np.minimum(week * ratio, 1), week)
        come = number[won] + luck.exponential(150, won.sum())  # a lead comes up to some days later
        order = np.argsort(come)
        found.append((trial[won][order], come[order].astype(np.int64)))
    many = min(len(leads) for leads, _ in found)
    return Stream(np.array([leads[:many] for leads, _ in found]), np.array([at[:many] for _, at in found]))


def alarms(stream: Stream, share: float) -> NDArray[np.int64]:
    """The number of dialogues after which each experiment was stopped; DIALOGUES + 1 where it never was."""
    seen = paths(stream.leads, share) >= -np.log(ALPHA)
    first = np.where(seen.any(axis=1), seen.argmax(axis=1), -1)
    return np.where(first < 0, DIALOGUES + 1, stream.at[np.arange(len(first)), first])


def textbook(stream: Stream, share: float) -> float:
    """What the same manager would be told by a z-test at each look: the share of experiments with a false alarm."""
    new = stream.leads.cumsum(axis=1)[:, 50:]
    total = np.arange(51, stream.leads.shape[1] + 1)
    z = (new - total * share) / np.sqrt(total * share * (1 - share))
    return float((np.abs(z) > 1.96).any(axis=1).mean())


def by_simulation(runs: int, wrong: list[str]) -> str:
    said = []
    for share in SHARES:
        same = simulate(runs, share=share, ratio=1.0, seed=31)
        fooled = float((alarms(same, share) <= DIALOGUES).mean())
        said.append(f"{fooled:.1%}")
        print(f"A/A, {share:.0%} on trial: {runs} experiments of {DIALOGUES:,} dialogues, looked at after each lead: "
              f"{fooled:.1%} false alarms (a z-test at each look: {textbook(same, share):.0%})")  # fmt: skip
        if fooled > ALPHA:
            wrong.append(f"{fooled:.1%} false alarms with {share:.0%} on trial")
        better = simulate(runs // 4, share=share, ratio=UPLIFT, seed=32)
        stopped = alarms(better, share)
        needed = dialogues_needed(RATE, share, ratio=UPLIFT)
        in_time = float((stopped <= min(2 * needed, DIALOGUES)).mean())
        print(f"uplift of a fifth, {share:.0%} on trial: told to need {needed:,} dialogues; found after "
              f"{np.median(stopped):,.0f} (median); {in_time:.0%} within {min(2 * needed, DIALOGUES):,}")  # fmt: skip
        if share == 0.5 and in_time < POWER:
            wrong.append(f"only {in_time:.0%} of the experiments with an uplift found it in time")
    return " and ".join(said)


def agrees(wrong: list[str]) -> None:
    """What the simulation sums is what the product says of the same counts."""
    luck = random.Random(3)
    for _ in range(200):
        share, leads = luck.choice(SHARES), [luck.random() < 0.5 for _ in range(luck.randint(1, 400))]
        evidence = paths(np.array([leads]), share)[0, -1]
        found = compare([Count(share=share, old=len(leads) - sum(leads), new=sum(leads))], [])
        if abs(min(1.0, np.exp(-evidence)) - found.p) > 1e-9:
            wrong.append(f"the simulation and the product differ on {len(leads)} leads")
            return


async def through_the_product(url: str, *, ratio: float, days: int, seed: int) -> list[Trial]:
    """Dialogues of many days, and what the desk's figures said at the end of each."""
    store = Store(url, pool=2)
    luck, begun = random.Random(seed), datetime.now(UTC) - timedelta(days=days + 1)
    old, new = (Prompt(name="answer", version=version, body="") for version in (f"old{seed}", f"new{seed}"))
    shares = Shares(live=old, others=((new, 50),))
    async with store.transaction() as tx:
        await tx.connection.execute(text("TRUNCATE conversations, prompts CASCADE"))
        for prompt, live in ((old, True), (new, False)):
            await tx.connection.execute(
                insert(PromptRow).values(
                    name="answer", version=prompt.version, body="", live=live, share=0 if live else 50,
                    shared_at=None if live else begun, created_at=begun - timedelta(days=1),
                )
            )  # fmt: skip
    said = []
    for day in range(days):
        today = begun + timedelta(days=day, hours=1)
        async with store.transaction() as tx:
            await _write(tx.connection, today, shares, new, luck, ratio)
        analytics = Analytics(store=store, zone="UTC", clock=lambda now=today: now)  # type: ignore[misc]
        await analytics.catch_up()
        said += await analytics.trials()
    await store.close()
    return said


async def _write(
    connection: AsyncConnection, day: datetime, shares: Shares, new: Prompt, luck: random.Random, ratio: float
) -> None:
    chats, messages, leads = [], [], []
    for _ in range(A_DAY):
        id = UUID(int=luck.getrandbits(128), version=4)
        mine = shares.prompt(id)
        chats.append({"id": id, "channel": "widget", "address": str(id), "last_seq": 1, "updated_at": day})
        messages.append({"conversation_id": id, "seq": 1, "role": "user", "text": "насос", "at": day})
        if luck.random() < RATE * (ratio if mine is new else 1):
            leads.append({"conversation_id": id, "status": "new", "phone": "+7", "created_at": day})
    for table, rows in ((ConversationRow, chats), (MessageRow, messages), (LeadRow, leads)):
        await connection.execute(insert(table), rows)


async def main(*, quick: bool) -> int:
    runs, days = (QUICK, QUICK_DAYS) if quick else (RUNS, DAYS)
    with tempfile.TemporaryDirectory(prefix="counterman-") as folder, verdict("console-5") as wrong:
        agrees(wrong)
        fooled = by_simulation(runs, wrong)
        with Embedded(Path(folder) / "postgres") as postgres:
            migrate(postgres.url)
            same = await through_the_product(postgres.url, ratio=1.0, days=days, seed=7)
            better = await through_the_product(postgres.url, ratio=1.5 if quick else UPLIFT, days=days, seed=8)
        if any(trial.finding.verdict is not Verdict.UNDECIDED for trial in same):
            wrong.append("the product saw a difference between two equal prompts")
        if not same[0].needed or same[0].dialogues != A_DAY:
            wrong.append("the product does not say what it takes")
        found = [day for day, trial in enumerate(better, 1) if trial.finding.verdict is Verdict.BETTER]
        if not found:
            wrong.append("the product did not see the planted uplift")
        last = same[-1]
        print(f"through PostgreSQL and the desk, a look a day: equal prompts undecided on all {len(same)} days "
              f"({last.before.leads} and {last.after.leads} leads);"
              f" the better one told on day {min(found, default=0)}")  # fmt: skip
        print(f"method: {METHOD}")
        print(f"{runs} A/A experiments with a peeking manager: {fooled} false alarms (allowed {ALPHA:.0%})")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(quick="--quick" in sys.argv)))
