"""What stands beside a transcript: who the customer is, their leads, the notes of colleagues, what was done, files."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from nicegui import ui

from appliance.desk.inbox import Act, Dossier, Note
from ui import dialogue, parts
from ui.i18n import known
from ui.site import Here

ACTS = 8  # of the audit log


class Side:
    """Built anew only when another dialogue is opened, or when what it shows has changed."""

    def __init__(
        self, here: Here, changed: Callable[[], Awaitable[None]], erased: Callable[[], Awaitable[None]]
    ) -> None:
        self._here, self._changed, self._erased = here, changed, erased

    def build(self, close: Callable[[], Any]) -> None:
        label = json.dumps(self._here.say("about"))
        self._close = close
        self._box = ui.element("aside").classes("c-inbox-side").props(f"aria-label={label}")

    async def show(self, about: Dossier) -> None:
        here = self._here
        acts = await here.house.inbox.history(here.actor, about.dialogue.id)
        self._box.clear()
        with self._box:
            parts.button(here, here.say("back"), self._close, kind="quiet", icon="arrow_back").classes("c-inbox-about")
            self._facts(about)
            self._leads(about)
            self._notes(about)
            self._acts(acts)
            self._keys(about)

    def _facts(self, about: Dossier) -> None:
        here, say, line = self._here, self._here.say, about.dialogue
        page = parts.safe_link(about.page) and about.page.partition("://")[2]
        with ui.element("div"):
            parts.facts([
                (say("customer"), dialogue.customer(here, line)),
                (say("channel"), dialogue.channel(here, line.channel)),
                (say("lang"), dialogue.language(here, line.lang)), (say("page"), page or ""),
                (say("messages"), here.write.number(line.messages)), (say("last"), here.write.moment(line.at)),
            ])  # fmt: skip

    def _leads(self, about: Dossier) -> None:
        say = self._here.say
        if not about.leads:
            return
        with ui.element("div"):
            parts.text(say("leads_of"), tag="h3")
            for lead in about.leads:
                status = say(f"leads.status_{lead.status}")
                reach = " · ".join(filter(None, (lead.name, lead.phone or lead.email, lead.company)))
                with ui.element("a").props(f'href="/leads?lead={lead.id}"').classes("c-pipe-lead"):
                    parts.text(reach or say("no_contacts"), tag="b")
                    parts.tag(status, dialogue.TONES.get(lead.status, ""))

    def _notes(self, about: Dossier) -> None:
        here, say, conversation = self._here, self._here.say, about.dialogue.id
        with ui.element("div"):
            parts.text(say("notes"), tag="h3")
            for note in about.notes:
                self._note(conversation, note)
            words = parts.field(say("note_add"), rows=2)

            async def add() -> None:
                await here.house.inbox.note(here.actor, conversation, str(words.value or ""))
                await self._changed()

            parts.button(here, say("note_do"), add, icon="sticky_note_2")

    def _note(self, conversation: UUID, note: Note) -> None:
        here = self._here

        async def drop() -> None:
            await here.house.inbox.drop_note(here.actor, conversation, note.id)
            await self._changed()

        with ui.element("div").classes("c-note"):
            parts.text(note.text, tag="p")
            with ui.element("small"):
                parts.text(f"{note.author_name} · {here.write.moment(note.at)}")
                if note.author == here.actor.id:
                    parts.button(here, "", drop, kind="quiet", icon="close", tip=here.say("note_drop"))

    def _acts(self, acts: list[Act]) -> None:
        if not acts:
            return
        with ui.element("div"):
            parts.text(self._here.say("history"), tag="h3")
            acts_list(self._here, acts[:ACTS])

    def _keys(self, about: Dossier) -> None:
        say, id = self._here.say, about.dialogue.id
        with ui.element("div"):
            parts.text(say("files"), tag="h3")
            with ui.element("div").classes("c-side-keys"):
                for form in ("txt", "xlsx", "json"):
                    parts.download(form.upper(), f"/conversations/{id}.{form}")
        if self._here.administrator:
            parts.button(self._here, say("erase"), lambda: self._erase(id), kind="danger", icon="person_remove")

    async def _erase(self, conversation: UUID) -> None:
        """All of the person who had this dialogue, not the dialogue alone; for administrators."""
        here, say = self._here, self._here.say
        person = await here.house.privacy.of_conversation(here.actor, conversation)
        names = ", ".join(person.names) or say("somebody", n=conversation.hex[-4:].upper())
        title = say("erase_title", name=names, n=len(person.conversations))
        if await parts.confirm(here, title, say("erase_effect"), do=say("erase_do")):
            await here.house.privacy.erase(here.actor, person)
            await self._erased()


def acts_list(here: Here, acts: list[Act]) -> None:
    """What people did, newest first."""
    with ui.element("ul").classes("c-acts-list"):
        for act in acts:
            id = f"leads.act_{act.action.replace('.', '_')}"
            with ui.element("li"):
                parts.text(_told(here, act, here.say(id) if known(id) else act.action))
                parts.text(f"{act.who or here.say('leads.by_itself')} · {here.write.moment(act.at)}", tag="small")


def notes_of(about: Dossier | None) -> object:
    """What the side shows and may change by itself."""
    return (about.notes, about.leads, about.dialogue.customer, about.dialogue.owner) if about else None


def _told(here: Here, act: Act, words: str) -> str:
    if outcome := act.after.get("outcome"):
        return f"{words}: {here.say(f'leads.outcome_{outcome}')}"
    if "assigned_to" in act.after:
        return f"{words}: {act.after['assigned_to'] or here.say('leads.nobody')}"
    return words
