"""Brings leads to the CRM: at most two attempts in a run, then held with the reason, and a new run by hand or hour."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from appliance.channels.base import ChannelError, Undeliverable
from appliance.core.types import Lead, Parcel, Progress
from appliance.crm.base import Case, Crm, CrmAway, CrmBusy, CrmClosed, CrmError, Receipt
from appliance.crm.notices import tell_held, tell_well
from appliance.crm.opening import Opening
from appliance.crm.story import Stories, Told, owed
from appliance.crm.zoho_api import requests
from appliance.store.crm_queue import CRM
from appliance.store.store import Store, Transaction

log = structlog.get_logger("crm")

ATTEMPTS = 2  # of a push in one run; the renewal of a token is none
BACK_OFF = timedelta(seconds=5)  # between the two
HANDS = 3  # pushes at a time: Zoho's smallest edition takes five requests at once
LONGEST = 90.0  # seconds of one attempt, within the outbox's own limit
FIRST_PAUSE, MOST_PAUSE = timedelta(seconds=1), timedelta(minutes=10)  # while the CRM is busy or away, doubled
AWAY = 5  # failures in a row after which it is the CRM that is away, not one lead that fails
SHUT = timedelta(minutes=10)  # between looks whether a CRM that does not let us in does again
LONGEST_WAIT = timedelta(hours=24)  # between two runs
ERASE = "erase"  # the kind of parcel that asks for a lead to be taken out of the CRM
KEEP = timedelta(days=90)  # that attempts are remembered
PASSING = ("away", "broken", "busy", "credits", "throttled", "concurrent", "locked", "died", "client", "revoked",
           "scope", "forbidden", "host", "api", "secret", "unset", "signature", "address")  # fmt: skip


class Pushes:
    """To the outbox a channel whose addresses are leads. Run it in one process: the worker's leader."""

    name = CRM
    posted = True

    def __init__(
        self,
        *,
        store: Store,
        opening: Opening,
        stories: Stories,
        first_wait: timedelta = timedelta(minutes=10),
        quiet: timedelta = timedelta(minutes=30),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """A held push is tried again after `first_wait`, then three times as long with each run, a day at most.

        A dialogue that went on and has been `quiet` since is told to the CRM.
        """
        self._store, self._opening, self._stories = store, opening, stories
        self._first_wait, self._quiet, self._clock = first_wait, quiet, clock
        self._failures = 0  # in a row

    async def ready(self) -> bool:
        """Whether pushes may be made now: there is a CRM, and it did not ask for patience."""
        async with self._store.transaction() as tx:
            return await tx.crm_ready()

    async def deliver(self, parcel: Parcel) -> None:
        """One attempt. Raises `ChannelError` for another one in this run, `Undeliverable` when it is over."""
        if parcel.kind == ERASE:
            await self._erase(parcel)
        else:
            await self._push(parcel)

    async def show(self, address: str, progress: Progress) -> None:
        """A CRM shows nothing before it is finished."""

    async def look_after(self) -> None:
        """What the schedule does: held pushes get their hour and are told of, those whose hour has come go again."""
        async with self._store.transaction() as tx:
            await tx.crm_plan(self._first_wait, LONGEST_WAIT)
        async with self._store.transaction() as tx:
            due = await tx.crm_due()
            if due and await tx.crm_ready():
                await tx.crm_resume(due)
        async with self._store.transaction() as tx:
            for lead in await tx.crm_missing(quiet=self._quiet):
                await tx.owe_crm(lead)
            await tell_held(tx, now=self._clock())
            await tell_well(tx, now=self._clock())

    async def prune(self) -> None:
        async with self._store.transaction() as tx:
            await tx.crm_prune(KEEP)

    async def _push(self, parcel: Parcel) -> None:
        if parcel.attempts > ATTEMPTS:  # this process, or one before, died in the middle of the last
            raise Undeliverable(str(CrmAway("died")))
        crm = await self._crm()
        begun = await self._begin(crm, parcel)
        if begun is None:
            return
        case, told, number = begun
        counted: list[str] = []
        requests.set(counted)
        try:
            async with asyncio.timeout(LONGEST):
                receipt = await crm.push(case)
        except TimeoutError as error:
            late = CrmAway("away", crm=crm.kind, what=f"no end within {LONGEST:.0f} s")
            raise await self._failed(crm, parcel, number, late, len(counted)) from error
        except CrmError as error:
            raise await self._failed(crm, parcel, number, error, len(counted)) from error
        except Exception as error:
            log.exception("crm.fault", lead=parcel.address)
            fault = CrmError("fault", what=repr(error)[:300])
            raise await self._failed(crm, parcel, number, fault, len(counted)) from error
        await self._keep(crm, case, told, number, receipt, len(counted))

    async def _erase(self, parcel: Parcel) -> None:
        """A person's data is asked back; with more patience than a push, since nobody looks at it again."""
        async with self._store.transaction() as tx:
            account = await tx.crm_account(str(parcel.body["crm"]))
        if account is None:
            raise Undeliverable("The CRM that has this lead is not known any more: erase it there by hand.")
        try:
            await self._opening.of(account).erase(str(parcel.body["remote"]), UUID(parcel.address).hex)
        except CrmError as error:
            raise ChannelError(str(error), retry_after=SHUT) from error

    async def _crm(self) -> Crm:
        try:
            crm = await self._opening.live()
        except CrmClosed as error:
            async with self._store.transaction() as tx:
                if account := await tx.crm_account():
                    await tx.crm_pause(account.kind, wait=SHUT, trouble=error.why)
            raise Undeliverable(str(error)) from error
        if crm is None:
            raise ChannelError("No CRM is live.", retry_after=SHUT)
        return crm

    async def _begin(self, crm: Crm, parcel: Parcel) -> tuple[Case, Told, int] | None:
        """What to push, with the attempt written down; None when there is nothing to tell."""
        async with self._store.transaction() as tx:
            lead = await self._lead(tx, parcel)
            if lead is None:
                return None
            known = await tx.crm_known(lead.id, crm.kind)
            again = parcel.attempts > 1 or known.run > 1
            case, told = await self._stories.case(tx, lead, crm.kind, again=again)
            number = await tx.crm_begin(lead.id, crm.kind, parcel=parcel.id, run=known.run, attempt=parcel.attempts)
        return case, told, number

    async def _lead(self, tx: Transaction, parcel: Parcel) -> Lead | None:
        """None when the lead was erased meanwhile, or is a draft again."""
        lead = await tx.lead(UUID(parcel.address))
        return lead if lead and owed(lead) else None

    async def _keep(self, crm: Crm, case: Case, told: Told, number: int, receipt: Receipt, asked: int) -> None:
        """The receipt; where the CRM had been away, whatever was held for that goes on."""
        self._failures = 0
        sent = {name: text for name, text in case.values.items() if name != "summary"}
        async with self._store.transaction() as tx:
            await tx.crm_sent(
                case.lead.id, crm.kind, remote=receipt.remote, sent=sent, noted=told.noted, quotes=told.quotes
            )
            await tx.crm_end(number, receipt.outcome, requests=asked)
            if await tx.crm_recovered(crm.kind):
                await tx.crm_resume(reasons=PASSING)
        log.info("crm.pushed", lead=str(case.lead.id), outcome=receipt.outcome, requests=asked)

    async def _failed(
        self, crm: Crm, parcel: Parcel, number: int, error: CrmError, asked: int
    ) -> ChannelError | Undeliverable:
        """Writes down why, and says whether this run has another attempt."""
        self._failures += isinstance(error, (CrmAway, CrmBusy))
        async with self._store.transaction() as tx:
            await tx.crm_end(number, "failed", requests=asked, why=error.why)
            if (wait := self._pause(error)) is not None:
                await tx.crm_pause(crm.kind, wait=wait, trouble=error.why)
        log.warning("crm.not_pushed", lead=parcel.address, attempt=parcel.attempts, why=str(error))
        if parcel.attempts >= ATTEMPTS or not error.passing:
            return Undeliverable(str(error))
        return ChannelError(str(error), retry_after=max(BACK_OFF, error.retry_after or BACK_OFF))

    def _pause(self, error: CrmError) -> timedelta | None:
        """How long no lead is pushed: the CRM asks for it, is away, or does not let us in."""
        doubled = min(FIRST_PAUSE * 2 ** min(self._failures - 1, 10), MOST_PAUSE)
        match error:
            case CrmClosed():
                return SHUT
            case CrmBusy():
                return error.retry_after or doubled
            case CrmAway() if self._failures >= AWAY:
                return error.retry_after or doubled
            case _:
                return None
