"""The log of what people did: who, what, when, from what to what."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from appliance.core.types import Role
from appliance.desk.audit import Act, Sought
from ui import frame, parts
from ui.site import Here, Site


def mount(site: Site) -> None:
    @site.page("/audit", menu="audit", role=Role.ADMINISTRATOR)
    async def audit(here: Here) -> None:
        say, log = here.say, here.house.audit
        with frame.page(here, say("title"), say("purpose")):
            filters = parts.Filters(here, lambda: table.load())
            filters.search(label=say("seek"))
            people = {str(person.id): person.name for person in await here.house.desk.crew()}
            filters.choice("who", say("person"), {"": say("anybody")} | people)
            areas = await log.areas(here.actor)
            filters.choice("area", say("area"), {"": say("anything")} | {area: area for area in areas})
            filters.period()

            async def fetch(asked: parts.Asked) -> parts.Rows:
                sought = Sought(
                    words=filters["q"], area=filters["area"], since=since(filters["days"]),
                    who=UUID(filters["who"]) if filters["who"] else None,
                )  # fmt: skip
                acts, total = await log.acts(here.actor, sought, offset=asked.offset, limit=asked.limit)
                return parts.Rows(items=[_row(here, act) for act in acts], total=total)

            shown: dict[str, Act] = {}

            def _row(here: Here, act: Act) -> parts.Row:
                shown[str(act.id)] = act
                return parts.Row(id=str(act.id), cells={
                    "at": here.write.moment(act.at), "who": act.who or say("box"), "action": act.action,
                    "subject": act.about or act.subject, "change": change(act.before, act.after),
                })  # fmt: skip

            def opened(id: str) -> None:
                if act := shown.get(id):
                    _open(here, act)

            columns = [
                parts.Column(name="at", label=say("at"), width="10px", whole=True),
                parts.Column(name="who", label=say("who")),
                parts.Column(name="action", label=say("action")),
                parts.Column(name="subject", label=say("subject"), wide=True),
                parts.Column(name="change", label=say("change"), wide=True, clip=True, width="36%"),
            ]
            table = parts.Table(
                here, columns, fetch, label=say("title"), on_row=opened,
                empty=lambda: parts.empty(say("empty"), say("empty_why"), icon="history"),
            )  # fmt: skip
            await table.load()


def since(days: str) -> datetime | None:
    """The moment so many days ago; None for all time."""
    return datetime.now(UTC) - timedelta(days=int(days)) if days.isdigit() else None


def change(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """What changed, in a line: `role: manager → administrator`."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return "; ".join(
        f"{name}: {_plain(before[name])} → {_plain(after.get(name, ''))}" if name in before
        else f"{name}: {_plain(after[name])}" for name in names
    )  # fmt: skip


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _open(here: Here, act: Act) -> None:
    say = here.say
    with parts.dialog(act.action, wide=True) as dialog:
        parts.facts([
            (say("at"), here.write.moment(act.at)), (say("who"), act.who or say("box")),
            (say("subject"), f"{act.about} {act.subject}".strip()),
            (say("before"), json.dumps(act.before, ensure_ascii=False, indent=1) if act.before else ""),
            (say("after"), json.dumps(act.after, ensure_ascii=False, indent=1) if act.after else ""),
        ])  # fmt: skip
        with parts.keys():
            parts.button(here, say("close"), dialog.close)
    dialog.on_value_change(lambda event: None if event.value else dialog.delete())
    dialog.open()
