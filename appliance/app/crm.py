"""The CRM of these settings: what opens it, what pushes leads there, and its part of the schedule."""

from __future__ import annotations

from datetime import timedelta

from appliance import jobs
from appliance.crm.mapping import ZOHO
from appliance.crm.opening import KEY, Opening
from appliance.crm.pushes import HANDS, Pushes
from appliance.crm.story import Stories
from appliance.desk.crm import CrmDesk
from appliance.errors import Refused
from appliance.outbox import Outbox
from appliance.secrets import SecretLost, Secrets
from appliance.settings import Settings
from appliance.store.crm import Account
from appliance.store.leader import CRM, while_leading
from appliance.store.store import Store
from appliance.tasks import Tasks

LOOK = 15.0  # seconds between looks at what is held and what is missing


def secrets(settings: Settings) -> Secrets:
    """What opens the database's secrets. Raises `Refused` for a key that is none."""
    try:
        return Secrets.at(settings.home, settings.secret_key.get_secret_value())
    except ValueError as error:
        raise Refused(
            "The secret key must be 32 bytes in URL-safe base64. A new one: "
            "python -c 'import base64,os;print(base64.urlsafe_b64encode(os.urandom(32)).decode())'"
        ) from error


def opening(settings: Settings, store: Store) -> Opening:
    return Opening(
        store=store,
        secrets=secrets(settings),
        region=settings.region,
        lang=settings.default_language,
        proxy=settings.proxy.get_secret_value(),
    )


def crm_desk(settings: Settings, store: Store) -> CrmDesk:
    return CrmDesk(store=store, opening=opening(settings, store), secrets=secrets(settings))


async def push_leads(settings: Settings, store: Store, tasks: Tasks) -> list[jobs.Job]:
    """Starts what delivers to the CRM, on the leader alone; gives the jobs of the schedule."""
    await adopt(settings, store)
    chat, console = settings.chat_address, settings.console_address
    pushes = Pushes(
        store=store,
        opening=opening(settings, store),
        stories=Stories(lang=settings.default_language, chat=chat, console=console),
        first_wait=timedelta(minutes=settings.crm_wait),
        quiet=timedelta(minutes=settings.lead_idle),
    )
    outbox = Outbox(store=store, channels={pushes.name: pushes}, hands=HANDS, ready=pushes.ready)
    tasks.start(while_leading(store.url, CRM, outbox.run, name="crm"), name="crm")

    every = min(LOOK, settings.crm_wait * 60)
    return [
        jobs.Job(name="crm", every=every, run=pushes.look_after),
        jobs.Job(name="crm-prune", every=24 * 3600.0, run=pushes.prune),
    ]


async def adopt(settings: Settings, store: Store) -> None:
    """What the settings say of a CRM is what the database says, too; live where no other is."""
    seals = secrets(settings)
    for kind, wanted, hidden in _given(settings):
        async with store.transaction() as tx:
            known = await tx.crm_account(kind)
            live = await tx.crm_account()
            if known is None or _differs(known, wanted, hidden, seals):
                mapping = {**ZOHO, KEY: "request_id"} if kind == "zoho" and not (known and known.mapping) else None
                sealed = {name: seals.seal(text) for name, text in hidden.items()}
                await tx.crm_configure(kind, settings=wanted, secrets=sealed, mapping=mapping)
            if live is None:
                await tx.crm_go_live(kind)


def _given(settings: Settings) -> list[tuple[str, dict[str, str], dict[str, str]]]:
    """(kind, settings, secrets) of each CRM that the settings name in full; a webhook goes before Zoho."""
    found = []
    if settings.crm_webhook_url:
        hidden = {"secret": settings.crm_webhook_secret.get_secret_value()}
        found.append(("webhook", {"url": settings.crm_webhook_url}, hidden))
    secret, refresh = settings.zoho_client_secret.get_secret_value(), settings.zoho_refresh_token.get_secret_value()
    if settings.zoho_client_id and secret and refresh:
        wanted = {
            "client_id": settings.zoho_client_id, "accounts_url": settings.zoho_accounts_url,
            "api_url": settings.zoho_api_url, "version": settings.zoho_api_version,
        }  # fmt: skip
        found.append(("zoho", wanted, {"client_secret": secret, "refresh_token": refresh}))
    return found


def _differs(known: Account, wanted: dict[str, str], hidden: dict[str, str], seals: Secrets) -> bool:
    try:
        same = all(seals.open(known.secrets.get(name, "")) == text for name, text in hidden.items())
    except SecretLost:
        same = False
    return not same or any(known.settings.get(name) != value for name, value in wanted.items())
