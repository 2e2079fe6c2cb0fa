"""Prompts: which one answers customers, drafts, those on trial, and the way back."""

from __future__ import annotations

from nicegui import ui

from appliance.desk.words import Form, PromptVersion
from ui import frame, goods, parts
from ui.site import Here, Site


def mount(site: Site) -> None:

    @site.page("/prompts", menu="prompts")
    async def words_prompts(here: Here) -> None:
        say, desk = here.say, here.house.words
        ui.add_head_html(goods.HEAD)
        with frame.page(here, say("title"), say("purpose")) as head:
            versions = await desk.prompts(here.actor)
            live = next((one for one in versions if one.live), None)
            if here.administrator:
                with head.actions:
                    parts.button(here, say("new"), lambda: _new(here, live), kind="primary", icon="add")
            if live is None:
                parts.empty(say("none"), say("none_why"), icon="edit_note")
                return
            _live(here, live, any(not one.live and one.published_at for one in versions))
            await _table(here)


async def _new(here: Here, live: PromptVersion | None) -> None:
    """A draft that begins with the words that are live."""
    filled = (await here.house.words.prompt(here.actor, live.version))[1] if live else Form(system="")
    here.go(f"/prompts/{await here.house.words.save_draft(here.actor, filled)}")


def _live(here: Here, live: PromptVersion, earlier: bool) -> None:

    say = here.say
    with parts.card(say("live")):
        since = live.published_at or live.created_at
        parts.facts([
            (say("version"), live.version), (say("since"), here.write.moment(since)),
            (say("author"), live.author or say("shipped")), (say("note"), live.note),
        ])  # fmt: skip

        async def roll_back() -> None:
            if await parts.confirm(here, say("back_title"), say("back_effect"), do=say("back"), danger=False):
                version = await here.house.words.roll_back(here.actor, expected=live.version)
                here.toast(say("back_done", version=version))
                here.go("/prompts")

        with ui.element("div").classes("c-row"):
            parts.linked(say("look"), f"/prompts/{live.version}", icon="visibility")
            if here.administrator and earlier:
                parts.button(here, say("back"), roll_back, icon="undo")


async def _table(here: Here) -> None:
    say = here.say

    async def fetch(asked: parts.Asked) -> parts.Rows:
        versions = await here.house.words.prompts(here.actor)
        rows = [_row(here, one) for one in versions]
        return parts.Rows(items=rows[asked.offset : asked.offset + asked.limit], total=len(rows))

    with parts.section(say("versions"), say("versions_why")):
        columns = [
            parts.Column(name="version", label=say("version"), width="20%"),
            parts.Column(name="state", label=say("state")),
            parts.Column(name="note", label=say("note"), wide=True, clip=True, width="36%"),
            parts.Column(name="author", label=say("author"), wide=True),
            parts.Column(name="at", label=say("at")),
        ]
        await parts.Table(here, columns, fetch, label=say("versions")).load()


def _row(here: Here, one: PromptVersion) -> parts.Row:
    return parts.Row(id=one.version, href=f"/prompts/{one.version}", cells={
        "version": one.version, "state": parts.chip(*state(here, one)), "note": one.note,
        "author": one.author or here.say("shipped"), "at": here.write.moment(one.published_at or one.created_at),
    })  # fmt: skip


def state(here: Here, one: PromptVersion) -> tuple[str, str]:
    """What a version is now, in a word, and its tone."""
    if one.live:
        return here.say("words_prompts.is_live"), "ok"
    if one.share:
        return here.say("words_prompts.is_shared", share=here.write.percent(one.share / 100, 0)), "brand"
    return (here.say("words_prompts.is_draft"), "warn") if one.draft else (here.say("words_prompts.is_earlier"), "")
