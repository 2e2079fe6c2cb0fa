"""What messages are about: a sentence is tried, its topic is set right, and what was taught can be taken back."""

from __future__ import annotations

from uuid import UUID

from nicegui import ui

from appliance.desk import Gone
from appliance.desk.topics import LONGEST, Likeness, Route, Sorted, Unfit
from ui import dialogue, frame, goods, parts
from ui.site import Here, Site

SHOWN = 0.04  # share of the weighing below which a topic is not worth a line


def mount(site: Site) -> None:
    @site.page("/topics", menu="topics")
    async def topics(here: Here, say: str = "") -> None:
        ui.add_head_html(goods.HEAD)
        with frame.page(here, here.say("title"), here.say("purpose")):
            board = Board(here)
            board.build(say[:LONGEST])
            await board.begin()


class Board:
    """The sentence to try with what becomes of it, and the phrases that were taught."""

    def __init__(self, here: Here) -> None:
        self._here, self._desk = here, here.house.topics
        self._sorted: Sorted | None = None

    def build(self, sentence: str) -> None:
        here, say = self._here, self._here.say
        with parts.card():
            with ui.element("form").classes("c-row") as form:
                self._sentence = parts.field(say("sentence"), sentence, hint=say("sentence_hint"))
                self._sentence.style("flex: 1 1 320px; max-width: 640px").props(f"maxlength={LONGEST}")
                parts.button(here, say("try"), self._try, kind="primary", icon="search")
            form.on("submit.prevent", here.guard(self._try))
            self._found = ui.element("div").classes("c-topic-found")
            with ui.element("div").classes("c-row") as self._right:
                self._route = parts.choice(here, say("right"), {route: topic(here, route) for route in Route})
                parts.button(here, say("teach"), self._teach, icon="school")
        with parts.section(say("taught"), say("taught_why")):
            columns = [
                parts.Column(name="text", label=say("phrase"), width="46%"),
                parts.Column(name="route", label=say("topic")),
                parts.Column(name="author", label=say("author"), wide=True),
                parts.Column(name="at", label=say("at"), wide=True, whole=True),
                parts.Column(name="acts", label="", width="10px"),
            ]
            self._table = parts.Table(
                here, columns, self._fetch, label=say("taught"), on_act=self._forget,
                empty=lambda: parts.empty(say("none"), say("none_why"), icon="school"),
            )  # fmt: skip

    async def begin(self) -> None:
        self._right.set_visibility(False)
        await self._table.load()
        if self._sentence.value:  # the sentence came with the address: somebody saw it go astray
            ui.timer(0.05, self._here.guard(self._try), once=True)

    async def _try(self) -> None:
        here, say = self._here, self._here.say
        try:
            self._sorted = found = await self._desk.sort(here.actor, str(self._sentence.value or ""))
        except Unfit as error:
            here.toast(say(f"unfit_{error.id}", **error.values), "warn")
            return
        self._found.clear()
        with self._found:
            self._explain(found)
        self._route.set(found.route)
        self._right.set_visibility(True)

    def _explain(self, found: Sorted) -> None:
        here, say, write = self._here, self._here.say, self._here.write
        with ui.element("p").classes("c-row c-topic-where").style("align-items: center; margin-top: 12px"):
            parts.tag(topic(here, found.route), "brand")
            parts.text(say(f"why_{found.why}", phrase=found.taught), "c-soft")
            parts.text(say("lang", lang=dialogue.language(here, found.lang)), "c-soft")
        with parts.columns():
            if found.why == "weighed":
                shares = [(route, share) for route, share in found.shares if share >= SHOWN]
                with ui.element("div"):
                    parts.text(say("shares"), "c-h3", tag="h3")
                    parts.facts([(topic(here, route), write.percent(share, 0)) for route, share in shares])
            if found.nearest:
                with ui.element("div"):
                    parts.text(say("nearest"), "c-h3", tag="h3")
                    parts.facts([(one.text, self._like(one)) for one in found.nearest])

    def _like(self, one: Likeness) -> str:
        say = self._here.say
        near = self._here.write.percent(max(one.nearness, 0.0), 0)
        return say("like_own" if one.own else "like", topic=topic(self._here, one.route), near=near)

    async def _teach(self) -> None:
        """What was tried, not what somebody has begun to type since."""
        here, say = self._here, self._here.say
        if self._sorted is None:
            return
        try:
            await self._desk.teach(here.actor, self._sorted.text, Route(self._route.value))
        except Unfit as error:
            here.toast(say(f"unfit_{error.id}", **error.values), "warn")
            return
        here.toast(say("is_taught"))
        await self._table.load()
        await self._try()

    async def _forget(self, id: str, act: str) -> None:
        here, say = self._here, self._here.say
        try:
            await self._desk.forget(here.actor, UUID(id))
            here.toast(say("forgotten"))
        except Gone:
            here.toast(say("gone"), "warn")
        await self._table.refresh()

    async def _fetch(self, asked: parts.Asked) -> parts.Rows:
        here, say = self._here, self._here.say
        phrases, total = await self._desk.phrases(here.actor, offset=asked.offset, limit=asked.limit)
        rows = [
            parts.Row(id=str(one.id), cells={
                "text": one.text, "route": parts.chip(topic(here, one.route)), "author": one.author,
                "at": here.write.moment(one.at) if one.at else "",
                "acts": parts.acts(("forget", say("forget"), "delete"), tones={"forget": "danger"}),
            })
            for one in phrases
        ]  # fmt: skip
        return parts.Rows(items=rows, total=total)


def topic(here: Here, route: Route) -> str:
    return here.say(f"conversations.route_{route}")
