"""The people who run the place: `appliance staff list|add|link|remove`, for the operator at the box."""

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
    from appliance.store.store import Store


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
    link = ways.add_parser("link", help="print a one-time link by which somebody joins, an administrator by default")
    link.add_argument("name", nargs="?", default="", help="whom it is for")
    link.add_argument("--manager", action="store_true", help="a manager instead")
    link.add_argument("--for", dest="person", type=UUID, metavar="ID", help="a new password for somebody who is here")
    link.add_argument("--first", action="store_true", help="only while there is no administrator")
    remove = ways.add_parser("remove", help="take a person's rights")
    remove.add_argument("id", type=UUID, help="as `staff list` shows it")
    for parser, run in ((listed, _list), (add, _add), (link, _link), (remove, _remove)):
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


def _link(asked: argparse.Namespace, settings: Settings) -> int:
    from appliance.core.types import Role
    from appliance.desk import Gone
    from appliance.desk.logins import Logins

    role = Role.MANAGER if asked.manager else Role.ADMINISTRATOR

    async def make(store: Store) -> str | None:
        logins = Logins(store=store)
        if asked.first:
            return await logins.first_invite()
        return await logins.invite(None, role=role, name=asked.name, person=asked.person)

    try:
        token = _with_store(settings, make)
    except Gone as error:
        raise Refused(str(error)) from error
    if token is None:
        say_json({"link": None}) if asked.json else say("There is an administrator already.")
        return 0
    url = f"{settings.console_address}/join/{token}"
    say_json({"link": url}) if asked.json else say(url)
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
    from appliance.desk import Desk

    return _with_store(settings, lambda store: ask(Desk(store=store)))


def _with_store(settings: Settings, ask: Callable[[Store], Awaitable[T]]) -> T:
    from appliance.app.parts import database
    from appliance.store.store import Store

    async def asked(url: str) -> T:
        store = Store(url, pool=2)
        try:
            return await ask(store)
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
