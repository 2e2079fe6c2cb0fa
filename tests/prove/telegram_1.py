"""telegram-1: three hundred customers, a faulty Telegram and a bot that is killed: no message lost, one answer each.

The appliance runs whole, with a sample catalogue and no model: the figure is about the way in and out, not about prose.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests.botapi import BotApi, Customer, Faults, Limits
from tests.botapi.world import Bot
from tests.prove_kit import prepared_home
from tests.rig import Appliance, percentile, verdict

WORDS = ("насос", "подшипник 6205", "дрель", "кабель", "болт М10", "pump 50 m3/h", "bearing", "cable 3x2.5",
         "светильник", "сколько стоит доставка", "компрессор подешевле", "гарантия", "valve",
         "сварочный аппарат")  # fmt: skip
QUESTIONS = 4  # of each customer
PAUSE = (30.0, 150.0)  # seconds between two questions of one customer
ALIVE = (0.0, 15.0)  # seconds for which the bot has listened again when it is killed once more
CALM = 90.0  # seconds after a kill in which the backlog is worked off
LATE = 5.0  # seconds after a fault in which a message that was on its way may still arrive
AT_ONCE = 0.3  # share of kills that do not wait for that, but meet a start
PATIENCE = 600.0  # seconds after the last fault in which every answer must have come


@dataclass(kw_only=True)
class Talk:
    """One customer's questions: message id -> when it was written."""

    customer: Customer
    asked: dict[int, float] = field(default_factory=dict)


async def main(*, quick: bool) -> int:
    customers, kills, rounds = (30, 2, 2) if quick else (300, 10, QUESTIONS)
    with tempfile.TemporaryDirectory(prefix="counterman-") as folder, verdict("telegram-1") as wrong:
        print(f"{'QUICK: ' if quick else ''}{customers} customers, {rounds} questions each, {kills} kills", flush=True)
        home = prepared_home(Path(folder) / "home", rows=2_000 if quick else 40_000, model=False)
        faults = Faults(too_many=0.03, server=0.02, reset=0.02, lost=0.01, duplicate=0.05, seed=7)
        async with BotApi(limits=Limits(), faults=faults) as api:
            bot = api.add_bot()
            with Appliance(home, APPLIANCE_PULL="false", APPLIANCE_SAMPLE="false", TELEGRAM_TOKEN=bot.token,
                           TELEGRAM_API_URL=api.url) as appliance:  # fmt: skip
                await asyncio.to_thread(appliance.wait, seconds=300)
                await bot.joined()
                talks = [Talk(customer=Customer(api, bot, id=10_000 + at, name=f"C{at}")) for at in range(customers)]
                killed = await _run(appliance, api, bot, talks, rounds, kills)
                await _settle(appliance, bot)
                _judge(appliance, talks, faults, killed, wrong)
    return 0


async def _run(appliance: Appliance, api: BotApi, bot: Bot, talks: list[Talk], rounds: int, kills: int) -> list[float]:
    chance = random.Random(11)
    killed: list[float] = []

    async def talk(one: Talk, seed: int) -> None:
        mine = random.Random(seed)
        for _ in range(rounds):
            await asyncio.sleep(mine.uniform(*PAUSE))
            one.asked[one.customer.write(mine.choice(WORDS))] = time.time()

    async def kill() -> None:
        await asyncio.sleep(PAUSE[0])
        for _ in range(kills):
            await asyncio.sleep(chance.uniform(*ALIVE))
            while not await asyncio.to_thread(appliance.kill, "chat"):
                await asyncio.sleep(0.2)
            killed.append(time.time())
            bot.calls.clear()
            if chance.random() > AT_ONCE:
                await bot.joined(seconds=300)

    async with asyncio.TaskGroup() as group:
        group.create_task(kill())
        for at, one in enumerate(talks):
            group.create_task(talk(one, at))
    api.faults.on = False
    return killed


async def _settle(appliance: Appliance, bot: Bot) -> None:
    """Until nothing waits, neither at Telegram nor in the house."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        waiting = (await asyncio.to_thread(_count, appliance, WAITING))[0]
        if not bot.queue and not waiting:
            return
        await asyncio.sleep(1)


WAITING = """SELECT (SELECT count(*) FROM messages WHERE pending)
                  + (SELECT count(*) FROM telegram_updates WHERE done_at IS NULL)
                  + (SELECT count(*) FROM parcels WHERE delivered_at IS NULL AND held IS NULL)"""
STORED = """SELECT question.text, question.origin, question.seq, conversation.address, answer.id, answer.text
            FROM messages AS question JOIN conversations AS conversation ON conversation.id = question.conversation_id
            LEFT JOIN messages AS answer ON answer.id = question.answered_by
            WHERE question.role = 'user' ORDER BY conversation.address, question.seq"""

OWED = """SELECT conversation.address, message.kind, message.text, message.payload
          FROM messages AS message JOIN conversations AS conversation ON conversation.id = message.conversation_id
          WHERE message.role = 'bot' AND message.kind <> 'quick'"""


def _owed(rows: list[Any]) -> dict[str, Counter[str]]:
    """chat -> how often each message was to be sent: a text by its words, cards by the first one's name."""
    owed: dict[str, Counter[str]] = {}
    for address, kind, text, payload in rows:
        words = payload["items"][0]["name"] if kind == "cards" else text
        owed.setdefault(address, Counter())[_plain(words)] += kind != "form"
    return owed


def _count(appliance: Appliance, query: str) -> Any:
    with psycopg.connect(appliance.database_url()) as database:
        return database.execute(query).fetchone()


def _judge(appliance: Appliance, talks: list[Talk], faults: Faults, killed: list[float], wrong: list[str]) -> None:
    with psycopg.connect(appliance.database_url()) as database:
        rows = database.execute(STORED).fetchall()
        held = database.execute("SELECT address, held FROM parcels WHERE held IS NOT NULL").fetchall()
        owed = _owed(database.execute(OWED).fetchall())
    asked = sum(len(one.asked) for one in talks)
    by_chat: dict[str, list[Any]] = {}
    for row in rows:
        by_chat.setdefault(row[3], []).append(row)
    unanswered = [row for row in rows if row[4] is None]
    print(
        f"{asked} questions written, {len(rows)} stored, {len(unanswered)} without an answer, {len(held)} parcels held"
    )
    if len(rows) != asked:
        wrong.append(f"{asked} messages were written and {len(rows)} are stored")
    if unanswered:
        wrong.append(f"{len(unanswered)} questions have no stored answer")
    if held:
        wrong.append(f"parcels were held: {held[:3]}")
    waits: list[tuple[float, float]] = []
    doubles: list[dict[str, Any]] = []
    for one in talks:
        chat = str(one.customer.user["id"])
        waits += _check_chat(one, by_chat.get(chat, []), owed.get(chat, Counter()), doubles, wrong)
    _check_doubles(doubles, faults, killed, wrong)
    kinds = Counter(fault["fault"] for fault in faults.log)
    print(f"faults met: {dict(kinds)}; chat killed {len(killed)} times")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"the prover itself: {peak} MB; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    calm = [until - since for since, until in waits if not any(since - CALM < at < until for at in killed)]
    print(f"lag of the {len(calm)} answers with no kill in the {CALM:.0f} s before: {_shares(calm)}")
    lags = [until - since for since, until in waits]
    longest = max(lags, default=float("nan"))
    print(f"lag from writing to the whole answer, faults and kills included: {_shares(lags)}, max {longest:.1f} s")


def _shares(lags: list[float]) -> str:
    return ", ".join(f"p{share} {percentile(lags, share / 100):.1f} s" for share in (50, 95, 99))


def _check_chat(
    one: Talk, rows: list[Any], owed: Counter[str], doubles: list[dict[str, Any]], wrong: list[str]
) -> list[tuple[float, float]]:
    """Stored in the order of writing, answered in that order, each on the screen; gives when asked, when answered."""
    chat = one.customer.chat
    written = [chat.messages[id]["text"] for id in one.asked]
    if [row[0] for row in rows] != written:
        wrong.append(f"chat {chat.id}: the order of what was written is not kept")
    replies = list(dict.fromkeys((row[4], row[5]) for row in rows if row[4]))
    sent = [(at, message) for at, what, message in chat.shown if what == "sent" and "text" in message]
    doubles += _repeated(chat.id, chat.shown, owed)
    place, waits = 0, []
    times = list(one.asked.values())
    for id, text in replies:
        found = next((at for at in range(place, len(sent)) if _plain(sent[at][1]["text"]) == _plain(text)), None)
        if found is None:
            wrong.append(f"chat {chat.id}: an answer is not on the screen in its turn: {text[:60]!r}")
            continue
        place = found + 1
        waits += [(times[at], sent[found][0]) for at, row in enumerate(rows) if row[4] == id and at < len(times)]
    return waits


def _repeated(
    chat: int, shown: list[tuple[float, str, dict[str, Any]]], owed: Counter[str]
) -> Iterator[dict[str, Any]]:
    """Messages that are more often on the screen than they were owed: doubled deliveries."""
    since: dict[str, float] = {}
    for at, what, message in shown:
        if what != "sent":
            continue
        words = _plain(message.get("text") or message["caption"].split("\n")[0])
        owed[words] -= 1
        if owed[words] < 0:
            yield {"chat": chat, "first": since.get(words, at), "again": at, "what": words[:40]}
        since[words] = at


def _plain(text: str) -> str:
    return " ".join(text.replace("**", "").split())


def _check_doubles(doubles: list[dict[str, Any]], faults: Faults, killed: list[float], wrong: list[str]) -> None:
    """Each double must be of a message whose delivery met a fault: a lost answer of Telegram, or a kill."""
    for double in doubles:
        # A request that was on its way when the bot died is still served by a server that has much to do.
        lost = [fault for fault in faults.log if fault["fault"] == "lost" and str(fault["chat"]) == str(double["chat"])
                and double["first"] - LATE <= fault["at"] <= double["again"]]  # fmt: skip
        kill = [at for at in killed if double["first"] - LATE <= at <= double["again"]]
        why = "Telegram's answer was lost" if lost else "the bot was killed" if kill else "NO FAULT"
        later = double["again"] - double["first"]
        print(f"  doubled in chat {double['chat']}: {double['what']!r} after {later:.1f} s, {why}")
        if not lost and not kill:
            wrong.append(f"chat {double['chat']} got {double['what']!r} twice without a fault")
    print(f"{len(doubles)} doubled messages")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(asyncio.run(main(quick="--quick" in sys.argv)))
