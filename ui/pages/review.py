"""The answers that managers marked as bad, to be dealt with one by one."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from nicegui import ui
from starlette.requests import Request
from starlette.responses import Response

from appliance.desk.inbox import REASONS, BadAnswer, Place
from appliance.desk.topics import LONGEST
from ui import dialogue, frame, parts
from ui.files import attachment
from ui.site import Here, Site

SHOWN = 15  # answers of a page: each is some forty elements


def mount(site: Site) -> None:
    @site.page("/review", menu="review")
    async def review(here: Here) -> None:
        say = here.say
        ui.add_head_html(dialogue.HEAD)
        with frame.page(here, say("title"), say("purpose")) as head:
            with head.actions:
                parts.download(say("export"), "/review.jsonl")
            board = Board(here)
            await board.build()

    @site.route("/review.jsonl")
    async def export(here: Here, request: Request) -> Response:
        settled = request.query_params.get("state") == "settled"
        return attachment(await here.house.files.to_review(here.actor, settled=settled))


class Board:
    """One page of marked answers."""

    def __init__(self, here: Here) -> None:
        self._here = here
        self._after: Place | None = None

    async def build(self) -> None:
        here, say = self._here, self._here.say
        self._filters = parts.Filters(here, self._first)
        self._filters.choice("state", say("state"), {"": say("open"), "settled": say("settled")})
        reasons = dialogue.options(here, REASONS, "conversations.reason_", "reason_all")
        self._filters.choice("reason", say("reason"), reasons)
        self._box = ui.element("div").classes("c-review")
        await self._show()

    async def _first(self) -> None:
        self._after = None
        await self._show()

    async def _show(self) -> None:
        here, say = self._here, self._here.say
        settled = self._filters["state"] == "settled"
        found = await here.house.inbox.bad_answers(
            here.actor, settled=settled, reason=self._filters["reason"], after=self._after
        )
        self._box.clear()
        with self._box:
            if not found:
                with parts.card():
                    parts.empty(say("none"), say("none_why"), icon="thumb_up")
            for bad in found[:SHOWN]:
                self._one(bad, settled=settled)
            with ui.element("div").classes("c-actions"):
                if self._after:
                    parts.button(here, say("newer"), self._first, icon="first_page")
                if len(found) > SHOWN:
                    last = found[SHOWN - 1]
                    parts.button(here, say("older"), lambda: self._older(last), icon="chevron_right")

    def _one(self, bad: BadAnswer, *, settled: bool) -> None:
        here, say = self._here, self._here.say
        with parts.card(classes="c-review-one"):
            with ui.element("div").classes("c-review-top"):
                parts.tag(say(f"conversations.reason_{bad.reason}"), "bad")
                parts.text(say("by", who=bad.marked_by, when=here.write.moment(bad.at)))
                parts.text(" · ".join(filter(None, (bad.lang.upper(), bad.model, bad.prompt_version))))
            parts.text(bad.question, "c-asked", tag="blockquote")
            parts.text(bad.answer.replace("**", ""), tag="blockquote")
            if bad.comment:
                parts.text(bad.comment, tag="p")
            with ui.element("div").classes("c-actions"):
                parts.button(
                    here, say("reopen") if settled else say("settle"),
                    lambda: self._settle(bad.message, settled=not settled), icon="undo" if settled else "done",
                )  # fmt: skip
                if bad.reason == "not_understood":
                    href = f"/topics?{urlencode({'say': bad.question[:LONGEST]})}"
                    parts.linked(say("conversations.teach"), href, icon="alt_route")
                parts.linked(say("to_dialogue"), f"/conversations?c={bad.conversation}", icon="forum")

    async def _older(self, last: BadAnswer) -> None:
        self._after = Place(at=last.at, id=last.message)
        await self._show()

    async def _settle(self, message: UUID, *, settled: bool) -> None:
        await self._here.house.inbox.settle(self._here.actor, message, settled=settled)
        await self._show()
