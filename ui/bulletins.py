"""When managers hear of something on schedule: how often, on which day, at which hour; and one to look at now."""

from __future__ import annotations

from nicegui import ui

from appliance.desk.bulletins import BOX, NEVER, OFTEN, Planned
from ui import parts
from ui.site import Here


async def build(here: Here, kind: str) -> None:
    """The section of a page, for a bulletin of this kind; who may not plan reads the plan."""
    say = here.say
    with (
        parts.section(say("bulletins.title"), say(f"bulletins.{'box' if kind == BOX else 'crm'}_why")),
        parts.card(classes="c-form"),
    ):
        await Plan(here, kind).build()


class Plan:
    """The choices and what they come to."""

    def __init__(self, here: Here, kind: str) -> None:
        self._here, self._kind, self._desk = here, kind, here.house.bulletins

    async def build(self) -> None:
        here, say = self._here, self._here.say
        planned = await self._desk.planned(here.actor, self._kind)
        plan = planned.plan
        self._words = parts.text("", tag="p")
        if here.administrator:
            with ui.element("div").classes("c-filters"):
                often = {every: say(f"bulletins.{every}") for every in OFTEN}
                self._every = parts.choice(here, say("bulletins.every"), often, plan.every, self._fit)
                days = {str(day): say(f"bulletins.day_{day}") for day in range(7)}
                self._day = parts.choice(here, say("bulletins.weekday"), days, str(plan.weekday))
                hours = {str(hour): f"{hour:02}:00" for hour in range(24)}
                self._hour = parts.choice(here, say("bulletins.hour"), hours, str(plan.hour))
            self._fit()
        with ui.element("div").classes("c-actions"):
            if here.administrator:
                parts.button(here, say("frame.save"), self._save)
            parts.button(here, say("bulletins.show"), self._show, kind="quiet", icon="send")
        self._tell(planned)

    def _fit(self) -> None:
        """Only what the choice needs is asked."""
        self._day.set_visibility(self._every.value == "week")
        self._hour.set_visibility(self._every.value != NEVER)

    def _tell(self, planned: Planned) -> None:
        here, say = self._here, self._here.say
        if planned.next is None:
            words = say("bulletins.off")
        elif not planned.people:
            words = say("bulletins.nobody")
        else:
            ways = say("bulletins.and").join(say(f"bulletins.way_{way}") for way in planned.ways)
            words = say("bulletins.next", at=here.write.moment(planned.next), n=planned.people, ways=ways)
        parts.set_words(self._words, words)

    async def _save(self) -> None:
        here = self._here
        await self._desk.plan(
            here.actor, self._kind, every=self._every.value, weekday=int(self._day.value), hour=int(self._hour.value)
        )
        self._tell(await self._desk.planned(here.actor, self._kind))
        here.toast(here.say("frame.saved"))

    async def _show(self) -> None:
        here = self._here
        sent = await self._desk.show(here.actor, self._kind)
        here.toast(here.say("bulletins.shown" if sent else "bulletins.not_shown"), "ok" if sent else "bad")
