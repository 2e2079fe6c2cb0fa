"""One version of the prompt: its words, what is wrong with them, and what it answers beside the live one."""

from __future__ import annotations

import asyncio
from html import escape

from nicegui import background_tasks, ui

from appliance.desk.words import TRIED, Form, PromptVersion, Tried, Unfit
from ui import frame, goods, parts
from ui.pages.words_prompts import state
from ui.site import Here, Site

SHARES = (0, 5, 10, 20, 30, 50)  # per cent of the dialogues
ASKED = 3  # recent questions that a try-out is filled with


def mount(site: Site) -> None:
    @site.page("/prompts/{version}")
    async def words_prompt(here: Here, version: str) -> None:
        ui.add_head_html(goods.HEAD)
        found, filled = await here.house.words.prompt(here.actor, version)
        with frame.page(here, here.say("title", version=version), here.say("purpose")) as head:
            await Editor(here, found, filled).build(head.actions)


class Editor:
    """The words of one version; those of a published one become a new draft when they are changed."""

    def __init__(self, here: Here, found: PromptVersion, filled: Form) -> None:
        self._here, self._found, self._desk = here, found, here.house.words
        self._filled = filled
        self._examples: list[tuple[ui.input, ui.input]] = []
        self._running: asyncio.Task[None] | None = None

    async def build(self, actions: ui.element) -> None:
        say, here = self._here.say, self._here
        with actions:
            parts.linked(say("all"), "/prompts", icon="arrow_back")
            if here.administrator and not self._found.live:
                parts.button(here, say("publish"), self._publish, kind="primary", icon="rocket_launch")
        with ui.element("div").classes("c-row"):
            parts.tag(*state(here, self._found))
            if here.administrator and not self._found.live:
                self._shares()
        with ui.element("div").classes("c-editor"):
            with ui.element("div").classes("c-steps"):
                self._words()
            with ui.element("div").classes("c-steps"):
                self._wrong()
                await self._tries()
                self._results = ui.element("div").classes("c-tried")
        ui.context.client.on_delete(self._stop)

    def _words(self) -> None:
        say, here = self._here.say, self._here
        with parts.section(say("system"), say("system_why")):
            self._system = parts.field(say("system"), self._filled.system, rows=14).classes("c-wide-field")
        with parts.section(say("examples"), say("examples_why")):
            self._box = ui.element("div").classes("c-steps")
            for user, assistant in self._filled.examples:
                self._example(user, assistant)
            if here.administrator:
                parts.button(here, say("add"), lambda: self._example("", ""), icon="add")
        self._note = parts.field(say("note"), self._found.note, hint=say("note_hint")).classes("c-wide-field")
        if not here.administrator:
            return
        with ui.element("div").classes("c-row"):
            parts.button(here, say("save_draft"), self._save, icon="save")
            if self._found.draft:
                parts.button(here, say("drop"), self._drop, kind="quiet", icon="delete")

    def _example(self, user: str, assistant: str) -> None:
        say = self._here.say
        with self._box, ui.element("div").classes("c-example") as box:
            pair = (
                parts.field(say("shown"), user, rows=4).classes("c-wide-field"),
                parts.field(say("answer"), assistant, rows=2).classes("c-wide-field"),
            )
            self._examples.append(pair)

            def away() -> None:
                self._examples.remove(pair)
                box.delete()

            if self._here.administrator:
                parts.button(self._here, say("remove"), away, kind="quiet", icon="close")

    def _form(self) -> Form:
        examples = tuple((str(user.value or ""), str(answer.value or "")) for user, answer in self._examples)
        return Form(system=str(self._system.value or ""), examples=examples)

    def _wrong(self) -> None:
        with parts.section(self._here.say("check")):
            self._faults = ui.html("", sanitize=False, tag="ul").classes("c-faults")
            self._looked()
            parts.button(self._here, self._here.say("check_again"), self._looked, icon="fact_check")

    def _looked(self) -> bool:
        """Shows what is wrong; whether the words may be published."""
        say = self._here.say
        found = self._desk.faults(self._form())
        lines = [
            f'<li class="{"v-grave" if fault.grave else "v-mild"}">'
            f"{escape(say(f'fault_{fault.id}', place=fault.place))}</li>"
            for fault in found
        ]
        self._faults.set_content("".join(lines) or f"<li>{escape(say('no_faults'))}</li>")
        return not any(fault.grave for fault in found)

    async def _tries(self) -> None:
        say, here = self._here.say, self._here
        recent = await self._desk.recent_questions(here.actor, ASKED)
        with parts.section(say("try"), say("try_why")):
            asked = "\n".join(recent or [say("question_1"), say("question_2")])
            self._questions = parts.field(say("questions"), asked, rows=5).classes("c-wide-field")
            with ui.element("div").classes("c-row"):
                self._start = parts.button(here, say("try_now"), self._begin, icon="play_arrow")
                self._end = parts.button(here, say("stop"), self._stop, kind="quiet", icon="stop")
            self._end.set_visibility(False)
            self._progress = parts.progress()
            self._progress.box.set_visibility(False)

    async def _begin(self) -> None:
        if not self._looked():
            self._here.toast(self._here.say("faulty"), "warn")
            return
        prompts = [(self._here.say("these_words"), self._form())]
        live = next((one for one in await self._desk.prompts(self._here.actor) if one.live), None)
        if live and (live.version != self._found.version or self._form() != self._filled):
            prompts.insert(0, (live.version, (await self._desk.prompt(self._here.actor, live.version))[1]))
        questions = [one for one in str(self._questions.value or "").splitlines() if one.strip()][:TRIED]
        self._results.clear()
        self._stop()
        self._end.set_visibility(True)
        self._start.set_enabled(False)
        self._running = background_tasks.create(self._run(prompts, questions), name="try-out")

    async def _run(self, prompts: list[tuple[str, Form]], questions: list[str]) -> None:
        """Answers as they come; leaving the page cancels this, and with it the model's work."""
        asked, done, wanted = "", 0, len(prompts) * len(questions)
        sides: ui.element | None = None
        self._far(done, wanted)
        answers = self._desk.try_out(self._here.actor, prompts, questions)
        try:
            async for tried in answers:
                with self._results:
                    if tried.question != asked or sides is None:
                        asked = tried.question
                        with ui.element("div").classes("c-tried-question"):
                            parts.text(asked, "c-h3", tag="h3")
                            sides = ui.element("div").classes("c-tried-sides")
                with sides:
                    _shown(self._here, tried)
                done += 1
                self._far(done, wanted)
        except Unfit as error:
            with self._results:
                parts.text(self._here.say(f"unfit_{error.id}"), "c-soft", tag="p")
        except Exception as error:  # noqa: BLE001 - told on the page
            with self._results:
                self._here.tell(error)
        finally:
            await answers.aclose()
            if not self._start.is_deleted:
                self._start.set_enabled(True)
                self._end.set_visibility(False)
                self._progress.box.set_visibility(False)

    def _far(self, done: int, wanted: int) -> None:
        """How many answers are there; on a box without a card each takes the model some seconds."""
        self._progress.box.set_visibility(done < wanted)
        self._progress.show(self._here.say("try_far", n=min(done + 1, wanted), of=wanted), done / max(wanted, 1))

    def _stop(self) -> None:
        if self._running and not self._running.done():
            self._running.cancel()

    async def _save(self) -> None:
        version = self._found.version if self._found.draft else ""
        note = str(self._note.value or "")
        kept = await self._desk.save_draft(self._here.actor, self._form(), version=version, note=note)
        self._filled = self._form()
        self._looked()
        self._here.toast(self._here.say("draft_kept", version=kept))
        if kept != self._found.version:
            self._here.go(f"/prompts/{kept}")

    async def _drop(self) -> None:
        say = self._here.say
        effect = say("drop_effect", version=self._found.version)
        if await parts.confirm(self._here, say("drop_title"), effect, do=say("drop")):
            await self._desk.drop_draft(self._here.actor, self._found.version)
            self._here.go("/prompts")

    async def _publish(self) -> None:
        say = self._here.say
        if self._form() != self._filled:
            self._here.toast(say("unsaved"), "warn")
            return
        if not self._looked():
            self._here.toast(say("faulty"), "warn")
            return
        await self._desk.publish(self._here.actor, self._found.version)
        self._here.toast(say("published"))
        self._here.go("/prompts")

    def _shares(self) -> None:
        say, here = self._here.say, self._here
        options = {str(share): here.write.percent(share / 100, 0) if share else say("no_share") for share in SHARES}

        async def share() -> None:
            shares = {one.version: one.share for one in await self._desk.prompts(here.actor) if one.share}
            try:
                await self._desk.share(here.actor, {**shares, self._found.version: int(pick.value)})
            except Unfit as error:
                here.toast(say(f"unfit_{error.id}", **error.values), "warn")
                return
            here.toast(say("shared"))

        pick = parts.choice(here, say("share"), options, str(self._found.share), share)
        parts.linked(say("results"), "/experiments", icon="science")


def _shown(here: Here, tried: Tried) -> None:
    """What one side answered."""
    say = here.say
    with ui.element("div").classes("c-tried-side"):
        parts.text(tried.version, "c-h3", tag="p")
        parts.text(tried.text, tag="p")
        how = say("by_model") if tried.prose else say("by_us")
        held = say("held_back", n=tried.blocked) if tried.blocked else ""
        took = say("seconds", n=here.write.number(tried.seconds))
        parts.text(" · ".join(filter(None, (how, held, took))), "c-soft", tag="p")
        if tried.cards:
            parts.text(", ".join(f"{sku} {name}" for sku, name in tried.cards[:4]), "c-soft", tag="p")
