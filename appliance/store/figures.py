"""Figures in the database: dialogues counted from their digests, and which dialogues a figure counts."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    String,
    Subquery,
    and_,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    text,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.core import demand
from appliance.core.demand import Group, Wanted
from appliance.core.figures import Bad, Dimension, Out, Slice, Troubles, Waiting
from appliance.core.filters import DialogueFilter, Slot, Stage, Trouble
from appliance.store.tables import DigestRow, LeadRow, MessageRow, WantRow

COLUMNS = {
    Dimension.CHANNEL: DigestRow.channel,
    Dimension.LANG: DigestRow.lang,
    Dimension.TOPIC: DigestRow.topic,
    Dimension.CATEGORY: DigestRow.category,
    Dimension.PROMPT: DigestRow.prompt_version,
    Dimension.MODEL: DigestRow.model,
}
CONTACT = or_(LeadRow.phone != "", LeadRow.email != "")
LEAD = and_(CONTACT, LeadRow.status.not_in(["draft", "partial"]))  # confirmed, or taken up by a manager
MOST_KEYS = 5000  # wishes of a period that are read; the rarest are left out
MOST_BAD = 50
PERSONAL = r"@|\d[\d\s()+.-]{7,}\d"  # what may be an address or a phone: such wordings are no examples


class Figures:
    """The part of a transaction that counts."""

    connection: AsyncConnection

    async def counted(self, which: DialogueFilter) -> Slice:
        """All dialogues of a filter."""
        row = (await self.connection.execute(_counts(which))).one()
        return _slice("", row)

    async def counted_by(self, which: DialogueFilter) -> dict[Dimension, list[Slice]]:
        """The dialogues of a filter by each dimension, the largest slice first."""
        sets = func.grouping_sets(*COLUMNS.values())
        place = func.grouping(*COLUMNS.values())
        rows = await self.connection.execute(_counts(which, place.label("place"), *COLUMNS.values()).group_by(sets))
        found: dict[Dimension, list[Slice]] = {dimension: [] for dimension in Dimension}
        names = list(COLUMNS)
        for row in rows:  # `place` has a bit set for each column that is not grouped by, the first the highest
            at = next(at for at in range(len(names)) if not row.place >> (len(names) - 1 - at) & 1)
            found[names[at]].append(_slice(row[1 + at], row))
        return {name: sorted(slices, key=lambda one: (-one.dialogues, one.value)) for name, slices in found.items()}

    async def counted_by_day(self, which: DialogueFilter, zone: str) -> list[tuple[date, Slice]]:
        """The dialogues of a filter by the day, in a time zone, on which they began; days without any are left out."""
        day = func.date(func.timezone(zone, DigestRow.began_at)).label("day")
        rows = await self.connection.execute(_counts(which, day).group_by(day).order_by(day))
        return [(row.day, _slice("", row)) for row in rows]

    async def counted_by_hour(self, which: DialogueFilter, zone: str) -> list[tuple[int, int, int]]:
        """(weekday from 0 for Monday, hour, dialogues) in a time zone; hours without any are left out."""
        local = func.timezone(zone, DigestRow.began_at)
        weekday, hour = func.extract("isodow", local), func.extract("hour", local)
        rows = await self.connection.execute(
            select(weekday, hour, func.count()).where(*_fits(which)).group_by(weekday, hour).order_by(weekday, hour)
        )
        return [(int(day) - 1, int(at), count) for day, at, count in rows]

    async def troubles(self, which: DialogueFilter) -> Troubles:
        """Dialogues that had each trouble in the filter's time."""
        wants = await self.connection.execute(
            select(WantRow.kind, func.count(WantRow.conversation_id.distinct()))
            .join(DigestRow, DigestRow.conversation_id == WantRow.conversation_id)
            .where(*_within(WantRow.at, which), *_fits(_timeless(which)))
            .group_by(WantRow.kind)
        )
        bad = await self.connection.scalar(
            select(func.count(MessageRow.conversation_id.distinct()))
            .join(DigestRow, DigestRow.conversation_id == MessageRow.conversation_id)
            .where(MessageRow.rating < 0, *_within(MessageRow.at, which), *_fits(_timeless(which)))
        )
        return Troubles(bad=bad or 0, **{str(kind): count for kind, count in wants})

    async def unmet(self, which: DialogueFilter, kind: Trouble, *, most: int = 50) -> list[Group]:
        """What was asked for and not given, put together (see `core.demand`), the most wanted first."""
        here = (WantRow.kind == kind, WantRow.key != "", *_within(WantRow.at, which), *_fits(_timeless(which)))
        rows = await self.connection.execute(
            select(WantRow.key, func.count(WantRow.conversation_id.distinct()).label("dialogues"))
            .join(DigestRow, DigestRow.conversation_id == WantRow.conversation_id)
            .where(*here)
            .group_by(WantRow.key)
            .order_by(func.count(WantRow.conversation_id.distinct()).desc(), WantRow.key)
            .limit(MOST_KEYS)
        )
        wanted = [Wanted(key=key, dialogues=count) for key, count in rows]
        groups = await asyncio.to_thread(demand.groups, wanted, most=most)
        return await self._told(groups, here) if groups else []

    async def out_of_stock(self, which: DialogueFilter, *, most: int = 50) -> list[Out]:
        """Goods that fitted best and were out, by how many dialogues wanted them."""
        leads = reached()
        count = func.count(WantRow.conversation_id.distinct())
        rows = await self.connection.execute(
            select(
                WantRow.key,
                func.max(WantRow.name),
                count,
                func.count(WantRow.conversation_id.distinct()).filter(leads.c.lead),
                func.max(WantRow.at),
            )
            .join(DigestRow, DigestRow.conversation_id == WantRow.conversation_id)
            .outerjoin(leads, leads.c.conversation_id == WantRow.conversation_id)
            .where(WantRow.kind == Trouble.OUT, *_within(WantRow.at, which), *_fits(_timeless(which)))
            .group_by(WantRow.key)
            .order_by(count.desc(), WantRow.key)
            .limit(most)
        )
        return [
            Out(sku=sku, name=name, dialogues=dialogues, leads=lead, last=last)
            for sku, name, dialogues, lead, last in rows
        ]

    async def marked_bad(self, which: DialogueFilter, *, most: int = MOST_BAD) -> list[Bad]:
        """The newest answers that customers marked as bad."""
        asked = (
            select(func.string_agg(text("q.text"), literal(" ")))
            .select_from(text("messages AS q"))
            .where(text("q.conversation_id = messages.conversation_id AND q.answered_by = messages.id"))
            .correlate(MessageRow)
            .scalar_subquery()
        )
        rows = await self.connection.execute(
            select(MessageRow.conversation_id, MessageRow.id, asked.label("question"), MessageRow.text, DigestRow.lang,
                   MessageRow.at)
            .join(DigestRow, DigestRow.conversation_id == MessageRow.conversation_id)
            .where(MessageRow.rating < 0, *_within(MessageRow.at, which), *_fits(_timeless(which)))
            .order_by(MessageRow.at.desc(), MessageRow.id)
            .limit(most)
        )  # fmt: skip
        return [
            Bad(conversation=row.conversation_id, message=row.id, question=row.question or "", answer=row.text,
                lang=row.lang, at=row.at)
            for row in rows
        ]  # fmt: skip

    async def needing_people(self) -> Waiting:
        """What waits for a person now."""
        row = (await self.connection.execute(text(WAITING))).one()
        return Waiting(**row._mapping)

    async def _told(self, groups: Sequence[Group], here: Sequence[ColumnElement[bool]]) -> list[Group]:
        """The groups with what only the database knows: dialogues counted once each, languages, words of customers."""
        leaders = [group.key for group in groups for _ in group.keys]
        keys = [key for group in groups for key in group.keys]
        of = select(_each(keys).label("key"), _each(leaders).label("leader")).subquery()
        wants = (
            select(of.c.leader, WantRow.message_id, WantRow.conversation_id, WantRow.lang, WantRow.at)
            .join(of, of.c.key == WantRow.key)
            .join(DigestRow, DigestRow.conversation_id == WantRow.conversation_id)
            .where(*here)
            .subquery()
        )
        counted = await self.connection.execute(
            select(
                wants.c.leader,
                func.grouping(wants.c.lang).label("whole"),
                wants.c.lang,
                func.count(wants.c.conversation_id.distinct()),
                func.max(wants.c.at),
            ).group_by(func.grouping_sets(tuple_(wants.c.leader), tuple_(wants.c.leader, wants.c.lang)))
        )
        totals: dict[str, tuple[int, datetime]] = {}
        langs: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for leader, whole, lang, count, last in counted:
            if whole:
                totals[leader] = (count, last)
            else:
                langs[leader].append((lang, count))
        examples = await self._examples(wants)
        told = [
            replace(
                group,
                dialogues=totals[group.key][0],
                last=totals[group.key][1],
                langs=tuple(sorted(langs[group.key], key=lambda pair: (-pair[1], pair[0]))),
                examples=tuple(examples[group.key]),
            )
            for group in groups
        ]
        return sorted(told, key=lambda group: (-group.dialogues, group.key))

    async def _examples(self, wants: Subquery) -> dict[str, list[str]]:
        """Up to three wordings of each group, the newest first, each once."""
        said = func.left(func.btrim(MessageRow.text), 120)
        worded = (
            select(wants.c.leader, said.label("said"), func.max(wants.c.at).label("at"))
            .join(
                MessageRow,
                and_(
                    MessageRow.conversation_id == wants.c.conversation_id, MessageRow.answered_by == wants.c.message_id
                ),
            )
            .where(MessageRow.kind != "form", said != "", said.regexp_match(PERSONAL).is_(False))
            .group_by(wants.c.leader, said)
            .subquery()
        )
        place = func.row_number().over(partition_by=worded.c.leader, order_by=(worded.c.at.desc(), worded.c.said))
        ranked = select(worded.c.leader, worded.c.said, place.label("place")).subquery()
        rows = await self.connection.execute(
            select(ranked.c.leader, ranked.c.said).where(ranked.c.place <= 3).order_by(ranked.c.leader, ranked.c.place)
        )
        examples: dict[str, list[str]] = defaultdict(list)
        for leader, words in rows:
            examples[leader].append(words)
        return examples


def dialogues(which: DialogueFilter) -> Select[UUID]:
    """The ids of the dialogues that a filter means: what stands behind a figure, to the last one."""
    return select(DigestRow.conversation_id).where(*_fits(which))


WAITING = """
    SELECT (SELECT count(*) FROM leads WHERE status IN ('new', 'partial') AND closed_at IS NULL
                                         AND assigned_to IS NULL) AS leads,
           (SELECT min(created_at) FROM leads WHERE status IN ('new', 'partial') AND closed_at IS NULL
                                         AND assigned_to IS NULL) AS leads_since,
           (SELECT count(*) FROM conversations WHERE owner = 'queue') AS queue,
           (SELECT min(updated_at) FROM conversations WHERE owner = 'queue') AS queue_since,
           (SELECT count(*) FROM parcels
            WHERE held IS NOT NULL AND delivered_at IS NULL AND channel <> 'crm') AS held,
           (SELECT count(DISTINCT address) FROM parcels
            WHERE held IS NOT NULL AND delivered_at IS NULL AND channel = 'crm') AS pushes,
           (SELECT count(*) FROM uploads WHERE at > now() - interval '14 days' AND state <> 'dropped'
              AND (state = 'failed' OR (state = 'done' AND verdict ->> 'verdict' = 'refuse'))
              AND NOT EXISTS (SELECT 1 FROM uploads AS later WHERE later.source = uploads.source
                              AND later.at > uploads.at AND later.state <> 'dropped')) AS imports,
           (SELECT count(*) FROM marks WHERE settled_at IS NULL) AS bad
"""


def _counts(which: DialogueFilter, *by: Any) -> Select[Any]:
    """How many dialogues there are, and how many came how far."""
    leads = reached()
    return (
        select(
            *by,
            func.count().label("dialogues"),
            func.count().filter(DigestRow.shown).label("shown"),
            func.count().filter(leads.c.contact).label("contacts"),
            func.count().filter(leads.c.lead).label("leads"),
        )
        .select_from(DigestRow)
        .outerjoin(leads, leads.c.conversation_id == DigestRow.conversation_id)
        .where(*_fits(which))
    )


def reached() -> Subquery:
    """How far the leads of each dialogue came."""
    return (
        select(
            LeadRow.conversation_id,
            func.bool_or(CONTACT).label("contact"),
            func.bool_or(LEAD).label("lead"),
        )
        .where(LeadRow.conversation_id.is_not(None))
        .group_by(LeadRow.conversation_id)
        .subquery("reached")
    )


def _fits(which: DialogueFilter) -> list[ColumnElement[bool]]:
    """The filter as conditions on the digests. The value "-" of a dimension is its empty one."""
    given = {dimension: getattr(which, dimension) for dimension in Dimension}
    conditions: list[ColumnElement[bool]] = [
        COLUMNS[dimension] == ("" if value == NONE else value) for dimension, value in given.items() if value
    ]
    if which.trouble is None and not which.want:
        conditions += _within(DigestRow.began_at, which)
    if slot := Slot.read(which.slot):
        local = func.timezone(slot.zone, DigestRow.began_at)
        conditions.append(func.extract("isodow", local) == slot.weekday + 1)
        conditions.append(func.extract("hour", local) == slot.hour)
    if which.stage is Stage.GOODS:
        conditions.append(DigestRow.shown.is_(True))
    elif which.stage is not None:
        far = LEAD if which.stage is Stage.LEAD else CONTACT
        conditions.append(exists().where(LeadRow.conversation_id == DigestRow.conversation_id, far))
    if which.trouble is Trouble.BAD:
        conditions.append(
            exists().where(
                MessageRow.conversation_id == DigestRow.conversation_id,
                MessageRow.rating < 0,
                *_within(MessageRow.at, which),
            )
        )
    elif which.trouble is not None or which.want:
        conditions.append(exists().where(WantRow.conversation_id == DigestRow.conversation_id, *_wanted(which)))
    return conditions


NONE = "-"


def _wanted(which: DialogueFilter) -> list[ColumnElement[bool]]:
    conditions = _within(WantRow.at, which)
    if which.trouble is not None:
        conditions.append(WantRow.kind == which.trouble)
    if which.want:
        conditions.append(WantRow.key.in_(which.want.split("|")))
    return conditions


def _within(moment: Any, which: DialogueFilter) -> list[ColumnElement[bool]]:
    bounds = []
    if which.since:
        bounds.append(moment >= which.since)
    if which.until:
        bounds.append(moment < which.until)
    return bounds


def _each(values: Sequence[str]) -> Any:
    return func.unnest(cast(values, ARRAY(String)))


def _timeless(which: DialogueFilter) -> DialogueFilter:
    return replace(which, since=None, until=None)


def _slice(value: str, row: Any) -> Slice:
    return Slice(value=value, dialogues=row.dialogues, shown=row.shown, contacts=row.contacts, leads=row.leads)
