"""A shop whose CRM is the tests' Zoho: what its tests and proofs share."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text

from appliance.core.leads import Contacts
from appliance.core.types import Inbound, Lead
from appliance.crm.mapping import ZOHO
from appliance.crm.opening import KEY, Opening
from appliance.crm.pushes import HANDS, Pushes
from appliance.crm.story import Stories
from appliance.hours import Hours
from appliance.leads import Leads
from appliance.outbox import Outbox
from appliance.secrets import Secrets
from appliance.store.leads import Consent, Status
from appliance.store.store import Store
from appliance.tasks import Tasks
from tests.zoho.server import ZohoServer
from tests.zoho.world import Grant


async def connect(
    store: Store, secrets: Secrets, zoho: ZohoServer, *, grant: Grant | None = None, **more: Any
) -> Grant:
    """Has the shop's leads go to this Zoho, whose key field is made."""
    grant = grant or zoho.world.add_grant()
    if KEY not in zoho.world.unique_fields():
        zoho.world.add_unique(KEY, "Request ID")
    settings = {"client_id": grant.client_id, "accounts_url": zoho.url, "api_url": "", "key": KEY, **more}
    sealed = {"client_secret": secrets.seal(grant.client_secret), "refresh_token": secrets.seal(grant.refresh)}
    async with store.transaction() as tx:
        await tx.crm_configure("zoho", settings=settings, secrets=sealed, mapping={**ZOHO, KEY: "request_id"})
        await tx.crm_go_live("zoho")
    return grant


async def enquiry(
    store: Store, name: str = "Анна Петрова", phone: str = "+79031112233", *, words: str = "нужен насос",
    status: Status = Status.NEW, agreed: bool = True, **contacts: str,
) -> Lead:  # fmt: skip
    """A customer who asked and left contacts; what is owed for it is owed in the same transaction."""
    async with store.transaction() as tx:
        received = await tx.remember(
            Inbound(channel="widget", address=uuid4().hex, external_id=uuid4().hex, text=words, lang_hint="ru")
        )
        lead, news = await tx.keep_lead(
            received.conversation,
            Contacts(name=name, phone=phone, need=words, **contacts),
            status=status,
            source="talk",
            consent=Consent(version="2026-11", given=True) if agreed else None,
        )
        await house().announce(tx, lead, news)
    return lead


async def learned(store: Store, lead: Lead, **contacts: str) -> None:
    """The customer says more about themselves."""
    assert lead.conversation is not None
    async with store.transaction() as tx:
        now, news = await tx.keep_lead(lead.conversation, Contacts(**contacts), status=Status.NEW, source="talk")
        await house().announce(tx, now, news)


def house() -> Leads:
    return Leads(region="RU", hours=Hours.read("", "UTC"))


class Shop:
    """The part of the worker that pushes, in this process."""

    def __init__(self, store: Store, folder: Path, **more: Any) -> None:
        self.store = store
        self.secrets = Secrets.at(folder)
        self.opening = Opening(store=store, secrets=self.secrets, lang="ru")
        self.stories = Stories(lang="ru", chat="https://chat.example", console="https://desk.example")
        self.pushes = Pushes(store=store, opening=self.opening, stories=self.stories, **more)

    async def work(self, *, seconds: float = 20) -> None:
        """Pushes until nothing is due or in hand."""
        outbox = Outbox(store=self.store, channels={"crm": self.pushes}, hands=HANDS, ready=self.pushes.ready)
        async with Tasks() as tasks:
            tasks.start(outbox.run(), name="outbox")
            async with asyncio.timeout(seconds):
                while await self._open():
                    await asyncio.sleep(0.05)

    async def hurry(self) -> None:
        """What waits for its hour is due now, and the CRM has had its patience."""
        async with self.store.transaction() as tx:
            await tx.connection.execute(text("UPDATE parcels SET due_at = now() WHERE channel = 'crm'"))
            await tx.connection.execute(text("UPDATE crm_accounts SET paused_until = NULL"))

    async def count(self, query: str, **values: Any) -> Any:
        async with self.store.transaction() as tx:
            return await tx.connection.scalar(text(query), values)

    async def held(self) -> list[str]:
        async with self.store.transaction() as tx:
            return [str(one.why["id"]) for one in await tx.crm_held()]

    async def remote(self, lead: UUID) -> str:
        async with self.store.transaction() as tx:
            return (await tx.crm_known(lead, "zoho")).remote

    async def close(self) -> None:
        await self.opening.close()

    async def _open(self) -> int:
        """Pushes in hand, and those that are due within the moment, unless the CRM wants patience."""
        return int(
            await self.count(
                """SELECT count(*) FROM parcels WHERE channel = 'crm' AND delivered_at IS NULL AND held IS NULL
                   AND (leased_until IS NOT NULL OR due_at <= now() + interval '0.2 seconds'
                        AND EXISTS (SELECT 1 FROM crm_accounts
                                    WHERE live AND (paused_until IS NULL OR paused_until <= clock_timestamp())))"""
            )
        )
