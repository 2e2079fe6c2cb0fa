"""`appliance backup [create|list|verify|prune]` and `appliance restore [ID]`."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance.commands.output import json_option, progress, say, say_json
from appliance.errors import Refused
from appliance.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.backup import Backup

    Run = Callable[[argparse.Namespace, Settings], int]


def add_to(kinds: Any) -> None:
    backup = kinds.add_parser("backup", help="copies of all that cannot be made again")
    backup.set_defaults(run=_create, kind="hand", json=False)
    ways = backup.add_subparsers(metavar="WHAT")
    create = _way(ways, "create", _create, "make one now (this is also what `appliance backup` does)")
    create.add_argument("--kind", default="hand", choices=("hand", "schedule", "update"), help=argparse.SUPPRESS)
    _way(ways, "list", _list, "which there are")
    verify = _way(ways, "verify", _verify, "restore one into a scratch database and compare it")
    verify.add_argument("id", nargs="?", default="", help="as `list` shows it; the newest by default")
    _way(ways, "prune", _prune, "delete what retention does not keep")
    restore = kinds.add_parser("restore", help="bring the data folder back to a backup")
    restore.add_argument("id", nargs="?", default="", help="as `backup list` shows it; the newest by default")
    restore.add_argument("--from", dest="source", type=Path, metavar="FOLDER", help="where the backups lie")
    restore.add_argument("--force", action="store_true", help="also over a box that holds data; that is put aside")
    restore.set_defaults(run=_restore)
    json_option(restore)


def _way(ways: Any, name: str, run: Run, words: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = ways.add_parser(name, help=words, description=words)
    parser.set_defaults(run=run)
    json_option(parser)
    return parser


def _create(asked: argparse.Namespace, settings: Settings) -> int:
    from appliance.app.keeping import backups
    from appliance.app.parts import database

    with database(settings) as url:
        made = _refusing(asked, lambda: backups(settings).create(url, kind=asked.kind, tell=_tell))
    where = f" and in {settings.backup_copies}" if made.copied else ""
    words = (
        f"{made.id}: {sum(made.rows.values()):,} rows and {len(made.files):,} files, {_megabytes(made.own_size)} "
        f"of its own, in {made.place}{where}; {made.seconds:.1f} s."
    )
    return _done(asked, plain(made), words)


def _list(asked: argparse.Namespace, settings: Settings) -> int:
    from appliance.app.keeping import backups

    known = backups(settings).all()
    if asked.json:
        say_json({"backups": [plain(one) for one in known]})
        return 0
    for one in known:
        proven = (
            "never restored" if one.verified is None else one.verified.trouble or f"proven {one.verified.at:%Y-%m-%d}"
        )
        away = "  copied off the box" if one.copied else ""
        say(f"{one.id}  {one.kind:8}  {_megabytes(one.own_size):>9}  {sum(one.rows.values()):>9,} rows  {proven}{away}")
    if not known:
        say("No backup yet: appliance backup create")
    return 0


def _verify(asked: argparse.Namespace, settings: Settings) -> int:
    from appliance.app.keeping import backups

    seen = _refusing(asked, lambda: backups(settings).verify(asked.id, tell=_tell))
    assert seen.verified is not None
    rows, took = seen.verified.rows, seen.verified.seconds
    words = f"{seen.id} can be relied on: {rows:,} rows restored in {took:.1f} s, and compared."
    return _done(asked, plain(seen), words)


def _prune(asked: argparse.Namespace, settings: Settings) -> int:
    from appliance.app.keeping import backups

    gone = backups(settings).prune()
    return _done(asked, {"pruned": gone}, f"{len(gone)} backups deleted.")


def _restore(asked: argparse.Namespace, settings: Settings) -> int:
    from appliance.app.keeping import backups
    from appliance.restore import restore

    url = settings.database_url.get_secret_value() if settings.database_url else ""
    some = backups(settings, folder=asked.source)
    done = _refusing(asked, lambda: restore(some, asked.id, url=url, force=asked.force, tell=_tell))
    age = f"{done.backup.created:%Y-%m-%d %H:%M} UTC"
    words = [f"{done.backup.id} of {age} is back: {done.rows:,} rows, {done.seconds:.1f} s."]
    if done.erased_again:
        words.append(f"{done.erased_again} dialogues of people who were erased since are erased again.")
    if done.put_aside:
        words.append(f"What was there before lies in {done.put_aside}; delete it when all is well.")
    if done.key_missing:
        words.append("The key of the secrets (secret.key) is not in backups: put your copy of it back into the data "
                     "folder, or enter the tokens and passwords of other systems anew.")  # fmt: skip
    words.append("Start it: appliance run")
    about = {
        "restored": done.backup.id, "rows": done.rows, "seconds": done.seconds, "erased_again": done.erased_again,
        "put_aside": str(done.put_aside or ""), "key_missing": done.key_missing,
    }  # fmt: skip
    return _done(asked, about, "\n".join(words))


def plain(one: Backup) -> dict[str, Any]:
    """A backup as JSON, without the list of its files: its manifest has that."""
    seen = one.verified
    return {
        "id": one.id, "created": one.created.isoformat(), "kind": one.kind, "place": str(one.place),
        "bytes": one.size, "own_bytes": one.own_size, "rows": sum(one.rows.values()), "files": len(one.files),
        "catalogue": one.catalogue, "revision": one.revision, "seconds": one.seconds, "copied": one.copied,
        "verified": seen and {**asdict(seen), "at": seen.at.isoformat()},
    }  # fmt: skip


def _refusing(asked: argparse.Namespace, work: Callable[[], Any]) -> Any:
    """With `--json` the fault is a line of its own, for whoever tells of it in another language."""
    from appliance.backup import BackupError

    try:
        return work()
    except BackupError as error:
        if asked.json:
            say_json({"fault": error.plain()})
        raise Refused(str(error)) from error


def _tell(step: str) -> None:
    progress(f"{step} …")
    sys.stderr.flush()


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def _done(asked: argparse.Namespace, value: dict[str, Any], words: str) -> int:
    say_json(value) if asked.json else say(words)
    return 0
