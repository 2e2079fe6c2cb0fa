"""`appliance models`: what language models there are, which of them are here, and which one answers."""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance.commands.output import json_option, progress, say, say_json
from appliance.errors import Refused
from appliance.settings import Settings

if TYPE_CHECKING:
    from models.fetch import Step
    from models.files import ModelFiles

EVERY = 2.0  # seconds between two lines about a download


def add_to(kinds: Any) -> None:
    group = kinds.add_parser("models", help="language models: list, fetch, import, choose")
    verbs = group.add_subparsers(required=True, metavar="WHAT")
    pull = None
    for name, run, words in (
        ("list", _list, "known and present models, and how they fit this box"),
        ("pull", _pull, "fetch a model; continues where it was cut"),
        ("import", _import, "take models from a file or folder, without a network"),
        ("use", _use, "choose the model that answers"),
        ("check", _check, "verify a model's checksum"),
        ("delete", _delete, "delete a model's file"),
    ):
        verb = verbs.add_parser(name, help=words)
        json_option(verb)
        verb.set_defaults(run=run)
        if name == "pull":
            pull = verb
            pull.add_argument("name", nargs="?", default="")
            pull.add_argument("--default", action="store_true", help="the one chosen, or the best that fits this box")
        elif name == "import":
            verb.add_argument("path", type=Path)
        elif name == "check":
            verb.add_argument("name", nargs="?", default="")
        elif name != "list":
            verb.add_argument("name")


def _files(settings: Settings) -> ModelFiles:
    from appliance.app import model_files

    return model_files(settings)


def _list(asked: argparse.Namespace, settings: Settings) -> int:
    from models.hardware import detect

    entries = _files(settings).list(detect(settings.home))
    if asked.json:
        say_json({"models": [asdict(entry) for entry in entries]})
        return 0
    for entry in entries:
        mark = "*" if entry.chosen else "+" if entry.installed else " "
        say(f"{mark} {entry.name:28} {entry.size / 1e9:6.1f} GB  {entry.fit or '':10} {entry.licence:14} {entry.title}")
    say("* answers   + is here   others: appliance models pull NAME")
    return 0


def _pull(asked: argparse.Namespace, settings: Settings) -> int:
    from models.hardware import detect

    files = _files(settings)
    if not asked.name and not asked.default:
        raise Refused("Say which model (appliance models list), or --default for the one that suits this box.")
    name = asked.name or settings.model or files.chosen() or files.default(detect(settings.home))
    path = files.pull(name, _Telling())
    if files.chosen() is None:
        files.use(name)
    return _done(asked, {"name": name, "path": str(path)}, f"{name} is here.")


def _import(asked: argparse.Namespace, settings: Settings) -> int:
    names = list(_files(settings).import_file(asked.path, _Telling()))
    return _done(asked, {"names": names}, f"Imported: {', '.join(names)}.")


def _use(asked: argparse.Namespace, settings: Settings) -> int:
    _files(settings).use(asked.name)
    return _done(asked, {"name": asked.name}, f"{asked.name} answers from the engine's next start.")


def _check(asked: argparse.Namespace, settings: Settings) -> int:
    files = _files(settings)
    name = asked.name or files.chosen()
    if not name:
        raise Refused("No model is chosen; say which one: appliance models check NAME.")
    files.check(name, _Telling())
    return _done(asked, {"name": name, "ok": True}, f"{name} is whole.")


def _delete(asked: argparse.Namespace, settings: Settings) -> int:
    _files(settings).delete(asked.name)
    return _done(asked, {"name": asked.name}, f"{asked.name} is deleted.")


def _done(asked: argparse.Namespace, value: dict[str, Any], words: str) -> int:
    if asked.json:
        say_json(value)
    else:
        say(words)
    return 0


class _Telling:
    """Says how far a long step is, now and then."""

    def __init__(self) -> None:
        self._said = 0.0
        self._what = ""

    def __call__(self, step: Step) -> None:
        now = time.monotonic()
        if step.what == self._what and now - self._said < EVERY:
            return
        self._said, self._what = now, step.what
        share = f" {step.done / step.total:.0%} of {step.total / 1e6:,.0f} MB" if step.total else ""
        progress(f"{step.what}{share}")
