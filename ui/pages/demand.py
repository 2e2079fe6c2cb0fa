"""What customers ask for in vain: goods that are not there, questions without an answer, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nicegui import ui

from appliance.desk.figures import Bad, DialogueFilter, Group, Out, Summary, Trouble, Write, advice, language_name
from ui import figures, frame, parts
from ui.site import Here, Site

PERIODS = (7, 30, 90, 365)
DEFAULT = 30


def mount(site: Site) -> None:
    @site.page("/demand", menu="demand")
    async def demand(here: Here, days: str = "") -> None:
        ui.add_head_html(figures.HEAD)
        desk, say = here.house.figures, here.say
        period = desk.period(int(days) if days.isdigit() and int(days) in PERIODS else DEFAULT)
        summary = await desk.summary(here.actor, period)
        wanted = await desk.demand(here.actor, period)
        with frame.page(here, say("title"), say("purpose")):
            filters = parts.Filters(here, lambda: here.go(f"/demand?days={filters['days']}"))
            options = {str(one): say(f"analytics.days_{one}") for one in PERIODS}
            filters.choice("days", say("frame.period"), options, default=str(DEFAULT))
            figures.counting(here)
            pieces = advice(summary, wanted)
            if not any((pieces, wanted.absent, wanted.out, wanted.unanswered, wanted.bad)):
                parts.empty(say("empty"), say("empty_why"), icon="task_alt")
                return
            if pieces:
                with parts.section(say("advice"), say("advice_why")):
                    figures.advice(here, pieces)
            await _wishes(here, summary, wanted.absent, Trouble.ABSENT)
            await _out(here, summary, wanted.out)
            await _wishes(here, summary, wanted.unanswered, Trouble.UNANSWERED)
            await _bad(here, summary, wanted.bad)


async def _wishes(here: Here, summary: Summary, groups: Sequence[Group], trouble: Trouble) -> None:
    """Groups of wishes, each with its customers' own words."""
    if not groups:
        return
    write = Write(here.lang)

    def row(group: Group) -> parts.Row:
        which = replace(summary.which, trouble=trouble, want="|".join(group.keys))
        langs = ", ".join(f"{language_name(lang, here.lang)} {count}" for lang, count in group.langs)
        words = [*group.examples, ""]
        return parts.Row(
            id=group.key,
            href=figures.behind(which),
            cells={
                "asked": parts.two(words[0] or group.key, " · ".join(words[1:-1])),
                "dialogues": write.number(group.dialogues),
                "langs": langs,
                "last": here.write.moment(group.last) if group.last else "",
            },
        )

    columns = [
        parts.Column(name="asked", label=write.word("asked"), clip=True),
        parts.Column(name="dialogues", label=write.word("dialogues"), number=True, width="110px"),
        parts.Column(name="langs", label=write.word("langs"), wide=True, width="26%"),
        parts.Column(name="last", label=write.word("last"), wide=True, width="150px"),
    ]
    with parts.section(write.word(f"demand_{trouble}"), write.word(f"demand_{trouble}_why")):
        await _shown(here, columns, [row(group) for group in groups], write.word(f"demand_{trouble}"))


async def _out(here: Here, summary: Summary, goods: Sequence[Out]) -> None:
    if not goods:
        return
    write = Write(here.lang)
    rows = [
        parts.Row(
            id=one.sku,
            href=figures.behind(replace(summary.which, trouble=Trouble.OUT, want=one.sku)),
            cells={
                "goods": one.name, "sku": one.sku, "dialogues": write.number(one.dialogues),
                "leads": write.number(one.leads), "last": here.write.moment(one.last),
            },
        )
        for one in goods
    ]  # fmt: skip
    columns = [
        parts.Column(name="goods", label=write.word("goods"), clip=True, width="44%"),
        parts.Column(name="sku", label=write.word("sku"), wide=True),
        parts.Column(name="dialogues", label=write.word("dialogues"), number=True, width="110px"),
        parts.Column(name="leads", label=write.word("leads"), number=True, wide=True),
        parts.Column(name="last", label=write.word("last"), wide=True, width="150px"),
    ]
    with parts.section(write.word("demand_out"), write.word("demand_out_why")):
        await _shown(here, columns, rows, write.word("demand_out"))


async def _bad(here: Here, summary: Summary, answers: Sequence[Bad]) -> None:
    if not answers:
        return
    say = here.say
    rows = [
        parts.Row(
            id=str(one.message),
            href=f"/conversations?{_all_bad(summary).query()}&c={one.conversation}",
            cells={
                "question": parts.two(one.question, one.answer.replace("**", "")),
                "lang": language_name(one.lang, here.lang),
                "at": here.write.moment(one.at),
            },
        )
        for one in answers
    ]
    columns = [
        parts.Column(name="question", label=say("question"), clip=True),
        parts.Column(name="lang", label=Write(here.lang).word("of_lang"), wide=True, width="140px"),
        parts.Column(name="at", label=say("when"), wide=True, width="150px"),
    ]
    with parts.section(say("bad"), say("bad_why")):
        await _shown(here, columns, rows, say("bad"))


def _all_bad(summary: Summary) -> DialogueFilter:
    return replace(summary.which, trouble=Trouble.BAD)


async def _shown(here: Here, columns: Sequence[parts.Column], rows: Sequence[parts.Row], label: str) -> None:
    async def fetch(asked: parts.Asked) -> parts.Rows:
        return parts.Rows(items=rows[asked.offset : asked.offset + asked.limit], total=len(rows))

    table = parts.Table(here, columns, fetch, label=label, size=15)
    await table.load()
