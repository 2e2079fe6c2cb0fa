"""The console's table: one server-side page of at most 50 rows in one element, which knows how to turn and sort."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from nicegui import ui
from nicegui.events import GenericEventArguments

if TYPE_CHECKING:
    from ui.site import Here

SIZE = 50  # rows of a page: building and sending more is felt by everybody (facts of the console's measurements)

Cell: TypeAlias = str | int | float | Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """`number`: to the right, tabular figures; `wide`: not on phones; `clip`: one line, cut with an ellipsis;
    `whole`: never broken into lines.
    """

    name: str
    label: str
    sort: bool = False
    number: bool = False
    wide: bool = False
    clip: bool = False
    whole: bool = False
    width: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row: its cells by column. `href` opens on a click anywhere in it; `strong` for what is unread."""

    id: str
    cells: Mapping[str, Cell]
    href: str = ""
    tone: str = ""
    strong: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which page of rows is wanted."""

    offset: int
    limit: int
    sort: str
    down: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """One page of rows, and how many there are in all."""

    items: Sequence[Row]
    total: int


def chip(text: str, tone: str = "") -> Cell:
    """A state in a word; tone: ok, warn, bad, brand, or none."""
    return {"t": "chip", "text": text, "tone": tone}


def chips(*items: tuple[str, str]) -> Cell:
    """Several states: (words, tone)."""
    return {"t": "chips", "items": [{"text": text, "tone": tone} for text, tone in items]}


def link(text: str, href: str) -> Cell:
    """A link of its own; one that leads to no page (javascript: and the like) stays text."""
    return {"t": "link", "text": text, "href": href} if safe_link(href) else text


def two(text: str, sub: str) -> Cell:
    """Two lines: what it is, and a smaller one about it."""
    return {"t": "two", "text": text, "sub": sub}


def bar(share: float, text: str) -> Cell:
    """A share from 0 to 1 as a bar, with its words."""
    return {"t": "bar", "share": max(0.0, min(share, 1.0)), "text": text}


def image(src: str, alt: str = "") -> Cell:
    return {"t": "image", "src": src, "alt": alt} if safe_link(src) else ""


def acts(*items: tuple[str, str, str], tones: Mapping[str, str] | None = None) -> Cell:
    """Buttons of a row: (act, words, icon or empty)."""
    tones = tones or {}
    return {
        "t": "buttons",
        "items": [{"act": act, "text": text, "icon": icon, "tone": tones.get(act, "")} for act, text, icon in items],
    }


def safe_link(href: str) -> bool:
    """Whether a link from data may be followed: our own pages, web pages, mail and telephone."""
    return href.startswith(("/", "#", "?", "https://", "http://", "mailto:", "tel:")) and not href.startswith("//")


class Grid(ui.element, component=Path(__file__).with_name("static") / "grid.js"):
    """The element that the browser shows."""


Fetch: TypeAlias = Callable[[Asked], Awaitable[Rows]]


@dataclass(slots=True, kw_only=True)
class _State:
    page: int = 0
    sort: str = ""
    down: bool = True
    picked: list[str] = field(default_factory=list)


class Table:
    """`await table.load()` shows the first page; `await table.refresh()` the same one again, sent only if changed.

    `fetch(asked)` gives the rows. `on_row(id)` where a click opens no page; `on_act(id, act)` for the buttons of
    `acts`; `pick` adds boxes, and `table.picked` has the ids. `empty` builds what stands there without rows.
    """

    def __init__(
        self, here: Here, columns: Sequence[Column], fetch: Fetch, *, label: str = "", sort: str = "",
        down: bool = True, size: int = SIZE, pick: bool = False, empty: Callable[[], Any] | None = None,
        on_row: Callable[[str], Any] | None = None, on_act: Callable[[str, str], Any] | None = None,
        on_pick: Callable[[list[str]], Any] | None = None,
    ) -> None:  # fmt: skip
        self._here, self._fetch, self._size = here, fetch, min(size, SIZE)
        self._state = _State(sort=sort, down=down)
        self._on_row, self._on_act, self._on_pick = on_row, on_act, on_pick
        self.rows: list[Row] = []
        self.total = 0
        say = here.say
        with ui.element("div").classes("c-card c-grid-card") as self.box:
            self._grid = Grid()
            self._empty = ui.element("div")
            with self._empty:
                (empty or (lambda: ui.html(f'<p class="c-soft">{say("frame.nothing")}</p>', sanitize=False)))()
        self._empty.set_visibility(False)
        self._set(
            columns=[asdict(column) for column in columns],
            rows=[], label=label, opens=on_row is not None, pick=pick, picked=[], busy=True, range="",
            words={
                "choose": say("frame.choose_row"), "next": say("frame.next_page"),
                "previous": say("frame.previous_page"),
            },
        )  # fmt: skip
        for event, handler in (("sort", self._sorts), ("turn", self._turns), ("row", self._opens), ("act", self._acts),
                               ("pick", self._picks)):  # fmt: skip
            self._grid.on(event, here.guard(handler))

    @property
    def picked(self) -> list[str]:
        return list(self._state.picked)

    async def load(self) -> None:
        """The first page, as after a change of filters."""
        self._state.page, self._state.picked = 0, []
        await self.refresh()

    async def refresh(self) -> None:
        """The page that is open, as it is now; nothing is sent when nothing has changed."""
        state = self._state
        asked = Asked(offset=state.page * self._size, limit=self._size, sort=state.sort, down=state.down)
        found = await self._fetch(asked)
        if not found.items and found.total and state.page:  # the last page has become empty
            state.page = (found.total - 1) // self._size
            await self.refresh()
            return
        self.rows, self.total = list(found.items), found.total
        self._show()

    def put(self, row: Row) -> None:
        """One row in the place of the one with its id, if it is shown."""
        self.rows = [row if one.id == row.id else one for one in self.rows]
        self._show()

    def _show(self) -> None:
        state, write = self._state, self._here.write
        first = state.page * self._size + 1
        last = first + len(self.rows) - 1
        more = self.total > self._size
        shown = self._here.say(
            "frame.range_of", first=write.number(first), last=write.number(last), total=write.number(self.total)
        )
        self._set(
            rows=[
                {"id": row.id, "cells": dict(row.cells), "href": row.href if safe_link(row.href) else "",
                 "tone": row.tone, "strong": row.strong}
                for row in self.rows
            ],
            sort=state.sort, down=state.down, picked=list(state.picked), busy=False, range=shown if more else "",
            before=state.page > 0, after=last < self.total,
        )  # fmt: skip
        self._grid.set_visibility(bool(self.rows))
        self._empty.set_visibility(not self.rows)

    def _set(self, **props: Any) -> None:
        changed = {name: value for name, value in props.items() if self._grid.props.get(name) != value}
        if changed:
            self._grid.props.update(changed)
            self._grid.update()

    async def _sorts(self, event: GenericEventArguments) -> None:
        state, name = self._state, str(event.args)
        state.down = not state.down if state.sort == name else True
        state.sort = name
        await self.load()

    async def _turns(self, event: GenericEventArguments) -> None:
        last = max(0, (self.total - 1) // self._size)
        self._state.page = max(0, min(self._state.page + int(event.args), last))
        await self.refresh()

    async def _opens(self, event: GenericEventArguments) -> None:
        if self._on_row and (done := self._on_row(str(event.args))) is not None:
            await done

    async def _acts(self, event: GenericEventArguments) -> None:
        done = self._on_act(str(event.args["row"]), str(event.args["act"])) if self._on_act else None
        if done is not None:
            await done

    async def _picks(self, event: GenericEventArguments) -> None:
        shown = {row.id for row in self.rows}
        self._state.picked = [str(id) for id in event.args if id in shown]
        self._set(picked=list(self._state.picked))
        if self._on_pick and (done := self._on_pick(self.picked)) is not None:
            await done
