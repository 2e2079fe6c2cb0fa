"""The CRM: what it has got, what waits, what is held and why; and its set-up in four steps."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from nicegui import ui

from appliance.core.types import Role
from appliance.desk.bulletins import CRM
from appliance.desk.crm import CrmStatus, Held, Tally, reason
from ui import bulletins, crm_setup, frame, parts
from ui.site import Here, Site

LOOK = 5.0  # seconds between looks while the page is open
DAYS = 7  # that the tiles tell of


def mount(site: Site) -> None:
    @site.page("/crm", menu="crm")
    async def crm(here: Here) -> None:
        say, desk = here.say, here.house.crm
        status = await desk.status(here.actor)
        ui.add_head_html(crm_setup.HEAD)
        with frame.page(here, say("title"), say("purpose")) as head:
            if not status.live and not status.done:
                parts.empty(
                    say("none"), say("none_why"), do=say("set_up") if here.administrator else "", href="/crm/setup",
                    icon="sync_alt",
                )  # fmt: skip
                return
            page = Report(here)
            with head.actions:
                if here.administrator:
                    parts.linked(say("set_up"), "/crm/setup", icon="tune")
                page.again = parts.button(here, say("retry_all"), page.retry_all, kind="primary", icon="replay")
            page.build()
            await bulletins.build(here, CRM)
            await page.look()
            here.every(LOOK, page.look)

    @site.page("/crm/setup", role=Role.ADMINISTRATOR)
    async def setup(here: Here) -> None:
        await crm_setup.build(here)


class Report:
    """The figures and the table of what is held, kept up to date."""

    again: ui.button

    def __init__(self, here: Here) -> None:
        self._here, self._desk = here, here.house.crm
        self._tally = Tally()

    def build(self) -> None:
        say = self._here.say
        with parts.card(), ui.element("div").classes("c-crm-line"):
            self._state = parts.tag("")
            self._where = parts.text("", "c-crm-strong")
            self._trouble = parts.text("", "c-soft")
        with parts.tiles():
            self._sent = parts.tile(say("sent"))
            self._queued = parts.tile(say("queued"))
            self._held = parts.tile(say("held"))
            self._speed = parts.tile(say("speed"))
        with parts.section(say("held_title"), say("held_why")):
            columns = [
                parts.Column(name="lead", label=say("lead"), width="22%"),
                parts.Column(name="why", label=say("why"), width="42%"),
                parts.Column(name="since", label=say("since"), wide=True),
                parts.Column(name="next", label=say("next"), wide=True),
                parts.Column(name="do", label="", width="1%"),
            ]
            self._table = parts.Table(
                self._here, columns, self._fetch, label=say("held_title"), on_act=self._retry,
                empty=lambda: parts.empty(say("none_held"), say("none_held_why"), icon="task_alt"),
            )  # fmt: skip

    async def look(self) -> None:
        """The figures as they are now; what has not changed is not sent."""
        status = await self._desk.status(self._here.actor)
        self._tally = await self._desk.tally(self._here.actor, days=DAYS)
        self._show_state(status)
        self._show_figures(self._tally)
        self.again.set_enabled(self._tally.held > 0)
        await self._table.refresh()

    async def retry_all(self) -> None:
        count = await self._desk.retry_all(self._here.actor)
        self._here.toast(self._here.say("retried", n=count))
        await self.look()

    async def _retry(self, id: str, act: str) -> None:
        found = await self._desk.retry(self._here.actor, UUID(id))
        self._here.toast(self._here.say("retried", n=int(found)))
        await self.look()

    async def _fetch(self, asked: parts.Asked) -> parts.Rows:
        held = await self._desk.held(self._here.actor, limit=asked.limit, offset=asked.offset)
        return parts.Rows(items=[self._row(one) for one in held], total=self._tally.held)

    def _row(self, one: Held) -> parts.Row:
        here = self._here
        runs = here.say("runs", n=one.run)
        return parts.Row(
            id=str(one.lead),
            tone="bad",
            cells={
                "lead": parts.link(one.name or str(one.lead)[:8], f"/leads/{one.lead}"),
                "why": reason(one.why, here.lang),
                "since": parts.two(here.write.ago(one.since), runs),
                "next": here.write.moment(one.resume_at) if one.resume_at else here.say("soon"),
                "do": parts.acts(("retry", here.say("frame.retry"), "replay")),
            },
        )

    def _show_state(self, status: CrmStatus) -> None:
        say, lang = self._here.say, self._here.lang
        word, tone = ("trouble", "bad") if status.trouble else ("live", "ok") if status.live else ("not_live", "warn")
        parts.paint(self._state, say(word), tone)
        parts.set_words(self._where, "Zoho CRM" if status.kind == "zoho" else status.url)
        parts.set_words(self._trouble, reason(status.trouble or {}, lang))

    def _show_figures(self, tally: Tally) -> None:
        say, write = self._here.say, self._here.write
        each = tally.requests / tally.attempts if tally.attempts else 0
        self._sent.show(write.number(tally.sent), say("sent_note", requests=write.number(round(each, 1))))
        behind = say("behind", lag=write.lasting(tally.lag)) if tally.queued and tally.lag.seconds else say("on_time")
        self._queued.show(write.number(tally.queued), behind, "" if tally.lag.total_seconds() < 300 else "warn")
        self._held.show(write.number(tally.held), say("of_attempts", failed=tally.failed, attempts=tally.attempts),
                        "bad" if tally.held else "ok")  # fmt: skip
        usual = "–" if tally.median is None else write.lasting(max(tally.median, timedelta(seconds=1)))
        self._speed.show(usual, say("speed_note"))
