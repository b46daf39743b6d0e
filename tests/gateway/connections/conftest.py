"""A database for all tests of connections, and tenants of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from pumpjack_cli.stores import EmbeddedPostgres, EmbeddedValkey
from pumpjack_core.storage.migrate import migrate
from pumpjack_gateway.main import Gateway
from tests.gateway.alarms.field import Database
from tests.gateway.conftest import running
from tests.gateway.connections.site import Site

NAME = "gateway_connections"


async def _make(postgres: EmbeddedPostgres) -> None:
    admin = await asyncpg.connect(postgres.url())
    await admin.execute(f"CREATE DATABASE {NAME}")
    await admin.close()
    await migrate(postgres.url(NAME))


@pytest.fixture(scope="session")
def connections_database(postgres: EmbeddedPostgres) -> Database:
    asyncio.run(_make(postgres))
    return Database(postgres, NAME)


@pytest.fixture
async def site(connections_database: Database, valkey: EmbeddedValkey) -> AsyncIterator[Site]:
    """A tenant with one connection that was told of."""
    site = Site(connections_database, valkey.url)
    await site.open()
    yield site
    await site.close()


@pytest.fixture
async def gateway(connections_database: Database, valkey: EmbeddedValkey) -> AsyncIterator[Gateway]:
    async with running(valkey.url, connections_database.gateway_url) as gateway:
        yield gateway
