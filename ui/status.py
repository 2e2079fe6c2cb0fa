"""The status page: how the box feels, what it still does, where the chat is and what to do next."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakKeyDictionary

import httpx
from nicegui import ui

from ui import frame
from ui.i18n import Lang, Say, known, number, texts_in
from ui.theme import set_words, text

if TYPE_CHECKING:
    from ui.site import Here, Site

FRESH = 1.5  # seconds for which a look is good enough, however many pages are open
PATIENCE = 5.0  # seconds that the chat may take to say how it feels

ORDER = ("chat", "catalogue", "engine", "database", "outbox", "worker", "disk")
ICONS = {
    "chat": "forum", "catalogue": "inventory_2", "engine": "memory", "database": "storage",
    "outbox": "outgoing_mail", "worker": "schedule", "disk": "sd_storage",
    "bot": "send", "crm": "sync_alt", "backup": "backup", "mail": "mail", "public": "public", "clock": "schedule",
}  # fmt: skip
COLOURS = {"ok": "c-ok", "degraded": "c-warn", "restarting": "c-warn", "fail": "c-bad", "stopped": "c-bad"}
OVERALL = {"ok": "c-ok", "degraded": "c-warn", "fail": "c-bad"}

_PERCENT = re.compile(r"(\d{1,3})(?:[.,]\d+)?\s?%")
_VERSION = re.compile(r"version (?P<version>\S+), (?P<products>[\d,]+) products")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of the box; `state` is the end of a text's id."""

    name: str
    state: str
    why: str = ""
    restarts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Going:
    """A long step that is under way; `share` from 0 to 1 where it is known."""

    name: str
    state: str
    line: str
    share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The box at a moment."""

    overall: str
    parts: tuple[Part, ...]
    going: tuple[Going, ...]


Look: TypeAlias = Callable[[], Awaitable[Picture]]


LOOKS: WeakKeyDictionary[Site, Look] = WeakKeyDictionary()  # how each console sees the box: other pages show it, too


def mount(site: Site, *, look: Look, chat: str) -> None:
    """The page at `/status`, for whoever reaches the console: it must help most when nobody can log in."""
    LOOKS[site] = look

    @site.page("/status", role=None)
    async def status(here: Here) -> None:
        with frame.bare(here.lang, here.say("status.title")):
            page = Page(here.lang, chat)
            page.show(await look())

        async def again() -> None:
            page.show(await look())

        ui.timer(2.0, again)


def watch(*, health: str, state: Path) -> Look:
    """Looks at the chat's health and the supervisor's file, once for all who ask in the same moment."""
    http = httpx.AsyncClient(timeout=PATIENCE, trust_env=False)
    lock = asyncio.Lock()
    seen: list[tuple[float, Picture]] = []

    async def look() -> Picture:
        async with lock:
            if not seen or time.monotonic() - seen[0][0] > FRESH:
                about = picture(await _ask(http, health), await asyncio.to_thread(_read, state))
                seen[:] = [(time.monotonic(), about)]
            return seen[0][1]

    return look


def picture(health: Mapping[str, Any] | None, state: Mapping[str, Any] | None) -> Picture:
    """The whole from its two witnesses: the chat's own word (None: it is silent) and the supervisor's."""
    processes: Mapping[str, Any] = (state or {}).get("processes", {})
    steps: Mapping[str, Any] = (state or {}).get("steps", {})
    going = tuple(_going(name, step) for name, step in steps.items() if step.get("state") != "done")
    parts = {name: _process(name, about) for name, about in processes.items() if name != "console"}
    for told in (health or {}).get("parts", ()):
        name = str(told["name"])
        restarts = parts[name].restarts if name in parts else 0
        quiet = name in parts and parts[name].state in {"waiting", "starting", "restarting"}
        if not quiet:  # the supervisor knows better why it does not answer
            parts[name] = Part(name=name, state=str(told["state"]).lower(), why=str(told["why"]), restarts=restarts)
    if health is not None:
        parts["chat"] = Part(name="chat", state="ok", restarts=parts["chat"].restarts if "chat" in parts else 0)
    elif parts.get("chat") is None or parts["chat"].state == "ok":
        parts["chat"] = Part(name="chat", state="fail")
    ordered = sorted(parts.values(), key=lambda part: ORDER.index(part.name) if part.name in ORDER else len(ORDER))
    return Picture(overall=_overall(health, parts, going), parts=tuple(ordered), going=going)


def _overall(health: Mapping[str, Any] | None, parts: Mapping[str, Part], going: tuple[Going, ...]) -> str:
    if health is None:
        return "starting" if parts["chat"].state in {"starting", "waiting"} else "fail"
    if str(health.get("status")) == "FAIL":
        return "fail"
    unwell = {name for name, part in parts.items() if part.state not in {"ok", "waiting"}}
    expected = {"engine" if step.name == "model" else step.name for step in going}
    if unwell - expected:
        return "degraded"
    return "preparing" if going or unwell else "ok"


def _process(name: str, about: Mapping[str, Any]) -> Part:
    phase = "ok" if about["phase"] == "up" else str(about["phase"])
    return Part(name=name, state=phase, why=str(about["reason"]), restarts=int(about["restarts"]))


def _going(name: str, step: Mapping[str, Any]) -> Going:
    line = str(step.get("line", ""))
    found = _PERCENT.search(line)
    share = min(int(found[1]), 100) / 100 if found else None
    return Going(name=name, state=str(step.get("state", "running")), line=line, share=share)


class Page:
    """The elements of one open page; `show` changes their words and never builds what is there already."""

    def __init__(self, lang: Lang, chat: str) -> None:
        self._lang, self._say = lang, texts_in(lang)
        say = self._say
        with ui.element("section").classes("c-card c-hero"):
            with ui.element("div").classes("c-hero-words").props("role=status"):
                self._chip = text("", "c-chip")
                self._title = text("", "c-h1", tag="h1")
                self._why = text("", "c-soft", tag="p")
            with ui.element("div").classes("c-hero-door"):
                with ui.element("a").classes("c-button").props(f'href="{chat}/chat" target=_blank rel=noopener'):
                    text(say("open_chat"))
                text(f"{chat}/chat", "c-small")
        with ui.element("section") as self._going_section:
            text(say("going_on"), "c-h2", tag="h2")
            self._going_box = ui.element("div").classes("c-card")
        with ui.element("section"):
            text(say("parts"), "c-h2", tag="h2")
            self._list = ui.element("div").classes("c-card").props("role=list")
        with ui.element("section"):
            text(say("next"), "c-h2", tag="h2")
            _next_steps(say, chat)
        text(say("looked"), "c-small", tag="p")
        self._parts: dict[str, PartRow] = {}
        self._steps: dict[str, StepRow] = {}

    def show(self, seen: Picture) -> None:
        say = self._say
        set_words(self._title, say(f"overall_{seen.overall}"))
        set_words(self._why, say(f"overall_{seen.overall}_why"))
        short = {"preparing": "starting"}.get(seen.overall, seen.overall)
        _paint(self._chip, say(f"state_{short}"), OVERALL.get(seen.overall, ""))
        for part in seen.parts:
            if part.name not in self._parts:
                with self._list:
                    self._parts[part.name] = PartRow(part.name, self._lang)
            self._parts[part.name].show(part, going=seen.going)
        self._going_section.set_visibility(bool(seen.going))
        under_way = {step.name: step for step in seen.going}
        for step in seen.going:
            if step.name not in self._steps:
                with self._going_box:
                    self._steps[step.name] = StepRow(step.name, say)
        for name, row in self._steps.items():
            row.show(under_way.get(name))


class PartRow:
    """One part of the box."""

    def __init__(self, name: str, lang: Lang) -> None:
        self._lang, self._say = lang, texts_in(lang)
        with ui.element("div").classes("c-part").props("role=listitem"):
            with ui.element("div").classes("c-part-icon").props("aria-hidden=true"):
                ui.icon(ICONS.get(name, "widgets"), size="20px")
            text(_known(self._say, f"part_{name}", name), "c-part-name", tag="h3")
            self._why = text("", "c-part-why", tag="p")
            self._chip = text("", "c-chip")

    def show(self, part: Part, *, going: tuple[Going, ...]) -> None:
        _paint(self._chip, _known(self._say, f"state_{part.state}", part.state), COLOURS.get(part.state, ""))
        set_words(self._why, self._reason(part, going))

    def _reason(self, part: Part, going: tuple[Going, ...]) -> str:
        if part.name == "catalogue" and (found := _VERSION.match(part.why)):
            products = number(int(found["products"].replace(",", "")), self._lang)
            return self._say("catalogue_rows", products=products, version=found["version"])
        if part.name == "engine" and part.state == "waiting" and any(step.name == "model" for step in going):
            return self._say("waits_for_model")
        if part.restarts and part.state != "ok":
            return self._say("restarted", count=part.restarts, reason=part.why)
        return part.why


class StepRow:
    """A long step with how far it is."""

    def __init__(self, name: str, say: Say) -> None:
        self._say = say
        with ui.element("div").classes("c-step") as self._row:
            with ui.element("div").classes("c-step-head"):
                text(_known(say, f"step_{name}", name), "c-part-name")
                self._chip = text("", "c-chip")
            with ui.element("div").classes("c-meter").props("role=progressbar") as self._meter:
                self._bar = ui.element("div")
            self._line = text("", "c-part-why")

    def show(self, step: Going | None) -> None:
        self._row.set_visibility(step is not None)
        if step is None:
            return
        _paint(self._chip, self._say(f"step_{step.state}"), "c-warn" if step.state == "failed" else "")
        set_words(self._line, step.line)
        self._meter.classes(
            add="c-unknown" if step.share is None else "", remove="" if step.share is None else "c-unknown"
        )
        self._bar.style(f"width: {round((step.share or 0) * 100)}%")


def _next_steps(say: Say, chat: str) -> None:
    codes = {
        "prices": say("next_prices_code"),
        "site": f'<script src="{chat}/widget/v1/loader.js" async></script>',
        "telegram": say("next_telegram_code"),
        "check": "appliance check",
    }
    with ui.element("div").classes("c-grid c-two"):
        for name, code in codes.items():
            with ui.element("article").classes("c-card c-next"):
                text(say(f"next_{name}"), "c-next-title", tag="h3")
                text(say(f"next_{name}_why"), "c-soft", tag="p")
                text(code, "c-code", tag="div").props("tabindex=0")


def _paint(chip: ui.html, words: str, colour: str) -> None:
    set_words(chip, words)
    chip.classes(replace=f"c-chip {colour}".strip())


def _known(say: Say, text_id: str, otherwise: str) -> str:
    return say(text_id) if known(text_id) else otherwise


async def _ask(http: httpx.AsyncClient, url: str) -> dict[str, Any] | None:
    try:
        told = (await http.get(url)).json()
    except (httpx.HTTPError, ValueError):
        return None
    return told if isinstance(told, dict) else None


def _read(path: Path) -> dict[str, Any] | None:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return told if isinstance(told, dict) else None
