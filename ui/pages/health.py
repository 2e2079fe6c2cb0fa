"""How the box feels: its parts with plain causes, its processes, the alerts, how much of the time it served."""

from __future__ import annotations

from datetime import date

from nicegui import ui

from appliance.core.types import Role
from appliance.desk.box import PROMISED, Alert, BoxPart, Process, Span, length
from appliance.desk.bulletins import BOX
from ui import bulletins, frame, parts
from ui.i18n import known
from ui.site import Here, Site

TONES = {"ok": "ok", "up": "ok", "degraded": "warn", "starting": "warn", "waiting": "", "restarting": "warn",
         "fail": "bad", "stopped": "bad"}  # fmt: skip
KINDS = {"trouble": "bad", "over": "ok", "test": "brand"}
TOLD = {"trouble": "bad", "over": "ok"}
SOON, LATER = 5.0, 15.0  # seconds between looks at the parts, and at all that changes slowly


def mount(site: Site) -> None:
    @site.page("/health", menu="health", role=Role.ADMINISTRATOR)
    async def health(here: Here) -> None:
        say = here.say
        with frame.page(here, say("title"), say("purpose")) as head:
            with head.actions:
                parts.button(here, say("test"), lambda: _test(here), icon="notifications_active")
            with parts.section(say("parts")):
                felt = _parts(here)
            with parts.section(say("alerts"), say("alerts_why")):
                await _who(here)
                told = _alerts(here)
            with parts.section(say("served"), say("served_why", promised=here.write.percent(PROMISED))):
                served = _Served(here)
            await bulletins.build(here, BOX)
            with parts.section(say("processes"), say("processes_why")):
                kept = _processes(here)
            for table in (felt, told, kept):
                await table.load()
            await served.look()

            async def later() -> None:
                await told.refresh()
                await kept.refresh()
                await served.look()

            here.every(SOON, felt.refresh)
            here.every(LATER, later)


def _parts(here: Here) -> parts.Table:
    def row(part: BoxPart) -> parts.Row:
        state = parts.chip(here.say(f"state_{part.state}"), TONES.get(part.state, ""))
        title = part.title(here.lang)
        return parts.Row(id=part.name, cells={
            "part": parts.two(title[:1].upper() + title[1:], part.why(here.lang)), "state": state,
        })  # fmt: skip

    async def fetch(asked: parts.Asked) -> parts.Rows:
        found = await here.house.box.parts(here.actor)
        found.sort(key=lambda part: (part.state == "ok", part.title(here.lang)))
        return parts.Rows(items=[row(part) for part in found], total=len(found))

    say = here.say
    columns = [
        parts.Column(name="part", label=say("part")),
        parts.Column(name="state", label=say("state"), width="150px"),
    ]
    return parts.Table(here, columns, fetch, label=say("parts"))


def _processes(here: Here) -> parts.Table:
    def row(one: Process) -> parts.Row:
        phase = here.say(f"phase_{one.phase}") if known(f"health.phase_{one.phase}") else one.phase
        return parts.Row(id=one.name, cells={
            "name": _named(here, one.name), "phase": parts.chip(phase, TONES.get(one.phase, "")),
            "restarts": one.restarts, "reason": one.reason,
        })  # fmt: skip

    async def fetch(asked: parts.Asked) -> parts.Rows:
        found = await here.house.box.processes(here.actor)
        return parts.Rows(items=[row(one) for one in found], total=len(found))

    say = here.say
    columns = [
        parts.Column(name="name", label=say("process"), width="200px"),
        parts.Column(name="phase", label=say("state"), width="150px"),
        parts.Column(name="restarts", label=say("restarts"), number=True, width="110px"),
        parts.Column(name="reason", label=say("last_reason"), wide=True),
    ]
    return parts.Table(
        here, columns, fetch, label=say("processes"),
        empty=lambda: parts.empty(say("no_processes"), say("no_processes_why"), icon="lan"),
    )  # fmt: skip


def _named(here: Here, process: str) -> str:
    """A process by what it does, with its name as the log has it."""
    id = f"process_{process}"
    return f"{here.say(id)} ({process})" if known(f"health.{id}") else process


def _alerts(here: Here) -> parts.Table:
    say = here.say

    def row(alert: Alert, number: int) -> parts.Row:
        lasted = f" · {say('after', lasted=length(alert.lasted, here.lang))}" if alert.kind == "over" else ""
        reached = say("reached", n=alert.reached, of=alert.to) if alert.to else say("told_nobody")
        told = parts.two(reached, alert.failed) if alert.failed and alert.reached < alert.to else reached
        title = alert.title(here.lang)
        return parts.Row(id=f"{alert.at.timestamp()}-{number}", tone=TOLD.get(alert.kind, ""), cells={
            "at": here.write.moment(alert.at), "kind": parts.chip(say(f"kind_{alert.kind}"), KINDS.get(alert.kind, "")),
            "part": parts.two(f"{title[:1].upper()}{title[1:]}{lasted}", alert.why(here.lang)), "told": told,
        })  # fmt: skip

    async def fetch(asked: parts.Asked) -> parts.Rows:
        found, total = await here.house.box.alerts(here.actor, offset=asked.offset, limit=asked.limit)
        return parts.Rows(items=[row(alert, number) for number, alert in enumerate(found)], total=total)

    columns = [
        parts.Column(name="at", label=say("at"), width="10px", whole=True),
        parts.Column(name="kind", label=say("kind"), wide=True, width="140px"),
        parts.Column(name="part", label=say("part")),
        parts.Column(name="told", label=say("told"), wide=True, width="170px"),
    ]
    return parts.Table(
        here, columns, fetch, size=10, label=say("alerts"),
        empty=lambda: parts.empty(say("no_alerts"), say("no_alerts_why"), icon="notifications_none"),
    )  # fmt: skip


async def _who(here: Here) -> None:
    """Who hears of trouble, and the quiet hours."""
    say, box = here.say, here.house.box
    hearers = await box.hearers(here.actor)
    shown = ", ".join(one.address if one.set_up else say("not_set_up", address=one.address) for one in hearers)
    with parts.card():
        parts.facts([(say("who"), shown or say("nobody"))])
        with ui.element("div").classes("c-filters"):
            hours = parts.field(say("quiet"), await box.quiet(here.actor), hint=say("quiet_hint"))
            hours.style("width: 320px")

            async def save() -> None:
                try:
                    await box.set_quiet(here.actor, hours.value or "")
                except ValueError:
                    here.toast(say("quiet_wrong"), "bad")
                else:
                    here.toast(say("frame.saved"))

            parts.button(here, say("frame.save"), save)


async def _test(here: Here) -> None:
    if not any(one.set_up for one in await here.house.box.hearers(here.actor)):
        here.toast(here.say("nobody_why"), "bad")
        return
    await here.house.box.test_alerts(here.actor)
    here.toast(here.say("test_asked"))


class _Served:
    """Availability: this month in figures, and each month in a line."""

    def __init__(self, here: Here) -> None:
        self._here = here
        say = here.say
        with parts.tiles():
            self._share, self._down = parts.tile(say("this_month")), parts.tile(say("down"))
            self._longest, self._off = parts.tile(say("longest")), parts.tile(say("off"))
        columns = [
            parts.Column(name="day", label=say("day")),
            parts.Column(name="share", label=say("share"), number=True, width="112px"),
            parts.Column(name="down", label=say("down"), number=True, width="128px"),
            parts.Column(name="outages", label=say("outages"), number=True, wide=True, width="120px"),
        ]
        self._table = parts.Table(
            here, columns, self._fetch, size=31, label=say("served"),
            empty=lambda: parts.empty(say("not_measured"), say("not_measured_why"), icon="timeline"),
        )  # fmt: skip
        self._months: list[Span] = []

    async def look(self) -> None:
        here = self._here
        self._months = await here.house.box.months(here.actor)
        if self._months:
            now = self._months[0]
            kept = now.share is not None and now.share >= PROMISED
            note = here.say("kept") if kept else here.say("not_kept", promised=here.write.percent(PROMISED))
            self._share.show(self._percent(now), note, "ok" if kept else "bad")
            self._down.show(length(now.down * 60, here.lang), here.say("times", n=len(now.outages)))
            longest = max((outage.minutes for outage in now.outages), default=0)
            self._longest.show(length(longest * 60, here.lang))
            self._off.show(length(now.off * 60, here.lang), here.say("off_why"))
        await self._table.refresh()

    async def _fetch(self, asked: parts.Asked) -> parts.Rows:
        here, lines = self._here, list[parts.Row]()
        if self._months:
            days = await here.house.box.days(here.actor, self._months[0].name)
            lines += [self._row(day, here.write.day(date.fromisoformat(day.name))) for day in reversed(days)]
            lines += [self._row(month, month.name) for month in self._months[1:]]
        return parts.Rows(items=lines[asked.offset : asked.offset + asked.limit], total=len(lines))

    def _row(self, span: Span, name: str) -> parts.Row:
        down = length(span.down * 60, self._here.lang) if span.down else "–"
        share = span.share if span.share is not None else 0.0
        return parts.Row(id=span.name, tone="" if share >= PROMISED else "warn", cells={
            "day": name, "share": self._percent(span), "down": down, "outages": len(span.outages),
        })  # fmt: skip

    def _percent(self, span: Span) -> str:
        return self._here.write.percent(span.share, 2, exact=True) if span.share is not None else "–"
