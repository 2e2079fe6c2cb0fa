"""`appliance alerts`: who is told of trouble, what was told, and a test of the ways."""

from __future__ import annotations

import argparse
import asyncio
import time
from typing import Any

from appliance import causes
from appliance.alerts import part_name, test_news
from appliance.commands.output import json_option, say, say_json
from appliance.errors import Refused
from appliance.settings import Settings
from appliance.words import language


def add_to(kinds: Any) -> None:
    group = kinds.add_parser("alerts", help="alerts: who hears them, what was told, a test")
    verbs = group.add_subparsers(required=True, metavar="WHAT")
    for name, run, words in (
        ("test", _test, "send a test alert to everybody who hears of trouble"),
        ("list", _list, "the latest alerts"),
        ("who", _who, "who hears of trouble, and by which way"),
    ):
        verb = verbs.add_parser(name, help=words)
        json_option(verb)
        verb.set_defaults(run=run)


def _test(asked: argparse.Namespace, settings: Settings) -> int:
    """Straight from here, so that it also works where nothing else runs."""
    from zoneinfo import ZoneInfo

    from appliance.alert_post import Letter, NotSent
    from appliance.watch import Folder, people_of
    from appliance.watchman import box_name, post

    ways, outcome = post(settings), []
    people = [
        person
        for person in people_of(Folder(home=settings.home), settings.alert_to, settings.default_language)
        if person.way in ways.ways
    ]
    if not people:
        raise Refused(
            "Nobody would hear an alert: set TELEGRAM_TOKEN or SMTP_HOST, and name administrators "
            "(appliance staff add) or addresses in APPLIANCE_ALERT_TO."
        )
    news = test_news(time.time())
    for number, person in enumerate(people):
        text = news.text(person.lang, box=box_name(settings), zone=ZoneInfo(settings.timezone))
        subject = causes.told("alert_subject", person.lang, box=box_name(settings), part=part_name("test", person.lang))
        letter = Letter(
            id=f"{news.id}-{number}", way=person.way, address=person.address, subject=subject, text=text, at=news.at
        )
        try:
            asyncio.run(asyncio.to_thread(ways.send, letter))
            outcome.append({"way": person.way, "address": person.address, "ok": True, "why": ""})
        except NotSent as error:
            outcome.append({"way": person.way, "address": person.address, "ok": False, "why": str(error)})
    if asked.json:
        say_json({"sent": outcome})
    else:
        for one in outcome:
            say(f"{'ok' if one['ok'] else '!!'}  {one['way']} {one['address']} {one['why']}".rstrip())
    return 0 if all(one["ok"] for one in outcome) else 1


def _list(asked: argparse.Namespace, settings: Settings) -> int:
    from appliance.watch import Folder, history

    told = history(Folder(home=settings.home))
    if asked.json:
        say_json({"alerts": told})
        return 0
    lang = language()
    for one in told:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(one["at"]))
        why = causes.told(one["cause"], lang, **one["values"]) if one["cause"] else ""
        say(f"{when}  {one['kind']:8} {part_name(one['part'], lang):24} {one['reached']} of {one['to']}  {why}")
    return 0


def _who(asked: argparse.Namespace, settings: Settings) -> int:
    from appliance.watch import Folder, people_of
    from appliance.watchman import post

    ways = post(settings).ways
    people = [
        {"way": person.way, "address": person.address, "reached": person.way in ways}
        for person in people_of(Folder(home=settings.home), settings.alert_to, settings.default_language)
    ]
    if asked.json:
        say_json({"people": people})
    else:
        for person in people:
            say(f"{person['way']:9} {person['address']}{'' if person['reached'] else '   (this way is not set up)'}")
    return 0
