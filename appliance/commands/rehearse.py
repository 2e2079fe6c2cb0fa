"""`appliance catalog rehearse`: what changed between two versions, and whether the new one may go live."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance.commands.output import json_option, progress, read_lines, say, say_json
from appliance.errors import Refused, explain
from appliance.settings import Settings

if TYPE_CHECKING:
    from catalog.rehearsal import Replayed, Verdict
    from catalog.shelf import Shelf
    from catalog.snapshot import Snapshot

QUESTIONS = 200  # recent ones asked of both versions; some ten seconds


def add_to(verbs: Any) -> None:
    verb = verbs.add_parser("rehearse", help="compare a version with the live one, before customers see it")
    verb.add_argument("version")
    verb.add_argument("--against", metavar="VERSION", help="compare with this version instead of the live one")
    verb.add_argument(
        "--questions",
        type=Path,
        metavar="FILE.jsonl",
        help='one {"question": …} a line, asked of both versions; by default what customers asked lately',
    )
    json_option(verb)
    verb.set_defaults(run=_rehearse)


def _rehearse(asked: argparse.Namespace, settings: Settings) -> int:
    from appliance.app.parts import shelf

    questions = None if asked.questions is None else [_question(row) for row in read_lines(asked.questions)]
    verdict = rehearsed(settings, shelf(settings), asked.version, against=asked.against, questions=questions)
    if asked.json:
        say_json(verdict.plain())
    else:
        say_verdict(verdict)
    return int(verdict.refused)


def rehearsed(
    settings: Settings,
    shelf: Shelf,
    version: str,
    *,
    against: str | None = None,
    questions: Sequence[str] | None = None,
) -> Verdict:
    """The verdict on a version; by default against the live one and on the questions of the last days."""
    from catalog.rehearsal import Goods, reachable, rehearse

    candidate = shelf.open(version)
    live = shelf.open(against) if against else shelf.current()
    if live is None or live.version == version:
        return rehearse(Goods.of(candidate))
    if questions is None:
        questions = _recent(settings)
    return rehearse(
        Goods.of(candidate),
        Goods.of(live),
        replayed=asyncio.run(_replayed(settings, questions, live, candidate)),
        ask=reachable,
    )


def say_verdict(verdict: Verdict) -> None:
    """The verdict for a person: the sentence, the figures, each finding with a few of its goods."""
    for finding in verdict.findings:
        mark = "REFUSED" if finding.severity == "refuse" else "warning"
        examples = f"  [{', '.join(finding.examples[:5])}]" if finding.examples else ""
        say(f"{mark}  {finding.words()}{examples}")
    say("; ".join(f"{name.replace('_', ' ')} {figure}" for name, figure in verdict.figures.items()))
    say(verdict.words())


async def _replayed(
    settings: Settings, questions: Sequence[str], live: Snapshot, candidate: Snapshot
) -> list[Replayed]:
    from appliance.app.parts import embedder
    from catalog.rehearsal import replay

    if not questions:
        return []
    progress(f"Asking both versions {len(questions):,} questions.")
    used = embedder(settings)
    return await replay(questions, live, candidate, embedders={used.name: used})


def _recent(settings: Settings) -> list[str]:
    """What customers asked lately; nothing, and a word about it, where the database is away or not yet there."""
    from appliance.app.parts import database

    if settings.database_url is None and not (settings.home / "postgres").exists():
        return []
    try:
        with database(settings) as url:
            return asyncio.run(_asked(url))
    except Exception as error:
        if (words := explain(error)) is None:
            raise
        progress(f"Recent questions cannot be read, so none are asked: {words}")
        return []


async def _asked(url: str) -> list[str]:
    from appliance.store.questions import recent_questions
    from appliance.store.revisions import newest
    from appliance.store.store import Store

    store = Store(url, pool=1)
    try:
        if await store.revision() != newest():
            raise Refused("The database is at another revision than this program: run `appliance migrate`.")
        async with store.transaction() as tx:
            return await recent_questions(tx, QUESTIONS)
    finally:
        await store.close()


def _question(row: dict[str, Any]) -> str:
    question = row.get("question", row.get("query"))
    if not isinstance(question, str):
        raise Refused('Each line of the questions must be like {"question": "насос 3 кВт"}.')
    return question
