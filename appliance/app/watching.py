"""How the processes are watched: what the chat's health looks at, and the signs of life of each."""

from __future__ import annotations

from urllib.parse import urlsplit

from appliance import probes
from appliance.app.parts import model_health
from appliance.beating import Beating
from appliance.channels.telegram import TelegramChannel
from appliance.health import Health
from appliance.settings import Settings
from appliance.store.leader import cuts
from appliance.store.store import Store
from catalog.shelf import Shelf
from models.base import LLM


def beating(store: Store, role: str) -> Beating:
    """This process's signs of life."""
    return Beating(store=store, role=role, cuts=cuts)


def chat_health(
    settings: Settings, store: Store, shelf: Shelf, llm: LLM, bot: TelegramChannel | None, beats: Beating
) -> Health:
    """All that customers depend on, as the chat sees it."""
    looks = {
        "database": probes.database(store),
        "schema": probes.schema(store),
        "catalogue": probes.catalogue(shelf),
        "engine": model_health(settings, llm),
        "worker": probes.worker(store),
        "outbox": probes.outbox(store),
        "crm": probes.crm(store),
        "leader": probes.leader(store, cuts),
        "clock": probes.clock(beats),
        "disk": probes.disk(settings.home),
        "processes": probes.processes(settings.home),
        "logs": probes.logs(settings.home),
    }
    if bot:
        looks["bot"] = probes.bot(bot.trouble)
    if settings.smtp_host:
        looks["mail"] = probes.mail(settings.smtp_host, settings.smtp_port, settings.smtp_security)
    site = urlsplit(settings.public_url)
    if site.scheme == "https" and site.hostname:
        looks["public"] = probes.public(site.hostname, site.port or 443)
    return Health(looks)
