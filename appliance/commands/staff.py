"""The people who run the place: `appliance staff list|add|remove`, for the operator at the box."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from appliance.commands.output import json_option, say, say_json
from appliance.errors import Refused
from appliance.settings import Settings

if TYPE_CHECKING:
    from appliance.core.types import Staff
    from appliance.desk import Desk


T = TypeVar("T")


def add_to(kinds: Any) -> None:
    staff = kinds.add_parser("staff", help="managers and administrators")
    ways = staff.add_subparsers(required=True, metavar="WHAT")
    listed = ways.add_parser("list", help="who they are")
    add = ways.add_parser("add", help="add a person, or change who is known by this Telegram id")
    add.add_argument("name", help="as customers see it")
    add.add_argument(
        "--telegram", type=int, metavar="ID", help="number of their Telegram account (@userinfobot says it)"
    )
    add.add_argument("--email", default="", help="where notices go as well")
    add.add_argument("--administrator", action="store_true", help="an administrator, who may do everything")
    add.add_argument("--lang", default="ru", help="language of their notices")
    remove = ways.add_parser("remove", help="take a person's rights")
    remove.add_argument("id", type=UUID, help="as `staff list` shows it")
    for parser, run in ((listed, _list), (add, _add), (remove, _remove)):
        json_option(parser)
        parser.set_defaults(run=run)


def _list(asked: argparse.Namespace, settings: Settings) -> int:
    crew = _at_desk(settings, lambda desk: desk.crew())
    if asked.json:
        say_json({"staff": [_plain(person) for person in crew]})
    for person in crew if not asked.json else ():
        ways = ", ".join(filter(None, (f"Telegram {person.telegram_id}" if person.telegram_id else "", person.email)))
        say(f"{person.id}  {person.role:13}  {person.name}  {ways}")
    if not crew and not asked.json:
        say('Nobody yet. Add a manager: appliance staff add "Anna" --telegram 123456789 --email anna@example.com')
    return 0


def _add(asked: argparse.Namespace, settings: Settings) -> int:
    from appliance.core.types import Role

    if asked.telegram is None and not asked.email:
        raise Refused("Say how notices reach this person: --telegram ID, --email ADDRESS, or both.")
    role = Role.ADMINISTRATOR if asked.administrator else Role.MANAGER
    person = _at_desk(
        settings,
        lambda desk: desk.employ(
            None, name=asked.name, role=role, telegram_id=asked.telegram, email=asked.email, lang=asked.lang
        ),
    )
    say_json(_plain(person)) if asked.json else say(f"{person.name} is {role} now ({person.id}).")
    return 0


def _remove(asked: argparse.Namespace, settings: Settings) -> int:
    from appliance.desk import Gone

    try:
        _at_desk(settings, lambda desk: desk.dismiss(None, asked.id))
    except Gone as error:
        raise Refused(str(error)) from error
    say_json({"removed": str(asked.id)}) if asked.json else say("Done: notices and rights end here.")
    return 0


def _at_desk(settings: Settings, ask: Callable[[Desk], Awaitable[T]]) -> T:
    from appliance.app.parts import database
    from appliance.desk import Desk
    from appliance.store.store import Store

    async def asked(url: str) -> T:
        store = Store(url, pool=2)
        try:
            return await ask(Desk(store=store))
        finally:
            await store.close()

    with database(settings) as url:
        return asyncio.run(asked(url))


def _plain(person: Staff) -> dict[str, Any]:
    return {
        "id": str(person.id),
        "name": person.name,
        "role": person.role.value,
        "telegram": person.telegram_id,
        "email": person.email,
    }
