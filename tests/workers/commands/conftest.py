"""A simulated pump behind a proxy, a database and a Redis."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from pumpjack_cli.stores import EmbeddedPostgres
from pumpjack_core.storage.migrate import migrate
from pumpjack_core.storage.roles import ensure_tenant, writer_role
from pumpjack_worker.adapters.modbus_tcp.simulated_device import DeviceServer, SimulatedDevice
from tests.faults import FaultProxy
from tests.workers.commands.site import TENANT, Site, pump

TEMPLATE = "commands_template"
_numbers = itertools.count(1)


@pytest.fixture
def device() -> SimulatedDevice:
    return pump()


@pytest.fixture
async def proxy(device: SimulatedDevice) -> AsyncIterator[FaultProxy]:
    async with DeviceServer({0: device}) as server:
        async with FaultProxy(("127.0.0.1", server.ports[0])) as proxy:
            yield proxy


@pytest.fixture
async def migrated_database(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """URL, as superuser, of a database with all tables: a copy of one that was migrated once."""
    admin = await asyncpg.connect(postgres.url())
    name = f"commands{next(_numbers)}"
    try:
        if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", TEMPLATE):
            await admin.execute(f"CREATE DATABASE {TEMPLATE}")
            await migrate(postgres.url(TEMPLATE))
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        yield postgres.url(name)
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()


@pytest.fixture
async def site(migrated_database: str, valkey: Any, proxy: FaultProxy) -> AsyncIterator[Site]:
    database = await asyncpg.connect(migrated_database)
    await ensure_tenant(database, TENANT)
    login = migrated_database.replace("postgres@", f"{writer_role(TENANT)}@")
    site = Site(database, login, valkey.url)
    site.port = proxy.port
    await site.redis.flushall()
    yield site
    await site.redis.aclose()
    await database.close()
