"""The language models: which fit this box, which one answers; brought, tried, chosen, deleted."""

from __future__ import annotations

import re

from appliance.core.types import Role
from appliance.desk.box import Change, Machine, Model
from ui import frame, parts
from ui.i18n import known as has_text
from ui.site import Here, Site

FITS = {"good": "ok", "slow": "warn", "too large": "bad"}
SOON, LATER = 1.0, 10.0  # seconds between looks at work under way, and at the list


def mount(site: Site) -> None:
    @site.page("/models", menu="models", role=Role.ADMINISTRATOR)
    async def models(here: Here) -> None:
        say, box = here.say, here.house.box
        with frame.page(here, say("title"), say("purpose")) as head:
            with head.actions:
                parts.button(here, say("import"), lambda: _import(here), icon="upload_file")
            machine = await box.machine(here.actor)
            with parts.card():
                parts.facts(_machine(here, machine))
            if fixed := box.named_elsewhere(here.actor):
                parts.text(say("fixed", model=fixed), "c-alert", tag="p")
            work = _Work(here)
            with parts.section(say("list")):
                table = _list(here)
            with parts.section(say("changes"), say("changes_why")):
                changes = _changes(here)
            await table.load()
            await changes.load()
            work.look()

            async def soon() -> None:
                if work.look():
                    await table.refresh()
                    await changes.refresh()

            async def later() -> None:
                await table.refresh()
                await changes.refresh()

            here.every(SOON, soon)
            here.every(LATER, later)


def _machine(here: Here, machine: Machine) -> list[tuple[str, str]]:
    say, write = here.say, here.write
    return [
        (say("processor"), f"{machine.processor} · {say('cores', n=machine.cores)}"),
        (say("memory"), say("free_of", free=write.size(machine.available), all=write.size(machine.memory))),
        (say("disk"), say("free", free=write.size(machine.disk_free))),
        (say("cards"), ", ".join(machine.cards) or say("no_cards")),
    ]


class _Work:
    """The long work under way, or how the last one ended."""

    def __init__(self, here: Here) -> None:
        self._here = here
        self._progress = parts.progress()
        self._progress.box.set_visibility(False)
        self._told = True  # whether the end was told already

    def look(self) -> bool:
        """Shows how far it is; true in the moment when it has ended."""
        here = self._here
        doing = here.house.box.doing(here.actor)
        self._progress.box.set_visibility(doing is not None and not doing.ended)
        if doing is None:
            return False
        if not doing.ended:
            self._told = False
            words = here.say(f"doing_{doing.what}", model=doing.model)
            self._progress.show(f"{words} {doing.line}".strip(), doing.share)
            return False
        if self._told:
            return False
        self._told = True
        done = here.say(f"done_{doing.what}", model=doing.model)
        here.toast(here.say("failed", why=doing.failed) if doing.failed else done, "bad" if doing.failed else "ok")
        return True


def _list(here: Here) -> parts.Table:
    say, box = here.say, here.house.box
    known: dict[str, Model] = {}

    def row(model: Model) -> parts.Row:
        known[model.name] = model
        state = ("answers", "ok") if model.answers else ("here", "brand") if model.here else ("", "")
        fit = (say(f"fit_{model.fit.replace(' ', '_')}"), FITS.get(model.fit, "")) if model.fit else ("", "")
        if not model.room:
            fit = (say("no_room"), "bad")
        return parts.Row(id=model.name, strong=model.answers, cells={
            "name": parts.two(model.name, _about(here, model)), "size": here.write.size(model.size),
            "fit": parts.chip(*fit) if fit[0] else "", "state": parts.chip(say(state[0]), state[1]) if state[0] else "",
            "licence": parts.two(model.licence.partition(":")[0], " ".join(model.languages)),
            "acts": _acts(here, model),
        })  # fmt: skip

    async def fetch(asked: parts.Asked) -> parts.Rows:
        found = sorted(await box.models(here.actor), key=lambda model: (not model.answers, not model.here, model.size))
        page = found[asked.offset : asked.offset + asked.limit]
        return parts.Rows(items=[row(model) for model in page], total=len(found))

    async def act(id: str, what: str) -> None:
        model = known[id]
        match what:
            case "pull":
                await box.pull(here.actor, id)
            case "use" if await parts.confirm(
                here, say("use_title", model=id), say("use_effect"), do=say("use"), danger=False
            ):
                await box.use(here.actor, id)
            case "delete" if await parts.confirm(
                here, say("delete_title", model=id), say("delete_effect", size=here.write.size(model.size)),
                do=say("frame.delete"),
            ):  # fmt: skip
                await box.delete(here.actor, id)
                here.toast(say("deleted", model=id))
                await table.refresh()

    columns = [
        parts.Column(name="name", label=say("model")),
        parts.Column(name="state", label=say("state"), wide=True, width="130px"),
        parts.Column(name="size", label=say("size"), number=True, width="84px"),
        parts.Column(name="fit", label=say("fit"), wide=True, width="170px"),
        parts.Column(name="licence", label=say("licence"), wide=True),
        parts.Column(name="acts", label="", width="92px"),
    ]
    table = parts.Table(here, columns, fetch, label=say("list"), on_act=act)
    return table


def _about(here: Here, model: Model) -> str:
    """What a model is good for; one that we do not know says it itself."""
    id = f"about_{re.sub(r'[^a-z0-9]', '_', model.name)}"
    return here.say(id) if has_text(f"models.{id}") else model.title


def _acts(here: Here, model: Model) -> parts.Cell:
    say, chosen_here = here.say, not here.house.box.named_elsewhere(here.actor)
    if model.answers:
        return ""
    if not model.here:
        return parts.acts(("pull", say("pull"), "download")) if model.room else ""
    choose = [("use", say("use"), "swap_horiz")] if chosen_here else []
    return parts.acts(*choose, ("delete", say("frame.delete"), "delete"), tones={"delete": "danger"})


def _changes(here: Here) -> parts.Table:
    say = here.say

    def row(change: Change, number: int) -> parts.Row:
        outcome = {True: ("kept", "ok"), False: ("returned", "bad"), None: ("trying", "")}[change.kept]
        return parts.Row(id=str(number), cells={
            "at": here.write.moment(change.at), "model": change.model, "before": change.before or "–",
            "outcome": parts.chip(say(outcome[0]), outcome[1]), "why": change.why,
        })  # fmt: skip

    async def fetch(asked: parts.Asked) -> parts.Rows:
        found = await here.house.box.changes(here.actor)
        page = found[asked.offset : asked.offset + asked.limit]
        return parts.Rows(items=[row(change, number) for number, change in enumerate(page)], total=len(found))

    columns = [
        parts.Column(name="at", label=say("at"), width="130px"),
        parts.Column(name="model", label=say("model")),
        parts.Column(name="before", label=say("before"), wide=True),
        parts.Column(name="outcome", label=say("outcome"), width="150px"),
        parts.Column(name="why", label=say("why"), wide=True),
    ]
    return parts.Table(
        here, columns, fetch, size=10, label=say("changes"),
        empty=lambda: parts.empty(say("no_changes"), say("no_changes_why"), icon="swap_horiz"),
    )  # fmt: skip


def _import(here: Here) -> None:
    """Takes a model from a stick or a folder of the box; gigabytes do not go through a browser."""
    say = here.say
    with parts.dialog(say("import")) as dialog:
        parts.text(say("import_why"), "c-soft", tag="p")
        path = parts.field(say("path"), hint="/media/stick/model.gguf")

        async def take() -> None:
            if path.value and path.value.strip():
                await here.house.box.import_(here.actor, path.value.strip())
                dialog.close()

        with parts.keys():
            parts.button(here, say("frame.cancel"), dialog.close)
            parts.button(here, say("import"), take, kind="primary")
    parts.show_once(dialog)
