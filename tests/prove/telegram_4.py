"""telegram-4: 1,000 dialogues that fell silent, two workers, the leader killed in the middle: exactly one lead each."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import psycopg

from appliance.store.embedded import Embedded
from appliance.store.schema import migrate
from tests.rig import ROOT, verdict

DIALOGUES = 1000
SILENT = 31  # minutes; the setting says 30
PATIENCE = 180.0  # seconds until all leads must be there

# The clock is the test's: the dialogues were last touched as long ago as it says.
TALK = """
WITH talk AS (
  INSERT INTO conversations (id, channel, address, lang, last_seq, updated_at)
  SELECT gen_random_uuid(), 'widget', 'customer ' || n, 'ru', 2, now() - make_interval(mins => %(silent)s)
  FROM generate_series(1, %(count)s) AS n RETURNING id),
answer AS (
  INSERT INTO messages (id, conversation_id, seq, role, kind, text)
  SELECT gen_random_uuid(), id, 2, 'bot', 'text', 'вот' FROM talk RETURNING id, conversation_id),
question AS (
  INSERT INTO messages (id, conversation_id, seq, role, kind, text, answered_by)
  SELECT gen_random_uuid(), conversation_id, 1, 'user', 'text', 'нужен насос 3 кВт', id FROM answer)
INSERT INTO answers (message_id, route, rung, lang) SELECT id, 'product_search', 'template', 'ru' FROM answer
"""
# Each lead takes a moment, so that the kill falls into the middle.
SLOWLY = """
CREATE OR REPLACE FUNCTION counterman_slow() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_sleep(0.01); RETURN NEW; END $$;
CREATE OR REPLACE TRIGGER counterman_slow BEFORE INSERT ON leads FOR EACH ROW EXECUTE FUNCTION counterman_slow();
"""


@dataclass(frozen=True)
class Worker:
    """A worker process, and where it logs."""

    process: subprocess.Popen[bytes]
    log: Path


def worker(home: Path, url: str, number: int) -> Worker:
    env = {name: value for name, value in os.environ.items() if not name.startswith("APPLIANCE_")}
    env |= {"APPLIANCE_HOME": str(home), "DATABASE_URL": url, "APPLIANCE_LEAD_IDLE": "30"}
    log = home / f"worker-{number}.log"
    with log.open("ab") as file:
        command = [sys.executable, "-m", "appliance", "worker"]
        return Worker(subprocess.Popen(command, cwd=ROOT, env=env, stdout=file, stderr=file), log)


def main(*, quick: bool) -> int:
    count = 100 if quick else DIALOGUES
    with tempfile.TemporaryDirectory(prefix="counterman-") as folder, verdict("telegram-4") as wrong:
        home = Path(folder)
        with Embedded(home / "postgres") as postgres:
            migrate(postgres.url)
            with psycopg.connect(postgres.url, autocommit=True) as database:
                manager = (
                    "INSERT INTO users (id, role, name, telegram_id) VALUES (gen_random_uuid(), 'manager', 'M', 7)"
                )
                database.execute(manager)
                database.execute(SLOWLY)
                workers = [worker(home, postgres.url, number) for number in range(2)]
                try:
                    database.execute(TALK, {"silent": SILENT, "count": count})
                    killed = _kill_the_leader(database, workers, at=count // 3)
                    seconds = _until_all(database, count)
                    time.sleep(20)  # another round of the job: whatever would double shows now
                finally:
                    for one in workers:
                        one.process.terminate()
                        one.process.wait(30)
                per_dialogue = Counter(row[0] for row in database.execute("SELECT conversation_id FROM leads"))
                notices = database.execute("SELECT count(*) FROM parcels WHERE kind = 'notice'").fetchone()
                assert notices is not None
                doubled = sum(number > 1 for number in per_dialogue.values())
                print(f"leader killed after {killed} leads; {len(per_dialogue)} of {count} dialogues have a lead")
                if len(per_dialogue) != count:
                    wrong.append(f"{count - len(per_dialogue)} dialogues have no lead")
                if doubled:
                    wrong.append(f"{doubled} dialogues have more than one lead")
                if notices[0] != count:
                    wrong.append(f"{notices[0]} notices for {count} leads")
                if not 0 < killed < count:
                    wrong.append(f"the kill came after {killed} leads, not in the middle")
                print(f"{count} silent dialogues, {len(per_dialogue)} leads, {doubled} doubled, in {seconds:.0f} s")
    return 0


def _kill_the_leader(database: psycopg.Connection, workers: list[Worker], *, at: int) -> int:
    """kill -9 of the worker that is making leads, once there are `at`; gives how many were committed then."""
    _wait_for(database, at)
    leader = next(one for one in workers if "jobs.leading" in one.log.read_text())
    leader.process.send_signal(signal.SIGKILL)
    leader.process.wait()
    return _leads(database)


def _until_all(database: psycopg.Connection, count: int) -> float:
    began = time.monotonic()
    _wait_for(database, count)
    return time.monotonic() - began


def _wait_for(database: psycopg.Connection, count: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while _leads(database) < count and time.monotonic() < deadline:
        time.sleep(0.05)


def _leads(database: psycopg.Connection) -> int:
    row = database.execute("SELECT count(*) FROM leads").fetchone()
    assert row is not None
    return int(row[0])


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--quick", action="store_true")
    sys.exit(main(quick=options.parse_args().quick))
