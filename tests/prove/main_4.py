"""main-4: whatever process is killed, every message has exactly one stored answer and the chat is soon usable again."""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psycopg

from tests.prove_kit import prepared_home
from tests.rig import Answer, Appliance, Customer, loopback, percentile, verdict

VICTIMS = ("chat", "engine", "worker", "database")
QUESTIONS = (
    "насос дренажный 1500 вт", "а подешевле?", "submersible pump 3 kW", "подшипник 6205", "как оплатить?",
    "сварочный аппарат 200 А", "компрессор 50 литров", "what is your delivery time?", "есть в наличии?",
)  # fmt: skip
USABLE = 15.0  # seconds after a kill within which the chat must answer again
PAUSE = 8.0  # seconds in which 20 customers ask about 16 questions


async def main(*, kills: int, customers: int) -> int:
    with tempfile.TemporaryDirectory(prefix="counterman-") as folder, verdict("main-4") as wrong:
        home = prepared_home(Path(folder) / "home")
        with Appliance(home, APPLIANCE_PULL="true") as appliance:
            appliance.wait()
            appliance.wait_for_engine()
            answers, recoveries, killed = await _storm(appliance, kills=kills, customers=customers)
            stored = _stored(appliance.database_url())
        left = appliance.left_behind()

        print(f"killed: {dict(killed)}")
        print(f"asked {len(answers)}, stored {stored['questions']}, without an answer {stored['unanswered']}")
        print(f"usable again after p50 {percentile(recoveries, 0.5):.1f} s, worst {max(recoveries):.1f} s")
        lost = [answer for answer in answers if answer.done is None]
        if lost:
            wrong.append(f"{len(lost)} customers got no answer, such as {lost[0]}")
        if stored["questions"] != len(answers):
            wrong.append(f"{stored['questions']} questions are stored, {len(answers)} were asked")
        if stored["unanswered"] or stored["doubled"]:
            wrong.append(f"{stored['unanswered']} unanswered, {stored['doubled']} answers to nothing or doubled")
        if max(recoveries) > USABLE:
            wrong.append(f"the chat was unusable for {max(recoveries):.1f} s")
        if left:
            wrong.append(f"left behind: {left}")
        print(f"{len(recoveries)} kills, {len(answers)} questions, worst recovery {max(recoveries):.1f} s")
    return 0


async def _storm(appliance: Appliance, *, kills: int, customers: int) -> tuple[list[Answer], list[float], Counter[str]]:
    chance = random.Random(4)
    over = asyncio.Event()
    crowd = [_customer(appliance, number, over) for number in range(customers)]
    talking = [asyncio.ensure_future(each) for each in crowd]  # noqa: TID251 - awaited below
    recoveries, killed = [], Counter[str]()
    probe = Customer(appliance, address=loopback(9_000))
    for number in range(kills):
        await asyncio.sleep(chance.uniform(1.0, PAUSE))
        victim = VICTIMS[number % len(VICTIMS)]
        while not appliance.kill(victim):
            await asyncio.sleep(0.2)
        killed[victim] += 1
        began = time.monotonic()
        answer = await probe.ask(f"привет {number}", patience=60)
        recoveries.append(time.monotonic() - began if answer.done is not None else float("inf"))
        talking_answers = sum(task.done() for task in talking)
        print(f"{number + 1:3} {victim:9} usable after {recoveries[-1]:.1f} s", flush=True)
        assert not talking_answers, "a customer gave up"
    over.set()
    answers = [answer for part in await asyncio.gather(*talking) for answer in part]
    await probe.close()
    return answers + [Answer(question="probe", cid="", done=0.0)] * kills, recoveries, killed


async def _customer(appliance: Appliance, number: int, over: asyncio.Event) -> list[Answer]:
    chance = random.Random(number)
    customer = Customer(appliance, address=loopback(number))
    answers = []
    while not over.is_set():
        answers.append(await customer.ask(chance.choice(QUESTIONS), patience=90))
        await asyncio.sleep(chance.uniform(6, 12))
    await customer.close()
    return answers


def _stored(url: str) -> dict[str, int]:
    """What the database holds at the end."""
    with psycopg.connect(url) as connection:

        def count(query: str) -> int:
            row = connection.execute(query).fetchone()
            return int(row[0]) if row else 0

        return {
            "questions": count("SELECT count(*) FROM messages WHERE role = 'user'"),
            "unanswered": count("SELECT count(*) FROM messages WHERE role = 'user' AND answered_by IS NULL"),
            "doubled": count(
                """SELECT count(*) FROM messages AS bot WHERE role = 'bot' AND kind = 'text'
                   AND NOT EXISTS (SELECT 1 FROM messages AS user_ WHERE user_.answered_by = bot.id)"""
            ),
        }  # fmt: skip


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--quick", action="store_true")
    options.add_argument("--kills", type=int, default=50)
    chosen = options.parse_args()
    sys.exit(asyncio.run(main(kills=4 if chosen.quick else chosen.kills, customers=5 if chosen.quick else 20)))
