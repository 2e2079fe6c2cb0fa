"""The console as a whole: its pages and routes, who may open them, and what every handler gets.

A page is one module in `ui/pages/` with its texts in `ui/texts/<same name>.toml`:

    def mount(site: Site) -> None:
        @site.page("/leads", menu="leads")                         # for managers and administrators
        async def leads(here: Here, status: str = "") -> None:     # path and query values, as in FastAPI
            with frame.page(here, here.say("title"), here.say("purpose")) as head:   # header, drawer, h1, its purpose
                table = parts.Table(here, COLUMNS, fetch)          # all shapes are in ui/parts.py
                await table.load()

        @site.page("/users", menu="users", role=Role.ADMINISTRATOR)
        @site.route("/leads.xlsx")                                 # a download: gets (here, request), gives a Response
        @site.route("/upload", methods=["PUT"])                    # its Origin is checked, as for all that changes

`here.actor` is who asks (with the rights of this moment), `here.house` the desk, `here.say("id", n=3)` a text of the
page's own file or of `frame.toml`, `here.write` numbers and dates, `here.toast(...)` a word below.

Every handler of an event goes through `here.guard(handler)` (the shapes in parts.py do it themselves): it checks the
session and the role of the page anew, and turns Forbidden, Gone and StoreUnavailable into a toast. Live updates are
`here.every(seconds, handler)`. A page's menu word is `menu` in its own texts. Pages are found by themselves.
"""

from __future__ import annotations

import asyncio
import copy
import importlib
import inspect
import pkgutil
import types
import typing
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar
from urllib.parse import quote, urlsplit
from weakref import WeakKeyDictionary

import structlog
from fastapi import FastAPI
from nicegui import Client, ui
from nicegui import app as nicegui_app
from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse, Response

from appliance.core.types import Role, Staff
from appliance.desk import Forbidden, Gone
from appliance.desk.house import House
from appliance.desk.sessions import Pass, Visitor
from appliance.errors import explain
from ui import theme
from ui.gate import Gate, may_see
from ui.i18n import Lang, Say, Writing, reader, texts_in

log = structlog.get_logger("console")

Handler = TypeVar("Handler", bound=Callable[..., Any])
Serve: TypeAlias = Callable[["Here", Request], Awaitable[Response]]

LANGUAGE = "lang"  # the cookie with the language chosen


class Ended(Exception):
    """The session has ended; the page leads to the login."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A page or a route of the console."""

    path: str
    role: Role | None  # None: open to whoever reaches the console
    menu: str = ""  # its name in the menu; empty: not in it
    file: str = "frame"  # its own texts
    methods: tuple[str, ...] = ("GET",)
    page: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """What the console must know of the outside; plain values and questions, given by the composition root."""

    visitor: Callable[[HTTPConnection], str]  # whose address a request comes from
    secure: bool = False  # whether browsers reach the console by https
    bot: Callable[[], Awaitable[str]] | None = None  # the bot's name; none without a bot
    widget: str = ""  # where Telegram's own login is; empty where the console has no public https address


@dataclass(slots=True, kw_only=True, eq=False)
class Here:
    """One open page, or one request to a route: who, in which language, with what at hand."""

    site: Site
    place: Place
    lang: Lang
    visitor: Visitor
    token: str  # of the session; never shown
    ticket: Pass | None = None
    request: Request
    say: Say = field(init=False)
    write: Writing = field(init=False)

    def __post_init__(self) -> None:
        self.say = texts_in(self.lang, self.place.file)
        self.write = Writing(self.lang, self.site.house.zone)

    @property
    def house(self) -> House:
        return self.site.house

    @property
    def actor(self) -> Staff:
        """Who is logged in, with the rights they had at the last event."""
        if self.ticket is None:
            raise Ended
        return self.ticket.staff

    @property
    def administrator(self) -> bool:
        return self.ticket is not None and self.ticket.staff.role is Role.ADMINISTRATOR

    async def check(self, *, active: bool = True) -> None:
        """Looks at the session anew. Raises `Ended`, or `Forbidden` where the role no longer suffices."""
        if self.place.role is None:
            return
        self.ticket = await self.house.sessions.whose(self.token, active=active)
        if self.ticket is None:
            raise Ended
        if not may_see(self.ticket.staff.role, self.place.role):
            raise Forbidden

    def guard(self, handler: Handler, *, active: bool = True) -> Handler:
        """The handler, done only for whoever may; its troubles are told, not thrown."""
        wants = bool(inspect.signature(handler).parameters)

        async def guarded(event: Any) -> None:
            client = ui.context.client
            try:
                await self.check(active=active)
                done = handler(event) if wants else handler()
                if inspect.isawaitable(done):
                    await done
            except Exception as error:  # noqa: BLE001 - told to the person, and logged where it is our fault
                if not client.is_deleted:
                    with client.content:
                        self.tell(error)

        if wants:
            return typing.cast(Handler, guarded)

        async def guarded_alone() -> None:
            await guarded(None)

        return typing.cast(Handler, guarded_alone)

    def tell(self, error: BaseException) -> None:
        """Says what went wrong, in the reader's words where it is theirs to mend."""
        match error:
            case Ended():
                ui.navigate.to(f"/login?next={quote(self.request.url.path)}")
            case Forbidden():
                self.toast(self.say("frame.forbidden"), "bad")
            case Gone():
                self.toast(str(error) if self.lang == "en" else self.say("frame.gone"), "warn")
            case _:
                words = explain(error)
                if words is None:
                    log.error("page.failed", path=self.place.path, exc_info=error)
                self.toast(words or self.say("frame.failed"), "bad")

    def every(self, seconds: float, handler: Callable[[], Any]) -> ui.timer:
        """Calls a guarded handler again and again while the page is open; such looks keep no session awake."""
        return ui.timer(seconds, self.guard(handler, active=False), immediate=False)

    def toast(self, words: str, tone: str = "ok") -> None:
        """A word at the edge that goes by itself; tone: ok, warn, bad."""
        ui.notify(words, classes=f"c-toast c-toast-{tone}", position="bottom-right", timeout=6000 if tone == "bad" else
                  3500, close_button=self.say("frame.close") if tone == "bad" else False)  # fmt: skip

    def go(self, path: str) -> None:
        ui.navigate.to(path)


class Site:
    """Registers pages and routes on `api`, and puts NiceGUI under them. One a process."""

    def __init__(self, api: FastAPI, house: House, doors: Doors) -> None:
        self.api, self.house, self.doors = api, house, doors
        self.places: list[Place] = []
        self.open_pages: WeakKeyDictionary[Client, Here] = WeakKeyDictionary()

    @property
    def cookie(self) -> str:
        """The session's cookie. The prefix binds it to https and to this host (RFC 6265bis, 4.1.3)."""
        return "__Host-counterman" if self.doors.secure else "counterman"

    def page(
        self, path: str, *, menu: str = "", role: Role | None = Role.MANAGER, patience: float = 20.0
    ) -> Callable[[Handler], Handler]:
        """Registers a page. `role=None`: without login. `patience`: seconds that building it may take."""

        def register(build: Handler) -> Handler:
            place = Place(path=path, role=role, menu=menu, file=_file(build))
            self.places.append(place)

            async def show(request: Request, **values: Any) -> Any:
                client = ui.context.client
                try:
                    here = await self.here(request, place)
                    if isinstance(here, Response):
                        return _instead(client, here)
                    _speak(client, here.lang)
                    self.open_pages[client] = here
                    async with asyncio.timeout(patience):
                        return await build(here, **values)
                except Ended:
                    return _instead(client, self._to_login(request))
                except Exception as error:  # noqa: BLE001 - NiceGUI's own page of it is not in our languages
                    return _instead(client, self._refused(request, error))

            _take_signature(show, build, drop=1)
            ui.page(path, response_timeout=2 * patience)(show)
            return build

        return register

    def route(
        self, path: str, *, role: Role | None = Role.MANAGER, methods: Sequence[str] = ("GET",)
    ) -> Callable[[Serve], Serve]:
        """Registers a plain route (upload, download): `async def serve(here, request) -> Response`."""

        def register(serve: Serve) -> Serve:
            place = Place(path=path, role=role, file=_file(serve), methods=tuple(methods), page=False)
            self.places.append(place)

            async def answer(request: Request) -> Response:
                here = await self.here(request, place)
                if isinstance(here, Response):
                    return here
                try:
                    return await serve(here, request)
                except Forbidden as error:
                    return Response(str(error), 403, media_type="text/plain")
                except Gone as error:
                    return Response(str(error), 404, media_type="text/plain")

            self.api.router.add_route(path, answer, methods=list(methods))
            return serve

        return register

    async def here(self, request: Request, place: Place) -> Here | Response:
        """Who asks for a place; a response where they may not have it."""
        here = Here(
            site=self, place=place, lang=self.language(request), visitor=self.visitor(request),
            token=request.cookies.get(self.cookie, ""), request=request,
        )  # fmt: skip
        try:
            if place.role is None:
                return here
            await here.check()
        except Ended:
            sent = place.page or place.path == "/"
            return self._to_login(request) if sent else Response("Log in first.", 401, media_type="text/plain")
        except Forbidden as error:
            if not place.page:
                return Response(str(error), 403, media_type="text/plain")
            return self._refused(request, error)
        here.lang = self.language(request, here.actor)
        here.__post_init__()
        return here

    def language(self, request: HTTPConnection, person: Staff | None = None) -> Lang:
        asked = request.query_params.get("lang", "") or request.cookies.get(LANGUAGE, "")
        return reader(asked or (person.lang if person else ""), request.headers.get("accept-language", ""))

    def visitor(self, request: HTTPConnection) -> Visitor:
        return Visitor(address=self.doors.visitor(request), browser=request.headers.get("user-agent", "")[:300])

    def let_in(self, answer: Response, token: str) -> Response:
        """Gives the browser its session; scripts cannot read it, other sites' forms do not carry it."""
        answer.set_cookie(
            self.cookie, token, max_age=int(self.house.sessions.life.total_seconds()), httponly=True, samesite="lax",
            secure=self.doors.secure, path="/",
        )  # fmt: skip
        return answer

    def menu(self, person: Staff) -> list[Place]:
        """The pages of the menu that this person may open."""
        return [place for place in self.places if place.menu and may_see(person.role, place.role)]

    def mount_pages(self) -> None:
        """Mounts every module of `ui/pages/`."""
        from ui import pages

        for found in sorted(pkgutil.iter_modules(pages.__path__), key=lambda found: found.name):
            importlib.import_module(f"ui.pages.{found.name}").mount(self)
        if not any(place.path == "/" for place in self.places):

            @self.route("/")
            async def start(here: Here, request: Request) -> Response:
                return RedirectResponse(next((place.path for place in self.menu(here.actor)), "/me"), 303)

    def dress(self) -> None:
        """Puts NiceGUI under the routes, and the gate before all; call it last."""
        chat = urlsplit(self.house.chat)
        theme.dress(self.api, frames=f"{chat.scheme}://{chat.netloc}" if chat.netloc else "")
        Gate(self).stand_before(self.api)

        @nicegui_app.exception_handler(404)
        async def nowhere(request: Request, error: Exception) -> Response:
            return self._nowhere(request)

    def _nowhere(self, request: Request) -> Response:
        lang = self.language(request)
        say = texts_in(lang, "frame")
        return theme.plain_page(lang, say("nowhere"), say("nowhere_why"), say("to_start"), status=404)

    def _to_login(self, request: Request) -> Response:
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse("/login" if wanted == "/" else f"/login?next={quote(wanted)}", 303)

    def _refused(self, request: Request, error: Exception) -> Response:
        lang = self.language(request)
        say = texts_in(lang, "frame")
        match error:
            case Forbidden():
                id, status = "forbidden", 403
            case Gone():
                id, status = "gone", 404
            case TimeoutError():
                log.warning("page.slow", path=request.url.path)
                id, status = "slow", 503
            case _ if explain(error) is not None:
                id, status = "away", 503
            case _:
                log.error("page.failed", path=request.url.path, exc_info=error)
                id, status = "broken", 500
        return theme.plain_page(lang, say(id), say(f"{id}_why"), say("to_start"), status=status)


def local(path: str) -> str:
    """A path of this console, for a redirect after login; anything that leads elsewhere becomes the start."""
    parts = urlsplit(path)
    inside = path.startswith("/") and not path.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return path if inside and "\\" not in path and path.isprintable() else "/"


def _speak(client: Client, lang: Lang) -> None:
    """The page's own language, for readers of the screen and for the words that Quasar brings."""
    client.page = copy.copy(client.page)
    client.page.language = "ru" if lang == "ru" else "en-GB"


def _instead(client: Client, answer: Response) -> Response:
    """An answer in the place of the page, which is forgotten at once: many who knock leave nothing behind."""
    client.delete()
    return answer


def _file(function: Callable[..., Any]) -> str:
    return function.__module__.rpartition(".")[2]


def _take_signature(show: Callable[..., Any], build: Callable[..., Any], *, drop: int) -> None:
    """Gives `show` the path and query values of `build`, with their real types, for FastAPI to read."""
    given = list(inspect.signature(build).parameters.values())[drop:]
    asked = types.SimpleNamespace(__annotations__={value.name: value.annotation for value in given})
    hints = typing.get_type_hints(asked, build.__globals__)
    request = inspect.Parameter("request", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Request)
    values = [value.replace(annotation=hints.get(value.name, str)) for value in given]
    show.__signature__ = inspect.Signature([request, *values])  # type: ignore[attr-defined]
    show.__annotations__ = {"request": Request} | {value.name: value.annotation for value in values}
    show.__name__ = build.__name__
