"""care-3: a destroyed data folder comes back by one command, from a backup that was made while customers talked.

Measured: how long a backup takes under load and what customers feel of it, the restore, and the time from the disaster
to the first answer (RTO). What is lost is what came after the backup: never a message that was stored before it (RPO).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from appliance.store import dump
from tests.prove_kit import prepared_home
from tests.rig import Appliance, Customer, loopback, percentile, verdict

QUESTIONS = (
    "насос дренажный 1500 вт",
    "подшипник 6205",
    "как оплатить?",
    "submersible pump 3 kW",
    "компрессор 50 литров",
)
PAUSE = 2.5  # seconds between a customer's questions
SLOWEST_BACKUP = 60.0  # seconds
LONGEST_RTO = 300.0  # seconds from the disaster to the first answer, without fetching a model
LEAST_ROWS = 20


@dataclass(kw_only=True)
class Load:
    """Customers who talk until they are told to stop, and what they felt."""

    over: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[tuple[float, float | None]] = field(default_factory=list)  # when (epoch), seconds until the answer

    async def customer(self, appliance: Appliance, number: int) -> Customer:
        customer = Customer(appliance, address=loopback(number))
        while not self.over.is_set():
            began = time.time()
            with contextlib.suppress(Exception):
                answer = await customer.ask(QUESTIONS[len(self.asked) % len(QUESTIONS)], patience=30)
                self.asked.append((began, answer.done))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.over.wait(), PAUSE)
        return customer

    def felt(self, since: float, until: float) -> list[float]:
        return [seconds for at, seconds in self.asked if since <= at < until and seconds is not None]


async def main(*, customers: int, seconds: float, history: int) -> int:
    with tempfile.TemporaryDirectory(prefix="counterman-") as folder, verdict("care-3") as wrong:
        share = Path(folder) / "share"
        share.mkdir()
        home = prepared_home(Path(folder) / "home", model=False)
        (home / "company").mkdir()
        (home / "company" / "delivery.md").write_text("# Доставка\nДоставим завтра к вашей двери.\n", "utf-8")
        env = {"APPLIANCE_PULL": "false", "APPLIANCE_BACKUP_COPIES": str(share), "APPLIANCE_BACKUP_EVERY": "168"}
        appliance = Appliance(home, **env).start()
        try:
            appliance.wait(seconds=300)
            _earlier(appliance.database_url(), history)
            load = Load()
            talking = [asyncio.ensure_future(load.customer(appliance, at)) for at in range(customers)]  # noqa: TID251
            await asyncio.sleep(seconds)
            began = time.time()
            made = await asyncio.to_thread(appliance.told, "backup", "create")
            ended = time.time()
            await asyncio.sleep(seconds / 2)
            load.over.set()
            people = await asyncio.gather(*talking)
            stored = _times(appliance.database_url())
            _destroy(appliance)
            disaster = time.monotonic()
        except BaseException:
            appliance.stop()
            raise

        restored = appliance.told("restore", "--from", str(share))
        back = time.monotonic()
        with appliance:
            appliance.wait(seconds=300)
            ready = time.monotonic()
            first = await people[0].ask("насос дренажный 1500 вт", patience=60)
            rto = time.monotonic() - disaster
            rows, now = dump.rows_of(appliance.database_url()), _times(appliance.database_url())
            version = appliance.told("catalog", "versions")
            for customer in people:
                await customer.close()

        manifest = json.loads((share / str(made["id"]) / "manifest.json").read_text("utf-8"))
        snapshot = datetime.fromisoformat(manifest["newest"])
        owed = [at for at in stored if at <= snapshot]
        lost = [at for at in stored if at > snapshot]
        quiet, busy = load.felt(0, began), load.felt(began, ended)
        print(f"stored before the disaster: {len(stored)} messages; the backup holds {manifest['rows']['messages']}")
        print(f"backup under load: {ended - began:.1f} s, {made['own_bytes'] / 1e6:.1f} MB beside the catalogue")
        print(f"answers p95: {percentile(quiet, 0.95):.2f} s before, {percentile(busy, 0.95):.2f} s while it was made")
        print(f"restore: {back - disaster:.1f} s, {restored['rows']} rows; ready after {ready - disaster:.1f} s")
        print(f"RPO: the backup's interval and its {ended - began:.1f} s; here {len(lost)} messages came after it")
        if sum(manifest["rows"].values()) != restored["rows"]:
            wrong.append(f"{restored['rows']} rows restored, {sum(manifest['rows'].values())} were saved")
        if rows["messages"] < manifest["rows"]["messages"]:
            wrong.append(f"{rows['messages']} messages after the restore, {manifest['rows']['messages']} were saved")
        if missing := [at for at in owed if at not in set(now)]:
            wrong.append(f"{len(missing)} messages stored before the backup are missing")
        if first.done is None or not any(event["type"] == "cards" for event in people[0].events.values()):
            wrong.append(f"no answer with goods after the restore: {first}")
        if not (home / "company" / "delivery.md").exists() or not version["versions"]:
            wrong.append("the owner's texts or the catalogue did not come back")
        if ended - began > SLOWEST_BACKUP or rto > LONGEST_RTO:
            wrong.append(f"too slow: backup {ended - began:.0f} s, first answer after {rto:.0f} s")
        if len(owed) < LEAST_ROWS or not lost or not busy:
            wrong.append(
                f"too little load to prove anything: {len(owed)} before, {len(lost)} after, {len(busy)} meanwhile"
            )
        print(f"from the disaster to the first answer {rto:.1f} s; {len(owed)} messages compared, 0 of them lost"
              if not missing else f"{len(missing)} messages lost")  # fmt: skip
    return 0


def _destroy(appliance: Appliance) -> None:
    """The disk is gone: every process is killed at once, then the data folder goes."""
    pids = [appliance.pid(name) for name in ("chat", "console", "worker", "engine", "database")]
    for pid in filter(None, [appliance.process.pid if appliance.process else 0, *pids]):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    if appliance.process:
        appliance.process.wait()
    deadline = time.monotonic() + 20
    while appliance.left_behind() and time.monotonic() < deadline:
        time.sleep(0.1)
    shutil.rmtree(appliance.home)
    assert not appliance.home.exists()


def _earlier(url: str, messages: int) -> None:
    """A past: dialogues of a shop that has been open for a while."""
    with psycopg.connect(url) as connection:
        connection.execute(
            """WITH talks AS (INSERT INTO conversations (id, channel, address)
                              SELECT gen_random_uuid(), 'telegram', 'past' || n FROM generate_series(1, %(m)s / 20) AS n
                              RETURNING id)
               INSERT INTO messages (id, conversation_id, seq, role, text)
               SELECT gen_random_uuid(), id, n, 'user', repeat(md5(n::text || id), 4)
               FROM talks, generate_series(1, 20) AS n""",
            {"m": messages},
        )


def _times(url: str) -> list[datetime]:
    """When the customers' messages were stored: each has its own moment."""
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT at FROM messages WHERE role = 'user' AND text !~ '^[0-9a-f]{64}'").fetchall()
    return [row[0].astimezone(UTC) for row in rows]


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--quick", action="store_true")
    chosen = options.parse_args()
    if chosen.quick:
        print("QUICK")
    sys.exit(
        asyncio.run(main(customers=5, seconds=10, history=20_000))
        if chosen.quick
        else asyncio.run(main(customers=50, seconds=60, history=1_000_000))
    )
