"""A migrated database at each level: embedded PostgreSQL 18, TimescaleDB in WebAssembly."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest

from pumpjack_cli.stores import EmbeddedPostgres
from pumpjack_core.storage.levels import Level
from pumpjack_core.storage.migrate import migrate
from tests.core.storage.database import Database
from tests.timescaledb.wasm import timescaledb

_numbers = itertools.count(1)
LEVELS: list[Any] = [
    pytest.param("plain", marks=pytest.mark.servers),
    pytest.param("apache", marks=[pytest.mark.servers, pytest.mark.peers]),
    pytest.param("community", marks=[pytest.mark.servers, pytest.mark.peers]),
]


@pytest.fixture(scope="session")
def timescaledb_server() -> Iterator[str]:
    with timescaledb() as url:
        yield url


@pytest.fixture
async def fresh_url(level: Level, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """URL, as superuser, of a database of this level that was not migrated."""
    if level == "plain":
        postgres: EmbeddedPostgres = request.getfixturevalue("postgres")
        name = f"storage{next(_numbers)}"
        admin = await asyncpg.connect(postgres.url())
        await admin.execute(f"CREATE DATABASE {name}")
        yield postgres.url(name)
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()
        return
    url: str = request.getfixturevalue("timescaledb_server")
    connection = await asyncpg.connect(url, statement_cache_size=0)
    await connection.execute("DROP SCHEMA IF EXISTS pumpjack CASCADE")
    await connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
    await connection.close()
    yield url


@pytest.fixture
async def database(level: Level, fresh_url: str) -> AsyncIterator[Database]:
    """A migrated database of this level."""
    # The build cannot be told to run with the Apache licence, so that level is forced.
    report = await migrate(fresh_url, level="apache" if level == "apache" else None)
    assert report.level == level
    async with Database.open(fresh_url, level) as opened:
        yield opened


@pytest.fixture(params=[LEVELS[0], LEVELS[2]])
def level(request: pytest.FixtureRequest) -> Level:
    """The two ends; a test for others says so by parametrize("level", LEVELS[…])."""
    return request.param
