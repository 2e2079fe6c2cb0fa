"""The first page: what needs me now, how today goes, and whether all parts of the box work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from html import escape

from nicegui import ui
from nicegui.events import EChartPointClickEventArguments

from appliance.desk.figures import DialogueFilter, Every, Stage, Waiting, Write, advice
from ui import figures, frame, parts, status
from ui.i18n import known
from ui.site import Here, Site

SOON, LATER = 5.0, 30.0  # seconds between looks at what waits, and at today's figures
MOST_ADVICE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Something that waits for a person, and where it is done."""

    name: str
    icon: str
    href: str


NEEDS = (
    Need(name="queue", icon="support_agent", href="/conversations?owner=queue"),
    Need(name="leads", icon="assignment_ind", href="/leads?view=table&status=untaken"),
    Need(name="imports", icon="inventory_2", href="/catalogue"),
    Need(name="bad", icon="thumb_down", href="/review"),
    Need(name="pushes", icon="sync_problem", href="/crm"),
    Need(name="held", icon="outgoing_mail", href="/undelivered"),
)
MAIN = ("chat", "engine", "catalogue", "bot", "crm", "database", "worker")  # parts shown also when they are well
DOORS: Mapping[str, str] = {"catalogue": "/catalogue", "engine": "/models", "worker": "/health", "disk": "/health"}


def mount(site: Site) -> None:
    @site.page("/", menu="overview")
    async def overview(here: Here) -> None:
        ui.add_head_html(figures.HEAD)
        desk, say = here.house.figures, here.say
        title = say("hello", name=here.actor.name.split()[0]) if here.actor.name.strip() else say("title")
        with frame.page(here, title, Write(here.lang).day(desk.today, "EEEE, d MMMM y")):
            with ui.element("div").classes("c-side"):
                with ui.element("div"), parts.section(say("needs")):
                    waiting = _Waiting(here)
                with ui.element("div"), parts.section(say("box")):
                    box = _Box(here)
            with parts.section(say("today"), say("today_why")):
                so_far = await desk.so_far(here.actor)
                tiles = figures.tiles(here, so_far.today)
            await _weeks(here)

            async def look() -> None:
                waiting.show(await desk.waiting(here.actor))
                box.show(await status.LOOKS[site]())

            async def count() -> None:
                now = await desk.so_far(here.actor)
                tiles.show(now.now, now.then, now.troubles, now.troubles_then)

            tiles.show(so_far.now, so_far.then, so_far.troubles, so_far.troubles_then)
            await look()
            here.every(SOON, look)
            here.every(LATER, count)


class _Waiting:
    """One line for each thing that waits; what does not is not there."""

    def __init__(self, here: Here) -> None:
        self._here = here
        with ui.element("div").classes("c-card c-list"):
            self._lines = ui.html("", sanitize=False)

    def show(self, waiting: Waiting) -> None:
        counts = {need.name: getattr(waiting, need.name) for need in NEEDS}
        since = {"leads": waiting.leads_since, "queue": waiting.queue_since}
        lines = [self._line(need, counts[need.name], since.get(need.name)) for need in NEEDS if counts[need.name]]
        content = "".join(lines) or self._nothing()
        if self._lines.content != content:
            self._lines.set_content(content)

    def _line(self, need: Need, count: int, since: datetime | None) -> str:
        here = self._here
        lasting = here.write.lasting(datetime.now(since.tzinfo) - since) if since else ""
        why = here.say(f"{need.name}_why") + (f" {here.say('longest', lasting=lasting)}" if lasting else "")
        return (
            f'<a class="c-need" href="{escape(need.href)}">'
            f'<i class="material-icons c-need-icon" aria-hidden="true">{need.icon}</i>'
            f'<span class="c-need-words"><b>{escape(here.say(need.name, n=count))}</b>'
            f'<span class="c-soft">{escape(why)}</span></span>'
            '<i class="material-icons c-need-go" aria-hidden="true">chevron_right</i></a>'
        )

    def _nothing(self) -> str:
        say = self._here.say
        return (
            '<div class="c-need c-need-quiet"><i class="material-icons c-need-icon" aria-hidden="true">done_all</i>'
            f'<span class="c-need-words"><b>{escape(say("nothing"))}</b>'
            f'<span class="c-soft">{escape(say("nothing_why"))}</span></span></div>'
        )


class _Box:
    """The parts of the box, the unwell first, each leading to where one sees more."""

    def __init__(self, here: Here) -> None:
        self._here = here
        with ui.element("div").classes("c-card c-list"):
            self._lines = ui.html("", sanitize=False)

    def show(self, picture: status.Picture) -> None:
        shown = [part for part in picture.parts if part.state != "ok" or part.name in MAIN]
        rest = len(picture.parts) - len(shown)
        shown.sort(key=lambda part: (part.state == "ok", MAIN.index(part.name) if part.name in MAIN else len(MAIN)))
        content = "".join(map(self._line, shown)) + (self._rest(rest) if rest else "")
        if self._lines.content != content:
            self._lines.set_content(content)

    def _line(self, part: status.Part) -> str:
        here, told = self._here, self._here.say
        places = {place.path for place in here.site.menu(here.actor)}
        door = DOORS.get(part.name, "/health")
        name = told(f"status.part_{part.name}") if known(f"status.part_{part.name}") else part.name
        state = told(f"status.state_{part.state}") if known(f"status.state_{part.state}") else part.state
        icon, tone = status.ICONS.get(part.name, "widgets"), status.COLOURS.get(part.state, "")
        return _part(door if door in places else "/status", icon, name, state, tone)

    def _rest(self, count: int) -> str:
        say = self._here.say
        return _part("/status", "done_all", say("box_rest", n=count), say("status.state_ok"), "c-ok")


def _part(door: str, icon: str, name: str, state: str, tone: str) -> str:
    return (
        f'<a class="c-need c-box-part" href="{door}">'
        f'<i class="material-icons c-part-icon" aria-hidden="true">{icon}</i>'
        f'<span class="c-need-words"><b>{escape(name)}</b></span>'
        f'<span class="c-chip {tone}">{escape(state)}</span></a>'
    )


async def _weeks(here: Here) -> None:
    """The last two weeks as a chart, and what they ask for."""
    desk, say, write = here.house.figures, here.say, Write(here.lang)
    summary = await desk.summary(here.actor, desk.period(14))
    pieces = advice(summary, await desk.demand(here.actor, desk.period(14)))[:MOST_ADVICE]
    series = summary.series(Every.DAY)
    with ui.element("div").classes("c-side"):
        with ui.element("div"), parts.section(say("two_weeks")), parts.card():
            days = [write.day(part.first, "d MMM") for part, _ in series]
            opens = [DialogueFilter(since=part.since, until=part.until) for part, _ in series]

            def opened(event: EChartPointClickEventArguments) -> None:
                here.go(figures.behind(opens[event.data_index]))

            parts.chart(
                {
                    "xAxis": {"type": "category", "data": days},
                    "yAxis": {"type": "value", "minInterval": 1},
                    "series": [
                        {"name": write.word("dialogues"), "type": "bar", "data": [one.dialogues for _, one in series]},
                        {"name": write.word("leads"), "type": "bar", "barGap": "-100%",
                         "data": [one.leads for _, one in series]},
                    ],
                },
                label=say("two_weeks"),
                height=230,
                on_point=here.guard(opened),
            )  # fmt: skip
            rows = [
                (day, (write.number(one.dialogues), figures.behind(which)),
                 (write.number(one.leads), figures.behind(replace(which, stage=Stage.LEAD))))
                for day, which, (_, one) in zip(days, opens, series, strict=True)
            ]  # fmt: skip
            figures.folded(
                say("frame.as_table"), (say("day"), write.word("dialogues"), write.word("leads")), reversed(rows)
            )
            figures.counting(here)
        with ui.element("div"), parts.section(say("advice")):
            if pieces:
                figures.advice(here, pieces)
                parts.linked(say("more_advice"), "/demand", icon="search_off")
            else:
                parts.empty(say("no_advice"), say("no_advice_why"), icon="task_alt")
