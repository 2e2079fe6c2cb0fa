"""The catalogue: what is live, price lists on their way, versions to go back to, and who did what."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from uuid import UUID

from nicegui import ui
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response

from appliance.desk.catalogue import NoSpace, TooLarge, Upload
from ui import frame, goods, parts
from ui.site import Here, Site

TONES = {"queued": "brand", "working": "brand", "done": "ok", "failed": "bad"}
PHOTO = "private, max-age=86400"


def mount(site: Site) -> None:
    @site.page("/catalogue", menu="catalogue")
    async def catalogue(here: Here) -> None:
        say, desk = here.say, here.house.catalogue
        ui.add_head_html(goods.HEAD)
        with frame.page(here, say("title"), say("purpose")):
            await _live(here)
            goods.Drop(
                here, to="/catalogue/uploads", accept=goods.LISTS, limit=desk.limit, choose=say("choose"),
                drop=say("drop"), on_sent=lambda sent: here.go(f"/catalogue/{UUID(sent['id'])}"),
            )  # fmt: skip
            await _lists(here)
            if await desk.versions(here.actor):
                await _versions(here)
            if await desk.history(here.actor):
                await _history(here)

    _routes(site)


def _routes(site: Site) -> None:
    """The upload itself, the report's workbook, and the photos of the cards."""

    @site.route("/catalogue/uploads/{id}", methods=["PUT"])
    async def upload(here: Here, request: Request) -> Response:
        desk, id = here.house.catalogue, _id(request)
        if id is None:
            return PlainTextResponse(here.say("no_such"), 404)
        if int(request.headers.get("content-length") or 0) > desk.limit:
            return PlainTextResponse(here.say("too_large", limit=here.write.size(desk.limit)), 413)
        try:
            await desk.receive(here.actor, id, request.query_params.get("name", ""), request.stream(), lang=here.lang)
        except TooLarge:
            return PlainTextResponse(here.say("too_large", limit=here.write.size(desk.limit)), 413)
        except NoSpace:
            return PlainTextResponse(here.say("no_space"), 507)
        return PlainTextResponse("")

    @site.route("/catalogue/{id}/bad-rows.xlsx")
    async def bad_rows(here: Here, request: Request) -> Response:
        id = _id(request)
        if id is None:
            return PlainTextResponse(here.say("no_such"), 404)
        file = await here.house.catalogue.bad_rows(here.actor, id)
        return FileResponse(file, filename="bad-rows.xlsx", headers={"X-Content-Type-Options": "nosniff"})

    @site.route("/catalogue/photo/{version}/{name}")
    async def photo(here: Here, request: Request) -> Response:
        version, name = request.path_params["version"], request.path_params["name"]
        file = await here.house.catalogue.photo(here.actor, version, name)
        if file is None:
            return Response(status_code=404)
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        headers = {"Cache-Control": PHOTO, "X-Content-Type-Options": "nosniff"}
        return FileResponse(file, media_type=kind, headers=headers)


def _id(request: Request) -> UUID | None:
    try:
        return UUID(request.path_params["id"])
    except ValueError:
        return None


async def _live(here: Here) -> None:
    """The version that customers are answered from, and the way back."""
    say, desk = here.say, here.house.catalogue
    versions = await desk.versions(here.actor)
    live = next((version for version in versions if version.live), None)
    before = next((version for version in versions if version.before), None)
    if live is None:
        parts.empty(say("empty"), say("empty_why"), icon="inventory_2")
        return
    with parts.card(say("live")):
        parts.facts([
            (say("source"), live.source), (say("products"), here.write.number(live.products)),
            (say("since"), here.write.moment(live.created)), (say("by"), live.author or say("box")),
            (say("version"), live.name),
        ])  # fmt: skip
        if before:

            async def roll_back() -> None:
                effect = say("roll_back_effect", source=before.source, at=here.write.moment(before.created))
                if await parts.confirm(here, say("roll_back_title"), effect, do=say("roll_back"), danger=False):
                    await desk.roll_back(here.actor, expected=live.name)
                    here.toast(say("rolled_back"))
                    here.go("/catalogue")

            with ui.element("div"):
                parts.button(here, say("roll_back"), roll_back, icon="undo")


async def _lists(here: Here) -> None:
    say, desk = here.say, here.house.catalogue

    async def fetch(asked: parts.Asked) -> parts.Rows:
        lists = await desk.uploads(here.actor)
        items = [_list(here, one) for one in lists]
        return parts.Rows(items=items[asked.offset : asked.offset + asked.limit], total=len(items))

    with parts.section(say("lists"), say("lists_why")):
        columns = [
            parts.Column(name="file", label=say("file"), width="34%"),
            parts.Column(name="state", label=say("state")),
            parts.Column(name="products", label=say("products"), number=True, wide=True),
            parts.Column(name="by", label=say("by"), wide=True),
            parts.Column(name="at", label=say("at"), wide=True),
        ]
        table = parts.Table(
            here, columns, fetch, label=say("lists"),
            empty=lambda: parts.empty(say("no_lists"), say("no_lists_why"), icon="upload_file"),
        )  # fmt: skip
        await table.load()
    here.every(2, table.refresh)


def _list(here: Here, one: Upload) -> parts.Row:
    found: Mapping[str, object] = one.found
    products = found.get("products")
    return parts.Row(id=str(one.id), href=f"/catalogue/{one.id}", cells={
        "file": parts.two(one.file, one.source), "state": parts.chip(state_words(here, one), tone(one)),
        "products": here.write.number(int(str(products))) if products is not None else "",
        "by": one.author, "at": here.write.moment(one.at),
    })  # fmt: skip


def state_words(here: Here, one: Upload) -> str:
    """Where a list is on its way."""
    if one.state == "working":
        return goods.phase(here, one.phase) + (f" {here.write.percent(one.share, 0)}" if 0 < one.share < 1 else "")
    if one.state == "done" and one.version:
        return here.say(f"catalogue.verdict_{one.verdict.get('verdict', 'refuse')}")
    return here.say(f"catalogue.state_{'read' if one.state == 'done' else one.state}")


def tone(one: Upload) -> str:
    if one.state == "done" and one.version:
        return {"pass": "ok", "warn": "warn"}.get(str(one.verdict.get("verdict")), "bad")
    return "" if one.state == "done" else TONES.get(one.state, "")


async def _versions(here: Here) -> None:
    say, desk = here.say, here.house.catalogue

    async def fetch(asked: parts.Asked) -> parts.Rows:
        kept = await desk.versions(here.actor)
        rows = [
            parts.Row(id=one.name, href=f"/catalogue/{one.upload}" if one.upload else "", cells={
                "version": parts.two(one.name, one.source),
                "state": parts.chip(say("is_live"), "ok") if one.live else say("is_before") if one.before else "",
                "products": here.write.number(one.products), "problems": here.write.number(one.problems),
                "by": one.author or say("box"), "at": here.write.moment(one.created),
            })
            for one in kept
        ]  # fmt: skip
        return parts.Rows(items=rows[asked.offset : asked.offset + asked.limit], total=len(rows))

    with parts.section(say("versions"), say("versions_why")):
        columns = [
            parts.Column(name="version", label=say("version"), width="34%"),
            parts.Column(name="state", label=say("state")),
            parts.Column(name="products", label=say("products"), number=True, wide=True),
            parts.Column(name="problems", label=say("problems"), number=True, wide=True),
            parts.Column(name="by", label=say("by"), wide=True),
            parts.Column(name="at", label=say("at")),
        ]
        await parts.Table(here, columns, fetch, label=say("versions")).load()


async def _history(here: Here) -> None:
    say, desk = here.say, here.house.catalogue

    async def fetch(asked: parts.Asked) -> parts.Rows:
        acts = await desk.history(here.actor)
        rows = [
            parts.Row(id=str(act.id), cells={
                "at": here.write.moment(act.at), "who": act.who or say("box"),
                "action": say(f"did_{act.action.removeprefix('catalogue.')}"),
                "what": str(act.after.get("file") or act.before.get("file") or act.subject),
            })
            for act in acts
        ]  # fmt: skip
        return parts.Rows(items=rows[asked.offset : asked.offset + asked.limit], total=len(rows))

    with parts.section(say("history")):
        columns = [
            parts.Column(name="at", label=say("at"), width="130px"),
            parts.Column(name="who", label=say("by")),
            parts.Column(name="action", label=say("action")),
            parts.Column(name="what", label=say("file"), wide=True, clip=True, width="40%"),
        ]
        await parts.Table(here, columns, fetch, label=say("history"), size=20).load()
