"""The people of the house: who may work at the desk."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from appliance.core.types import Role, Staff
from appliance.desk.base import Gone, must_be
from appliance.desk.dialogues import Dialogues
from appliance.store.people import Person
from appliance.store.store import Transaction

__all__ = ["LastOne", "People", "Person"]


MOST = 100  # languages or groups of one person


class LastOne(Exception):
    """This is the last administrator. Make somebody else an administrator first."""


class People(Dialogues):
    """The part of the desk that knows managers and administrators."""

    async def employ(
        self, actor: Staff | None, *, name: str, role: Role, telegram_id: int | None = None, email: str = "",
        lang: str = "ru",
    ) -> Staff:  # fmt: skip
        """Adds a manager or an administrator; `actor` is None for the operator at the box.

        Raises `Forbidden`, and for a person at the console `Gone` where this Telegram account is somebody's already.
        """
        if actor is not None:
            must_be(actor, Role.ADMINISTRATOR)
        async with self._store.transaction() as tx:
            if actor and telegram_id and await tx.by_telegram(telegram_id):
                raise Gone("This Telegram account is on the list already.")
            person = await tx.employ(name=name, role=role, telegram_id=telegram_id, email=email, lang=lang)
            await self._note(tx, actor, "staff.employ", person.id, after={"name": name, "role": role})
        return person

    async def dismiss(self, actor: Staff | None, person: UUID) -> None:
        """Takes somebody's rights and ends their sessions; their dialogues go back to the assistant.

        Raises `Forbidden`, `Gone` when they have none, and for a person at the console `LastOne`.
        """
        if actor is not None:
            must_be(actor, Role.ADMINISTRATOR)
        async with self._store.transaction() as tx:
            if actor is not None:
                await _keep_one(tx, person)
            if not await tx.dismiss(person):
                raise Gone("There is no such manager, or no longer.")
            await tx.end_sessions(person=person)
            for conversation in await tx.held_by(person):
                await self.within(tx).hand_back(None, conversation)
                if open_ := await tx.open_lead(conversation):
                    await self._changed(tx, open_.id)  # others may take it now
            await self._note(tx, actor, "staff.dismiss", person)

    async def readmit(self, actor: Staff, person: UUID) -> None:
        """Gives somebody back the rights that were taken. Raises `Forbidden`, `Gone`."""
        must_be(actor, Role.ADMINISTRATOR)
        async with self._store.transaction() as tx:
            if not await tx.change_person(person, disabled_at=None):
                raise Gone("There is no such person.")
            await self._note(tx, actor, "staff.readmit", person)

    async def set_role(self, actor: Staff, person: UUID, role: Role) -> None:
        """Makes somebody a manager or an administrator. Raises `Forbidden`, `Gone`, `LastOne`."""
        must_be(actor, Role.ADMINISTRATOR)
        if role not in (Role.MANAGER, Role.ADMINISTRATOR):
            raise Gone(f"There is no such role here: {role}.")
        async with self._store.transaction() as tx:
            if (before := await tx.person(person)) is None:
                raise Gone("There is no such person.")
            if role is not Role.ADMINISTRATOR:
                await _keep_one(tx, person)
            await tx.change_person(person, role=role)
            await self._note(tx, actor, "staff.role", person, before={"role": before.role}, after={"role": role})

    async def describe(self, actor: Staff, person: UUID, *, name: str, lang: str, email: str = "") -> None:
        """Changes how somebody is called and told of things: one's own, or anybody's for an administrator.

        Raises `Forbidden`, `Gone`.
        """
        must_be(actor, Role.MANAGER if person == actor.id else Role.ADMINISTRATOR)
        values = {"name": name.strip()[:200], "lang": lang[:2], "email": email.strip()[:200]}
        async with self._store.transaction() as tx:
            before = await tx.person(person)
            if before is None or not values["name"]:
                raise Gone("There is no such person, or no name was given.")
            await tx.change_person(person, **values)
            changed = {id: value for id, value in values.items() if getattr(before, id) != value}
            if changed:
                old = {id: getattr(before, id) for id in changed}
                await self._note(tx, actor, "staff.describe", person, before=old, after=changed)

    async def people(self, actor: Staff) -> list[Person]:
        """All who run the place or have run it. Raises `Forbidden`."""
        must_be(actor, Role.ADMINISTRATOR)
        async with self._store.transaction() as tx:
            return await tx.people()

    async def myself(self, actor: Staff) -> Person:
        """The actor with what only they and administrators see. Raises `Gone`."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            if (found := await tx.person(actor.id)) is None:
                raise Gone("You are no longer one of the house.")
            return found

    async def set_duty(self, actor: Staff, on: bool) -> None:
        """The actor is on duty, and hears of new leads; or is not, while any colleague is."""
        must_be(actor, Role.MANAGER)
        async with self._store.transaction() as tx:
            if await tx.set_duty(actor.id, on):
                await self._note(tx, actor, "staff.duty", actor.id, before={"on_duty": not on}, after={"on_duty": on})

    async def set_interests(
        self, actor: Staff, person: UUID, *, languages: Collection[str], goods: Collection[str]
    ) -> None:
        """Of which customers' languages and groups of goods somebody hears first; none of either: of all.

        Raises `Forbidden`, `Gone`.
        """
        must_be(actor, Role.ADMINISTRATOR)
        values = {"languages": _names(languages), "goods": _names(goods)}
        async with self._store.transaction() as tx:
            if (before := await tx.person(person)) is None:
                raise Gone("There is no such person.")
            was = {"languages": list(before.languages), "goods": list(before.goods)}
            if was != values:
                await tx.change_person(person, **values)
                await self._note(tx, actor, "staff.interests", person, before=was, after=values)

    async def crew(self) -> list[Staff]:
        async with self._store.transaction() as tx:
            return await tx.crew()

    async def manager(self, telegram_id: int) -> Staff | None:
        """Who writes from this Telegram account, if they are one of ours."""
        async with self._store.transaction() as tx:
            return await tx.by_telegram(telegram_id)


def _names(given: Collection[str]) -> list[str]:
    """Each once, in their order, none too long."""
    return sorted({" ".join(name.split())[:100] for name in given if name.strip()})[:MOST]


async def _keep_one(tx: Transaction, person: UUID) -> None:
    """Raises `LastOne` where the house would be left without anybody who may do everything."""
    alone = await tx.administrators() == 1
    known = await tx.person(person)
    if alone and known and known.role is Role.ADMINISTRATOR and not known.disabled:
        raise LastOne
