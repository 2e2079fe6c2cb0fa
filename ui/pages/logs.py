"""The box's log as it is written: filtered, with the newest above; personal data stands in it masked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from appliance.core.types import Role
from appliance.desk.box import LEVELS, Line, Wanted
from ui import frame, parts
from ui.site import Here, Site

TONES = {"warning": "warn", "error": "bad", "critical": "bad"}
PROCESSES = ("chat", "worker", "console", "engine", "appliance", "database", "watch")
SOON = 2.0  # seconds between looks while it is followed
DEEPEST = 2000  # lines that can be turned back to


def mount(site: Site) -> None:
    @site.page("/logs", menu="logs", role=Role.ADMINISTRATOR)
    async def logs(here: Here) -> None:
        say, box = here.say, here.house.box
        with frame.page(here, say("title"), say("purpose"), wide=True):
            if not box.has_log(here.actor):
                parts.empty(say("elsewhere"), say("elsewhere_why"), icon="receipt_long")
                return
            filters = parts.Filters(here, lambda: table.load())
            filters.search(label=say("seek"))
            names = {name: say(f"process_{name}") for name in PROCESSES}
            filters.choice("process", say("process"), {"": say("every_process")} | names)
            levels = {level: say(f"level_{level}") for level in LEVELS[1:]}
            filters.choice("level", say("level"), {"": say("every_level")} | levels)
            filters.search("conversation", say("conversation"))
            filters.period(default="")
            filters.choice("live", say("live"), {"1": say("live_on"), "0": say("live_off")}, default="1")
            shown: dict[str, Line] = {}

            def row(line: Line, number: int) -> parts.Row:
                id = f"{line.at.isoformat()}-{number}"
                shown[id] = line
                local = line.at.astimezone()
                return parts.Row(id=id, tone=TONES.get(line.level, ""), cells={
                    "at": f"{here.write.moment(line.at)}:{local.second:02d}", "process": line.process,
                    "level": parts.chip(say(f"level_{line.level}"), TONES.get(line.level, "")) if line.level in TONES
                    else "", "words": f"{line.words} {line.more}".strip()[:400],
                })  # fmt: skip

            async def fetch(asked: parts.Asked) -> parts.Rows:
                days = filters["days"]
                wanted = Wanted(
                    process=filters["process"], level=filters["level"], words=filters["q"],
                    conversation=filters["conversation"],
                    since=datetime.now(UTC) - timedelta(days=int(days)) if days.isdigit() else None,
                )  # fmt: skip
                most = min(asked.offset + asked.limit + 1, DEEPEST)
                found = await box.log(here.actor, wanted, limit=most)
                shown.clear()
                page = found[asked.offset : asked.offset + asked.limit]
                return parts.Rows(items=[row(line, number) for number, line in enumerate(page)], total=len(found))

            def opened(id: str) -> None:
                if line := shown.get(id):
                    _open(here, line)

            columns = [
                parts.Column(name="at", label=say("at"), width="150px"),
                parts.Column(name="process", label=say("process"), wide=True, width="110px"),
                parts.Column(name="level", label=say("level"), wide=True, width="120px"),
                parts.Column(name="words", label=say("words"), clip=True),
            ]
            table = parts.Table(
                here, columns, fetch, label=say("title"), on_row=opened,
                empty=lambda: parts.empty(say("nothing"), say("nothing_why"), icon="receipt_long"),
            )  # fmt: skip
            await table.load()

            async def follow() -> None:
                if filters["live"] == "1":
                    await table.refresh()

            here.every(SOON, follow)


def _open(here: Here, line: Line) -> None:
    say = here.say
    with parts.dialog(line.words[:120] or say("title"), wide=True) as dialog:
        parts.facts([
            (say("at"), f"{here.write.moment(line.at)} ({line.at.isoformat(timespec='milliseconds')})"),
            (say("process"), line.process),
            (say("level"), say(f"level_{line.level}") if line.level in LEVELS else line.level),
            (say("logger"), line.logger), (say("conversation"), line.conversation), (say("more"), line.more),
        ])  # fmt: skip
        if line.exception:
            parts.details(here, line.exception)
        with parts.keys():
            parts.button(here, say("frame.close"), dialog.close)
    parts.show_once(dialog)
