"""Bulletins at the desk: when managers are told of the box and of the CRM, and one to look at now."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from uuid import UUID

from appliance.bulletins import Bulletins
from appliance.core import bulletins as rules
from appliance.core.bulletins import BOX, CRM, NEVER, OFTEN, Plan
from appliance.core.types import Role, Staff
from appliance.desk.base import Part, must_be
from appliance.store.store import Store

__all__ = ["BOX", "CRM", "NEVER", "OFTEN", "BulletinsDesk", "Plan", "Planned"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A bulletin's plan, when it goes out next (None for never), and to how many people by which ways."""

    plan: Plan
    next: datetime | None
    people: int
    ways: tuple[str, ...]


class BulletinsDesk(Part):
    """Managers read what is planned and have one sent to themselves; administrators plan."""

    def __init__(self, *, store: Store, bulletins: Bulletins, mail: bool) -> None:
        """`mail`: whether the box has a mail server."""
        super().__init__(store=store)
        self._bulletins, self._mail = bulletins, mail

    async def planned(self, actor: Staff, kind: str) -> Planned:
        must_be(actor, Role.MANAGER)
        plan, _ = await self._bulletins.plan(kind)
        async with self._store.transaction() as tx:
            crew = await tx.crew()
        ways = [self._ways(person) for person in crew]
        return Planned(
            plan=plan,
            next=rules.coming(plan, now=datetime.now(UTC), zone=self._bulletins.zone),
            people=sum(map(bool, ways)),
            ways=tuple(sorted({way for some in ways for way in some})),
        )

    async def plan(self, actor: Staff, kind: str, *, every: str, weekday: int, hour: int) -> None:
        """Raises ValueError for what is no plan."""
        must_be(actor, Role.ADMINISTRATOR)
        before, _ = await self._bulletins.plan(kind)
        after = Plan(every=every, weekday=weekday, hour=hour)
        async with self._store.transaction() as tx:
            await tx.plan_bulletin(kind, after)
            await tx.bulletin_told(kind, datetime.now(UTC))  # an hour of today that has passed is not made up for
            await self._note(
                tx, actor, "bulletin.plan", UUID(int=0), before={"kind": kind} | asdict(before), after=asdict(after)
            )

    async def show(self, actor: Staff, kind: str) -> bool:
        """Sends one to whoever asks, now; False where there is nothing to tell, or no way to them."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            person = next((one for one in await tx.crew() if one.id == actor.id), None)
            await self._note(tx, actor, "bulletin.show", UUID(int=0), after={"kind": kind})
        return bool(person and self._ways(person) and await self._bulletins.show(kind, person))

    def _ways(self, person: Staff) -> list[str]:
        found = {"telegram": person.telegram_id is not None, "mail": self._mail and bool(person.email)}
        return [way for way, is_ in found.items() if is_]
