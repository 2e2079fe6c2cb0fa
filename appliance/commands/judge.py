"""Doors for judging in bulk, through the code that serves customers: dialogues, claims and leads."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from appliance.commands.output import batch_options, read_lines, write_line, writing_lines
from appliance.settings import Settings


def add_to(kinds: Any) -> None:
    dialogue = kinds.add_parser("dialogue", help="talk to the assistant without a channel")
    play = dialogue.add_subparsers(required=True, metavar="WHAT").add_parser(
        "play", help="answer the dialogues of a file: {id, turns} a line"
    )
    batch_options(play)
    play.set_defaults(run=_play)
    claims = kinds.add_parser("claims", help="the gate that holds back untrue sentences")
    check = claims.add_subparsers(required=True, metavar="WHAT").add_parser(
        "check", help="judge the sentences of a file: {id, lang, rows, company, text} a line"
    )
    batch_options(check)
    check.set_defaults(run=_check)
    leads = kinds.add_parser("leads", help="who wanted what, and how to reach them")
    extract = leads.add_subparsers(required=True, metavar="WHAT").add_parser(
        "extract", help="pick the contacts out of the dialogues of a file: {id, region, messages} a line"
    )
    batch_options(extract)
    extract.set_defaults(run=_extract)


def _play(asked: argparse.Namespace, settings: Settings) -> int:
    from appliance.app.parts import assistant

    async def play() -> None:
        async with assistant(settings) as player:
            with writing_lines(asked.out) as out:
                for row in read_lines(asked.batch, "turns"):
                    write_line(out, {"id": row.get("id"), "turns": await player.play(row["turns"])})

    asyncio.run(play())
    return 0


def _check(asked: argparse.Namespace, settings: Settings) -> int:
    from appliance.core.claims import check_record

    with writing_lines(asked.out) as out:
        for row in read_lines(asked.batch, "text"):
            write_line(out, check_record(row))
    return 0


def _extract(asked: argparse.Namespace, settings: Settings) -> int:
    from appliance.core.leads import extract_record

    with writing_lines(asked.out) as out:
        for row in read_lines(asked.batch, "messages"):
            write_line(out, extract_record(row))
    return 0
