"""A database for all tests of alarms, and a field with a tenant of its own for each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from pumpjack_cli.stores import EmbeddedPostgres, EmbeddedValkey
from pumpjack_gateway.main import Gateway
from tests.gateway.alarms.field import Field
from tests.gateway.conftest import running
from tests.gateway.databases import Database, made

NAME = "gateway_alarms"


@pytest.fixture(scope="session")
def alarm_database(postgres: EmbeddedPostgres) -> Database:
    return asyncio.run(made(postgres, NAME))


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
