"""Answers written once: for managers to insert, and for the very questions that they were written for."""

from __future__ import annotations

from nicegui import ui

from ui import frame, goods, parts
from ui.pages.words_texts import listed
from ui.site import Here, Site


def mount(site: Site) -> None:
    @site.page("/canned", menu="canned")
    async def words_canned(here: Here) -> None:
        ui.add_head_html(goods.HEAD)
        with frame.page(here, here.say("title"), here.say("purpose")) as head:
            with head.actions:
                parts.linked(here.say("new"), "/texts/new/canned", kind="primary", icon="add")
            await listed(here, "canned")
