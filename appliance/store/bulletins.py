"""Bulletins in the database: the owner's plan of each, and when it last went out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.core.bulletins import Plan
from appliance.store.tables import BulletinRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulletin:
    """`plan` is None where the console has none: the settings say."""

    plan: Plan | None
    told_at: datetime


class Bulletins:
    """The part of a transaction that knows bulletins."""

    connection: AsyncConnection

    async def bulletin(self, kind: str) -> Bulletin:
        """How it is planned. It is locked until the transaction ends, so that of several only one sends it.

        One that nobody knew of yet counts as told now: what was before is nobody's news.
        """
        await self.connection.execute(upsert(BulletinRow).values(kind=kind).on_conflict_do_nothing())
        row = (
            await self.connection.execute(select(BulletinRow).where(BulletinRow.kind == kind).with_for_update())
        ).one()
        plan = Plan(every=row.every, weekday=row.weekday, hour=row.hour) if row.every else None
        return Bulletin(plan=plan, told_at=row.told_at)

    async def plan_bulletin(self, kind: str, plan: Plan) -> None:
        values = {"every": plan.every, "weekday": plan.weekday, "hour": plan.hour}
        row = upsert(BulletinRow).values(kind=kind, **values)
        await self.connection.execute(row.on_conflict_do_update(index_elements=["kind"], set_=values))

    async def bulletin_told(self, kind: str, at: datetime) -> None:
        await self.connection.execute(update(BulletinRow).where(BulletinRow.kind == kind).values(told_at=at))
