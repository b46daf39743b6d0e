"""A database for all tests of connections, and tenants of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from pumpjack_cli.stores import EmbeddedPostgres, EmbeddedValkey
from pumpjack_gateway.main import Gateway
from tests.gateway.conftest import running
from tests.gateway.connections.site import Site
from tests.gateway.databases import Database, made

NAME = "gateway_connections"


@pytest.fixture(scope="session")
def connections_database(postgres: EmbeddedPostgres) -> Database:
    return asyncio.run(made(postgres, NAME))


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
