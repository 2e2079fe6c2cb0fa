"""Brings the database to this program's revision, one process at a time."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from appliance.store.revisions import FOLDER, newest
from appliance.store.store import driver_url

LOCK = 0x434D0001  # the advisory lock under which one process migrates while others wait


def migrate(url: str, revision: str = "head") -> str:
    """Upgrades the schema and gives the revision that it ends at; safe twice and in two processes at once."""
    engine = create_engine(driver_url(url))
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
            connection.commit()
            try:
                command.upgrade(_config(connection), revision)
                connection.commit()
            finally:
                connection.rollback()
                connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})
                connection.commit()
    finally:
        engine.dispose()
    return newest()


def _config(connection: object) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("path_separator", "os")
    return config
