"""What tests share: a real PostgreSQL, migrated once, emptied for each test; and a priority that no test lowers."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from appliance.store.embedded import Embedded
from appliance.store.schema import migrate
from appliance.store.store import Store, driver_url
from appliance.store.tables import Base

# A new file for every table and index is what an empty TRUNCATE costs; most tests write into a few tables only.
EMPTY_ALL = """
DO $$ DECLARE name text; used boolean; full_ones text[] := '{{}}';
BEGIN
  FOREACH name IN ARRAY ARRAY[{names}] LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM %I)', name) INTO used;
    IF used THEN full_ones := full_ones || quote_ident(name); END IF;
  END LOOP;
  IF cardinality(full_ones) > 0 THEN EXECUTE 'TRUNCATE ' || array_to_string(full_ones, ', ') || ' CASCADE'; END IF;
END $$
"""


@pytest.fixture(autouse=True)
def _priority(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that gives way to customers would slow down all tests after it."""
    monkeypatch.setattr(os, "nice", lambda step: 0)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a migrated database: the embedded server's, or the one that `TEST_DATABASE_URL` names."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        migrate(given)
        yield given
        return
    folder: Path = tmp_path_factory.mktemp("postgres")
    with Embedded(folder) as postgres:
        migrate(postgres.url)
        yield postgres.url


@pytest.fixture
def database_url(server: str) -> str:
    """The database with all its tables empty."""
    engine = create_engine(driver_url(server))
    with engine.begin() as connection:
        names = ", ".join(f"'{table.name}'" for table in Base.metadata.sorted_tables)
        connection.execute(text(EMPTY_ALL.format(names=names)))
    engine.dispose()
    return server


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    store = Store(database_url, pool=5)
    yield store
    await store.close()
