"""One price list on its way: its columns, its report, how it joins the others, what it would change, and its start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from html import escape
from typing import Any
from uuid import UUID

from nicegui import ui

from appliance.desk.catalogue import Upload
from ui import frame, goods, parts
from ui.pages.catalogue import state_words, tone
from ui.site import Here, Site

TICK = 1.0  # seconds between looks while a worker is at it
LINES_SHOWN = 15  # of a report at a time: what comes below it must stay in sight
MOST_COLUMNS = 120  # of one sheet that are shown; what comes behind is no price list
CARDS = 10
LINES = ("gone", "price", "added", "question", "problem")


def mount(site: Site) -> None:
    @site.page("/catalogue/{id}", patience=30)
    async def catalogue_upload(here: Here, id: UUID) -> None:
        ui.add_head_html(goods.HEAD)
        upload = await here.house.catalogue.upload(here.actor, id)
        with frame.page(here, upload.file, here.say("purpose")) as head:
            page = Page(here, upload)
            await page.build(head.actions)


class Page:
    """Rebuilt when the list's state changes; while a worker is at it only words and a bar move."""

    def __init__(self, here: Here, upload: Upload) -> None:
        self._here, self._upload = here, upload
        self._desk = here.house.catalogue
        self._wanted: dict[str, dict[str, str]] = {}  # by fingerprint: the fields put right but not saved

    async def build(self, actions: ui.element) -> None:
        say = self._here.say
        with actions:
            parts.linked(say("to_catalogue"), "/catalogue", icon="arrow_back")
            parts.button(self._here, say("drop"), self._drop, kind="quiet", icon="delete")
        with ui.element("div").classes("c-row"):
            self._state = parts.tag("")
        self._progress = parts.progress()
        self._body = ui.element("div").classes("c-steps")
        await self._fill()
        self._here.every(TICK, self._look)

    async def _look(self) -> None:
        """What the worker has done meanwhile; only then, and only what has changed, is sent."""
        if not self._upload.under_way:
            return
        before, now = self._upload, await self._desk.upload(self._here.actor, self._upload.id)
        self._upload = now
        if now.under_way:
            self._show_state()
        elif before.under_way:
            await self._fill()

    def _show_state(self) -> None:
        one = self._upload
        parts.paint(self._state, state_words(self._here, one), tone(one))
        self._progress.box.set_visibility(one.under_way)
        share = one.share if one.share > 0 else None
        self._progress.show(goods.phase(self._here, one.phase) if one.phase else self._here.say("waits"), share)

    async def _fill(self) -> None:
        one, say = self._upload, self._here.say
        self._show_state()
        self._body.clear()
        with self._body:
            if one.under_way:
                parts.text(say("leave"), "c-soft", tag="p")
                return
            if one.fault:
                self._failed()
            counts = await self._desk.line_counts(self._here.actor, one.id)
            if one.version:
                await self._result(counts)
            if one.found:
                self._columns()
                if not one.version:
                    self._sample(one.found.get("sample", ()))
                await self._report(counts)
                await self._plan()

    def _failed(self) -> None:
        say, one = self._here.say, self._upload

        async def again() -> None:
            await self._desk.read_again(self._here.actor, one.id, {})
            await self._turn()

        with ui.element("div").classes("c-card c-verdict v-refuse"), ui.element("div"):
            parts.text(say("failed_title"), "c-h3", tag="p")
            parts.text(one.fault, tag="p")
            parts.button(self._here, say("frame.retry"), again)

    async def _turn(self) -> None:
        self._upload = await self._desk.upload(self._here.actor, self._upload.id)
        await self._fill()

    async def _drop(self) -> None:
        say = self._here.say
        effect = say("drop_effect", file=self._upload.file)
        if await parts.confirm(self._here, say("drop_title"), effect, do=say("drop")):
            await self._desk.drop(self._here.actor, self._upload.id)
            self._here.go("/catalogue")

    def _columns(self) -> None:
        """One sheet at a time: which column is taken for what."""
        say, one = self._here.say, self._upload
        sheets = [sheet for sheet in one.found["sheets"] if sheet["mapping"]]
        if not sheets:
            return
        largest = max(range(len(sheets)), key=lambda at: int(sheets[at]["rows"]))
        state = {"sheet": largest}

        def shown() -> Mapping[str, Any]:
            return sheets[state["sheet"]]  # type: ignore[no-any-return]

        def refresh() -> None:
            sheet = shown()
            columns.show(sheet["mapping"][:MOST_COLUMNS], self._wanted.get(sheet["fingerprint"], {}))
            rows = ", ".join(map(str, sheet["header_rows"])) or say("no_header")
            parts.set_words(about, say("sheet_about", header=rows, rows=self._here.write.number(sheet["rows"])))
            save.set_enabled(any(self._wanted.values()))

        def put(column: str, field: str) -> None:
            sheet = shown()
            known = {one["column"]: one["field"] for one in sheet["mapping"]}
            fields = self._wanted.setdefault(sheet["fingerprint"], {})
            if known.get(column) == field:
                fields.pop(column, None)
            else:
                fields[column] = field
            refresh()

        async def keep() -> None:
            await self._desk.map_columns(self._here.actor, one.id, self._wanted)
            self._wanted = {}
            self._here.toast(say("mapping_kept"))
            await self._turn()

        with parts.section(say("columns"), say("columns_why")):
            with ui.element("div").classes("c-row"):
                if len(sheets) > 1:

                    def turn() -> None:
                        state["sheet"] = int(pick.value)
                        refresh()

                    names = {str(at): str(sheet["name"]) for at, sheet in enumerate(sheets)}
                    pick = parts.choice(self._here, say("sheet"), names, str(largest), turn)
                about = parts.text("", "c-soft")
            with ui.element("div").classes("c-card"):
                columns = goods.Columns(self._here, put, self._desk.fields)
            with ui.element("div").classes("c-row"):
                save = parts.button(self._here, say("save_mapping"), keep, kind="plain", icon="save")
        refresh()

    def _sample(self, sample: Sequence[Mapping[str, Any]]) -> None:
        say = self._here.say
        with parts.section(say("preview"), say("preview_why")):
            if sample:
                goods.cards(self._here, sample[:CARDS], self._upload.version)
            else:
                parts.empty(say("no_products"), say("no_products_why"), icon="view_column")

    async def _report(self, counts: Mapping[str, int]) -> None:
        say, write, one = self._here.say, self._here.write, self._upload
        if one.version:
            return
        with parts.section(say("report")):
            with parts.tiles():
                parts.tile(say("rows")).show(write.number(one.found["rows"]))
                parts.tile(say("products")).show(write.number(one.found["products"]))
                parts.tile(say("problems")).show(
                    write.number(one.found["problems_total"]), tone="warn" if one.found["problems_total"] else ""
                )
                parity = bool(one.found["parity"])
                parts.tile(say("parity")).show(say("parity_yes" if parity else "parity_no"))
            if counts.get("problem"):
                with ui.element("div"):
                    parts.download(say("bad_rows"), f"/catalogue/{one.id}/bad-rows.xlsx")
                await self._table("problem", counts)

    async def _table(self, kind: str, counts: Mapping[str, int]) -> None:
        """The lines of one kind, page by page."""
        say, one = self._here.say, self._upload

        async def fetch(asked: parts.Asked) -> parts.Rows:
            lines = await self._desk.lines(self._here.actor, one.id, kind, offset=asked.offset)
            items = [
                parts.Row(id=str(asked.offset + at), cells=cells_of(self._here, kind, line))
                for at, line in enumerate(lines)
            ]
            return parts.Rows(items=items[: asked.limit], total=counts.get(kind, 0))

        columns = [
            parts.Column(name=name, label=say(f"line_{name}"), number=number, width=width)
            for name, number, width in COLUMNS[kind]
        ]
        await parts.Table(
            self._here,
            columns,
            fetch,
            label=say(f"lines_{kind}"),
            size=LINES_SHOWN,
            empty=lambda: parts.empty(say(f"none_{kind}")),
        ).load()

    async def _plan(self) -> None:
        """How the list joins the others, at what prices; then it is built."""
        say, one = self._here.say, self._upload
        before = await self._desk.suggested(self._here.actor, one)
        plan = one if one.version or one.source or not before else before
        suppliers = await self._desk.suppliers(self._here.actor)
        ways = {"whole": say("how_whole"), "source": say("how_source"), "prices": say("how_prices")}
        with parts.section(say("plan"), say("plan_why") if plan is one else say("plan_remembered")):
            with parts.card():
                with ui.element("div").classes("c-row"):
                    how = parts.choice(self._here, say("how"), ways, plan.how)
                    source = parts.field(say("supplier"), plan.source, hint=say("supplier_hint"))
                    source.props["list"] = "suppliers"
                ui.html(_options(suppliers), sanitize=False, tag="datalist").props("id=suppliers")
                with ui.element("div").classes("c-row"):
                    percent = parts.field(
                        say("percent"), str(plan.options.get("percent", "")), hint=say("percent_hint")
                    )
                    step = parts.field(say("step"), str(plan.options.get("step", "")), hint=say("step_hint"))
                    into = parts.field(say("into"), str(plan.options.get("into", "")), hint=say("into_hint"))
                    rate = parts.field(say("rate"), str(plan.options.get("rate", "")), hint=say("rate_hint"))
                with ui.element("div").classes("c-row"):
                    hidden = ui.checkbox(say("hidden"), value=bool(one.options.get("hidden")))
                    hidden.on_value_change(self._here.guard(lambda event: self._read_hidden(bool(event.value))))

            async def build() -> None:
                numbers = {"percent": percent.value, "step": step.value, "rate": rate.value}
                options = {name: decimal(str(value or "")) for name, value in numbers.items()}
                if (wrong := next((name for name, value in options.items() if value is None), None)) is not None:
                    self._here.toast(say("no_number", field=say(wrong)), "warn")
                    return
                if how.value == "source" and not (source.value or "").strip():
                    self._here.toast(say("supplier_needed"), "warn")
                    return
                await self._desk.build(
                    self._here.actor, one.id, how=how.value, source=str(source.value or ""),
                    options={**options, "into": str(into.value or "").strip().upper()[:3]},
                )  # fmt: skip
                await self._turn()

            with ui.element("div"):
                words, kind = (say("build_again"), "plain") if one.version else (say("build"), "primary")
                parts.button(self._here, words, build, kind=kind, icon="construction")

    async def _read_hidden(self, hidden: bool) -> None:
        await self._desk.read_again(self._here.actor, self._upload.id, {"hidden": hidden})
        await self._turn()

    async def _result(self, counts: Mapping[str, int]) -> None:
        """The verdict, the differences to what is live, and the button that puts it before the customers."""
        say, write, one = self._here.say, self._here.write, self._upload
        goods.verdict(self._here, one.verdict)
        live = any(kept.live and kept.name == one.version for kept in await self._desk.versions(self._here.actor))
        with ui.element("div").classes("c-row"):
            self._start(live)
        figures = one.verdict.get("figures", {})
        with parts.tiles():
            parts.tile(say("products")).show(write.number(figures.get("products", 0)))
            for kind in ("added", "gone", "price"):
                parts.tile(say(f"tile_{kind}")).show(write.number(one.changes.get(kind, 0)))
            parts.tile(say("tile_jumps")).show(
                write.number(one.changes.get("jumps", 0)), tone="warn" if one.changes.get("jumps") else ""
            )
            if figures.get("questions"):
                kept = float(figures.get("questions_kept", 1.0))
                note = say("tile_questions_note", n=int(figures["questions"]))
                parts.tile(say("tile_questions")).show(write.percent(kept, 0), note)
        there = [kind for kind in LINES if counts.get(kind)]
        if there:
            await self._differences(there, counts)
        self._sample(one.changes.get("sample", ()))

    def _start(self, live: bool) -> None:
        say, one = self._here.say, self._upload
        refused = one.verdict.get("verdict") == "refuse"
        if live:
            parts.tag(say("is_live"), "ok")
            return

        async def activate(force: bool) -> None:
            outcome = await self._desk.activate(self._here.actor, one.id, force=force)
            if outcome == "outdated":
                await self._desk.rehearse(self._here.actor, one.id)
                self._here.toast(say("outdated"), "warn")
                await self._turn()
                return
            self._here.toast(say(f"outcome_{outcome}"), "ok" if outcome in ("live", "already") else "bad")
            if outcome in ("live", "already"):
                self._here.go("/catalogue")

        async def forced() -> None:
            if await parts.confirm(self._here, say("force_title"), say("force_effect"), do=say("force")):
                await activate(True)

        if not refused:
            parts.button(self._here, say("activate"), lambda: activate(False), kind="primary", icon="rocket_launch")
        elif self._here.administrator:
            parts.button(self._here, say("force"), forced, kind="danger", icon="warning")
        else:
            parts.text(say("refused_ask"), "c-soft")
        parts.button(self._here, say("rehearse"), self._rehearse, icon="replay")

    async def _rehearse(self) -> None:
        await self._desk.rehearse(self._here.actor, self._upload.id)
        await self._turn()

    async def _differences(self, there: Sequence[str], counts: Mapping[str, int]) -> None:
        say = self._here.say
        with parts.section(say("differences")):
            names = {kind: f"{say(f'lines_{kind}')} ({self._here.write.number(counts[kind])})" for kind in there}

            async def turn() -> None:
                box.clear()
                with box:
                    await self._table(pick.value, counts)

            with ui.element("div").classes("c-row"):
                pick = parts.choice(self._here, say("what"), names, there[0], turn)
                if counts.get("problem"):
                    parts.download(say("bad_rows"), f"/catalogue/{self._upload.id}/bad-rows.xlsx")
            box = ui.element("div")
            with box:
                await self._table(there[0], counts)


COLUMNS: Mapping[str, Sequence[tuple[str, bool, str]]] = {  # name, whether a number, width
    "problem": (("place", False, "24%"), ("message", False, "")),
    "gone": (("sku", False, "18%"), ("name", False, ""), ("price", True, "16%")),
    "added": (("sku", False, "18%"), ("name", False, ""), ("price", True, "16%")),
    "price": (("sku", False, "16%"), ("name", False, ""), ("old", True, ""), ("price", True, ""), ("share", True, "")),
    "question": (("question", False, "40%"), ("before", False, ""), ("after", False, ""), ("kept", False, "")),
}


def cells_of(here: Here, kind: str, line: Mapping[str, Any]) -> dict[str, parts.Cell]:
    """A line as the cells of its table."""
    match kind:
        case "problem":
            row = here.say("row", row=line["row"]) if line["row"] else ""
            return {"place": ", ".join(filter(None, (line["sheet"], row, line["column"]))), "message": line["message"]}
        case "question":
            alike = ("same", "ok") if line["kept"] > 0.99 else ("changed", "warn")
            words, tone_ = ("emptied", "bad") if line["emptied"] else alike
            return {
                "question": line["question"], "before": ", ".join(line["old"][:3]), "after": ", ".join(line["new"][:3]),
                "kept": parts.chip(here.say(f"answer_{words}"), tone_),
            }  # fmt: skip
    cells: dict[str, parts.Cell] = {
        "sku": line["sku"], "name": line["name"], "price": goods.price(here, line["price"], line["currency"]),
    }  # fmt: skip
    if kind == "price":
        cells["old"] = goods.price(here, line["old"], line["old_currency"])
        share = float(line["share"])
        words = f"{'+' if share > 0 else ''}{here.write.percent(share)}" if share else here.say("other_money")
        cells["share"] = parts.chip(words, "bad" if abs(share) > 0.5 else "warn" if abs(share) > 0.2 else "")
    return cells


def decimal(text: str) -> str | None:
    """A number as a person writes it, empty for none; None where it is none."""
    plain = "".join(text.split()).replace(",", ".").rstrip("%")
    if not plain:
        return ""
    try:
        number = Decimal(plain)
    except InvalidOperation:
        return None
    return format(number, "f") if number.is_finite() and abs(number) < 1_000_000 else None


def _options(suppliers: Sequence[tuple[str, int]]) -> str:
    return "".join(f'<option value="{escape(name)}"></option>' for name, _ in suppliers[:50] if name)
