"""care-5: a person who is erased is found nowhere any more: not in a dump, not in a folder, not in a log.

The person has 200 messages in Telegram and on the site, two leads, a quotation, parcels in the queues, a record in a
CRM and lines in the logs. Then a backup that still holds them is restored, and they are not in that database either.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import psycopg

from appliance.core.leads import Contacts
from appliance.core.quote import Line
from appliance.core.types import Inbound
from appliance.store import dump
from appliance.store.embedded import Embedded
from appliance.store.leads import Consent, Status
from appliance.store.store import Store
from tests.prove_kit import prepared_home
from tests.rig import Appliance, Customer, loopback, verdict

PERSON = Contacts(
    name="Аделаида Верещагина", phone="+79261234567", email="adelaida@verescagina.example", company="ООО Бегемот"
)
CHAT = "987650001"
WORDS = re.compile(
    rb"adelaida@verescagina|987650001|926[ ().-]{0,3}123[ ().-]{0,3}45[ ().-]{0,3}67|"
    + "|".join(("Аделаид", "Верещагин", "Бегемот", "фиолетов")).encode(),
    re.IGNORECASE,
)
SAYS = (
    "нужен фиолетовый насос 3 кВт", "это Аделаида, мой телефон 8 (926) 123-45-67", "а подешевле?",
    "пишите на adelaida@verescagina.example", "компрессор 50 литров",
)  # fmt: skip
SKIPPED = ("postgres/data", "backups", "replaced-")  # the dump stands for the first; the others are said to hold it


async def main(*, messages: int, live: int, wait: bool) -> int:
    with tempfile.TemporaryDirectory(prefix="counterman-") as folder, verdict("care-5") as wrong:
        home = prepared_home(Path(folder) / "home", rows=2000, model=False)
        with Appliance(home, APPLIANCE_PULL="false") as appliance:
            appliance.wait(seconds=300)
            url = appliance.database_url()
            await _live(appliance, live, url)
            await _in_telegram(url, messages - live)
            _in_logs(home)
            _wait_for_answers(url)
            made = appliance.told("backup", "create")
            before = {**_in_dump(url), **_in_files(home)}
            print(f"before: {sum(before.values())} hits: {_short(before)}", flush=True)

            began = time.monotonic()
            receipt = appliance.told("privacy", "erase", PERSON.phone, "--yes")
            took = time.monotonic() - began
            _wait_until_settled(url, wait=wait)
            after = {**_in_dump(url), **_in_files(home)}
            others = _count(url, "SELECT count(*) FROM messages WHERE text = 'я сосед'")
            asked = _count(url, "SELECT count(*) FROM parcels WHERE channel = 'crm' AND kind = 'erase'")
        restored = _restored(appliance, home)

        print(f"erased in {took:.1f} s: {receipt['erased']}; {receipt['log_lines']} lines of the logs blanked")
        print(f"backups that hold the person still, as the receipt says: {receipt['backups']}")
        print(
            f"after: {sum(after.values())} hits {_short(after)}; after restoring {made['id']}: {sum(restored.values())}"
        )
        if min(before.get("dump:messages", 0), before.get("dump:leads", 0), before.get("dump:parcels", 0)) < 1:
            wrong.append(f"the search found too little before: {before}")
        if not any(name.startswith("logs/") for name in before):
            wrong.append("the logs held nothing of the person before: the proof proves nothing")
        wrong += [f"{count} hits in {name} after" for name, count in after.items()]
        wrong += [f"{count} hits in {name} after the restore" for name, count in restored.items()]
        if receipt["erased"]["messages"] < messages or receipt["erased"]["leads"] < 2:
            wrong.append(f"only {receipt['erased']} erased")
        if made["id"] not in receipt["backups"]:
            wrong.append("the receipt does not name the backup that holds the person")
        if others != 1 or asked != 1:
            wrong.append(
                f"of another person {others} of 1 messages are left; the CRM was asked {asked} times, not once"
            )
        print(
            f"{receipt['erased']['messages']} messages, {sum(before.values())} hits before, {sum(after.values())} after"
        )
    return 0


async def _live(appliance: Appliance, count: int, url: str) -> None:
    """On the site, through the chat itself; the dialogue's ids get into the logs."""
    customer = Customer(appliance, address=loopback(1))
    for number in range(count):
        await customer.ask(f"{SAYS[number % len(SAYS)]} {number}")
    await customer.close()
    store = Store(url, pool=2)
    async with store.transaction() as tx:
        conversation = await tx.conversation_at("widget", customer.sid)
        assert conversation is not None
        word = Consent(version="2026-11", given=True)
        lead, _ = await tx.keep_lead(conversation.id, PERSON, status=Status.NEW, source="form", consent=word)
        await tx.move_lead(lead.id, status=Status.DONE)
    await store.close()


async def _in_telegram(url: str, count: int) -> None:
    """As the bot stores it, with what comes of it: a lead, a quotation, parcels, a record in a CRM; and a neighbour."""
    store = Store(url, pool=2)
    async with store.transaction() as tx:
        for number in range(count):
            said = Inbound(channel="telegram", address=CHAT, external_id=f"1:{number}",
                           text=f"{SAYS[number % len(SAYS)]} {number}")  # fmt: skip
            here = await tx.remember(said)
        await tx.remember(Inbound(channel="telegram", address="111222333", external_id="1:x", text="я сосед"))
        await tx.introduce(here.conversation, name=PERSON.name, lang="ru")
        word = Consent(version="2026-11", given=True)
        lead, _ = await tx.keep_lead(here.conversation, PERSON, status=Status.NEW, source="talk", consent=word)
        lines = [Line(sku="P1", name="фиолетовый насос", quantity=Decimal(2), unit="шт", price=None, currency="RUB")]
        quote = await tx.keep_quote(
            here.conversation, lines, lang="ru", catalog_version="v", life=timedelta(days=7), lead=lead.id
        )
        await tx.post(channel="telegram", address=CHAT, kind="document", body={"quote": str(quote.id), "form": "pdf"})
        await tx.post(channel="mail", address="boss@shop.example", kind="notice", body={"lead": str(lead.id)})
        await tx.post(channel="crm", address=str(lead.id), kind="push", body={"lead": str(lead.id)})
        await tx.post(
            channel="telegram", address="42", kind="aside", body={"word": "x", "values": {"name": PERSON.name}}
        )
        await tx.keep_updates(1, [{"update_id": 1, "message": {"chat": {"id": int(CHAT)}, "text": SAYS[1]}}])
        await tx.log_act(user=None, action="lead.new", subject=str(lead.id), after={"name": PERSON.name})
        await tx.connection.exec_driver_sql(
            "INSERT INTO crm_leads (lead_id, kind, remote) VALUES (%s, 'zoho', 'Z-1')", (lead.id,)
        )
    await store.close()


def _in_logs(home: Path) -> None:
    """What an older version may have written without masking it, in a log that was set aside."""
    line = {"at": "2026-01-01T00:00:00Z", "role": "chat", "text": f"Traceback: {SAYS[1]}"}
    with (home / "logs" / "appliance.log.1").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")
        file.write(json.dumps({"at": "2026-01-01T00:00:01Z", "role": "chat", "chat": int(CHAT)}) + "\n")


def _wait_for_answers(url: str) -> None:
    deadline = time.monotonic() + 120
    while _count(url, "SELECT count(*) FROM messages WHERE pending") and time.monotonic() < deadline:
        time.sleep(0.5)


def _wait_until_settled(url: str, *, wait: bool) -> None:
    """The worker cleans once more when no line is on its way any more; `--quick` lets those minutes pass at once."""
    if not wait:
        with psycopg.connect(url) as connection:
            connection.execute("UPDATE erasures SET at = at - interval '3 minutes'")
    deadline = time.monotonic() + 300
    while _count(url, "SELECT count(*) FROM erasures WHERE finished_at IS NULL"):
        if time.monotonic() > deadline:
            raise TimeoutError("the worker did not finish the erasure")
        time.sleep(1)


def _restored(appliance: Appliance, home: Path) -> Counter[str]:
    """What of the person is in the database after a restore from the backup that held them."""
    appliance.told("restore", "--force")
    with Embedded(home / "postgres") as server:
        return _in_dump(server.url)


def _in_dump(url: str) -> Counter[str]:
    """Hits by table in the plain text of a dump."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "dump"
        held = dump.dump(url, file)
        script = subprocess.run(
            [dump.tool("pg_restore", held.server), "--file=-", file], capture_output=True, check=True
        ).stdout
    found: Counter[str] = Counter()
    table = ""
    for line in script.splitlines():
        if line.startswith(b"COPY public."):
            table = line.split()[1].decode().removeprefix("public.")
        elif hits := len(WORDS.findall(line)):
            found[f"dump:{table}"] += hits
    return found


def _in_files(home: Path) -> Counter[str]:
    """Hits by file of the data folder; log and database names of what was skipped are in `SKIPPED`."""
    found: Counter[str] = Counter()
    for file in home.rglob("*"):
        path = str(file.relative_to(home))
        if file.is_file() and not path.startswith(SKIPPED) and (hits := len(WORDS.findall(file.read_bytes()))):
            found[path] += hits
    return found


def _count(url: str, query: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def _short(hits: Counter[str] | dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(hits.items()))


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--quick", action="store_true")
    chosen = options.parse_args()
    if chosen.quick:
        print("QUICK")
    sys.exit(asyncio.run(main(messages=200, live=5 if chosen.quick else 20, wait=not chosen.quick)))
