"""One person's data: `appliance privacy find|export|erase`, for the operator at the box."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from appliance.commands.output import json_option, say, say_json
from appliance.errors import Refused
from appliance.settings import Settings

if TYPE_CHECKING:
    from appliance.privacy import PersonalData, Receipt
    from appliance.store.privacy import Person

T = TypeVar("T")


def add_to(kinds: Any) -> None:
    privacy = kinds.add_parser("privacy", help="find, hand out or erase what is kept of a person")
    ways = privacy.add_subparsers(required=True, metavar="WHAT")
    for name, run, words in (
        ("find", _find, "whose data are meant"),
        ("export", _export, "all that is kept of a person, as a zip"),
        ("erase", _erase, "erase all that is kept of a person"),
    ):
        way = ways.add_parser(name, help=words, description=words)
        way.add_argument("who", help="telephone, mail address, Telegram id, an id of ours, or a name")
        if name == "export":
            way.add_argument("--out", type=Path, metavar="FILE.zip", help="where to (default: person.zip)")
        if name == "erase":
            way.add_argument("--yes", action="store_true", help="do not only show who it is: erase")
        json_option(way)
        way.set_defaults(run=run)


def _find(asked: argparse.Namespace, settings: Settings) -> int:
    found = _with_data(settings, lambda data: data.find(asked.who))
    if asked.json:
        say_json({"people": [plain(person) for person in found]})
    for person in found if not asked.json else ():
        say(line(person))
    if not found and not asked.json:
        say("Nobody is known by that.")
    return 0


def _export(asked: argparse.Namespace, settings: Settings) -> int:
    async def export(data: PersonalData) -> bytes:
        return await data.export(await _only(data, asked.who))

    out = asked.out or Path("person.zip")
    contents = _with_data(settings, export)
    try:
        out.write_bytes(contents)
        out.chmod(0o600)
    except OSError as error:
        raise Refused(f"{out} cannot be written: {error.strerror}.") from error
    about = {"file": str(out), "bytes": len(contents)}
    say_json(about) if asked.json else say(f"{out}: hand it over, then delete it.")
    return 0


def _erase(asked: argparse.Namespace, settings: Settings) -> int:
    async def erase(data: PersonalData) -> Receipt | Person:
        person = await _only(data, asked.who)
        return await data.erase(person, how="command") if asked.yes else person

    done = _with_data(settings, erase)
    from appliance.privacy import Receipt

    if not isinstance(done, Receipt):
        raise Refused(f"This would erase, for good: {line(done)}. Say it again with --yes.")
    say_json(receipt_plain(done)) if asked.json else say(receipt_words(done))
    return 0


async def _only(data: PersonalData, who: str) -> Person:
    found = await data.find(who)
    if not found:
        raise Refused("Nobody is known by that.")
    if len(found) > 1:
        lines = "\n".join(line(person) for person in found)
        raise Refused(f"Several people may be meant; name one by a telephone, a mail address or a dialogue:\n{lines}")
    return found[0]


def _with_data(settings: Settings, ask: Callable[[PersonalData], Awaitable[T]]) -> T:
    from appliance.app.keeping import personal_data
    from appliance.app.parts import database
    from appliance.store.store import Store

    async def asked(url: str) -> T:
        store = Store(url, pool=2)
        try:
            return await ask(personal_data(settings, store))
        finally:
            await store.close()

    with database(settings) as url:
        return asyncio.run(asked(url))


def line(person: Person) -> str:
    """One person in a line."""
    who = ", ".join((*person.names, *person.phones, *person.emails)) or "no name"
    ways = ", ".join(f"{channel} {address}" for channel, address in person.addresses)
    has = f"{len(person.conversations)} dialogues, {person.messages} messages, {len(person.leads)} leads"
    dialogue = person.conversations[0] if person.conversations else "-"
    return f"{who} ({ways}): {has}, {person.quotations} quotations; dialogue {dialogue}"


def plain(person: Person) -> dict[str, Any]:
    return {
        "names": person.names, "phones": person.phones, "emails": person.emails, "companies": person.companies,
        "addresses": person.addresses, "conversations": [str(id) for id in person.conversations],
        "leads": [str(id) for id in person.leads], "messages": person.messages, "quotations": person.quotations,
        "first": person.first and person.first.isoformat(), "last": person.last and person.last.isoformat(),
    }  # fmt: skip


def receipt_plain(receipt: Receipt) -> dict[str, Any]:
    return {
        "receipt": str(receipt.number), "at": receipt.at.isoformat(), "erased": dict(receipt.counts),
        "consents_kept": receipt.consents_kept, "log_lines": receipt.log_lines, "backups": receipt.backups,
        "backups_until": receipt.until and receipt.until.isoformat(),
    }  # fmt: skip


def receipt_words(receipt: Receipt) -> str:
    erased = ", ".join(f"{count} {name}" for name, count in receipt.counts.items() if count and name != "crm")
    words = [f"Receipt {receipt.number}: erased {erased or 'nothing'}; {receipt.log_lines} lines of the logs."]
    if receipt.counts.get("crm"):
        words.append(f"The CRM is asked to erase {receipt.counts['crm']} records.")
    if receipt.consents_kept:
        words.append(f"{receipt.consents_kept} proofs of consent stay, without whose they are.")
    if receipt.backups and receipt.until:
        words.append(
            f"{len(receipt.backups)} backups hold these data still, the last until about {receipt.until:%Y-%m-%d}; "
            "a restore from one of them erases the person again."
        )
    return "\n".join(words)
