"""The set-up of the CRM: four steps to Zoho with a connection test, the mapping of fields, or a webhook instead."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import ui

from appliance.desk.crm import CENTRES, FIXED, OURS, SCOPES, Check, CrmError, CrmStatus, WrongMapping, reason
from ui import crm_webhook, frame, parts
from ui.site import Here

HEAD = '<link rel="stylesheet" href="/static/crm.css">'
CHECKS = ("token", "organisation", "fields", "key", "mapping", "search", "query")
OTHER = "other"  # an accounts server that is no data centre of ours


async def build(here: Here) -> None:
    """The whole page."""
    say = here.say
    status = await here.house.crm.status(here.actor, "zoho")
    hook = await here.house.crm.status(here.actor, "webhook")
    ui.add_head_html(HEAD)
    with frame.page(here, say("setup_title"), say("setup_purpose")) as head:
        with head.actions:
            parts.linked(say("to_report"), "/crm", icon="arrow_back")
        steps = Steps(here, status)
        steps.build()
        mapping = Mapped(here, status.key)
        await mapping.build()
        steps.on_fields = mapping.load
        await crm_webhook.build(here, hook)


class Steps:
    """Client, permission, fields, going live; each says how it went beside it."""

    def __init__(self, here: Here, status: CrmStatus) -> None:
        self._here, self._status, self._desk = here, status, here.house.crm
        self._marks: dict[str, ui.html] = {}
        self._rows: dict[str, tuple[ui.html, ui.html]] = {}
        self.on_fields: Callable[[], Awaitable[None]] | None = None

    def build(self) -> None:
        say = self._here.say
        with ui.element("div").classes("c-crm-steps"):
            with self._step(1, "client"):
                self._client()
            with self._step(2, "grant"):
                parts.code(self._here, ",".join(SCOPES))
                self._code = parts.field(say("code"), hint=say("code_hint"))
                parts.button(self._here, say("give"), self._tried("grant", self._grant))
            with self._step(3, "fields"):
                self._found = parts.text("", "c-soft", tag="p")
                parts.button(self._here, say("prepare"), self._tried("fields", self._prepare))
            with self._step(4, "live"):
                self._checks()
                with ui.element("div").classes("c-actions"):
                    parts.button(self._here, say("go_live"), self._tried("live", self._go_live), kind="primary")
                    parts.button(self._here, say("test"), self._tried("live", self._test))
                    if self._status.live:
                        parts.button(self._here, say("stop"), self._stop, kind="quiet")

    def _step(self, number: int, name: str) -> ui.element:
        say = self._here.say
        done = name in self._status.done
        with ui.element("div").classes("c-card c-pad c-form c-crm-wide") as box:
            with ui.element("div").classes("c-crm-line"):
                parts.text(f"{number}. {say(f'step_{name}')}", "c-h3", tag="h2")
                self._marks[name] = parts.tag(say("done") if done else say("to_do"), "ok" if done else "")
            parts.text(say(f"step_{name}_why"), "c-soft", tag="p")
        return box

    def _client(self) -> None:
        say, status = self._here.say, self._status
        centres = {centre: f"zoho.{centre}" for centre in CENTRES} | {OTHER: say("other")}
        known = next((centre for centre, url in CENTRES.items() if url == status.accounts_url), OTHER)
        self._centre = parts.choice(self._here, say("centre"), centres, known, self._other)
        self._accounts = parts.field(say("accounts_url"), status.accounts_url)
        self._accounts.set_visibility(known == OTHER)
        self._id = parts.field(say("client_id"), status.client_id)
        kept = say("kept") if "client" in status.done else ""
        self._secret = parts.field(say("client_secret"), password=True, hint=kept)
        versions = {f"v{number}": f"v{number}" for number in range(8, 2, -1)}
        self._version = parts.choice(self._here, say("version"), versions, status.version)
        ways = {"note": say("same_note"), "record": say("same_record")}
        self._same = parts.choice(self._here, say("same_person"), ways, status.same_person)
        parts.button(self._here, self._here.say("frame.save"), self._tried("client", self._save))

    def _checks(self) -> None:
        with ui.element("div").classes("c-crm-checks"):
            for name in CHECKS:
                with ui.element("div").classes("c-crm-line") as row:
                    mark = parts.tag("", "")
                    words = parts.text(self._here.say(f"check_{name}"))
                row.set_visibility(False)
                self._rows[name] = mark, words

    def _other(self) -> None:
        self._accounts.set_visibility(self._centre.value == OTHER)

    async def _save(self) -> str:
        url = self._accounts.value if self._centre.value == OTHER else CENTRES[self._centre.value]
        await self._desk.client(
            self._here.actor, accounts_url=url, client_id=self._id.value, client_secret=self._secret.value,
            version=self._version.value, same_person=self._same.value, api_url=self._status.api_url,
        )  # fmt: skip
        self._secret.set_value("")
        return self._here.say("frame.saved")

    async def _grant(self) -> str:
        await self._desk.grant(self._here.actor, self._code.value)
        self._code.set_value("")
        return self._here.say("granted")

    async def _prepare(self) -> str:
        fields = await self._desk.prepare(self._here.actor)
        if self.on_fields:
            await self.on_fields()
        words = self._here.say("prepared", n=len(fields), key=self._status.key)
        parts.set_words(self._found, words)
        return words

    async def _go_live(self) -> str:
        return self._show(await self._desk.go_live(self._here.actor), "now_live")

    async def _test(self) -> str:
        return self._show(await self._desk.test(self._here.actor, "zoho"), "all_well")

    async def _stop(self) -> None:
        say = self._here.say
        if await parts.confirm(self._here, say("stop_title"), say("stop_why"), do=say("stop")):
            await self._desk.stop(self._here.actor, "zoho")
            parts.paint(self._marks["live"], say("to_do"))

    def _show(self, checks: list[Check], well: str) -> str:
        """Each check as it went. Gives the last word; raises for one that failed, so that the step says so."""
        for name, (mark, words) in self._rows.items():
            check = next((one for one in checks if one.name == name), None)
            row = mark.parent_slot.parent if mark.parent_slot else mark
            row.set_visibility(check is not None)
            if check:
                parts.paint(mark, "✓" if check.ok else "!", "ok" if check.ok else "bad")
                label = self._here.say(f"check_{name}")
                said = check.found if check.ok else reason(check.why, self._here.lang)
                parts.set_words(words, f"{label}: {said}" if said else label)
        if not all(check.ok for check in checks):
            raise _NotWell(reason(checks[-1].why, self._here.lang))
        return self._here.say(well)

    def _tried(self, step: str, do: Callable[[], Awaitable[str]]) -> Callable[[], Awaitable[None]]:
        """The step, with its outcome told in the reader's language."""

        async def tried() -> None:
            say = self._here.say
            try:
                words = await do()
            except (CrmError, _NotWell) as error:
                parts.paint(self._marks[step], say("not_done"), "bad")
                words = reason(error.why, self._here.lang) if isinstance(error, CrmError) else str(error)
                self._here.toast(words, "bad")
            else:
                parts.paint(self._marks[step], say("done"), "ok")
                self._here.toast(words)

        return tried


class Mapped:
    """Which of our fields goes into which of Zoho's."""

    def __init__(self, here: Here, key: str) -> None:
        self._here, self._key, self._desk = here, key, here.house.crm
        self._rows: dict[str, tuple[parts.Choice, ui.input, ui.element]] = {}
        self._labels: dict[str, str] = {}

    async def build(self) -> None:
        say = self._here.say
        with parts.section(say("mapping"), say("mapping_why")), parts.card(classes="c-form c-crm-wide"):
            self._box = ui.element("div").classes("c-form")
            self._free = ui.element("div")
            parts.button(self._here, say("frame.save"), self._save)
        await self.load()

    async def load(self) -> None:
        """The rows that are kept, as far as they are not here yet, and the fields to choose from."""
        try:
            mapping, fields = await self._desk.mapping(self._here.actor)
        except CrmError:  # nothing is set up yet
            return
        self._labels |= {
            name: field.label if field.label.replace(" ", "_") == name else f"{field.label} ({name})"
            for name, field in fields.items()
            if field.writable
        }
        for field, ours in sorted(mapping.items()):
            if field != self._key and field not in self._rows:
                self._add(field, ours)
        self._offer()

    def _offer(self) -> None:
        """Zoho's fields that may be filled and are not yet, to choose from."""
        free = {name: words for name, words in sorted(self._labels.items()) if name not in self._rows}
        options = {"": self._here.say("choose")} | {name: words for name, words in free.items() if name != self._key}
        self._free.clear()
        with self._free:
            self._more = parts.choice(self._here, self._here.say("add"), options, "", self._added)

    def _added(self) -> None:
        if self._more.value:
            self._add(self._more.value, OURS[0])
            self._offer()

    def _add(self, field: str, ours: str) -> None:
        say = self._here.say
        options = {name: say(f"ours_{name}") for name in OURS} | {FIXED: say("fixed")}
        with self._box, ui.element("div").classes("c-crm-map") as row:
            parts.text(self._labels.get(field, field), "")
            chosen = parts.Choice(
                self._here, say("ours"), options, FIXED if ours.startswith(FIXED) else ours,
                lambda: words.set_visibility(chosen.value == FIXED), quiet=True,
            )  # fmt: skip
            words = parts.field(say("fixed_text"), ours.removeprefix(FIXED) if ours.startswith(FIXED) else "")
            words.set_visibility(ours.startswith(FIXED))
            parts.button(self._here, "", lambda: self._drop(field), kind="quiet", icon="close", tip=say("frame.delete"))
        self._rows[field] = chosen, words, row

    def _drop(self, field: str) -> None:
        self._rows.pop(field)[2].delete()
        self._offer()

    async def _save(self) -> None:
        say = self._here.say
        mapping = {
            field: f"{FIXED}{words.value}" if chosen.value == FIXED else chosen.value
            for field, (chosen, words, _) in self._rows.items()
        }
        try:
            await self._desk.remap(self._here.actor, mapping)
        except WrongMapping as error:
            self._here.toast("; ".join(say(f"wrong_{what}", field=field) for field, what in error.wrong), "bad")
        except CrmError as error:
            self._here.toast(reason(error.why, self._here.lang), "bad")
        else:
            self._here.toast(say("frame.saved"))


class _NotWell(Exception):
    """A check of the connection failed; the message says why, in the reader's language."""
