"""`appliance models`: what language models there are, which of them are here, and which one answers."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from appliance.commands.output import json_option, progress, say, say_json
from appliance.errors import Refused
from appliance.settings import Settings
from appliance.words import grouped
from appliance.words import words as text

if TYPE_CHECKING:
    from models.fetch import Step
    from models.files import ModelFiles
    from models.ollama import OllamaServer
    from models.qualify import Qualification
    from models.trial import Verdict

T = TypeVar("T")
EVERY = 2.0  # seconds between two lines about a download


def add_to(kinds: Any) -> None:
    group = kinds.add_parser("models", help="language models: list, fetch, import, choose")
    verbs = group.add_subparsers(required=True, metavar="WHAT")
    for name, run, words, add in (
        ("list", _list, "known and present models, and how they fit this box", None),
        ("pull", _pull, "fetch a model; continues where it was cut", _which_to_pull),
        ("import", _import, "take models from a file or folder, without a network", _path),
        ("test", _test, "ask a model a few questions, as before it is chosen", _which_to_test),
        ("use", _use, "test a model and let it answer; the one before returns if it fails", _which_to_use),
        ("qualify", _qualify, "measure this box, choose among the models here, and say what it can promise", _minutes),
        ("switches", _switches, "which model answered since when, and which failed", None),
        ("check", _check, "verify a model's checksum", _maybe_name),
        ("delete", _delete, "delete a model's file", _name),
    ):
        verb = verbs.add_parser(name, help=words)
        json_option(verb)
        verb.set_defaults(run=run)
        if add is not None:
            add(verb)


def _name(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("name")


def _maybe_name(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("name", nargs="?", default="")


def _path(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("path", type=Path)


def _which_to_pull(verb: argparse.ArgumentParser) -> None:
    _maybe_name(verb)
    verb.add_argument("--default", action="store_true", help="the one chosen, or the best that fits this box")


def _which_to_test(verb: argparse.ArgumentParser) -> None:
    _maybe_name(verb)
    verb.add_argument("--running", action="store_true", help="the one that answers now, where it runs")


def _minutes(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--minutes", type=float, default=3.0, help="the most that the measurement may take (3)")
    verb.add_argument("--keep-model", action="store_true", help="measure the model that answers, choose no other")


def _which_to_use(verb: argparse.ArgumentParser) -> None:
    _name(verb)
    verb.add_argument("--untested", action="store_true", help="where memory does not hold two models at once")


def _list(asked: argparse.Namespace, settings: Settings) -> int:
    from models.hardware import detect

    if settings.llm_provider == "ollama":
        return _list_ollama(asked, settings)
    entries = _files(settings).list(detect(settings.home))
    if asked.json:
        say_json({"models": [asdict(entry) for entry in entries]})
        return 0
    for entry in entries:
        mark = "*" if entry.chosen else "+" if entry.installed else " "
        fit = entry.fit or "" if entry.room else "no disk"
        say(f"{mark} {entry.name:28} {entry.size / 1e9:6.1f} GB  {fit:10} {entry.licence:14} {entry.title}")
    say("* answers   + is here   others: appliance models pull NAME")
    return 0


def _pull(asked: argparse.Namespace, settings: Settings) -> int:
    from models.hardware import detect

    if settings.llm_provider == "ollama":
        name = asked.name or settings.model
        _with_ollama(settings, lambda server: server.pull(name, _Telling()))
        return _done(asked, {"name": name}, f"Ollama has {name}.")
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


def _test(asked: argparse.Namespace, settings: Settings) -> int:
    files = _files(settings)
    if asked.running or settings.llm_provider != "engine":
        name, verdict = settings.model or files.chosen() or "", asyncio.run(_examine_running(settings))
    else:
        name = asked.name or settings.model or files.chosen() or ""
        verdict = _tried(files, name)
    return _judged(asked, name, verdict)


def _use(asked: argparse.Namespace, settings: Settings) -> int:
    """The trial goes on beside whatever answers; nothing changes for customers unless it is passed."""
    if settings.llm_provider != "engine" or settings.engine_url or settings.model:
        raise Refused("The model that answers is named by the settings: change APPLIANCE_MODEL and start again.")
    files = _files(settings)
    if asked.name == files.chosen():
        return _done(asked, {"name": asked.name}, f"{asked.name} answers already.")
    if not asked.untested:
        verdict = _tried(files, asked.name)
        if not verdict.passed:
            return _judged(asked, asked.name, verdict)
    files.use(asked.name, tested=not asked.untested)
    return _done(asked, {"name": asked.name}, f"{asked.name} answers from now on; a box that stands, from its start.")


def _qualify(asked: argparse.Namespace, settings: Settings) -> int:
    """Measures beside whatever runs; the outcome counts from the engine's next start, a new model at once."""
    from models import qualify
    from models.hardware import detect

    if settings.llm_provider != "engine" or settings.engine_url:
        raise Refused("Another server runs the model; what it can do shows there. This measures the own engine.")
    files, box = _files(settings), detect(settings.home)
    fixed = settings.model or (files.chosen() if asked.keep_model else "") or ""
    here = [entry for entry in files.list(box) if entry.installed and entry.fit != "too large"]
    fitting = [entry for entry in here if entry.name == fixed] if fixed else [
        entry for entry in here if not entry.languages or settings.default_language in entry.languages
    ]  # fmt: skip
    found = asyncio.run(
        qualify.qualify(
            [(entry.name, files.path(entry.name)) for entry in sorted(fitting, key=lambda entry: -entry.size)],
            hardware=box,
            patience=settings.patience,
            seconds=60 * asked.minutes,
            report=progress,
        )
    )
    qualify.keep(files.folder, found)
    if not settings.model and files.chosen() != found.model:
        files.use(found.model)
    return _done(asked, asdict(found), _promise(found))


def _promise(found: Qualification) -> str:
    at_once = "one customer" if found.slots == 1 else f"{found.slots} customers"
    if found.holds:
        kept = f"which keeps the patience of {found.patience:.0f} s"
    else:
        kept = f"longer than the patience of {found.patience:.0f} s, so most get a ready sentence alone"
    return (
        f"{found.model} writes on this box, for {at_once} at a time: 95 of 100 first sentences within "
        f"{found.promised:.1f} s, {kept}.\nEverybody gets the goods and a ready sentence at once, whether or not the "
        f"model comes to it.\n({found.runtime}, {found.threads} threads, answers of up to {found.answer} tokens; "
        f"{found.samples} answers measured, reads {found.reading:.0f} and writes {found.writing:.0f} tokens/s.)"
    )


def _switches(asked: argparse.Namespace, settings: Settings) -> int:
    switches = _files(settings).switches()
    if asked.json:
        say_json({"switches": [asdict(switch) for switch in switches]})
        return 0
    for switch in switches:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(switch.at))
        outcome = {True: "kept", False: f"returned: {switch.why}", None: ""}[switch.kept]
        say(f"{when}  {switch.model:28} after {switch.before or '-':28} {outcome}")
    return 0


def _check(asked: argparse.Namespace, settings: Settings) -> int:
    files = _files(settings)
    name = asked.name or files.chosen()
    if not name:
        raise Refused("No model is chosen; say which one: appliance models check NAME.")
    files.check(name, _Telling())
    return _done(asked, {"name": name, "ok": True}, f"{name} is whole.")


def _delete(asked: argparse.Namespace, settings: Settings) -> int:
    if settings.llm_provider == "ollama":
        _with_ollama(settings, lambda server: server.delete(asked.name))
    else:
        _files(settings).delete(asked.name)
    return _done(asked, {"name": asked.name}, f"{asked.name} is deleted.")


def _files(settings: Settings) -> ModelFiles:
    from appliance.app.parts import model_files

    return model_files(settings)


def _tried(files: ModelFiles, name: str) -> Verdict:
    """In an engine of its own; refused before it starts where the box has no memory for one more model."""
    from models.engine import check_fit
    from models.trial import try_file

    if not name:
        raise Refused("Say which model: appliance models test NAME.")
    path = files.path(name)
    check_fit(path, slots=1, context=1024)
    progress(f"{name}: trial")
    return asyncio.run(try_file(path))


async def _examine_running(settings: Settings) -> Verdict:
    from appliance.app.parts import language_model
    from models.trial import examine

    llm = language_model(settings)
    try:
        return await examine(llm)
    finally:
        await llm.close()


def _judged(asked: argparse.Namespace, name: str, verdict: Verdict) -> int:
    if asked.json:
        say_json({"name": name, "passed": verdict.passed, **asdict(verdict)})
    elif verdict.passed:
        say(f"{name} passed: {verdict.right} of {verdict.asked} right, {verdict.speed:.1f} tokens/s, "
            f"first token after {verdict.first_token:.1f} s.")  # fmt: skip
    else:
        say(f"{name} failed the test. {verdict.why}")
    return 0 if verdict.passed else 1


def _list_ollama(asked: argparse.Namespace, settings: Settings) -> int:
    here = _with_ollama(settings, lambda server: server.models())
    loaded = {one.name: one for one in _with_ollama(settings, lambda server: server.loaded())}
    shares = {name: loaded[name].share if name in loaded else None for name in here}
    if asked.json:
        say_json({"models": [{"name": name, "size": here[name], "on_cards": shares[name]} for name in here]})
        return 0
    for name, size in sorted(here.items()):
        mark = "*" if name.removesuffix(":latest") == settings.model.removesuffix(":latest") else "+"
        where = "" if shares[name] is None else f"loaded, {shares[name]:.0%} on graphics cards"
        say(f"{mark} {name:28} {size / 1e9:6.1f} GB  {where}")
    say("* answers   + is here   others: appliance models pull NAME")
    return 0


def _with_ollama(settings: Settings, ask: Callable[[OllamaServer], Awaitable[T]]) -> T:
    from models.ollama import OllamaServer

    async def asked() -> T:
        server = OllamaServer(settings.engine_address, api_key=settings.llm_api_key.get_secret_value())
        try:
            return await ask(server)
        finally:
            await server.close()

    return asyncio.run(asked())


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
        progress(text(f"fetch_{step.what}", done=grouped(step.done / 1e6), total=grouped(step.total / 1e6)))
