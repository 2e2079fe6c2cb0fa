"""How figures look on every page that has them: named, compared in words, and opening the dialogues behind them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, TypeAlias

from nicegui import ui

from appliance.desk.figures import TARGET, Advice, DialogueFilter, Slice, Stage, Trouble, Troubles, Write
from ui import parts

if TYPE_CHECKING:
    from ui.site import Here

HEAD = '<link rel="stylesheet" href="/static/figures.css">'
STAGES = (Stage.GOODS, Stage.CONTACT, Stage.LEAD)


def behind(which: DialogueFilter) -> str:
    """The page with the dialogues that a filter means."""
    query = which.query()
    return f"/conversations?{query}" if query else "/conversations"


def tiles(here: Here, which: DialogueFilter) -> Tiles:
    """Six numbers of the same dialogues; `show` them as often as they change."""
    return Tiles(here, which)


class Tiles:
    """Dialogues, how far they came, conversion, and what was asked for in vain."""

    def __init__(self, here: Here, which: DialogueFilter) -> None:
        self._write, self._say = Write(here.lang), here.say
        with ui.element("div").classes("c-six"), parts.tiles():
            self._dialogues = parts.tile(self._write.word("dialogues"), behind(which))
            self._stages = {
                stage: parts.tile(self._write.word(word), behind(replace(which, stage=stage)))
                for stage, word in zip(STAGES, ("shown", "contacts", "leads"), strict=True)
            }
            self._conversion = parts.tile(self._write.word("conversion"), behind(replace(which, stage=Stage.LEAD)))
            self._absent = parts.tile(self._write.word("absent"), behind(replace(which, trouble=Trouble.ABSENT)))

    def show(self, now: Slice, then: Slice, troubles: Troubles, before: Troubles) -> None:
        write = self._write
        self._dialogues.show(write.number(now.dialogues), write.change(now.dialogues, then.dialogues))
        for stage, tile in self._stages.items():
            count, was = now.reached(stage).count, then.reached(stage).count
            tile.show(write.number(count), write.change(count, was), _tone(count, was))
        share = now.conversion
        if now.dialogues:
            tone = "ok" if share.low > TARGET else "bad" if share.high < TARGET else ""
            note = f"{write.interval(share)}, {write.word('target', target=write.percent(TARGET))}"
            self._conversion.show(write.percent(share.value), note, tone)
        else:
            self._conversion.show("–", "")
        self._absent.show(write.number(troubles.absent), write.change(troubles.absent, before.absent))


def _tone(count: int, was: int) -> str:
    """Only what chance hardly brings is coloured: beyond two of Poisson's standard deviations."""
    far = 2 * (count + was) ** 0.5
    return "ok" if count - was > far else "bad" if was - count > far else ""


def advice(here: Here, pieces: Sequence[Advice]) -> None:
    """What to do, each line with its number, opening the dialogues behind it."""
    with ui.element("div").classes("c-card c-list"):
        lines = "".join(
            f'<a class="c-advice" href="{escape(behind(one.which))}"><b>{here.write.number(one.weight)}</b>'
            f"<span>{escape(one.told(here.lang))}</span>"
            '<i class="material-icons c-icon" aria-hidden="true">chevron_right</i></a>'
            for one in pieces
        )
        ui.html(lines, sanitize=False)


Told: TypeAlias = str | tuple[str, str]  # a cell: words, or words and the page that they open


def table(columns: Sequence[str], rows: Iterable[Sequence[Told]]) -> ui.html:
    """A small table of text, for those to whom a chart tells nothing; its numbers open what is behind them."""

    def cell(told: Told) -> str:
        if isinstance(told, str):
            return f"<td>{escape(told)}</td>"
        return f'<td><a href="{escape(told[1])}">{escape(told[0])}</a></td>'

    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "".join(f"<tr>{''.join(map(cell, row))}</tr>" for row in rows)
    return ui.html(
        f'<table class="c-plain-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>', sanitize=False
    )


def folded(words: str, columns: Sequence[str], rows: Iterable[Sequence[Told]]) -> None:
    """The same behind a click, below its chart."""
    with ui.element("details").classes("c-details"):
        parts.text(words, tag="summary")
        with ui.element("div").classes("c-scroll").props("tabindex=0"):
            table(columns, rows)


def counting(here: Here) -> None:
    """Said while the figures leave something out."""
    if here.house.figures.behind:
        parts.text(here.say("analytics.counting"), "c-remark", tag="p")
