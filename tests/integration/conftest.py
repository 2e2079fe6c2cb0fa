"""A counterpart of Zoho and a shop that feeds it: what tests of the CRM share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance.store.store import Store
from tests.zoho import FOLDER, Faults, Spec, ZohoServer
from tests.zoho.shop import Shop


@pytest.fixture
async def zoho() -> AsyncIterator[ZohoServer]:
    """With Zoho's own files where they are; the tests of the pushes say loudly that they are not."""
    async with ZohoServer(spec=Spec() if FOLDER.is_dir() else None, faults=Faults()) as server:
        yield server
        assert server.wrong == []


@pytest.fixture
async def shop(store: Store, tmp_path: Path) -> AsyncIterator[Shop]:
    """Connected to nothing yet."""
    shop = Shop(store, tmp_path)
    yield shop
    await shop.close()
