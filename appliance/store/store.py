"""The one door to the database: transactions that commit or vanish as a whole, and hints between processes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import psycopg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from appliance.store.audit import Audit
from appliance.store.bulletins import Bulletins
from appliance.store.conversations import ALIVE, Conversations
from appliance.store.crm import CrmAccounts
from appliance.store.crm_queue import CrmQueue
from appliance.store.crm_report import CrmReport
from appliance.store.digests import Digests
from appliance.store.errors import StoreUnavailable
from appliance.store.experiments import Experiments
from appliance.store.figures import Figures
from appliance.store.held import HeldParcels
from appliance.store.inbox import Inbox
from appliance.store.keeping import Upkeep
from appliance.store.leads import Leads
from appliance.store.links import Links
from appliance.store.notes import Notes
from appliance.store.outgoing import Outgoing
from appliance.store.owner_texts import OwnerTexts
from appliance.store.people import Logins
from appliance.store.pipeline import Pipeline
from appliance.store.privacy import Privacy
from appliance.store.quotes import Quotes
from appliance.store.reports import Reports
from appliance.store.staff import Crew
from appliance.store.telegram import Telegrams
from appliance.store.uploads import Uploads
from appliance.store.visitors import Visitors
from appliance.store.watching import Watching
from appliance.store.words import Words

EVENTS = "counterman_events"  # the NOTIFY channel: ids of conversations with something new to read


class Transaction(
    Conversations,
    Visitors,
    Bulletins,
    CrmAccounts,
    CrmQueue,
    CrmReport,
    Outgoing,
    Words,
    Links,
    Telegrams,
    Leads,
    Crew,
    Quotes,
    Logins,
    Audit,
    Watching,
    Uploads,
    OwnerTexts,
    Digests,
    Figures,
    Experiments,
    Reports,
    HeldParcels,
    Privacy,
    Upkeep,
    Inbox,
    Notes,
    Pipeline,
):
    """Everything that may be read or written, inside one database transaction."""


class Store:
    """A pool of connections to PostgreSQL.

    `instance` identifies this process among those that answer customers: while `stay_alive` runs, it holds an
    advisory lock under that number, and the claims of a number whose lock nobody holds are void.
    """

    def __init__(self, url: str, *, pool: int = 10) -> None:
        self.url = url
        self.instance = random.getrandbits(31)
        self._most = 2 * pool
        self._engine: AsyncEngine = create_async_engine(
            driver_url(url),
            pool_size=pool,
            max_overflow=pool,
            pool_timeout=10,
            pool_pre_ping=True,
            connect_args={"connect_timeout": 5},
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """The only commit. Raises `StoreUnavailable` when the database is away or too busy."""
        try:
            async with self._engine.begin() as connection:
                yield Transaction(connection, instance=self.instance, notify=EVENTS)
        except (OperationalError, OSError) as error:
            raise StoreUnavailable("The database cannot be reached; see `appliance check`.") from error
        except NoConnectionFree as error:
            raise StoreUnavailable("Every connection to the database is busy. Try again in a moment.") from error
        except DBAPIError as error:
            if error.connection_invalidated:
                raise StoreUnavailable("The database connection was cut.") from error
            if isinstance(error.orig, psycopg.errors.UndefinedTable):
                raise StoreUnavailable("The database lacks tables of this version: run `appliance migrate`.") from error
            raise

    async def stay_alive(self) -> None:
        """Holds this process's advisory lock, taking it anew whenever the connection was lost. Runs until cancelled."""
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(plain_url(self.url), autocommit=True) as connection:
                    await connection.execute("SELECT pg_advisory_lock(%s, %s)", (ALIVE, self.instance))
                    while True:
                        await asyncio.sleep(2)
                        await connection.execute("SELECT 1")
            except (psycopg.Error, OSError):
                await asyncio.sleep(0.5)

    async def hints(self, *channels: str) -> AsyncIterator[tuple[str, UUID]]:
        """(channel, conversation) as other transactions commit; only hints: who must not miss any also polls."""
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(plain_url(self.url), autocommit=True) as connection:
                    for channel in channels or (EVENTS,):
                        await connection.execute(f"LISTEN {channel}")
                    async for notice in connection.notifies():
                        yield notice.channel, UUID(notice.payload)
            except (psycopg.Error, OSError):
                await asyncio.sleep(0.5)

    async def revision(self) -> str:
        """The revision of the schema, empty for a database that was never migrated."""
        async with self._engine.connect() as connection:
            known = await connection.scalar(text("SELECT to_regclass('alembic_version')::text"))
            return str(await connection.scalar(text("SELECT version_num FROM alembic_version"))) if known else ""

    def connections(self) -> dict[str, float]:
        """How many of the pool are used now, and how many more may be."""
        pool = self._engine.pool
        used = pool.checkedout()  # type: ignore[attr-defined]
        return {"used": used, "free": self._most - used}

    async def close(self) -> None:
        await self._engine.dispose()


def driver_url(url: str) -> str:
    """A PostgreSQL URL in the form that SQLAlchemy wants with psycopg 3."""
    for prefix in ("postgresql+psycopg://", "postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    raise ValueError("DATABASE_URL must begin with postgresql://")


def plain_url(url: str) -> str:
    """A PostgreSQL URL as libpq reads it."""
    return "postgresql://" + driver_url(url).removeprefix("postgresql+psycopg://")
