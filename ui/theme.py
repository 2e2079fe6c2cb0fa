"""How the console looks: its files, its headers, and the few defaults of NiceGUI that we change. All served by us."""

from __future__ import annotations

import html
from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import FastAPI
from nicegui import app as nicegui_app
from nicegui import ui
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ui.i18n import Lang

STATIC = Path(__file__).with_name("static")

# NiceGUI compiles its templates in the browser, hence unsafe-eval; nothing from elsewhere is loaded or may frame us.
# Frames: the chat, for the widget's preview.
_CSP = (
    "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; manifest-src 'self'; frame-src {frames}; "
    "frame-ancestors 'none'; base-uri 'self'; form-action 'self'; object-src 'none'"
)
_MARK = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#0b5f5b"/>'
    '<path d="M21 12a6.5 6.5 0 1 0 0 8" fill="none" stroke="#fff" stroke-width="3.4" stroke-linecap="round"/></svg>'
)
# The script is not deferred: the choice of light or dark is made before the first paint.
HEAD = '<link rel="stylesheet" href="/static/theme.css"><script src="/static/theme.js"></script>'


def dress(app: FastAPI, *, frames: str) -> None:
    """Puts NiceGUI on `app` at `/` with our files and headers; call it after the app's own routes are there.

    `frames` is the origin that pages may show in a frame.
    """
    policy = _CSP.format(frames=frames or "'none'")
    nicegui_app.add_static_files("/static", STATIC)

    @app.middleware("http")
    async def safe(request: Request, call: Callable[[Request], Awaitable[Response]]) -> Response:
        answer = await call(request)
        answer.headers.setdefault("Content-Security-Policy", policy)
        answer.headers.setdefault("X-Content-Type-Options", "nosniff")
        answer.headers.setdefault("Referrer-Policy", "same-origin")
        answer.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
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


def text(words: str, classes: str = "", tag: str = "span") -> ui.html:
    """A piece of plain text in a tag of its own; change it with `set_words`."""
    element = ui.html(sanitize=False, tag=tag).classes(classes)
    set_words(element, words)
    return element


def set_words(element: ui.html, words: str) -> None:
    """Shows `words` as they are: nothing in them is markup."""
    escaped = html.escape(words, quote=False)
    if element.content != escaped:
        element.set_content(escaped)


def plain_page(lang: Lang, title: str, why: str, back: str, *, status: int) -> Response:
    """A page without NiceGUI: what is left to say where a page cannot be shown."""
    title, why, back = (html.escape(words) for words in (title, why, back))
    return HTMLResponse(
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">{HEAD}</head><body>'
        f'<main class="c-alone"><div class="c-card c-pad"><h1 class="c-h1">{title}</h1><p class="c-soft">{why}</p>'
        f'<p><a class="c-button" href="/">{back}</a></p></div></main></body></html>',
        status_code=status,
    )
