"""Backups and data: what could be brought back, how full the disk is, and what is kept of a person."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from uuid import UUID

from nicegui import ui
from starlette.requests import Request
from starlette.responses import Response

from appliance.core.types import Role
from appliance.desk.backups import BACKUP, ROOM, VERIFY, Backup, Chore, Disk, Shelved, why_not
from appliance.desk.privacy import Person, Receipt
from ui import frame, parts
from ui.site import Here, Site

LOOK = 2.0  # seconds between looks while the page is open
SELDOM = 30  # looks after which the disk is measured again
BUSY = (BACKUP, VERIFY, ROOM)


def mount(site: Site) -> None:
    @site.page("/backups", menu="backups", role=Role.ADMINISTRATOR)
    async def backups(here: Here) -> None:
        with frame.page(here, here.say("title"), here.say("purpose")) as head:
            keeping = Keeping(here)
            with head.actions:
                parts.button(here, here.say("make"), keeping.make, kind="primary", icon="backup")
            keeping.build()
            People(here).build()
            await keeping.look()
            here.every(LOOK, keeping.look)

    @site.route("/backups/manifests/{id}.json", role=Role.ADMINISTRATOR)
    async def manifest(here: Here, request: Request) -> Response:
        id = request.path_params["id"]
        contents = await here.house.backups.manifest(here.actor, id)
        return _file(contents, f"{id}.json", "application/json")

    @site.route("/backups/people/{id}.zip", role=Role.ADMINISTRATOR)
    async def person(here: Here, request: Request) -> Response:
        found = await here.house.privacy.find(here.actor, request.path_params["id"])
        if not found:
            return Response(here.say("person_gone"), 404, media_type="text/plain; charset=utf-8")
        return _file(await here.house.privacy.export(here.actor, found[0]), "person.zip", "application/zip")


class Keeping:
    """The backups and the disk; kept up to date by handles, never built anew."""

    def __init__(self, here: Here) -> None:
        self._here, self._desk = here, here.house.backups
        self._shelved = Shelved(backups=())
        self._disk: Disk | None = None
        self._told: set[UUID] = set()
        self._looks = 0

    def build(self) -> None:
        here, say = self._here, self._here.say
        with parts.tiles():
            self._last, self._proof = parts.tile(say("last")), parts.tile(say("proof"))
            self._count, self._free = parts.tile(say("count")), parts.tile(say("free"))
        self._work = parts.progress()
        self._trouble = parts.tag("", "bad")
        with parts.section(say("backups_title"), say("backups_why", **self._plan())):
            columns = [
                parts.Column(name="made", label=say("made")),
                parts.Column(name="state", label=say("state")),
                parts.Column(name="rows", label=say("rows"), number=True, wide=True),
                parts.Column(name="size", label=say("size"), number=True, wide=True),
                parts.Column(name="catalogue", label=say("catalogue"), wide=True),
                parts.Column(name="do", label="", width="1%"),
            ]
            self._table = parts.Table(
                here, columns, self._fetch, label=say("backups_title"), on_act=self._act,
                empty=lambda: parts.empty(say("none"), say("none_why"), icon="backup"),
            )  # fmt: skip
            parts.text(say("restore_how"), "c-soft", tag="p")
            parts.code(here, "appliance restore")
        with parts.section(say("disk_title"), say("disk_why")):
            uses = [
                parts.Column(name="kind", label=say("kind")),
                parts.Column(name="share", label="", wide=True, width="30%"),
                parts.Column(name="bytes", label=say("used"), number=True),
                parts.Column(name="free", label=say("can_go"), number=True),
            ]
            self._uses = parts.Table(here, uses, self._fetch_uses, label=say("disk_title"))
            self._clear = parts.button(here, say("make_room"), self.make_room, icon="cleaning_services")

    async def look(self) -> None:
        """What has changed is sent, and nothing else."""
        chores = await self._desk.chores(self._here.actor, *BUSY)
        self._show_work(chores)
        ended = {chore.id for chore in chores if chore.ended_at}
        if ended != self._told or self._looks % SELDOM == 0:
            self._told = ended
            self._shelved = await self._desk.all(self._here.actor)
            self._disk, days = await self._desk.disk(self._here.actor)
            self._show(self._disk, days)
            await self._table.refresh()
            await self._uses.refresh()
        self._looks += 1

    async def make(self) -> None:
        await self._desk.make(self._here.actor)
        await self.look()

    async def make_room(self) -> None:
        say = self._here.say
        if await parts.confirm(self._here, say("room_sure"), say("room_effect"), do=say("make_room")):
            await self._desk.make_room(self._here.actor)
            await self.look()

    async def _act(self, id: str, act: str) -> None:
        if act == "manifest":
            ui.download.from_url(f"/backups/manifests/{id}.json")
            return
        await self._desk.verify(self._here.actor, id)
        await self.look()

    async def _fetch(self, asked: parts.Asked) -> parts.Rows:
        known = self._shelved.backups
        shown = known[asked.offset : asked.offset + asked.limit]
        return parts.Rows(items=[self._row(one) for one in shown], total=len(known))

    def _row(self, one: Backup) -> parts.Row:
        say, write = self._here.say, self._here.write
        proof = (
            ("unproven", "") if one.verified is None else ("broken", "bad") if one.verified.trouble else ("ok", "ok")
        )
        marks = [(say(f"state_{proof[0]}"), proof[1])]
        marks += [(say("state_copied"), "brand")] if one.copied else []
        return parts.Row(
            id=one.id,
            cells={
                "made": parts.two(write.moment(one.created), say(f"made_{one.kind}")),
                "state": parts.chips(*marks),
                "rows": write.number(sum(one.rows.values())),
                "size": parts.two(write.size(one.own_size), say("with_catalogue", size=write.size(one.size))),
                "catalogue": one.catalogue or "–",
                "do": parts.acts(("verify", say("verify"), "fact_check"), ("manifest", say("manifest"), "list_alt")),
            },
        )

    async def _fetch_uses(self, asked: parts.Asked) -> parts.Rows:
        disk, write = self._disk, self._here.write
        if disk is None:
            return parts.Rows(items=[], total=0)
        most = max((use.bytes for use in disk.uses), default=0) or 1
        uses = sorted((use for use in disk.uses if use.bytes), key=lambda use: use.bytes, reverse=True)
        rows = [
            parts.Row(id=use.kind, cells={
                "kind": self._here.say(f"kind_{use.kind}"), "share": parts.bar(use.bytes / most, ""),
                "bytes": write.size(use.bytes),
                "free": write.size(use.free) if use.free else "–",
            })
            for use in uses
        ]  # fmt: skip
        return parts.Rows(items=rows, total=len(rows))

    def _show(self, disk: Disk, days: int | None) -> None:
        say, write = self._here.say, self._here.write
        newest, proven = next(iter(self._shelved.backups), None), self._shelved.proven
        self._last.show(write.ago(newest.created) if newest else "–", write.moment(newest.created) if newest else "")
        seen = proven.verified if proven else None
        note = say("proof_note", rows=write.number(seen.rows), seconds=write.number(seen.seconds)) if seen else ""
        wrong = seen is not None and bool(seen.trouble)
        self._proof.show(
            say("proof_none") if seen is None else write.ago(seen.at), say("state_broken") if wrong else note,
            "bad" if wrong else "ok" if seen else "warn",
        )  # fmt: skip
        size = sum(use.bytes for use in disk.uses if use.kind == "backups")
        self._count.show(write.number(len(self._shelved.backups)), write.size(size))
        left = say("days_left", n=days) if days is not None else say("of_total", size=write.size(disk.total))
        soon = days is not None and days <= 30
        self._free.show(write.size(disk.free), left, "bad" if disk.short else "warn" if soon else "")
        self._clear.set_enabled(any(use.free for use in disk.uses))
        trouble = self._shelved.trouble
        parts.paint(self._trouble, say(trouble[0], **trouble[1]) if trouble else "", "bad")
        self._trouble.set_visibility(bool(trouble))

    def _show_work(self, chores: Sequence[Chore]) -> None:
        """The chore under way; else why the last one was not done."""
        say = self._here.say
        going = next((chore for chore in chores if chore.ended_at is None), None)
        failed = chores[0] if chores and chores[0].fault else None
        self._work.box.set_visibility(bool(going or failed))
        if going:
            step = say(f"step_{STEPS[going.progress]}") if going.progress in STEPS else say("step_waiting")
            self._work.show(f"{say(f'chore_{going.kind}')}: {step}", None)
        elif failed:
            self._work.show(f"{say(f'chore_{failed.kind}')}: {say('not_done')} {why_not(failed, self._here.lang)}", 0)

    def _plan(self) -> Mapping[str, object]:
        plan, write, say = self._desk.plan, self._here.write, self._here.say
        return {
            "hours": write.number(plan.every.total_seconds() / 3600), "at": plan.at, "daily": plan.keep.daily,
            "weekly": plan.keep.weekly,
            "monthly": plan.keep.monthly, "folder": plan.folder,
            "copies": say("copies_to", folder=plan.copies) if plan.copies else say("copies_none"),
        }  # fmt: skip


# What `appliance backup` says of its steps, by the id of the words for it.
STEPS = {
    "the catalogue and your files …": "files", "the database …": "database", "checksums …": "checksums",
    "a restore into a scratch database …": "scratch",
}  # fmt: skip


class People:
    """One person: found, handed out, erased; and how long what is kept of everybody."""

    def __init__(self, here: Here) -> None:
        self._here, self._desk = here, here.house.privacy
        self._found: dict[str, Person] = {}

    def build(self) -> None:
        here, say = self._here, self._here.say
        with parts.section(say("people_title"), say("people_why")):
            with ui.element("div").classes("c-filters").props("role=search"):
                self._asked = ui.input(placeholder=say("who")).props("outlined dense clearable type=search")
                self._asked.props["aria-label"] = say("who")
                self._asked.classes("c-search").on("keydown.enter", here.guard(self._find))
                parts.button(here, say("find"), self._find, icon="person_search")
            columns = [
                parts.Column(name="who", label=say("person")),
                parts.Column(name="where", label=say("where"), wide=True),
                parts.Column(name="has", label=say("has")),
                parts.Column(name="last", label=say("last_word"), wide=True),
                parts.Column(name="do", label="", width="1%"),
            ]
            self._table = parts.Table(
                here, columns, self._fetch, label=say("people_title"), on_act=self._act,
                empty=lambda: parts.empty(say("nobody"), say("nobody_why"), icon="person_search"),
            )  # fmt: skip
            self._table.box.set_visibility(False)
            with parts.card(say("receipt")) as self._card:
                self._words = parts.facts([])
            self._card.set_visibility(False)
        with parts.section(say("kept_title"), say("kept_why")):
            days = here.house.backups.plan.kept_days
            with parts.card():
                parts.facts([(say(f"kept_{name}"), self._lasting(count)) for name, count in days.items()])

    def _lasting(self, days: int) -> str:
        return self._here.say("kept_days", n=days) if days else self._here.say("kept_for_ever")

    async def _find(self) -> None:
        wanted = (self._asked.value or "").strip()
        if not wanted:
            return
        found = await self._desk.find(self._here.actor, wanted)
        self._found = {str((*person.conversations, *person.leads)[0]): person for person in found}
        self._table.box.set_visibility(True)
        self._card.set_visibility(False)
        await self._table.load()

    async def _fetch(self, asked: parts.Asked) -> parts.Rows:
        return parts.Rows(items=[self._row(id, one) for id, one in self._found.items()], total=len(self._found))

    def _row(self, id: str, person: Person) -> parts.Row:
        say, write = self._here.say, self._here.write
        contacts = ", ".join((*person.phones, *person.emails, *person.companies))
        return parts.Row(
            id=id,
            cells={
                "who": parts.two(", ".join(person.names) or say("nameless"), contacts),
                "where": ", ".join(say(f"at_{channel}", address=address) for channel, address in person.addresses),
                "has": self._has(person),
                "last": write.moment(person.last) if person.last else "–",
                "do": parts.acts(
                    ("export", say("export"), "download"), ("erase", say("erase"), "delete_forever"),
                    tones={"erase": "danger"},
                ),
            },
        )  # fmt: skip

    def _has(self, person: Person) -> str:
        say = self._here.say
        return ", ".join(
            say(f"n_{what}", n=count)
            for what, count in (
                ("messages", person.messages), ("leads", len(person.leads)), ("quotations", person.quotations),
            ) if count
        ) or "–"  # fmt: skip

    async def _act(self, id: str, act: str) -> None:
        person = self._found.get(id)
        if person is None:
            return
        if act == "export":
            ui.download.from_url(f"/backups/people/{id}.zip")
            return
        here, say = self._here, self._here.say
        name = ", ".join((*person.names, *person.phones)) or say("nameless")
        if not await parts.confirm(
            here, say("erase_sure", name=name), say("erase_effect", has=self._has(person)), do=say("erase")
        ):
            return
        self._show(await self._desk.erase(here.actor, person))
        del self._found[id]
        self._table.box.set_visibility(bool(self._found))
        await self._table.load()

    def _show(self, receipt: Receipt) -> None:
        here, say, write = self._here, self._here.say, self._here.write
        erased = {name: count for name, count in receipt.counts.items() if count and name != "crm"}
        items = [
            (say("receipt_number"), str(receipt.number)),
            (say("receipt_at"), write.moment(receipt.at)),
            (say("receipt_erased"), ", ".join(f"{say(f'area_{name}')} {count}" for name, count in erased.items())),
            (say("receipt_logs"), write.number(receipt.log_lines)),
            (say("receipt_consents"), say("receipt_consents_kept", n=receipt.consents_kept)),
            (say("receipt_crm"), say("receipt_crm_asked", n=asked) if (asked := receipt.counts.get("crm", 0)) else ""),
            (say("receipt_backups"), say("receipt_backups_until", n=len(receipt.backups), day=write.day(receipt.until))
             if receipt.until else say("receipt_no_backups")),
        ]  # fmt: skip
        self._words.delete()
        with self._card:
            self._words = parts.facts(items)
            parts.details(here, json.dumps(list(receipt.backups), indent=1)) if receipt.backups else None
        self._card.set_visibility(True)
        here.toast(say("erased"))


def _file(contents: bytes, name: str, kind: str) -> Response:
    return Response(contents, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
