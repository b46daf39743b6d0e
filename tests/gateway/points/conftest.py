"""A database of each level, and a gateway's way into it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pumpjack_core.storage.roles import reader_role
from pumpjack_gateway.points.store import PointsStore
from pumpjack_gateway.store import Isolation, Store
from tests.core.storage.conftest import (  # noqa: F401 - fixtures
    apache_server,
    database,
    fresh_url,
    level,
    timescaledb_server,
)
from tests.core.storage.database import Database


class OnOneConnection(Store):
    """PostgreSQL in WebAssembly has one session for all: what a pool resets is gone for all."""

    def __init__(self, database: Database) -> None:  # noqa: F811
        super().__init__(database.url, pool_max=1, limit_s=60.0)
        self._admin = database.admin

    @asynccontextmanager
    async def reader(
        self, tenant_id: str, isolation: Isolation = "read_committed"
    ) -> AsyncIterator[Any]:
        async with self._admin.transaction(isolation=isolation, readonly=True):
            await self._admin.execute(f"SET LOCAL ROLE {reader_role(tenant_id)}")
            yield self._admin


@pytest.fixture
async def points(database: Database) -> AsyncIterator[PointsStore]:  # noqa: F811
    if database.level == "community":
        yield PointsStore(OnOneConnection(database))
        return
    store = Store(database.login("pumpjack_gateway"), pool_max=2, limit_s=60.0)
    await store.open()
    yield PointsStore(store)
    await store.close()
