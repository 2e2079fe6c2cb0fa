"""One text of the owner's: written, saved as a draft, published, taken back, and all it was before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from nicegui import ui

from appliance.desk import Gone
from appliance.desk.words import OwnerText, Unfit
from ui import frame, goods, parts
from ui.site import Here, Site

KINDS: Mapping[str, str] = {  # kind -> the page that lists it
    "company": "/company", "services": "/company", "canned": "/canned", "hours": "/hours", "consent": "/hours",
}  # fmt: skip
NAMED = ("company", "services", "canned")
SPOKEN = ("canned", "consent")  # kinds of which there is one a language
LANGUAGES = ("ru", "en", "uk", "be", "kk", "uz", "ky", "tg", "tr", "de", "fr", "es", "it", "pl", "zh")
ROWS = {"company": 22, "services": 22, "canned": 6, "hours": 2, "consent": 4}


def mount(site: Site) -> None:
    @site.page("/texts/new/{kind}")
    async def new_text(here: Here, kind: str) -> None:
        if kind not in KINDS:
            raise Gone("There is no such kind of text.")
        await _page(here, kind, None)

    @site.page("/texts/{id}")
    async def words_text(here: Here, id: UUID) -> None:
        text = await here.house.words.text(here.actor, id)
        if text.kind not in KINDS:
            raise Gone("This text is changed on another page.")
        await _page(here, text.kind, text)


async def _page(here: Here, kind: str, text: OwnerText | None) -> None:
    ui.add_head_html(goods.HEAD)
    title = (text.name if text else "") or here.say(f"title_{kind}")
    with frame.page(here, title, here.say(f"purpose_{kind}")) as head:
        await Editor(here, kind, text).build(head.actions)


class Editor:
    """The fields that its kind has, and the few things that can be done with a text."""

    def __init__(self, here: Here, kind: str, text: OwnerText | None) -> None:
        self._here, self._kind, self._text, self._desk = here, kind, text, here.house.words

    async def build(self, actions: ui.element) -> None:
        say, here = self._here.say, self._here
        with actions:
            parts.linked(say("all"), KINDS[self._kind], icon="arrow_back")
            parts.button(here, say("publish"), self._publish, kind="primary", icon="rocket_launch")
        if self._text:
            words, tone = ("live", "ok") if self._text.live else ("draft", "warn") if self._text.draft else ("old", "")
            with ui.element("div").classes("c-row"):
                parts.tag(say(words), tone)
        with ui.element("div").classes("c-steps"):
            self._fields()
            with ui.element("div").classes("c-row"):
                parts.button(here, say("save"), self._saved, icon="save")
                if self._text and self._text.draft:
                    parts.button(here, say("drop"), self._drop, kind="quiet", icon="delete")
                if self._text and self._text.live:
                    parts.button(here, say("retire"), self._retire, kind="quiet", icon="visibility_off")
            await self._history()

    def _fields(self) -> None:
        say, text, kind = self._here.say, self._text, self._kind
        about: Mapping[str, Any] = text.about if text else {}
        with parts.card():
            named = say(f"name_hint_{kind}") if kind in NAMED else ""
            with ui.element("div").classes("c-row"):
                self._name = parts.field(say("name"), text.name if text else "", hint=named)
                self._name.set_visibility(kind in NAMED)
                self._name.set_enabled(text is None)
                options = {code: say(f"lang_{code}") for code in LANGUAGES}
                self._lang = parts.choice(self._here, say("lang"), options, text.lang if text else self._here.lang)
                self._lang.set_visibility(kind in SPOKEN and text is None)
                self._zone = parts.field(say("zone"), str(about.get("zone") or self._desk.hours[1]))
                self._zone.set_visibility(kind == "hours")
            body = text.body if text else self._desk.hours[0] if kind == "hours" else ""
            self._body = parts.field(say(f"body_{kind}"), body, rows=ROWS[kind], hint=say(f"hint_{kind}"))
            self._body.classes("c-wide-field")
            self._questions = parts.field(
                say("questions"), "\n".join(about.get("questions", ())), rows=3, hint=say("questions_hint")
            ).classes("c-wide-field")
            self._questions.set_visibility(kind == "canned")

    async def _keep(self) -> UUID | None:
        """The draft's id; None where something is wrong with it, which is said."""
        text, kind = self._text, self._kind
        about: dict[str, Any] = dict(text.about) if text else {}
        if kind == "hours":
            about["zone"] = str(self._zone.value or "")
        if kind == "canned":
            about["questions"] = str(self._questions.value or "").splitlines()
        try:
            return await self._desk.save_text(
                self._here.actor, kind=kind, name=str(self._name.value or "") if kind in NAMED else "",
                lang=(text.lang if text else self._lang.value) if kind in SPOKEN else "",
                body=str(self._body.value or ""), about=about,
            )  # fmt: skip
        except Unfit as error:
            self._here.toast(self._here.say(f"unfit_{error.id}", **error.values), "warn")
            return None

    async def _saved(self) -> None:
        if id := await self._keep():
            self._here.toast(self._here.say("saved"))
            if self._text is None or id != self._text.id:
                self._here.go(f"/texts/{id}")

    async def _publish(self) -> None:
        """What stands in the fields; unchanged words of an older version are published as that version."""
        text = self._text
        same = text is not None and not text.draft and str(self._body.value or "").strip() == text.body
        id = text.id if text is not None and same and self._kind not in ("canned", "hours") else await self._keep()
        if id:
            await self._desk.publish_text(self._here.actor, id)
            self._here.toast(self._here.say("published"))
            self._here.go(KINDS[self._kind])

    async def _retire(self) -> None:
        assert self._text is not None
        say = self._here.say
        effect = say(f"retire_effect_{self._kind}")
        if await parts.confirm(self._here, say("retire_title"), effect, do=say("retire"), danger=False):
            await self._desk.retire_text(self._here.actor, self._text.id)
            self._here.toast(say("retired"))
            self._here.go(KINDS[self._kind])

    async def _drop(self) -> None:
        assert self._text is not None
        say = self._here.say
        if await parts.confirm(self._here, say("drop_title"), say("drop_effect"), do=say("drop")):
            await self._desk.drop_text(self._here.actor, self._text.id)
            self._here.go(KINDS[self._kind])

    async def _history(self) -> None:
        if self._text is None:
            return
        say, write = self._here.say, self._here.write
        versions = await self._desk.versions(self._here.actor, self._text)

        async def fetch(asked: parts.Asked) -> parts.Rows:
            rows = [
                parts.Row(id=str(one.id), href=f"/texts/{one.id}", strong=one == self._text, cells={
                    "version": str(one.version),
                    "state": parts.chip(say("live"), "ok") if one.live else say("draft") if one.draft else say("old"),
                    "author": one.author, "words": " ".join(one.body.split())[:120],
                    "at": write.moment(one.published_at or one.created_at) if one.created_at else "",
                })
                for one in versions
            ]  # fmt: skip
            return parts.Rows(items=rows, total=len(rows))

        with parts.section(say("history"), say("history_why")):
            columns = [
                parts.Column(name="version", label=say("version"), number=True, width="80px"),
                parts.Column(name="state", label=say("state")),
                parts.Column(name="words", label=say("words"), wide=True, clip=True, width="44%"),
                parts.Column(name="author", label=say("author"), wide=True),
                parts.Column(name="at", label=say("at")),
            ]
            await parts.Table(self._here, columns, fetch, label=say("history")).load()
