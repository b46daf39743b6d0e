"""A database for all tests of the overview, and tenants of their own."""

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
from tests.gateway.overview.oilfield import Oilfield

NAME = "gateway_overview"


async def _make(postgres: EmbeddedPostgres) -> None:
    admin = await asyncpg.connect(postgres.url())
    await admin.execute(f"CREATE DATABASE {NAME}")
    await admin.close()
    await migrate(postgres.url(NAME))


@pytest.fixture(scope="session")
def overview_database(postgres: EmbeddedPostgres) -> Database:
    asyncio.run(_make(postgres))
    return Database(postgres, NAME)


@pytest.fixture
async def oilfield(overview_database: Database, valkey: EmbeddedValkey) -> AsyncIterator[Oilfield]:
    """Two wells of one connection."""
    oilfield = Oilfield(overview_database, valkey.url)
    await oilfield.open()
    yield oilfield
    await oilfield.close()


@pytest.fixture
async def overviews(overview_database: Database, valkey: EmbeddedValkey) -> AsyncIterator[Gateway]:
    """A gateway that looks for other facts often."""
    async with running(valkey.url, overview_database.gateway_url, facts_fresh_s=0.1) as gateway:
        yield gateway
