"""Time to cards and to the first sentence for many simultaneous widget customers, each asking once per 30 s."""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.prove_kit import prepared_home
from tests.rig import Answer, Appliance, Customer, loopback, percentile

EVERY = 30.0  # seconds between two questions of a customer
CARDS_P95 = 1.0  # seconds at 200 customers, MISSION 4.10


def questions(home: Path, count: int) -> list[str]:
    """Names and kinds of real rows, as people shorten them: no two customers warm the cache for each other."""
    from catalog.shelf import Shelf
    from models.packaged import PackagedEmbedder

    snapshot = Shelf(home / "catalog", embedders=[PackagedEmbedder()]).current()
    assert snapshot is not None
    chance = random.Random(3)
    names = [product.name for product in snapshot.products()]
    return [" ".join(chance.choice(names).split()[: chance.randint(2, 5)]) for _ in range(count)]


async def load(appliance: Appliance, asked: list[str], *, customers: int, rounds: int) -> list[Answer]:
    """Every customer connects, waits a random part of the period, and asks `rounds` times."""
    crowd = [Customer(appliance, address=loopback(number)) for number in range(customers)]
    for start in range(0, customers, 20):
        await asyncio.gather(*(customer.connect() for customer in crowd[start : start + 20]))
    return [answer for part in await asyncio.gather(*(
        _talk(customer, asked[number * rounds : (number + 1) * rounds], number) for number, customer in enumerate(crowd)
    )) for answer in part]  # fmt: skip


async def _talk(customer: Customer, asked: list[str], number: int) -> list[Answer]:
    await asyncio.sleep(random.Random(number).uniform(0, EVERY))
    answers = []
    for question in asked:
        began = time.monotonic()
        answers.append(await customer.ask(question, patience=60))
        await asyncio.sleep(max(0.0, EVERY - (time.monotonic() - began)))
    await customer.close()
    return answers


def rungs(appliance: Appliance) -> Counter[str]:
    """How the stored answers were made."""
    import psycopg

    with psycopg.connect(appliance.database_url()) as connection:
        return Counter(dict(connection.execute("SELECT rung, count(*) FROM answers GROUP BY rung").fetchall()))


async def main(sizes: list[int], rounds: int) -> int:
    ok = True
    with tempfile.TemporaryDirectory(prefix="counterman-") as folder:
        home = prepared_home(Path(folder) / "home")
        asked = questions(home, max(sizes) * rounds)
        with Appliance(home) as appliance:
            appliance.wait()
            appliance.wait_for_engine()
            print(f"{'customers':>9} {'asked':>6} {'cards p50':>10} {'p95':>7} {'text p50':>9} {'p95':>7}  rungs")
            for size in sizes:
                before = rungs(appliance)
                answers = await load(appliance, asked, customers=size, rounds=rounds)
                cards = [answer.cards for answer in answers if answer.cards is not None]
                texts = [answer.first_text for answer in answers if answer.first_text is not None]
                made = dict(rungs(appliance) - before)
                print(
                    f"{size:9} {len(answers):6} {percentile(cards, 0.5):10.3f} {percentile(cards, 0.95):7.3f} "
                    f"{percentile(texts, 0.5):9.3f} {percentile(texts, 0.95):7.3f}  {json.dumps(made)}",
                    flush=True,
                )
                lost = [answer for answer in answers if answer.done is None]
                if lost:
                    print(f"  {len(lost)} without an answer, such as {lost[0]}")
                ok = ok and not lost and (size < 200 or percentile(cards, 0.95) < CARDS_P95)
    return 0 if ok else 1


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--quick", action="store_true")
    options.add_argument("--customers", type=int, nargs="*", default=[1, 8, 32, 200])
    options.add_argument("--rounds", type=int, default=4)
    chosen = options.parse_args()
    sizes, rounds = ([1, 8], 1) if chosen.quick else (chosen.customers, chosen.rounds)
    sys.exit(asyncio.run(main(sizes, rounds)))
