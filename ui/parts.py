"""The shapes that pages are made of: small, dense, and with every word shown as it is.

with parts.tiles():                         KPI tiles; tile.show("40,000", "12 % more", "ok")
    tile = parts.tile(here.say("leads"), href="/leads")
bar = parts.Filters(here, table.load)       bar.search("q", …); bar.choice("status", …, options); bar["q"]
table = parts.Table(here, columns, fetch)   see ui/grid.py
parts.empty(title, why, do=…, on_do=…)      an empty state with the next step
if await parts.confirm(here, title, effect, do=…): …
parts.facts([(label, words), …])            a definition list
parts.button(here, words, handler, kind="primary", icon="add")
parts.download(words, "/leads.xlsx")
parts.chart(options, label=…)               ECharts that can be read in the light and in the dark
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from nicegui import ui
from nicegui.events import GenericEventArguments

from ui.grid import (
    Asked,
    Cell,
    Column,
    Row,
    Rows,
    Table,
    acts,
    bar,
    chip,
    chips,
    image,
    link,
    safe_link,
    two,
)
from ui.theme import set_words, text

if TYPE_CHECKING:
    from ui.site import Here

__all__ = [
    "Asked", "Cell", "Choice", "Column", "Filters", "Progress", "Row", "Rows", "Table", "Tile", "acts", "bar",
    "button", "card", "chart", "chip", "chips", "choice", "code", "columns", "confirm", "details", "dialog",
    "download", "empty", "facts", "field", "image", "keys", "link", "linked", "owner_chip", "paint", "progress",
    "safe_link", "section", "set_words", "several", "tag", "text", "tile", "tiles", "two",
]  # fmt: skip

MUTED = "#7d8a88"  # axis words: 3.6 to 1 on the light card, 4.6 to 1 on the dark one
FAINT = "rgba(125,138,136,.25)"
COLOURS = ["#0f8a83", "#d08b1d", "#5b7fd1", "#c0587e", "#6a9a3b", "#8a6fc0", "#7d8a88"]  # on both cards 3 to 1


@contextmanager
def section(title: str = "", why: str = "") -> Iterator[ui.element]:
    """A part of a page with its heading."""
    with ui.element("section").classes("c-section") as box:
        if title:
            text(title, "c-h2", tag="h2")
        if why:
            text(why, "c-soft c-section-why", tag="p")
        yield box


@contextmanager
def card(title: str = "", *, classes: str = "") -> Iterator[ui.element]:
    with ui.element("div").classes(f"c-card c-pad {classes}".strip()) as box:
        if title:
            text(title, "c-h3", tag="h3")
        yield box


@contextmanager
def columns() -> Iterator[None]:
    """Cards side by side where there is room."""
    with ui.element("div").classes("c-grid-2"):
        yield


@contextmanager
def tiles() -> Iterator[None]:
    with ui.element("div").classes("c-tiles"):
        yield


class Tile:
    """A number that opens what is behind it."""

    def __init__(self, label: str, href: str = "") -> None:
        box = ui.element("a" if href else "div").classes("c-card c-tile")
        if href and safe_link(href):
            box.props["href"] = href
        with box:
            text(label, "c-tile-label")
            self._value = text("–", "c-tile-value")
            self._note = text("", "c-tile-note")

    def show(self, value: str, note: str = "", tone: str = "") -> None:
        """The number, what it means beside the one before, and whether that is good (ok, warn, bad)."""
        set_words(self._value, value)
        set_words(self._note, note)
        self._note.classes(replace=f"c-tile-note c-note-{tone}" if tone else "c-tile-note")


def tile(label: str, href: str = "") -> Tile:
    return Tile(label, href)


def tag(words: str, tone: str = "") -> ui.html:
    """A chip of its own; change it with `paint`."""
    element = text(words)
    paint(element, words, tone)
    return element


def paint(element: ui.html, words: str, tone: str = "") -> None:
    set_words(element, words)
    element.classes(replace=f"c-chip c-{tone}" if tone else "c-chip")


def owner_chip(here: Here, owner: str, agent: str = "", *, mine: bool = False) -> Cell:
    """Who answers a dialogue: the assistant, nobody yet, you, or a colleague by name."""
    match owner:
        case "agent" if mine:
            return chip(here.say("frame.owner_you"), "brand")
        case "agent":
            return chip(agent or here.say("frame.owner_colleague"), "")
        case "queue":
            return chip(here.say("frame.owner_queue"), "warn")
        case _:
            return chip(here.say("frame.owner_bot"), "ok")


def empty(
    title: str, why: str = "", *, do: str = "", href: str = "", on_do: Callable[[], Any] | None = None,
    icon: str = "inbox",
) -> None:  # fmt: skip
    """What will be here, and the one next step: a link, or a (guarded) handler."""
    with ui.element("div").classes("c-empty"):
        ui.html(f'<i class="material-icons" aria-hidden="true">{escape(icon)}</i>', sanitize=False)
        text(title, "c-h3", tag="p")
        if why:
            text(why, "c-soft", tag="p")
        if do and href:
            linked(do, href, kind="primary")
        elif do and on_do:
            ui.button(do, on_click=on_do, color=None).props("unelevated no-caps").classes("c-btn c-btn-primary")


def linked(words: str, href: str, *, kind: str = "plain", icon: str = "", new: bool = False) -> ui.html:
    """A link that looks like a button."""
    mark = f'<i class="material-icons c-icon" aria-hidden="true">{escape(icon)}</i>' if icon else ""
    where = escape(href) if safe_link(href) else "#"
    other = ' target="_blank" rel="noopener"' if new else ""
    return ui.html(
        f'<a class="c-btn c-btn-{escape(kind)}" href="{where}"{other}>{mark}<span>{escape(words)}</span></a>',
        sanitize=False,
    )


def download(words: str, href: str, *, icon: str = "download") -> ui.html:
    """A file from a guarded route of ours."""
    where = escape(href) if safe_link(href) else "#"
    mark = f'<i class="material-icons c-icon" aria-hidden="true">{escape(icon)}</i>'
    return ui.html(
        f'<a class="c-btn c-btn-plain" href="{where}" download>{mark}<span>{escape(words)}</span></a>', sanitize=False
    )


def button(
    here: Here, words: str, handler: Callable[[], Any], *, kind: str = "plain", icon: str = "", tip: str = ""
) -> ui.button:
    """kind: primary (one a page), plain, danger, quiet. Disabled while its work goes on."""

    async def pressed() -> None:
        made.props("loading")
        try:
            done = handler()
            if inspect.isawaitable(done):
                await done
        finally:
            if not made.is_deleted:
                made.props(remove="loading")

    made = ui.button(words, on_click=here.guard(pressed), icon=icon or None, color=None)
    made.props("unelevated no-caps").classes(f"c-btn c-btn-{kind}")
    if tip:
        made.props["aria-label"] = tip
        made.tooltip(tip)
    return made


def field(label: str, value: str = "", *, hint: str = "", rows: int = 0, password: bool = False) -> ui.input:
    """A labelled input, or with `rows` a text of several lines."""
    if rows:
        area = ui.textarea(label=label, value=value).props(f"outlined dense stack-label rows={rows}")
        made: Any = area
    else:
        made = ui.input(label=label, value=value, password=password).props("outlined dense stack-label")
    if hint:
        made.props["hint"] = hint
    return made.classes("c-field")  # type: ignore[no-any-return]


class Choice(ui.element, component=Path(__file__).with_name("static") / "choice.js"):
    """A labelled choice from a few; `value` is what is chosen."""

    def __init__(
        self, here: Here, label: str, options: Mapping[str, str], value: str, on_change: Callable[[], Any] | None,
        *, quiet: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.value = value if value in options else next(iter(options), "")
        self._options = dict(options)
        self.props["label"], self.props["quiet"], self.props["chosen"] = label, quiet, self.value
        self.props["options"] = [{"value": key, "text": words} for key, words in options.items()]

        async def chosen(event: GenericEventArguments) -> None:
            asked = str(event.args)
            if asked in self._options:
                self.set(asked)
                if on_change is not None and inspect.isawaitable(done := on_change()):
                    await done

        self.on("choose", here.guard(chosen))

    def set(self, value: str) -> None:
        self.value = self.props["chosen"] = value
        self.update()


def choice(
    here: Here, label: str, options: Mapping[str, str], value: str = "", on_change: Callable[[], Any] | None = None
) -> Choice:
    return Choice(here, label, options, value, on_change)


def several(label: str, options: Mapping[str, str], chosen: Sequence[str], *, nothing: str) -> ui.select:
    """A labelled choice of any number; `nothing` says what it means to choose none."""
    made = ui.select(dict(sorted(options.items(), key=lambda one: one[1])), multiple=True, label=label,
                     value=[one for one in chosen if one in options])  # fmt: skip
    made.props("outlined dense stack-label use-chips clearable options-dense").props["hint"] = nothing
    return made.classes("c-field c-several")


class Filters:
    """A bar of conditions above a table. They stand in the address, so that a link or a reload keeps them.

    `keep` is what else the address says of the page, such as its view.
    """

    def __init__(self, here: Here, on_change: Callable[[], Any], *, keep: Mapping[str, str] | None = None) -> None:
        self._here, self._on_change = here, on_change
        self._keep = {name: value for name, value in (keep or {}).items() if value}
        self._values: dict[str, str] = {}
        self._reset: list[Callable[[], None]] = []
        self.box = ui.element("div").classes("c-filters").props("role=search")

    def __getitem__(self, name: str) -> str:
        return self._values.get(name, "")

    @property
    def any(self) -> bool:
        """Whether any condition is set."""
        return any(self._values.values())

    @property
    def query(self) -> str:
        """The conditions as the end of an address, for downloads."""
        set_ = {name: value for name, value in self._values.items() if value}
        return f"?{urlencode(set_)}" if set_ else ""

    def address(self, **more: str) -> str:
        """The page with these conditions, for the browser's address; `more` is what stands in it besides."""
        said = urlencode(self._keep | {name: value for name, value in self._values.items() if value} | more)
        return f"{self._here.request.url.path}{'?' if said else ''}{said}"

    def search(self, name: str = "q", label: str = "") -> ui.input:
        label = label or self._here.say("frame.search")
        self._values[name] = self._here.request.query_params.get(name, "")
        with self.box:
            made = ui.input(value=self._values[name], placeholder=label)
        made.props("outlined dense clearable debounce=350 type=search")
        made.props["aria-label"] = label
        made.classes("c-search").on_value_change(
            self._here.guard(lambda event: self._set(name, (event.value or "").strip()))
        )
        self._reset.append(lambda: _emptied(made))
        return made

    def choice(self, name: str, label: str, options: Mapping[str, str], *, default: str = "") -> Choice:
        """`options`: value to words; the default is not written into the address."""
        given = self._here.request.query_params.get(name, default)
        self._values[name] = given if given in options else default
        with self.box:
            made = Choice(
                self._here, label, options, self._values[name], lambda: self._set(name, made.value), quiet=True
            )
        self._reset.append(lambda: made.set(default))
        return made

    def period(self, name: str = "days", *, default: str = "30") -> Choice:
        """The last days: empty for all time."""
        say = self._here.say
        options = {"1": say("frame.period_today"), "7": say("frame.period_7"), "30": say("frame.period_30"),
                   "90": say("frame.period_90"), "": say("frame.period_all")}  # fmt: skip
        return self.choice(name, say("frame.period"), options, default=default)

    async def clear(self) -> None:
        for name in self._values:
            self._values[name] = ""
        for reset in self._reset:
            reset()
        await self._changed()

    async def _set(self, name: str, value: str) -> None:
        if self._values.get(name) != value:
            self._values[name] = value
            await self._changed()

    async def _changed(self) -> None:
        ui.navigate.history.replace(self.address())
        if inspect.isawaitable(done := self._on_change()):
            await done


def _emptied(box: ui.input) -> None:
    box.set_value("")


def facts(items: Sequence[tuple[str, str] | tuple[str, str, str]], *, classes: str = "") -> ui.html:
    """A definition list of (label, words) or (label, words, link); what is empty shows a dash."""

    def told(words: str, href: str = "") -> str:
        shown = escape(words or "–")
        return f'<a href="{escape(href)}">{shown}</a>' if words and href and safe_link(href) else shown

    lines = "".join(f"<div><dt>{escape(label)}</dt><dd>{told(*words)}</dd></div>" for label, *words in items)
    return ui.html(lines, sanitize=False, tag="dl").classes(f"c-facts {classes}".strip())


def code(here: Here, words: str) -> ui.html:
    """Something to copy, with the button for it; change it with `set_words`."""
    with ui.element("div").classes("c-copy"):
        shown = text(words, "c-code", tag="div").props("tabindex=0")
        label = escape(here.say("frame.copy"))
        ui.html(
            f'<button type="button" class="c-tool" data-copy="{shown.html_id}" aria-label="{label}">'
            '<i class="material-icons c-icon" aria-hidden="true">content_copy</i></button>',
            sanitize=False,
        )
    return shown


def details(here: Here, words: str) -> ui.html:
    """Technical words, behind a click."""
    return ui.html(
        f"<summary>{escape(here.say('frame.details'))}</summary><pre>{escape(words)}</pre>",
        sanitize=False, tag="details",
    ).classes("c-details")  # fmt: skip


class Progress:
    """Long work: which phase, and how far; `share` from 0 to 1, None where nobody knows."""

    def __init__(self) -> None:
        with ui.element("div").classes("c-progress").props("role=status") as self.box:
            self._words = text("", "c-progress-words")
            with ui.element("div").classes("c-meter").props("aria-hidden=true") as self._meter:
                self._bar = ui.element("div")

    def show(self, words: str, share: float | None) -> None:
        set_words(self._words, words)
        self._meter.classes(add="c-unknown" if share is None else "", remove="" if share is None else "c-unknown")
        self._bar.style(f"width: {round(max(0.0, min(share or 0.0, 1.0)) * 100)}%")


def progress() -> Progress:
    return Progress()


@contextmanager
def dialog(title: str, *, wide: bool = False) -> Iterator[ui.dialog]:
    """A dialog; `open()` it, and leave with `close()` or `submit(value)`."""
    made = ui.dialog()
    made.props["aria-label"] = title
    with made, ui.element("div").classes("c-dialog c-dialog-wide" if wide else "c-dialog"):
        text(title, "c-h2", tag="h2")
        yield made


def show_once(dialog: ui.dialog) -> None:
    """Opens a dialog that is forgotten when it is closed."""
    dialog.on_value_change(lambda event: None if event.value else dialog.delete())
    dialog.open()


@contextmanager
def keys() -> Iterator[None]:
    """The row of a dialog's buttons."""
    with ui.element("div").classes("c-dialog-keys"):
        yield


async def confirm(here: Here, title: str, effect: str, *, do: str, danger: bool = True) -> bool:
    """Asks before what cannot be undone: the title names the object, `effect` what will happen, `do` the deed."""
    with dialog(title) as asked:
        text(effect, "c-soft", tag="p")
        with keys():
            ui.button(here.say("frame.cancel"), on_click=lambda: asked.submit(False), color=None).props(
                "unelevated no-caps autofocus"
            ).classes("c-btn c-btn-plain")
            ui.button(do, on_click=lambda: asked.submit(True), color=None).props("unelevated no-caps").classes(
                "c-btn c-btn-danger" if danger else "c-btn c-btn-primary"
            )
    try:
        return bool(await asked)
    finally:
        asked.delete()


def chart(
    options: Mapping[str, Any], *, label: str, height: int = 260, on_point: Callable[..., Any] | None = None
) -> ui.echart:
    """`options` as ECharts has them, without looks; `label` says what a person who cannot see it should know."""
    made = ui.echart(dressed(options), on_point_click=on_point, renderer="svg")
    made.props["aria-label"] = label
    return made.classes("c-chart").style(f"height: {height}px").props("role=img")


def dressed(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with our looks; for `made.options.update(dressed(...))` as well."""
    words = {"color": MUTED, "fontFamily": "Inter, system-ui, sans-serif", "fontSize": 12, "lineHeight": 16}
    axis = {
        "axisLine": {"lineStyle": {"color": FAINT}}, "axisTick": {"show": False}, "axisLabel": words,
        "splitLine": {"lineStyle": {"color": FAINT}}, "nameTextStyle": words,
    }  # fmt: skip
    looks: dict[str, Any] = {
        "color": COLOURS, "textStyle": words, "animationDuration": 250,
        "grid": {"left": 8, "right": 12, "top": 28, "bottom": 4, "containLabel": True},
        "tooltip": {"trigger": "axis", "confine": True}, "legend": {"textStyle": words, "top": 0, "icon": "roundRect"},
    }  # fmt: skip
    made = {**looks, **options}
    for name in ("grid", "tooltip", "legend"):
        if name in options and isinstance(options[name], Mapping):
            made[name] = {**looks[name], **options[name]}
    for name in ("xAxis", "yAxis"):
        if isinstance(options.get(name), Mapping):
            made[name] = {**axis, **options[name]}
        elif isinstance(options.get(name), Sequence):
            made[name] = [{**axis, **one} for one in options[name]]
    return made
