"""care-1: leads pushed through a Zoho that fails at random, by a worker that is killed: each is there, and once."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import text

from appliance.crm.opening import KEY
from appliance.store.embedded import Embedded
from appliance.store.schema import migrate
from appliance.store.store import Store
from tests.rig import ROOT, verdict
from tests.zoho import FOLDER, Faults, Spec, World, ZohoServer
from tests.zoho.shop import enquiry

LEADS, KILLS = 2000, 30
QUICK_LEADS, QUICK_KILLS = 120, 3
SHARE = 0.05  # of requests that meet each of: a lost answer, 429, a fault of the server
CALLS = 50  # after which a token ends
DELAY = 5.0  # seconds by which the search's index lags
AT_ONCE = 4  # customers who leave contacts at the same time
PATIENCE = 2400.0  # seconds for everything
ATTEMPTS = 2  # of a push in one run
WAIT = 0.05  # minutes before a held push is tried again: an hour of the product in seconds


@dataclass
class Worker:
    """The worker process, as the supervisor would start it."""

    env: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    kills: int = 0

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "appliance", "worker"], cwd=ROOT, env=self.env, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log,
            )  # fmt: skip

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.kills += 1

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@dataclass
class Seen:
    """What was looked at while it went on."""

    leads: list[str] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)  # of pushes that were seen held
    speechless: int = 0  # held without a reason


async def _customers(store: Store, count: int, seen: Seen) -> None:
    """They come as the pushes go, so that kills and leads meet."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        async with room:
            lead = await enquiry(store, name=f"Покупатель {number}", phone=f"+7903{number:07}")
            seen.leads.append(lead.id.hex)

    await asyncio.gather(*(one(number) for number in range(count)))


async def _killer(worker: Worker, zoho: ZohoServer, count: int, leads: int, seed: int) -> None:
    """At random moments of the work: what the server has answered so far is its clock."""
    chance = random.Random(seed)
    for moment in sorted(chance.uniform(0.02, 0.95) for _ in range(count)):
        while len(zoho.world.records) < moment * leads:
            await asyncio.sleep(0.02)
        await asyncio.sleep(chance.uniform(0, 0.3))
        worker.kill()
        worker.start()


async def _watch(store: Store, count: int, seen: Seen) -> None:
    """Until all are sent."""
    while True:
        async with store.transaction() as tx:
            rows = await tx.connection.execute(text("SELECT held FROM parcels WHERE channel = 'crm' AND held <> ''"))
            seen.reasons.update(str(row.held)[:60] for row in rows)
            empty = text("SELECT count(*) FROM parcels WHERE channel = 'crm' AND held = ''")
            seen.speechless += int(await tx.connection.scalar(empty) or 0)
            sent = await tx.connection.scalar(text("SELECT count(*) FROM crm_leads WHERE sent_at IS NOT NULL"))
            owed = await tx.connection.scalar(
                text("SELECT count(*) FROM parcels WHERE channel = 'crm' AND delivered_at IS NULL")
            )
        if sent == count and owed == 0:
            return
        await asyncio.sleep(1)


async def _figures(store: Store) -> dict[str, Any]:
    async with store.transaction() as tx:
        most = await tx.connection.scalar(
            text("SELECT max(n) FROM (SELECT count(*) AS n FROM crm_attempts GROUP BY parcel_id, run) AS runs")
        )
        runs = {
            row.lead_id.hex: row.run for row in await tx.connection.execute(text("SELECT lead_id, run FROM crm_leads"))
        }
        remotes = {
            row.lead_id.hex: row.remote
            for row in await tx.connection.execute(text("SELECT lead_id, remote FROM crm_leads"))
        }
        failed = await tx.connection.scalar(text("SELECT count(*) FROM crm_attempts WHERE outcome = 'failed'"))
        died = await tx.connection.scalar(text("SELECT count(*) FROM crm_attempts WHERE outcome = ''"))
    return {"most": most, "runs": runs, "remotes": remotes, "failed": failed, "died": died}


def _judge(zoho: ZohoServer, seen: Seen, figures: dict[str, Any], worker: Worker, kills: int, wrong: list[str]) -> None:
    there = Counter(record.data.get(KEY) for record in zoho.world.records.values())
    lost = [key for key in seen.leads if key not in there]
    doubled = [key for key, count in there.items() if count > 1]
    upserts: Counter[str] = Counter()
    for entry in zoho.log:
        if entry["path"] == "/Leads/upsert" and "token" in entry:
            upserts[entry["body"]["data"][0][KEY]] += 1
    over = [key for key, count in upserts.items() if count > ATTEMPTS * figures["runs"].get(key, 1)]
    strange = [key for key, remote in figures["remotes"].items() if remote not in zoho.world.records]
    if lost:
        wrong.append(f"{len(lost)} leads are not in Zoho")
    if doubled or len(zoho.world.records) > len(seen.leads):
        wrong.append(f"{len(zoho.world.records) - len(seen.leads)} records too many, {len(doubled)} keys twice")
    if figures["most"] > ATTEMPTS or over:
        wrong.append(f"{figures['most']} attempts in one run; {len(over)} leads sent more often than two times a run")
    if strange:
        wrong.append(f"{len(strange)} receipts name a record that is not there")
    if seen.speechless:
        wrong.append(f"{seen.speechless} times a push was held without a reason")
    if worker.kills < kills:
        wrong.append(f"only {worker.kills} of {kills} kills")
    if zoho.wrong:
        wrong.append(f"{len(zoho.wrong)} requests that Zoho's own files do not allow: {zoho.wrong[0]}")


async def main(*, quick: bool) -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    leads, kills = (QUICK_LEADS, QUICK_KILLS) if quick else (LEADS, KILLS)
    if not FOLDER.is_dir():
        print(f"ZOHO'S OPENAPI FILES ARE NOT AT {FOLDER}: REQUESTS ARE NOT HELD AGAINST THEM")
    with tempfile.TemporaryDirectory(prefix="counterman-") as folder, verdict("care-1") as wrong:
        world = World(index_delay=DELAY, token_calls=CALLS, throttle=(10**9, 1.0), allowance=10**9)
        world.add_unique(KEY, "Request ID")
        grant = world.add_grant()
        faults = Faults(lost=SHARE, too_many=SHARE, server=SHARE, seed=91)
        zoho = ZohoServer(spec=Spec() if FOLDER.is_dir() else None, world=world, faults=faults)
        with Embedded(Path(folder) / "postgres") as postgres:
            migrate(postgres.url)
            store = Store(postgres.url, pool=8)
            async with zoho:
                worker = Worker(_env(Path(folder), postgres.url, zoho, grant), Path(folder) / "worker.log")
                worker.start()
                began, seen = time.monotonic(), Seen()
                try:
                    async with asyncio.timeout(PATIENCE):
                        await _connected(store)
                        killing = asyncio.gather(
                            _customers(store, leads, seen), _killer(worker, zoho, kills, leads, seed=17)
                        )
                        await killing
                        await _watch(store, leads, seen)
                except TimeoutError:
                    wrong.append(f"not all were sent within {PATIENCE:.0f} s")
                    print((Path(folder) / "worker.log").read_text(errors="replace")[-3000:])
                finally:
                    worker.stop()
                took = time.monotonic() - began
            figures = await _figures(store)
            await store.close()
        _judge(zoho, seen, figures, worker, kills, wrong)
        if quick:
            print("QUICK: a smoke test, not the proof")
        calls = [entry for entry in zoho.log if "token" in entry]
        ways = Counter(f"{entry['method']} {entry['path']}" for entry in calls)
        print(f"{took:.0f} s, {worker.kills} kills, {sum(faults.met.values())} faults {faults.met}, "
              f"{world.renewals} tokens, {figures['failed']} attempts failed, {figures['died']} cut short")  # fmt: skip
        runs = dict(sorted(Counter(figures["runs"].values()).items()))
        print(f"leads by runs: {runs}; requests: {dict(ways.most_common(5))}")
        print(f"held at some time, for: {dict(seen.reasons.most_common(4))}")
        unique = len({record.data.get(KEY) for record in world.records.values()})
        print(f"{len(seen.leads)} leads, {unique} there, {len(seen.leads) - unique} lost, "
              f"{len(world.records) - unique} doubled, at most {figures['most']} attempts in a run, "
              f"{len(calls) / max(len(seen.leads), 1):.2f} requests a lead")  # fmt: skip
    return 0


async def _connected(store: Store) -> None:
    """The worker has read the settings, and leads go to Zoho from now on."""
    while True:
        async with store.transaction() as tx:
            if await tx.crm_account():
                return
        await asyncio.sleep(0.1)


def _env(folder: Path, database: str, zoho: ZohoServer, grant: Any) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("APPLIANCE_", "ZOHO_", "PYTEST_"))
    }
    return {
        **kept, "APPLIANCE_HOME": str(folder / "home"), "DATABASE_URL": database, "ZOHO_CLIENT_ID": grant.client_id,
        "ZOHO_CLIENT_SECRET": grant.client_secret, "ZOHO_REFRESH_TOKEN": grant.refresh, "ZOHO_ACCOUNTS_URL": zoho.url,
        "APPLIANCE_CRM_WAIT": str(WAIT),
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(asyncio.run(main(quick="--quick" in sys.argv)))
