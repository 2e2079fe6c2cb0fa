"""Business reports: the ones that were made, and who gets which."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from nicegui import ui
from starlette.requests import Request
from starlette.responses import Response

from appliance.desk import Gone
from appliance.desk.figures import Every, Made, NoAddress, Period, Schedule, Write
from ui import figures, frame, parts
from ui.site import Here, Site

FORMS = ("pdf", "xlsx")


def mount(site: Site) -> None:
    @site.page("/reports", menu="reports")
    async def reports(here: Here) -> None:
        ui.add_head_html(figures.HEAD)
        desk, say = here.house.figures, here.say
        with frame.page(here, say("title"), say("purpose")) as head:
            if not desk.mail:
                parts.text(say("no_mail"), "c-remark", tag="p")
            with parts.section(say("recipients"), say("recipients_why")):
                recipients = _recipients(here)
            with parts.section(say("made"), say("made_why")):
                with ui.element("div").classes("c-row"):
                    for every in (Every.WEEK, Every.MONTH, Every.DAY):
                        parts.button(here, say(f"make_{every}"), _making(here, every, lambda: papers.load()))
                papers = _papers(here)
            with head.actions:
                parts.button(here, say("add"), lambda: _add(here, recipients), kind="primary", icon="add")
            await recipients.load()
            await papers.load()

    for form in FORMS:
        _file(site, form)


def _file(site: Site, form: str) -> None:
    @site.route(f"/reports/{{id}}.{form}")
    async def file(here: Here, request: Request) -> Response:
        try:
            id = UUID(request.path_params["id"])
        except ValueError:
            raise Gone("There is no such report.") from None
        name, media, contents = await here.house.figures.file(here.actor, id, form)
        return Response(contents, media_type=media, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _recipients(here: Here) -> parts.Table:
    desk, say = here.house.figures, here.say

    async def fetch(asked: parts.Asked) -> parts.Rows:
        schedules = await desk.schedules(here.actor)
        page = schedules[asked.offset : asked.offset + asked.limit]
        return parts.Rows(items=[_recipient(here, one) for one in page], total=len(schedules))

    async def act(id: str, _: str) -> None:
        await desk.unschedule(here.actor, UUID(id))
        here.toast(say("ended"))
        await table.refresh()

    columns = [
        parts.Column(name="email", label=say("email")),
        parts.Column(name="every", label=say("every")),
        parts.Column(name="lang", label=say("lang"), wide=True),
        parts.Column(name="sent", label=say("sent"), wide=True),
        parts.Column(name="author", label=say("author"), wide=True),
        parts.Column(name="act", label="", width="110px"),
    ]
    table = parts.Table(
        here, columns, fetch, label=say("recipients"), on_act=act,
        empty=lambda: parts.empty(say("nobody"), say("nobody_why"), icon="forward_to_inbox"),
    )  # fmt: skip
    return table


def _recipient(here: Here, one: Schedule) -> parts.Row:
    say, write = here.say, Write(here.lang)
    sent: parts.Cell = write.period(_period(here, one.every, one)) if one.sent else say("not_yet")
    if one.held:
        sent = parts.two(str(sent), one.held)
    return parts.Row(
        id=str(one.id),
        tone="bad" if one.held else "",
        cells={
            "email": one.email, "every": say(f"every_{one.every}"), "lang": say(f"lang_{one.lang}"), "sent": sent,
            "author": one.author, "act": parts.acts(("end", say("end"), "")),
        },
    )  # fmt: skip


def _period(here: Here, every: Every, one: Schedule | Made) -> Period:
    starts = one.starts if isinstance(one, Made) else one.sent
    assert starts is not None
    return Period.of(every, starts, here.house.figures.zone)


def _papers(here: Here) -> parts.Table:
    desk, say, write = here.house.figures, here.say, Write(here.lang)

    def row(one: Made) -> parts.Row:
        return parts.Row(
            id=str(one.id),
            cells={
                "period": parts.two(write.period(_period(here, one.every, one)), write.word(f"title_{one.every}")),
                "lang": say(f"lang_{one.lang}"),
                "posted": write.number(one.posted) if one.posted else "–",
                "made": here.write.moment(one.made_at),
                "pdf": parts.link("PDF", f"/reports/{one.id}.pdf"),
                "xlsx": parts.link("XLSX", f"/reports/{one.id}.xlsx"),
            },
        )

    async def fetch(asked: parts.Asked) -> parts.Rows:
        made, total = await desk.made(here.actor, limit=asked.limit, offset=asked.offset)
        return parts.Rows(items=[row(one) for one in made], total=total)

    columns = [
        parts.Column(name="period", label=say("period")),
        parts.Column(name="lang", label=say("lang"), wide=True),
        parts.Column(name="posted", label=say("posted"), number=True, wide=True),
        parts.Column(name="made", label=say("made_at"), wide=True),
        parts.Column(name="pdf", label="PDF", width="70px"),
        parts.Column(name="xlsx", label="XLSX", width="70px"),
    ]
    return parts.Table(
        here, columns, fetch, label=say("made"), size=20,
        empty=lambda: parts.empty(say("none_made"), say("none_made_why"), icon="summarize"),
    )  # fmt: skip


def _making(here: Here, every: Every, done: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    async def make() -> None:
        await here.house.figures.make(here.actor, every=every, lang=here.lang)
        here.toast(here.say("was_made"))
        await done()

    return make


async def _add(here: Here, recipients: parts.Table) -> None:
    """Asks for an address, how often and in which language."""
    say = here.say
    with parts.dialog(say("add")) as asked:
        email = parts.field(say("email"), here.actor.email)
        every = parts.choice(here, say("every"), {one.value: say(f"every_{one}") for one in Every}, Every.WEEK)
        lang = parts.choice(here, say("lang"), {"ru": say("lang_ru"), "en": say("lang_en")}, here.lang)
        parts.text(say("add_why"), "c-soft c-small", tag="p")

        async def save() -> None:
            try:
                await here.house.figures.schedule(
                    here.actor, email=email.value or "", every=Every(every.value), lang=lang.value
                )
            except NoAddress:
                email.props["error"], email.props["error-message"] = True, say("no_address")
                email.update()
                return
            asked.submit(True)

        with ui.element("div").classes("c-dialog-keys"):
            parts.button(here, say("frame.cancel"), lambda: asked.submit(False))
            parts.button(here, say("add_do"), save, kind="primary")
    try:
        if await asked:
            here.toast(say("added"))
            await recipients.load()
    finally:
        asked.delete()
