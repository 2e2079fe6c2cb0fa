"""Personal data at the desk: an administrator finds a person, hands their data out, or erases them."""

from __future__ import annotations

from uuid import UUID

from appliance.core.types import Role, Staff
from appliance.desk.base import Gone, Part, must_be
from appliance.privacy import PersonalData, Receipt
from appliance.store.privacy import Person
from appliance.store.store import Store

__all__ = ["Person", "PrivacyDesk", "Receipt"]


class PrivacyDesk(Part):
    """Every method raises `Forbidden` for whoever is no administrator; the audit log says who did it, not to whom."""

    def __init__(self, *, store: Store, data: PersonalData) -> None:
        super().__init__(store=store)
        self._data = data

    async def find(self, actor: Staff, wanted: str) -> list[Person]:
        """Who may be meant by a telephone, a mail address, a Telegram id, an id of ours, or a name."""
        must_be(actor, Role.ADMINISTRATOR)
        return await self._data.find(wanted)

    async def of_conversation(self, actor: Staff, conversation: UUID) -> Person:
        """Whoever had a dialogue, with all that belongs to them. Raises `Gone`."""
        must_be(actor, Role.ADMINISTRATOR)
        return _known(await self._data.of(conversation))

    async def export(self, actor: Staff, person: Person) -> bytes:
        """A zip of all that is kept of a person: JSON for machines, workbooks for people. Raises `Gone`."""
        must_be(actor, Role.ADMINISTRATOR)
        contents = await self._data.export(_known(person))
        async with self._store.transaction() as tx:
            await self._note(tx, actor, "privacy.export", _mark(person), after={"bytes": len(contents)})
        return contents

    async def erase(self, actor: Staff, person: Person) -> Receipt:
        """Erases all of a person, for good. The receipt's number is what the audit log knows of it. Raises `Gone`."""
        must_be(actor, Role.ADMINISTRATOR)
        receipt = await self._data.erase(_known(person), how="desk")
        async with self._store.transaction() as tx:
            await self._note(tx, actor, "privacy.erase", receipt.number, after=dict(receipt.counts))
        return receipt

    async def receipts(self, actor: Staff) -> list[Receipt]:
        """The last erasures, newest first."""
        must_be(actor, Role.ADMINISTRATOR)
        return await self._data.erasures()


def _known(person: Person) -> Person:
    if not person.known:
        raise Gone("Nothing is kept of this person; they may have been erased.")
    return person


def _mark(person: Person) -> UUID:
    return (*person.conversations, *person.leads)[0]
