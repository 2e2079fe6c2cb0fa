"""How the console looks, and the frame that its pages share; everything is served by us."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fastapi import FastAPI
from nicegui import app as nicegui_app
from nicegui import ui
from starlette.requests import Request
from starlette.responses import Response

from ui.i18n import Lang, texts_in

STATIC = Path(__file__).with_name("static")

# NiceGUI compiles its templates in the browser, hence unsafe-eval; nothing from elsewhere is loaded or may frame us.
_CSP = (
    "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; manifest-src 'self'; "
    "frame-ancestors 'none'; base-uri 'self'; form-action 'self'; object-src 'none'"
)
_MARK = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#0b5f5b"/>'
    '<path d="M21 12a6.5 6.5 0 1 0 0 8" fill="none" stroke="#fff" stroke-width="3.4" stroke-linecap="round"/></svg>'
)
# The choice of light or dark stays in the browser; it is made before the first paint.
_DARK = """
<script>
  document.addEventListener("DOMContentLoaded", () => {
    const stored = localStorage.getItem("counterman-dark");
    const dark = stored === null ? matchMedia("(prefers-color-scheme: dark)").matches : stored === "1";
    const set = (on) => { Quasar.Dark.set(on); localStorage.setItem("counterman-dark", on ? "1" : "0"); };
    const wait = setInterval(() => { if (window.Quasar) { clearInterval(wait); Quasar.Dark.set(dark); } }, 10);
    document.addEventListener("click", (event) => {
      if (event.target.closest("[data-dark]")) set(!Quasar.Dark.isActive);
    });
  });
</script>
"""


def dress(app: FastAPI) -> None:
    """Puts NiceGUI on `app` at `/` with our files and headers; call it after the app's own routes are there."""
    nicegui_app.add_static_files("/static", STATIC)

    @app.middleware("http")
    async def safe(request: Request, call: Callable[[Request], Awaitable[Response]]) -> Response:
        answer = await call(request)
        answer.headers.setdefault("Content-Security-Policy", _CSP)
        answer.headers.setdefault("X-Content-Type-Options", "nosniff")
        answer.headers.setdefault("Referrer-Policy", "same-origin")
        return answer

    ui.run_with(
        app,
        title="Counterman",
        favicon=_MARK,
        dark=None,
        tailwind=False,
        reconnect_timeout=30,  # a laptop that slept for a moment keeps its page
        show_welcome_message=False,
    )


@contextmanager
def frame(lang: Lang) -> Iterator[None]:
    """The header and the column in which a page stands."""
    say = texts_in(lang)
    ui.add_head_html(
        '<link rel="stylesheet" href="/static/theme.css">'
        f'<script>document.documentElement.lang = "{lang}"</script>{_DARK}'
    )
    with ui.element("header").classes("c-bar"), ui.element("div").classes("c-page"):
        with ui.element("div").classes("c-mark").props("aria-hidden=true"):
            text("C")
        text("Counterman", "c-name")
        ui.element("div").classes("c-space")
        other = "en" if lang == "ru" else "ru"
        with (
            ui.element("a").classes("c-tool").props(f'href="?lang={other}" aria-label="{say("other_language_label")}"')
        ):
            text(say("other_language"))
        with ui.element("button").classes("c-tool").props(f'type=button data-dark aria-label="{say("dark_label")}"'):
            ui.icon("contrast", size="20px")
    with ui.element("main").classes("c-page c-main"):
        yield


def text(words: str, classes: str = "", tag: str = "span") -> ui.html:
    """A piece of plain text in a tag of its own; change it with `set_words`."""
    element = ui.html(sanitize=False, tag=tag).classes(classes)
    set_words(element, words)
    return element


def set_words(element: ui.html, words: str) -> None:
    """Shows `words` as they are: nothing in them is markup."""
    escaped = words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if element.content != escaped:
        element.set_content(escaped)
