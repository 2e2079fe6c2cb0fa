"""The console process: on the inner network, a port of its own."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from appliance.app.crm import crm_desk
from appliance.app.keeping import backup_desk, privacy_desk
from appliance.app.parts import POSTED, letterhead, log_as, open_store
from appliance.app.reporting import bulletins_desk, figures
from appliance.app.watching import box_desk
from appliance.app.words import Answering, catalogue_desk, words_desk
from appliance.channels.telegram_link import BotName, login_widget
from appliance.channels.widget_door import Door
from appliance.desk import Desk
from appliance.desk.audit import Audit
from appliance.desk.files import Files
from appliance.desk.held import HeldDesk
from appliance.desk.house import House
from appliance.desk.inbox import Inbox
from appliance.desk.live import Live
from appliance.desk.logins import Logins
from appliance.desk.sessions import Sessions
from appliance.desk.settings import InForce, Setting
from appliance.desk.topics import TopicsDesk
from appliance.settings import Settings, in_force
from appliance.store.store import Store
from appliance.tasks import Tasks

if TYPE_CHECKING:
    from ui.site import Doors


async def console(settings: Settings) -> int:
    """The console: pages for managers and administrators, all of them through the desk."""
    from ui.serve import build, serve
    from ui.status import watch

    log_as(settings, "console")
    inside = settings.changed(public_url="").chat_address  # also where the public name leads elsewhere
    async with open_store(settings) as store, Tasks() as tasks:
        desk = house(settings, store)
        tasks.start(desk.live.run(), name="live")
        site = build(
            desk,
            doors(settings),
            look=watch(health=f"{inside}/healthz?format=json", state=settings.home / "run" / "state.json"),
        )
        await serve(site, host=settings.console_host, port=settings.console_port)
    return 0


def doors(settings: Settings) -> Doors:
    """What the console's logins need to know of the outside."""
    from ui.site import Doors

    token, address = settings.telegram_token.get_secret_value(), settings.console_url
    name = BotName(token=token, base=settings.telegram_api_url, proxy=settings.proxy.get_secret_value())
    public = token and address.startswith("https://")
    return Doors(
        visitor=Door(sites=lambda: (), proxies=settings.trusted_proxies).address,
        secure=settings.console_address.startswith("https://"),
        bot=name.known if token else None,
        widget=login_widget(token, address) if public else "",
    )


def house(settings: Settings, store: Store) -> House:
    """The desk with all its parts."""
    answering = Answering(settings, store)
    return House(
        desk=Desk(store=store, posted=POSTED),
        sessions=Sessions(
            store=store,
            idle=timedelta(hours=settings.session_idle),
            life=timedelta(days=settings.session_days),
        ),
        logins=Logins(store=store, bot_token=settings.telegram_token.get_secret_value()),
        audit=Audit(store=store),
        settings=InForce([Setting(name=n, value=v, source=s) for n, v, s in in_force(settings)], sites=settings.sites),
        inbox=Inbox(store=store, posted=POSTED),
        figures=figures(settings, store),
        held=HeldDesk(store=store),
        catalogue=catalogue_desk(settings, store),
        words=words_desk(settings, store, answering),
        topics=TopicsDesk(store=store, sort=answering.sentence),
        files=Files(store=store, posted=POSTED, head=letterhead(settings), zone=settings.timezone),
        live=Live(store=store),
        crm=crm_desk(settings, store),
        box=box_desk(settings, store),
        backups=backup_desk(settings, store),
        privacy=privacy_desk(settings, store),
        bulletins=bulletins_desk(settings, store),
        zone=settings.timezone,
        chat=settings.chat_address,
    )
