"""When managers work, and what customers agree to before their contacts are kept."""

from __future__ import annotations

from nicegui import ui

from ui import frame, goods, parts
from ui.pages.words_texts import listed
from ui.site import Here, Site


def mount(site: Site) -> None:
    @site.page("/hours", menu="hours")
    async def words_hours(here: Here) -> None:
        say, desk = here.say, here.house.words
        ui.add_head_html(goods.HEAD)
        with frame.page(here, say("title"), say("purpose")):
            with parts.section(say("hours"), say("hours_why")):
                own = await desk.texts(here.actor, "hours")
                if not any(one.live for one in own):
                    parts.facts([(say("now"), desk.hours[0] or say("always")), (say("zone"), desk.hours[1])])
                if own:
                    await listed(here, "hours")
                else:
                    with ui.element("div"):
                        parts.linked(say("set"), "/texts/new/hours", kind="primary", icon="schedule")
            with parts.section(say("consent"), say("consent_why")):
                await listed(here, "consent")
                with ui.element("div"):
                    parts.linked(say("consent_new"), "/texts/new/consent", icon="add")
