"""The people of the house: who may work at the desk."""

from __future__ import annotations

from uuid import UUID

from appliance.core.types import Role, Staff
from appliance.desk.base import Gone, must_be
from appliance.desk.dialogues import Dialogues


class People(Dialogues):
    """The part of the desk that knows managers and administrators."""

    async def employ(
        self, actor: Staff | None, *, name: str, role: Role, telegram_id: int | None = None, email: str = "",
        lang: str = "ru",
    ) -> Staff:  # fmt: skip
        """Adds a manager or an administrator; `actor` is None for the operator at the box. Raises `Forbidden`."""
        if actor is not None:
            must_be(actor, Role.ADMINISTRATOR)
        async with self._store.transaction() as tx:
            person = await tx.employ(name=name, role=role, telegram_id=telegram_id, email=email, lang=lang)
            await self._note(tx, actor, "staff.employ", person.id, after={"name": name, "role": role})
        return person

    async def dismiss(self, actor: Staff | None, person: UUID) -> None:
        """Takes somebody's rights. Raises `Forbidden`, or `Gone` when they have none."""
        if actor is not None:
            must_be(actor, Role.ADMINISTRATOR)
        async with self._store.transaction() as tx:
            if not await tx.dismiss(person):
                raise Gone("There is no such manager, or no longer.")
            for conversation in await tx.held_by(person):
                await self.within(tx).hand_back(None, conversation)
                if open_ := await tx.open_lead(conversation):
                    await self._changed(tx, open_.id)  # others may take it now
            await self._note(tx, actor, "staff.dismiss", person)

    async def crew(self) -> list[Staff]:
        async with self._store.transaction() as tx:
            return await tx.crew()

    async def manager(self, telegram_id: int) -> Staff | None:
        """Who writes from this Telegram account, if they are one of ours."""
        async with self._store.transaction() as tx:
            return await tx.by_telegram(telegram_id)
