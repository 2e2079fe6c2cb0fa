"""What the company says of itself and its services: documents come in, passages go out with their source."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from nicegui import ui
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from appliance.desk.words import OwnerText, Unfit, Unreadable
from ui import frame, goods, parts
from ui.i18n import Say, texts_in
from ui.site import Here, Site

KINDS = ("company", "services")
DOCUMENTS = ".docx,.pdf,.md,.txt"
LARGEST = 10 << 20


def mount(site: Site) -> None:
    @site.page("/company", menu="company")
    async def words_texts(here: Here) -> None:
        say = here.say
        ui.add_head_html(goods.HEAD)
        with frame.page(here, say("title"), say("purpose")) as head:
            with head.actions:
                parts.linked(say("new"), "/texts/new/company", icon="add")
            for kind in KINDS:
                await _kind(here, kind)
            await _said_now(here)
            _ask(here)

    @site.route("/company/documents/{kind}/{id}", methods=["PUT"])
    async def document(here: Here, request: Request) -> Response:
        name, kind = request.query_params.get("name", ""), request.path_params["kind"]
        contents = bytearray()
        async for piece in request.stream():
            contents += piece
            if len(contents) > LARGEST:
                return PlainTextResponse(here.say("unreadable_too_large"), 413)
        try:
            body = await here.house.words.read_document(here.actor, name, bytes(contents))
            title = name.rsplit("/", 1)[-1].rsplit(".", 1)[0]
            draft = await here.house.words.save_text(
                here.actor, kind=kind, name=title[:100], body=body, about={"file": name}
            )
        except Unreadable as error:
            return PlainTextResponse(here.say(f"unreadable_{error.id}"), 422)
        except Unfit as error:
            return PlainTextResponse(here.say(f"words_text.unfit_{error.id}", **error.values), 422)
        return PlainTextResponse(str(draft))


async def _kind(here: Here, kind: str) -> None:
    say = here.say
    with parts.section(say(kind), say(f"{kind}_why")):
        goods.Drop(
            here, to=f"/company/documents/{kind}", accept=DOCUMENTS, limit=LARGEST, choose=say("choose"),
            drop=say("drop"), kind="primary" if kind == KINDS[0] else "plain",
            on_sent=lambda sent: here.go(f"/texts/{UUID(sent['answer'])}"),
        )  # fmt: skip
        await listed(here, kind)


async def listed(here: Here, *kinds: str) -> None:
    """A table of texts: of each name and language one line, with what is live and what is drafted."""
    say = texts_of(here)

    async def fetch(asked: parts.Asked) -> parts.Rows:
        found = [one for kind in kinds for one in await here.house.words.texts(here.actor, kind)]
        rows = lines(here, found)
        return parts.Rows(items=rows[asked.offset : asked.offset + asked.limit], total=len(rows))

    columns = [
        parts.Column(name="name", label=say("name"), width="40%"),
        parts.Column(name="state", label=say("state")),
        parts.Column(name="author", label=say("author"), wide=True),
        parts.Column(name="at", label=say("at"), wide=True),
    ]
    await parts.Table(
        here, columns, fetch, label=say("title"),
        empty=lambda: parts.empty(say(f"none_{kinds[0]}"), say(f"none_{kinds[0]}_why"), icon="article"),
    ).load()  # fmt: skip


def texts_of(here: Here) -> Say:
    """The words of this page, also for the pages that borrow its table."""
    return texts_in(here.lang, "words_texts")


def lines(here: Here, found: Sequence[OwnerText]) -> list[parts.Row]:
    """One row a name and language; a draft is what opens, for it is what somebody is at."""
    say = texts_of(here)
    by_name: dict[tuple[str, str, str], list[OwnerText]] = {}
    for one in found:
        by_name.setdefault((one.kind, one.name, one.lang), []).append(one)
    rows = []
    for (kind, name, lang), versions in by_name.items():
        newest = next((one for one in versions if one.draft), versions[0])
        states = [(say("live"), "ok")] if any(one.live for one in versions) else []
        states += [(say("draft"), "warn")] if newest.draft else []
        title = name or say(f"kind_{kind}")
        rows.append(parts.Row(id=str(newest.id), href=f"/texts/{newest.id}", cells={
            "name": parts.two(f"{title} · {lang}" if lang else title, _beginning(newest.body, 90)),
            "state": parts.chips(*states), "author": newest.author,
            "at": here.write.moment(newest.published_at or newest.created_at) if newest.created_at else "",
        }))  # fmt: skip
    return rows


async def _said_now(here: Here) -> None:
    """While the owner has published nothing, what is said instead, and the way to make it one's own."""
    say, desk = here.say, here.house.words
    own = [one for kind in KINDS for one in await desk.texts(here.actor, kind) if one.live]
    if own:
        return

    async def take() -> None:
        await desk.take_over(here.actor)
        here.toast(say("taken"))
        here.go("/company")

    with parts.card(say("shipped")):
        parts.text(say("shipped_why"), "c-soft", tag="p")
        said = sorted((await desk.shipped(here.actor)).items())
        parts.facts([(name, _beginning(body.replace("#", " "), 110)) for name, body in said])
        with ui.element("div"):
            parts.button(here, say("take"), take, icon="edit")


def _ask(here: Here) -> None:
    """What a customer would be told, with the drafts in their places."""
    say = here.say
    with parts.section(say("ask"), say("ask_why")):
        with ui.element("div").classes("c-row"):
            question = parts.field(say("question"), "")

            async def ask() -> None:
                found = await here.house.words.answers(here.actor, str(question.value or ""))
                box.clear()
                with box:
                    for passage in found:
                        with parts.card(passage.heading or passage.source):
                            parts.text(passage.text, tag="p").style("white-space: pre-wrap")
                            parts.text(say("from", source=passage.source), "c-soft c-small", tag="p")
                    if not found:
                        parts.text(say("no_answer"), "c-soft", tag="p")

            parts.button(here, say("ask_now"), ask, icon="search")
        box = ui.element("div").classes("c-steps")


def _beginning(words: str, most: int) -> str:
    """The first words of a text in one line, with a sign that there are more."""
    line = " ".join(words.split())
    return line if len(line) <= most else line[:most].rsplit(" ", 1)[0].rstrip(",.;:") + "…"
