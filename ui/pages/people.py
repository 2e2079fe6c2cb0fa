"""Users: who may work here; invited, given a role, disabled; and everybody's open sessions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from appliance.core.browsers import browser_name
from appliance.core.types import Role
from appliance.desk.people import LastOne, Person
from appliance.desk.sessions import Session
from ui import dialogue, frame, parts
from ui.parts import Column
from ui.site import Here, Site


def mount(site: Site) -> None:
    @site.page("/users", menu="users", role=Role.ADMINISTRATOR)
    async def users(here: Here) -> None:
        say = here.say
        with frame.page(here, say("title"), say("purpose")) as head:
            people = People(here)
            with head.actions:
                parts.button(here, say("invite"), people.invite, kind="primary", icon="person_add")
            people.build()
            with parts.section(say("everybodys")):
                people.sessions = sessions_table(
                    here, lambda: here.house.sessions.everybody(here.actor), people.sessions_changed, named=True
                )
            await people.load()


class People:
    """The list, and what may be done with each."""

    sessions: parts.Table

    def __init__(self, here: Here) -> None:
        self._here, self._known = here, dict[str, Person]()

    def build(self) -> None:
        say = self._here.say
        columns = [
            Column(name="name", label=say("person")), Column(name="role", label=say("role")),
            Column(name="ways", label=say("ways"), wide=True),
            Column(name="hears", label=say("hears"), wide=True, clip=True, width="22%"),
            Column(name="seen", label=say("seen"), wide=True, whole=True),
            Column(name="state", label=say("state"), wide=True), Column(name="acts", label="", width="10px"),
        ]  # fmt: skip
        self.table = parts.Table(
            self._here, columns, self._fetch, label=say("title"), on_act=self._act,
            empty=lambda: parts.empty(say("empty"), icon="group"),
        )  # fmt: skip

    async def load(self) -> None:
        await self.table.load()
        await self.sessions.load()

    async def sessions_changed(self) -> None:
        await self.table.refresh()

    async def _fetch(self, asked: parts.Asked) -> parts.Rows:
        people = await self._here.house.desk.people(self._here.actor)
        self._known = {str(person.id): person for person in people}
        shown = people[asked.offset : asked.offset + asked.limit]
        return parts.Rows(items=[self._row(person) for person in shown], total=len(people))

    def _row(self, person: Person) -> parts.Row:
        here, say = self._here, self._here.say
        ways = [say("by_telegram")] if person.telegram_id else []
        ways += [say("by_password")] if person.login else []
        acts = [("enable", say("enable"), "person_add_alt")] if person.disabled else [
            ("role", say("make_manager" if person.role is Role.ADMINISTRATOR else "make_administrator"),
             "remove_moderator" if person.role is Role.ADMINISTRATOR else "add_moderator"),
            ("hears", say("hears_set"), "campaign"), ("link", say("new_link"), "link"),
            ("disable", say("disable"), "person_off"),
        ]  # fmt: skip
        return parts.Row(id=str(person.id), cells={
            "name": parts.two(person.name, person.login or person.email),
            "role": parts.chip(say(f"role_{person.role}"), "brand" if person.role is Role.ADMINISTRATOR else ""),
            "ways": ", ".join(ways) or say("by_nothing"), "hears": self._hears(person),
            "seen": here.write.ago(person.seen) if person.seen else say("never"),
            "state": self._state(person),
            "acts": parts.acts(*acts, tones={"disable": "danger"}),
        })  # fmt: skip

    def _state(self, person: Person) -> parts.Cell:
        say = self._here.say
        if person.disabled:
            return parts.chip(say("state_off"), "bad")
        return parts.chip(say("state_on"), "ok") if person.on_duty else parts.chip(say("state_away"))

    def _hears(self, person: Person) -> str:
        """Of whom and what they hear first."""
        spoken = [dialogue.language(self._here, code) for code in person.languages]
        return ", ".join((*spoken, *person.goods)) or self._here.say("hears_all")

    async def _choose(self, person: Person) -> None:
        """Asks of which languages and goods somebody shall hear first."""
        here, say = self._here, self._here.say
        groups = {name: name for name in sorted({*await here.house.catalogue.groups(here.actor), *person.goods})}
        spoken = {code: dialogue.language(here, code) for code in {*dialogue.LANGUAGES, *person.languages}}
        with parts.dialog(say("hears_title", name=person.name)) as asked:
            parts.text(say("hears_why"), "c-soft", tag="p")
            languages = parts.several(say("hears_languages"), spoken, person.languages, nothing=say("hears_any"))
            goods = parts.several(say("hears_goods"), groups, person.goods, nothing=say("hears_any"))

            async def save() -> None:
                desk = here.house.desk
                await self._try(lambda: desk.set_interests(
                    here.actor, person.id, languages=languages.value, goods=goods.value
                ))  # fmt: skip
                asked.close()

            with parts.keys():
                parts.button(here, say("frame.cancel"), asked.close)
                parts.button(here, say("frame.save"), save, kind="primary")
        parts.show_once(asked)

    async def _act(self, id: str, act: str) -> None:
        here, say, person = self._here, self._here.say, self._known.get(id)
        if person is None:
            return
        desk = here.house.desk
        match act:
            case "role":
                other = Role.MANAGER if person.role is Role.ADMINISTRATOR else Role.ADMINISTRATOR
                await self._try(lambda: desk.set_role(here.actor, person.id, other))
            case "hears":
                await self._choose(person)
            case "link":
                self._show_link(await here.house.logins.invite(here.actor, person=person.id))
            case "enable":
                await self._try(lambda: desk.readmit(here.actor, person.id))
            case "disable":
                title = say("disable_title", name=person.name)
                if await parts.confirm(here, title, say("disable_why"), do=say("disable")):
                    await self._try(lambda: desk.dismiss(here.actor, person.id))

    async def _try(self, deed: Callable[[], Awaitable[None]]) -> None:
        try:
            await deed()
        except LastOne:
            self._here.toast(self._here.say("last_one"), "warn")
            return
        self._here.toast(self._here.say("done"))
        await self.table.refresh()
        await self.sessions.refresh()

    def invite(self) -> None:
        here, say = self._here, self._here.say
        with parts.dialog(say("invite_title")) as dialog:
            parts.text(say("invite_why"), "c-soft", tag="p")
            name = parts.field(say("name"))
            roles = {role.value: say(f"role_{role}") for role in (Role.MANAGER, Role.ADMINISTRATOR)}
            role = parts.choice(here, say("role"), roles)
            number = parts.field(say("telegram_id")).props("inputmode=numeric")

            async def make_link() -> None:
                token = await here.house.logins.invite(
                    here.actor, role=Role(role.value), name=name.value.strip(), lang=here.lang
                )
                dialog.close()
                self._show_link(token)

            async def add() -> None:
                if await self._added(name.value.strip(), Role(role.value), number.value.strip()):
                    dialog.close()

            with parts.keys():
                parts.button(here, say("add"), add)
                parts.button(here, say("make_link"), make_link, kind="primary")
        dialog.open()

    async def _added(self, name: str, role: Role, number: str) -> bool:
        here, say = self._here, self._here.say
        if not name:
            here.toast(say("name_bad"), "warn")
            return False
        if not number.isdecimal() or len(number) > 15:
            here.toast(say("number_bad"), "warn")
            return False
        holder = next((one for one in self._known.values() if one.telegram_id == int(number)), None)
        if holder:
            here.toast(say("number_taken", name=holder.name), "warn")
            return False
        await here.house.desk.employ(here.actor, name=name, role=role, telegram_id=int(number), lang=here.lang)
        here.toast(say("added", name=name))
        await self.table.load()
        return True

    def _show_link(self, token: str) -> None:
        here, say = self._here, self._here.say
        address = here.request.url
        with parts.dialog(say("link_ready")) as dialog:
            parts.text(say("link_ready_why"), "c-soft", tag="p")
            parts.code(
                here, f"{address.scheme if not here.site.doors.secure else 'https'}://{address.netloc}/join/{token}"
            )
            with parts.keys():
                parts.button(here, say("close"), dialog.close, kind="primary")
        dialog.open()


def sessions_table(
    here: Here,
    ask: Callable[[], Awaitable[list[Session]]],
    changed: Callable[[], Awaitable[None]],
    *,
    named: bool = False,
) -> parts.Table:
    """Open sessions with a button that ends each."""
    say = here.say

    async def fetch(asked: parts.Asked) -> parts.Rows:
        found = await ask()
        rows = [
            parts.Row(id=str(one.id), cells={
                "name": one.name, "browser": browser_name(one.browser), "address": one.address,
                "opened": here.write.moment(one.opened), "seen": here.write.ago(one.seen),
                "acts": parts.acts(("end", say("people.end"), "logout"), tones={"end": "danger"}),
            })
            for one in found
        ]  # fmt: skip
        return parts.Rows(items=rows[asked.offset : asked.offset + asked.limit], total=len(rows))

    async def act(id: str, what: str) -> None:
        await here.house.sessions.end(here.actor, UUID(id))
        await table.refresh()
        await changed()

    columns = [Column(name="name", label=say("people.person"))] if named else []
    columns += [
        Column(name="browser", label=say("people.browser"), wide=named),
        Column(name="address", label=say("people.address"), wide=True, whole=True),
        Column(name="opened", label=say("people.opened"), wide=True, whole=True),
        Column(name="seen", label=say("people.seen"), whole=True),
        Column(name="acts", label="", width="10px"),
    ]  # fmt: skip
    table = parts.Table(here, columns, fetch, label=say("people.sessions"), on_act=act)
    return table
