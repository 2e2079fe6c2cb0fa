"""The watch as these settings ask for it: in the supervisor, or as the role `appliance watch`."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from appliance import logs
from appliance.alert_post import Bot, Mailer, Post
from appliance.settings import Settings
from appliance.tasks import Tasks
from appliance.watch import Folder, House, Troubles, Watch


def watchman(settings: Settings, children: Callable[[], Troubles] | None = None) -> Watch:
    """The watch over this box; nothing runs yet."""
    house = House(
        home=settings.home,
        chat=settings.changed(public_url="").chat_address,
        name=box_name(settings),
        console=settings.console_address,
        zone=ZoneInfo(settings.timezone),
        quiet=settings.quiet_hours,
        to=settings.alert_to,
        lang=settings.default_language,
        heartbeat=settings.heartbeat_url.get_secret_value(),
        proxy=settings.proxy.get_secret_value(),
    )
    return Watch(house, post=post(settings), children=children)


def post(settings: Settings) -> Post:
    """The ways by which people of this box are told."""
    token = settings.telegram_token.get_secret_value()
    bot = Bot(token=token, base=settings.telegram_api_url, proxy=settings.proxy.get_secret_value()) if token else None
    mailer = None
    if settings.smtp_host:
        mailer = Mailer(
            host=settings.smtp_host,
            port=settings.smtp_port,
            user=settings.smtp_user,
            password=settings.smtp_password.get_secret_value(),
            sender=settings.smtp_from,
            security=settings.smtp_security,
        )
    return Post(Folder(home=settings.home).outgoing, bot=bot, mailer=mailer)


def box_name(settings: Settings) -> str:
    """How people tell this box from others: its public name, else the machine's."""
    return urlsplit(settings.public_url).hostname or socket.gethostname()


def watch(settings: Settings) -> int:
    """The role: watches until it is told to end."""
    logs.configure(level=settings.log_level, form=settings.log_format, role="watch")

    async def run() -> None:
        told = asyncio.Event()
        for order in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(order, told.set)
        async with Tasks() as tasks:
            tasks.start(watchman(settings).run(), name="watch")
            await told.wait()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run())
    return 0
