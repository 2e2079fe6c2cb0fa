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
from ui.i18n import known
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
            filters.choice(
                "area", say("area"), {"": say("anything")} | {area: _word(here, "area", area) for area in areas}
            )
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
                    "at": here.write.moment(act.at), "who": act.who or say("box"),
                    "action": _word(here, "act", act.action), "subject": _subject(here, act),
                    "change": change(here, act.before, act.after),
                })  # fmt: skip

            def opened(id: str) -> None:
                if act := shown.get(id):
                    _open(here, act)

            columns = [
                parts.Column(name="at", label=say("at"), width="10px", whole=True),
                parts.Column(name="who", label=say("who")),
                parts.Column(name="action", label=say("action")),
                parts.Column(name="subject", label=say("subject"), wide=True, whole=True),
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


def change(here: Here, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """What changed, in a line: `role: manager → administrator`."""
    told = []
    for name in {**before, **after}:
        was, now = _value(here, name, before.get(name)), _value(here, name, after.get(name))
        if was != now:
            turned = f"{was} → {now}" if was and now else now or here.say("was", value=was)
            told.append(f"{_word(here, 'field', name)}: {turned}")
    return "; ".join(told)


def _word(here: Here, kind: str, name: str) -> str:
    """What we call an action, an area, a field or a value; its own name where we have no word for it."""
    id = f"{kind}_{name.replace('.', '_')}"
    return here.say(id) if known(f"audit.{id}") else name


def _value(here: Here, name: str, value: object) -> str:
    if value is None or value == "":
        return ""
    plain = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    id = f"leads.{name}_{plain}"
    return here.say(id) if known(id) else _word(here, "value", plain)


def _subject(here: Here, act: Act) -> parts.Cell:
    """Whom or what it was done to: by name, by what opens it, else by the first signs of its id."""
    if act.about:
        return act.about
    try:
        id = UUID(act.subject)
    except ValueError:
        return act.subject
    opens = {"conversation": f"/conversations?c={id}", "lead": f"/leads?lead={id}", "text": f"/texts/{id}",
             "catalogue": f"/catalogue/{id}"}  # fmt: skip
    words = act.subject[-6:].upper() if id.int else ""
    area = act.action.partition(".")[0]
    return parts.link(words, opens[area]) if area in opens and words else words


def _open(here: Here, act: Act) -> None:
    say = here.say
    with parts.dialog(_word(here, "act", act.action), wide=True) as dialog:
        parts.facts([
            (say("at"), here.write.moment(act.at)), (say("who"), act.who or say("box")),
            (say("action"), act.action), (say("subject"), f"{act.about} {act.subject}".strip()),
            (say("before"), json.dumps(act.before, ensure_ascii=False, indent=1) if act.before else ""),
            (say("after"), json.dumps(act.after, ensure_ascii=False, indent=1) if act.after else ""),
        ])  # fmt: skip
        with parts.keys():
            parts.button(here, say("close"), dialog.close)
    parts.show_once(dialog)
