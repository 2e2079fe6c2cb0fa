"""Requests and quotations in the database: a basket for each dialogue, and papers that never change once made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.core.quote import LONGEST, MOST, Line, Quote, lines_from, lines_plain
from appliance.store.tables import ConversationRow, LeadRow, QuotationRow


class Quotes:
    """The part of a transaction that knows requests and quotations."""

    connection: AsyncConnection

    async def basket(self, conversation: UUID) -> dict[str, Decimal]:
        """SKU -> quantity in the order of adding. Until this transaction ends, nobody else may change it."""
        items = await self.connection.scalar(
            select(ConversationRow.basket).where(ConversationRow.id == conversation).with_for_update()
        )
        return {sku: Decimal(quantity) for sku, quantity in items or ()}

    async def put(self, conversation: UUID, sku: str, quantity: Decimal) -> dict[str, Decimal]:
        """Has so much of a product in the basket, none where that is 0; gives the basket.

        Past `LONGEST` products a further one is not taken, and of none there is more than `MOST`.
        """
        items = await self.basket(conversation)
        if quantity <= 0:
            items.pop(sku, None)
        elif sku in items or len(items) < LONGEST:
            items[sku] = min(quantity, MOST)
        await self._keep(conversation, items)
        return items

    async def clear(self, conversation: UUID) -> None:
        await self._keep(conversation, {})

    async def keep_quote(
        self,
        conversation: UUID,
        lines: Sequence[Line],
        *,
        lang: str,
        catalog_version: str,
        life: timedelta,
        lead: UUID | None = None,
    ) -> Quote:
        """Makes a quotation of these lines, with the next number, valid for `life` from now."""
        row = (
            await self.connection.execute(
                insert(QuotationRow)
                .values(
                    conversation_id=conversation,
                    lead_id=lead,
                    lang=lang,
                    catalog_version=catalog_version,
                    lines=lines_plain(lines),
                    valid_until=func.now() + life,
                )
                .returning(QuotationRow.id)
            )
        ).one()
        made = await self.quote(row.id)
        assert made is not None
        return made

    async def quote(self, id: UUID) -> Quote | None:
        """A quotation with the name of its customer, if the lead it belongs to has one."""
        return await self._quote(QuotationRow.id == id)

    async def last_quote(self, conversation: UUID) -> Quote | None:
        """The newest quotation of a dialogue that is still valid."""
        return await self._quote(QuotationRow.conversation_id == conversation, QuotationRow.valid_until > func.now())

    async def quote_numbers(self, lead: UUID) -> tuple[int, ...]:
        """The numbers of a lead's quotations, oldest first."""
        query = select(QuotationRow.number).where(QuotationRow.lead_id == lead).order_by(QuotationRow.number)
        return tuple(await self.connection.scalars(query))

    async def _quote(self, *where: Any) -> Quote | None:
        query = (
            select(QuotationRow, LeadRow.name, LeadRow.company)
            .outerjoin(LeadRow, LeadRow.id == QuotationRow.lead_id)
            .where(*where)
            .order_by(QuotationRow.number.desc())
            .limit(1)
        )
        row = (await self.connection.execute(query)).first()
        return _read(row) if row else None

    async def _keep(self, conversation: UUID, items: dict[str, Decimal]) -> None:
        plain = [[sku, format(quantity, "f")] for sku, quantity in items.items()]
        await self.connection.execute(
            update(ConversationRow).where(ConversationRow.id == conversation).values(basket=plain)
        )


def _read(row: Any) -> Quote:
    return Quote(
        id=row.id,
        number=row.number,
        lang=row.lang,
        lines=lines_from(row.lines),
        catalog_version=row.catalog_version,
        made=row.at,
        valid_until=row.valid_until,
        conversation=row.conversation_id,
        customer=", ".join(filter(None, (row.name, row.company))),
    )
