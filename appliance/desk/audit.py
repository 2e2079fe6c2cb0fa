"""The log of what people did, for administrators."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from appliance.core.types import Role, Staff
from appliance.desk.base import Part, must_be
from appliance.store.audit import Act

__all__ = ["Act", "Audit", "Sought"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which acts are looked for; what is empty does not matter."""

    words: str = ""
    area: str = ""
    who: UUID | None = None
    since: datetime | None = None


class Audit(Part):
    """Only reads: nobody may change the log."""

    async def acts(self, actor: Staff, sought: Sought, *, offset: int = 0, limit: int = 50) -> tuple[list[Act], int]:
        """A page of acts, newest first, and how many there are. Raises `Forbidden`."""
        must_be(actor, Role.ADMINISTRATOR)
        async with self._store.transaction() as tx:
            return await tx.acts(
                offset=offset, limit=limit, words=sought.words, area=sought.area, who=sought.who, since=sought.since
            )

    async def areas(self, actor: Staff) -> list[str]:
        """What acts may be about: the word before the dot. Raises `Forbidden`."""
        must_be(actor, Role.ADMINISTRATOR)
        async with self._store.transaction() as tx:
            return await tx.audit_areas()
