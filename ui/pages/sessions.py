"""One's own account: name, password, Telegram, and the sessions that are open."""

from __future__ import annotations

from appliance.desk.logins import Refusal
from appliance.desk.people import Person
from ui import frame, parts
from ui.pages.people import sessions_table
from ui.site import Here, Site


def mount(site: Site) -> None:
    @site.page("/me")
    async def me(here: Here) -> None:
        say = here.say
        person = await here.house.desk.myself(here.actor)
        bot = await site.doors.bot() if site.doors.bot else ""
        with frame.page(here, say("title"), say("purpose")):
            with parts.columns():
                _about(here, person)
                _password(here, person)
                _telegram(here, person, bot)
            with parts.section(say("mine")) as box:
                table = sessions_table(here, lambda: here.house.sessions.mine(here.actor), _nothing)

                async def end_others() -> None:
                    assert here.ticket is not None
                    count = await here.house.sessions.end_others(here.actor, here.ticket.session)
                    here.toast(say("ended", n=count))
                    await table.refresh()

                with box:
                    parts.button(here, say("end_others"), end_others, icon="logout")
            await table.load()


def _about(here: Here, person: Person) -> None:
    say = here.say
    with parts.card(say("about")):
        name = parts.field(say("name"), person.name)
        email = parts.field(say("email"), person.email)
        lang = parts.choice(here, say("lang"), {"ru": say("russian"), "en": say("english")}, person.lang)

        async def save() -> None:
            await here.house.desk.describe(here.actor, person.id, name=name.value, lang=lang.value, email=email.value)
            here.toast(say("saved"))

        parts.button(here, say("save"), save)


def _password(here: Here, person: Person) -> None:
    say = here.say
    with parts.card(say("password_title")):
        parts.text(say("password_why"), "c-soft", tag="p")
        login = parts.field(say("login"), person.login).props("autocomplete=username")
        password = parts.field(say("password"), password=True).props("autocomplete=new-password")

        async def set_it() -> None:
            try:
                await here.house.logins.set_password(here.actor, login.value, password.value)
            except Refusal as refusal:
                here.toast(say(f"login.{refusal.id}", **refusal.values), "warn")
                return
            password.set_value("")
            here.toast(say("set_done"))

        parts.button(here, say("set"), set_it)


def _telegram(here: Here, person: Person, bot: str) -> None:
    say = here.say
    with parts.card(say("telegram_title")):
        if person.telegram_id:
            parts.text(say("telegram_on", id=person.telegram_id), "c-soft", tag="p")
            return
        parts.text(say("telegram_off" if bot else "telegram_none"), "c-soft", tag="p")

        async def connect() -> None:
            token = await here.house.logins.connect_telegram(here.actor)
            with parts.dialog(say("telegram_title")) as dialog:
                parts.text(say("connect_why"), "c-soft", tag="p")
                parts.code(here, f"https://t.me/{bot}?start=join_{token}")
                with parts.keys():
                    parts.button(here, say("close"), dialog.close, kind="primary")
            dialog.open()

        if bot:
            parts.button(here, say("connect"), connect)


async def _nothing() -> None:
    """A session that ended changes nothing else here."""
