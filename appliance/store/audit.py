"""The audit log, read: who did what, to whom or what, from what to what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.store.tables import AuditRow, UserRow

LIMIT = 50  # acts of one page


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One line of the log; `who` is empty for the operator at the box and for the appliance itself."""

    id: int
    at: datetime
    who: str
    action: str
    subject: str
    about: str  # the name behind the subject, where it is one of the people
    before: Mapping[str, Any]
    after: Mapping[str, Any]


class Audit:
    """The part of a transaction that reads the log."""

    connection: AsyncConnection

    async def acts(
        self, *, offset: int, limit: int, words: str = "", area: str = "", who: UUID | None = None,
        since: datetime | None = None,
    ) -> tuple[list[Act], int]:  # fmt: skip
        """A page of acts, newest first, and how many fit: `area` is the word before an action's dot."""
        about = UserRow.__table__.alias("about")
        fits = []
        if area:
            fits.append(AuditRow.action.startswith(f"{area}.", autoescape=True))
        if who:
            fits.append(AuditRow.user_id == who)
        if since:
            fits.append(AuditRow.at >= since)
        if words:
            sought = (AuditRow.action, AuditRow.subject, UserRow.name, about.c.name)
            fits.append(or_(*(column.icontains(words, autoescape=True) for column in sought)))

        def joined(asked: Select[Any]) -> Select[Any]:
            return (
                asked.select_from(AuditRow)
                .outerjoin(UserRow, UserRow.id == AuditRow.user_id)
                .outerjoin(about, func.cast(about.c.id, AuditRow.subject.type) == AuditRow.subject)
                .where(*fits)
            )

        asked = joined(select(AuditRow, UserRow.name.label("who"), about.c.name.label("about")))
        rows = await self.connection.execute(
            asked.order_by(AuditRow.at.desc(), AuditRow.id.desc()).offset(offset).limit(min(limit, LIMIT))
        )
        total = await self.connection.scalar(joined(select(func.count())))
        return [_act(row) for row in rows], int(total or 0)

    async def audit_areas(self) -> list[str]:
        """The words before the dot of all actions that the log has."""
        area = func.split_part(AuditRow.action, ".", 1)
        return list(await self.connection.scalars(select(area).distinct().order_by(area)))


def _act(row: Any) -> Act:
    return Act(
        id=row.id, at=row.at, who=row.who or "", action=row.action, subject=row.subject, about=row.about or "",
        before=row.before, after=row.after,
    )  # fmt: skip
