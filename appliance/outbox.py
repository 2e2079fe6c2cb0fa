"""Delivers what was decided: at least once, in order for each address, with patience."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

import structlog

from appliance.channels.base import Channel, ChannelError, Undeliverable
from appliance.store.errors import StoreUnavailable
from appliance.store.outgoing import Lease
from appliance.store.store import Store
from appliance.tasks import Tasks

log = structlog.get_logger("outbox")

AT_ONCE = 64  # parcels in hand; most of them wait for their channel's pace
LEASE = timedelta(minutes=3)  # a parcel whose deliverer hangs is free again after this
LONGEST = 120.0  # seconds that one delivery may take, well within its lease
LOOK = 1.0  # seconds between looks when no hint came
FIRST, MOST = 2.0, 300.0  # seconds of back-off after the first failure, doubled up to the most
PATIENCE = 300  # attempts while a channel is away: about a day
FAULTS = 5  # attempts at a parcel that breaks its channel's code: it must not bar its address for ever


class Outbox:
    """Takes the parcels of the channels it is given. One process delivers for a channel: its leader."""

    def __init__(
        self,
        *,
        store: Store,
        channels: Mapping[str, Channel],
        hands: int = AT_ONCE,
        ready: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        """At most `hands` parcels are taken at a time, and none while `ready` says no."""
        self._store = store
        self._channels = channels
        self._hands = hands
        self._ready = ready
        self._hinted = asyncio.Event()
        self._in_hand = 0

    def hint(self) -> None:
        """There may be a new parcel."""
        self._hinted.set()

    async def run(self) -> None:
        """Delivers until cancelled. What the leader before had in hand when it died is due again at once."""
        freed = False
        async with Tasks() as tasks:
            while True:
                self._hinted.clear()
                try:
                    if not freed:
                        async with self._store.transaction() as tx:
                            await tx.free(list(self._channels))
                        freed = True
                    found = await self.deliver_due(tasks)
                except StoreUnavailable:
                    log.warning("outbox.database_away")
                    found = 0
                if not found or self._in_hand >= self._hands:
                    await self._look_again()

    async def deliver_due(self, tasks: Tasks) -> int:
        """Begins to deliver what is due now, as far as there are hands; gives the number of parcels taken."""
        free = self._hands - self._in_hand
        if free <= 0 or (self._ready and not await self._ready()):
            return 0
        async with self._store.transaction() as tx:
            leases = await tx.take(list(self._channels), lease=LEASE, limit=free)
        for lease in leases:
            self._in_hand += 1
            tasks.start(self._deliver(lease), name=f"parcel {lease.parcel.id}")
        return len(leases)

    async def _deliver(self, lease: Lease) -> None:
        try:
            outcome = await self._attempt(lease)
            async with self._store.transaction() as tx:
                match outcome:
                    case None:
                        await tx.delivered(lease)
                    case timedelta():
                        await tx.postpone(lease, until=outcome)
                    case str():
                        await tx.hold(lease, why=outcome)
        except StoreUnavailable:
            log.warning("outbox.not_acknowledged", parcel=str(lease.parcel.id))  # its lease ends, and it comes again
        finally:
            self._in_hand -= 1
            self._hinted.set()  # its address may have more

    async def _attempt(self, lease: Lease) -> timedelta | str | None:
        """None when it was delivered, when to try again, or why a person has to look at it."""
        parcel = lease.parcel
        try:
            async with asyncio.timeout(LONGEST):
                await self._channels[parcel.channel].deliver(parcel)
        except Undeliverable as error:
            log.warning("outbox.held", channel=parcel.channel, parcel=str(parcel.id), why=str(error))
            return str(error)
        except (ChannelError, TimeoutError) as error:
            asked = (error.retry_after if isinstance(error, ChannelError) else None) or timedelta()
            log.info("outbox.postponed", parcel=str(parcel.id), attempts=parcel.attempts, why=str(error))
            if parcel.attempts >= PATIENCE:
                return f"Not delivered in {parcel.attempts} attempts: {error}"
            return max(asked, _back_off(parcel.attempts))
        except StoreUnavailable:
            return _back_off(1)
        except Exception as error:
            log.exception("outbox.failed", parcel=str(parcel.id), attempts=parcel.attempts)
            return f"A fault of the program: {error!r}" if parcel.attempts >= FAULTS else _back_off(parcel.attempts)
        return None

    async def _look_again(self) -> None:
        try:
            async with asyncio.timeout(LOOK):
                await self._hinted.wait()
        except TimeoutError:
            return


def _back_off(attempts: int) -> timedelta:
    return timedelta(seconds=min(MOST, FIRST * 2 ** min(attempts - 1, 10)))
