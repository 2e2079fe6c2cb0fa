"""Dialogues: the list on one side, the transcript on the other; taken over, answered, handed back, noted upon."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from nicegui import ui
from nicegui.events import GenericEventArguments
from starlette.requests import Request
from starlette.responses import Response

from appliance.desk.inbox import REASONS, Dialogue, DialogueFilter, Dossier, Owner, Place, Turn, Wanted
from ui import dialogue, frame, parts
from ui.dialogue import Composer, Dialogues, Plain, Transcript, give
from ui.dialogue_side import Side, notes_of
from ui.files import attachment
from ui.site import Here, Site

PAGE = 50
KEPT = 150  # messages of a transcript that a page holds; older ones are read again when asked for
TICK = 0.7  # seconds between looks at what has changed
SELDOM = 30  # looks after which a page asks in any case: a hint may have been lost
FORMS = ("txt", "xlsx", "json")


def mount(site: Site) -> None:
    @site.page("/conversations", menu="conversations")
    async def conversations(here: Here, c: str = "") -> None:
        ui.add_head_html(dialogue.HEAD)
        with frame.page(here, here.say("title"), here.say("purpose"), wide=True) as head:
            inbox = Panes(here)
            inbox.build(head.actions)
            await inbox.begin(_id(c))

    for form in FORMS:
        _export(site, form)


def _export(site: Site, form: Any) -> None:
    @site.route(f"/conversations/{{id}}.{form}")
    async def export(here: Here, request: Request) -> Response:
        wanted = _id(request.path_params["id"])
        if wanted is None:
            return Response(here.say("gone"), 404, media_type="text/plain; charset=utf-8")
        return attachment(await here.house.files.dialogue(here.actor, wanted, form, here.say))


class Finder:
    """The list with its conditions: one page of it at a time, by the place where the last one ended."""

    def __init__(self, here: Here, opened: Callable[[UUID], Awaitable[None]]) -> None:
        self._here, self._opened = here, opened
        self._figure = DialogueFilter.read(here.request.query_params)
        self._places: list[Place | None] = [None]
        self.lines: list[Dialogue] = []
        self.chosen = ""

    def build(self) -> None:
        here, say = self._here, self._here.say
        with ui.element("section").classes("c-inbox-list").props(f"aria-label={json.dumps(say('title'))}"):
            self._conditions()
            self._list = Dialogues()
            words = {"list": say("title"), "older": say("frame.next_page"), "newer": say("frame.previous_page"),
                     "unread": say("unread")}  # fmt: skip
            give(self._list, rows=[], chosen="", words=words, range="", before=False, after=False)
            self._list.on("open", here.guard(self._open))
            self._list.on("turn", here.guard(self._turn))

    def _conditions(self) -> None:
        here, say, options = self._here, self._here.say, dialogue.options
        self.filters = filters = parts.Filters(here, self.load, keep=self._behind())
        filters.search(label=say("seek"))
        owners = ("needs", "queue", "mine", "agent", "bot")
        filters.choice("owner", say("owner"), options(here, owners, "owner_", "owner_all"))
        filters.period(default="")
        with filters.box, ui.element("details").classes("c-more") as more:
            parts.text(say("more_filters"), tag="summary")
            filters.box = ui.element("div").classes("c-more-box")
        filters.choice("channel", say("channel"), options(here, dialogue.CHANNELS, "channel_", "channel_all"))
        known = {code: dialogue.language(here, code) for code in dialogue.LANGUAGES}
        filters.choice("lang", say("lang"), {"": say("lang_all")} | known)
        filters.choice("route", say("route"), options(here, dialogue.ROUTES, "route_", "route_all"))
        filters.choice("what", say("what"), options(here, ("none", "disliked", "liked", "bad"), "what_", "what_all"))
        filters.choice("lead", say("lead"), options(here, ("yes", "no"), "lead_", "lead_all"))
        if any(filters[name] for name in ("channel", "lang", "route", "what", "lead")) or self.behind_a_figure:
            more.props("open")
        if self.behind_a_figure:
            with filters.box:
                parts.linked(say("behind_figure"), "/conversations", kind="plain", icon="close")

    @property
    def behind_a_figure(self) -> bool:
        """Whether the page was opened from a number, whose dialogues it shows."""
        figure = self._figure
        return bool(figure) and DialogueFilter(channel=figure.channel, lang=figure.lang) != figure

    def _behind(self) -> dict[str, str]:
        """What the address says of the figure, besides the conditions that have a choice of their own."""
        asked = dict(parse_qsl(self._figure.query())) if self.behind_a_figure else {}
        return {name: value for name, value in asked.items() if name not in ("channel", "lang")}

    @property
    def first(self) -> bool:
        return len(self._places) == 1

    def wanted(self) -> Wanted:
        filters, figure = self.filters, self._figure
        days, what = filters["days"], filters["what"]
        which = DialogueFilter(channel=filters["channel"], lang=filters["lang"])
        if self.behind_a_figure:
            which = DialogueFilter.read(dict(self._here.request.query_params) | {
                "channel": filters["channel"], "lang": filters["lang"] or figure.lang,
            })  # fmt: skip
        return Wanted(
            which=which, owner=filters["owner"], route=filters["route"], nothing=what == "none",
            rating={"disliked": -1, "liked": 1}.get(what, 0), lead=filters["lead"], bad=what == "bad",
            since=datetime.now(UTC) - timedelta(days=int(days)) if days.isdigit() else None, words=filters["q"],
        )  # fmt: skip

    async def load(self) -> None:
        """The first page of what is wanted now."""
        self._places = [None]
        await self.refresh()

    async def refresh(self) -> None:
        """The page that is open, as it is now."""
        here = self._here
        self.lines = await here.house.inbox.page(here.actor, self.wanted(), after=self._places[-1])
        self.show()

    async def renew(self, changed: set[UUID]) -> None:
        """Only the lines that changed, in their places: a page that somebody reads does not move."""
        here, shown = self._here, {one.id for one in self.lines}
        if wanted := changed & shown:
            fresh = {one.id: one for one in await here.house.inbox.lines(here.actor, list(wanted))}
            self.lines = [fresh.get(one.id, one) for one in self.lines]
            self.show()

    def show(self) -> None:
        count, at = len(self.lines), (len(self._places) - 1) * PAGE
        write = self._here.write
        empty = self._here.say("none_here") if self.filters.any or self.behind_a_figure else self._here.say("none_yet")
        give(
            self._list, rows=[dialogue.line(self._here, one) for one in self.lines], chosen=self.chosen,
            range=f"{write.number(at + 1)}–{write.number(at + count)}" if count else empty,
            before=not self.first or not count, after=count == PAGE,
        )  # fmt: skip

    def choose(self, conversation: str) -> None:
        self.chosen = conversation
        give(self._list, chosen=conversation)

    async def _open(self, event: GenericEventArguments) -> None:
        if (wanted := _id(str(event.args))) is not None:
            await self._opened(wanted)

    async def _turn(self, event: GenericEventArguments) -> None:
        if int(event.args) > 0 and self.lines:
            self._places.append(Place(at=self.lines[-1].at, id=self.lines[-1].id))
        elif len(self._places) > 1:
            self._places.pop()
        await self.refresh()


class Talk:
    """The transcript that is open, with who answers it and the place to write."""

    def __init__(self, here: Here, changed: Callable[[], Awaitable[None]]) -> None:
        self._here, self._changed = here, changed
        self.id: UUID | None = None
        self.dossier: Dossier | None = None
        self._turns: list[Turn] = []
        self._earlier = False

    def build(self, back: Callable[[], Any], about: Callable[[], Any]) -> None:
        here, say = self._here, self._here.say
        with ui.element("section").classes("c-inbox-talk").props(f"aria-label={json.dumps(say('transcript'))}"):
            with ui.element("div").classes("c-inbox-none") as self._none:
                parts.empty(say("choose"), say("choose_why"), icon="forum")
            with ui.element("div").classes("c-inbox-head") as self._head:
                parts.button(here, "", back, kind="quiet", icon="arrow_back", tip=say("back")).classes("c-inbox-back")
                self._name = parts.text("", tag="h2")
                self._owner = parts.tag("")
                ui.element("span").classes("c-space")
                self._take = parts.button(here, say("take"), self._taken, kind="primary")
                self._give = parts.button(here, say("hand_back"), self._given)
                parts.button(here, "", about, kind="quiet", icon="info", tip=say("about")).classes("c-inbox-about")
            self._box = Transcript()
            self._box.on("earlier", here.guard(self._more))
            self._box.on("mark", here.guard(self._mark))
            self._box.on("unmark", here.guard(self._unmark))
            self._write = Composer()
            self._write.on("say", here.guard(self._say))
        give(self._box, turns=[], earlier=False, place="", words={
            name: say(name) for name in ("transcript", "earlier", "mark", "unmark", "liked", "disliked", "teach")
        })  # fmt: skip
        give(self._write, place="", locked=True, why="", canned=[], said="", failed="", words={
            "reply": say("reply"), "send": say("send"), "canned": say("canned"), "away": say("connection_lost"),
        })  # fmt: skip
        self._shown(False)

    async def open(self, conversation: UUID) -> None:
        """Shows a dialogue from its end. Raises `Gone`."""
        here = self._here
        dossier = await here.house.inbox.dossier(here.actor, conversation)
        self._turns = await here.house.inbox.transcript(here.actor, conversation)
        self.id, self.dossier = conversation, dossier
        self._earlier = len(self._turns) == PAGE
        self._shown(True)
        self.show()
        give(self._write, place=dialogue.place(here, conversation), canned=await canned(here, dossier.dialogue.lang))
        await self._seen()

    async def renew(self) -> None:
        """What has been said since, and who answers now."""
        if self.id is None:
            return
        here, last = self._here, self._turns[-1].message.seq if self._turns else 0
        self.dossier = await here.house.inbox.dossier(here.actor, self.id)
        fresh = await here.house.inbox.transcript(here.actor, self.id, after=last)
        if fresh:
            self._turns = (self._turns + fresh)[-KEPT:]
            self._earlier = self._earlier or self._turns[0].message.seq > 1
            await self._seen()
        self.show()

    async def again(self) -> None:
        """The messages that are shown, read anew: marks have changed."""
        if self.id is not None and self._turns:
            here, first = self._here, self._turns[0].message.seq
            fresh = await here.house.inbox.transcript(here.actor, self.id, after=first - 1)
            known = {turn.message.id: turn for turn in fresh}
            self._turns = [known.get(turn.message.id, turn) for turn in self._turns]
            self.show()

    def show(self) -> None:
        assert self.dossier is not None
        here, about = self._here, self.dossier.dialogue
        mine = about.owner is Owner.AGENT and about.agent == here.actor.id
        chip = parts.owner_chip(here, about.owner, about.agent_name, mine=mine)
        assert isinstance(chip, dict)
        parts.set_words(self._name, dialogue.customer(here, about))
        parts.paint(self._owner, chip["text"], chip["tone"])
        self._take.set_visibility(not mine)
        self._give.set_visibility(about.owner is not Owner.BOT)
        give(self._box, turns=dialogue.bubbles(here, self._turns), earlier=self._earlier, place=str(about.id))
        give(self._write, locked=not mine, why=here.say("locked_bot" if about.owner is Owner.BOT else "locked"))

    def _shown(self, something: bool) -> None:
        self._none.set_visibility(not something)
        for part in (self._head, self._box, self._write):
            part.set_visibility(something)

    async def _seen(self) -> None:
        if self.id and self.dossier and self._turns and self.dossier.dialogue.owner is not Owner.BOT:
            await self._here.house.inbox.seen(self._here.actor, self.id, self._turns[-1].message.seq)

    async def _more(self) -> None:
        if self.id is not None and self._turns:
            here, first = self._here, self._turns[0].message.seq
            older = await here.house.inbox.transcript(here.actor, self.id, before=first)
            self._turns = older + self._turns
            self._earlier = len(older) == PAGE
            self.show()

    async def _taken(self) -> None:
        if self.id is not None:
            await self._here.house.desk.take_over(self._here.actor, self.id)
            await self._changed()

    async def _given(self) -> None:
        if self.id is not None:
            await self._here.house.desk.hand_back(self._here.actor, self.id)
            self._here.toast(self._here.say("handed_back"))
            await self._changed()

    async def _say(self, event: GenericEventArguments) -> None:
        """The browser keeps the words until it hears that they are stored; under one origin they are stored once."""
        words, origin = str(event.args.get("text", "")).strip()[:4000], str(event.args.get("origin", ""))[:64]
        conversation = _id(str(event.args.get("place", ""))[-36:])
        if not words or not origin or conversation is None:
            return
        try:
            await self._here.house.desk.say(self._here.actor, conversation, words, origin=f"console:{origin}")
        except Exception:
            give(self._write, failed=origin)
            raise
        give(self._write, said=origin)
        await self._changed()

    async def _mark(self, event: GenericEventArguments) -> None:
        if (message := _id(str(event.args))) is None:
            return
        here, say = self._here, self._here.say
        with parts.dialog(say("mark_title")) as asked:
            reason = parts.choice(here, say("reason"), {name: say(f"reason_{name}") for name in REASONS})
            comment = parts.field(say("comment"), rows=3)
            with parts.keys():
                ui.button(say("frame.cancel"), on_click=lambda: asked.submit(None), color=None).props(
                    "unelevated no-caps"
                ).classes("c-btn c-btn-plain")
                ui.button(
                    say("mark_do"), on_click=lambda: asked.submit((reason.value, comment.value or "")), color=None
                ).props("unelevated no-caps").classes("c-btn c-btn-primary")
        chosen = await asked
        asked.delete()
        if chosen:
            await here.house.inbox.mark_bad(here.actor, message, reason=chosen[0], comment=chosen[1])
            here.toast(say("marked_done"))
            await self.again()

    async def _unmark(self, event: GenericEventArguments) -> None:
        if (message := _id(str(event.args))) is not None:
            await self._here.house.inbox.unmark(self._here.actor, message)
            await self.again()


class Panes:
    """The page: finds, opens, and looks now and then at what has changed."""

    def __init__(self, here: Here) -> None:
        self._here = here
        self._finder = Finder(here, self.open)
        self._talk = Talk(here, self._after)
        self._side = Side(here, self._after, self._erased)
        self._watch = here.house.live.watch()
        ui.context.client.on_delete(lambda: here.house.live.leave(self._watch))
        self._ticks, self._waiting = 0, -1

    def build(self, actions: ui.element) -> None:
        say = self._here.say
        with actions:
            ui.html(
                f'<button type="button" class="c-btn c-btn-quiet" data-notify hidden>{say("notify")}</button>',
                sanitize=False,
            )
            self._duty = parts.button(self._here, "", self._turn_duty, kind="quiet", icon="toggle_on").classes(
                "c-switch"
            )
            self._show_duty()
            with ui.element("a").props('href="/conversations?owner=needs"').classes("c-btn c-btn-plain"):
                self._tally = parts.text(say("waiting", n=0))
        with ui.element("div").classes("c-inbox") as self._box:
            self._finder.build()
            self._talk.build(self._back, lambda: self._box.classes(toggle="c-inbox-aside"))
            self._side.build(lambda: self._box.classes(remove="c-inbox-aside"))

    def _show_duty(self) -> None:
        on = self._here.actor.on_duty
        self._duty.set_text(self._here.say("on_duty" if on else "off_duty"))
        self._duty.set_icon("toggle_on" if on else "toggle_off")
        self._duty.props(f"aria-pressed={str(on).lower()}")
        self._duty.classes(add="" if on else "c-btn-off", remove="c-btn-off" if on else "")

    async def _turn_duty(self) -> None:
        here = self._here
        on = not here.actor.on_duty
        await here.house.desk.set_duty(here.actor, on)
        await here.check()
        self._show_duty()
        here.toast(here.say("duty_on" if on else "duty_off"))

    async def begin(self, conversation: UUID | None) -> None:
        await self._finder.load()
        await self._count()
        if conversation:
            await self.open(conversation)
        self._here.every(TICK, self._look)

    async def open(self, conversation: UUID) -> None:
        await self._talk.open(conversation)
        assert self._talk.dossier is not None
        await self._side.show(self._talk.dossier)
        self._finder.choose(str(conversation))
        self._box.classes(add="c-inbox-one", remove="c-inbox-aside")
        ui.navigate.history.replace(self._finder.filters.address(c=str(conversation)))

    async def _back(self) -> None:
        self._box.classes(remove="c-inbox-one c-inbox-aside")
        ui.navigate.history.replace(self._finder.filters.address())

    async def _after(self) -> None:
        """Something was done here: shown at once."""
        await self._talk.renew()
        if self._talk.dossier:
            await self._side.show(self._talk.dossier)
        await self._finder.refresh()
        await self._count()

    async def _erased(self) -> None:
        """The dialogue that was open is gone."""
        self._here.toast(self._here.say("erased"))
        self._here.go("/conversations")

    async def _look(self) -> None:
        """What other people have done, gathered: at most one page of lines and the end of one transcript."""
        changed, everything = self._watch.take()
        self._ticks += 1
        if not changed and not everything and self._ticks % SELDOM:
            return
        if everything or self._ticks % SELDOM == 0 or self._talk.id in changed:
            before = notes_of(self._talk.dossier)
            await self._talk.renew()
            if self._talk.dossier and notes_of(self._talk.dossier) != before:
                await self._side.show(self._talk.dossier)
        if self._finder.first:
            await self._finder.refresh()
        else:
            await self._finder.renew(changed)
        await self._count()

    async def _count(self) -> None:
        here = self._here
        tally = await here.house.inbox.tally(here.actor)
        parts.set_words(self._tally, here.say("waiting", n=tally.queue))
        if tally.queue != self._waiting and not (self._waiting < 0 and tally.queue == 0):
            words = [json.dumps(text) for text in (here.say("call_title"), here.say("waiting", n=tally.queue))]
            rings = tally.queue > self._waiting >= 0
            ring = f"counterman.notify({', '.join(words)}, '/conversations?owner=needs');" if rings else ""
            ui.run_javascript(f"if (window.counterman) {{ counterman.waiting({tally.queue}); {ring} }}")
        self._waiting = tally.queue


async def canned(here: Here, lang: str) -> list[list[str]]:
    """Ready answers in the customer's language: [title, text]; none where the house keeps none."""
    return [[one.name, one.text] for one in await here.house.words.canned(here.actor, lang)]


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


__all__ = ["Plain", "mount"]
