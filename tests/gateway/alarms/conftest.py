"""A database for all tests of alarms, and a field with a tenant of its own for each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from pumpjack_cli.stores import EmbeddedPostgres, EmbeddedValkey
from pumpjack_core.storage.migrate import migrate
from pumpjack_gateway.main import Gateway
from tests.gateway.alarms.field import Database, Field
from tests.gateway.conftest import running

NAME = "gateway_alarms"


async def _make(postgres: EmbeddedPostgres) -> None:
    admin = await asyncpg.connect(postgres.url())
    await admin.execute(f"CREATE DATABASE {NAME}")
    await admin.close()
    await migrate(postgres.url(NAME))


@pytest.fixture(scope="session")
def alarm_database(postgres: EmbeddedPostgres) -> Database:
    asyncio.run(_make(postgres))
    return Database(postgres, NAME)


@pytest.fixture
async def field(alarm_database: Database, valkey: EmbeddedValkey) -> AsyncIterator[Field]:
    """One tag with three alarms."""
    field = Field(alarm_database, valkey.url)
    await field.open()
    yield field
    await field.close()


@pytest.fixture
async def alarm_gateway(alarm_database: Database, valkey: EmbeddedValkey) -> AsyncIterator[Gateway]:
    async with running(valkey.url, alarm_database.gateway_url) as gateway:
        yield gateway
