"""Any other CRM by a signed webhook: where it is, what of a lead it gets under which name, and an event to look at."""

from __future__ import annotations

from nicegui import ui

from appliance.desk.crm import FIXED, OURS, CrmError, CrmStatus, WrongMapping, reason
from ui import parts
from ui.site import Here


async def build(here: Here, status: CrmStatus) -> None:
    """The section of the set-up's page."""
    say = here.say
    with parts.section(say("webhook"), say("webhook_why")), parts.card(classes="c-form c-crm-wide"):
        if status.live:
            parts.tag(say("live"), "ok")
        url = parts.field(say("webhook_url"), status.url, hint="https://crm.example.com/leads")
        secret = parts.field(say("webhook_secret"), password=True, hint=say("kept") if status.url else "")
        fields = Fields(here)

        async def connect() -> None:
            try:
                checks = await here.house.crm.hook(here.actor, url=url.value, secret=secret.value)
            except CrmError as error:
                here.toast(reason(error.why, here.lang), "bad")
                return
            bad = next((check for check in checks if not check.ok), None)
            here.toast(reason(bad.why, here.lang) if bad else say("now_live"), "bad" if bad else "ok")
            await fields.load()

        parts.button(here, say("webhook_connect"), connect)
        await fields.build()


class Fields:
    """Names of the receiver, each with the field of ours that fills it, and the event that comes of them."""

    def __init__(self, here: Here) -> None:
        self._here, self._desk = here, here.house.crm
        self._rows: dict[int, tuple[ui.input, parts.Choice, ui.input]] = {}
        self._number = 0

    async def build(self) -> None:
        say = self._here.say
        with ui.element("div").classes("c-form c-crm-wide") as self._all:
            parts.text(say("webhook_fields"), "c-h3", tag="h3")
            parts.text(say("webhook_fields_why"), "c-soft", tag="p")
            self._box = ui.element("div").classes("c-form")
            with ui.element("div").classes("c-actions"):
                parts.button(self._here, say("frame.save"), self._save)
                parts.button(self._here, say("webhook_add"), self._one_more, kind="quiet", icon="add")
            parts.text(say("webhook_example"), "c-h3", tag="h3")
            self._example = parts.code(self._here, "")
        self._all.set_visibility(False)
        await self.load()

    async def load(self) -> None:
        """The rows that are kept; nothing is shown before there is an address."""
        try:
            mapping, _ = await self._desk.mapping(self._here.actor, "webhook")
        except CrmError:
            return
        self._all.set_visibility(True)
        self._box.clear()
        self._rows.clear()
        for name, ours in mapping.items():
            self._add(name, ours)
        await self._show()

    def _one_more(self) -> None:
        self._add("", OURS[0])

    def _add(self, name: str, ours: str) -> None:
        here, say = self._here, self._here.say
        fixed = ours.startswith(FIXED)
        options = {each: say(f"ours_{each}") for each in OURS} | {FIXED: say("fixed")}
        number = self._number = self._number + 1
        with self._box, ui.element("div").classes("c-crm-map") as row:
            named = parts.field(say("webhook_name"), name)
            chosen = parts.Choice(
                here, say("ours"), options, FIXED if fixed else ours,
                lambda: words.set_visibility(chosen.value == FIXED), quiet=True,
            )  # fmt: skip
            words = parts.field(say("fixed_text"), ours.removeprefix(FIXED) if fixed else "")
            words.set_visibility(fixed)

            def drop() -> None:
                del self._rows[number]
                row.delete()

            parts.button(here, "", drop, kind="quiet", icon="close", tip=say("frame.delete"))
        self._rows[number] = named, chosen, words

    def _mapping(self) -> dict[str, str]:
        """As it stands on the page; raises `WrongMapping` for a name that is there twice."""
        mapping: dict[str, str] = {}
        for named, chosen, words in self._rows.values():
            name = (named.value or "").strip()
            if name in mapping:
                raise WrongMapping([(name, "twice")])
            mapping[name] = f"{FIXED}{words.value or ''}" if chosen.value == FIXED else chosen.value
        return mapping

    async def _save(self) -> None:
        here, say = self._here, self._here.say
        try:
            await self._desk.remap(here.actor, self._mapping(), "webhook")
        except WrongMapping as error:
            here.toast("; ".join(say(f"wrong_{what}", field=field) for field, what in error.wrong), "bad")
        else:
            here.toast(say("frame.saved"))
            await self._show()

    async def _show(self) -> None:
        here = self._here
        parts.set_words(self._example, await self._desk.example(here.actor, self._mapping(), here.lang))
