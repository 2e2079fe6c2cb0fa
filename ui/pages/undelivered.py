"""Messages and notices that could not be delivered: why, and another try."""

from __future__ import annotations

from uuid import UUID

from appliance.desk.held import HeldParcel
from ui import frame, parts
from ui.i18n import known
from ui.site import Here, Site


def mount(site: Site) -> None:
    @site.page("/undelivered")
    async def undelivered(here: Here) -> None:
        say, desk = here.say, here.house.held

        async def fetch(asked: parts.Asked) -> parts.Rows:
            found, total = await desk.page(here.actor, limit=asked.limit, offset=asked.offset)
            return parts.Rows(items=[_row(here, one) for one in found], total=total)

        async def act(id: str, deed: str) -> None:
            if deed == "again":
                await desk.again(here.actor, UUID(id))
            elif await parts.confirm(here, say("drop_title"), say("drop_why"), do=say("drop")):
                await desk.drop(here.actor, UUID(id))
            await table.refresh()

        columns = [
            parts.Column(name="to", label=say("to")),
            parts.Column(name="why", label=say("why"), clip=True, width="44%"),
            parts.Column(name="at", label=say("at"), wide=True, width="140px"),
            parts.Column(name="act", label="", width="200px"),
        ]
        with frame.page(here, say("title"), say("purpose")):
            table = parts.Table(
                here, columns, fetch, label=say("title"), on_act=act,
                empty=lambda: parts.empty(say("empty"), say("empty_why"), icon="mark_email_read"),
            )  # fmt: skip
            await table.load()


def _row(here: Here, one: HeldParcel) -> parts.Row:
    say = here.say
    channel = say(f"channel_{one.channel}") if known(f"undelivered.channel_{one.channel}") else one.channel
    return parts.Row(
        id=str(one.id),
        tone="bad",
        cells={
            "to": parts.two(one.address, channel),
            "why": one.why,
            "at": here.write.moment(one.created_at),
            "act": parts.acts(("again", say("again"), "replay"), ("drop", say("drop"), "delete")),
        },
    )
