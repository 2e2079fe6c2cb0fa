"""Where people log in and out."""

from __future__ import annotations

from html import escape
from urllib.parse import urlencode

from nicegui import ui
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from appliance.desk.logins import Refusal
from ui import frame
from ui.parts import text
from ui.site import Here, Site, local

SAID = ("wrong", "too_early")  # refusals that the page may be asked to show


def mount(site: Site) -> None:
    @site.page("/login", role=None)
    async def login(here: Here, next: str = "/", why: str = "", n: int = 0) -> None:  # noqa: A002 - as in the address
        with frame.bare(here.lang, here.say("title"), narrow=True):
            text(here.say("title"), "c-h1", tag="h1")
            if why in SAID:
                text(here.say(why, n=n), "c-alert", tag="p").props("role=alert")
            ui.html(_form(here, local(next)), sanitize=False, tag="div").classes("c-card c-pad")
            ui.html(f'<a href="/status">{escape(here.say("see_status"))}</a>', sanitize=False, tag="p")

    @site.route("/login/password", role=None, methods=["POST"])
    async def by_password(here: Here, request: Request) -> Response:
        asked = await request.form()
        wanted = local(str(asked.get("next", "/")))
        try:
            person = await here.house.logins.by_password(
                str(asked.get("login", "")), str(asked.get("password", "")), here.visitor
            )
        except Refusal as refusal:
            query = {"why": refusal.id, "next": wanted} | {name: str(value) for name, value in refusal.values.items()}
            return RedirectResponse(f"/login?{urlencode(query)}", 303)
        token = await here.house.sessions.admit(person, here.visitor, how="password", before=here.token)
        return site.let_in(RedirectResponse(wanted, 303), token)

    @site.route("/logout", role=None, methods=["POST"])
    async def logout(here: Here, request: Request) -> Response:
        await here.house.sessions.leave(here.token)
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(site.cookie, path="/", secure=site.doors.secure, httponly=True, samesite="lax")
        return answer


def _form(here: Here, wanted: str) -> str:
    def line(name: str, kind: str, complete: str) -> str:
        return (
            f'<label class="c-line"><span>{escape(here.say(name))}</span><input name="{name}" type="{kind}" required '
            f'autocomplete="{complete}" maxlength="200"></label>'
        )

    lines = line("login", "text", "username") + line("password", "password", "current-password")
    return (
        f'<form method="post" action="/login/password" class="c-form"><input type="hidden" name="next" '
        f'value="{escape(wanted)}">{lines}'
        f'<button type="submit" class="c-btn c-btn-primary">{escape(here.say("enter"))}</button></form>'
    )
