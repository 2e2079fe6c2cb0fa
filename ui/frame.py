"""The frame that all pages share: header, drawer, heading. One element each, however long the menu is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from nicegui import ui

from ui.i18n import Lang, Say, known, texts_in
from ui.theme import HEAD, text

if TYPE_CHECKING:
    from ui.site import Here, Place

# The menu: groups, and in each the names by which pages ask for their place, with their icons (Material Icons).
# A name that is not here comes last.
MENU: dict[str, dict[str, str]] = {
    "work": {"overview": "space_dashboard", "conversations": "forum", "leads": "assignment_ind", "crm": "sync_alt"},
    "answers": {
        "catalogue": "inventory_2", "prompts": "edit_note", "words": "menu_book", "services": "handyman",
        "company": "business", "canned": "quickreply", "topics": "alt_route", "hours": "schedule",
        "review": "thumb_down", "experiments": "science",
    },
    "insight": {"analytics": "insights", "demand": "search_off", "reports": "summarize"},
    "box": {
        "health": "monitor_heart", "models": "memory", "logs": "receipt_long", "backups": "backup",
        "updates": "system_update_alt", "settings": "tune", "users": "group", "audit": "history",
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Head:
    """The parts of a page's heading that the page may fill."""

    actions: ui.element  # to the right of the heading; one primary action a page


@contextmanager
def page(here: Here, title: str, purpose: str = "", *, wide: bool = False) -> Iterator[Head]:
    """The header, the menu and the column in which a page stands; `title` and `purpose` are words, not ids.

    `wide` lets the content take the whole width (two panes).
    """
    ui.page_title(f"{title} · Counterman")
    ui.add_head_html(HEAD)
    _around(_top(here), _drawer(here))
    with ui.element("div").classes("c-main c-wide" if wide else "c-main").props("id=main tabindex=-1"):
        with ui.element("div").classes("c-head"):
            with ui.element("div").classes("c-head-words"):
                text(title, "c-h1", tag="h1")
                if purpose:
                    text(purpose, "c-soft", tag="p")
            actions = ui.element("div").classes("c-actions")
        yield Head(actions)


@contextmanager
def bare(lang: Lang, title: str, *, narrow: bool = False) -> Iterator[None]:
    """A page for those who are not logged in: the mark above, one column below."""
    say = texts_in(lang, "frame")
    ui.page_title(f"{title} · Counterman")
    ui.add_head_html(HEAD)
    tools = f'<span class="c-space"></span>{_tools(say, lang)}'
    _around(f'<header class="c-top">{_mark("/")}{tools}</header>')
    with ui.element("div").classes("c-narrow" if narrow else "c-column").props("id=main tabindex=-1"):
        yield


def _around(top: str, drawer: str = "") -> None:
    """Puts the header and the menu before the page, outside of the `<main>` that NiceGUI makes of it."""
    layout = ui.context.client.layout
    with layout:
        for at, (content, holder) in enumerate(((top, "c-top-holder"), (drawer, "c-drawer-holder"))):
            if content:
                ui.html(content, sanitize=False, tag="div").classes(holder).move(layout, at)


def _top(here: Here) -> str:
    say = texts_in(here.lang, "frame")
    person, role = here.actor, say(f"role_{here.actor.role}")
    initial = escape((person.name.strip() or "?")[0].upper())
    me = (
        f'<details class="c-me"><summary aria-label="{escape(person.name)}, {escape(role)}">'
        f'<span class="c-face" aria-hidden="true">{initial}</span>'
        f'<span class="c-me-name">{escape(person.name)}</span></summary><div class="c-me-menu">'
        f"<p><b>{escape(person.name)}</b><br><span>{escape(role)}</span></p>"
        f'<a href="/me">{escape(say("my_sessions"))}</a>'
        f'<form method="post" action="/logout"><button type="submit">{escape(say("log_out"))}</button></form>'
        "</div></details>"
    )
    burger = (
        f'<button type="button" class="c-tool c-burger" data-drawer aria-expanded="false" aria-controls="c-drawer" '
        f'aria-label="{escape(say("menu"))}">{_icon("menu")}</button>'
    )
    skip = f'<a class="c-skip" href="#main">{escape(say("skip"))}</a>'
    return f'{skip}<header class="c-top">{burger}{_mark("/")}<span class="c-space"></span>{_tools(say, here.lang)}{me}</header>'  # noqa: E501


def _drawer(here: Here) -> str:
    say = texts_in(here.lang, "frame")
    groups = []
    places = here.site.menu(here.actor)
    for group, names in MENU.items():
        mine = [place for name in names for place in places if place.menu == name]
        if group == "box":
            everywhere = {name for group_names in MENU.values() for name in group_names}
            mine += [place for place in places if place.menu not in everywhere]
        if mine:
            links = "".join(_link(here, place, names.get(place.menu, "widgets")) for place in mine)
            groups.append(f"<h2>{escape(say(f'group_{group}'))}</h2><ul>{links}</ul>")
    nav = f'<nav id="c-drawer" class="c-drawer" aria-label="{escape(say("menu"))}">{"".join(groups)}</nav>'
    return f'{nav}<div class="c-shade"></div>'


def _link(here: Here, place: Place, icon: str) -> str:
    mine = place.menu == here.place.menu or (not here.place.menu and place.file == here.place.file)
    current = ' aria-current="page"' if mine else ""
    words = escape(here.say(f"{place.file}.menu") if known(f"{place.file}.menu") else place.menu)
    return f'<li><a href="{escape(place.path)}"{current}>{_icon(icon)}<span>{words}</span></a></li>'


def _tools(say: Say, lang: Lang) -> str:
    other = "en" if lang == "ru" else "ru"
    return (
        f'<a class="c-tool" href="?lang={other}" data-lang="{other}" lang="{other}" '
        f'aria-label="{escape(say("other_language_label"))}">{escape(say("other_language"))}</a>'
        f'<button type="button" class="c-tool" data-dark aria-label="{escape(say("dark_label"))}">'
        f"{_icon('contrast')}</button>"
    )


def _mark(href: str) -> str:
    return (
        f'<a class="c-brand" href="{href}"><span class="c-mark" aria-hidden="true">C</span>'
        '<span class="c-name">Counterman</span></a>'
    )


def _icon(name: str) -> str:
    return f'<i class="material-icons c-icon" aria-hidden="true">{name}</i>'
