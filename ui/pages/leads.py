"""Leads: a pipeline by status or a table, and one lead with all that is known of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from nicegui import ui
from starlette.requests import Request
from starlette.responses import Response

from appliance.desk.crm import LeadState, reason
from appliance.desk.leads import OUTCOMES, Dossier, LeadLine, Place, Sought
from ui import dialogue, frame, parts
from ui.dialogue_side import acts_list
from ui.files import attachment
from ui.site import Here, Site

COLUMNS = ("new", "partial", "taken", "later", "done")  # of the pipeline, from left to right
SHOWN = 12  # leads of a column; the rest is a click away in the table
SOURCES = ("form", "talk", "idle", "quote")
PAGE = 50
CRM_TONES = {"sent": "ok", "queued": "", "held": "bad"}
TICK = 5.0  # seconds between looks at what colleagues have done


def mount(site: Site) -> None:
    @site.page("/leads", menu="leads")
    async def leads(here: Here, view: str = "", lead: str = "") -> None:
        ui.add_head_html(dialogue.HEAD)
        with frame.page(here, here.say("title"), here.say("purpose"), wide=True) as head:
            page = Table(here) if view == "table" else Pipeline(here)
            await page.build(head.actions)
            if (wanted := _id(lead)) is not None:
                await page.open(wanted)
            here.every(TICK, page.refresh)

    for form in ("xlsx", "csv"):
        _export(site, form)
        if form == "xlsx":
            _paper(site, form)
    _paper(site, "pdf")


def _export(site: Site, form: Any) -> None:
    @site.route(f"/leads.{form}")
    async def export(here: Here, request: Request) -> Response:
        return attachment(await here.house.files.leads(here.actor, _sought(dict(request.query_params)), form, here.say))


def _paper(site: Site, form: Any) -> None:
    @site.route(f"/quotations/{{id}}.{form}")
    async def paper(here: Here, request: Request) -> Response:
        wanted = _id(request.path_params["id"])
        if wanted is None:
            return Response(here.say("gone"), 404, media_type="text/plain; charset=utf-8")
        return attachment(await here.house.files.quotation(here.actor, wanted, form))


class Board(ABC):
    """What the pipeline and the table share: conditions, files, and the lead that is open."""

    view = ""

    def __init__(self, here: Here) -> None:
        self._here = here
        self._people: dict[str, str] = {}

    async def build(self, actions: ui.element) -> None:
        here, say = self._here, self._here.say
        crew = await here.house.desk.crew()
        self._people = {str(person.id): person.name for person in crew}
        self.filters = parts.Filters(here, self._narrowed, keep={"view": self.view})
        self.filters.search(label=say("seek"))
        assigned = {"": say("assigned_all"), "mine": say("assigned_mine"), "nobody": say("assigned_nobody")}
        self.filters.choice("assigned", say("assigned"), assigned | self._people)
        self.filters.choice("source", say("source"), dialogue.options(here, SOURCES, "source_", "source_all"))
        channels = dialogue.options(here, dialogue.CHANNELS, "conversations.channel_", "conversations.channel_all")
        self.filters.choice("channel", say("channel"), channels)
        self._more_filters()
        self.filters.period(default="")
        with actions:
            other = "" if self.view == "table" else "?view=table"
            words = say("as_pipeline") if self.view == "table" else say("as_table")
            parts.linked(words, f"/leads{other}", icon="view_kanban" if self.view == "table" else "table_rows")
            self._files = ui.element("div").classes("c-actions")
        await self._show()
        self._renew_files()

    @abstractmethod
    def _more_filters(self) -> None:
        """Conditions of one view alone."""

    @abstractmethod
    async def _show(self) -> None: ...

    @abstractmethod
    async def refresh(self) -> None: ...

    async def _narrowed(self) -> None:
        self._renew_files()
        await self.refresh()

    def _renew_files(self) -> None:
        self._files.clear()
        with self._files:
            for form in ("xlsx", "csv"):
                parts.download(form.upper(), f"/leads.{form}{self.filters.query}")

    def sought(self, **more: str) -> Sought:
        names = ("q", "assigned", "source", "channel", "days", "status", "outcome")
        return _sought({name: self.filters[name] for name in names} | more)

    async def open(self, lead: UUID) -> None:
        """One lead with all that may be done with it. Raises `Gone`."""
        await Sheet(self._here, lead, self._people, self.refresh).open()


class Pipeline(Board):
    """A column for each status; the newest of each."""

    def _more_filters(self) -> None:
        """None: the columns are the statuses."""

    async def _show(self) -> None:
        here, say = self._here, self._here.say
        self._columns: dict[str, tuple[ui.html, list[Slip], ui.html]] = {}
        with ui.element("div").classes("c-pipe"):
            for status in COLUMNS:
                with ui.element("section").props(f'aria-label="{say(f"status_{status}")}"'):
                    with ui.element("h2"):
                        parts.text(say(f"status_{status}"))
                        count = parts.text("")
                    slips = [Slip(here, self.open) for _ in range(SHOWN)]
                    more = ui.html(sanitize=False)
                self._columns[status] = (count, slips, more)
        await self.refresh()

    async def refresh(self) -> None:
        here, desk = self._here, self._here.house.desk
        counts = await desk.lead_counts(here.actor, self.sought())
        for status, (count, slips, more) in self._columns.items():
            lines = (await desk.leads(here.actor, self.sought(status=status)))[:SHOWN] if counts.get(status) else []
            parts.set_words(count, here.write.number(counts.get(status, 0)))
            for at, slip in enumerate(slips):
                slip.show(lines[at] if at < len(lines) else None)
            left = counts.get(status, 0) - len(lines)
            query = self.filters.query
            link = (
                f'<a class="c-pipe-more" href="/leads{query}{"&amp;" if query else "?"}view=table&amp;status={status}">'
            )
            words = f"{link}{here.say('more', n=left)}</a>" if left > 0 else ""
            if more.content != words:
                more.set_content(words)


class Slip:
    """A lead in a column: made once, filled with whatever lead stands there now."""

    def __init__(self, here: Here, opened: Callable[[UUID], Awaitable[None]]) -> None:
        self._here = here
        self._lead: LeadLine | None = None

        async def pressed() -> None:
            if self._lead:
                await opened(self._lead.id)

        self._box = ui.element("button").classes("c-pipe-lead").props("type=button").on("click", here.guard(pressed))
        with self._box:
            self._who, self._need = parts.text("", tag="b"), parts.text("", tag="p")
            with ui.element("small"):
                self._by, self._when = parts.text(""), parts.text("")
        self._box.set_visibility(False)

    def show(self, lead: LeadLine | None) -> None:
        if lead == self._lead:
            return
        here, self._lead = self._here, lead
        self._box.set_visibility(lead is not None)
        if lead is None:
            return
        parts.set_words(self._who, _who(here, lead))
        parts.set_words(self._need, lead.need)
        by = here.say(f"outcome_{lead.outcome}") if lead.outcome else lead.assigned_name
        parts.set_words(self._by, by or dialogue.channel(here, lead.channel))
        parts.set_words(self._when, here.write.lately(lead.call_at or lead.updated))


class Table(Board):
    """A page of leads at a time, the last changed first."""

    view = "table"

    def _more_filters(self) -> None:
        here, say = self._here, self._here.say
        options = dialogue.options(here, ("untaken", "open", *COLUMNS, "draft"), "status_", "status_all")
        self.filters.choice("status", say("status"), options)
        self.filters.choice("outcome", say("outcome"), dialogue.options(here, OUTCOMES, "outcome_", "outcome"))

    async def _show(self) -> None:
        here, say = self._here, self._here.say
        columns = [
            parts.Column(name="updated", label=say("updated"), width="10px", whole=True),
            parts.Column(name="who", label=say("customer"), clip=True, width="24%"),
            parts.Column(name="need", label=say("need"), clip=True, wide=True),
            parts.Column(name="status", label=say("status")),
            parts.Column(name="assigned", label=say("assigned"), wide=True, whole=True),
            parts.Column(name="source", label=say("source"), wide=True, whole=True),
            parts.Column(name="quotes", label=say("quotes"), number=True, wide=True),
            parts.Column(name="crm", label=say("crm"), wide=True),
        ]
        self._rows = parts.Table(
            here, columns, self._fetch, label=say("title"), on_row=self._opened,
            empty=lambda: parts.empty(say("none"), say("none_why"), icon="assignment_ind"),
        )  # fmt: skip
        await self._rows.load()

    async def refresh(self) -> None:
        await self._rows.refresh()

    async def _narrowed(self) -> None:
        self._renew_files()
        await self._rows.load()

    async def _opened(self, id: str) -> None:
        await self.open(UUID(id))

    async def _fetch(self, asked: parts.Asked) -> parts.Rows:
        """The page at an offset: pages are turned one by one, so the way there is remembered by its places."""
        here, desk, sought = self._here, self._here.house.desk, self.sought()
        if asked.offset == 0 or sought != getattr(self, "_of", None):
            self._of, self._places = sought, cast("list[Place | None]", [None])
        page = asked.offset // PAGE
        while len(self._places) <= page:
            self._places.append(_end(await desk.leads(here.actor, sought, after=self._places[-1])))
        lines = await desk.leads(here.actor, sought, after=self._places[page])
        counts = await desk.lead_counts(here.actor, sought)
        states = await here.house.crm.states(here.actor, [line.id for line in lines])
        return parts.Rows(
            items=[self._row(line, states.get(line.id)) for line in lines], total=sum(counts.values())
        )  # fmt: skip

    def _row(self, lead: LeadLine, crm: LeadState | None) -> parts.Row:
        here, say = self._here, self._here.say
        status = parts.chip(say(f"status_{lead.status}"), dialogue.TONES.get(lead.status, ""))
        if lead.outcome:
            status = parts.chip(say(f"outcome_{lead.outcome}"), "ok" if lead.outcome == "won" else "")
        return parts.Row(id=str(lead.id), strong=lead.status in ("new", "partial"), cells={
            "updated": here.write.moment(lead.updated), "who": _who(here, lead), "need": " ".join(lead.need.split()),
            "status": status, "assigned": lead.assigned_name, "source": say(f"source_{lead.source}"),
            "quotes": lead.quotes or "",
            "crm": parts.chip(say(f"crm_{crm.state}"), CRM_TONES.get(crm.state, "")) if crm else "",
        })  # fmt: skip


class Sheet:
    """One lead in a dialog: what is known, what was done, and what may be done now."""

    def __init__(
        self, here: Here, lead: UUID, people: dict[str, str], changed: Callable[[], Awaitable[None]]
    ) -> None:  # fmt: skip
        self._here, self._id, self._people, self._changed = here, lead, people, changed

    async def open(self) -> None:
        here = self._here
        about = await here.house.desk.lead_dossier(here.actor, self._id)
        crm = await self._crm()
        with parts.dialog(_who(here, about.lead), wide=True) as self._dialog:
            self._box = ui.element("div").classes("c-section")
        self._fill(about, crm)
        parts.show_once(self._dialog)

    async def _again(self) -> None:
        here = self._here
        about = await here.house.desk.lead_dossier(here.actor, self._id)
        crm = await self._crm()
        self._box.clear()
        self._fill(about, crm)
        await self._changed()

    async def _crm(self) -> LeadState | None:
        """How the lead stands with the CRM; None where there is none."""
        return (await self._here.house.crm.states(self._here.actor, [self._id])).get(self._id)

    def _fill(self, about: Dossier, crm: LeadState | None) -> None:
        lead = about.lead
        with self._box:
            self._keys(lead)
            self._facts(lead)
            if crm:
                self._told(crm)
            if about.quotes:
                self._papers(about)
            if about.history:
                parts.text(self._here.say("history"), "c-h3", tag="h3")
                acts_list(self._here, list(about.history[:20]))

    def _facts(self, lead: LeadLine) -> None:
        here, say, write = self._here, self._here.say, self._here.write
        status = say(f"status_{lead.status}") + (f": {say(f'outcome_{lead.outcome}')}" if lead.outcome else "")
        parts.facts([
            (say("status"), status), (say("assigned"), lead.assigned_name or say("nobody")),
            (say("phone"), lead.phone, f"tel:{lead.phone}" if lead.phone.startswith("+") else ""),
            (say("email"), lead.email, f"mailto:{lead.email}" if "@" in lead.email else ""),
            (say("company"), lead.company),
            (say("need"), lead.need), (say("source"), say(f"source_{lead.source}")),
            (say("lang"), dialogue.language(here, lead.lang)), (say("created"), write.moment(lead.created)),
            *([(say("call_at"), write.moment(lead.call_at))] if lead.call_at else []),
        ])  # fmt: skip

    def _keys(self, lead: LeadLine) -> None:
        here, say = self._here, self._here.say
        with ui.element("div").classes("c-lead-keys"):
            if lead.conversation:
                parts.linked(say("open_dialogue"), f"/conversations?c={lead.conversation}", icon="forum")
            if lead.closed:
                parts.button(here, say("reopen"), self._reopen, icon="undo")
                return
            if lead.assigned != here.actor.id or lead.status != "taken":
                parts.button(here, say("take"), self._take, kind="primary")
            parts.button(here, say("later"), self._later, icon="schedule")
            parts.button(here, say("close_lead"), self._close, icon="done")
            options = {"": say("nobody")} | self._people
            chosen = parts.choice(
                here, say("assign"), options, str(lead.assigned or ""), lambda: self._assign(chosen.value)
            )

    def _told(self, crm: LeadState) -> None:
        """What the CRM has of it, why it has not, and another try."""
        here, say = self._here, self._here.say
        parts.text(say("crm"), "c-h3", tag="h3")
        with ui.element("div").classes("c-lead-keys"):
            parts.tag(say(f"crm_{crm.state}"), CRM_TONES.get(crm.state, ""))
            if crm.sent_at:
                parts.text(here.write.moment(crm.sent_at), "c-soft")
            if crm.why:
                parts.text(reason(crm.why, here.lang), "c-soft")
            if crm.state == "held":
                parts.button(here, say("crm_retry"), self._retry, icon="replay")

    async def _retry(self) -> None:
        await self._here.house.crm.retry(self._here.actor, self._id)
        self._here.toast(self._here.say("crm_retried"))
        await self._again()

    def _papers(self, about: Dossier) -> None:
        here, say = self._here, self._here.say
        parts.text(say("papers"), "c-h3", tag="h3")
        for quote in about.quotes:
            sums = "; ".join(dialogue.money(here, amount, currency) for currency, amount in quote.totals)
            with ui.element("div").classes("c-actions"):
                parts.text(f"{say('paper', number=quote.number, day=here.write.day(quote.at))} · {sums}")
                for form in ("pdf", "xlsx"):
                    parts.download(form.upper(), f"/quotations/{quote.id}.{form}")

    async def _take(self) -> None:
        await self._here.house.desk.take_lead(self._here.actor, self._id)
        self._here.toast(self._here.say("taken"))
        await self._again()

    async def _assign(self, person: str) -> None:
        await self._here.house.desk.assign_lead(self._here.actor, self._id, _id(person))
        self._here.toast(self._here.say("assigned_done"))
        await self._again()

    async def _reopen(self) -> None:
        await self._here.house.desk.reopen_lead(self._here.actor, self._id)
        self._here.toast(self._here.say("reopened"))
        await self._again()

    async def _later(self) -> None:
        here, say = self._here, self._here.say
        zone = ZoneInfo(here.house.zone)
        soon = (datetime.now(zone) + timedelta(days=1)).replace(hour=10, minute=0)
        with parts.dialog(say("later_title")) as asked:
            at = parts.field(say("later_at"), soon.strftime("%Y-%m-%dT%H:%M")).props("type=datetime-local")
            _choose(here, asked, say("later_do"), lambda: at.value)
        chosen = await asked
        asked.delete()
        if not chosen:
            return
        moment = datetime.fromisoformat(str(chosen)).replace(tzinfo=zone)
        if moment <= datetime.now(zone):
            here.toast(say("later_past"), "warn")
            return
        await here.house.desk.call_later(here.actor, self._id, moment)
        here.toast(say("later_done"))
        await self._again()

    async def _close(self) -> None:
        here, say = self._here, self._here.say
        with parts.dialog(say("close_title")) as asked:
            outcome = parts.choice(here, say("outcome"), {name: say(f"outcome_{name}") for name in OUTCOMES})
            _choose(here, asked, say("close_lead"), lambda: outcome.value)
        chosen = await asked
        asked.delete()
        if chosen:
            await here.house.desk.close_lead(here.actor, self._id, str(chosen))
            here.toast(say("closed_done"))
            await self._again()


def _choose(here: Here, asked: ui.dialog, do: str, value: Callable[[], Any]) -> None:
    """The keys of a small dialog: leave it, or take what was chosen."""
    with parts.keys():
        for words, kind, given in ((here.say("frame.cancel"), "plain", lambda: None), (do, "primary", value)):
            ui.button(words, on_click=lambda given=given: asked.submit(given()), color=None).props(
                "unelevated no-caps"
            ).classes(f"c-btn c-btn-{kind}")


def _who(here: Here, lead: LeadLine) -> str:
    return ", ".join(filter(None, (lead.name, lead.company))) or lead.phone or lead.email or here.say("no_name")


def _sought(asked: dict[str, str]) -> Sought:
    days = asked.get("days", "")
    return Sought(
        status=asked.get("status", ""), assigned=asked.get("assigned", ""), source=asked.get("source", ""),
        channel=asked.get("channel", ""), outcome=asked.get("outcome", ""), words=asked.get("q", ""),
        since=datetime.now(UTC) - timedelta(days=int(days)) if days.isdigit() else None,
    )  # fmt: skip


def _end(lines: list[LeadLine]) -> Place | None:
    return Place(at=lines[-1].updated, id=lines[-1].id) if lines else None


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
