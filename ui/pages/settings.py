"""Settings: the chat on the site with its look tried out, and every setting in force with whence it comes."""

from __future__ import annotations

import re
from html import escape
from urllib.parse import urlencode

from nicegui import ui

from appliance.core.types import Role
from ui import frame, parts
from ui.site import Here, Site

LANGS = ("auto", "ru", "en", "de", "kk", "uz", "tr", "uk", "zh")  # those that the widget speaks
COLOUR = re.compile(r"#(?:[0-9a-fA-F]{3}){1,2}")


def mount(site: Site) -> None:
    @site.page("/settings", menu="settings", role=Role.ADMINISTRATOR)
    async def settings(here: Here) -> None:
        say = here.say
        with frame.page(here, say("title"), say("purpose")):
            with parts.section(say("widget")), parts.columns():
                Look(here).build()
            with parts.section(say("in_force"), say("in_force_why")):
                await _in_force(here)


class Look:
    """Choices, and what follows from them: the line for the site and the chat as it will look."""

    def __init__(self, here: Here) -> None:
        self._here = here

    def build(self) -> None:
        here, say = self._here, self._here.say
        with parts.card(say("look")):
            themes = {name: say(f"theme_{name}") for name in ("auto", "light", "dark")}
            self._theme = parts.choice(here, say("theme"), themes, on_change=self._show)
            langs = {name: say(f"lang_{name}") for name in LANGS}
            self._lang = parts.choice(here, say("lang"), langs, on_change=self._show)
            corners = {name: say(f"position_{name}") for name in ("right", "left")}
            self._position = parts.choice(here, say("position"), corners, on_change=self._show)
            self._accent = parts.field(say("accent")).props("debounce=500")
            self._accent.on_value_change(here.guard(self._show))
            parts.text(say("snippet"), "c-h3", tag="h3")
            self._snippet = parts.code(here, "")
            sites = here.house.settings.sites(here.actor)
            parts.facts([(say("sites"), ", ".join(sites) or say("sites_none"))])
        with parts.card(say("preview")):
            parts.text(say("preview_why"), "c-soft", tag="p")
            self._frame = ui.element("iframe").classes("c-preview").props("sandbox='allow-scripts allow-same-origin'")
            self._frame.props["title"] = say("preview")
            self._door = ui.html("", sanitize=False)
        self._show()

    def _show(self) -> None:
        accent = (self._accent.value or "").strip()
        if accent and not COLOUR.fullmatch(accent):
            self._here.toast(self._here.say("accent_bad"), "warn")
            return
        chosen = {"theme": self._theme.value, "lang": self._lang.value, "accent": accent}
        chosen = {name: value for name, value in chosen.items() if value not in ("", "auto")}
        corner = {"position": "left"} if self._position.value == "left" else {}
        said = "".join(f' data-{name}="{value}"' for name, value in (chosen | corner).items())
        chat = self._here.house.chat
        parts.set_words(self._snippet, f'<script async src="{chat}/widget/v1/loader.js"{said}></script>')
        address = f"{chat}/chat?{urlencode(chosen)}" if chosen else f"{chat}/chat"
        if self._frame.props.get("src") != address:
            self._frame.props["src"] = address
            self._frame.update()
        words = escape(self._here.say("open_chat"))
        self._door.set_content(f'<a href="{escape(address)}" target="_blank" rel="noopener">{words}</a>')


async def _in_force(here: Here) -> None:
    say = here.say
    filters = parts.Filters(here, lambda: table.load())
    filters.search()
    sources = {source: say(f"source_{source}") for source in ("environment", "file", "default")}
    filters.choice("source", say("source"), {"": say("any_source")} | sources)

    async def fetch(asked: parts.Asked) -> parts.Rows:
        words = filters["q"].lower()
        fits = [
            row for row in here.house.settings.rows(here.actor)
            if words in f"{row.name} {row.value}".lower() and filters["source"] in ("", row.source)
        ]  # fmt: skip
        tones = {"environment": "brand", "file": "ok", "default": ""}
        rows = [
            parts.Row(id=row.name, cells={
                "name": row.name, "value": row.value or say("not_set"),
                "source": parts.chip(say(f"source_{row.source}"), tones[row.source]),
            })
            for row in fits[asked.offset : asked.offset + asked.limit]
        ]  # fmt: skip
        return parts.Rows(items=rows, total=len(fits))

    columns = [
        parts.Column(name="name", label=say("name"), width="34%"), parts.Column(name="value", label=say("value")),
        parts.Column(name="source", label=say("source"), width="10px"),
    ]  # fmt: skip
    table = parts.Table(
        here, columns, fetch, label=say("in_force"), empty=lambda: parts.empty(say("nothing_found"), icon="tune")
    )
    await table.load()
