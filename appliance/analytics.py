"""Questions about the dialogues: what a period was like, how today goes, which prompt does better."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from appliance.core import sequential
from appliance.core.figures import Demand, Dimension, Period, Slice, Summary, Today, Trial, Waiting
from appliance.core.filters import DialogueFilter, Trouble
from appliance.core.sequential import Count
from appliance.store.digests import START
from appliance.store.experiments import Dealt
from appliance.store.store import Store

log = structlog.get_logger("analytics")

BATCH = 300  # dialogues digested in one transaction: about a tenth of a second
PATIENCE = 1.0  # seconds that a reader waits for what is not digested yet
FRESH = 3.0  # seconds for which the digests are new enough, however many pages are open
VALUED = 60.0  # seconds for which the values to choose from are good enough
PROMPT = "answer"  # the name of the prompt that dialogues are answered with


class Analytics:
    """Reads the figures; all moments are of the owner's time zone."""

    def __init__(self, *, store: Store, zone: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store = store
        self._clock = clock
        self.zone = ZoneInfo(zone)
        self.behind = False  # whether there is more to digest than a reader may wait for
        self._fresh_at = float("-inf")
        self._freshening = asyncio.Lock()
        self._values: Mapping[Dimension, Sequence[Slice]] = {}
        self._valued_at = float("-inf")

    @property
    def today(self) -> date:
        return self._clock().astimezone(self.zone).date()

    async def summary(self, period: Period, which: DialogueFilter | None = None) -> Summary:
        """The counts of a period; the filter's own times are not looked at."""
        await self.freshen()
        which = replace(which or DialogueFilter(), since=None, until=None)
        now, then = _in(which, period), _in(which, period.before)
        async with self._store.transaction() as tx:
            by = await tx.counted_by(now)
            return Summary(
                period=period,
                filter=which,
                total=await tx.counted(now),
                before=await tx.counted(then),
                troubles=await tx.troubles(now),
                troubles_before=await tx.troubles(then),
                days=tuple(await tx.counted_by_day(now, self.zone.key)),
                hours=tuple(await tx.counted_by_hour(now, self.zone.key)),
                by=tuple((dimension, tuple(slices)) for dimension, slices in by.items()),
            )

    async def values(self) -> Mapping[Dimension, Sequence[Slice]]:
        """What there was in each dimension in the last year, the commonest first; new values come within a minute."""
        if time.monotonic() - self._valued_at > VALUED:
            year = Period.ending(self.today, 365, self.zone)
            async with self._store.transaction() as tx:
                self._values = await tx.counted_by(_in(DialogueFilter(), year))
            self._valued_at = time.monotonic()
        return self._values

    async def demand(self, period: Period, which: DialogueFilter | None = None, *, most: int = 50) -> Demand:
        """What was asked for in a period and not given; lists of at most `most`."""
        await self.freshen()
        now = _in(which or DialogueFilter(), period)
        async with self._store.transaction() as tx:
            return Demand(
                absent=tuple(await tx.unmet(now, Trouble.ABSENT, most=most)),
                unanswered=tuple(await tx.unmet(now, Trouble.UNANSWERED, most=most)),
                out=tuple(await tx.out_of_stock(now, most=most)),
                bad=tuple(await tx.marked_bad(now, most=most)),
            )

    async def so_far(self) -> Today:
        """Today until now beside the same weekday a week ago until the same hour."""
        await self.freshen()
        now = self._clock().astimezone(self.zone)
        midnight = datetime.combine(now.date(), datetime.min.time(), self.zone)
        week = timedelta(days=7)  # on the owner's clock, which a change of summer time does not shift
        today = DialogueFilter(since=midnight, until=now)
        week_ago = DialogueFilter(since=midnight - week, until=now - week)
        async with self._store.transaction() as tx:
            return Today(
                now=await tx.counted(today),
                then=await tx.counted(week_ago),
                troubles=await tx.troubles(today),
                troubles_then=await tx.troubles(week_ago),
                today=replace(today, until=None),
                week_ago=week_ago,
            )

    async def waiting(self) -> Waiting:
        """What waits for a person now."""
        async with self._store.transaction() as tx:
            return await tx.needing_people()

    async def trials(self) -> list[Trial]:
        """The comparison of each version on trial with the live one; none while no version has a share."""
        await self.freshen()
        async with self._store.transaction() as tx:
            dealt = await tx.dealt(await tx.trial(PROMPT), PROMPT)
        if dealt is None or sum(dealt.shares.values()) >= 1:
            return []
        return [await asyncio.to_thread(_judged, dealt, version, self._clock()) for version in dealt.shares]

    async def freshen(self) -> None:
        """Digests what customers have just said, so that a figure never lags behind the list that it opens."""
        async with self._freshening:
            began = time.monotonic()
            if began - self._fresh_at > FRESH:
                self.behind = not await self._catch_up(until=began + PATIENCE)
                self._fresh_at = time.monotonic()

    async def catch_up(self) -> None:
        """Digests all that was said since the last time."""
        await self._catch_up(until=float("inf"))

    async def _catch_up(self, *, until: float) -> bool:
        """Whether it came to the end in time."""
        async with self._store.transaction() as tx:
            place = await tx.news_begin()
        while time.monotonic() < until:
            async with self._store.transaction() as tx:
                found, place = await tx.digest_after(place, limit=BATCH)
            if found < BATCH:
                return True
        return False

    async def sweep(self) -> int:
        """Digests all that has changed, whenever it was; gives how many. May run anywhere, any number of times."""
        place, swept = START, 0
        while True:
            async with self._store.transaction() as tx:
                found, place = await tx.digest_after(place, limit=BATCH)
            swept += found
            if found < BATCH:
                if swept:
                    log.info("dialogues.digested", dialogues=swept)
                return swept


def _judged(dealt: Dealt, version: str, now: datetime) -> Trial:
    """One version against the live one, on the dialogues of the two."""
    live = 1 - sum(dealt.shares.values())
    part = dealt.shares[version] / (dealt.shares[version] + live)
    old, new = dealt.counts.get(dealt.live, Slice()), dealt.counts.get(version, Slice())
    finding = sequential.compare(
        [Count(share=part, old=old.leads, new=new.leads)],
        [Count(share=part, old=old.dialogues, new=new.dialogues)],
    )
    rate = old.leads / old.dialogues if old.dialogues else 0.0
    days = max((now - dealt.since).total_seconds() / 86400, 1 / 24)
    return Trial(
        old=dealt.live,
        new=version,
        share=part,
        since=dealt.since,
        before=replace(old, value=dealt.live),
        after=replace(new, value=version),
        finding=finding,
        needed=sequential.dialogues_needed(rate, part),
        a_day=(old.dialogues + new.dialogues) / days,
    )


def _in(which: DialogueFilter, period: Period) -> DialogueFilter:
    return replace(which, since=period.since, until=period.until)
