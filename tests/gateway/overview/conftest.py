"""A database for all tests of the overview, and tenants of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from pumpjack_cli.stores import EmbeddedPostgres, EmbeddedValkey
from pumpjack_gateway.main import Gateway
from tests.gateway.conftest import running
from tests.gateway.databases import Database, made
from tests.gateway.overview.oilfield import Oilfield

NAME = "gateway_overview"


@pytest.fixture(scope="session")
def overview_database(postgres: EmbeddedPostgres) -> Database:
    return asyncio.run(made(postgres, NAME))


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
