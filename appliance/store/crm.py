"""CRM accounts in the database: how each is reached, its token for all processes, and its pauses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.store.tables import CrmAccountRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A way to a CRM. `secrets` and `token` are sealed; `mapping` is the CRM's field -> ours."""

    kind: str
    live: bool
    settings: Mapping[str, Any]
    secrets: Mapping[str, str]
    mapping: Mapping[str, str]
    token: str
    token_number: int
    token_until: datetime | None
    api_url: str
    renewals: tuple[float, ...]  # times of the last renewals, seconds since 1970
    paused_until: datetime | None
    trouble: Mapping[str, Any]
    told_at: datetime | None
    well_at: datetime | None
    tested_at: datetime | None


class CrmAccounts:
    """The part of a transaction that knows CRM accounts."""

    connection: AsyncConnection

    async def crm_account(self, kind: str = "") -> Account | None:
        """The account of this kind, or the one that is live."""
        where = CrmAccountRow.kind == kind if kind else CrmAccountRow.live
        row = (await self.connection.execute(select(CrmAccountRow).where(where))).first()
        return _account(row) if row else None

    async def crm_configure(
        self,
        kind: str,
        *,
        settings: Mapping[str, Any] | None = None,
        secrets: Mapping[str, str] | None = None,
        mapping: Mapping[str, str] | None = None,
    ) -> None:
        """Joins settings and secrets to those that are kept, and replaces the mapping where one is given.

        Another client or grant makes the access token worthless: it is forgotten then.
        """
        new = {"settings": dict(settings or {}), "secrets": dict(secrets or {})}
        statement = upsert(CrmAccountRow).values(kind=kind, mapping=dict(mapping or {}), **new)
        changed: dict[str, Any] = {name: getattr(CrmAccountRow, name).op("||")(value) for name, value in new.items()}
        if mapping is not None:
            changed["mapping"] = dict(mapping)
        if secrets:
            changed |= {"token": "", "token_until": None, "token_number": CrmAccountRow.token_number + 1, "api_url": ""}
        await self.connection.execute(statement.on_conflict_do_update(index_elements=["kind"], set_=changed))

    async def crm_go_live(self, kind: str, *, live: bool = True) -> None:
        """From now on leads go there, and nowhere else; or no longer."""
        if live:
            await self.connection.execute(update(CrmAccountRow).where(CrmAccountRow.kind != kind).values(live=False))
        await self.connection.execute(
            update(CrmAccountRow)
            .where(CrmAccountRow.kind == kind)
            .values(live=live, trouble={}, paused_until=None, told_at=None, well_at=None)
        )

    async def crm_take_renewal(self, kind: str, *, after: int, lease: timedelta) -> bool:
        """The right to renew token number `after`; False when somebody does it just now, or has done it."""
        result = await self.connection.execute(
            text(
                """UPDATE crm_accounts SET renewing_until = clock_timestamp() + make_interval(secs => :lease)
                   WHERE kind = :kind AND token_number = :after
                     AND (renewing_until IS NULL OR renewing_until < clock_timestamp())"""
            ),
            {"kind": kind, "after": after, "lease": lease.total_seconds()},
        )
        return result.rowcount == 1

    async def crm_keep_token(
        self, kind: str, *, after: int, token: str, until: datetime, api_url: str, renewals: list[float]
    ) -> None:
        """Stores the sealed token that takes the place of number `after`, unless the account was changed meanwhile."""
        await self.connection.execute(
            update(CrmAccountRow)
            .where(CrmAccountRow.kind == kind, CrmAccountRow.token_number == after)
            .values(
                token=token, token_until=until, token_number=after + 1, renewing_until=None, renewals=renewals,
                **({"api_url": api_url} if api_url else {}),
            )
        )  # fmt: skip

    async def crm_drop_renewal(self, kind: str) -> None:
        """The renewal has failed: whoever is next may try."""
        await self.connection.execute(
            update(CrmAccountRow).where(CrmAccountRow.kind == kind).values(renewing_until=None)
        )

    async def crm_pause(self, kind: str, *, wait: timedelta, trouble: Mapping[str, Any]) -> None:
        """Nothing is pushed for a while; `trouble` says why."""
        await self.connection.execute(
            update(CrmAccountRow)
            .where(CrmAccountRow.kind == kind)
            .values(
                paused_until=func.greatest(CrmAccountRow.paused_until, func.clock_timestamp() + wait),
                trouble=dict(trouble),
            )
        )

    async def crm_recovered(self, kind: str) -> bool:
        """A push was taken: the trouble is over, unless the CRM has asked for patience while it was under way.

        True when there was trouble.
        """
        troubled = (CrmAccountRow.trouble != {}) | CrmAccountRow.paused_until.is_not(None)
        over = CrmAccountRow.paused_until.is_(None) | (CrmAccountRow.paused_until <= func.clock_timestamp())
        result = await self.connection.execute(
            update(CrmAccountRow)
            .where(CrmAccountRow.kind == kind, troubled, over)
            .values(trouble={}, paused_until=None)
        )
        return result.rowcount == 1

    async def crm_unpause(self, kind: str) -> None:
        """Somebody has seen to it, or wants to see now whether it works."""
        await self.connection.execute(
            update(CrmAccountRow).where(CrmAccountRow.kind == kind).values(trouble={}, paused_until=None)
        )

    async def crm_ready(self) -> bool:
        """Whether there is a live account that is not paused."""
        found = await self.connection.scalar(
            text(
                """SELECT 1 FROM crm_accounts
                   WHERE live AND (paused_until IS NULL OR paused_until <= clock_timestamp())"""
            )
        )
        return found is not None

    async def crm_mark(self, kind: str, column: str, at: datetime | None) -> None:
        """Notes when something was last done: `told_at`, `well_at`, `tested_at`."""
        await self.connection.execute(
            update(CrmAccountRow).where(CrmAccountRow.kind == kind).values({getattr(CrmAccountRow, column): at})
        )


def _account(row: Any) -> Account:
    names = set(Account.__dataclass_fields__) - {"renewals"}
    return Account(renewals=tuple(row.renewals), **{name: getattr(row, name) for name in names})
