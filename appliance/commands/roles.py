"""`appliance run` and the roles that it starts, one process each; `migrate` and `check`."""

from __future__ import annotations

import argparse
import asyncio
from typing import TYPE_CHECKING, Any

from appliance.commands.output import json_option, say, say_json
from appliance.settings import Settings
from appliance.words import words as text

if TYPE_CHECKING:
    from collections.abc import Callable

MARKS = {"ok": "ok", "note": "--", "bad": "!!"}  # before each finding of `check`, by its level


def add_to(kinds: Any) -> None:
    _add(kinds, "run", _run, "start everything; ctrl-C ends it")
    _add(kinds, "chat", _chat, "the chat: widget, dialogue, search")
    _add(kinds, "engine", _engine, "the language model")
    _add(kinds, "console", _console, "the console")
    _add(kinds, "worker", _worker, "scheduled work and deliveries")
    _add(kinds, "watch", _watch, "alerts and availability, where no `run` supervises this box")
    json_option(_add(kinds, "migrate", _migrate, "bring the database to this version"))
    json_option(_add(kinds, "check", _check, "say what is missing or wrong"))


def _add(
    kinds: Any, name: str, run: Callable[[argparse.Namespace, Settings], int], words: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = kinds.add_parser(name, help=words, description=words)
    parser.set_defaults(run=run)
    return parser


# The roles import what they need when they start: the supervisor stays light, and no role carries another's libraries.


def _run(asked: argparse.Namespace, settings: Settings) -> int:
    from appliance.supervisor import run

    return run(settings)


def _chat(asked: argparse.Namespace, settings: Settings) -> int:
    from appliance.app.chat import chat

    return asyncio.run(chat(settings))


def _engine(asked: argparse.Namespace, settings: Settings) -> int:
    from appliance.app.engine import engine

    return engine(settings)


def _console(asked: argparse.Namespace, settings: Settings) -> int:
    from appliance.app.console import console

    return asyncio.run(console(settings))


def _worker(asked: argparse.Namespace, settings: Settings) -> int:
    from appliance.app.worker import worker

    return asyncio.run(worker(settings))


def _watch(asked: argparse.Namespace, settings: Settings) -> int:
    from appliance.watchman import watch

    return watch(settings)


def _migrate(asked: argparse.Namespace, settings: Settings) -> int:
    from appliance.app.parts import database
    from appliance.store.schema import migrate

    with database(settings) as url:
        revision = migrate(url)
    if asked.json:
        say_json({"revision": revision})
    else:
        say(text("migrated", revision=revision))
    return 0


def _check(asked: argparse.Namespace, settings: Settings) -> int:
    from appliance.doctor import check

    findings = check(settings)
    ok = not any(finding.bad for finding in findings)
    if asked.json:
        say_json({"ok": ok, "findings": [{"name": f.name, "ok": not f.bad, "message": f.message} for f in findings]})
    else:
        for finding in findings:
            say(f"{MARKS[finding.level]}  {finding.message}")
    return 0 if ok else 1
