"""Where people log in and out: through the bot, by Telegram's signature, by password; and where the invited join."""

from __future__ import annotations

import base64
import binascii
import io
import json
from collections.abc import Mapping
from html import escape
from urllib.parse import urlencode
from uuid import UUID

import segno
from nicegui import ui
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from appliance.desk.logins import LIFE, Refusal, Seed
from ui import frame, theme
from ui.parts import set_words, text
from ui.site import Here, Site, local

LOOK = 1.5  # seconds between looks whether the bot's question was answered
ENDED = ("refused", "expired", "used")
REFUSALS = ("wrong", "too_early", "not_confirmed", "proof", "unknown")  # that the page may be asked to show
JOIN_REFUSALS = ("name_bad", "login_bad", "login_taken", "short")


def mount(site: Site) -> None:
    mount_password(site)
    mount_bot(site)
    mount_telegram(site)
    mount_join(site)

    @site.page("/login", role=None)
    async def login(here: Here, next: str = "/", why: str = "", n: int = 0) -> None:  # noqa: A002 - as in the address
        say, wanted = here.say, local(next)
        with frame.bare(here.lang, say("title"), narrow=True):
            text(say("title"), "c-h1", tag="h1")
            if why in REFUSALS:
                text(say(why, n=n), "c-alert", tag="p").props("role=alert")
            if site.doors.bot:
                ui.html(_bot_form(here, wanted), sanitize=False).classes("c-card c-pad")
            ui.html(_password_form(here, wanted, main=not site.doors.bot), sanitize=False).classes("c-card c-pad")
            links = f'<a href="/status">{escape(say("see_status"))}</a>'
            if site.doors.widget:
                links = f'<a href="{escape(site.doors.widget)}">{escape(say("by_widget"))}</a> · {links}'
            ui.html(links, sanitize=False, tag="p")
            ui.add_body_html('<script src="/static/login.js"></script>')

    @site.route("/logout", role=None, methods=["POST"])
    async def logout(here: Here, request: Request) -> Response:
        await here.house.sessions.leave(here.token)
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(site.cookie, path="/", secure=site.doors.secure, httponly=True, samesite="lax")
        return answer


def mount_password(site: Site) -> None:
    @site.route("/login/password", role=None, methods=["POST"])
    async def by_password(here: Here, request: Request) -> Response:
        asked = await _fields(request)
        wanted = local(asked.get("next", "/"))
        try:
            person = await here.house.logins.by_password(
                asked.get("login", ""), asked.get("password", ""), here.visitor
            )
        except Refusal as refusal:
            return _again(wanted, refusal)
        return await _welcome(here, person, "password", wanted)


def mount_bot(site: Site) -> None:
    cookie = site.cookie + "_login"

    @site.route("/login/bot", role=None, methods=["POST"])
    async def ask(here: Here, request: Request) -> Response:
        wanted = local((await _fields(request)).get("next", "/"))
        try:
            seed = await here.house.logins.ask_bot(here.visitor)
        except Refusal as refusal:
            return _again(wanted, refusal)
        answer = RedirectResponse(f"/login/confirm?{urlencode({'next': wanted})}", 303)
        answer.set_cookie(
            cookie, seed.secret, max_age=int(LIFE.total_seconds()), httponly=True, samesite="lax",
            secure=site.doors.secure, path="/",
        )  # fmt: skip
        return answer

    @site.page("/login/confirm", role=None)
    async def confirm(here: Here, next: str = "/") -> Response | None:  # noqa: A002 - as in the address
        secret = here.request.cookies.get(cookie, "")
        seed = Seed(secret)
        if not secret or (found := await here.house.logins.asked_bot(seed)) is None or found.state in ENDED:
            return RedirectResponse("/login", 303)
        bot = await site.doors.bot() if site.doors.bot else ""
        with frame.bare(here.lang, here.say("bot_title"), narrow=True):
            _show_question(here, seed, bot, local(next))
        return None

    @site.route("/login/finish", role=None, methods=["POST"])
    async def finish(here: Here, request: Request) -> Response:
        wanted = local((await _fields(request)).get("next", "/"))
        try:
            person = await here.house.logins.by_bot(Seed(request.cookies.get(cookie, "")))
        except Refusal as refusal:
            return _again(wanted, refusal)
        answer = await _welcome(here, person, "bot", wanted)
        answer.delete_cookie(cookie, path="/", secure=site.doors.secure, httponly=True, samesite="lax")
        return answer


def mount_telegram(site: Site) -> None:
    """What Telegram itself has signed, brought by a script of ours from the address's fragment, which no log sees."""

    @site.route("/login/widget", role=None, methods=["POST"])
    async def by_widget(here: Here, request: Request) -> Response:
        try:
            person = await here.house.logins.by_widget(_unpacked((await _fields(request)).get("proof", "")))
        except Refusal as refusal:
            return _again("/", refusal)
        return await _welcome(here, person, "widget", "/")

    @site.route("/login/miniapp", role=None, methods=["POST"])
    async def by_app(here: Here, request: Request) -> Response:
        try:
            person = await here.house.logins.by_app((await _fields(request)).get("proof", ""))
        except Refusal as refusal:
            return _again("/", refusal)
        return await _welcome(here, person, "miniapp", "/")


def mount_join(site: Site) -> None:
    """The page of a one-time link: a name and a password, or the same link in Telegram. Opening it uses nothing up."""

    @site.page("/join/{token}", role=None)
    async def join(here: Here, token: str, why: str = "") -> Response | None:
        about = await here.house.logins.invited(token)
        say = here.say
        if about is None:
            words = say("link_used"), say("link_used_why"), say("title")
            return theme.plain_page(here.lang, *words, status=404)
        with frame.bare(here.lang, say("join_title"), narrow=True):
            text(say("join_title"), "c-h1", tag="h1")
            text(say("join_again" if about.get("person") else f"join_{about['role']}"), "c-soft", tag="p")
            if why in JOIN_REFUSALS:
                text(say(why, n=10), "c-alert", tag="p").props("role=alert")
            ui.html(_join_form(here, token, about), sanitize=False).classes("c-card c-pad")
            if site.doors.bot and (bot := await site.doors.bot()):
                with ui.element("div").classes("c-card c-pad"):
                    text(say("join_telegram"), "c-h3", tag="h2")
                    _telegram_link(here, f"https://t.me/{bot}?start=join_{token}", kind="plain")
        return None

    @site.route("/join/{token}", role=None, methods=["POST"])
    async def joined(here: Here, request: Request) -> Response:
        asked, token = await _fields(request), str(request.path_params["token"])
        try:
            person = await here.house.logins.join(
                token, name=asked.get("name", ""), login=asked.get("login", ""), password=asked.get("password", ""),
                lang=here.lang,
            )  # fmt: skip
        except Refusal as refusal:
            return RedirectResponse(f"/join/{token}?{urlencode({'why': refusal.id})}", 303)
        return await _welcome(here, person, "link", "/")


def _show_question(here: Here, seed: Seed, bot: str, wanted: str) -> None:
    """What to do in Telegram, and a look each moment whether it was done."""
    say = here.say
    text(say("bot_title"), "c-h1", tag="h1")
    with ui.element("div").classes("c-card c-pad"):
        if bot:
            _telegram_link(here, f"https://t.me/{bot}?start=login_{seed.token}")
        text(say("bot_code" if bot else "bot_code_only"), "c-soft", tag="p")
        text(f"/login {seed.code[:4]} {seed.code[4:]}", "c-code c-big-code", tag="div").props("tabindex=0")
        state = text(say("bot_pending"), "c-soft", tag="p").props("role=status")
    ui.html(
        f'<form id="finish" method="post" action="/login/finish"><input type="hidden" name="next" '
        f'value="{escape(wanted)}"></form><a href="/login">{escape(say("other_way"))}</a>',
        sanitize=False,
    )

    async def look() -> None:
        found = await here.house.logins.asked_bot(seed)
        now = found.state if found else "expired"
        if now == "confirmed":
            timer.deactivate()
            ui.run_javascript('document.getElementById("finish").submit()')
        elif now in ENDED:
            timer.deactivate()
            state.classes(replace="c-alert")
            set_words(state, say("bot_refused" if now == "refused" else "bot_expired"))
        else:
            set_words(state, say(f"bot_{now}"))

    timer = here.every(LOOK, look)


def _telegram_link(here: Here, link: str, *, kind: str = "primary") -> None:
    picture = io.BytesIO()
    segno.make(link, error="m").save(picture, kind="svg", scale=4, border=2, light="#fff", xmldecl=False, omitsize=True)
    ui.html(
        f'<a class="c-btn c-btn-{kind}" href="{escape(link)}" target="_blank" rel="noopener">'
        f'{escape(here.say("open_telegram"))}</a><p class="c-soft">{escape(here.say("scan"))}</p>'
        f'<div class="c-qr" role="img" aria-label="{escape(here.say("qr"))}">{picture.getvalue().decode()}</div>',
        sanitize=False,
    ).classes("c-form")


def _bot_form(here: Here, wanted: str) -> str:
    return (
        f'<form method="post" action="/login/bot" class="c-form"><input type="hidden" name="next" '
        f'value="{escape(wanted)}"><button type="submit" class="c-btn c-btn-primary">'
        f'{escape(here.say("by_telegram"))}</button><p class="c-soft">{escape(here.say("by_telegram_why"))}</p></form>'
    )


def _password_form(here: Here, wanted: str, *, main: bool) -> str:
    lines = _line(here, "login", "text", "username") + _line(here, "password", "password", "current-password")
    return (
        f'<form method="post" action="/login/password" class="c-form"><input type="hidden" name="next" '
        f'value="{escape(wanted)}">{lines}<button type="submit" class="c-btn c-btn-{"primary" if main else "plain"}">'
        f"{escape(here.say('enter'))}</button></form>"
    )


def _join_form(here: Here, token: str, about: Mapping[str, object]) -> str:
    name = _line(here, "name", "text", "name", str(about.get("name", "")))
    login = _line(here, "login", "text", "username", str(about.get("login", "")))
    password = _line(here, "password", "password", "new-password")
    return (
        f'<form method="post" action="/join/{escape(token)}" class="c-form">{name}{login}{password}'
        f'<p class="c-soft">{escape(here.say("short", n=10))}</p>'
        f'<button type="submit" class="c-btn c-btn-primary">{escape(here.say("join"))}</button></form>'
    )


def _line(here: Here, name: str, kind: str, complete: str, value: str = "") -> str:
    return (
        f'<label class="c-line"><span>{escape(here.say(name))}</span><input name="{name}" type="{kind}" required '
        f'autocomplete="{complete}" maxlength="200" value="{escape(value)}"></label>'
    )


async def _fields(request: Request) -> dict[str, str]:
    """The text fields of a form; files in it are nobody's business here."""
    async with request.form(max_files=0, max_fields=20) as form:
        return {name: value for name, value in form.items() if isinstance(value, str)}


async def _welcome(here: Here, person: UUID, how: str, wanted: str) -> Response:
    token = await here.house.sessions.admit(person, here.visitor, how=how, before=here.token)
    return here.site.let_in(RedirectResponse(wanted, 303), token)


def _again(wanted: str, refusal: Refusal) -> Response:
    query = {"why": refusal.id, "next": wanted} | {name: str(value) for name, value in refusal.values.items()}
    return RedirectResponse(f"/login?{urlencode(query)}", 303)


def _unpacked(proof: str) -> dict[str, str]:
    """The Login Widget's fields out of `tgAuthResult`: base64 of JSON."""
    try:
        fields = json.loads(base64.b64decode(proof + "=" * (-len(proof) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        return {}
    return {str(name): str(value) for name, value in fields.items()} if isinstance(fields, dict) else {}
